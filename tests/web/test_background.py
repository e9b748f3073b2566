"""What goes on beside people's answers: when a step of the loop starts, what becomes of one that fails, and that none outlives the page."""

import shutil
import time
from dataclasses import replace

import pytest
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from spacy_al.config.init import init
from spacy_al.config.learner import EncoderBlock
from spacy_al.config.project import open_project
from spacy_al.store.desk import next_tasks
from spacy_al.store.store import Store
from spacy_al.web import background as steps_module
from spacy_al.web.background import Steps, encode_words
from tests.helpers.chaos import LABELS, OVERRIDES, ROOT, corpus, tree
from tests.helpers.load import Server, make_texts
from tests.helpers.static_encoders import vectors_encoder

CONFIG = ROOT / "configs" / "ner.cfg"
QUICK = {"al.dev_size": 2, "al.batch_size": 4, "al.max_rounds": 1}


def wait_for(what, seconds=120):
    """What becomes true in the end."""
    ends = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < ends
        time.sleep(0.1)
    return found


@pytest.fixture
def start(tmp_path):
    """Steps of a run that trains nothing: no labels to begin with, and nobody gives any."""
    corpus(tmp_path)
    running, lines = [], []

    def go(config=CONFIG, page="", **more):
        paths = {"train": None, "dev": None, "test": None, "pool": tmp_path / "pool_gold.spacy"}
        own = {f"paths.{key}": str(value) if value else None for key, value in paths.items()}
        own |= {**OVERRIDES, "al.output": str(tmp_path / "al"), "al.labels": LABELS, **QUICK}
        project = open_project(config, {**own, **more}, show=lines.append)
        running.append(Steps(project, page=page))
        running[-1].start()
        return project, running[-1]

    go.lines = lines
    yield go
    for one in running:
        one.stop()


def current(project):
    with Store(project.database) as store:
        found = store.round()
        return found and (found.number, found.state)


def answer(project, steps, count, who="ann"):
    with Store(project.database) as store:
        for k in range(count):
            (task,) = next_tasks(store, who, n=1, overlap=project.settings.overlap)
            store.add_answer(
                task.id, {"answer": "ignore"}, id=f"{who}-{task.id}-{k}", annotator=who
            )
            steps.wake()


@pytest.mark.slow
def test_a_step_starts_when_all_is_answered_and_a_run_that_is_over_says_so(start):
    project, steps = start()
    wait_for(lambda: current(project) == (0, "wait") and steps.state() == "")
    answer(project, steps, 3)
    time.sleep(0.5)
    assert current(project) == (0, "wait") and steps.state() == ""
    with Store(project.database) as store:
        assert steps.wait(store) is None
        answer(project, steps, 1)
        assert wait_for(steps.state) == "working"
        # no model was trained yet, so that nobody knows how long it takes
        found = steps.wait(store)
    assert (found["left"], found["is_late"]) == (None, False) and 0 <= found["seconds"] < 60
    # the first round was the last one
    wait_for(lambda: steps.state() == "stopped")
    assert current(project) == (1, "stopped")


@pytest.mark.slow
def test_the_terminal_says_where_the_page_is_and_names_no_files(start, capfd):
    project, steps = start(page="http://127.0.0.1:1/")
    wait_for(lambda: current(project) == (0, "wait") and steps.state() == "")
    shown = capfd.readouterr().err
    assert "Round 0: its questions are on http://127.0.0.1:1/" in shown
    assert "tasks.jsonl" not in shown and "answers.jsonl" not in shown


@pytest.mark.slow
def test_with_overlap_a_step_waits_for_the_last_one(start):
    project, steps = start(**{"al.overlap": 2})
    wait_for(lambda: current(project) == (0, "wait") and steps.state() == "")
    answer(project, steps, 4)
    time.sleep(0.5)
    assert current(project) == (0, "wait") and steps.state() == ""
    answer(project, steps, 4, "bob")
    wait_for(lambda: steps.state() == "stopped")


@pytest.mark.slow
def test_a_step_that_fails_is_told_and_tried_again(start, monkeypatch, tmp_path, capfd):
    monkeypatch.setattr(steps_module, "AGAIN", 0.5)
    pool, away = tmp_path / "pool_gold.spacy", tmp_path / "away"
    real, seen = Steps._step, []

    def step(self):
        # the pool is away for as long as a step takes
        if not seen:
            pool.rename(away)
        real(self)
        seen.append(self.state())
        if away.exists():
            away.rename(pool)

    monkeypatch.setattr(Steps, "_step", step)
    project, steps = start()
    wait_for(lambda: len(seen) > 1)
    assert seen[0] == "failed" and "✘" in capfd.readouterr().err
    wait_for(lambda: steps.state() == "")
    assert current(project) == (0, "wait")


@pytest.mark.slow
@pytest.mark.parametrize("stop", ["kill", "stop"])
def test_nothing_trains_on_without_its_page(tmp_path, stop):
    """The real server, while the real training goes on: of all that it has started nothing is left."""
    corpus(tmp_path)
    make_texts(tmp_path / "al" / "al.db", 1)
    with Store(tmp_path / "al" / "al.db") as store:
        (task,) = next_tasks(store, "ann")
        store.add_answer(task.id, {"answer": "ignore"}, id="1", annotator="ann")
    server = Server(tmp_path, ["ann"], 1, "--training.max_steps", "100000")
    try:
        trains = wait_for(
            lambda: [pid for pid in tree(server.process.pid) if "train" in words(pid)]
        )
        below = [pid for pid in tree(server.process.pid) if pid != server.process.pid]
        assert len(below) > 1 and trains[0] in below
        if stop == "kill":
            server.kill()
        else:
            server.process.terminate()
            server.process.wait(60)
        wait_for(lambda: not [pid for pid in below if words(pid)])
    finally:
        server.kill()
    # what it was about to write is swept away, and the same command goes on
    assert "Traceback" not in server.log.read_text()
    # it was to print nothing but links and errors
    assert [line[0] for line in server.log.read_text().splitlines()] == ["✔"]


def words(pid):
    """The words of a command that runs, none if it does not any more."""
    try:
        with open(f"/proc/{pid}/cmdline") as file:
            return file.read().split("\0")[:-1]
    except OSError:
        return []


# What an encoder says of the pool


@pytest.mark.slow
def test_the_pool_is_encoded_while_people_answer(start, tmp_path):
    corpus(tmp_path)
    docs = DocBin().from_disk(tmp_path / "pool_gold.spacy").get_docs(Vocab())
    encoder = vectors_encoder(tmp_path / "encoder", docs)
    shutil.copy(CONFIG, tmp_path / "own.cfg")
    init(tmp_path / "own.cfg", encoder=encoder)
    project, steps = start(config=tmp_path / "own.cfg")
    assert wait_for(lambda: steps._encoding.poll() is not None) and steps._encoding.poll() == 0
    assert list(project.settings.encodings.glob("*/*.alenc"))


def test_what_is_encoded_is_what_models_will_read():
    own = {"paths.train": None, "paths.dev": None, "paths.test": None, "al.labels": LABELS}
    project = open_project(CONFIG, {**own, "paths.pool": str(ROOT / "corpus" / "pool.spacy")})
    assert encode_words(project) is None
    block = EncoderBlock("model", (2, -1), 40)
    project = replace(project, settings=replace(project.settings, learner="auto", encoder=block))
    words = encode_words(project)
    assert words[words.index("--layers") + 1] == "2,-1"
    assert words[words.index("--window") + 1] == "40"
    assert words[words.index("--output") + 1] == str(project.settings.encodings)
    assert "--texts-only" not in words
    plain = replace(project, settings=replace(project.settings, learner="scratch"))
    assert encode_words(plain) is None

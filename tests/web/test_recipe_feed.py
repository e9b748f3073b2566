"""A recipe that asks on the page: one question after the other, in the light of what was said, until the round has enough."""

import shutil
import time
import uuid
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest
from typer.testing import CliRunner

from spacy_al import get_posteriors
from spacy_al.cli import app
from spacy_al.config.project import open_project
from spacy_al.errors import AlError
from spacy_al.loop.rounds import run, wait_round
from spacy_al.loop.status import status
from spacy_al.posteriors.component import open_pipeline
from spacy_al.query.select import select
from spacy_al.store.store import Store
from spacy_al.tasks.decision import make_doc
from spacy_al.tasks.task import read_tasks
from spacy_al.util import content_hash
from spacy_al.web import recipe_feed as feed_module
from spacy_al.web.recipe_feed import Feed, check_task
from tests.helpers.chaos import OVERRIDES, ROOT
from tests.helpers.ner_oracle import make_ner
from tests.query.test_select import TEXTS, save_light, write
from tests.web.test_app import as_, ask, client_of

CONFIG = ROOT / "configs" / "ner.cfg"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    for seed in (0, 3):
        save_light(make_ner(seed=seed, updates=2, scale=1.5), root / str(seed))
    return root


@pytest.fixture
def start(models, tmp_path):
    """A run whose round 0 has a model and waits, and its page."""
    feeds, lines = [], []

    def go(recipe, *, texts=TEXTS[:20], batch=6, model="0", overlap=1):
        paths = {"train": None, "dev": write(TEXTS[50:52], tmp_path / "dev"), "test": None}
        paths["pool"] = write(texts, tmp_path / "pool", 7)
        own = {f"paths.{key}": str(value) if value else None for key, value in paths.items()}
        own |= {**OVERRIDES, "al.output": str(tmp_path / "al"), "al.labels": ["PER", "DRUG"]}
        own |= {"al.recipe": str(recipe), "al.batch_size": batch, "al.overlap": overlap}
        project = open_project(CONFIG, own, show=lines.append)
        with Store(project.database) as store:
            if store.round() is None:
                store.open_round(0)
                store.advance(0, "wait")
        if model:
            shutil.copytree(models / model, project.folder(0) / "model-best", dirs_exist_ok=True)
        feeds.append(Feed(project))
        how = {"feed": feeds[-1], "at_least": project.at_least, "overlap": overlap}
        return project, client_of(project.database, **how)

    go.lines = lines
    yield go
    for feed in feeds:
        feed.stop()


def one(client, who="ann"):
    """The next question; the first one takes as long as a process takes to start."""
    for _ in range(300):
        found = client.post("/api/next", json={"n": 2}, headers=as_(who)).json()
        if found["tasks"] or found["progress"]["working"] in ("", "failed"):
            return found["tasks"]
    raise AssertionError("nothing was asked")


def say(client, task, verdict="accept", who="ann"):
    marks = [] if verdict == "ignore" else task["task"]["spans"]
    # as the page sends them
    spans = [{k: m[k] for k in ("token_start", "token_end", "label")} for m in marks]
    payload = {"answer": verdict, "spans": spans}
    sent = {"id": uuid.uuid4().hex, "task": task["id"], "payload": payload, "seconds": 2}
    assert client.post("/api/answer", json=sent, headers=as_(who)).json()["new"]


@pytest.mark.slow
def test_each_question_knows_what_was_said_a_moment_ago(start, models):
    project, client = start("ner_teach", batch=12)
    nlp, before, same = open_pipeline(str(models / "0")), {}, 0
    for k in range(12):
        (task,) = one(client)  # and none in advance
        doc, given = make_doc(task["task"], nlp.vocab), before.setdefault(task["task"]["text"], [])
        (span,) = task["task"]["spans"]
        mark = (span["token_start"], span["token_end"] + 1, span["label"])
        yes, no = ([m for m, v in given if v == verdict] for verdict in ("accept", "reject"))
        posterior = get_posteriors(nlp, [doc])[0].condition(yes, no)
        assert span["score"] == pytest.approx(posterior.prob(*mark), abs=1e-5)
        same += bool(given)
        verdict = "accept" if k % 3 == 0 else "reject"
        given.append((mark, verdict))
        say(client, task, verdict)
    assert same > 2
    # the round has what it is to have, and the loop goes on with all of it
    assert one(client) == []
    with Store(project.database) as store:
        assert wait_round(store, project, store.round()) is None and store.round().state == "done"
    assert len([*read_tasks(project.folder(0) / "tasks.jsonl")]) == 12


@pytest.mark.slow
def test_a_newer_model_ranks_anew_and_a_restart_repeats_nothing(start, models):
    project, client = start("ner_correct")
    texts = []

    def answer(client, count):
        for _ in range(count):
            (task,) = one(client)
            assert task["task"]["meta"]["round"] == 0
            texts.append(task["task"]["text"])
            say(client, task)

    answer(client, 2)
    shutil.copytree(models / "3", project.folder(1) / "model-best", copy_function=shutil.copyfile)
    answer(client, 2)
    # as when the server was killed: another process, which is told what was said
    _, client = start("ner_correct", model=None)
    answer(client, 2)
    assert one(client) == []
    how = {"acquisition": "token_entropy", "density_weight": 1.0, "n": 2}
    for k, name in ((0, "0"), (2, "3"), (4, "3")):
        asked = {content_hash(text) for text in texts[:k]}
        best = select(project.settings.pool, model=str(models / name), asked=asked, **how)
        assert texts[k : k + 2] == [task["text"] for task in best.tasks]


def test_however_many_wait_for_a_question_answers_find_a_thread(monkeypatch):
    monkeypatch.setattr(feed_module, "PATIENCE", 60)
    feed = Feed(None)
    # as while its process looks for one
    child: Any = object()
    feed._child, feed._asked = child, True
    with ThreadPoolExecutor(20) as people:
        asking = [people.submit(feed.next) for _ in range(20)]
        deadline = time.monotonic() + 50
        while sum(one.done() for one in asking) < 12 and time.monotonic() < deadline:
            time.sleep(0.05)
        ended, waiting = wait(asking, timeout=0)
        assert len(waiting) == feed_module.WAITING and {one.result() for one in ended} == {None}
        with feed._changed:
            feed._asked = False
            feed._ready.append({"text": "a"})
            feed._changed.notify_all()
        assert sum(one.result(60) is not None for one in waiting) == 1
        assert feed._waiting == 0


@pytest.mark.slow
def test_people_share_a_stream_and_texts_go_to_as_many_as_they_should(start):
    _, client = start("ner_correct", batch=4, overlap=2)
    got = {who: [] for who in ("ann", "bob", "cleo")}
    for who in (*got, *got, *got):
        for task in one(client, who)[:1]:
            got[who].append(task["id"])
            say(client, task, "reject", who)
    assert sorted(map(len, got.values())) == [2, 3, 3]
    counts = [sum(task in own for own in got.values()) for task in {*got["ann"], *got["bob"]}]
    assert counts == [2] * 4


@pytest.mark.slow
def test_at_its_end_the_loop_goes_on_without_waiting_and_then_stops(start):
    project, client = start("ner_correct", texts=TEXTS[:3])
    for _ in range(3):
        (asked,) = one(client)
        say(client, asked, "ignore")
    assert status(project)["waiting"] == {"answered": 3, "asked": 6}
    assert one(client) == [] == ask(client)
    # nothing was labelled, so nothing is trained on
    outcome = run(project)
    assert outcome.round == 1 and "annotate" in outcome.sentence
    assert one(client) == []
    outcome = run(project)
    assert outcome.state == "stopped" and "nothing left to ask" in outcome.sentence


@pytest.mark.slow
def test_a_round_that_waits_for_a_recipe_says_where(start):
    project, _ = start("ner_correct", model=None)
    outcome = run(project)
    assert outcome.state == "waiting" and "6 of 6 answers, on the page: `" in outcome.sentence
    assert status(project)["sentence"] == outcome.sentence
    with Store(project.database) as store:
        assert list(store.tasks()) == []


HEAD = "import os\nfrom spacy_al.recipe import recipe\n@recipe('mine')\ndef mine(dataset):\n"
TOKEN = {"text": "A", "start": 0, "end": 1, "id": 0, "ws": True}
TASK = {"text": "A b", "tokens": [TOKEN], "labels": ["PER"], "meta": {}}


@pytest.mark.parametrize(
    "task, view, why",
    [
        ("A", "ner_manual", "mapping"),
        (TASK, "choice", "asks for categories"),
        ({**TASK, "text": " "}, "ner_manual", "text"),
        ({**TASK, "meta": {"score": float("nan")}}, "ner_manual", "JSON"),
        ({**TASK, "meta": 7}, "ner_manual", "meta"),
        ({**TASK, "_task_hash": "a"}, "ner_manual", "hash"),
    ],
)
def test_tasks_that_cannot_be_asked(task, view, why):
    # Prodigy gives hashes to what a recipe streams, and so does the page
    made, again, other = (
        check_task(task, "entities", "ner_manual", "mine")
        for task in (TASK, TASK, {**TASK, "labels": ["PER", "LOC"]})
    )
    assert made == again == {**made, **TASK, "_view_id": "ner_manual"}
    assert made["_task_hash"] != other["_task_hash"] and made["_input_hash"] == other["_input_hash"]
    given = {**TASK, "_input_hash": 1, "_task_hash": 2}
    assert check_task(given, "entities", "ner_manual", "mine") == {**made, **given}
    with pytest.raises(AlError, match=f"AL275.*{why}"):
        check_task(task, "entities", view, "mine")


@pytest.mark.slow
@pytest.mark.parametrize(
    "stream, code, why",
    [
        ("[{'text': 'A'}]", "AL275", "'tokens' is missing"),
        ("(1 / 0 for _ in [1])", "AL276", "ZeroDivisionError"),
        ("3", "AL264", "gives no tasks"),
    ],
)
def test_a_recipe_that_fails_is_told_and_the_page_stays(start, tmp_path, stream, code, why):
    path = tmp_path / "mine.py"
    made = f"{{'dataset': dataset, 'view_id': 'ner_manual', 'stream': {stream}}}"
    prints = "    print('to the terminal')\n    os.system('echo and so does what it starts')\n"
    path.write_text(f"{HEAD}{prints}    return {made}\n")
    _, client = start(path, model=None)
    assert one(client) == []
    (line,) = start.lines
    assert code in line and why in line
    assert client.get("/api/progress").json()["working"] == "failed"


@pytest.mark.slow
def test_it_is_tried_again_when_what_it_needs_is_there(start, models, monkeypatch):
    monkeypatch.setattr(feed_module, "AGAIN", 0.0)
    project, client = start("ner_teach", model=None)
    assert one(client) == [] and "AL265" in start.lines[0]
    shutil.copytree(models / "0", project.folder(0) / "model-best")
    assert one(client)[0]["task"]["_view_id"] == "ner"
    assert len(start.lines) == 1


def test_a_recipe_that_is_not_there(start):
    project, _ = start("ner_correct", model=None)
    words = ["annotate", CONFIG, "--no-open", "--recipe", "nothing"]
    for name, value in project.overrides.items():
        if name.startswith("paths") and value:
            words += [f"--{name}", value]
    done = CliRunner().invoke(app, list(map(str, words)))
    assert done.exit_code == 2 and "AL260" in done.output

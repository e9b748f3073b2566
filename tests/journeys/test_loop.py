"""The loop, on a small part of the corpus that ships: what it asks, trains, keeps and says."""

import json
import multiprocessing
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.config.project import open_project
from spacy_al.errors import AlError
from spacy_al.loop.rounds import run
from spacy_al.loop.status import status
from spacy_al.oracle.annotator import make_oracle
from spacy_al.oracle.gold_texts import read_gold_texts
from spacy_al.processes.lock import locked
from spacy_al.store.desk import next_tasks
from spacy_al.store.store import Store
from spacy_al.util import content_hash
from tests.helpers.chaos import LABELS, OVERRIDES, ROOT, command, corpus, disturb

CONFIG = ROOT / "configs" / "ner.cfg"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    corpus(folder)
    return folder


def project_of(small, output, overrides=None, **how):
    names = {"train": "seed", "dev": "dev", "pool": "pool_gold", "test": None}
    paths = {f"paths.{k}": str(small / f"{v}.spacy") if v else None for k, v in names.items()}
    own = {**paths, **OVERRIDES, "al.output": str(output), "al.labels": LABELS}
    return open_project(CONFIG, {**own, **(overrides or {})}, **how)


def answer(store, small, *, annotator="ann", change=lambda payload: payload):
    """Answer all that is asked, as gold has it."""
    oracle, gold = make_oracle(), read_gold_texts(small / "pool_gold.spacy")
    for stored in store.unanswered():
        payload, _ = oracle(stored.task, gold[stored.item], kind="entities", spans_key="sc", seed=0)
        name = f"{annotator}-{stored.id}"
        store.add_answer(stored.id, change(payload), id=name, annotator=annotator, seconds=2.0)


def docs_of(path):
    return list(DocBin().from_disk(path).get_docs(Vocab()))


@pytest.fixture(scope="module")
def finished(small, tmp_path_factory):
    """A run of three rounds, answered from gold."""
    output = tmp_path_factory.mktemp("run") / "al"
    project = project_of(small, output, oracle=small / "pool_gold.spacy")
    assert run(project).state == "stopped"
    return project


@pytest.mark.slow
def test_every_label_is_accounted_for(finished, small):
    seed, gold = docs_of(small / "seed.spacy"), read_gold_texts(small / "pool_gold.spacy")
    for number in range(4):
        docs = docs_of(finished.folder(number) / "train.spacy")
        assert len(docs) == 30 + 12 * number
        assert [doc.text for doc in docs[:30]] == [doc.text for doc in seed]
        for doc in docs[30:]:
            right = gold[content_hash(doc.text)]
            assert [(e.start_char, e.end_char, e.label_) for e in doc.ents] == [
                (e.start_char, e.end_char, e.label_) for e in right.ents
            ]
    with Store(finished.database, create=False) as store:
        asked = [stored.item for stored in store.tasks()]
        assert len(asked) == len(set(asked)) == 36 == store.n_answers()
        assert not set(asked) & {content_hash(doc.text) for doc in seed}


@pytest.mark.slow
def test_a_round_leaves_what_it_takes_to_do_it_again(finished, tmp_path):
    folder = finished.folder(1)
    names = "config.cfg metrics.json model-best tasks.jsonl answers.jsonl train.spacy train.log"
    assert set(names.split()) <= {path.name for path in folder.iterdir()}
    tasks = [json.loads(line) for line in (folder / "tasks.jsonl").read_text("utf8").splitlines()]
    assert tasks[0]["meta"]["round"] == 1 and len(tasks[0]["uncertainty"]) == len(
        tasks[0]["tokens"]
    )
    words = ["select", "--config", str(folder / "config.cfg"), "-m", str(folder / "model-best")]
    again = tmp_path / "again.jsonl"
    result = CliRunner().invoke(app, [*words, "--round", "1", "-o", str(again)])
    assert result.exit_code == 0, result.output
    found = [json.loads(line) for line in again.read_text("utf8").splitlines()]
    assert [task["text"] for task in found] == [task["text"] for task in tasks]
    # and without it, what no round has asked
    assert CliRunner().invoke(app, [*words, "-o", str(again)]).exit_code == 0
    with Store(finished.database, create=False) as store:
        asked = store.asked_ids()
    new = {content_hash(json.loads(line)["text"]) for line in again.read_text("utf8").splitlines()}
    assert len(new) == 12 and not new & asked


@pytest.mark.slow
def test_what_was_measured_is_there(finished):
    found = status(finished)
    json.dumps(found)
    assert found["state"] == "stopped" and "max_rounds" in found["sentence"]
    assert [row["texts"] for row in found["rounds"]] == [30, 42, 54, 66]
    assert [row["answers"] for row in found["rounds"]] == [12, 12, 12, None]
    with Store(finished.database, create=False) as store:
        metrics = store.metrics()
    assert "span_f1" not in metrics[0] and {"kappa", "span_f1"} <= metrics[1].keys()
    assert metrics[0]["expected_errors"] > 0 and metrics[0]["n_pool"] == 90
    assert metrics[1]["seconds_answers"] > 0 and sum(metrics[1]["balance"].values()) > 0
    assert metrics[1]["words_shown"] == metrics[1]["words_decided"] > 0


@pytest.mark.slow
def test_a_stopped_run_stays_stopped_until_its_config_changes(finished):
    before = {path: path.stat().st_mtime_ns for path in finished.output.rglob("model")}
    assert run(finished).state == "stopped"
    assert {path: path.stat().st_mtime_ns for path in finished.output.rglob("model")} == before
    more = replace(finished, settings=replace(finished.settings, max_rounds=4), oracle=None)
    outcome = run(more)
    assert outcome.state == "waiting" and outcome.round == 3
    assert "12 of 12" in outcome.sentence


@pytest.mark.slow
def test_people_answer_and_correct_and_contradict(small, tmp_path):
    project = project_of(small, tmp_path / "al", {"al.max_rounds": 2})
    assert run(project).state == "waiting"
    with Store(project.database) as store:
        answer(store, small)
        first, second, *_ = list(store.tasks(0))
        wrong = {"answer": "accept", "spans": []}
        # a correction by the same person, and another's view of the next text
        store.add_answer(first.id, {"answer": "ignore"}, id="c", annotator="ann")
        other = [{"token_start": 0, "token_end": 0, "label": "PERSON"}]
        store.add_answer(second.id, wrong | {"spans": other}, id="d", annotator="other")
    assert run(project).state == "waiting"
    trained = {content_hash(doc.text) for doc in docs_of(project.folder(1) / "train.spacy")}
    assert first.item not in trained and second.item not in trained
    assert len(trained) == 30 + 12 - 2
    assert status(project)["rounds"][1]["review"] == 1
    with Store(project.database) as store:
        (review,) = store.tasks(1, purpose="review")
        assert review.item == second.item and len(review.task["review"]) == 2
        store.add_answer(review.id, wrong, id="e", annotator="judge")
        answer(store, small)
    assert run(project).state == "stopped"
    docs = {content_hash(doc.text): doc for doc in docs_of(project.folder(2) / "train.spacy")}
    assert len(docs) == 30 + 24 - 1
    assert docs[second.item].ents == () and first.item not in docs


@pytest.mark.slow
def test_a_project_without_any_label_begins_with_a_sample_to_measure_on(small, tmp_path):
    nothing = {"paths.train": None, "paths.dev": None, "al.dev_size": 10, "al.max_rounds": 2}
    project = project_of(small, tmp_path / "al", nothing, oracle=small / "pool_gold.spacy")
    assert run(project).state == "stopped"
    dev = {doc.text for doc in docs_of(tmp_path / "al" / "dev.spacy")}
    train = {doc.text for doc in docs_of(project.folder(2) / "train.spacy")}
    # five of twelve measure, until there are ten
    assert len(dev) == 10 and len(train) == 14 and not dev & train
    assert not (project.folder(0) / "model-best").exists()
    with Store(project.database) as store:
        designs = {(t.purpose, t.task["meta"]["strategy"]) for t in store.tasks(0)}
        assert designs == {("dev", "uniform"), ("train", "representative")}
        assert store.metrics()[0]["answers"] == 12


@pytest.mark.slow
def test_a_training_that_fails_leaves_the_round_open(small, tmp_path):
    broken = project_of(small, tmp_path / "al", {"training.optimizer.learn_rate": "fast"})
    with pytest.raises(AlError, match="AL130"):
        run(broken)
    assert status(broken)["state"] == "train"
    mended = project_of(small, tmp_path / "al", {"al.max_rounds": 1})
    assert run(mended).state == "waiting"


@pytest.mark.slow
def test_a_run_goes_on_from_its_last_model_and_from_the_pool(small, tmp_path):
    how = {"al.retrain": "resume", "al.pretrain_epochs": 1, "al.max_rounds": 1}
    project = project_of(small, tmp_path / "al", how, oracle=small / "pool_gold.spacy")
    assert run(project).state == "stopped"
    assert (tmp_path / "al" / "pretrain" / "model-last.bin").is_file()
    assert "model-last.bin" in (project.folder(0) / "config.cfg").read_text("utf8")
    assert 'source = "' in (project.folder(1) / "config.cfg").read_text("utf8")


@pytest.mark.slow
def test_the_pool_can_be_used_up(small, tmp_path):
    docs = docs_of(small / "pool_gold.spacy")[:15]
    DocBin(docs=docs).to_disk(tmp_path / "pool.spacy")
    pool = {"paths.pool": str(tmp_path / "pool.spacy"), "al.max_rounds": 5}
    project = project_of(small, tmp_path / "al", pool, oracle=small / "pool_gold.spacy")
    outcome = run(project)
    assert outcome.state == "stopped" and "Every text" in outcome.sentence
    # the last three were asked with the first twelve
    assert len(docs_of(project.folder(1) / "train.spacy")) == 45
    assert run(project) == outcome


@pytest.mark.slow
def test_commands_say_where_a_run_is_by_their_status(small, tmp_path):
    words = command(small, tmp_path / "al")[3:]
    result = CliRunner().invoke(app, [*words, "--paths.test", str(small / "dev.spacy")])
    assert result.exit_code == 3, result.output
    found = CliRunner().invoke(
        app, ["status", *[w for w in words[1:] if w not in ("--once", "--quiet")], "--json"]
    )
    assert json.loads(found.stdout)["waiting"] == {"answered": 0, "asked": 12}


@pytest.mark.slow
def test_one_loop_at_a_time(tmp_path):
    with locked(tmp_path):
        code = f"from pathlib import Path; from spacy_al.processes.lock import locked; locked(Path({str(tmp_path)!r})).__enter__()"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
        assert "AL155" in done.stderr
        with pytest.raises(AlError, match="AL155"), locked(tmp_path):
            pass
    with locked(tmp_path):
        pass


@pytest.mark.slow
@pytest.mark.parametrize(
    "overrides,code",
    [
        ({"paths.train": None, "al.labels": []}, "AL157"),
        ({"paths.dev": None, "al.dev_size": 0}, "AL158"),
        ({"paths.pool": None}, "AL090"),
        ({"al.component": "tok2vec"}, "AL156"),
        ({"paths.dev": "nowhere.spacy"}, "AL040"),
        ({"al.batch_size": 0}, "AL083"),
    ],
)
def test_what_cannot_be_run_is_explained(small, tmp_path, overrides, code):
    with pytest.raises(AlError, match=code):
        project_of(small, tmp_path / "al", overrides)
    assert not (tmp_path / "al").exists()


@pytest.mark.slow
def test_status_of_no_run(small, tmp_path):
    with pytest.raises(AlError, match="AL110"):
        status(project_of(small, tmp_path / "al"))


# What a run survives


@pytest.mark.slow
def test_killed_and_without_disk_it_ends_as_if_nothing_had_happened(tmp_path):
    """`python -m tests.helpers.chaos` does the same for as long as one likes."""
    counts = disturb(tmp_path, kills=5, full_disks=3, seed=1, say=lambda line: None)
    assert counts["loop killed"] + counts["training killed"] + counts["front end killed"] == 5


def front_end(database, name, gold):
    """Answer whatever is asked until the run has stopped."""
    oracle, texts = make_oracle(), read_gold_texts(gold)
    with Store(database, create=False) as store:
        while store.round().state != "stopped":
            stored = next(iter(next_tasks(store, name, n=1)), None)
            if stored is None:
                # the cores are for who trains
                time.sleep(0.05)
                continue
            payload, _ = oracle(
                stored.task, texts[stored.item], kind="entities", spans_key="sc", seed=0
            )
            store.add_answer(stored.id, payload, id=f"{name}-{stored.id}", annotator=name)


@pytest.mark.slow
def test_two_people_answer_three_thousand_questions_while_the_loop_runs(small, tmp_path):
    docs = docs_of(small / "pool_gold.spacy")
    many = []
    for number in range(3_100):
        copy = docs[number % 90].copy()
        # letters, as texts that differ in digits alone are near duplicates, at both ends, as those that differ in a word are
        name = "".join(chr(97 + number // 26**place % 26) for place in range(3))
        words = [name, *(token.text for token in copy), name]
        spaces = [True, *(True for _ in copy), False]
        many.append(type(copy)(copy.vocab, words=words, spaces=spaces))
    gold = tmp_path / "pool.spacy"
    for doc in many:
        doc.set_ents([], default="outside")
    DocBin(docs=many).to_disk(gold)
    overrides = {"paths.pool": str(gold), "al.batch_size": 1500, "al.max_rounds": 2}
    overrides |= {"training.max_steps": 2, "training.eval_frequency": 1}
    overrides |= {"al.stopper.stoppers.budget.answers": 100_000}
    project = project_of(small, tmp_path / "al", overrides)
    assert run(project).state == "waiting"
    context = multiprocessing.get_context("spawn")
    people = [
        context.Process(target=front_end, args=(project.database, name, gold), daemon=True)
        for name in ("ann", "bo")
    ]
    for person in people:
        person.start()
    while run(project).state == "waiting":
        assert all(person.is_alive() for person in people)
        time.sleep(0.2)
    for person in people:
        person.join(60)
        assert person.exitcode == 0
    connection = sqlite3.connect(project.database)
    rows = connection.execute(
        "SELECT count(*), count(DISTINCT id), count(DISTINCT task) FROM answers"
    )
    # the last hundred texts are asked with the second batch
    assert rows.fetchone() == (3_100, 3_100, 3_100)
    names = connection.execute("SELECT DISTINCT annotator FROM answers").fetchall()
    assert sorted(names) == [("ann",), ("bo",)]
    assert len(docs_of(project.folder(2) / "train.spacy")) == 3_130

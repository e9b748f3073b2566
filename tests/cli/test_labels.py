"""`labels`, and a config that says something else than its run: nothing here trains."""

import json
import sqlite3
from dataclasses import replace

import pytest
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_al.adapters.answer_files import import_
from spacy_al.cli import app
from spacy_al.config.project import open_project
from spacy_al.errors import AlError
from spacy_al.loop.answer_list import look_at_answers, read_corrections, write_answers
from spacy_al.loop.answers import ask_oracle, merged_answers
from spacy_al.loop.export import export
from spacy_al.loop.history import stopping
from spacy_al.loop.labels import QUESTIONS, change, check_labels, look_ahead, with_labels
from spacy_al.loop.next_batch import select_next
from spacy_al.loop.rounds import run
from spacy_al.loop.status import status
from spacy_al.oracle.annotator import ORACLE
from spacy_al.processes.lock import locked
from spacy_al.store.desk import next_tasks, own_task
from spacy_al.store.labels import change_labels
from spacy_al.store.store import Store
from tests.helpers.chaos import ROOT
from tests.helpers.ward import ward

CONFIG = ROOT / "configs" / "ner.cfg"
THREE = ["DRUG", "PERSON", "DOSE"]


@pytest.fixture
def how(tmp_path):
    DocBin(docs=ward(60, 1)).to_disk(tmp_path / "pool.spacy")
    DocBin(docs=ward(5, 2, THREE)).to_disk(tmp_path / "dev.spacy")
    return {
        "paths.train": None,
        "paths.dev": str(tmp_path / "dev.spacy"),
        "paths.pool": str(tmp_path / "pool.spacy"),
        "paths.test": None,
        "al.output": str(tmp_path / "al"),
        "al.labels": THREE,
        "al.batch_size": 6,
    }


@pytest.fixture
def project(how):
    """A run that has asked six questions, of which four are answered: each first word is a person."""
    project = open_project(CONFIG, how)
    assert run(project).state == "waiting"
    with Store(project.database) as store:
        for stored in store.unanswered()[:4]:
            spans = [{"token_start": 0, "token_end": 0, "label": "PERSON"}]
            payload = {"answer": "accept", "spans": spans}
            store.add_answer(stored.id, payload, id=f"x-{stored.id}", annotator="ann")
    return project


def command(how, *words, status=0, text=None):
    given = [f"--{key}={json.dumps(value)}" for key, value in how.items()]
    result = CliRunner().invoke(app, ["labels", str(CONFIG), *words, *given], input=text)
    assert result.exit_code == status, (result.output, result.exception)
    return result.output


def marks(project):
    with Store(project.database) as store:
        return +merged_answers(store, project).balance


def raw(project):
    with sqlite3.connect(project.database) as database:
        return [
            database.execute(f"SELECT id, payload FROM {t}").fetchall()
            for t in ("tasks", "answers")
        ]


def test_a_change_is_shown_and_asked_before_it_happens(project, how):
    before = raw(project)
    shown = command(how, "rename", "PERSON", "NAME", text="n\n")
    assert "4 marks of PERSON are NAME from now on" in shown and "Nothing was changed" in shown
    assert marks(project) == {"PERSON": 4}
    assert "DRUG, NAME, DOSE" in command(how, "rename", "PERSON", "NAME", text="y\n")
    assert marks(project) == {"NAME": 4}
    command(how, "merge", "NAME", "DOSE", "into", "THING", "--yes")
    command(how, "remove", "DRUG", "--yes")
    assert "4 answered texts stay as they are" in command(how, "add", "ROUTE", "--yes")
    listed = command(how)
    assert "THING" in listed and "not measured" in listed and "DRUG" not in listed
    assert status(project)["labels"] == ["THING", "ROUTE"]
    for _ in range(4):
        command(how, "undo", "--yes")
    assert marks(project) == {"PERSON": 4} and status(project)["labels"] == THREE
    assert raw(project) == before


@pytest.mark.parametrize("times", [{}, {"_timestamp": 5.0}], ids=["without times", "with times"])
@pytest.mark.parametrize("kind", ["rename", "merge"])
def test_a_file_is_taken_once_whatever_its_labels_are_called_now(project, tmp_path, kind, times):
    with Store(project.database) as store:
        task = store.unanswered()[0]
    span = {"start": 0, "end": task.task["tokens"][0]["end"], "label": "PERSON"}
    line = {**task.task, "answer": "accept", "spans": [span], **times}
    (tmp_path / "a.jsonl").write_text(json.dumps(line))
    with Store(project.database) as store:
        assert import_(store, tmp_path / "a.jsonl").counts == {"stored": 1}
        # on the page the same person has taken the mark away since
        payload = {"answer": "accept", "spans": []}
        store.add_answer(task.id, payload, id="page", annotator="prodigy")
    change(project, kind, ["PERSON"] if kind == "rename" else ["PERSON", "DOSE"], "NAME")
    with Store(project.database) as store:
        assert import_(store, tmp_path / "a.jsonl").counts == {"already there": 1}
        assert [one.id for one in store.answers() if one.task == task.id] == ["page"]


def test_marks_in_texts_that_measure_count_as_well(how):
    """A development set that is asked for has answers like any other."""
    project = open_project(CONFIG, {**how, "paths.dev": None, "al.dev_size": 4})
    assert run(project).state == "waiting"
    with Store(project.database) as store:
        tasks = store.unanswered()
        assert {one.purpose for one in tasks} == {"train", "dev"}
        for one in tasks:
            spans = [{"token_start": 0, "token_end": 0, "label": "PERSON"}]
            payload = {"answer": "accept", "spans": spans}
            store.add_answer(one.id, payload, id=f"x-{one.id}", annotator="ann")
    how = {**how, "paths.dev": None, "al.dev_size": 4}
    assert {
        row[0]: row[2] for row in map(str.split, command(how).splitlines()) if row[:1] == ["PERSON"]
    } == {"PERSON": str(len(tasks))}
    shown = command(how, "remove", "PERSON", text="n\n")
    assert f"{len(tasks)} marks of PERSON count no more" in shown


def test_questions_that_wait_have_the_labels_of_now_everywhere(project, tmp_path):
    change(project, "rename", ["PERSON"], "NAME")
    change(project, "add", ["ROUTE"])
    lines = (project.folder(0) / "tasks.jsonl").read_text("utf8").splitlines()
    labels = [json.loads(line)["labels"] for line in lines]
    # what is answered shows what it was answered with
    assert labels.count(["DRUG", "NAME", "DOSE", "ROUTE"]) == 2
    assert labels.count(["DRUG", "NAME", "DOSE"]) == 4
    route = {"token_start": 1, "token_end": 1, "label": "ROUTE"}
    old = {"token_start": 0, "token_end": 0, "label": "PERSON"}
    with Store(project.database) as store:
        first, second = next_tasks(store, "bob", n=2)
        assert first.task["extended"] and first.task["labels"][-1] == "ROUTE"
        # a page that is older than both changes is still heard
        store.add_answer(
            first.id, {"answer": "accept", "spans": [old]}, id="a" * 8, annotator="bob"
        )
        payload = {"answer": "accept", "spans": [route], "labels": first.task["labels"]}
        store.add_answer(second.id, payload, id="b" * 8, annotator="bob")
        found = merged_answers(store, project)
        assert +found.balance == {"NAME": 5, "ROUTE": 1}
        assert len(found.lacking) == 5
        # whoever comes back to it has the new label
        again, said = own_task(store, "bob", first.id)
        assert again.task["labels"][-1] == "ROUTE" and said["spans"][0]["label"] == "NAME"
    out = tmp_path / "out"
    export(project, out)
    answers = [json.loads(x) for x in (out / "answers.jsonl").read_text("utf8").splitlines()]
    assert {s["label"] for a in answers for s in a["spans"]} == {"NAME", "ROUTE"}
    docs = DocBin().from_disk(out / "train.spacy").get_docs(Vocab())
    assert {e.label_ for doc in docs for e in doc.ents} == {"NAME", "ROUTE"}
    batch = select_next(project.settings.pool, project.settings, cold=True, n=2)
    assert batch.tasks[0]["labels"] == ["DRUG", "NAME", "DOSE", "ROUTE"]


def test_a_config_with_other_labels_names_the_command(project, how):
    for labels, said in (
        ([*THREE, "ROUTE"], "add ROUTE"),
        (THREE[:2], "remove DOSE"),
        (["DRUG", "NAME", "DOSE"], "rename PERSON NAME"),
    ):
        other = open_project(CONFIG, {**how, "al.labels": labels})
        for what in (run, check_labels):
            with pytest.raises(AlError, match="AL162") as error:
                what(other)
            assert f"labels {CONFIG} {said}" in str(error.value)
    # an old name is one that the run has had, and a config may leave all of it to the run
    change(project, "rename", ["PERSON"], "NAME")
    for labels in (THREE, ["DRUG", "NAME", "DOSE"]):
        check_labels(open_project(CONFIG, {**how, "al.labels": labels}))
    for verb in ("run", "annotate"):
        words = [f"--{k}={json.dumps(v)}" for k, v in {**how, "al.labels": ["NEW"]}.items()]
        result = CliRunner().invoke(app, [verb, str(CONFIG), *words])
        assert result.exit_code == 1 and "AL162" in result.output


def test_before_the_first_question_a_config_may_say_what_it_likes(how):
    first = open_project(CONFIG, how)
    with Store(first.database) as store:
        assert with_labels(store, first).settings.labels == THREE
        other = open_project(CONFIG, {**how, "al.labels": ["A", "B"]})
        assert with_labels(store, other).settings.labels == ["A", "B"]


def test_a_run_of_an_earlier_version_has_the_labels_of_its_questions(project, how):
    with Store(project.database) as store, store.transaction() as connection:
        connection.execute("DELETE FROM label_operations")
    other = open_project(CONFIG, {**how, "al.labels": [*THREE[:2], "ROUTE"]})
    with Store(project.database) as store:
        assert with_labels(store, other).settings.labels == [*THREE, "ROUTE"]
        assert store.labels().operations[0].into == QUESTIONS


@pytest.mark.parametrize(
    "words, said",
    [
        (("add", "DRUG"), "already"),
        (("add", " "), "no name"),
        (("add", "DRUG "), "white space at an edge"),
        (("rename", "DRUG", "A\nB"), "cannot be printed"),
        (("rename", "NOBODY", "X"), "no label NOBODY"),
        (("rename", "DRUG", "DOSE"), "merge them"),
        (("merge", "DRUG", "INTO", "X"), "Only one label"),
        (("remove", "NOBODY"), "no label NOBODY"),
        (("undo",), "Nothing can be taken back"),
    ],
)
def test_changes_that_cannot_be(project, how, words, said):
    shown = command(how, *words, "--yes", status=2)
    assert "AL163" in shown and said in shown


def test_files_may_be_older_than_a_change_or_younger(project, tmp_path):
    """What other tools have labelled comes in the names of before, or has a label that was added since it was asked."""
    change(project, "rename", ["PERSON"], "NAME")
    change(project, "merge", ["DRUG", "DOSE"], "THING")
    change(project, "add", ["ROUTE"])
    with Store(project.database) as store:
        texts = [one.task["text"] for one in store.unanswered()]
        first = [text.split()[0] for text in texts]
        rows = [
            {"text": text, "label": [[0, len(word), label]]}
            for text, word, label in zip(texts, first, ["PERSON", "DOSE"])
        ]
        path = tmp_path / "old.jsonl"
        path.write_text("\n".join(map(json.dumps, rows)))
        assert import_(store, path, format="doccano").counts == {"stored": 2}
        said = [one.payload for one in store.answers() if one.annotator == "doccano"]
        assert [one["spans"][0]["label"] for one in said] == ["NAME", "THING"]
        # nothing in the file says that the new label was shown
        assert not any("labels" in one for one in said)
        rows[1]["label"][0][2] = "ROUTE"
        path.write_text("\n".join(map(json.dumps, rows)))
        result = import_(store, path, format="doccano", annotator="bob")
        assert result.counts == {"stored": 2} and "ROUTE in 2 answers" in result.remarks()[0]
        said = [one.payload for one in store.answers() if one.annotator == "bob"]
        assert [one["labels"] for one in said] == [["THING", "NAME", "ROUTE"]] * 2
        task = {"text": texts[0], "meta": {"round": 0}, "answer": "accept"}
        task["spans"] = [{"start": 0, "end": len(first[0]), "label": "DRUG"}]
        path.write_text(json.dumps(task))
        assert import_(store, path, annotator="eve").counts == {"stored": 1}
        (last,) = [one.payload for one in store.answers() if one.annotator == "eve"]
        assert last["spans"][0]["label"] == "THING"


def answered(project, **keys):
    """A line of Prodigy's about the first question that waits, with its first word marked."""
    with Store(project.database) as store:
        text = next(iter(store.unanswered())).task["text"]
    span = {"start": 0, "end": len(text.split()[0]), "label": keys.pop("label")}
    return {"text": text, "meta": {"round": 0}, "answer": "accept", "spans": [span], **keys}


@pytest.mark.parametrize("labels", [{}, {"labels": THREE}, {"labels": None}])
def test_a_label_that_came_after_the_question_is_understood_in_prodigy(project, tmp_path, labels):
    change(project, "add", ["ROUTE"])
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(answered(project, label="ROUTE", **labels)))
    with Store(project.database) as store:
        result = import_(store, path, annotator="eve")
        assert result.counts == {"stored": 1}
        assert result.remarks() == [
            "Added after these questions were asked, and taken for shown there: ROUTE in 1 answer."
        ]
        (said,) = [one.payload for one in store.answers() if one.annotator == "eve"]
        assert said["labels"] == [*THREE, "ROUTE"] and said["spans"][0]["label"] == "ROUTE"
        # an answer without it says nothing of it
        path.write_text(json.dumps(answered(project, label="DRUG", **labels)))
        result = import_(store, path, annotator="bob")
        (said,) = [one.payload for one in store.answers() if one.annotator == "bob"]
        assert result.remarks() == [] and "labels" not in said


@pytest.mark.parametrize(
    "label, labels, said",
    [
        ("DOSE", {}, "its label is not among the run's labels any more"),
        ("DOSE", {"labels": THREE}, "its label is not among the run's labels any more"),
        ("FOO", {}, "its label is none of the run's labels"),
        ("FOO", {"labels": ["DRUG", "FOO"]}, "its label is none of the run's labels"),
        ("FOO", {"labels": ["FOO"]}, "its 'labels' are ['FOO']. Those of the run are ['DRUG', "),
        ("DRUG", {"labels": 7}, "its 'labels' are 7. They are a list"),
        ("DRUG", {"labels": [["DRUG"]]}, "its 'labels' are [['DRUG']]. Those of the run are"),
    ],
)
def test_what_is_no_label_of_the_run_is_refused_with_the_reason(
    project, tmp_path, label, labels, said
):
    change(project, "remove", ["DOSE"])
    line = answered(project, label=label, **labels)
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(line))
    words = ["import", str(CONFIG), str(path), f"--al.output={project.output}"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 1 and said in " ".join(result.output.split())


def test_what_else_stands_beside_a_removed_label_is_taken(project, tmp_path):
    change(project, "remove", ["DOSE"])
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(answered(project, label="DOSE")))
    with Store(project.database) as store:
        result = import_(store, path, bad_spans="missing")
    assert result.counts == {"stored": 1}
    assert "undecided there: its label is not among the run's labels any more" in str(
        result.remarks()
    )


def test_a_correction_may_have_a_label_that_came_later(project, tmp_path):
    change(project, "add", ["ROUTE"])
    path = tmp_path / "x.jsonl"
    write_answers(project, look_at_answers(project)[:1], path)
    line = json.loads(path.read_text())
    line["spans"][0]["label"] = "ROUTE"
    path.write_text(json.dumps(line))
    [correction], _ = read_corrections(project, path)
    assert correction.payload["labels"] == [*THREE, "ROUTE"]


def test_the_last_label_stays(project):
    for label in THREE[:2]:
        change(project, "remove", [label])
    with pytest.raises(AlError, match=r"AL163.*last label"):
        look_ahead(project, "remove", ["DOSE"])


@pytest.mark.parametrize("words", [("fly",), ("add",), ("merge", "A", "B"), ("rename", "A")])
def test_words_that_are_no_change(project, how, words):
    assert "Say:" in command(how, *words, status=2)


def test_an_oracle_answers_in_the_names_of_now(project):
    change(project, "rename", ["DRUG"], "MED")
    change(project, "remove", ["DOSE"])
    change(project, "add", ["ROUTE"])
    # the gold has the names of the start, and what the run has no more
    with_gold = replace(project, oracle=project.settings.pool)
    with Store(project.database) as store:
        ask_oracle(store, with_gold, 0)
        given = [answer for answer in store.answers() if answer.annotator == ORACLE]
        found = {span["label"] for answer in given for span in answer.payload["spans"]}
    assert len(given) == 2 and found and found <= {"MED", "PERSON"}


def test_a_run_goes_on_until_an_answer_has_what_was_added(project, how):
    stopper = {"al.stopper.stoppers.budget.answers": 1}
    other = open_project(CONFIG, {**how, **stopper})
    metrics = {"balance": {"PERSON": 4}}
    with Store(project.database) as store:
        assert stopping(store, other, 1, metrics)[0] is False
        change(project, "add", ["ROUTE"])
        stop, reasons = stopping(store, other, 1, metrics)
        assert not stop and "no answer has ROUTE yet" in reasons[-1]
        assert "ROUTE" not in stopping(store, other, 1, {"balance": {"ROUTE": 1}})[1][-1]
        # at the most rounds it ends all the same
        assert stopping(store, other, 10**6, metrics)[0]


def test_a_run_at_work_is_left_alone(project, how, tmp_path):
    with locked(project.output):
        assert "AL155" in command(how, "add", "ROUTE", "--yes", status=1)
    missing = {**how, "al.output": str(tmp_path / "nowhere")}
    assert "AL110" in command(missing, status=1)
    # a name from outside is no escape for the terminal, were it that of a run
    assert "\x1b" not in command(how, "add", "\x1b[31mRED", "--yes", status=2)
    with Store(project.database) as store:
        change_labels(store, "add", ["\x1b[31mRED"])
    assert "\x1b" not in command(how)

"""A text that is asked of several people: the page, the loop and `status` agree on when it is enough."""

import json
import uuid

import pytest
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.cli.status import format_status
from spacy_al.config.project import open_project
from spacy_al.loop.facts import run_facts
from spacy_al.loop.rounds import run
from spacy_al.loop.status import status
from spacy_al.store.store import Store
from spacy_al.tasks.task import read_tasks
from tests.helpers.chaos import LABELS, OVERRIDES, ROOT, corpus
from tests.web.test_app import as_, ask, client_of

CONFIG = ROOT / "configs" / "ner.cfg"


@pytest.fixture
def overrides(tmp_path):
    """Nothing is trained: there are no labels to begin with, and nobody gives any."""
    corpus(tmp_path)
    paths = {"train": None, "dev": None, "test": None, "pool": str(tmp_path / "pool_gold.spacy")}
    own = {"al.output": str(tmp_path / "al"), "al.labels": LABELS, "al.overlap": 2}
    own |= {"al.dev_size": 2, "al.batch_size": 4}
    return {**{f"paths.{key}": value for key, value in paths.items()}, **OVERRIDES, **own}


@pytest.fixture
def project(overrides):
    return open_project(CONFIG, overrides)


def say(client, who, task, seconds=3):
    sent = {"id": uuid.uuid4().hex, "task": task["id"], "payload": {"answer": "ignore"}}
    done = client.post("/api/answer", json={**sent, "seconds": seconds}, headers=as_(who))
    assert done.json()["new"]


@pytest.mark.slow
def test_the_loop_waits_until_enough_have_answered(project, overrides, tmp_path):
    first = run(project)
    assert "8 of 8 answers, 2 people for each text" in first.sentence
    assert "Each text is answered by 2 people." in status(project)["plan"]
    assert "first model comes after 8 answers" in status(project)["plan"]
    assert "2 people at once), then one after every 8" in status(project)["plan"]
    client = client_of(project.database, overlap=2)
    for task in ask(client, "ann", 5):
        assert "answer" not in task["task"]
        say(client, "ann", task)
    # half of what is asked is there, though no text is done
    found = status(project)
    assert found["waiting"] == {"answered": 4, "asked": 8} and "4 of 8 answers" in found["sentence"]
    assert [row["answers"] for row in found["rounds"]] == [4]
    assert run_facts(project)["next"].startswith("Go on answering: 4 of the 8")
    # whoever is away from the page answers elsewhere, of all texts but one
    lines = [
        json.dumps({**task, "answer": "ignore", "_annotator_id": "bob"})
        for task in read_tasks(project.folder(0) / "tasks.jsonl")
    ]
    (tmp_path / "bob.jsonl").write_text("\n".join(lines[:-1]))
    words = ["import", CONFIG, tmp_path / "bob.jsonl"]
    for name, value in overrides.items():
        words += [f"--{name}", value if isinstance(value, str) else json.dumps(value)]
    assert CliRunner().invoke(app, list(map(str, words))).exit_code == 0
    assert ask(client, "ann") == []
    waits = run(project)
    assert waits.round == 0 and "1 of 8 answers, 2 people for each text" in waits.sentence
    (last,) = ask(client, "cleo")
    found = status(project)
    assert found["waiting"] == {"answered": 7, "asked": 8} and found["sentence"] == waits.sentence
    assert {one["name"]: (one["answers"], one["held"]) for one in found["annotators"]} == {
        "ann": (4, []),
        "bob": (3, []),
        "cleo": (0, [last["id"]]),
    }
    say(client, "cleo", last)
    assert run_facts(project)["next"].startswith("All answers of this round are there.")
    with Store(project.database) as store:
        store.advance(0, "done")
        store.open_round(1)
    # as after a training that failed, or was killed
    assert f"`{project.command}` goes on" in status(project)["sentence"]
    assert run(project).round == 1


@pytest.mark.slow
def test_nobody_sees_what_others_said(project):
    run(project)
    client = client_of(project.database, overlap=2)
    (task,) = ask(client, "ann")
    say(client, "ann", task)
    (same,) = ask(client, "bob")
    assert same == task
    shown = client.get("/api/task", params={"id": task["id"]}, headers=as_("bob")).json()
    assert shown["answer"] is None and "ann" not in json.dumps(shown["task"])
    assert client.get("/api/history", headers=as_("bob")).json() == {"tasks": []}


@pytest.mark.slow
def test_the_terminal_shows_who_has_answered_and_how_far_they_agree(project):
    run(project)
    client = client_of(project.database, overlap=2)
    for who, verdicts in (("ann", "ararar"), ("b\x1b[31m\nob", "arraar")):
        name = {"x-annotator": who.replace("\x1b", "%1B").replace("\n", "%0A")}
        for task, verdict in zip(
            client.post("/api/next", json={"n": 5}, headers=name).json()["tasks"], verdicts
        ):
            payload = {"answer": {"a": "accept", "r": "reject"}[verdict], "spans": []}
            sent = {"id": uuid.uuid4().hex, "task": task["id"], "payload": payload, "seconds": 4}
            assert client.post("/api/answer", json=sent, headers=name).status_code == 200
    about = {"task": task["id"], "flagged": True}
    assert client.post("/api/flag", json=about, headers=name).status_code == 200
    found = status(project)
    (flagged,) = found["flagged"]
    assert flagged["task"] == task["id"] and flagged["annotators"] == ["b\x1b[31m\nob"]
    assert f"⚠ b [31m ob flagged {task['id']}: " in format_status(found)
    (pair,) = found["agreement"]
    # of four verdicts two agree, as chance has it
    assert pair["tasks"] == 4 and pair["verdicts"] == 0
    shown = format_status(found)
    assert "\x1b" not in shown and "ann and b [31m ob" in shown
    (row,) = [line for line in shown.splitlines() if line.startswith("ann ") and "and" not in line]
    assert row.split()[1:] == [
        "4",
        "0",
        "4",
        "s",
        f"{found['annotators'][0]['words_per_minute']:.0f}",
    ]
    (row,) = [line for line in shown.splitlines() if line.startswith("ann and")]
    assert row.split()[-2:] == ["4", "0.000"]

"""Damaged databases: each command ends in a coded error or in the right result, and never in another one, unsaid."""

import random
import sqlite3

import pytest
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.errors import AlError
from spacy_al.store.rows import seal, unseal
from spacy_al.store.store import Store
from tests.helpers.chaos import ROOT
from tests.helpers.web_tasks import entities, make_run

CONFIG = ROOT / "configs" / "ner.cfg"
PARTS = {"train": "seed", "dev": "dev", "pool": "pool", "test": "test"}
METRICS = {
    "texts": 5,
    "words": 50,
    "dev": {"score": 0.5, "score_name": "ents_f", "per_label": {}, "texts": 40},
    "stopping": ["Goes on: 0 of at most 10 batches have been answered (max_rounds)."],
}
MODEL = {"hash": "a", "path": "b", "seconds": 1.0, "versions": {"spacy": "3.8"}}


def waiting_run(path):
    """A run that waits for four of twelve answers."""
    with Store(make_run(path, [entities(k) for k in range(12)])) as store:
        for number, stored in enumerate(store.tasks()):
            said = {"answer": "accept", "spans": []}
            if number < 8:
                store.add_answer(stored.id, said, id=f"{number:08}", annotator="ann", seconds=2)
            if number < 3:
                said = {"answer": "ignore"}
                store.add_answer(stored.id, said, id=f"b{number:07}", annotator="bob")
        store.log("something", why="x" * 100)
        store.advance(0, "wait", metrics=METRICS, model=MODEL)
    return path


def command(verb, output, *more):
    words = ["--al.output", str(output)]
    for name, part in PARTS.items():
        words += [f"--paths.{name}", str(ROOT / "corpus" / f"{part}.spacy")]
    return CliRunner().invoke(app, [verb, str(CONFIG), *more, *words])


def outcome(verb, output):
    """How a command ends, and what it says or writes of the run."""
    more = {"export": ["-o", str(output / "out")], "run": ["--once"], "status": ["--json"]}
    done = command(verb, output, *more.get(verb, ()))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    said = done.stdout if verb == "status" else ""
    if verb == "run":
        said = "".join(line for line in done.stderr.splitlines() if " waits for " in line)
    if verb == "export" and done.exit_code == 0:
        files = [output / "out" / name for name in ("answers.jsonl", "tasks.jsonl")]
        said = "".join(file.read_text("utf8") for file in files)
    return done.exit_code, said.replace(str(output), "OUTPUT"), "[AL" in done.stderr


def damage(data, rng):
    """A copy with a bit turned, some bytes or a page of nothing, or its end cut off."""
    found, place = bytearray(data), rng.randrange(len(data) - 40)
    how = rng.choice(["bit", "bit", "bytes", "page", "cut"])
    if how == "bit":
        found[place] ^= 1 << rng.randrange(8)
    elif how == "bytes":
        found[place : place + 40] = rng.randbytes(40)
    elif how == "page":
        start = place // 4096 * 4096
        found[start : start + 4096] = bytes(4096)
    else:
        del found[place:]
    return bytes(found)


@pytest.mark.slow
def test_200_damaged_databases(tmp_path):
    data, rng = waiting_run(tmp_path / "whole" / "al.db").read_bytes(), random.Random(0)
    (tmp_path / "right").mkdir()
    (tmp_path / "right" / "al.db").write_bytes(data)
    verbs = ("export", "status", "report", "run")
    right = {verb: outcome(verb, tmp_path / "right") for verb in verbs}
    assert [right[verb][0] for verb in verbs] == [0, 0, 0, 3]
    refused = 0
    for number in range(200):
        output = tmp_path / str(number)
        output.mkdir()
        (output / "al.db").write_bytes(damage(data, rng))
        # all of them read alike; in turn, as each takes its time
        for verb in (verbs[number % 2], *(verbs[2:] if number % 8 == 0 else ())):
            code, said, coded = outcome(verb, output)
            assert (code, said) == right[verb][:2] or (code == 1 and coded), (number, verb, said)
            refused += coded
    assert refused > 100


def test_what_a_row_says_cannot_become_something_else(tmp_path):
    """A letter of a label, a number of an answer: JSON all the same, and SQLite has no checks of its own."""
    path = waiting_run(tmp_path / "al.db")
    changes = [
        "UPDATE answers SET payload = replace(payload, 'ignore', 'reject') WHERE annotator = 'bob'",
        "UPDATE answers SET seconds = 3 WHERE annotator = 'ann'",
        "UPDATE answers SET at = at + 1",
        "UPDATE tasks SET payload = replace(payload, 'DRUG', 'DRUF')",
        "UPDATE metrics SET value = replace(value, '0.5', '0.7')",
        "UPDATE models SET hash = 'b'",
        "UPDATE events SET kind = 'flag'",
        "UPDATE rounds SET state = 'waip'",
        "UPDATE rounds SET state = 'done'",
        "UPDATE rounds SET upto = 3",
        "UPDATE rounds SET seal = seal || 'a'",
        "UPDATE tasks SET rank = rank + 100",
        "UPDATE tasks SET label_position = 1",
        "UPDATE answers SET label_position = 1",
        "UPDATE counts SET answered = 1 WHERE rank = 9",
        "UPDATE counts SET rank = rank + 100",
        "DELETE FROM counts WHERE rank = 12",
    ]
    data = path.read_bytes()
    for change in changes:
        path.write_bytes(data)
        with sqlite3.connect(path) as other:
            assert other.execute(change).rowcount
        other.close()
        with Store(path) as store, pytest.raises(AlError, match="AL112"):
            list(store.answers()), list(store.tasks()), store.metrics(), store.models()
            list(store.events()), store.round(), store.examine()


def test_a_seal_is_of_the_value_and_of_what_stands_beside_it():
    for value in ({"a": 1.5}, [], "x#y", None, "\ud800", 3):
        text = seal(value, "id", 2, None)
        assert unseal(text, "id", 2.0, None) == value
        for wrong in (("id", 3, None), ("ie", 2, None), ("id", 2)):
            with pytest.raises(ValueError, match="not as it was written"):
                unseal(text, *wrong)
    # as versions before wrote it
    assert unseal('{"a": "#0123456789abcdef"}', 7) == {"a": "#0123456789abcdef"}

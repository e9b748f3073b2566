"""`answers`: listed, corrected from a file, taken back, deleted; nothing here trains."""

import json

import pytest
from spacy.tokens import DocBin
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.config.project import open_project
from spacy_al.loop.answer_list import take_back
from spacy_al.loop.answers import ask_oracle
from spacy_al.loop.rounds import run
from spacy_al.store.history import all_said
from spacy_al.store.store import Store
from tests.helpers.chaos import ROOT
from tests.helpers.ward import ward

CONFIG = ROOT / "configs" / "ner.cfg"


@pytest.fixture
def how(tmp_path):
    DocBin(docs=ward(60, 1)).to_disk(tmp_path / "pool.spacy")
    DocBin(docs=ward(5, 2)).to_disk(tmp_path / "dev.spacy")
    return {
        "paths.train": None,
        "paths.dev": str(tmp_path / "dev.spacy"),
        "paths.pool": str(tmp_path / "pool.spacy"),
        "paths.test": None,
        "al.output": str(tmp_path / "al"),
        "al.labels": ["DRUG", "PERSON"],
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


@pytest.fixture
def answers(project, how, monkeypatch):
    """Runs the command: answers(words) -> exit code, standard output, what is said."""
    monkeypatch.setenv("COLUMNS", "100")
    words = [w for name, value in how.items() for w in (f"--{name}", json.dumps(value).strip('"'))]

    def call(*more, **typed):
        done = CliRunner().invoke(app, ["answers", str(CONFIG), *map(str, more), *words], **typed)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout, done.stderr

    return call


def states(project):
    with Store(project.database) as store:
        return [(one.answer.seq, one.state) for one in all_said(store)]


def test_a_list_that_fits(answers):
    code, out, said = answers()
    lines = said.splitlines()
    assert (code, out) == (0, "") and max(map(len, lines)) <= 100
    assert [line.split()[0] for line in lines if " ann " in line] == ["4", "3", "2", "1"]
    assert "PERSON" in said and "4 of 4 answers" in said
    assert "2 of 4 answers; -n 4 shows all" in answers("-n", 2)[2]
    assert "No answer is as asked for" in answers("--label", "DRUG")[2]
    assert "4 of 4" in answers("--since", "2020-01-01")[2]
    assert "No answer" in answers("--until", "2020-01-01T10:00")[2]
    code, _, said = answers("--label", "DRUGS")
    assert code == 2 and "AL128" in said and "DRUG, PERSON" in said


def test_undo_and_delete_say_what_they_do_and_ask(answers, project):
    code, _, said = answers("--undo", 2, input="n\n")
    assert code == 0 and "ann said accept to" in said and "asked again, in this round" in said
    assert "No model was trained with it" in said and "Nothing was changed" in said
    assert [state for _, state in states(project)] == ["counts"] * 4
    assert answers("--undo", 2, "--delete", 3, "--yes")[0] == 2
    assert answers("--delete", 2, "--delete", 3, "--force")[0] == 0
    assert [state for _, state in states(project)] == ["counts", "deleted", "deleted", "counts"]
    assert "2 of 2" in answers()[2] and "deleted" in answers("--all")[2]
    for number, code in ((2, "AL126"), (77, "AL125")):
        exit_code, _, said = answers("--undo", number, "--yes")
        assert exit_code == 1 and code in said
    assert run(project).sentence.startswith("Round 0 waits for 4 ")


def test_a_file_corrects_and_brings_back(answers, project, tmp_path):
    path = tmp_path / "answers.jsonl"
    assert answers("-o", path)[0] == 0
    lines = [json.loads(line) for line in path.read_text("utf8").splitlines()]
    assert answers("--json")[1] == path.read_text("utf8")
    assert [line["_al_said"]["number"] for line in lines] == [4, 3, 2, 1]
    assert answers("--delete", 1, "-y")[0] == 0
    lines[0]["answer"] = "reject"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    said = answers("--correct", path, "--yes")[2]
    assert "Corrected: 2; as before: 2" in said
    after = [(1, "deleted"), (2, "counts"), (3, "counts"), (4, "corrected")]
    assert states(project)[:4] == after and len(states(project)) == 6
    assert "Corrected: 0; as before: 4" in answers("--correct", path)[2]
    with Store(project.database) as store:
        verdicts = sorted(one.payload["answer"] for one in store.answers())
        assert verdicts == ["accept", "accept", "accept", "reject"]
        assert {one.annotator for one in store.answers()} == {"ann"}


@pytest.mark.parametrize(
    "change, why",
    [
        ({"_al_task": "r009-x"}, "no question about its text"),
        ({"text": "Another text"}, "no question about its text"),
        ({"_annotator_id": "bob"}, "'bob' has not answered"),
        ({"_annotator_id": 7}, "has not answered"),
        ({"answer": None}, "no 'answer'"),
        ({"answer": "perhaps"}, "'perhaps'"),
        ({"spans": [{"token_start": 0, "token_end": 99, "label": "DRUG"}]}, ""),
        ("half a line", "Expecting"),
        ([1], "no answered task"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_and_changes_nothing(
    answers, project, tmp_path, change, why
):
    path = tmp_path / "answers.jsonl"
    answers("-o", path)
    lines = [json.loads(line) for line in path.read_text("utf8").splitlines()]
    lines[0]["answer"] = "reject"
    lines[1] = {**lines[1], **change} if isinstance(change, dict) else change
    written = [line if line == "half a line" else json.dumps(line) for line in lines]
    path.write_text("\n".join(written))
    code, _, said = answers("--correct", path, "--yes")
    assert code == 1 and "AL127" in said and "answers.jsonl:2 " in said and why in said
    assert len(states(project)) == 4


def test_gold_answers_once_more_what_was_taken_back(project, how, tmp_path):
    gold = open_project(CONFIG, how, oracle=tmp_path / "pool.spacy")
    with Store(gold.database) as store:
        ask_oracle(store, gold, 0)
        assert not store.unanswered(0)
    take_back(gold, [6], "delete", "lead")
    with Store(gold.database) as store:
        assert len(store.unanswered(0)) == 1
        ask_oracle(store, gold, 0)
        assert not store.unanswered(0)

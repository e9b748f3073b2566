"""`audit` as one types it: the table, the list, and what the answers to it say."""

import json

import pytest
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.corpus.shard import write_shard
from tests.auditing.test_audit import labelled
from tests.posteriors.test_readers import make
from tests.query.test_select import save_light


def al(*words):
    return CliRunner().invoke(app, [*map(str, words)], env={"COLUMNS": "200"})


@pytest.fixture
def corpus(tmp_path):
    write_shard(labelled(20), tmp_path / "train.spacy")
    return tmp_path / "train.spacy"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_light(make("textcat", architecture="bow"), tmp_path_factory.mktemp("m") / "model")


def test_from_the_corpus_to_the_estimate(tmp_path, corpus, model):
    review, answers = tmp_path / "audit.jsonl", tmp_path / "answers.jsonl"
    done = al("audit", corpus, "--model", model, "-n", 3, "--random", 6, "-o", review)
    assert done.exit_code == 0, done.output
    assert "text: its place in the corpus, the first is 1" in done.stderr
    assert "given" in done.stderr and "20 of 20 texts were judged" in done.stderr
    assert "3 chosen texts and 6 by chance" in done.stderr and done.stdout == ""
    tasks = [json.loads(line) for line in review.read_text("utf8").splitlines()]
    assert len(tasks) == 9
    # what was given is right, but in the first
    lines = [
        {**task, "answer": "accept", "accept": [task["audit"]["given"][0][2]]} for task in tasks
    ]
    lines[0]["accept"] = [label for label in tasks[0]["labels"] if label not in lines[0]["accept"]][
        :1
    ]
    answers.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf8")
    said = al("audit", review, "--answers", answers)
    assert said.exit_code == 0, said.output
    assert "1 wrong label" in said.stderr and "Of 11 texts that nobody looked at" in said.stderr


def test_the_list_on_standard_output(corpus, model):
    done = al("audit", corpus, "--model", model, "-n", 2, "--random", 0, "-o", "-", "--quiet")
    assert done.exit_code == 0, done.output
    assert [json.loads(line)["audit"]["draw"] for line in done.stdout.splitlines()] == [
        "chosen"
    ] * 2


@pytest.mark.parametrize(
    "words, status, code",
    [
        ([], 2, "AL420"),
        (["--config", "none.cfg"], 1, "AL080"),
        (["--model", "none"], 1, "AL085"),
        (["--answers", "none.jsonl"], 1, ""),
        (["--training.max_steps", "3"], 2, "AL089"),
    ],
)
def test_what_is_wrong_is_said(corpus, words, status, code):
    done = al("audit", corpus, *words)
    assert done.exit_code == status and code in done.stderr and "Traceback" not in done.output

"""What a person reads when a simulation cannot begin, or ends before its work is done."""

import re
import sys

import pytest
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.simulation.results import read_results
from tests.helpers.chaos import ROOT, corpus

# processes, or pipelines that are fitted or saved
pytestmark = pytest.mark.slow

CONFIG = ROOT / "configs" / "ner.cfg"
# a process that is not the first ends as one that the system has killed
DIES = """
import multiprocessing, os

if multiprocessing.parent_process():
    os._exit(9)
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    corpus(folder)
    return folder


def simulate(small, output, **options):
    options = {
        "gold": small / "pool_gold.spacy",
        "output": output,
        "paths.dev": small / "dev.spacy",
        "paths.test": small / "seed.spacy",
        "seeds": 1,
        "start": 10,
        "rounds": 1,
        "n-process": 1,
        "training.max_steps": 2,
        **options,
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return CliRunner().invoke(app, ["simulate", str(CONFIG), *words])


def check(result, code, *says, status=1):
    """One message with its code, what was found and what to do."""
    assert result.exit_code == status, result.output
    (message,) = re.findall(rf"✘ (\[{code}\] .*)", result.stderr)
    assert "Traceback" not in result.output and result.stdout == ""
    for part in says:
        assert part in message, message


def test_without_matplotlib_it_does_not_begin(small, tmp_path, monkeypatch):
    # as if it were not installed
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = simulate(small, tmp_path / "out")
    check(result, "AL102", "matplotlib, which is missing: pip install 'spacy-al[plot]'")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["paths.dev", "paths.test"])
def test_without_something_to_measure_on_it_does_not_begin(small, tmp_path, name):
    result = simulate(small, tmp_path / "out", **{name: "null"})
    says = (f"{CONFIG} names no paths.dev or no paths.test.", "Give them, e.g. --paths.test")
    check(result, "AL103", *says, status=2)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_training_that_fails_says_why(small, tmp_path):
    result = simulate(small, tmp_path / "out", **{"training.optimizer.learn_rate": "fast"})
    check(result, "AL107", "Training on 10 labelled texts failed: ", "learn_rate")
    assert read_results(tmp_path / "out") == []


@pytest.mark.slow
def test_gold_and_a_start_without_labels_say_so(small, tmp_path):
    docs = [*DocBin().from_disk(small / "pool_gold.spacy").get_docs(Vocab())]
    marked = max(range(len(docs)), key=lambda row: len(docs[row].ents))
    for row, doc in enumerate(docs):
        if row != marked:
            doc.set_ents([])
    gold, other = tmp_path / "gold.spacy", tmp_path / "other.spacy"
    DocBin(docs=docs).to_disk(gold)
    result = simulate(small, tmp_path / "out", gold=gold)
    check(result, "AL211", "Seed 0", "none of the 10 texts", "--start")
    docs[marked].set_ents([])
    DocBin(docs=docs).to_disk(other)
    check(simulate(small, tmp_path / "none", gold=other), "AL212", "None of the ", str(other))


@pytest.mark.slow
def test_processes_that_die_again_and_again_are_given_up(small, tmp_path):
    (tmp_path / "code.py").write_text(DIES)
    result = simulate(small, tmp_path / "out", code=tmp_path / "code.py", **{"n-process": 2})
    says = (
        "(there are 2)",
        "What ended well is kept.",
        "with a smaller --n-process if it is above 1.",
    )
    check(result, "AL108", "Processes end before their work is done", *says)

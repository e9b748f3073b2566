"""What a person reads when a pool cannot be replaced, or cannot be scored as it was asked for."""

import re

import pytest
import spacy
from typer.testing import CliRunner

from spacy_al.cli import app
from tests.helpers.ner_oracle import WORDS
from tests.helpers.shards import write_shards

# processes, or pipelines that are fitted or saved
pytestmark = pytest.mark.slow

CONFIG = """
[nlp]
lang = "xx"

[al]

[al.embedding]
@al_embeddings = "spacy-al.gradient.v1"
"""
# a process that is not the first ends as one that the system has killed
DIES = """
import multiprocessing, os

if multiprocessing.parent_process():
    os._exit(9)
"""


@pytest.fixture
def pool(tmp_path):
    nlp = spacy.blank("xx")
    write_shards(map(nlp.make_doc, WORDS), tmp_path / "pool", 3)
    return tmp_path / "pool"


def command(*words):
    return CliRunner().invoke(app, list(map(str, words)))


def check(result, code, *says, status=1):
    """One message with its code, what was found and what to do."""
    assert result.exit_code == status, result.output
    (message,) = re.findall(rf"✘ (\[{code}\] .*)", result.stderr)
    assert "Traceback" not in result.output and result.stdout == ""
    for part in says:
        assert part in message, message


@pytest.mark.parametrize("others, named", [("b", "b"), ("dcba", "abc")])
def test_force_deletes_nothing_but_shards(pool, tmp_path, others, named):
    (tmp_path / "texts.txt").write_text("A new text.")
    before = sorted(path.name for path in pool.iterdir())
    names = [f"{name}.spacy.bak" for name in others]
    for name in names:
        (pool / name).write_text("precious")
    result = command("ingest", tmp_path / "texts.txt", pool, "--force", "--lang", "xx")
    # three of them are enough to know what it is about
    found = ", ".join(f"{name}.spacy.bak" for name in named)
    says = f"'{pool}' holds more than shards ({found}), and --force would delete that as well."
    check(result, "AL049", says, "Choose another output folder.")
    assert sorted(path.name for path in pool.iterdir()) == sorted([*before, *names])


def test_a_scoring_process_that_dies_is_told_of(pool, tmp_path):
    (tmp_path / "code.py").write_text(DIES)
    output = tmp_path / "batch.jsonl"
    words = ["select", pool, "--cold", "-l", "xx", "-c", tmp_path / "code.py", "-o", output]
    check(
        command(*words, "--n-process", 2),
        "AL093",
        "One of 2 scoring processes ended before its work was done",
        "Try a smaller --n-process.",
        '`if __name__ == "__main__":`',
    )
    assert not output.exists()
    # as it says
    assert command(*words, "--n-process", 1).exit_code == 0 and output.exists()


def test_an_embedding_that_needs_a_model_and_has_none(pool, tmp_path):
    (tmp_path / "gradient.cfg").write_text(CONFIG)
    words = ["select", pool, "--cold", "--config", tmp_path / "gradient.cfg", "-o", "-"]
    says = ("needs what a model believes, and none is used", "with --model, or another")
    check(command(*words), "AL098", *says, status=2)


@pytest.mark.parametrize("sampler", ["batch_bald", "pool_information"])
def test_a_sampler_that_needs_a_model_and_has_none(pool, sampler):
    result = command("select", pool, "--cold", "-l", "xx", "--sampler", sampler, "-o", "-")
    says = ("members needs what a model believes, and none is used", "another sampler")
    check(result, "AL098", *says, status=2)

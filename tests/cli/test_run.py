"""`run` as one types it: what it says once, and what of its command line it remembers. Nothing here trains."""

import json

import pytest
from spacy.tokens import DocBin
from typer.testing import CliRunner

from spacy_al.cli import app
from tests.helpers.chaos import ROOT
from tests.helpers.ward import ward


def command(*words, status=0):
    result = CliRunner().invoke(app, [*map(str, words)])
    assert result.exit_code == status, (result.output, result.exception)
    return result.output


@pytest.fixture
def config(tmp_path):
    """The shipped config over a pool of sixty texts, in a folder of its own."""
    DocBin(docs=ward(60, 1)).to_disk(tmp_path / "pool.spacy")
    DocBin(docs=ward(5, 2, ["DRUG"])).to_disk(tmp_path / "dev.spacy")
    words = (ROOT / "configs" / "ner.cfg").read_text("utf8")
    given = {"train": None, "dev": tmp_path / "dev.spacy", "pool": tmp_path / "pool.spacy"}
    for name, value in {**given, "test": None}.items():
        said = "null" if value is None else json.dumps(str(value))
        words = words.replace(f"\n{name} = ", f"\n{name} = {said}\n# ", 1)
    path = tmp_path / "my.cfg"
    path.write_text(words, "utf8")
    return path


@pytest.fixture
def options(tmp_path):
    return [f"--al.output={tmp_path / 'al'}", '--al.labels=["DRUG"]', "--al.batch_size=6"]


def test_the_first_hour_is_said_once(config, options):
    assert command("run", config, "--once", *options, status=3).count("The first hour:") == 1
    # where it was said by an earlier command it is said by this one
    assert command("run", config, "--once", *options, status=3).count("The first hour:") == 1
    assert command("status", config, *options).count("The first hour:") == 1


def test_a_run_knows_which_code_it_was_given(config, options, tmp_path):
    code = tmp_path / "my code.py"
    code.write_text("")
    said = command("run", config, "--once", *options, "--code", code, status=3)
    assert f"ANSWERS.jsonl --code '{code}'" in said
    # as for a process that has not imported what registers it
    words = config.read_text("utf8")
    config.write_text(words.replace("spacy-al.stochastic.v1", "nobody.has.it.v1"))
    hint = f"This run was last given --code '{code}'"
    for verb, *rest in (
        ("run", config, "--once"),
        ("status", config),
        ("select", tmp_path / "pool.spacy", "--config", config, "-o", tmp_path / "b.jsonl"),
        ("import", config, config),
    ):
        said = command(verb, *rest, *options, status=2)
        assert "AL084" in said and hint in said
    # who gives it has another fault, and so has another run
    assert hint not in command("status", config, *options, "--code", code, status=2)
    other = [f"--al.output={tmp_path / 'other'}", *options[1:]]
    assert hint not in command("status", config, *other, status=2)
    # a factory that nobody knows is none that can be taught
    config.write_text(words.replace('factory = "ner"', 'factory = "nobody.has.it"'))
    said = command("status", config, *options, status=2)
    assert "AL156" in said and hint in said

"""Rounds done again: the same byte for byte, and what is said where they are not."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.errors import UsageError
from spacy_al.loop.reproduce import reproduce
from spacy_al.loop.rounds import run
from spacy_al.store.store import Store
from tests.helpers.chaos import OVERRIDES, corpus
from tests.journeys.test_loop import CONFIG, project_of

pytestmark = pytest.mark.slow


def finished(tmp_path_factory, **overrides):
    small = tmp_path_factory.mktemp("corpus")
    corpus(small)
    how = {"al.max_rounds": 1, "al.acquisition.@al_acquisitions": "spacy-al.vote_entropy.v1"}
    how |= overrides
    project = project_of(small, small / "al", how, oracle=small / "pool_gold.spacy")
    assert run(project).state == "stopped"
    return project


@pytest.fixture(scope="module")
def growing(tmp_path_factory):
    """A run that asks for its development set, and whose committee are checkpoints."""
    overrides = {"paths.dev": None, "al.dev_size": 12, "al.committee": "checkpoints"}
    overrides["al.max_rounds"] = 2
    return finished(tmp_path_factory, **overrides)


@pytest.fixture(scope="module")
def committee(tmp_path_factory):
    """A run with a committee that was trained beside its models."""
    return finished(tmp_path_factory, **{"al.committee": "bootstrap", "al.committee_size": 2})


@pytest.fixture
def copy(committee, tmp_path):
    """The files of its last round as they were, afterwards."""
    folder = committee.folder(1)
    kept = tmp_path / "kept"
    shutil.copytree(folder, kept)
    yield folder
    shutil.rmtree(folder)
    shutil.copytree(kept, folder)


def files(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_round_is_the_same_byte_for_byte(growing):
    before = files(growing.output)
    found = reproduce(growing, batch=True)
    assert [one.round for one in found] == [1, 2]
    for one in found:
        assert one.is_same and one.trained and not one.differences, one
        assert one.score == pytest.approx(one.score_again)
    # the development set has grown since the first of them
    kept = [(growing.folder(k) / "dev.spacy").read_bytes() for k in (1, 2)]
    assert kept[0] != kept[1]
    assert found[0].batch[0] == found[0].batch[1] > 0
    assert found[1].batch is None and "asked nothing" in found[1].batch_why
    # its checkpoints are where they were, and nothing else is there
    after = files(growing.output)
    assert {k: v for k, v in before.items() if k.suffix != ".db"}.items() <= after.items()
    assert not [path for path in growing.output.iterdir() if path.name.startswith(".attempt")]


def test_members_of_a_committee_are_trained_again_as_well(committee):
    lines = []
    [one] = reproduce(replace(committee, show=lines.append), [1])
    assert one.is_same and one.hash == one.hash_again
    assert any("member-1" in line for line in lines)


def test_each_round_states_what_it_was_made_from(committee):
    with Store(committee.database, create=False) as store:
        metrics = store.metrics()
    assert set(metrics[0]["hashes"]) == {"train", "dev", "config", "model", "pool"}
    kept = json.loads((committee.folder(1) / "metrics.json").read_text())
    assert kept["hashes"] == metrics[1]["hashes"]
    assert metrics[0]["hashes"]["train"] != metrics[1]["hashes"]["train"]


def test_other_weights_are_found(committee, copy):
    path = copy / "model-best" / "ner" / "model"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    [one] = reproduce(committee, [1])
    assert one.files == ["ner/model"] and not one.is_same
    assert any("model-best) is another than it was" in said for said in one.differences)


def test_another_corpus_is_said_without_training(committee, copy):
    shutil.copy(committee.folder(0) / "train.spacy", copy / "train.spacy")
    [one] = reproduce(committee, [1], dry_run=True)
    assert not one.is_same and not one.trained
    assert one.differences == [
        f"The corpus that it was trained on ({copy}/train.spacy) is another than it was."
    ]


def test_versions_and_code_are_said(committee, copy, tmp_path):
    path = copy / "made_from.json"
    stated = json.loads(path.read_text())
    stated["versions"]["numpy"] = "1.0"
    path.write_text(json.dumps(stated))
    code = tmp_path / "own.py"
    code.write_text("")
    [one] = reproduce(replace(committee, code=code), [1], dry_run=True)
    assert any("version of numpy was 1.0" in said for said in one.differences)
    path.unlink()
    [one] = reproduce(committee, [1], dry_run=True)
    assert "states nothing" in one.differences[0]


def test_what_is_gone_cannot_be_repeated(committee, copy):
    (copy / "train.spacy").unlink()
    [one] = reproduce(committee, [1])
    assert "train.spacy is not there" in one.impossible and not one.is_same


def test_a_round_that_was_never_trained(committee):
    with pytest.raises(UsageError, match="AL375"):
        reproduce(committee, [7])


def typed(project, *words):
    settings = {**OVERRIDES, **project.overrides}
    more = [
        word
        for name, value in settings.items()
        for word in (f"--{name}", value if isinstance(value, str) else json.dumps(value))
    ]
    return CliRunner().invoke(app, ["reproduce", str(CONFIG), *words, *more])


def test_the_command(committee, copy):
    done = typed(committee, "--all", "--dry-run")
    assert done.exit_code == 0, done.output
    assert "Round 0: nothing that it was made from has changed" in done.output
    assert typed(committee).exit_code == 2 and "AL376" in typed(committee).output
    assert typed(committee, "x").exit_code == 2
    (copy / "model-best" / "ner" / "model").write_bytes(b"")
    done = typed(committee, "1", "--dry-run", "--json")
    assert done.exit_code == 1 and json.loads(done.stdout)[0]["is_same"] is False
    assert Path(committee.output).is_dir()

"""The privacy budget of a run: spent once a round, said, and refused when it is gone."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from spacy_al.cli.status import format_status
from spacy_al.config.project import open_project
from spacy_al.config.settings import Settings
from spacy_al.errors import AlError
from spacy_al.loop.privacy import privacy_status, private_settings
from spacy_al.loop.rounds import run
from spacy_al.loop.status import status
from spacy_al.store.privacy import batches, record_spent, secret_seed, spent_budget
from spacy_al.store.store import Store
from tests.helpers.chaos import LABELS, OVERRIDES, ROOT, corpus

KNOWN = {"shown": 0.01, "overlap": 0.2, "chance": 0.1, "clipped": 0.0}
BLOCK = {"@al_samplers": "spacy-al.private.v1", "epsilon": 0.1, "budget": 0.3}
SETTINGS = Settings(blocks={"sampler": BLOCK})


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "al.db") as made:
        yield made


def test_three_tenths_are_three_batches_and_no_fourth(store):
    for number in range(3):
        private_settings(store, SETTINGS, number, "model")
        record_spent(store, number, epsilon=0.1, **KNOWN)
    with pytest.raises(AlError, match=r"AL471.*0\.3 of 0\.3, and a batch costs 0\.1"):
        private_settings(store, SETTINGS, 3, "model")
    # without a model nothing is told, so that nothing is spent
    private_settings(store, SETTINGS, 3, None)


def test_a_round_that_is_done_again_spends_once(store):
    for _ in range(5):
        record_spent(store, 2, epsilon=0.1, **KNOWN)
        private_settings(store, SETTINGS, 2, "model")
    assert spent_budget(store) == 0.1 and [*batches(store)] == [2]


def test_the_seed_is_made_once_for_each_run(store, tmp_path):
    first = private_settings(store, SETTINGS, 0, "model").seed
    assert private_settings(store, SETTINGS, 1, "model").seed == first == secret_seed(store)
    with Store(tmp_path / "other.db") as other:
        assert secret_seed(other) != first
    # of other samplers the config's own is used
    settings = replace(SETTINGS, blocks={}, seed=7)
    assert private_settings(store, settings, 0, "model").seed == 7
    assert privacy_status(store, settings) is None


def test_what_is_left_is_said(store):
    said = privacy_status(store, SETTINGS)["sentence"]
    assert (
        said == "Privacy: 0 of 0.3 is spent, in 0 rounds; at 0.1 a round it is enough for 3 more."
    )
    record_spent(store, 0, epsilon=0.1, **KNOWN)
    said = privacy_status(store, SETTINGS)["sentence"]
    assert "0.1 of 0.3 is spent, in 1 round; at 0.1 a round it is enough for 2 more" in said
    assert "expected to hold 20.0%, and chance alone 10.0%" in said
    # what was spent stays known when the config names another sampler
    assert privacy_status(store, replace(SETTINGS, blocks={}))["spent"] == 0.1


@pytest.mark.slow
def test_a_run_stops_when_its_budget_is_spent(tmp_path):
    corpus(tmp_path)
    names = {"train": "seed", "dev": "dev", "pool": "pool_gold"}
    paths = {f"paths.{k}": str(tmp_path / f"{v}.spacy") for k, v in names.items()}
    private = {
        "al.sampler.@al_samplers": "spacy-al.private.v1",
        "al.sampler.epsilon": 3.0,
        "al.sampler.budget": 6.0,
    }
    own = {**paths, "paths.test": None, **OVERRIDES, "al.output": str(tmp_path / "run")}
    project = open_project(
        Path(ROOT / "configs" / "ner.cfg"),
        {**own, "al.labels": LABELS, "al.max_rounds": 9, **private},
        oracle=tmp_path / "pool_gold.spacy",
    )
    outcome = run(project)
    assert outcome.state == "stopped" and outcome.round == 2
    assert "The privacy budget is spent: 6 of 6" in outcome.sentence
    # the secret and the texts are the owner's alone
    assert os.name == "nt" or project.output.stat().st_mode & 0o777 == 0o700
    found = status(project)
    assert found["privacy"]["spent"] == 6 and found["privacy"]["rounds"] == 2
    assert found["privacy"]["sentence"] in format_status(found)
    with Store(project.database, create=False) as store:
        assert [len(data["propensities"]) for data in batches(store).values()] == [12, 12]
        assert not any("propensity" in task.task["meta"] for task in store.tasks())
    # and goes on when somebody answers for more
    more = replace(project.settings, blocks={**project.settings.blocks})
    more.blocks["sampler"] = {**more.blocks["sampler"], "budget": 9.0}
    assert run(replace(project, settings=more)).round == 3

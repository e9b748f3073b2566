"""What is chosen by default is the same in every shipped config, what `init` writes and `select`, and leaves a pool that can be estimated."""

import inspect
from pathlib import Path
from typing import Any

import pytest
from confection import Config

from spacy_al.config.init import init
from spacy_al.config.settings import Settings
from spacy_al.estimation.draws import LEAST_EXPLORED
from spacy_al.query.strategy import COUNTS, make_strategy

CONFIGS = Path(__file__).parents[2] / "configs"
SHIPPED = sorted(
    path for path in CONFIGS.glob("**/*.cfg") if "[al.sampler]" in path.read_text("utf8")
)
SAMPLER: dict[str, Any] = {"@al_samplers": "spacy-al.stochastic.v1", "beta": 4.0, "explore": 0.1}


def sampler_of(path):
    return Config().from_disk(path, interpolate=False)["al"]["sampler"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_config_draws_alike(path):
    assert sampler_of(path) == SAMPLER


@pytest.mark.parametrize("component", ["ner", "textcat", "spancat", "tagger"])
def test_init_writes_the_same(component, tmp_path):
    init(tmp_path / "my.cfg", component=component)
    assert sampler_of(tmp_path / "my.cfg") == SAMPLER


def test_select_without_a_config_draws_so_too():
    said = dict.fromkeys(inspect.signature(make_strategy).parameters)
    said |= {"settings": Settings(), "model": "model", "labeled": (), "keep_tokens": False}
    said |= {"round": 0, "gpu_id": -1}
    made = make_strategy(**said)
    assert made.sampler == SAMPLER and made.job.columns == (COUNTS,)
    # what leaves low scores out needs one that takes none of them
    in_part = make_strategy(**said | {"per_shard": 200})
    assert in_part.sampler == {"@al_samplers": "spacy-al.top_k.v1"}


def test_it_explores_enough_for_an_estimate_and_none_is_left_out():
    assert SAMPLER["explore"] >= LEAST_EXPLORED
    assert len(SHIPPED) >= 5

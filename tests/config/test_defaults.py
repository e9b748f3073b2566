"""The shipped configs choose with what the tables of strategies call the default."""

from pathlib import Path

import pytest
from confection import Config

CONFIGS = Path(__file__).parents[2] / "configs"
STRATEGIES = {
    "ner.cfg": "entities.cfg",
    "textcat.cfg": "categories.cfg",
    "textcat_multilabel.cfg": "several_categories.cfg",
    "spancat.cfg": "spans.cfg",
}


@pytest.mark.parametrize("config", STRATEGIES)
def test_a_config_chooses_with_the_default_of_the_tables(config: str) -> None:
    shipped = Config().from_disk(CONFIGS / config, interpolate=False)["al"]
    strategies = Config().from_disk(CONFIGS / "strategies" / STRATEGIES[config])
    measured = strategies["default"]
    assert {block: shipped[block] for block in measured} == measured

"""The shipped configs choose with what the tables of strategies call the default."""

import runpy
from pathlib import Path

import pytest
from confection import Config

CONFIGS = Path(__file__).parents[2] / "configs"
TABLE = runpy.run_path(str(CONFIGS / "strategies" / "table.py"))
STRATEGIES = {
    "ner.cfg": "entities.cfg",
    "textcat.cfg": "categories.cfg",
    "textcat_multilabel.cfg": "several_categories.cfg",
    "spancat.cfg": "spans.cfg",
}


@pytest.mark.parametrize("config", TABLE["DEFAULTS"])
def test_a_config_chooses_with_the_default_of_the_tables(config: str) -> None:
    shipped = Config().from_disk(CONFIGS / config, interpolate=False)["al"]
    strategies = Config().from_disk(CONFIGS / "strategies" / STRATEGIES[config])
    measured = strategies[TABLE["DEFAULTS"][config]]
    for block in ("acquisition", "sampler"):
        # what is left out is what the function has by default
        written = {name: value for name, value in shipped[block].items() if name in measured[block]}
        assert written == measured[block]

"""A plan from what somebody asks for on a command line."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy_al.config.settings import read_settings, read_strategies
from spacy_al.corpus.pool import shards
from spacy_al.errors import Errors, UsageError
from spacy_al.measures.learning_curve import RANDOM
from spacy_al.simulation.annotator import oracle_block
from spacy_al.simulation.plan import SimulationPlan, default_strategy, taught


def make_plan(
    config: Path,
    gold: Path,
    overrides: Mapping[str, Any] | None = None,
    *,
    strategy: Sequence[str] = (),
    strategies: Path | None = None,
    seeds: int = 3,
    start: int = 100,
    rounds: int | None = None,
    oracle: str | None = None,
    code: Path | None = None,
) -> SimulationPlan:
    """A simulation of a project.

    config (Path): A spaCy training config with an `[al]` section.
    gold (Path): The labelled corpus to choose from.
    overrides (Mapping | None): Of the config, by dotted names.
    strategy (Sequence[str]): Names that are compared with random choice; by default all of the file, or what the config says.
    strategies (Path | None): A file of strategies with names of their own.
    seeds (int): How many.
    start (int): Texts labelled at first, drawn at random.
    rounds (int | None): By default the config's `max_rounds`.
    oracle (str | None): As for `oracle_block`.
    code (Path | None): Python file that registers functions, already loaded.
    RAISES (AlError): As `read_settings`, `read_strategies`, `shards`, `taught` and `oracle_block`; AL103 without a dev or test set.
    """
    overrides = dict(overrides or {})
    settings = read_settings(config, overrides)
    if settings.dev is None or settings.test is None:
        raise UsageError(Errors.AL103.format(path=config))
    for path in (gold, settings.dev, settings.test):
        shards(path)
    component, factory = taught(config, overrides, settings.component)
    sections = read_strategies(strategies) if strategies else {}
    names = strategy or [*sections] or [default_strategy(settings, factory)]
    return SimulationPlan(
        config,
        gold,
        settings.dev,
        settings.test,
        tuple(dict.fromkeys([*(name for name in names if name != RANDOM), RANDOM])),
        tuple(range(seeds)),
        start,
        settings.batch_size,
        settings.max_rounds if rounds is None else rounds,
        overrides,
        settings,
        component,
        factory,
        oracle_block(oracle, settings),
        code,
        sections,
    )

"""A plan from what somebody asks for on a command line."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from spacy_al.config.settings import read_settings, read_strategies
from spacy_al.corpus.pool import shards
from spacy_al.errors import Errors, UsageError
from spacy_al.measures.learning_curve import RANDOM, is_random, split_size
from spacy_al.simulation.annotator import oracle_block
from spacy_al.simulation.plan import SimulationPlan, default_strategy, taught
from spacy_al.util import arguments, command_line


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
    batches: Sequence[int] = (),
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
    rounds (int | None): Of the config's `batch_size`; by default its `max_rounds`.
    batches (Sequence[int]): Batch sizes that each strategy is compared with; by default only its own.
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
    named = strategy or [*sections] or [default_strategy(settings, factory)]
    names = _sized(named, batches, sections, settings.batch_size)
    plan = SimulationPlan(
        config,
        gold,
        settings.dev,
        settings.test,
        names,
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
    # with each batch size there is chance to compare with
    chance = dict.fromkeys(map(plan.baseline_of, names or (RANDOM,)))
    chosen = [name for name in names if not is_random(name)]
    return replace(plan, strategies=(*chosen, *chance))


def full_training(steps: int | None) -> dict[str, Any] | None:
    """The overrides of a training on the whole corpus that takes so many steps; None for none."""
    return {"training.max_steps": steps, "training.patience": steps} if steps else None


def simulation_command(
    plan: SimulationPlan,
    output: Path,
    strategy: Sequence[str],
    strategies: Path | None,
    batches: Sequence[int],
    *,
    full: int | None,
    oracle: str | None,
) -> str:
    """The command that does a simulation again. Arguments as for `make_plan`; full (int | None): As for `full_training`."""
    typed: list[Any] = [plan.config, "--gold", plan.gold, "-o", output]
    typed += ["--strategies", strategies] if strategies else []
    typed += [word for name in strategy for word in ("--strategy", name)]
    typed += ["--seeds", len(plan.seeds), "--start", plan.start, "--rounds", plan.rounds]
    typed += ["--batch", ",".join(map(str, batches))] if batches else []
    typed += ["--full", full] if full else []
    typed += ["--oracle", oracle] if oracle else []
    typed += ["--code", plan.code] if plan.code else []
    return command_line(arguments("simulate", typed, plan.overrides))


def _sized(
    names: Sequence[str],
    batches: Sequence[int],
    sections: Mapping[str, Mapping[str, Any]],
    usual: int,
) -> tuple[str, ...]:
    """The names with each batch size, each once. The usual size is not named, so that results without sizes go on to count."""
    found: dict[str, None] = {}
    for name in names:
        plain, size = (name, None) if name in sections else split_size(name)
        if plain in sections and "batch_size" in sections[plain]:
            sizes, usual_here = [size], None
        else:
            sizes, usual_here = [size] if size else [*batches] or [None], usual
        for own in sizes:
            found[plain if own in (None, usual_here) else f"{plain}@{own}"] = None
    return tuple(found)

"""Learning curves in numbers: what a strategy gained over random choice, paired by seed."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeAlias, TypedDict, cast

import numpy

from spacy_al.measures.simulated import Cost, FullNumbers, Learned, ResultRow
from spacy_al.types import Floats

RANDOM = "random"
# `mnlp@25` asks for 25 texts a round, whatever the others do
_SIZED = re.compile(r"(.+)@([1-9]\d*)")
# Words are those that were shown. Where only whole texts were asked about, as many were decided
COSTS: tuple[Cost, ...] = ("words", "words_decided", "texts", "entities", "seconds")
# Shares of the score that a model trained on all of the corpus has
LEVELS = (0.90, 0.95, 0.99)
Curve: TypeAlias = tuple[Floats, Floats]


class Comparison(TypedDict, total=False):
    """A strategy against random, as `compare` says; what is about LEVELS is there where the full score is known."""

    strategy: str
    seeds: int
    final: float
    spread: float | None
    area: float | None
    gain: float | None
    low: float | None
    high: float | None
    p: float | None
    savings: float | None
    share_to_90: float | None
    reached_90: int
    savings_to_90: float | None
    share_to_95: float | None
    reached_95: int
    savings_to_95: float | None
    share_to_99: float | None
    reached_99: int
    savings_to_99: float | None


def split_size(strategy: str) -> tuple[str, int | None]:
    """The name of a strategy without its batch size, and that size, None where the name has none: `mnlp@25` is ("mnlp", 25)."""
    found = _SIZED.fullmatch(strategy)
    return (found[1], int(found[2])) if found else (strategy, None)


def is_random(strategy: str) -> bool:
    """Whether it is chance that chooses, in batches of whatever size."""
    return split_size(strategy)[0] == RANDOM


def random_of_size(size: int | None) -> str:
    """The name of random choice with batches of a size; None for the usual one."""
    return RANDOM if size is None else f"{RANDOM}@{size}"


def asks_parts(rows: Sequence[ResultRow]) -> bool:
    """Whether some strategy asked about parts of texts."""
    return any(row.get("words_decided", row["words"]) != row["words"] for row in rows)


def cost_of(row: Learned, cost: Cost) -> float:
    """The cost of a round so far; before parts could be asked about, all words that were shown were decided."""
    return row.get(cost, row["words"]) if cost == "words_decided" else row[cost]


def curves(rows: Sequence[ResultRow], cost: Cost = "words") -> dict[str, dict[int, Curve]]:
    """strategy -> seed -> (cost, score), each (n_rounds,) in the order of the rounds."""
    found: dict[str, dict[int, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for row in sorted(rows, key=lambda row: row["round"]):
        found[row["strategy"]][row["seed"]].append((cost_of(row, cost), row["score"]))
    return {
        strategy: {
            seed: (numpy.array(points).T[0], numpy.array(points).T[1])
            for seed, points in sorted(seeds.items())
        }
        for strategy, seeds in found.items()
    }


def mean_curve(seeds: dict[int, Curve]) -> list[list[float]]:
    """[cost, score, low, high] a round: means over the seeds, and the range between them.

    seeds (dict): As `curves` gives a strategy's. Rounds that not all seeds have are left out.
    """
    n = min(len(score) for _, score in seeds.values())
    costs = numpy.array([cost[:n] for cost, _ in seeds.values()])
    scores = numpy.array([score[:n] for _, score in seeds.values()])
    columns = costs.mean(axis=0), scores.mean(axis=0), scores.min(axis=0), scores.max(axis=0)
    points: list[list[float]] = numpy.stack(columns, axis=1).tolist()
    return points


def compare(
    rows: Sequence[ResultRow],
    cost: Cost = "words",
    full: FullNumbers | None = None,
    baselines: Mapping[str, str] | None = None,
) -> list[Comparison]:
    """Every strategy against random, paired by seed.

    rows (Sequence[dict]): Rows of a simulation.
    cost (str): One of COSTS.
    full (dict | None): Score and costs of a model trained on all of the corpus.
    baselines (Mapping | None): The random choice that each strategy is compared with; by default that of the batch size in its name.
    RETURNS (list[dict]): strategy; seeds; final, spread: mean and standard deviation (of a sample) of the last score; area: mean score
        over the costs that it and random both have; gain: mean difference to random's area there; low, high: its 95% interval
        over the seeds, p: of no difference, two-sided (Student, 1908), None with one seed; savings: mean share of cost by which the
        strategy reaches random's last score earlier, None where it does not in some seed; share_to_90, 95, 99: mean share of the full
        cost at which it reaches so much of the full score, None where it does not in some seed; reached_90, 95, 99: in how many seeds;
        savings_to_90, 95, 99: as savings, where random reaches that score as well.
    """
    by_strategy = curves(rows, cost)
    table: list[Comparison] = []
    for strategy, seeds in by_strategy.items():
        usual = random_of_size(split_size(strategy)[1])
        baseline = by_strategy.get((baselines or {}).get(strategy, usual), {})
        paired = [(seeds[seed], baseline[seed]) for seed in seeds if seed in baseline]
        areas = [area(own, other) for own, other in paired]
        gains = numpy.array(areas) - [area(other, own) for own, other in paired]
        low, high, p = paired_t(gains)
        finals = [score[-1] for _, score in seeds.values()]
        row: Comparison = {
            "strategy": strategy,
            "seeds": len(seeds),
            "final": float(numpy.mean(finals)),
            "spread": float(numpy.std(finals, ddof=1)) if len(finals) > 1 else None,
            "area": _mean(areas),
            "gain": _mean(gains.tolist()),
            "low": low,
            "high": high,
            "p": p,
            "savings": _mean([_saved(own, other, other[1][-1]) for own, other in paired]),
        }
        reached: dict[str, float | None] = {}
        for level in LEVELS if full else ():
            assert full is not None
            target, name = level * full["score"], f"{level:.0%}".rstrip("%")
            costs = [cost_to(curve, target) for curve in seeds.values()]
            whole = cost_of(full, cost)
            shares = [None if c is None or not whole else c / whole for c in costs]
            reached[f"share_to_{name}"] = _mean(shares)
            reached[f"reached_{name}"] = sum(c is not None for c in costs)
            reached[f"savings_to_{name}"] = _mean(
                [_saved(own, other, target) for own, other in paired]
            )
        # the names are made of LEVELS
        table.append({**row, **cast(Comparison, reached)})
    return sorted(table, key=lambda row: (-row["final"], row["strategy"]))


def area(own: Curve, other: Curve) -> float:
    """Mean score of `own` over the costs that both curves have."""
    low, high = max(own[0][0], other[0][0]), min(own[0][-1], other[0][-1])
    grid = numpy.linspace(low, high, 1001)
    values = numpy.interp(grid, *own)
    # by the trapezoidal rule
    return float((values[1:] + values[:-1]).mean() / 2)


def cost_to(curve: Curve, target: float) -> float | None:
    """The cost at which a curve, straight between its points, reaches a score first; None if it does not."""
    cost, score = curve
    above = numpy.flatnonzero(score >= target)
    if not len(above):
        return None
    i = above[0]
    if i == 0:
        return float(cost[0])
    return float(numpy.interp(target, score[i - 1 : i + 1], cost[i - 1 : i + 1]))


def paired_t(values: Floats) -> tuple[float | None, float | None, float | None]:
    """95% interval of a mean, and p of its being 0 (Student, 1908); Nones of one value, no p of values that are all equal."""
    n = len(values)
    if n < 2:
        return None, None, None
    mean, error = float(values.mean()), float(values.std(ddof=1) / numpy.sqrt(n))
    if error <= 1e-12 * max(1.0, abs(mean)):
        return mean, mean, None
    from scipy.stats import t

    half = float(t.ppf(0.975, n - 1)) * error
    return mean - half, mean + half, float(2 * t.sf(abs(mean) / error, n - 1))


def _saved(own: Curve, other: Curve, target: float) -> float | None:
    """The share of the other's cost that is saved in reaching a score; None where one of them does not."""
    mine, theirs = cost_to(own, target), cost_to(other, target)
    return None if mine is None or theirs is None else 1 - mine / theirs if theirs else 0.0


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(numpy.mean(known)) if known and len(known) == len(values) else None

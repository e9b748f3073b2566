"""Learning curves: what they show in numbers, and as a picture."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy

from spacy_al.errors import AlError, Errors
from spacy_al.types import Floats

RANDOM = "random"


def curves(
    rows: Sequence[dict[str, Any]], cost: str = "words"
) -> dict[str, dict[int, tuple[Floats, Floats]]]:
    """strategy -> seed -> (cost, score), each (n_rounds,) in the order of the rounds."""
    found: dict[str, dict[int, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for row in sorted(rows, key=lambda row: row["round"]):
        found[row["strategy"]][row["seed"]].append((row[cost], row["score"]))
    return {
        strategy: {
            seed: (numpy.array(points).T[0], numpy.array(points).T[1])
            for seed, points in seeds.items()
        }
        for strategy, seeds in found.items()
    }


def compare(rows: Sequence[dict[str, Any]], cost: str = "words") -> list[dict[str, Any]]:
    """Every strategy against random, paired by seed.

    rows (Sequence[dict]): Rows of a simulation.
    cost (str): "words" or "texts".
    RETURNS (list[dict]): strategy; seeds; final, spread: mean and standard deviation of the last score; gain: mean
        difference to random in the area under the curve, per unit of cost, over the costs that both have; low, high: its 95% interval
        over the seeds (Student, 1908), None with one seed; savings: mean share of cost by which the strategy reaches
        random's last score earlier, None where it does not.
    """
    by_strategy = curves(rows, cost)
    baseline = by_strategy.get(RANDOM, {})
    table = []
    for strategy, seeds in by_strategy.items():
        paired = [(seeds[seed], baseline[seed]) for seed in seeds if seed in baseline]
        gains = numpy.array([_area(own, other) - _area(other, own) for own, other in paired])
        saved = [_savings(own, other) for own, other in paired]
        low, high = _interval(gains)
        table.append(
            {
                "strategy": strategy,
                "seeds": len(seeds),
                "final": float(numpy.mean([score[-1] for _, score in seeds.values()])),
                "spread": float(numpy.std([score[-1] for _, score in seeds.values()])),
                "gain": float(gains.mean()) if len(gains) else None,
                "low": low,
                "high": high,
                "savings": None if None in saved or not saved else float(numpy.mean(saved)),  # type: ignore[arg-type]
            }
        )
    return sorted(table, key=lambda row: -row["final"])


def plot(
    rows: Sequence[dict[str, Any]],
    path: Path,
    *,
    title: str,
    score_name: str,
    full: dict[str, Any] | None = None,
) -> None:
    """Draw score against words labelled: the mean over seeds, and the range between the seeds.

    RAISES (AlError): AL102 without matplotlib.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise AlError(Errors.AL102) from error
    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.5, 4.4), dpi=150)
    by_strategy = curves(rows)
    for strategy, seeds in sorted(by_strategy.items(), key=lambda item: item[0] == RANDOM):
        n_rounds = min(len(score) for _, score in seeds.values())
        costs = numpy.mean([cost[:n_rounds] for cost, _ in seeds.values()], axis=0)
        scores = numpy.array([score[:n_rounds] for _, score in seeds.values()])
        style: dict[str, Any] = (
            {"color": "#888888", "linestyle": "--"} if strategy == RANDOM else {}
        )
        (line,) = axes.plot(
            costs, scores.mean(axis=0), marker="o", markersize=4, label=strategy, **style
        )
        axes.fill_between(
            costs, scores.min(axis=0), scores.max(axis=0), color=line.get_color(), alpha=0.15, lw=0
        )
    if full:
        axes.axhline(full["score"], color="#444444", lw=0.8, ls=":")
        axes.annotate(
            f"all {full['words']:,} words",
            (1, full["score"]),
            xycoords=("axes fraction", "data"),
            xytext=(-4, 3),
            textcoords="offset points",
            ha="right",
            fontsize=8,
            color="#444444",
        )
    axes.set_xlabel("words labelled")
    axes.set_ylabel(score_name)
    axes.set_title(title, fontsize=11, loc="left")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)


def _area(own: tuple[Floats, Floats], other: tuple[Floats, Floats]) -> float:
    """Mean score of `own` over the costs that both curves have."""
    low, high = max(own[0][0], other[0][0]), min(own[0][-1], other[0][-1])
    grid = numpy.linspace(low, high, 101)
    return float(numpy.interp(grid, *own).mean())


def _savings(own: tuple[Floats, Floats], other: tuple[Floats, Floats]) -> float | None:
    """The share of the other's cost that is saved in reaching its last score."""
    target = other[1][-1]
    above = numpy.flatnonzero(own[1] >= target)
    if not len(above):
        return None
    i = above[0]
    reached = own[0][i]
    if i > 0:
        reached = numpy.interp(target, own[1][i - 1 : i + 1], own[0][i - 1 : i + 1])
    return float(1 - reached / other[0][-1])


def _interval(values: Floats) -> tuple[float | None, float | None]:
    if len(values) < 2:
        return None, None
    from scipy.stats import t

    half = t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / numpy.sqrt(len(values))
    return float(values.mean() - half), float(values.mean() + half)

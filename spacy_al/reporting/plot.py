"""Learning curves as a picture."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from spacy_al.errors import AlError, Errors
from spacy_al.measures.learning_curve import RANDOM, curves, is_random, mean_curve
from spacy_al.measures.simulated import Cost, FullNumbers, ResultRow
from spacy_al.util import replacing

AXES: dict[Cost, str] = {
    "words": "words labelled",
    "words_decided": "words decided",
    "texts": "texts labelled",
    "entities": "labels given",
    "seconds": "modelled hours of annotation",
}


def check_plots() -> None:
    """RAISES (AlError): AL102 without matplotlib."""
    if find_spec("matplotlib") is None:
        raise AlError(Errors.AL102)


def plot(
    rows: Sequence[ResultRow],
    path: Path,
    *,
    title: str,
    score_name: str,
    full: FullNumbers | None = None,
    costs: Sequence[Cost] = ("words",),
) -> None:
    """Draw score against cost: the mean over seeds, and the range between the seeds.

    rows (Sequence[dict]): Rows of a simulation.
    path (Path): A PNG.
    full (dict | None): Score and size of a model trained on all of the corpus.
    costs (Sequence[str]): One panel each.
    RAISES (AlError): AL102 without matplotlib.
    """
    check_plots()
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(
        1, len(costs), figsize=(2.1 + 5.4 * len(costs), 4.4), dpi=150, sharey=True, squeeze=False
    )
    for axes, cost in zip(panels[0], costs):
        _draw(axes, rows, cost)
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
        axes.set_xlabel(AXES[cost])
        axes.xaxis.set_major_formatter(
            (lambda value, _: f"{value / 3600:g}")
            if cost == "seconds"
            else lambda value, _: f"{value:,.0f}"
        )
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0][0].set_ylabel(score_name)
    panels[0][0].set_title(title, fontsize=11, loc="left")
    # curves may fall: where it hides least
    panels[0][-1].legend(frameon=False, loc="best")
    figure.tight_layout()
    with replacing(path, "wb") as file:
        figure.savefig(file, format="png")
    pyplot.close(figure)


def _draw(axes: Any, rows: Sequence[ResultRow], cost: Cost) -> None:
    for strategy, seeds in sorted(
        curves(rows, cost).items(), key=lambda item: (is_random(item[0]), item[0])
    ):
        x, mean, low, high = zip(*mean_curve(seeds))
        style: dict[str, Any] = {"linestyle": "--"} if is_random(strategy) else {}
        # chance is grey; with batches of other sizes it has a colour, or its lines could not be told apart
        style |= {"color": "#888888"} if strategy == RANDOM else {}
        (line,) = axes.plot(x, mean, marker="o", markersize=4, label=strategy, **style)
        axes.fill_between(x, low, high, color=line.get_color(), alpha=0.15, lw=0)

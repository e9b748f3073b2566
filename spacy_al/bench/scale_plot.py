"""The lines through what pools of several sizes took, as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy

from spacy_al.reporting.plot import check_plots
from spacy_al.util import replacing

# What is drawn, and by which it is divided
PANELS = {
    "cpu_score": ("minutes of a core: all scored", 60.0),
    "cpu_known": ("minutes of a core: all known", 60.0),
    "cache_bytes": ("MB of cached scores", 1e6),
    "ranking_memory": ("MB of the process that ranks", 2.0**20),
}


def plot_scale(
    rows: Sequence[Mapping[str, float]], lines: Mapping[str, Mapping[str, float]], path: Path
) -> None:
    """Draw what was measured as points, and the line that the largest was no part of.

    rows, lines: As `measure` and `formulae` give them.
    path (Path): A PNG.
    RAISES (AlError): AL102 without matplotlib.
    """
    check_plots()
    from matplotlib.figure import Figure

    sizes = numpy.array([row["texts"] for row in rows])
    figure = Figure(figsize=(9.6, 6.4), layout="constrained")
    for axes, (name, (title, unit)) in zip(figure.subplots(2, 2).flat, PANELS.items()):
        values = numpy.array([row[name] for row in rows]) / unit
        line = (lines[name]["start"] + lines[name]["each"] * sizes) / unit
        axes.plot(sizes / 1000, line, color="#8aa0ba", label="line through the smaller ones")
        axes.plot(sizes / 1000, values, "o", color="#2f5d9b", label="measured")
        axes.set_title(title)
        axes.set_xlabel("thousand texts")
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
    figure.axes[0].legend()
    with replacing(path, "wb") as file:
        figure.savefig(file, format="png", dpi=100)

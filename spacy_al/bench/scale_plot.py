"""What pools of several sizes took, the lines through them, and how far the largest keeps to them, as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy

from spacy_al.bench.scale_lines import off_line
from spacy_al.reporting.plot import check_plots
from spacy_al.util import replacing

LINE, DARK, OTHER = "#8aa0ba", "#2f5d9b", "#b5582a"
MB = 2.0**20
# What is drawn of all sizes, by which it is divided, and what of it is known while the largest is scored
PANELS = {
    "cpu_score": ("minutes of a core, all scored", 60.0, "cpu"),
    "wall_score": ("minutes by the clock, all scored", 60.0, "wall"),
    "cpu_known": ("minutes of a core, all known", 60.0, None),
    "cache_bytes": ("MB of cached scores", 1e6, None),
}


def plot_scale(
    rows: Sequence[Mapping[str, float]],
    lines: Mapping[str, Mapping[str, float]],
    points: Sequence[Mapping[str, float]],
    path: Path,
) -> None:
    """Draw what was measured, the line that the largest was no part of, how straight its own is, and the memory that processes held.

    rows, lines: As `measure_scale` and `formulae` give them.
    points (Sequence): What the largest had taken after so many texts.
    path (Path): A PNG.
    RAISES (AlError): AL102 without matplotlib.
    """
    check_plots()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.6, 6.8), layout="constrained")
    first, *more = (axes for row in figure.subplots(2, 3) for axes in row)
    deviation, memory = more.pop(1), more.pop()
    for axes, (name, panel) in zip([first, *more], PANELS.items()):
        _draw(axes, name, panel, rows, lines, points)
    for kind, label, colour in (("cpu", "of a core", DARK), ("wall", "by the clock", OTHER)):
        sizes, off = off_line(points, kind)
        deviation.plot(sizes / 1000, 100 * off, color=colour, label=label)
    deviation.axhline(0, color=LINE)
    deviation.set_title("% of its time that the largest is off a line")
    for kind, label, colour in (
        ("own", "that ranks", DARK),
        ("others", "the largest that scores", OTHER),
    ):
        values = [one[kind] / MB for one in points]
        memory.plot([one["texts"] / 1000 for one in points], values, color=colour, label=label)
    memory.set_title("MB that a process held at most")
    memory.set_ylim(bottom=0)
    for axes in figure.axes:
        axes.set_xlabel("thousand texts")
        axes.set_xlim(left=0)
    for axes in (first, deviation, memory):
        axes.legend()
    with replacing(path, "wb") as file:
        figure.savefig(file, format="png", dpi=100)


def _draw(
    axes: Any,
    name: str,
    panel: tuple[str, float, str | None],
    rows: Sequence[Mapping[str, float]],
    lines: Mapping[str, Mapping[str, float]],
    points: Sequence[Mapping[str, float]],
) -> None:
    title, unit, kind = panel
    sizes = numpy.array([row["texts"] for row in rows])
    ends = numpy.array([0, sizes[-1]])
    line = (lines[name]["start"] + lines[name]["each"] * ends) / unit
    axes.plot(ends / 1000, line, color=LINE, label="line through the smaller sizes")
    if kind is not None:
        done, took = [one["texts"] / 1000 for one in points], [one[kind] / unit for one in points]
        axes.plot(done, took, color=OTHER, linewidth=1, label="the largest, while it is scored")
    axes.plot(sizes / 1000, [row[name] / unit for row in rows], "o", color=DARK, label="measured")
    axes.set_title(title)
    axes.set_ylim(bottom=0)

"""Charts as geometry: where lines, ticks and dots lie, in thousandths of the plot, for the templates to draw.

Lines stretch with the page while text keeps its size, so one chart serves a wide and a narrow screen.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from spacy_al.reporting.words import count, is_number

Point = tuple[float, float]
# Of the plot's width and height
SIZE = 1000
GREY = 0
N_COLOURS = 8


@dataclass(frozen=True)
class Line:
    """A curve.

    name (str): For the legend.
    points (Sequence): (x, y).
    band (Sequence): (x, low, high) around it.
    colour (int): From 1; 0 is grey.
    dashed (bool): As what is not measured, or not ours.
    dots (bool): Whether points are marked, and tell their numbers when pointed at.
    """

    name: str
    points: Sequence[Point]
    band: Sequence[tuple[float, float, float]] = ()
    colour: int = GREY
    dashed: bool = False
    dots: bool = True


@dataclass(frozen=True)
class Level:
    """A height to compare with: name (str), value (float)."""

    name: str
    value: float


@dataclass(frozen=True)
class Chart:
    """The shapes that a template draws. Positions are in thousandths, from the left and from the top."""

    title: str
    about: str
    x_title: str
    y_title: str
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    lines: list[dict[str, Any]]
    levels: list[dict[str, Any]] = field(default_factory=list)
    # where a vertical axis begins that does not begin at 0
    begins: str = ""


def small_chart(
    lines: Sequence[Line],
    *,
    title: str,
    x_title: str,
    y_title: str,
    y_text: Callable[[float], str],
    meaning: str,
    y_from: float | None = None,
) -> dict[str, Any] | None:
    """One of several charts over rounds or looks, as `parts.small_charts` shows them.

    meaning (str): Said below it.
    RETURNS (dict | None): `title`, `chart`, `meaning`, and the `numbers` by line, for what has no curve as it happened once; None without any.
    """
    numbers = [(line.name, y_text(y)) for line in lines for _, y in line.points if is_number(y)]
    if not numbers:
        return None
    chart = line_chart(
        lines,
        title=title,
        x_title=x_title,
        y_title=y_title,
        x_text=count,
        y_text=y_text,
        y_from=y_from,
        whole=True,
        small=True,
    )
    return {"title": title, "chart": chart, "numbers": numbers, "meaning": meaning}


def line_chart(
    lines: Sequence[Line],
    levels: Sequence[Level] = (),
    *,
    title: str,
    x_title: str,
    y_title: str,
    x_text: Callable[[float], str],
    y_text: Callable[[float], str],
    y_from: float | None = None,
    whole: bool = False,
    small: bool = False,
) -> Chart | None:
    """Lay out curves on common axes.

    lines (Sequence[Line]), levels (Sequence[Level]): What is drawn; points that are no numbers are left out.
    title, x_title, y_title (str): Said beside it.
    x_text, y_text (Callable): How a number reads when a dot is pointed at.
    y_from (float | None): Where the vertical axis begins; None for near the lowest value.
    whole (bool): Whether only whole numbers stand on the horizontal axis.
    small (bool): With fewer numbers on the axes.
    RETURNS (Chart | None): None without two points in a line: that is a number, no curve.
    """
    lines = [line for line in (_known(line) for line in lines) if line.points]
    if all(len(line.points) < 2 for line in lines):
        return None
    levels = [level for level in levels if is_number(level.value)]
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points] + [level.value for level in levels]
    ys += [end for line in lines for _, *ends in line.band for end in ends]
    x_low = 0.0 if not whole and 0 <= min(xs) < 0.75 * max(xs) else min(xs)
    x_ticks = ticks(x_low, max(xs), most=5 if small else 6, whole=whole)
    y_low = min(ys) if y_from is None else min(y_from, *ys)
    y_ticks = ticks(y_low, max(ys), most=5 if small else 7)
    x_range = (x_low, max(xs)) if x_low < max(xs) else (x_ticks[0], x_ticks[-1])
    y_range = (y_ticks[0], y_ticks[-1])

    def at(x: float, y: float) -> str:
        return f"{_share(x, x_range):.1f} {SIZE - _share(y, y_range):.1f}"

    drawn = []
    for line in lines:
        forth = [at(x, high) for x, _, high in line.band]
        back = [at(x, low) for x, low, _ in reversed(line.band)]
        dots = [
            {"at": at(x, y), "tip": f"{line.name}: {y_text(y)} at {x_text(x)} {x_title}"}
            for x, y in line.points
        ]
        drawn.append(
            {
                "name": line.name,
                "colour": line.colour,
                "dashed": line.dashed,
                "path": "M" + "L".join(at(x, y) for x, y in line.points),
                "band": "M" + "L".join(forth + back) + "Z" if forth else "",
                "dots": dots if line.dots else [],
            }
        )
    x_names, y_names = tick_labels(x_ticks), tick_labels(y_ticks)
    return Chart(
        title=title,
        about=_about(lines, levels, x_title, x_text, y_text),
        x_title=x_title,
        y_title=y_title,
        x_ticks=[
            (_share(x, x_range), name)
            for x, name in zip(x_ticks, x_names)
            if x_range[0] <= x <= x_range[1]
        ],
        y_ticks=[(SIZE - _share(y, y_range), name) for y, name in zip(y_ticks, y_names)],
        lines=drawn,
        begins=y_names[0] if y_range[0] > 0 else "",
        levels=[
            {"name": level.name, "at": SIZE - _share(level.value, y_range)} for level in levels
        ],
    )


def ticks(low: float, high: float, *, most: int = 5, whole: bool = False) -> list[float]:
    """Round numbers from below `low` to above `high`, about `most` of them and never fewer than two."""
    if high - low <= 1e-6 * max(1.0, abs(high)):
        # a single value stands in the middle
        room = 1.0 if whole else max(abs(high) / 10, 0.1)
        low, high = low - room, high + room
    rough = (high - low) / (most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    steps = (1, 2, 5, 10) if whole else (1, 2, 2.5, 5, 10)
    step = power * next(s for s in steps if s * power >= rough * 0.999)
    step = max(step, 1.0) if whole else step
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def tick_labels(values: Sequence[float]) -> list[str]:
    """Numbers on an axis, all with the same decimals; thousands as k where all of them are."""
    largest = max(abs(value) for value in values)
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if largest >= 2 * unit:
            return [f"{value / unit:g}{name}" if value else "0" for value in values]
    digits = max(len(f"{value:.6f}".rstrip("0").partition(".")[2]) for value in values)
    return [f"{value:,.{digits}f}".replace("-", "−") for value in values]


def _known(line: Line) -> Line:
    points = sorted(point for point in line.points if all(map(is_number, point)))
    band = sorted(row for row in line.band if all(map(is_number, row)))
    return Line(line.name, points, band, line.colour, line.dashed, line.dots)


def _share(value: float, ends: Point) -> float:
    return min(1.0, max(0.0, (value - ends[0]) / (ends[1] - ends[0]))) * SIZE


def _about(
    lines: Sequence[Line],
    levels: Sequence[Level],
    x_title: str,
    x_text: Callable[[float], str],
    y_text: Callable[[float], str],
) -> str:
    """The chart in words, for those who do not see it."""
    said = []
    for line in lines:
        (x0, y0), (x1, y1) = line.points[0], line.points[-1]
        end = f", to {y_text(y1)} at {x_text(x1)}" if len(line.points) > 1 else ""
        said.append(f"{line.name}: {y_text(y0)} at {x_text(x0)} {x_title}{end}.")
    said += [f"{level.name}: {y_text(level.value)}." for level in levels]
    return " ".join(said)

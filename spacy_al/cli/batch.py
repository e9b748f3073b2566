"""A batch on a terminal: a table of its texts, the uncertain words marked."""

import os
import shutil
import sys
import unicodedata
from itertools import accumulate
from pathlib import Path
from typing import Any

from wasabi import color

from spacy_al.cli.app import printable
from spacy_al.query.select import Selection
from spacy_al.tasks.task import Task

COLUMNS = 120
WHY = 42


def format_selection(selection: Selection, output: Path, shown: int | None = 10) -> str:
    """The model that was used, the batch as a table with the uncertain words marked, what was left out and where it went.

    selection (Selection): The batch.
    output (Path): Where it was written.
    shown (int | None): Rows of the table; None for all.
    """
    if selection.model is None:
        used = (
            "No model: a cold start, with texts that represent the pool and differ from each other"
        )
        if selection.strategy != "representative":
            used = f"No model: a cold start, {selection.strategy}"
    else:
        state = "calibrated" if selection.calibrated else "uncalibrated"
        used = f"{selection.component} of {selection.model} ({state} probabilities), {selection.strategy}"
    if scored_by := selection.tasks[0]["meta"]["scored_by"]:
        used += f"; the score is {scored_by}"
    lines = [f"ℹ {printable(used)}", "", *_table(selection, shown), ""]
    if not any(task["labels"] for task in selection.tasks):
        lines += [
            "⚠ No labels are known, so there are none to choose from: --config with labels = [...] in [al]"
        ]
    if (private := selection.privacy) and private.epsilon > 0:
        lines.append(
            f"ℹ Had a text been another, no batch would be more than e^{private.epsilon:g} times as probable. Of the highest scores such a batch is "
            f"expected to hold {private.overlap:.1%}, and chance alone {private.chance:.1%}; {private.clipped:.1%} of the scores are "
            "above the bound."
        )
    if explore := selection.tasks[0]["meta"].get("explore"):
        lines.append(
            f"ℹ {explore:.0%} of the draws are by chance, whatever the score: they say how good the model is in the whole pool (--sampler top_k "
            "has none)"
        )
    left = [f"{k} {why}" for why, k in sorted(selection.report.items()) if why != "read" and k]
    lines += [f"ℹ Left out: {', '.join(left)}"] if left else []
    if selection.n_near:
        lines.append(
            f"ℹ {selection.n_near:,} more are near duplicates of these, of which a batch has one each"
        )
    to = "standard output" if str(output) == "-" else printable(output)
    return "\n".join(
        [*lines, f"✔ {len(selection.tasks)} of {selection.n_pool:,} texts written to {to}"]
    )


def width(text: str) -> int:
    """Columns that a text takes on a terminal: none for a combining mark, two for most East Asian characters and emoji."""
    return sum(map(_columns, text))


def cut(text: str, columns: int) -> str:
    """The text if it fits into so many columns, else as much as does and an ellipsis."""
    if width(text) <= columns:
        return text
    ends = accumulate(map(_columns, text))
    return text[: sum(end < columns for end in ends)] + "…"


def _table(selection: Selection, shown: int | None) -> list[str]:
    batch = list(zip(selection.tasks, selection.uncertainty))
    rows = []
    for task, _ in batch[:shown]:
        meta = task["meta"]
        score = "" if meta["scored_by"] is None else _score(meta["score"])
        rows.append([str(meta["rank"]), score, cut(_flat(meta.get("why", "")), WHY)])
    # a column that is empty throughout is left out; the text comes last, since its colours take no room
    header = ["#", "Score", "Least sure of"]
    kept = [k for k in range(3) if any(row[k] for row in rows)]
    widths = [max(width(row[k]) for row in [header, *rows]) for k in kept]
    room = shutil.get_terminal_size((COLUMNS, 0)).columns - sum(widths) - 3 * len(kept)
    lines = [_row([header[k] for k in kept], widths, "Text")]
    lines.append(_row(["-" * w for w in widths], widths, "-" * 4))
    for row, (task, uncertainty) in zip(rows, batch):
        lines.append(
            _row([row[k] for k in kept], widths, _marked(task, uncertainty, max(room, 30)))
        )
    if len(batch) > len(rows):
        lines.append(f"… and {len(batch) - len(rows)} more")
    return lines


def _row(cells: list[str], widths: list[int], text: str) -> str:
    """Numbers to the right, the rest to the left."""
    padded = []
    for cell, columns in zip(cells, widths):
        blanks = " " * (columns - width(cell))
        padded.append(blanks + cell if cell[:1].isdigit() else cell + blanks)
    return "   ".join([*padded, text])


def _marked(task: Task, uncertainty: Any, room: int) -> str:
    """The text in so many columns, its uncertain words marked: in colour where there is any, else in brackets."""
    texts = [_flat(token["text"]) + " " * token["ws"] for token in task["tokens"]]
    peak = float(max(uncertainty, default=0.0))
    marked = [peak > 0 and value >= peak / 2 for value in uncertainty.tolist()]
    first = _first_shown(texts, int(uncertainty.argmax()) if peak > 0 else 0, room // 2)
    parts, left = ["… "] if first else [], room - 2 * bool(first)
    for i in range(first, len(texts)):
        text = texts[i]
        # three columns for brackets and an ellipsis
        fits = width(text) + 3 <= left
        if not fits:
            text = cut(text, left - 3) if i == first else "…"
        opens = marked[i] and (i == first or not marked[i - 1])
        closes = marked[i] and (not fits or i + 1 == len(texts) or not marked[i + 1])
        parts.append(_mark(text, marked[i], opens, closes))
        if not fits:
            break
        left -= width(text) + (0 if _colours() else opens + closes)
    return "".join(parts)


def _mark(text: str, marked: bool, opens: bool, closes: bool) -> str:
    if _colours():
        return color(text, fg="yellow", bold=True) if marked else text
    word = text.rstrip(" ")
    return "[" * opens + word + "]" * closes + text[len(word) :]


def _first_shown(texts: list[str], at: int, before: int) -> int:
    """The first word to show if at most so many columns stand before word `at`."""
    total = 0
    for first in range(at, 0, -1):
        total += width(texts[first - 1])
        if total > before:
            return first
    return 0


def _score(value: float) -> str:
    # what a sampler expects of one text can be far below what three decimals show
    return f"{value:.3f}" if value == 0 or value >= 0.01 else f"{value:.1e}"


def _flat(text: str) -> str:
    return printable(text).replace("\n", " ")


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _colours() -> bool:
    return sys.stderr.isatty() and "NO_COLOR" not in os.environ

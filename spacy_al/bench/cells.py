"""Cells of an experiment: each is measured once and kept as a line of a JSONL file, so that the same command goes on where it was stopped."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any, TypeAlias

from wasabi import msg

from spacy_al.processes.pool import processes
from spacy_al.util import replacing

Row: TypeAlias = dict[str, Any]
Cell: TypeAlias = tuple[Any, ...]


def measure_cells(
    path: Path,
    key: Sequence[str],
    cells: Iterable[Cell],
    measure: Callable[..., Row],
    *,
    alike: Sequence[str] = (),
    n_process: int | None = None,
    hours: float = 0.0,
) -> list[Row]:
    """Measure the cells that a file has no line of, and say before how many they are and how long they will take.

    path (Path): JSONL. A line is written as soon as its cell is measured.
    key (Sequence[str]): The fields of a line that say which cell it is of.
    cells (Iterable[Cell]): A value for each field of `key`, in the order in which they are measured.
    measure (Callable): Called with the values of a cell; what it returns joins them in the line. What it says of `seconds` stands.
    alike (Sequence[str]): Those fields of `key` that say how long a cell takes.
    n_process (int | None): Processes, to which `measure` travels; None for this one.
    hours (float): Begin no cell after so many; 0 for no end.
    RETURNS (list[Row]): All that the file has, of other cells as well.
    """
    rows = read_cells(path)
    known = {_name(row[field] for field in key) for row in rows}
    todo = [cell for cell in dict.fromkeys(cells) if _name(cell) not in known]
    msg.info(f"{len(todo)} cells to do{_about(rows, key, todo, alike, n_process or 1)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf8") as file:
        until = time.monotonic() + hours * 3600 if hours else float("inf")
        for row in _measured(partial(_row_of, measure, key), todo, n_process, until):
            rows.append(row)
            file.write(json.dumps(row) + "\n")
            file.flush()
    return rows


def read_cells(path: Path) -> list[Row]:
    """The lines of a file so far; none of one that is missing. A last line that was cut off is taken out of it: its cell is measured again."""
    lines = path.read_text("utf8").splitlines(keepends=True) if path.is_file() else []
    if lines and not lines[-1].endswith("\n"):
        lines.pop()
        with replacing(path) as file:
            file.writelines(lines)
    return [json.loads(line) for line in lines]


def _name(values: Iterable[Any]) -> str:
    """As a line has it: JSON knows no tuples."""
    return json.dumps([*values])


def _about(
    rows: Sequence[Row], key: Sequence[str], todo: Sequence[Cell], alike: Sequence[str], n: int
) -> str:
    """How long cells will take, by the mean of those that are alike, or else of all."""
    took: dict[str, list[float]] = {}
    for row in rows:
        if "seconds" in row:
            for name in (_name(row[field] for field in alike), ""):
                took.setdefault(name, []).append(row["seconds"])
    if not todo or not took:
        return ""
    of_all, seconds = mean(took[""]), 0.0
    for cell in todo:
        name = _name(dict(zip(key, cell))[field] for field in alike)
        seconds += mean(took[name]) if name in took else of_all
    return f", about {seconds / n / 3600:.1f} hours"


def _row_of(measure: Callable[..., Row], key: Sequence[str], cell: Cell) -> Row:
    started = time.perf_counter()
    row = {**dict(zip(key, cell)), **measure(*cell)}
    row.setdefault("seconds", round(time.perf_counter() - started, 1))
    return row


def _measured(
    row_of: Callable[[Cell], Row], todo: Sequence[Cell], n_process: int | None, until: float
) -> Iterator[Row]:
    queue = (cell for cell in todo if time.monotonic() < until)
    if n_process is None:
        yield from map(row_of, queue)
        return
    running, failed = set[Future[Row]](), list[BaseException]()
    with processes(n_process) as pool:
        while True:
            # no more than are under way, so that none begins late; after a failure those that are under way are kept
            while len(running) < n_process and not failed and (cell := next(queue, None)):
                running.add(pool.submit(row_of, cell))
            if not running:
                break
            done, running = wait(running, return_when=FIRST_COMPLETED)
            failed += [error for one in done if (error := one.exception())]
            yield from (one.result() for one in done if not one.exception())
    if failed:
        raise failed[0]

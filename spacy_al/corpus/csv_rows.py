"""Rows of tables as text: what is none is said, since a text that is cut looks like any other."""

import csv
from collections.abc import Callable, Iterator
from typing import Any

NUL = "it holds a NUL, as UTF-16 without a mark at its beginning does"


def cells_of(line: str, between: str) -> list[str]:
    """The cells of a line by itself; none if it is no row."""
    try:
        return next(csv.reader([line], delimiter=between), [])
    except csv.Error:
        return []


def row_fault(row: list[str], header: list[str], quoted: bool) -> str:
    """Why cells are not those that the header names, or nothing: a text that is cut looks like any other."""
    if row and len(row) != len(header):
        cut = (
            "quote texts with a separator or a line end in them"
            if quoted
            else "a text may have a tab or a line end in it"
        )
        return f"it has {len(row)} cells, and the header has {len(header)}: {cut}"
    if any("\0" in cell for cell in row):
        return NUL
    if not quoted and any(is_quoted(cell) for cell in row):
        return 'it has quotes as CSV has them ("" for one), and the header has none: quote the header too, or none'
    return ""


def is_quoted(cell: str) -> bool:
    """Whether a cell that was read as it stands is quoted beyond doubt: all quotes within are double."""
    inner = cell[1:-1]
    whole = len(cell) > 2 and cell[0] == cell[-1] == '"'
    return whole and '""' in inner and '"' not in inner.replace('""', "")


def read_rows(
    reader: Any, name: str, problem: Callable[[str, str], None]
) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line they start on; a row that is no CSV is reported."""
    while True:
        start = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # a quote that was never closed ran up to here
            last = reader.line_num
            end = f": lines {start} to {last} are not read" if last > start else ""
            problem(f"{name}:{start}", f"not CSV ({error}){end}")
        else:
            yield start, row

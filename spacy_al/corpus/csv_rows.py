"""Rows of tables as text: what is none is said, since a text that is cut looks like any other."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

NUL = "it holds a NUL, as UTF-16 without a mark at its beginning does"
UNQUOTED = 'it has quotes as CSV has them ("" for one), and the header has none: quote the header too, or none'
SWALLOWED = "it begins and ends with a quote, and each line of it is a row: quotes within a text are written twice"


def cells_of(line: str, between: str) -> list[str]:
    """The cells of a line by itself; none if it is no row."""
    try:
        return next(csv.reader([line], delimiter=between), [])
    except csv.Error:
        return []


class CsvRow(NamedTuple):
    """A row of a table.

    line (int): Its first, from 1.
    cells (list[str]): As they were read.
    lines (list[str]): All of its own, as they are in the file.
    """

    line: int
    cells: list[str]
    lines: list[str]


@dataclass(frozen=True)
class Dialect:
    """How a table is written: what is between its columns, and whether a quote around a cell belongs to it."""

    between: str
    quoted: bool


def dialect_of(first: str, between: str) -> Dialect:
    """first (str): The first row. A table of tabs has no quoting, unless that shows it: a quote there is a quote."""
    return Dialect(between, between != "\t" or '"' in first)


def row_fault(row: CsvRow, header: list[str], dialect: Dialect) -> str:
    """Why cells are not those that the header names, or nothing: a text that is cut looks like any other."""
    cells = row.cells
    if cells and len(cells) != len(header):
        cut = (
            "quote texts with a separator or a line end in them"
            if dialect.quoted
            else "a text may have a tab or a line end in it"
        )
        return f"it has {len(cells)} cells, and the header has {len(header)}: {cut}"
    if any("\0" in cell for cell in cells):
        return NUL
    if cells and [cell.removeprefix("\ufeff") for cell in cells] == header:
        return "it is the header again, as where files were put together"
    if not dialect.quoted:
        return UNQUOTED if any(map(is_quoted, cells)) else ""
    # in CSV the blank makes the quotes a part of the cell
    if re.search(f'{re.escape(dialect.between)} +"', "".join(row.lines)) and any(
        re.fullmatch(' +".*"', cell) for cell in cells
    ):
        return "it has a blank before a quote, which then quotes nothing: take the blank out"
    return SWALLOWED if _is_several(row.lines, dialect.between, len(header)) else ""


def _is_several(lines: Sequence[str], between: str, n_cells: int) -> bool:
    """Whether a quote that was not meant as one has made one row of several: each of its lines is a row by itself.

    Two lines with a separator each can be a letter; their numbers tell.
    """
    if n_cells < 2 or len(lines) < 2:
        return False
    parts = [line.split(between) for line in lines]
    numbered = all(cells[0].strip().isdecimal() for cells in parts)
    return all(len(cells) == n_cells for cells in parts) and (numbered or len(lines) > 2)


def is_quoted(cell: str) -> bool:
    """Whether a cell that was read as it stands is quoted beyond doubt: all quotes within are double."""
    inner = cell[1:-1]
    whole = len(cell) > 2 and cell[0] == cell[-1] == '"'
    return whole and '""' in inner and '"' not in inner.replace('""', "")


def read_rows(
    lines: Iterable[str], dialect: Dialect, name: str, problem: Callable[[str, str], None]
) -> Iterator[CsvRow]:
    """Rows; one that is no CSV is reported."""
    taken: list[str] = []
    reader = csv.reader(
        (taken.append(line) or line for line in lines),  # type: ignore[func-returns-value]
        delimiter=dialect.between,
        quoting=csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE,
        # a quote that is never closed is an error and does not swallow the file unseen
        strict=True,
    )
    while True:
        start = reader.line_num + 1
        taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # a quote that was never closed ran up to here
            last = reader.line_num
            end = f": lines {start} to {last} are not read" if last > start else ""
            problem(f"{name}:{start}", f"not CSV ({error}){end}")
        else:
            yield CsvRow(start, cells, [*taken])

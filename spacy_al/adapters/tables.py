"""Tables of texts with labels: CSV, TSV, and Excel's XLSX. A column has the label of each text, or several have 1 or 0, one a label."""

import csv
import io
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from spacy_al.adapters.files import read_text, split_lines
from spacy_al.adapters.reading import LabelledRecord, Reading
from spacy_al.adapters.record_check import short
from spacy_al.corpus.csv_rows import UNQUOTED, dialect_of, read_rows, row_fault
from spacy_al.errors import AlError, Errors, UsageError

# Columns that number the rows; a table of pandas has one without a name
NUMBERS = ("", "id", "index", "idx", "unnamed: 0", "guid", "uid")
USUAL = ("label", "labels", "category", "class", "target")
YES, NO = ("1", "1.0", "true", "yes"), ("0", "0.0", "false", "no")
XLSX = (".xlsx", ".xlsm")
# What libraries and Excel write for an empty cell
NOTHING = ("nan", "null", "<na>", "#n/a")
# What tools write between several labels of one cell
SEVERAL = "#|;,"
NUMBER, SCORE = re.compile(r"-?[0-9]+(?:\.0)?"), re.compile(r"-?0?\.[0-9]*[1-9][0-9]*")
Row = tuple[int, list[str]]


def read_table(path: Path, reading: Reading) -> Iterator[LabelledRecord]:
    """Read a table with a header: a column of texts (`reading.text_key`), and one or several of labels.

    `column` names those of labels, with commas between them; by default all that do not number the rows. An empty cell says nothing.

    YIELDS (LabelledRecord): A row each, with categories.
    RAISES (AlError): AL046, AL267 or AL268 if it cannot be read, AL332 (UsageError) if a column is not there, AL330 (UsageError) where several
        columns could be meant, AL331 (UsageError) for numbers without names, AL333 for XLSX without openpyxl.
    """
    rows = list(_xlsx(path, reading) if path.suffix.lower() in XLSX else _separated(path, reading))
    if not rows:
        return
    (_, header, _), *found = rows
    body = [(line, cells) for line, cells, why in found if not why]
    header = [cell.strip() for cell in header]
    if twice := sorted({name for name in header if name and header.count(name) > 1}):
        why = f"two columns are called {short(twice[0])}"
        raise AlError(Errors.AL268.format(where=path, why=why, how="Call one of them otherwise"))
    columns = _columns(header, body, path, reading)
    text_at = header.index(reading.text_key)
    yes_no = _is_yes_no(columns, header, body)
    if not yes_no and len(columns) > 1:
        raise UsageError(
            Errors.AL330.format(path=path, what="columns of labels", found=", ".join(columns))
        )
    reading.skip(
        name
        for name in header
        if name not in (*columns, reading.text_key) and name.casefold() not in NUMBERS
    )
    names = None if yes_no else _names(columns, header, body, path, reading)
    for line, row, why in found:
        where = f"{path.name}:{line}"
        if why or len(row) != len(header):
            why = why or f"it has {len(row)} cells, and the header has {len(header)}"
            yield {"where": where, "problem": why}
            continue
        values = [(name, row[header.index(name)].strip()) for name in columns]
        try:
            cats = _yes_no(values) if yes_no else _chosen(values[0], names or [])
            if not row[text_at].strip():
                raise ValueError("it has no text")
            yield {"where": where, "text": row[text_at], "cats": cats}
        except ValueError as error:
            yield {"where": where, "problem": str(error)}


def _columns(header: Sequence[str], body: Sequence[Row], path: Path, reading: Reading) -> list[str]:
    known = ", ".join(name for name in header if name) or "none"
    wanted = [name.strip() for name in reading.column.split(",")] if reading.column else []
    for name in (reading.text_key, *wanted):
        if name not in header:
            option = "text-key" if name == reading.text_key else "column"
            raise UsageError(Errors.AL332.format(path=path, name=name, known=known, option=option))
    if wanted:
        return wanted
    found = [name for name in header if name != reading.text_key and name.casefold() not in NUMBERS]
    if not found:
        raise UsageError(Errors.AL332.format(path=path, name="label", known=known, option="column"))
    return found


def _cells(columns: Sequence[str], header: Sequence[str], body: Sequence[Row]) -> list[str]:
    places = [header.index(name) for name in columns]
    whole = [row for _, row in body if len(row) == len(header)]
    return [cell for row in whole for place in places if (cell := row[place].strip())]


def _is_yes_no(columns: Sequence[str], header: Sequence[str], body: Sequence[Row]) -> bool:
    """Whether nearly all of each column is 1 or 0; a column called "label" has its labels as numbers."""
    if len(columns) == 1 and columns[0].casefold() in USUAL:
        return False
    return all(
        2 * sum(cell.casefold() in (*YES, *NO) for cell in cells) > len(cells)
        for name in columns
        if (cells := _cells([name], header, body))
    )


def _names(
    columns: Sequence[str], header: Sequence[str], body: Sequence[Row], path: Path, reading: Reading
) -> list[str]:
    """The labels, or the names of numbers."""
    cells = {c for c in _cells(columns, header, body) if c.casefold() not in NOTHING}
    # what is refused is no label that others have not
    found = sorted(c for c in cells if not _are_several(c, cells) and not SCORE.fullmatch(c))
    if found and all(map(NUMBER.fullmatch, found)):
        if not reading.labels:
            raise UsageError(Errors.AL331.format(path=path, column=columns[0]))
        return list(reading.labels)
    return found


def _yes_no(values: Sequence[tuple[str, str]]) -> dict[str, float]:
    cats = {}
    for name, cell in values:
        if cell.casefold() in (*YES, *NO):
            cats[name] = float(cell.casefold() in YES)
        elif cell:
            raise ValueError(f"the cell in {short(name)} is {short(cell)}, where others are 1 or 0")
    if not cats:
        raise ValueError("all its cells of labels are empty")
    return cats


def _chosen(value: tuple[str, str], names: Sequence[str]) -> dict[str, float]:
    name, cell = value
    if not cell:
        raise ValueError(f"its cell in {short(name)} is empty")
    if cell.casefold() in NOTHING:
        raise ValueError(
            f"its cell in {short(name)} is {short(cell)}, which is written for nothing"
        )
    if SCORE.fullmatch(cell):
        raise ValueError(f"its cell in {short(name)} is {short(cell)}, a score and no label")
    if _are_several(cell, names):
        raise ValueError(
            f"its cell in {short(name)} is {short(cell)}, which looks like several labels: make a column of 1 and 0 of each"
        )
    if cell not in names:
        number = cell.removesuffix(".0")
        if not number.isdecimal() or int(number) >= len(names):
            raise ValueError(f"the label {short(cell)} has no name: {len(names)} are known, from 0")
        cell = names[int(number)]
    return {label: float(label == cell) for label in names}


def _are_several(cell: str, names: Collection[str]) -> bool:
    """Whether a cell is a list of labels."""
    several = any(
        s in cell and {part.strip() for part in cell.split(s)} <= {*names} for s in SEVERAL
    )
    return several or (cell[0] in "[{" and cell[-1] in "]}")


def _separated(path: Path, reading: Reading) -> Iterator[tuple[int, list[str], str]]:
    text = read_text(path, reading)
    first = next(iter(split_lines(text.lstrip("\r\n"))))
    between = "\t" if path.suffix.lower() == ".tsv" else max(",;\t|", key=first.count)
    if between != "," and path.suffix.lower() == ".csv":
        reading.say(f"The columns of {path.name} have {between!r} between them.")
    dialect = dialect_of(first, between)
    # the limit of 128 kB a field is a setting of the whole module
    limit = csv.field_size_limit(2**31 - 1)
    try:
        lines = io.StringIO(text, newline="")
        header: list[str] = []
        for row in read_rows(lines, dialect, str(path), _refuse):
            if not any(cell.strip() for cell in row.cells):
                continue
            header = header or row.cells
            why = row_fault(row, header, dialect) if header is not row.cells else ""
            if why == UNQUOTED:
                raise _not_csv(f"{path}:{row.line}", why)
            yield row.line, row.cells, why
    finally:
        csv.field_size_limit(limit)


def _refuse(where: str, why: str) -> NoReturn:
    """RAISES (AlError): Where the next row begins cannot be told."""
    raise _not_csv(where, f"it is {why.partition(': lines ')[0]}")


def _not_csv(where: str, why: str) -> AlError:
    how = "Quote what has a quote in it, and write that twice"
    return AlError(Errors.AL268.format(where=where, why=why, how=how))


def _xlsx(path: Path, reading: Reading) -> Iterator[tuple[int, list[str], str]]:
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise AlError(Errors.AL333.format(path=path)) from None
    if not path.is_file():
        raise AlError(Errors.AL040.format(path=path))
    try:
        book = load_workbook(path, read_only=True, data_only=True)
        filled = [sheet for sheet in book.worksheets if any(_filled(sheet))]
        rows = list(_filled(filled[0])) if filled else []
    except Exception as error:
        # a damaged archive can raise anything
        why = f"it is no workbook, or a damaged one ({str(error) or type(error).__name__})"
        how = "Open it, and save it as XLSX or CSV"
        raise AlError(Errors.AL268.format(where=path, why=why, how=how)) from error
    reading.skip(f"sheet {sheet.title}" for sheet in filled[1:])
    if filled[1:]:
        reading.say(f"Of {path.name} the sheet {filled[0].title!r} is read.")
    width = max((k for k, cell in enumerate(rows[0][1], 1) if cell), default=0) if rows else 0
    for line, cells in rows:
        kept = [*cells, *[""] * (width - len(cells))]
        while len(kept) > width and not kept[-1]:
            kept.pop()
        yield line, kept, ""


def _filled(sheet: Any) -> Iterator[Row]:
    for line, row in enumerate(sheet.iter_rows(values_only=True), 1):
        cells = ["" if cell is None else str(cell) for cell in row]
        if any(cell.strip() for cell in cells):
            yield line, cells

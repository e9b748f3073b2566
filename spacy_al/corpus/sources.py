"""Files of texts from outside, read a record at a time; a record that cannot be read is reported and passed.

Nothing here trusts a file: not its encoding, not its keys, not the kinds of its values.
"""

import csv
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import srsly

from spacy_al.corpus.captured import (
    FORMAT,
    LOST,
    NO_TEXT,
    VERSION,
    captured_id,
    is_captured,
    lost_in,
    pool_meta,
)
from spacy_al.corpus.csv_rows import NUL, CsvRow, cells_of, dialect_of, read_rows, row_fault
from spacy_al.corpus.encoded import utf8_lines
from spacy_al.corpus.shard import read_bare
from spacy_al.errors import AlError, Errors

# What exports write where a value is missing: most of pandas' list, and what SQL and Excel have. As a whole text it is no sentence
MISSING = re.compile(r"#?N/?A|n/a|<NA>|-?NaN|-?nan|NaT|NULL|null|\(null\)|#NULL!|None|\\N")
NO_VALUE = "a missing value (NULL, NaN and the like)"
# What is between the columns of a CSV file: where a comma is decimal, Excel writes semicolons
BETWEEN = ",;\t|"


@dataclass(slots=True)
class Record:
    """A text and where it came from.

    text (str): The text, unchanged; valid Unicode.
    where (str): Its place, `file:line`, or `file:number` in a `.spacy` file.
    id (str): The document's id: its own, or its place.
    meta (dict): The record's `meta`, if it had one.
    without (Counter[str]): What stands there in place of a text, by reason and number; then the text is "".
    """

    text: str
    where: str
    id: str
    meta: dict[str, Any] = field(default_factory=dict)
    without: Counter[str] = field(default_factory=Counter)


# Called with the place ("notes.jsonl:12") and the reason
Problem = Callable[[str, str], None]


@dataclass(slots=True)
class Keys:
    """Under which names a record keeps its text and its id. Without `id`: `id`, then `meta.id`, then its place.

    whole (bool): A text file is one document; else a blank line ends a document.
    meta (Sequence[str]): Further keys or columns that are kept in the text's `meta`, beside what stands there.
    """

    text: str = "text"
    id: str | None = None
    whole: bool = False
    meta: Sequence[str] = ()


def find_sources(path: Path, leave_out: Path) -> Iterator[tuple[str, Path]]:
    """The files to read of one input, with short names for reports and ids.

    path (Path): A file, a folder (with its sub-folders, sorted; hidden files and files of other kinds are
        not looked at), or `-` for standard input.
    leave_out (Path): A folder that is not entered: the output.
    YIELDS (tuple[str, Path]): Name and path.
    RAISES (AlError): Nothing there (AL040), a file of another kind (AL051).
    """
    if str(path) == "-":
        yield "-", path
    elif path.is_dir():
        for child in sorted(path.rglob("*")):
            inner = child.relative_to(path)
            hidden = any(part.startswith(".") for part in inner.parts)
            inside = leave_out.resolve() in child.resolve().parents
            if child.suffix.lower() in _READERS and child.is_file() and not hidden and not inside:
                yield inner.as_posix(), child
    elif not path.exists():
        raise AlError(Errors.AL040.format(path=path))
    elif path.suffix.lower() not in _READERS:
        raise AlError(Errors.AL051.format(path=path))
    else:
        yield path.name, path


def read_records(name: str, path: Path, keys: Keys, problem: Problem) -> Iterator[Record]:
    """The records of one file.

    name (str): The file's name in reports and ids.
    path (Path): The file, or `-` for JSONL from standard input.
    keys (Keys): Where the text and the id are.
    problem (Problem): Called for every record that cannot be read, and for a file that cannot.
    YIELDS (Record): In the order of the file.
    """
    try:
        if str(path) == "-":
            records = _read_jsonl(name, sys.stdin.buffer, keys, problem)
        elif path.suffix.lower() == ".spacy":
            records = _read_spacy(name, path)
        else:
            records = _read_file(name, path, keys, problem)
        for record in records:
            why = _not_storable(record)
            if why:
                problem(record.where, why)
            else:
                yield record
    except AlError as error:
        problem(name, str(error))
    except UnicodeDecodeError as error:
        why = f"not {error.encoding.upper()}, as its first bytes say ({error.reason})"
        problem(name, f"{why}: what comes after is not read")
    except OSError as error:
        problem(name, f"cannot be read: {error.strerror or error}")


def _read_file(name: str, path: Path, keys: Keys, problem: Problem) -> Iterator[Record]:
    with path.open("rb") as file:
        yield from _READERS[path.suffix.lower()](name, file, keys, problem)


def _read_txt(name: str, file: BinaryIO, keys: Keys, problem: Problem) -> Iterator[Record]:
    lines: list[str] = []
    start = 1
    # The empty line at the end closes the last paragraph
    for number, line in enumerate(chain(_lines(file), [""]), 1):
        if line.strip() or (keys.whole and line):
            start = start if lines else number
            lines.append(line)
        elif lines:
            where = name if keys.whole else f"{name}:{start}"
            text = "".join(lines).rstrip("\r\n")
            if "\0" in text:
                problem(where, NUL)
            else:
                yield Record(text, where, where)
            lines = []


def _read_jsonl(name: str, file: BinaryIO, keys: Keys, problem: Problem) -> Iterator[Record]:
    # Not str.splitlines, which also splits at characters that JSON leaves alone inside a string
    for number, line in enumerate(utf8_lines(file), 1):
        where = f"{name}:{number}"
        if not line.strip():
            continue
        try:
            record = json.loads(line.decode("utf8"))
        except UnicodeDecodeError:
            problem(where, "not UTF-8")
        except json.JSONDecodeError as error:
            why = f"not JSON ({error.msg} at column {error.colno})"
            ends = not line.endswith(b"\n") and error.msg != "Extra data"
            cut = ": the file ends here, as if its writer was killed" if ends else ""
            problem(where, why + cut)
        except (ValueError, RecursionError) as error:
            problem(where, f"not JSON ({error})")
        else:
            yield from _from_dict(record, where, keys, problem)


def _read_csv(
    name: str, file: BinaryIO, keys: Keys, problem: Problem, between: str = BETWEEN
) -> Iterator[Record]:
    # The limit of 128 kB a field is a setting of the whole module
    limit = csv.field_size_limit(2**31 - 1)
    try:
        lines = _lines(file)
        first = next(lines, "")
        # the first that makes the text a column
        split = (one for one in between if keys.text in cells_of(first, one))
        dialect = dialect_of(first, next(split, between[0]))
        rows = read_rows(chain([first], lines), dialect, name, problem)
        header = next(rows, CsvRow(0, [], [])).cells
        for column in (keys.text, *keys.meta):
            if header.count(column) != 1:
                columns = ", ".join(header) or "none"
                many = "several columns" if column in header else "no column"
                problem(f"{name}:1", f"{many} '{column}' (columns: {columns})")
                return
        for row in rows:
            if why := row_fault(row, header, dialect):
                problem(f"{name}:{row.line}", why)
            elif row.cells:
                cells = dict(zip(header, row.cells))
                yield from _from_dict(cells, f"{name}:{row.line}", keys, problem)
    finally:
        csv.field_size_limit(limit)


def _read_tsv(name: str, file: BinaryIO, keys: Keys, problem: Problem) -> Iterator[Record]:
    return _read_csv(name, file, keys, problem, between="\t")


def _read_spacy(name: str, path: Path) -> Iterator[Record]:
    for number, stored in enumerate(read_bare(path), 1):
        known = stored.source.get("doc")
        where = f"{name}:{number}"
        yield Record(stored.text, where, str(known or where))


def _lines(file: BinaryIO) -> Iterator[str]:
    """Lines with their ends; bytes that are not UTF-8 become lone surrogates, and the record is reported later."""
    for line in utf8_lines(file):
        yield line.decode("utf8", "surrogateescape")


def _from_dict(record: Any, where: str, keys: Keys, problem: Problem) -> Iterator[Record]:
    if not isinstance(record, dict):
        problem(where, "not a JSON object")
        return
    if is_captured(record):
        yield from _from_captured(record, where, problem)
        return
    text = record.get(keys.text)
    if not isinstance(text, str):
        found = f"'{keys.text}' is no text" if keys.text in record else f"no '{keys.text}'"
        problem(where, found)
        return
    if MISSING.fullmatch(text.strip()):
        yield Record("", where, where, without=Counter({NO_VALUE: 1}))
        return
    meta = record.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    named = {key: record[key] for key in keys.meta if record.get(key) not in (None, "")}
    meta = {**meta, **named}
    known = record.get(keys.id) if keys.id else record.get("id", meta.get("id"))
    usable = isinstance(known, str | int | float) and str(known)
    yield Record(text, where, str(known) if usable else where, meta)


def _from_captured(record: dict[str, Any], where: str, problem: Problem) -> Iterator[Record]:
    text, lost = record.get("text"), lost_in(record)
    if record[FORMAT] != VERSION:
        problem(where, "captured by a newer version of spacy-al")
    elif lost:
        yield Record("", where, where, without=Counter({LOST[why]: n for why, n in lost.items()}))
    elif isinstance(text, str):
        yield Record(text, where, captured_id(record) or where, pool_meta(record))
    elif "text" not in record and isinstance(record.get("hash"), str):
        yield Record("", where, where, without=Counter({NO_TEXT: 1}))
    else:
        problem(where, "not as al_capture writes")


def _not_storable(record: Record) -> str | None:
    """Why spaCy cannot hold this record, if it cannot."""
    try:
        record.text.encode("utf8")
    except UnicodeEncodeError:
        escaped = any("\udc80" <= char <= "\udcff" for char in record.text)
        return "not UTF-8" if escaped else "not valid Unicode (half a surrogate pair)"
    try:
        record.id.encode("utf8")
        if record.meta:
            srsly.msgpack_dumps(record.meta)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        return f"its id or meta cannot be stored ({error})"
    return None


_READERS: dict[str, Callable[[str, BinaryIO, Keys, Problem], Iterator[Record]]] = {
    ".txt": _read_txt,
    ".jsonl": _read_jsonl,
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".spacy": lambda name, file, keys, problem: _read_spacy(name, Path(file.name)),
}

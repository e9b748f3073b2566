"""Which format a file is in, from what is in it: never a guess, and the reason is said."""

import re
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from spacy_al.adapters.columns import BLANK
from spacy_al.adapters.files import read_json, read_text, split_lines
from spacy_al.adapters.json_shapes import SHAPES, fits_shape
from spacy_al.adapters.labelbox_folder import ANNOTATIONS, ROWS
from spacy_al.adapters.record_check import short
from spacy_al.adapters.superannotate import is_document
from spacy_al.adapters.train_data import PYTHON
from spacy_al.adapters.webanno import FORMAT
from spacy_al.errors import AlError, Errors, UsageError

# Records, or lines, that are looked at
SEEN = 50


@dataclass(frozen=True)
class KnownFormat:
    """A format, and by what it was known."""

    format: str
    why: str


def find_format(path: Path, known: Iterable[str]) -> KnownFormat:
    """The format of a file or folder.

    path (Path): As people have it.
    known (Iterable[str]): Formats that can be named, for the message.
    RETURNS (KnownFormat): The only one that it can be.
    RAISES (AlError): AL040 if it is not there, AL334 (UsageError) if it is none that is known, or could be several.
    """
    if not path.exists():
        raise AlError(Errors.AL040.format(path=path))
    found = _of_folder(path) if path.is_dir() else _of_file(path)
    if len(found) != 1:
        choices = ", ".join(f"{one.format} ({one.why})" for one in found)
        what = f"It could be: {choices}" if found else f"It looks like none of them: {_seen(path)}"
        raise UsageError(Errors.AL334.format(path=path, what=what, known=", ".join(sorted(known))))
    return found[0]


def _seen(path: Path) -> str:
    """What is in a file of no known format, for a message of one line."""
    if path.is_dir():
        return "it has neither .ann, nor documents of SuperAnnotate, nor what Labelbox imports"
    if path.suffix == ".ann":
        return "of brat it is the folder that is named"
    if zipfile.is_zipfile(path):
        return "it is an archive"
    text = read_text(path).strip()
    if text[:1] not in ("{", "["):
        return f"it begins with {short(text.split(chr(10))[0])}" if text else "it is empty"
    _, value = next(read_json(path), ("", []))
    if isinstance(value, ValueError):
        return f"{value}; it begins with {short(text.split(chr(10))[0])}"
    keys = ", ".join(map(short, value)) if isinstance(value, dict) else ""
    return (
        f"its first object has {keys or 'no keys'}"
        if isinstance(value, dict)
        else f"it begins with {short(value)}"
    )


def is_one(path: Path) -> bool:
    """Whether a folder is what is read, and not a place for files that are."""
    return bool(_of_folder(path))


def _of_folder(path: Path) -> list[KnownFormat]:
    if all((path / name).is_file() for name in (ROWS, ANNOTATIONS)):
        return [KnownFormat("labelbox", f"a folder with {ROWS} and {ANNOTATIONS}")]
    files = [child.suffix for child in path.rglob("*") if child.is_file()]
    if ".ann" not in files:
        found = (
            any(is_document(value) for _, value in islice(read_json(file), 1))
            for file in islice(sorted(path.rglob("*.json")), SEEN)
        )
        why = "a folder with documents, which have 'metadata' and 'instances'"
        return [KnownFormat("superannotate", why)] if any(found) else []
    others = sum(suffix not in (".ann", ".txt", ".conf") for suffix in files)
    more = f", and {others} other files, which are not read" if others else ""
    return [KnownFormat("brat", f"a folder with .ann files{more}")]


def _of_file(path: Path) -> list[KnownFormat]:
    if zipfile.is_zipfile(path):
        return (
            [KnownFormat("table", "a workbook")]
            if path.suffix.lower() in (".xlsx", ".xlsm")
            else []
        )
    text = read_text(path)
    start = text.lstrip()
    # a word of a text may be a bracket, too
    if start[:1] in ("{", "[") and (found := _of_json(path)):
        return found
    lines = split_lines(text)[:2000]
    if FORMAT.match(lines[0]):
        return [KnownFormat("webanno", "it begins with #FORMAT=WebAnno TSV 3")]
    if PYTHON.match(text) and _is_data(text):
        return [KnownFormat("train-data", "a list of Python with texts and 'entities' or 'cats'")]
    return _of_lines(
        path, [line for line in lines if line.strip()], any(not line.strip() for line in lines[:-1])
    )


def _is_data(text: str) -> bool:
    keys = r"['\"](?:entities|cats|spans)['\"]\s*:"
    return (
        re.search(r"[\[(]\s*[\[(]", text[:100_000]) is not None
        and re.search(keys, text[:100_000]) is not None
    )


def _of_lines(path: Path, lines: list[str], has_gaps: bool) -> list[KnownFormat]:
    seen = [line for line in lines if not line.startswith("#")][: 10 * SEEN]
    cells = [line.split("\t") for line in seen]
    if not seen:
        return []
    found = []
    numbered = sum(
        len(row) == 10 and re.fullmatch(r"\d+([-.]\d+)?", row[0]) is not None for row in cells
    )
    if 2 * numbered > len(seen):
        return [KnownFormat("conllu", "ten columns, of which the first numbers words")]
    words = [BLANK.split(line.strip(" \t")) for line in seen]
    tag = re.compile(r"(?:O|-|[BIMELSUW]-\S+)")
    piped = sum(all(re.fullmatch(r"\S+\|" + tag.pattern, word) for word in row) for row in words)
    if 2 * piped > len(seen):
        return [KnownFormat("iob", "texts of word|tag")]
    width = Counter(map(len, words)).most_common(1)[0][0]
    # a dash in a sentence is no tag
    rows = [row for row in words if len(row) == width > 1]
    tagged = sum(any(tag.fullmatch(cell) for cell in row[1:]) for row in rows)
    if 2 * tagged > len(seen):
        found.append(KnownFormat("conll", "a word and its tag a line"))
    elif path.suffix.lower() in (".csv", ".tsv"):
        found.append(
            KnownFormat("table", f"a {path.suffix.lower()[1:].upper()} file with a header")
        )
    return found


def _of_json(path: Path) -> list[KnownFormat]:
    """By the keys of most of the first records."""
    records = [
        value for _, value in islice(read_json(path), SEEN) if not isinstance(value, ValueError)
    ]
    if not records:
        return []
    # a file of one pair is an array of two
    if len(records) == 2 and isinstance(records[0], str):
        records = [records]
    found = []
    for name, (why, fits) in SHAPES.items():
        if 2 * sum(fits_shape(fits, record) for record in records) > len(records):
            found.append(KnownFormat(name, why))
    return found

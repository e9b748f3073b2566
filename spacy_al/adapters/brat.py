"""brat's standoff format: a folder with a .txt and an .ann of each text.

Offsets are code points. A span over a line end is written as one fragment a line, as brat wants it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from spacy_al.adapters.files import has_mark, read_text
from spacy_al.adapters.reading import LabelledRecord, Mark, Reading
from spacy_al.adapters.record_check import refused, same_words, short
from spacy_al.corpus.shard import writing
from spacy_al.errors import AlError, Errors

CONFIG = "annotation.conf"
# Annotations that are about text-bound ones, by the first letter of their ids
OTHERS = {
    "R": "relations",
    "*": "equivalences",
    "E": "events",
    "A": "attributes",
    "M": "attributes",
    "N": "normalizations",
    "#": "notes",
}
PLACES = re.compile(r"[0-9]{1,9} [0-9]{1,9}(?:;[0-9]{1,9} [0-9]{1,9})*")

NEEDED = "it needs an id, a tab, a label with its places, a tab, and the words that stand there"


class Bound(NamedTuple):
    """A text-bound annotation: its line, its label, the places of its parts, and the words that it says are there."""

    where: str
    label: str
    parts: tuple[tuple[int, int], ...]
    words: str


def write_brat(texts: Iterable[tuple[Any, dict[str, Any]]], path: Path) -> Counter[str]:
    """Write a folder, with the labels in brat's `annotation.conf`. See `formats.write_format`."""
    left_out: Counter[str] = Counter()
    labels: set[str] = set()
    for number, (_, record) in enumerate(texts):
        own = {span["label"] for span in record["spans"]}
        if any("".join(label.split()) != label for label in own):
            left_out["with white space in a label"] += 1
            continue
        if "\0" in record["text"] or record["text"].startswith("\ufeff"):
            left_out["with a NUL, or a mark of the order of bytes"] += 1
            continue
        labels |= own
        # what is a line end alone has no place in brat
        spans = [s for s in record["spans"] if record["text"][s["start"] : s["end"]].strip("\n")]
        notes = [_line(k, span, record["text"]) for k, span in enumerate(spans, 1)]
        for suffix, content in ((".txt", record["text"]), (".ann", "".join(notes))):
            _write(path / f"{number:06}{suffix}", content)
    sections = ["[entities]", *sorted(labels), "[relations]", "[events]", "[attributes]"]
    _write(path / CONFIG, "\n".join(sections) + "\n")
    return left_out


def read_brat(path: Path, reading: Reading) -> Iterator[LabelledRecord]:
    """Read the text-bound annotations of a folder and the folders in it; other annotations are counted.

    YIELDS (LabelledRecord): In the order of names. A span whose parts have words between them has a "problem", as spaCy has no
        such spans.
    RAISES (AlError): AL040, AL046 or AL267 if a file cannot be read, AL268 if there is no .ann.
    """
    if not path.is_dir():
        raise AlError(Errors.AL040.format(path=path))
    found = sorted(path.rglob("*.ann"))
    texts = {file.with_suffix("") for file in path.rglob("*.txt")}
    if not found:
        why = f"there is no .ann in this folder, and {len(texts)} .txt"
        raise AlError(Errors.AL268.format(where=path, why=why, how="brat has both of each text"))
    if alone := len(texts - {file.with_suffix("") for file in found}):
        reading.say(f"{alone} .txt have no .ann, and are not read.")
    empty = 0
    for file in found:
        notes = read_text(file, reading)
        empty += not notes.strip()
        yield _record(file, file.relative_to(path).as_posix(), notes.split("\n"), reading)
    if empty:
        reading.say(
            f"{empty} .ann are empty and read as texts without a span. brat has such of texts that nobody has opened, too: "
            "take those out."
        )


def _line(number: int, span: dict[str, Any], text: str) -> str:
    start = span["start"]
    fragments = []
    for part in text[start : span["end"]].split("\n"):
        if part:
            fragments.append((start, start + len(part)))
        start += len(part) + 1
    places = ";".join(f"{start} {end}" for start, end in fragments)
    words = " ".join(text[start:end] for start, end in fragments)
    return f"T{number}\t{span['label']} {places}\t{words}\n"


def _record(file: Path, name: str, notes: Sequence[str], reading: Reading) -> LabelledRecord:
    bounds, lines = list[Bound](), dict[str, str]()
    record: LabelledRecord = {"where": name}
    for number, line in enumerate(notes, 1):
        where, line = f"{name}:{number}", line.removesuffix("\r")
        if not line.strip():
            continue
        if line[0] in OTHERS:
            reading.skip([OTHERS[line[0]]])
            continue
        if not re.match(r"T[0-9]", line) or not (bound := _bound(line, where)):
            return refused(record, f"{short(line)} is no annotation of brat: {NEEDED}", where)
        id = line.partition("\t")[0]
        if lines.setdefault(id, line) != line:
            return refused(record, f"{id} is there twice, with different values", where)
        bounds.append(bound)
    try:
        text = read_text(file.with_suffix(".txt"), reading)
    except AlError as error:
        if error.code != "AL040":
            raise
        return refused(record, f"there is no {file.with_suffix('.txt').name} beside it")
    # to some tools a mark at the beginning, and both halves of a line end, are characters, and to others not
    ways = [(own, bounds) for own in (text, text.replace("\r\n", "\n"))]
    if has_mark(file.with_suffix(".txt")):
        less = [one._replace(parts=tuple((a - 1, b - 1) for a, b in one.parts)) for one in bounds]
        ways += [(own, less) for own, _ in ways]
    for own, spans in ways:
        if all(_stands(span, own) for span in spans):
            text, bounds = own, spans
            break
    return {**record, "text": text, "spans": [_mark(bound, text) for bound in bounds]}


def _bound(line: str, where: str) -> Bound | None:
    """What a line says; None if it is none of a text-bound annotation."""
    _, _, rest = line.partition("\t")
    kind, tab, words = rest.partition("\t")
    label, _, places = kind.partition(" ")
    if not (tab and label and PLACES.fullmatch(places)):
        return None
    parts = sorted(tuple(map(int, part.split(" "))) for part in places.split(";"))
    return Bound(where, label, tuple((start, end) for start, end in parts), words)


def _stands(bound: Bound, text: str) -> bool:
    """Whether its words are where it says, white space aside."""
    within = all(0 <= start < end <= len(text) for start, end in bound.parts)
    return within and same_words("".join(text[a:b] for a, b in bound.parts), bound.words)


def _mark(bound: Bound, text: str) -> Mark:
    mark: Mark = {"start": bound.parts[0][0], "end": bound.parts[-1][1], "label": bound.label}
    mark["where"] = bound.where
    if not _stands(bound, text):
        mark["text"] = bound.words
    elif any(text[end:start].strip() for (_, end), (start, _) in pairwise(bound.parts)):
        mark["problem"] = "it has several parts with words between them"
    return mark


def _write(path: Path, content: str) -> None:
    with writing(path, "wb") as file:
        file.write(content.encode("utf8", "surrogatepass"))

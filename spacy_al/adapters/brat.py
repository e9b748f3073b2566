"""brat's standoff format: a folder with a .txt and an .ann of each text.

Offsets are code points. A span over a line end is written as one fragment a line, as brat wants it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from spacy_al.adapters.files import read_text
from spacy_al.corpus.shard import writing
from spacy_al.errors import AlError, Errors

CONFIG = "annotation.conf"


def write_brat(texts: Iterable[tuple[Any, dict[str, Any]]], path: Path) -> Counter[str]:
    """Write a folder, with the labels in brat's `annotation.conf`. See `formats.write_format`."""
    left_out: Counter[str] = Counter()
    labels: set[str] = set()
    for number, (_, record) in enumerate(texts):
        own = {span["label"] for span in record["spans"]}
        if any("".join(label.split()) != label for label in own):
            left_out["with white space in a label"] += 1
            continue
        labels |= own
        notes = [_line(k, span, record["text"]) for k, span in enumerate(record["spans"], 1)]
        for suffix, content in ((".txt", record["text"]), (".ann", "".join(notes))):
            _write(path / f"{number:06}{suffix}", content)
    sections = ["[entities]", *sorted(labels), "[relations]", "[events]", "[attributes]"]
    _write(path / CONFIG, "\n".join(sections) + "\n")
    return left_out


def read_brat(path: Path) -> Iterator[dict[str, Any]]:
    """Read the text-bound annotations of a folder; relations, events, attributes and notes are passed over.

    YIELDS (dict): Records; one with a span whose parts have words between them has a "problem", as spaCy has no such spans.
    RAISES (AlError): AL040 or AL046 if a file cannot be read.
    """
    if not path.is_dir():
        raise AlError(Errors.AL040.format(path=path))
    for notes in sorted(path.glob("*.ann")):
        text = read_text(notes.with_suffix(".txt"))
        record: dict[str, Any] = {"text": text, "spans": []}
        for line in read_text(notes).split("\n"):
            if line.startswith("T"):
                try:
                    record["spans"].append(_span(line, text))
                except (ValueError, IndexError) as error:
                    record["problem"] = f"{line[:80]!r} of {notes.name}: {error}"
        yield record


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


def _span(line: str, text: str) -> dict[str, Any]:
    label, places = line.split("\t")[1].split(" ", 1)
    fragments = [[int(place) for place in part.split()] for part in places.split(";")]
    for (_, end), (start, _) in pairwise(fragments):
        if text[end:start].strip():
            raise ValueError("it has several parts with words between them")
    start, end = fragments[0][0], fragments[-1][1]
    if not 0 <= start < end <= len(text):
        raise ValueError("it is not within the text")
    return {"start": start, "end": end, "label": label}


def _write(path: Path, content: str) -> None:
    with writing(path, "wb") as file:
        file.write(content.encode("utf8", "surrogatepass"))

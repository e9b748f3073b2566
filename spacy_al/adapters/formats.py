"""Labelled texts in the formats of other tools, out and in. What is read has the shape of an answered task.

A record is {"text", "spans": [{"start", "end", "label"}]} or {"text", "accept": [category]}; characters count as code points, as
in Python. Writers take Docs, and write nothing that the format cannot hold: it is left out and counted.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from spacy.tokens import Doc

from spacy_al.adapters import brat, columns, lines
from spacy_al.errors import Errors, UsageError
from spacy_al.tasks.decision import undecided

Record: TypeAlias = dict[str, Any]
KINDS = ("entities", "spans", "tags", "categories")


@dataclass(frozen=True)
class Format:
    """A way to write labelled texts down.

    suffix (str): Of its file; "" for a folder.
    kinds (tuple[str, ...]): What it can hold.
    write (Callable): (texts, path) -> reasons, counted, why some were left out.
    read (Callable): path -> records; one with "problem" says what is wrong with it.
    has_text (bool): Whether white space comes back as it was.
    """

    suffix: str
    kinds: tuple[str, ...]
    write: Callable[[Iterable[Any], Path], Counter[str]]
    read: Callable[[Path], Iterator[Record]]
    has_text: bool = True


FORMATS = {
    "conll": Format(".conll", ("entities",), columns.write_conll, columns.read_conll, False),
    "iob": Format(".iob", ("entities",), columns.write_iob, columns.read_iob, False),
    "brat": Format("", KINDS[:3], brat.write_brat, brat.read_brat),
    "doccano": Format(".jsonl", KINDS, lines.write_doccano, lines.read_doccano),
    "jsonl": Format(".jsonl", KINDS, lines.write_spacy, lines.read_spacy),
}


def write_format(
    name: str, docs: Iterable[Doc], path: Path, *, kind: str, spans_key: str = "sc"
) -> Counter[str]:
    """Write labelled docs.

    name (str): One of `FORMATS`.
    docs (Iterable[Doc]): What is labelled in part alone is left out: none of these formats can say what is open.
    path (Path): The file or, for brat, the folder.
    kind (str): "entities", "spans", "tags" or "categories".
    spans_key (str): Where spans are.
    RETURNS (Counter): `written`, and reasons why texts were left out.
    RAISES (AlError): AL266 (UsageError) if the format cannot hold this kind at all, AL047 if nothing can be written.
    """
    form = FORMATS[name]
    if kind not in form.kinds:
        raise UsageError(Errors.AL266.format(format=name, kind=kind, kinds=", ".join(form.kinds)))
    report: Counter[str] = Counter()

    def whole() -> Iterator[tuple[Doc, Record]]:
        for doc in docs:
            if undecided(doc, kind).any():
                report["labelled in part"] += 1
            else:
                report["written"] += 1
                yield doc, record_of(doc, kind, spans_key)

    left_out = form.write(whole(), path)
    report["written"] -= left_out.total()
    report.update(left_out)
    return report


def record_of(doc: Doc, kind: str, spans_key: str = "sc") -> Record:
    """The annotation of a doc, as a record.

    kind (str): "entities", "spans", "tags" or "categories".
    spans_key (str): Where spans are.
    """
    if kind == "categories":
        return {"text": doc.text, "accept": [label for label in doc.cats if doc.cats[label] >= 0.5]}
    if kind == "tags":
        marks = {(token.idx, token.idx + len(token), token.tag_) for token in doc if token.tag_}
    else:
        spans = doc.ents if kind == "entities" else doc.spans.get(spans_key, ())
        marks = {(span.start_char, span.end_char, span.label_) for span in spans}
    found = [{"start": start, "end": end, "label": label} for start, end, label in sorted(marks)]
    return {"text": doc.text, "spans": found}


def squeezed(text: str) -> str:
    """A text without white space: what formats made of words keep of it."""
    return "".join(text.split())


def onto(record: Mapping[str, Any], text: str) -> Record:
    """A record whose white space is another than that of its text, moved onto the text.

    record (Mapping): With spans; its text differs from `text` in white space alone.
    text (str): As it is.
    RETURNS (dict): The same spans over the same characters.
    """
    places = [place for place, character in enumerate(text) if not character.isspace()]
    before = 0
    # how many characters that are no white space precede each place
    counts = [before] + [before := before + (not c.isspace()) for c in record["text"]]
    spans = [
        {
            **span,
            "start": places[counts[span["start"]]],
            "end": places[counts[span["end"]] - 1] + 1,
        }
        for span in record["spans"]
    ]
    return {**record, "text": text, "spans": spans}

"""Labelled texts in the formats of other tools, out and in.

Characters count as code points, as in Python. Writers take Docs with their records, {"text", "spans": [{"start", "end", "label"}]}
or {"text", "accept": [category]}, and write nothing that the format cannot hold: it is left out and counted. What is read is a
`LabelledRecord`.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from spacy.tokens import Doc

from spacy_al.adapters import (
    brat,
    columns,
    conllu,
    ground_truth,
    hugging_face,
    labelbox,
    lines,
    scale,
    superannotate,
    tables,
    train_data,
    webanno,
)
from spacy_al.adapters.label_studio import exported
from spacy_al.adapters.offset_units import checked_records
from spacy_al.adapters.reading import LabelledRecord, Mark, Reading
from spacy_al.errors import Errors, UsageError
from spacy_al.tasks.decision import undecided

Record: TypeAlias = dict[str, Any]
KINDS = ("entities", "spans", "tags", "categories")
# What platforms know of a text; they have no words
OF_PLATFORMS = ("entities", "spans", "categories")


@dataclass(frozen=True)
class Format:
    """A way to write labelled texts down.

    suffix (str): Of its file; "" for a folder.
    kinds (tuple[str, ...]): What it can hold.
    write (Callable | None): (texts, path) -> reasons, counted, why some were left out; None for what is only read.
    read (Callable): (path, reading) -> records; `read_format` checks them.
    has_text (bool): Whether white space comes back as it was.
    has_columns (bool): Whether labels can be in several places, of which `Reading.column` names one.
    of_files (bool), of_folders (bool): Whether what is read is a file, or a folder, or can be either.
    """

    suffix: str
    kinds: tuple[str, ...]
    write: Callable[[Iterable[Any], Path], Counter[str]] | None
    read: Callable[[Path, Reading], Iterator[LabelledRecord]]
    has_text: bool = True
    has_columns: bool = False
    of_files: bool = True
    of_folders: bool = False


FORMATS = {
    "conll": Format(".conll", ("entities",), columns.write_conll, columns.read_conll, False, True),
    "iob": Format(".iob", ("entities",), columns.write_iob, columns.read_iob, False, True),
    "brat": Format("", KINDS[:3], brat.write_brat, brat.read_brat, of_files=False, of_folders=True),
    "doccano": Format(".jsonl", KINDS, lines.write_doccano, lines.read_doccano),
    "jsonl": Format(".jsonl", KINDS, lines.write_spacy, lines.read_spacy),
    "ground-truth": Format(
        ".manifest",
        OF_PLATFORMS,
        ground_truth.write_ground_truth,
        ground_truth.read_ground_truth,
        has_columns=True,
    ),
    "labelbox": Format(
        "",
        OF_PLATFORMS,
        labelbox.write_labelbox,
        labelbox.read_labelbox,
        has_columns=True,
        of_folders=True,
    ),
    "scale": Format(".jsonl", OF_PLATFORMS, scale.write_scale, scale.read_scale, has_columns=True),
    "superannotate": Format(
        "",
        OF_PLATFORMS,
        superannotate.write_superannotate,
        superannotate.read_superannotate,
        has_columns=True,
        of_folders=True,
    ),
    "conllu": Format(".conllu", ("entities", "tags"), None, conllu.read_conllu, False, True),
    "hugging-face": Format(
        ".jsonl",
        ("entities", "tags", "categories"),
        None,
        hugging_face.read_hugging_face,
        False,
        True,
    ),
    "label-studio": Format(".json", KINDS, None, exported.read_label_studio, has_columns=True),
    "label-studio-min": Format(
        ".json", KINDS, None, exported.read_label_studio_min, has_columns=True
    ),
    "table": Format(".csv", ("categories",), None, tables.read_table, has_columns=True),
    "train-data": Format(
        ".json",
        ("entities", "spans", "categories"),
        None,
        train_data.read_train_data,
        has_columns=True,
    ),
    "webanno": Format(".tsv", KINDS[:3], None, webanno.read_webanno, has_columns=True),
}
# Those that are written, too
WRITTEN = tuple(name for name, form in FORMATS.items() if form.write)


def check_column(names: Collection[str], column: str | None) -> None:
    """RAISES (UsageError): AL338 for a column that is named where none of the formats has any."""
    known = [name for name, form in FORMATS.items() if form.has_columns]
    if column is not None and names and not set(known) & set(names):
        shown = {"column": column, "format": ", ".join(names), "known": ", ".join(sorted(known))}
        raise UsageError(Errors.AL338.format(**shown))


def write_format(
    name: str, docs: Iterable[Doc], path: Path, *, kind: str, spans_key: str = "sc"
) -> Counter[str]:
    """Write labelled docs.

    name (str): One of `WRITTEN`.
    docs (Iterable[Doc]): What is labelled in part alone is left out: none of these formats can say what is open.
    path (Path): The file or, for brat, the folder.
    kind (str): "entities", "spans", "tags" or "categories".
    spans_key (str): Where spans are.
    RETURNS (Counter): `written`, and reasons why texts were left out.
    RAISES (AlError): AL266 (UsageError) if the format cannot hold this kind at all, AL047 if nothing can be written.
    """
    form = FORMATS[name]
    assert form.write is not None, name
    if kind not in form.kinds:
        raise UsageError(Errors.AL266.format(format=name, kind=kind, kinds=", ".join(form.kinds)))
    report: Counter[str] = Counter()

    def whole() -> Iterator[tuple[Doc, Record]]:
        for doc in docs:
            if (kind == "spans" and spans_key not in doc.spans) or (
                kind == "categories" and not doc.cats
            ):
                report["not labelled"] += 1
            elif undecided(doc, kind).any():
                report["labelled in part"] += 1
            else:
                report["written"] += 1
                yield doc, record_of(doc, kind, spans_key)

    left_out = form.write(whole(), path)
    report["written"] -= left_out.total()
    report.update(left_out)
    return report


def read_format(name: str, path: Path, reading: Reading) -> Iterator[LabelledRecord]:
    """Read labelled texts, each checked.

    name (str): One of `FORMATS`.
    path (Path): The file or, for brat, the folder.
    reading (Reading): What is wanted; gets what is to be said of the file.
    YIELDS (LabelledRecord): In order.
    RAISES (AlError): AL040 or AL046 if a file cannot be read, AL266 (UsageError) if the format cannot hold this kind, and what
        the reader raises for a file that is not in its format.
    """
    form = FORMATS[name]
    if reading.kind not in form.kinds:
        kinds = ", ".join(form.kinds)
        raise UsageError(Errors.AL266.format(format=name, kind=reading.kind, kinds=kinds))
    yield from checked_records(form.read(path, reading), reading)


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


def onto(record: LabelledRecord, text: str) -> LabelledRecord:
    """A record whose white space is another than that of its text, moved onto the text.

    record (LabelledRecord): Checked, and its text differs from `text` in white space alone.
    text (str): As it is.
    RETURNS (LabelledRecord): The same spans over the same characters; without the file's tokens, as they are of its own text.
    """
    places = [place for place, character in enumerate(text) if not character.isspace()]
    before = 0
    # how many characters that are no white space precede each place
    counts = [before] + [before := before + (not c.isspace()) for c in record["text"]]

    def moved(start: int, end: int) -> tuple[int, int] | None:
        first, last = counts[start], counts[end]
        return (places[first], places[last - 1] + 1) if first < last else None

    result: LabelledRecord = {**record, "text": text}
    result.pop("words", None)
    result.pop("spaces", None)
    if "spans" in record:
        spans: list[Mark] = []
        for span in record["spans"]:
            # tags may stand on white space, which is another here
            if found := moved(span["start"], span["end"]):
                spans.append({**span, "start": found[0], "end": found[1]})
        result["spans"] = spans
    if "missing" in record:
        stretches = (moved(*stretch) for stretch in record["missing"])
        result["missing"] = [stretch for stretch in stretches if stretch]
    return result

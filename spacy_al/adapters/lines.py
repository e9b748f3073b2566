"""JSONL of doccano, and of spaCy's own `Doc.to_json`."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from spacy_al.adapters.files import read_text
from spacy_al.corpus.shard import writing
from spacy_al.tasks.decision import INCORRECT, SELF

# Groups of spans that a run writes for its training
OWN = (INCORRECT, SELF)
# Of a line, whatever its format
KEPT = ("_annotator_id", "problem")


def write_doccano(texts: Iterable[tuple[Any, dict[str, Any]]], path: Path) -> Counter[str]:
    """Write `label`: [start, end, label] of spans, or categories. See `formats.write_format`.

    A project of doccano that counts grapheme clusters has other offsets: leave that box unticked.
    """
    return _write(
        (
            {
                "text": record["text"],
                "label": record["accept"]
                if "accept" in record
                else [[span["start"], span["end"], span["label"]] for span in record["spans"]],
            }
            for _, record in texts
        ),
        path,
    )


def write_spacy(texts: Iterable[tuple[Doc, Any]], path: Path) -> Counter[str]:
    """Write what `Doc.from_json` reads. See `formats.write_format`."""
    return _write((doc.to_json() for doc, _ in texts), path)


def read_doccano(path: Path) -> Iterator[dict[str, Any]]:
    """Read spans as `label` or, with relations, as `entities`; or categories.

    YIELDS (dict): Records.
    RAISES (AlError): AL040 or AL046 if the file cannot be read.
    """
    for line in _lines(path):
        # later versions call it "text" on the way in and "data" in places on the way out
        text, label = line.get("text", line.get("data")), line.get("label", line.get("labels"))
        record: dict[str, Any] = {key: line[key] for key in KEPT if key in line}
        if "entities" in line:
            names = ("start_offset", "end_offset", "label")
            yield {**record, "text": text, "spans": _spans(line["entities"], names)}
        elif isinstance(label, str):
            yield {**record, "text": text, "accept": [label]}
        else:
            yield {**record, "text": text, "accept": label, "spans": _spans(label, (0, 1, 2))}


def read_spacy(path: Path) -> Iterator[dict[str, Any]]:
    """Read what `Doc.to_json` gives; all groups of spans together.

    YIELDS (dict): Records, with `spans` of the entities if there are any known, else of groups, else of tags.
    RAISES (AlError): AL040 or AL046 if the file cannot be read.
    """
    for line in _lines(path):
        record: dict[str, Any] = {key: line[key] for key in ("text", *KEPT) if key in line}
        try:
            cats = line.get("cats") or {}
            record["accept"] = [label for label, value in cats.items() if value >= 0.5]
            # what was rejected, or labelled by a model alone, is nobody's answer
            groups = {key: group for key, group in line.get("spans", {}).items() if key not in OWN}
            spans, names = line.get("ents"), ("start", "end", "label")
            if spans is None and groups:
                spans = [span for group in groups.values() for span in group]
            elif spans is None:
                spans = [token for token in line.get("tokens", ()) if token.get("tag")]
                names = ("start", "end", "tag")
            record["spans"] = _spans(spans, names)
        except (AttributeError, TypeError) as error:
            record["problem"] = str(error)
        yield record


def _spans(items: Any, names: tuple[Any, Any, Any]) -> Any:
    """Spans, if that is what they are; the check of answers refuses what is none."""
    try:
        marks = {(item[names[0]], item[names[1]], item[names[2]]) for item in items}
        return [{"start": s, "end": e, "label": label} for s, e, label in sorted(marks)]
    except (TypeError, KeyError, IndexError):
        return items


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    # some tools begin a file with a mark of the order of bytes
    for line in read_text(path).removeprefix("\ufeff").split("\n"):
        if line.strip():
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                value = {"problem": f"not JSON ({error})"}
            yield value if isinstance(value, dict) else {"problem": "it is not an object"}


def _write(items: Iterable[dict[str, Any]], path: Path) -> Counter[str]:
    with writing(path) as file:
        for item in items:
            file.write(json.dumps(item) + "\n")
    return Counter()

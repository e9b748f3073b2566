"""SageMaker Ground Truth: augmented manifests of named entities and of text classification, single or multi-label.

A line is an object with `source`, a label attribute, and `<attribute>-metadata`, whose `type` says what kind of labels they are. Ends are
exclusive; whether places count characters or UTF-16 units its documentation does not say.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy_al.adapters.files import read_json
from spacy_al.adapters.platform_spans import PlatformSpan, is_plain, place_spans
from spacy_al.adapters.reading import LabelledRecord, Reading
from spacy_al.adapters.record_check import short
from spacy_al.corpus.shard import writing
from spacy_al.errors import Errors, UsageError
from spacy_al.tasks.task import Task

METADATA = "-metadata"
SPANS, SINGLE, SEVERAL = (
    f"groundtruth/{name}"
    for name in ("text-span", "text-classification", "text-classification-multilabel")
)
VERDICT = "groundtruth/label-verification"
# What we write under
ATTRIBUTE = "spacy-al"
# Characters that an attribute can have
MOST = 20_000
TOO_LONG = f"longer than {MOST:,} characters"
UNPLACED = "with a span after a character beyond U+FFFF, whose place it does not define"
Line = tuple[str, Any]


def write_ground_truth(
    texts: Iterable[tuple[Any, dict[str, Any]]], path: Path, attribute: str = ATTRIBUTE
) -> Counter[str]:
    """Write a manifest as a labelling job leaves it: input of an adjustment job, or of Amazon Comprehend. See `formats.write_format`."""
    left_out: Counter[str] = Counter()
    kept = []
    for doc, record in texts:
        ends = [span["end"] for span in record.get("spans", ())]
        if len(record["text"]) > MOST:
            left_out[TOO_LONG] += 1
        elif not is_plain(record["text"], max(ends, default=0)):
            left_out[UNPLACED] += 1
        else:
            kept.append((doc, record))
    names = sorted({label for doc, record in kept if "accept" in record for label in doc.cats})
    single = all(len(record["accept"]) == 1 for _, record in kept if "accept" in record)
    with writing(path) as file:
        for _, record in kept:
            value, metadata = _labels(record, names, single)
            metadata |= {"human-annotated": "yes", "job-name": f"labeling-job/{attribute}"}
            line = {
                "source": record["text"],
                attribute: value,
                f"{attribute}{METADATA}": metadata,
            }
            file.write(json.dumps(line) + "\n")
    return left_out


def ground_truth_line(task: Task) -> dict[str, Any]:
    """A question as a line of an input manifest; Ground Truth hands the other keys through to what it writes."""
    meta = task.get("meta", {})
    return {
        "source": task["text"],
        **{f"al-{key}": meta[key] for key in ("rank", "score", "round") if key in meta},
    }


def read_ground_truth(path: Path, reading: Reading) -> Iterator[LabelledRecord]:
    """Read the labels of one job.

    YIELDS (LabelledRecord): In order. What failed, or what a machine labelled, is counted and left out; categories that occur anywhere in
        the file are decided.
    RAISES (AlError): AL040, AL046 or AL267 if the file cannot be read, AL330 (UsageError) where the labels of several jobs could be meant.
    """
    lines = list(read_json(path, reading))
    types = (SINGLE, SEVERAL) if reading.kind == "categories" else (SPANS,)
    attribute = _attribute(lines, types, path, reading)
    records = [
        record
        for where, line in lines
        if (record := _record(where, line, attribute, types, reading))
    ]
    known = sorted({label for record in records for label in record.get("cats", ())})
    for record in records:
        if "cats" in record:
            record["cats"] = {label: record["cats"].get(label, 0.0) for label in known}
        yield record


def _labels(
    record: Mapping[str, Any], names: Sequence[str], single: bool
) -> tuple[Any, dict[str, Any]]:
    """What stands under the attribute, and its metadata."""
    if "accept" not in record:
        entities = [
            {"startOffset": span["start"], "endOffset": span["end"], "label": span["label"]}
            for span in record["spans"]
        ]
        labels = [{"label": label} for label in sorted({one["label"] for one in entities})]
        return {"annotations": {"entities": entities, "labels": labels}}, {"type": SPANS}
    if single:
        [label] = record["accept"]
        return names.index(label), {"class-name": label, "type": SINGLE}
    chosen = {str(names.index(label)): label for label in record["accept"]}
    return [*map(int, chosen)], {"class-map": chosen, "type": SEVERAL}


def _attribute(lines: Sequence[Line], types: Sequence[str], path: Path, reading: Reading) -> str:
    """The attribute that is meant; "" if there is none. RAISES (UsageError): AL330."""
    found: dict[str, None] = {}
    for _, line in lines:
        for key in line if isinstance(line, dict) else ():
            metadata = line[key]
            if (
                key.endswith(METADATA)
                and isinstance(metadata, dict)
                and metadata.get("type") in types
            ):
                found[key.removesuffix(METADATA)] = None
    if reading.column is None and len(found) < 2:
        return next(iter(found), "")
    if reading.column in found:
        return str(reading.column)
    what = f"label attributes ({', '.join(types)})"
    raise UsageError(Errors.AL330.format(path=path, what=what, found=", ".join(found) or "none"))


def _record(
    where: str, line: Any, attribute: str, types: Sequence[str], reading: Reading
) -> LabelledRecord | None:
    try:
        return _labelled(where, line, attribute, types, reading)
    except ValueError as error:
        return {"where": where, "problem": str(error)}


def _labelled(
    where: str, line: Any, attribute: str, types: Sequence[str], reading: Reading
) -> LabelledRecord | None:
    if isinstance(line, ValueError):
        raise line
    if not isinstance(line, dict):
        raise ValueError(f"it is {short(line)}, and no object")
    text = line.get("source")
    if not isinstance(text, str) or not text:
        also = ": its text is elsewhere, in 'source-ref'" if "source-ref" in line else ""
        raise ValueError(f"it has no text as its 'source'{also}")
    if not attribute:
        raise ValueError(f"no '…{METADATA}' has one of these as its 'type': {', '.join(types)}")
    metadata = line.get(f"{attribute}{METADATA}")
    if not isinstance(metadata, dict):
        raise ValueError(f"it has no '{attribute}{METADATA}', only: {', '.join(map(str, line))}")
    for key, other in line.items():
        if isinstance(other, dict) and other.get("type") == VERDICT:
            raise ValueError(
                f"a job verified labels of it ({short(other.get('class-name'))} in {key!r}), and what that means only you know: leave out "
                "what was found bad, and the verdict of what was not"
            )
    if "failure-reason" in metadata:
        reading.skip(["texts whose labelling failed"])
        return None
    if metadata.get("human-annotated") != "yes":
        if metadata.get("human-annotated") == "no":
            reading.skip(["texts that a machine labelled"])
            return None
        raise ValueError(
            f"whether a person labelled it is {short(metadata.get('human-annotated'))}"
        )
    if metadata.get("type") not in types:
        raise ValueError(f"its type is {short(metadata.get('type'))}")
    if attribute not in line:
        raise ValueError(f"it has no {attribute!r}, only: {', '.join(map(str, line))}")
    reading.skip(
        key.removesuffix(METADATA)
        for key in line
        if key.endswith(METADATA) and key != f"{attribute}{METADATA}"
    )
    record: LabelledRecord = {"where": where, "text": text}
    if types == (SPANS,):
        return {**record, "spans": place_spans(_entities(line[attribute]), text, "unknown")}
    return {**record, "cats": dict.fromkeys(_classes(line[attribute], metadata), 1.0)}


def _entities(value: Any) -> list[PlatformSpan]:
    inner = value.get("annotations") if isinstance(value, dict) else None
    entities = inner.get("entities") if isinstance(inner, dict) else None
    if not isinstance(entities, list):
        raise ValueError(f"it has no list annotations.entities, but {short(value)}")
    found = []
    for one in entities:
        if not isinstance(one, dict) or not {"startOffset", "endOffset", "label"} <= one.keys():
            raise ValueError(f"an entity is {short(one)}, without startOffset, endOffset and label")
        found.append(PlatformSpan(one["startOffset"], one["endOffset"], one["label"]))
    return found


def _classes(value: Any, metadata: Mapping[str, Any]) -> list[str]:
    """The names of the classes that were chosen; the numbers alone say nothing."""
    if metadata["type"] == SINGLE:
        name = metadata.get("class-name")
        if not isinstance(name, str):
            raise ValueError(f"its 'class-name' is {short(name)}")
        return [name]
    names = metadata.get("class-map")
    if not isinstance(value, list) or not isinstance(names, dict):
        raise ValueError(f"it has no list of numbers and their 'class-map', but {short(value)}")
    missing = [one for one in value if not isinstance(names.get(str(one)), str)]
    if missing:
        raise ValueError(f"its 'class-map' does not name {short(missing[0])}")
    if len({*map(str, value)}) != len(names):
        raise ValueError(f"its 'class-map' has other classes than {short(value)}")
    return [names[str(one)] for one in value]

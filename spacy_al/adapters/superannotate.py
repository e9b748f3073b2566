"""SuperAnnotate: a folder with a JSON file for each document of a text project, and the texts.

A file has no text: `metadata.name` names it, and it has to lie in the folder under that name, with or without `.txt`. Both ends of an entity
are characters of it; whether places count characters or UTF-16 units its documentation does not say.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy_al.adapters.files import read_json, read_text
from spacy_al.adapters.platform_spans import PlatformSpan, is_plain, place_spans
from spacy_al.adapters.reading import LabelledRecord, Reading
from spacy_al.adapters.record_check import short
from spacy_al.corpus.shard import writing
from spacy_al.errors import AlError, Errors, UsageError

CLASSES = "classes.json"
# What somebody has finished; the first waits for a reviewer
DONE = ("QualityCheck", "Completed")
NOT_DONE = ("NotStarted", "InProgress", "Returned", "Skipped")
# Where categories are: instances of the type "tag", or names in "tags"
INSTANCES, TAGS = "instances", "tags"
UNPLACED = "with a span after a character beyond U+FFFF, whose place it does not define"


def write_superannotate(texts: Iterable[tuple[Any, dict[str, Any]]], path: Path) -> Counter[str]:
    """Write a folder with the classes, and for each text a `.txt` and its `.json`. See `formats.write_format`."""
    left_out: Counter[str] = Counter()
    pairs = []
    for doc, record in texts:
        if not is_plain(
            record["text"], max((s["end"] for s in record.get("spans", ())), default=0)
        ):
            left_out[UNPLACED] += 1
        elif "\0" in record["text"] or record["text"].startswith("\ufeff"):
            left_out["with a NUL, or a mark of the order of bytes"] += 1
        else:
            pairs.append((doc, record))
    tags = sorted({label for doc, record in pairs if "accept" in record for label in doc.cats})
    objects = sorted({span["label"] for _, record in pairs for span in record.get("spans", ())})
    types = [(label, "object") for label in objects] + [(label, "tag") for label in tags]
    classes = [{"id": n, "name": label, "type": t} for n, (label, t) in enumerate(types, 1)]
    ids = {(one["type"], one["name"]): one["id"] for one in classes}
    for number, (_, record) in enumerate(pairs):
        name = f"{number:06}.txt"
        instances = [
            {
                "type": "entity",
                "classId": ids["object", span["label"]],
                "className": span["label"],
                "start": span["start"],
                "end": span["end"] - 1,
                "attributes": [],
            }
            for span in record.get("spans", ())
        ]
        instances += [
            {"type": "tag", "classId": ids["tag", label], "className": label, "attributes": []}
            for label in record.get("accept", ())
        ]
        annotation = {
            "metadata": {"name": name, "url": name, "status": "Completed"},
            "instances": instances,
            "tags": [],
            "freeText": "",
        }
        _write(path / name, record["text"])
        _write(path / f"{name}.json", json.dumps(annotation, indent=1) + "\n")
    _write(path / "classes" / CLASSES, json.dumps(classes, indent=1) + "\n")
    return left_out


def read_superannotate(path: Path, reading: Reading) -> Iterator[LabelledRecord]:
    """Read the documents of a folder and the folders in it, or one document whose text lies beside it.

    YIELDS (LabelledRecord): In the order of names; what is not finished, was skipped or was returned is counted and left out.
    RAISES (AlError): AL040, AL046 or AL267 if a file cannot be read, AL330 (UsageError) where categories could be meant in two ways, AL400
        if there is no document.
    """
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    documents = [
        (where, value, file.parent)
        for file in files
        if file.name != CLASSES
        for where, value in read_json(file, reading)
    ]
    if not documents:
        raise AlError(Errors.AL400.format(path=path))
    place = _place(documents, path, reading) if reading.kind == "categories" else ""
    known = _known(path, documents, place)
    for where, document, folder in documents:
        try:
            if isinstance(document, ValueError):
                raise document
            if not is_document(document):
                raise ValueError(
                    "it is no document of a text project: it has no 'metadata' and 'instances'"
                )
            found = _record(document, folder, place, known, reading)
        except ValueError as error:
            yield {"where": where, "problem": str(error)}
            continue
        if found is not None:
            yield {"where": where, **found}


def is_document(value: Any) -> bool:
    """Whether something is a document of a text project."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("metadata"), dict)
        and isinstance(value.get("instances"), list)
    )


def _record(
    document: Mapping[str, Any], folder: Path, place: str, known: Sequence[str], reading: Reading
) -> LabelledRecord | None:
    metadata = document["metadata"]
    status = metadata.get("status")
    if status in NOT_DONE:
        reading.skip([f"documents {status}"])
        return None
    if status not in DONE:
        raise ValueError(f"its status is {short(status)}, and nobody knows whether it is finished")
    record: LabelledRecord = {"text": _text(metadata.get("name"), folder)}
    if isinstance(metadata.get("annotatorEmail"), str):
        record["annotator"] = metadata["annotatorEmail"]
    types = [_type(one) for one in document["instances"]]
    if reading.kind == "categories":
        reading.skip("entities" for type_ in types if type_ == "entity")
        chosen = _chosen(document, place)
        return {**record, "cats": {label: float(label in chosen) for label in known}}
    reading.skip("instances of the type tag" for type_ in types if type_ == "tag")
    reading.skip(TAGS for _ in document.get(TAGS) or ())
    spans = [one for one, type_ in zip(document["instances"], types) if type_ == "entity"]
    return {
        **record,
        "spans": place_spans([_span(one) for one in spans], record["text"], "unknown"),
    }


def _text(name: Any, folder: Path) -> str:
    if not isinstance(name, str) or not name.strip() or Path(name).name != name:
        raise ValueError(f"its name is {short(name)}")
    for file in (folder / name, folder / f"{name}.txt"):
        if file.is_file() and file.suffix != ".json":
            try:
                return read_text(file)
            except AlError as error:
                raise ValueError(str(error)) from error
    raise ValueError(f"its text is not here: put it into {folder} as {name} or {name}.txt")


def _type(instance: Any) -> str:
    type_ = instance.get("type") if isinstance(instance, dict) else None
    if type_ not in ("entity", "tag"):
        raise ValueError(f"an instance is {short(instance)}, and neither an entity nor a tag")
    return str(type_)


def _span(one: Mapping[str, Any]) -> PlatformSpan:
    if one.get("classId") == -1 or "className" not in one:
        raise ValueError(f"an entity from {short(one.get('start'))} has no class")
    last = one.get("end")
    end = last + 1 if type(last) is int else last
    return PlatformSpan(one.get("start"), end, one["className"])


def _place(documents: Sequence[tuple[str, Any, Path]], path: Path, reading: Reading) -> str:
    """Where categories are. RAISES (UsageError): AL330."""
    found: dict[str, None] = {}
    for _, document, _ in documents:
        if is_document(document):
            if any(
                isinstance(one, dict) and one.get("type") == "tag" for one in document[INSTANCES]
            ):
                found[INSTANCES] = None
            if document.get(TAGS):
                found[TAGS] = None
    if reading.column is None and len(found) < 2:
        return next(iter(found), INSTANCES)
    if reading.column in found:
        return str(reading.column)
    what, names = "places of categories", ", ".join(found) or "none"
    raise UsageError(Errors.AL330.format(path=path, what=what, found=names))


def _chosen(document: Mapping[str, Any], place: str) -> list[str]:
    if place == TAGS:
        names = document.get(TAGS)
        if not isinstance(names, list):
            raise ValueError(f"its 'tags' are {short(names)}")
    else:
        names = [one.get("className") for one in document[INSTANCES] if one["type"] == "tag"]
    if not all(isinstance(name, str) for name in names):
        raise ValueError(f"the name of a tag is none: {short(names)}")
    return [str(name) for name in names]


def _known(path: Path, documents: Sequence[tuple[str, Any, Path]], place: str) -> list[str]:
    """The categories that could be chosen: those of the classes that are tags, and those that were."""
    found = set[str]()
    if not place:
        return []
    for _, document, _ in documents:
        try:
            found.update(_chosen(document, place))
        except (ValueError, LookupError, TypeError):
            continue
    for file in path.rglob(CLASSES) if path.is_dir() and place == INSTANCES else ():
        for _, one in read_json(file):
            if (
                isinstance(one, dict)
                and one.get("type") == "tag"
                and isinstance(one.get("name"), str)
            ):
                found.add(one["name"])
    return sorted(found)


def _write(path: Path, content: str) -> None:
    # offsets count line ends as they are
    with writing(path, "wb") as file:
        file.write(content.encode("utf8", "surrogatepass"))

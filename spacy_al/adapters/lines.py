"""JSONL of doccano, and of spaCy's own `Doc.to_json`; a JSON array of the same is read as well."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from spacy.tokens import Doc

from spacy_al.adapters.files import read_json
from spacy_al.adapters.reading import LabelledRecord, Mark, Reading
from spacy_al.adapters.record_check import refused, said_words, short
from spacy_al.corpus.shard import writing
from spacy_al.tasks.decision import INCORRECT, SELF

# Groups of spans that a run writes for its training
OWN = (INCORRECT, SELF)
# Whose line it is: what a run writes, and doccano's first versions
ANNOTATORS = ("_annotator_id", "username")
# Of doccano's versions: how the text is called, and what is labelled
TEXTS = ("text", "data")
SPANS = ("entities", "label", "labels", "annotations")
CATEGORIES = ("cats", "label", "labels", "annotations")


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


def read_doccano(path: Path, reading: Reading) -> Iterator[LabelledRecord]:
    """Read spans or categories under any of the keys that doccano's versions give them.

    YIELDS (LabelledRecord): With categories, those that occur anywhere in the file are decided, as doccano shows all of them.
    RAISES (AlError): AL040, AL046 or AL267 if the file cannot be read.
    """
    keys = CATEGORIES if reading.kind == "categories" else SPANS
    records = [_doccano(where, value, keys, reading) for where, value in read_json(path, reading)]
    known = sorted({label for record in records for label in record.get("cats", ())})
    empty = 0
    for record in records:
        if "cats" in record:
            record["cats"] = {label: record["cats"].get(label, 0.0) for label in known}
        empty += (
            "problem" not in record
            and not record.get("spans")
            and not any(record.get("cats", {}).values())
        )
        yield record
    if empty:
        reading.say(
            f"{empty} texts have an empty label and are read as texts without one. doccano has such of texts that nobody has "
            "opened, too: export approved texts alone."
        )


def read_spacy(path: Path, reading: Reading) -> Iterator[LabelledRecord]:
    """Read what `Doc.to_json` gives: `ents`, `spans` of the component's key, `tag` of tokens, or `cats`.

    YIELDS (LabelledRecord): With the file's tokens, where it has them.
    RAISES (AlError): AL040, AL046 or AL267 if the file cannot be read.
    """
    for where, value in read_json(path, reading):
        yield _spacy(where, value, reading)


def _doccano(where: str, value: Any, keys: Sequence[str], reading: Reading) -> LabelledRecord:
    record, line = _begun(where, value, TEXTS)
    if line is None:
        return record
    found = [key for key in keys if key in line]
    if not found:
        return _lacks(record, keys, line)
    for other in found[1:]:
        if line[other] != line[found[0]]:
            return refused(record, f"it has both {found[0]!r} and {other!r}, and they differ")
    used, items = found[0], line[found[0]]
    known = {*TEXTS, *found, *ANNOTATORS, "id", "doc_id"}
    rest = {key: line[key] for key in line if key not in known}
    reading.skip(key for key, content in rest.items() if content)
    if reading.kind == "categories":
        labels = _categories(items)
        if labels is None:
            return refused(record, f"{used!r} holds no names of categories, but {short(items)}")
        return {**record, "cats": dict.fromkeys(labels, 1.0)}
    if not isinstance(items, list):
        return refused(record, f"{used!r} holds no list of spans, but {short(items)}")
    marks = list[Mark]()
    for item in items:
        mark = _mark(item, record["text"])
        if mark and isinstance(mark["label"], (int, float)):
            why = f"the labels in {used!r} are numbers, such as {mark['label']}, and not names"
            return refused(
                record, f"{why}. It needs names in {_any_of(keys)}, and has {short([*line])}"
            )
        if not mark or not isinstance(mark["label"], str):
            return refused(record, f"{used!r} holds {short(item)}, which is no [start, end, label]")
        marks.append(mark)
    return {**record, "spans": marks}


def _spacy(where: str, value: Any, reading: Reading) -> LabelledRecord:
    record, line = _begun(where, value, ("text",))
    if line is None:
        return record
    kind, key = reading.kind, reading.spans_key
    needed = {"entities": "ents", "spans": "spans", "tags": "tokens", "categories": "cats"}[kind]
    if needed not in line:
        return _lacks(record, [needed], line)
    reading.skip(name for name in ("ents", "cats") if name != needed and line.get(name))
    groups = line.get("spans")
    groups = groups if isinstance(groups, Mapping) else {}
    # what was rejected, or labelled by a model alone, is nobody's answer
    reading.skip(
        f"spans[{group!r}]"
        for group in groups
        if (kind, group) != ("spans", key) and group not in OWN
    )
    if words := _tokens(record["text"], line.get("tokens")):
        record["words"], record["spaces"] = words
    if kind == "categories":
        if not isinstance(line["cats"], dict):
            return refused(record, f"'cats' is {short(line['cats'])} and no object")
        return {**record, "cats": line["cats"]}
    if kind == "spans" and key not in groups:
        return _lacks(record, [f"spans[{key!r}]"], [f"spans[{group!r}]" for group in groups])
    items = groups[key] if kind == "spans" else line[needed]
    if not isinstance(items, list):
        return refused(record, f"{needed!r} holds no list, but {short(items)}")
    name = "tag" if kind == "tags" else "label"
    if kind == "tags":
        if not any(isinstance(item, dict) and "tag" in item for item in items):
            return refused(record, "no token of it has a 'tag'")
        record["missing"] = [
            (item["start"], item["end"])
            for item in items
            if isinstance(item, dict) and not item.get("tag") and {"start", "end"} <= item.keys()
        ]
        items = [item for item in items if not isinstance(item, dict) or item.get("tag")]
    marks = list[Mark]()
    for item in items:
        if not isinstance(item, dict) or not {"start", "end", name} <= item.keys():
            return refused(
                record, f"{needed!r} holds {short(item)}, which lacks one of: start, end, {name}"
            )
        mark: Mark = {"start": item["start"], "end": item["end"], "label": item[name]}
        marks.append(cast(Mark, {**mark, **said_words(item, record["text"])}))
    return {**record, "spans": marks}


def _begun(
    where: str, value: Any, texts: Sequence[str]
) -> tuple[LabelledRecord, dict[str, Any] | None]:
    """A record with its place, text and annotator, and the object that it is made of; None if it cannot be used."""
    record: LabelledRecord = {"where": where}
    if isinstance(value, ValueError):
        return refused(record, str(value)), None
    if not isinstance(value, dict):
        return refused(record, f"{short(value)} is not an object"), None
    found = [key for key in texts if key in value]
    if not found:
        return _lacks(record, texts, value), None
    text = value[found[0]]
    if not isinstance(text, str) or not text:
        return refused(record, f"its {found[0]!r} is {short(text)}"), None
    if any(value[key] != text for key in found):
        return refused(
            record, f"it has both {' and '.join(map(repr, found))}, and they differ"
        ), None
    record["text"] = text
    for name in ANNOTATORS:
        if isinstance(value.get(name), str) and value[name]:
            record["annotator"] = value[name]
            break
    return record, value


def _any_of(keys: Sequence[str]) -> str:
    return " or ".join(map(repr, keys))


def _lacks(record: LabelledRecord, needed: Sequence[str], there: Iterable[str]) -> LabelledRecord:
    names = [*there]
    wanted = f"it needs {_any_of(needed)}"
    hint = ""
    if "label" in names and "ents" in needed:
        hint = ". Is it of doccano? Say --format doccano"
    return refused(record, f"{wanted}, and has {short(names)}{hint}")


def _categories(items: Any) -> list[str] | None:
    """Names of categories: one, several, or objects with their labels; None if it is nothing of this."""
    if isinstance(items, str):
        return [items.strip()]
    if not isinstance(items, list):
        return None
    labels = [item.get("label") if isinstance(item, dict) else item for item in items]
    names = [label for label in labels if isinstance(label, str)]
    return [name.strip() for name in names] if len(names) == len(labels) else None


def _mark(item: Any, text: str) -> Mark | None:
    """A span as a list, with its words or without, or as an object; None if it is neither."""
    if isinstance(item, dict):
        words = said_words(item, text).values()
        keys = ("start_offset", "end_offset", "label")
        item = [*(item[name] for name in keys if name in item), *words]
    if not isinstance(item, list) or not 3 <= len(item) <= 4:
        return None
    mark: Mark = {"start": item[0], "end": item[1], "label": item[2]}
    if len(item) == 4:
        mark["text"] = item[3]
    return mark


def _tokens(text: str, tokens: Any) -> tuple[list[str], list[bool]] | None:
    """The words of tokens, and whether a blank follows each; None if they do not make up the text."""
    try:
        ends = [token["start"] for token in tokens[1:]] + [len(text)]
        words = [text[token["start"] : token["end"]] for token in tokens]
        spaces = [text[token["end"] : end] == " " for token, end in zip(tokens, ends)]
    except (TypeError, KeyError):
        return None
    joined = "".join(word + " " * space for word, space in zip(words, spaces))
    return (words, spaces) if joined == text else None


def _write(items: Iterable[dict[str, Any]], path: Path) -> Counter[str]:
    with writing(path) as file:
        for item in items:
            file.write(json.dumps(item) + "\n")
    return Counter()

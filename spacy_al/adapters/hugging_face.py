"""Data sets as Hugging Face's `datasets` writes them to JSON: words with tags, or texts with labels, which are often numbers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from spacy_al.adapters.files import read_json
from spacy_al.adapters.reading import LabelledRecord, Reading
from spacy_al.adapters.record_check import short
from spacy_al.adapters.tag_scheme import UNKNOWN, are_tags, open_edge, parsed
from spacy_al.adapters.words import joined, tag_scheme, tag_spans, word_marks
from spacy_al.errors import Errors, UsageError

WORDS = ("tokens", "words")
TAGS = ("ner_tags", "tags", "labels", "pos_tags", "upos", "xpos")
LABELS = ("label", "labels", "coarse_label", "fine_label")
# Files beside it that name what is counted: of `datasets`, and of a model
BESIDE = ("dataset_info.json", "dataset_infos.json", "config.json")
Row = tuple[str, Any]


def read_hugging_face(path: Path, reading: Reading) -> Iterator[LabelledRecord]:
    """Read rows of `tokens` and `ner_tags`; or, for categories, of `text` and `label`. `column` is the key of the tags or labels.

    Numbers get their names from `features` or `id2label` in the file, or in `dataset_info.json` or `config.json` beside it, or
    from `reading.labels`; without names they are refused.

    YIELDS (LabelledRecord): A row each.
    RAISES (AlError): AL330 (UsageError) for several keys of tags, AL331 (UsageError) for numbers without names.
    """
    rows, named = _rows(path, reading)
    text_key = reading.text_key if reading.kind == "categories" else ""
    column = _column(rows, path, reading)
    names = _names(rows, column, named, path, reading)
    known = names or _values(rows, column)
    per_label = names is not None and _is_per_label(rows, column, len(names))
    scheme = ""
    if reading.kind == "entities":
        scheme = (
            tag_scheme([known], path, reading)
            if names
            else tag_scheme(_tags(rows, column), path, reading)
        )
    for where, row in rows:
        try:
            if isinstance(row, ValueError):
                raise row
            if not isinstance(row, dict):
                raise ValueError(f"it is {short(row)}, and no object")
            if column not in row:
                raise ValueError(f"it has no '{column}', only: {', '.join(row)}")
            if reading.kind == "tags" and are_tags(known):
                raise ValueError(f"its '{column}' are tags of entities, such as {known[-1]}")
            found = (
                _categories(row, text_key, column, names, known, per_label)
                if text_key
                else _words(row, column, names, scheme)
            )
            reading.skip(key for key in row if key not in (column, text_key, *WORDS))
            yield {"where": where, **found}
        except ValueError as error:
            yield {"where": where, "problem": str(error)}


def _rows(path: Path, reading: Reading) -> tuple[list[Row], dict[str, Any]]:
    """The rows, and what else the file says of them."""
    rows = list(read_json(path, reading))
    if len(rows) == 1 and isinstance(rows[0][1], dict):
        where, whole = rows[0]
        inner = whole.get("rows", whole.get("data"))
        if isinstance(inner, list):
            # as the data set viewer has them
            return [(f"{where}, row {n}", _whole_row(item)) for n, item in enumerate(inner)], whole
    return rows, {}


def _whole_row(item: Any) -> Any:
    """A row of the data set viewer, which cuts long texts off and says so."""
    if not isinstance(item, dict):
        return item
    if cut := item.get("truncated_cells"):
        return ValueError(f"the viewer has cut it off: {short(cut)}. Take the data set itself")
    return item.get("row", item)


def _column(rows: Sequence[Row], path: Path, reading: Reading) -> str:
    if reading.column is not None:
        return reading.column
    known = LABELS if reading.kind == "categories" else TAGS
    there = {key: None for _, row in rows if isinstance(row, dict) for key in row}
    found = [key for key in known if key in there]
    if reading.kind != "categories":
        pos = [key for key in found if key in ("pos_tags", "upos", "xpos")]
        other = [key for key in found if key not in pos]
        # of words with both, entities are not the parts of speech
        found = (pos if reading.kind == "tags" else other) or found
    if len(found) > 1:
        raise UsageError(
            Errors.AL330.format(path=path, what="keys of labels", found=", ".join(found))
        )
    return found[0] if found else known[0]


def _names(
    rows: Sequence[Row], column: str, whole: Mapping[str, Any], path: Path, reading: Reading
) -> list[str] | None:
    """The names of numbers; None where there are no numbers."""
    values = (row.get(column) for _, row in rows if isinstance(row, dict))
    flat = (v for value in values for v in (value if isinstance(value, list) else [value]))
    if not any(map(_is_number, flat)):
        return None
    if reading.labels:
        return list(reading.labels)
    if found := _listed(whole, column):
        return found
    for name in BESIDE:
        try:
            beside = json.loads((path.parent / name).read_text("utf8"))
        except (OSError, ValueError, RecursionError):
            continue
        if found := _listed(beside, column):
            reading.say(f"The labels' names are from {path.parent / name}.")
            return found
    raise UsageError(Errors.AL331.format(path=path, column=column))


def _is_per_label(rows: Sequence[Row], column: str, n_labels: int) -> bool:
    """Whether texts have a 1 or 0 for each label, and not the numbers of theirs: of these none is there twice, and they rise."""
    values = (row.get(column) for _, row in rows if isinstance(row, dict))
    return any(
        isinstance(value, list)
        and len(value) == n_labels
        and all(_is_number(one) and one in (0, 1) for one in value)
        and any(after <= before for before, after in pairwise(value))
        for value in values
    )


def _is_number(value: Any) -> bool:
    """Whether something numbers a label; pandas makes fractions of numbers where one is missing."""
    return type(value) is int or (type(value) is float and value.is_integer())


def _tags(rows: Sequence[Row], column: str) -> list[list[str]]:
    values = (row.get(column) for _, row in rows if isinstance(row, dict))
    return [[t for t in tags if isinstance(t, str)] for tags in values if isinstance(tags, list)]


def _values(rows: Sequence[Row], column: str) -> list[str]:
    """The labels that are there, in order: whoever chose one could have chosen any."""
    values = (row.get(column) for _, row in rows if isinstance(row, dict))
    flat = (v for value in values for v in (value if isinstance(value, list) else [value]))
    return sorted({value.strip() for value in flat if isinstance(value, str)})


def _listed(info: Any, column: str) -> list[str]:
    """Names in their order, from what says it: `features` of a data set, or `id2label` of a model."""
    if not isinstance(info, dict):
        return []
    if "id2label" in info:
        return _strings(info["id2label"])
    features = info.get("features")
    if isinstance(features, list):
        features = {
            each.get("name"): each.get("type") for each in features if isinstance(each, dict)
        }
    if not isinstance(features, dict):
        # of several configurations of one data set
        inner = [
            found
            for each in info.values()
            if isinstance(each, dict)
            if (found := _listed(each, column))
        ]
        return inner[0] if len(inner) == 1 else []
    feature = features.get(column)
    while isinstance(feature, dict) and "names" not in feature:
        feature = feature.get("feature", feature.get("class_label"))
    return _strings(feature.get("names") if isinstance(feature, dict) else None)


def _strings(names: Any) -> list[str]:
    """Names, if that is all they are; numbered ones in their order."""
    if isinstance(names, dict):
        names = [names.get(str(number)) for number in range(len(names))]
    usable = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return list(names) if usable else []


def _named(value: Any, names: list[str] | None) -> str:
    if _is_number(value) and names is not None:
        if not 0 <= value < len(names):
            raise ValueError(f"the label {value} has no name: {len(names)} are known, from 0")
        return names[int(value)]
    if isinstance(value, str) and names is None:
        return value.strip()
    raise ValueError(f"a label is {short(value)}")


def _words(
    row: Mapping[str, Any], column: str, names: list[str] | None, scheme: str
) -> LabelledRecord:
    words = next((row[key] for key in WORDS if key in row), None)
    tags = row[column]
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError(f"its tokens are {short(words)}")
    if not isinstance(tags, list) or len(tags) != len(words):
        count = len(tags) if isinstance(tags, list) else short(tags)
        raise ValueError(f"it has {len(words)} tokens and {count} '{column}'")
    if not words:
        raise ValueError("it has no tokens")
    # some have a row with an empty word, which no text can hold
    if any(not word.strip() for word in words):
        raise ValueError("one of its tokens is empty or white space")
    text, starts = joined(words)
    named = [_named(tag, names) for tag in tags]
    # without a scheme they are the words' own
    marks = tag_spans(named, scheme) if scheme else [(k, k + 1, t) for k, t in enumerate(named)]
    record: LabelledRecord = {"text": text, "words": words}
    record["spans"] = word_marks(marks, words, starts)
    if scheme and UNKNOWN in named:
        tags = [parsed(tag, 0) for tag in named]
        for mark, (first, after, _) in zip(record["spans"], marks):
            if why := open_edge(tags, first, after, scheme):
                mark["problem"] = why
        record["missing"] = [
            (start, start + len(word))
            for start, word, tag in zip(starts, words, named)
            if tag == UNKNOWN
        ]
    return record


def _categories(
    row: Mapping[str, Any],
    text_key: str,
    column: str,
    names: list[str] | None,
    known: Sequence[str],
    per_label: bool,
) -> LabelledRecord:
    text, value = row.get(text_key), row[column]
    if not isinstance(text, str):
        raise ValueError(f"its '{text_key}' is {short(text)}")
    if _is_number(value) and value == -1:
        raise ValueError("its label is -1, which says that it has none")
    if per_label:
        flags = value if isinstance(value, list) else []
        if len(flags) != len(known) or not all(_is_number(one) and one in (0, 1) for one in flags):
            raise ValueError(f"its '{column}' is {short(value)}, where others have 1 or 0 a label")
        return {"text": text, "cats": {label: float(one) for label, one in zip(known, value)}}
    chosen = {_named(each, names) for each in (value if isinstance(value, list) else [value])}
    return {"text": text, "cats": {label: float(label in chosen) for label in known}}

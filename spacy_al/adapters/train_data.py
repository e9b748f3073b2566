"""Training data of spaCy 2: pairs of a text and its annotations, as Python wrote them, or as JSON; and objects with `text` and
`entities`.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from spacy_al.adapters.files import read_json, read_text
from spacy_al.adapters.reading import LabelledRecord, Mark, Reading
from spacy_al.adapters.record_check import said_words, short
from spacy_al.errors import AlError, Errors, UsageError

# A name before the list, a comment, tuples, or quotes that are single
PYTHON = re.compile(r"\s*(?:#|[A-Za-z_]|\(|[\[(]\s*[\[(]?\s*(?:[(']|[rRuUbB]?'))")
# Keys of annotations, by the kind that they are of
READ = {"entities": "entities", "spans": "spans", "categories": "cats"}


def read_train_data(path: Path, reading: Reading) -> Iterator[LabelledRecord]:
    """Read `[("text", {"entities": [(start, end, label)]}), ...]`, or one such pair, or object with `text`, a line.

    A Python file may give it a name; `column` says which, where there are several. Nothing of it is run.

    YIELDS (LabelledRecord): In the order of the file.
    RAISES (AlError): AL268 if the file is neither JSON nor lists and strings of Python, AL330 (UsageError) for several lists.
    """
    text = read_text(path, reading)
    items = _literals(text, path, reading) if PYTHON.match(text) else read_json(path)
    for where, item in _pairs(items):
        try:
            yield {"where": where, **_record(item, reading)}
        except (LookupError, TypeError, ValueError) as error:
            yield {"where": where, "problem": _words(error)}


def _pairs(items: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Items, and those of an object that holds them, as some annotation tools write it."""
    first: list[str] = []
    for where, item in items:
        if (
            isinstance(item, dict)
            and isinstance(item.get("annotations"), list)
            and "text" not in item
        ):
            # they are not all on its line
            yield from (
                (f"{where}, pair {n}", pair) for n, pair in enumerate(item["annotations"], 1)
            )
        elif isinstance(item, str) and not first:
            # a file of one pair is an array of two
            first = [item]
        elif first and isinstance(item, dict):
            yield where, [*first, item]
        else:
            yield where, item


def _record(item: Any, reading: Reading) -> LabelledRecord:
    if item is None:
        raise ValueError("it is null, which is no text")
    if isinstance(item, ValueError):
        raise item
    if isinstance(item, list | tuple):
        if len(item) != 2 or not isinstance(item[1], dict):
            raise ValueError(f"it is no pair of a text and its annotations: {short(item)}")
        text, given = item
    elif isinstance(item, dict):
        text, given = item.get("text"), {key: item[key] for key in item if key != "text"}
    else:
        raise ValueError(f"it is no pair of a text and its annotations: {short(item)}")
    if not isinstance(text, str):
        raise ValueError(f"its text is {short(text)}")
    key = READ.get(reading.kind, "")
    reading.skip(name for name in given if name != key and not _is_read(name, key, reading))
    if reading.kind == "categories":
        return {"text": text, "cats": _cats(given, key)}
    found: Any = None
    if reading.kind == "spans" and isinstance(given.get("spans"), dict):
        found, key = given["spans"].get(reading.spans_key), f"spans.{reading.spans_key}"
    elif "entities" in given and reading.kind in ("entities", "spans"):
        found, key = given["entities"], "entities"
    if found is None:
        raise ValueError(
            f"it has no '{key or reading.kind}', only: {', '.join(map(str, given)) or 'nothing'}"
        )
    return {"text": text, "spans": _marks(found, text)}


def _is_read(name: str, key: str, reading: Reading) -> bool:
    return reading.kind == "spans" and name == "entities" and key == "spans"


def _cats(given: dict[str, Any], key: str) -> dict[str, float]:
    cats = given.get(key)
    if not isinstance(cats, dict):
        raise ValueError(f"it has no '{key}', only: {', '.join(map(str, given)) or 'nothing'}")
    for label, value in cats.items():
        if not isinstance(label, str) or value not in (0, 1):
            raise ValueError(f"the category {short(label)} is {short(value)}; 0 or 1 is needed")
    return {label: float(value) for label, value in cats.items()}


def _marks(found: Any, text: str) -> list[Mark]:
    if not isinstance(found, list | tuple):
        raise ValueError(f"its entities are {short(found)}")
    marks: list[Mark] = []
    for one in found:
        words: dict[str, str] = {}
        if isinstance(one, dict):
            words = said_words(one, text)
            one = tuple(one.get(key) for key in ("start", "end", "label"))
        if isinstance(one, str):
            raise ValueError("its entities are tags of words, and not (start, end, label)")
        if not isinstance(one, list | tuple) or len(one) not in (3, 4):
            raise ValueError(f"an entity is {short(one)}, and not (start, end, label)")
        start, end, label = one[:3]
        if type(start) is not int or type(end) is not int or not isinstance(label, str):
            raise ValueError(f"an entity is {short(one)}, and not (start, end, label)")
        # the fourth is the words, or an id of a knowledge base
        if len(one) == 4 and isinstance(one[3], str) and one[3].strip() and one[3] in text:
            words = {"text": one[3]}
        mark: Mark = {"start": start, "end": end, "label": label}
        marks.append(cast(Mark, {**mark, **words}))
    return marks


def _literals(text: str, path: Path, reading: Reading) -> Iterator[tuple[str, Any]]:
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        why = f"it is neither JSON nor Python ({getattr(error, 'msg', error)})"
        raise AlError(
            Errors.AL268.format(where=f"{path}:{line}", why=why, how="Mend it")
        ) from error
    lists: dict[str, ast.expr] = {}
    for node in body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
        else:
            name = "the list"
        value = getattr(node, "value", None)
        if isinstance(value, ast.List | ast.Tuple) and value.elts:
            lists[name] = value
    found = ", ".join(lists) or "none"
    if reading.column is not None:
        lists = {name: value for name, value in lists.items() if name == reading.column}
    if len(lists) > 1 or (reading.column is not None and not lists):
        raise UsageError(Errors.AL330.format(path=path, what="lists", found=found))
    for value in lists.values():
        for node in value.elts:  # type: ignore[attr-defined]
            try:
                yield f"{path.name}:{node.lineno}", ast.literal_eval(node)
            except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
                yield (
                    f"{path.name}:{node.lineno}",
                    ValueError("it is made by code, which is never run, and is no plain value"),
                )


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, ValueError) else repr(error)

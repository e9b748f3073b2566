"""Which format a file is in, from what is in it: never a guess, and the reason is said."""

import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from spacy_al.adapters.columns import BLANK
from spacy_al.adapters.files import read_json, read_text
from spacy_al.adapters.ground_truth import METADATA
from spacy_al.adapters.hugging_face import TAGS as TAG_KEYS
from spacy_al.adapters.hugging_face import WORDS
from spacy_al.adapters.labelbox import ANNOTATIONS, ROWS
from spacy_al.adapters.record_check import short
from spacy_al.adapters.superannotate import is_document
from spacy_al.adapters.train_data import PYTHON
from spacy_al.adapters.webanno import FORMAT
from spacy_al.errors import AlError, Errors, UsageError

# Records, or lines, that are looked at
SEEN = 50


@dataclass(frozen=True)
class KnownFormat:
    """A format, and by what it was known."""

    format: str
    why: str


def find_format(path: Path, known: Iterable[str]) -> KnownFormat:
    """The format of a file or folder.

    path (Path): As people have it.
    known (Iterable[str]): Formats that can be named, for the message.
    RETURNS (KnownFormat): The only one that it can be.
    RAISES (AlError): AL040 if it is not there, AL334 (UsageError) if it is none that is known, or could be several.
    """
    if not path.exists():
        raise AlError(Errors.AL040.format(path=path))
    found = _of_folder(path) if path.is_dir() else _of_file(path)
    if len(found) != 1:
        choices = ", ".join(f"{one.format} ({one.why})" for one in found)
        what = f"It could be: {choices}" if found else f"It looks like none of them: {_seen(path)}"
        raise UsageError(Errors.AL334.format(path=path, what=what, known=", ".join(sorted(known))))
    return found[0]


def _seen(path: Path) -> str:
    """What is in a file of no known format, for a message of one line."""
    if path.is_dir():
        return "it has neither .ann, nor documents of SuperAnnotate, nor what Labelbox imports"
    if path.suffix == ".ann":
        return "of brat it is the folder that is named"
    if zipfile.is_zipfile(path):
        return "it is an archive"
    text = read_text(path).strip()
    if text[:1] not in ("{", "["):
        return f"it begins with {short(text.split(chr(10))[0])}" if text else "it is empty"
    _, value = next(read_json(path), ("", []))
    if isinstance(value, ValueError):
        return str(value)
    keys = ", ".join(map(short, value)) if isinstance(value, dict) else ""
    return (
        f"its first object has {keys or 'no keys'}"
        if isinstance(value, dict)
        else f"it begins with {short(value)}"
    )


def is_one(path: Path) -> bool:
    """Whether a folder is what is read, and not a place for files that are."""
    return bool(_of_folder(path))


def _of_folder(path: Path) -> list[KnownFormat]:
    if all((path / name).is_file() for name in (ROWS, ANNOTATIONS)):
        return [KnownFormat("labelbox", f"a folder with {ROWS} and {ANNOTATIONS}")]
    files = [child.suffix for child in path.rglob("*") if child.is_file()]
    if ".ann" not in files:
        found = (
            any(is_document(value) for _, value in islice(read_json(file), 1))
            for file in islice(sorted(path.rglob("*.json")), SEEN)
        )
        why = "a folder with documents, which have 'metadata' and 'instances'"
        return [KnownFormat("superannotate", why)] if any(found) else []
    others = sum(suffix not in (".ann", ".txt", ".conf") for suffix in files)
    more = f", and {others} other files, which are not read" if others else ""
    return [KnownFormat("brat", f"a folder with .ann files{more}")]


def _of_file(path: Path) -> list[KnownFormat]:
    if zipfile.is_zipfile(path):
        return (
            [KnownFormat("table", "a workbook")]
            if path.suffix.lower() in (".xlsx", ".xlsm")
            else []
        )
    text = read_text(path)
    start = text.lstrip()
    if start[:1] in ("{", "[") and ((found := _of_json(path)) or not PYTHON.match(text)):
        return found
    lines = [line.rstrip("\r") for line in islice(text.split("\n"), 2000)]
    if FORMAT.match(lines[0]):
        return [KnownFormat("webanno", "it begins with #FORMAT=WebAnno TSV 3")]
    if PYTHON.match(text) and _is_data(text):
        return [KnownFormat("train-data", "a list of Python with texts and 'entities' or 'cats'")]
    return _of_lines(
        path, [line for line in lines if line.strip()], any(not line.strip() for line in lines[:-1])
    )


def _is_data(text: str) -> bool:
    keys = r"['\"](?:entities|cats|spans)['\"]\s*:"
    return (
        re.search(r"[\[(]\s*[\[(]", text[:100_000]) is not None
        and re.search(keys, text[:100_000]) is not None
    )


def _of_lines(path: Path, lines: list[str], has_gaps: bool) -> list[KnownFormat]:
    seen = [line for line in lines if not line.startswith("#")][: 10 * SEEN]
    cells = [line.split("\t") for line in seen]
    if not seen:
        return []
    found = []
    numbered = sum(
        len(row) == 10 and re.fullmatch(r"\d+([-.]\d+)?", row[0]) is not None for row in cells
    )
    if 2 * numbered > len(seen):
        return [KnownFormat("conllu", "ten columns, of which the first numbers words")]
    words = [BLANK.split(line.strip(" \t")) for line in seen]
    tag = re.compile(r"(?:O|-|[BIMELSUW]-\S+)")
    piped = sum(all(re.fullmatch(r"\S+\|" + tag.pattern, word) for word in row) for row in words)
    if 2 * piped > len(seen):
        return [KnownFormat("iob", "texts of word|tag")]
    width = Counter(map(len, words)).most_common(1)[0][0]
    # a dash in a sentence is no tag
    rows = [row for row in words if len(row) == width > 1]
    tagged = sum(any(tag.fullmatch(cell) for cell in row[1:]) for row in rows)
    if 2 * tagged > len(seen):
        found.append(KnownFormat("conll", "a word and its tag a line"))
    elif path.suffix.lower() in (".csv", ".tsv"):
        found.append(
            KnownFormat("table", f"a {path.suffix.lower()[1:].upper()} file with a header")
        )
    return found


def _of_json(path: Path) -> list[KnownFormat]:
    """By the keys of most of the first records."""
    records = [
        value for _, value in islice(read_json(path), SEEN) if not isinstance(value, ValueError)
    ]
    if not records:
        return []
    # a file of one pair is an array of two
    if len(records) == 2 and isinstance(records[0], str):
        records = [records]
    found = []
    for name, (why, fits) in SHAPES.items():
        if 2 * sum(_fits(fits, record) for record in records) > len(records):
            found.append(KnownFormat(name, why))
    return found


def _fits(fits: Callable[[Any], bool], record: Any) -> bool:
    try:
        return bool(fits(record))
    except (TypeError, AttributeError, LookupError):
        return False


def _has_dict(items: Any, *keys: str) -> bool:
    """Whether something is a list, and its first object, if it has any, has such keys."""
    return isinstance(items, list) and all(
        isinstance(one, dict) and set(keys) <= set(one) for one in items[:1]
    )


def _is_label_studio(one: Any) -> bool:
    return isinstance(one["data"], dict) and isinstance(
        one.get("annotations", one.get("completions")), list
    )


def _is_min(one: Any) -> bool:
    return (
        "id" in one
        and "answer" not in one
        and any(key in one for key in ("annotation_id", "annotator"))
        and "data" not in one
    )


def _is_prodigy(one: Any) -> bool:
    return one.get("answer") in ("accept", "reject", "ignore") and "text" in one


def _is_pair(one: Any) -> bool:
    if isinstance(one, dict):
        # what is in it is pairs
        inner = one.get("annotations")
        return (
            "text" not in one
            and isinstance(inner, list)
            and any(isinstance(p, list) and len(p) == 2 for p in inner[:3])
        )
    return (
        isinstance(one, list)
        and len(one) == 2
        and isinstance(one[0], str)
        and isinstance(one[1], dict)
    )


def _is_triples(items: Any) -> bool:
    """Whether something is a list of [start, end, label]."""
    return isinstance(items, list) and all(
        isinstance(one, list) and len(one) in (3, 4) for one in items[:1]
    )


def _is_entities(one: Any) -> bool:
    plain = _is_triples(one["entities"]) or _has_dict(one["entities"], "start", "end")
    return isinstance(one["text"], str) and plain and not _is_doccano(one)


def _is_doccano(one: Any) -> bool:
    if not isinstance(one.get("text", one.get("data")), str) or "answer" in one or "tokens" in one:
        return False
    if one.get("entities") and _has_dict(one["entities"], "start_offset"):
        return True
    if "annotations" in one and _has_dict(one["annotations"], "label"):
        return True
    return any(
        key in one
        and (
            _is_triples(one[key])
            or isinstance(one[key], str)
            or all(isinstance(each, str) for each in one[key])
        )
        for key in ("label", "labels")
    ) and not _is_min(one)


def _is_doc(one: Any) -> bool:
    return (
        isinstance(one["text"], str)
        and "answer" not in one
        and "label" not in one
        and (
            _has_dict(one.get("ents"), "start", "end")
            or _has_dict(one.get("tokens"), "id", "start", "end")
            or isinstance(one.get("cats"), dict)
            or isinstance(one.get("spans"), dict)
        )
        and "entities" not in one
    )


def _is_hugging_face(one: Any) -> bool:
    if isinstance(one.get("rows"), list) and "features" in one:
        return True
    if any(
        key in one
        and isinstance(one[key], list)
        and all(isinstance(word, str) for word in one[key][:1])
        for key in WORDS
    ):
        return any(isinstance(one.get(key), list) for key in TAG_KEYS)
    return (
        isinstance(one.get("text"), str)
        and type(one.get("label")) is int
        and "answer" not in one
        and not _is_min(one)
    )


def _is_ground_truth(one: Any) -> bool:
    return "source" in one and any(
        key.endswith(METADATA)
        and isinstance(one[key], dict)
        and str(one[key].get("type")).startswith("groundtruth/")
        for key in one
    )


def _is_labelbox(one: Any) -> bool:
    return isinstance(one["data_row"], dict) and isinstance(one["projects"], dict)


def _is_scale(one: Any) -> bool:
    return (
        isinstance(one["params"], dict) and "type" in one and ("response" in one or "status" in one)
    )


# Formats of JSON, what they are known by, and how
SHAPES: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "label-studio": ("tasks with 'data' and 'annotations'", _is_label_studio),
    "label-studio-min": ("objects with 'annotator' or 'annotation_id'", _is_min),
    "prodigy": ("tasks with an 'answer'", _is_prodigy),
    "train-data": ("texts with 'entities'", lambda one: _is_pair(one) or _is_entities(one)),
    "hugging-face": ("'tokens' and their tags, or numbers of labels", _is_hugging_face),
    "doccano": ("'text' and 'label'", _is_doccano),
    "ground-truth": ("lines with 'source' and a '…-metadata' of Ground Truth", _is_ground_truth),
    "labelbox": ("data rows with their 'projects'", _is_labelbox),
    "scale": ("tasks with 'params' and 'response'", _is_scale),
    "superannotate": ("documents with 'metadata' and 'instances'", is_document),
    "jsonl": ("objects as Doc.to_json makes them", _is_doc),
}

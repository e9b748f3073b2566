"""Labelbox: what its projects export (version 2), and a folder of data rows and annotations as it imports them.

Both ends of an entity are characters of it, and places count UTF-16 units: in Labelbox's own tests an entity after two emoji ends two
places later than its characters do. Its folder has `data_rows.json` with the texts, `annotations.ndjson` with an annotation a line,
found by `globalKey`, and `ontology.json` with the labels.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from spacy_al.adapters.files import read_json
from spacy_al.adapters.labelbox_folder import (
    ANNOTATIONS,
    ONTOLOGY,
    ROWS,
    Row,
    entity_of,
    read_labelbox_folder,
)
from spacy_al.adapters.platform_spans import place_spans, utf16_length
from spacy_al.adapters.reading import LabelledRecord, Reading
from spacy_al.adapters.record_check import short
from spacy_al.corpus.shard import writing
from spacy_al.errors import Errors, UsageError
from spacy_al.tasks.task import Task
from spacy_al.util import content_hash

# What we ask about categories
QUESTION = "categories"
ADDRESS = re.compile(r"(?:https?|gs|s3|azure)://\S+")
# Of a data row in a project: only what is done, or waits for a review
NOT_DONE = ("TO_LABEL", "IN_REWORK")


def write_labelbox(texts: Iterable[tuple[Any, dict[str, Any]]], path: Path) -> Counter[str]:
    """Write a folder. See `formats.write_format`."""
    left_out: Counter[str] = Counter()
    pairs: dict[str, tuple[Any, dict[str, Any]]] = {}
    for doc, record in texts:
        if record["text"] in pairs:
            left_out["with a text that came before"] += 1
        elif ADDRESS.fullmatch(record["text"]):
            left_out["with an address as the text, which Labelbox would fetch"] += 1
        else:
            pairs[record["text"]] = (doc, record)
    records = [record for _, record in pairs.values()]
    single = all(len(record["accept"]) == 1 for record in records if "accept" in record)
    lines = [line for record in records for line in _lines(record, single)]
    categories = sorted(
        {c for doc, record in pairs.values() if "accept" in record for c in doc.cats}
    )
    entities = sorted({span["label"] for record in records for span in record.get("spans", ())})
    with writing(path / ROWS) as file:
        json.dump([data_row(text) for text in pairs], file, indent=1)
        file.write("\n")
    with writing(path / ANNOTATIONS) as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    with writing(path / ONTOLOGY) as file:
        json.dump(_ontology(entities, categories, single), file, indent=1)
        file.write("\n")
    return left_out


def data_row(text: str) -> dict[str, Any]:
    """A text as Labelbox takes it."""
    return {"row_data": text, "global_key": content_hash(text), "media_type": "TEXT"}


def labelbox_row(task: Task) -> dict[str, Any]:
    """A question as a data row."""
    return data_row(task["text"])


def read_labelbox(path: Path, reading: Reading) -> Iterator[LabelledRecord]:
    """Read an export, or a folder as we write it.

    YIELDS (LabelledRecord): One for each label of a data row. What was skipped, is not done, or was sent back is counted and left out.
        In a folder, which has no line for a text with nothing in it, such a text is left out as well.
    RAISES (AlError): AL040, AL046 or AL267 if a file cannot be read, AL330 (UsageError) where several projects or questions could be
        meant.
    """
    if path.is_dir():
        yield from read_labelbox_folder(path, reading)
        return
    rows = list(read_json(path, reading))
    project, question = _meant(rows, path, reading)
    known = _answers(rows, project, question)
    for where, row in rows:
        try:
            for found in _labels(row, project, reading):
                yield {"where": where, **_record(row, found, question, known, reading)}
        except ValueError as error:
            yield {"where": where, "problem": str(error)}


def _lines(record: Mapping[str, Any], single: bool) -> Iterator[dict[str, Any]]:
    """The annotations of a text."""
    text = record["text"]
    key = content_hash(text)

    def named(name: str, *parts: Any) -> dict[str, Any]:
        identity = uuid5(NAMESPACE_OID, json.dumps([key, name, *parts]))
        return {"uuid": str(identity), "name": name, "dataRow": {"globalKey": key}}

    if "accept" in record:
        answers = [{"name": label} for label in record["accept"]]
        yield {**named(QUESTION), "answer": answers[0] if single else answers}
    for span in record.get("spans", ()):
        start = utf16_length(text[: span["start"]])
        last = utf16_length(text[: span["end"]]) - 1
        location = {"start": start, "end": last}
        yield {**named(span["label"], start, last), "location": location}


def _ontology(entities: Sequence[str], categories: Sequence[str], single: bool) -> dict[str, Any]:
    tools = [{"tool": "named-entity", "name": label} for label in entities]
    question = {
        "type": "radio" if single else "checklist",
        "name": QUESTION,
        "instructions": QUESTION,
        "options": [{"label": label, "value": label} for label in categories],
    }
    return {"tools": tools, "classifications": [question] if categories else []}


def _meant(rows: Sequence[Row], path: Path, reading: Reading) -> tuple[str, str]:
    """The project and, of categories, the question that are meant. RAISES (UsageError): AL330."""
    projects: dict[str, str] = {}
    questions: dict[str, None] = {}
    for _, row in rows:
        for identity, project in _projects(row).items():
            labels = project.get("labels")
            if isinstance(labels, list) and labels:
                projects[identity] = str(project.get("name"))
                for label in labels:
                    questions |= dict.fromkeys(_questions(label))
    if reading.kind == "categories":
        choices = {name: name for name in questions}
        what = "questions (radio or checklist)"
    else:
        choices, what = projects, "projects"
    named = [one for one, name in choices.items() if reading.column in (one, name)]
    found = [*choices] if reading.column is None else named
    if len(found) > 1 or (reading.column is not None and not found):
        names = ", ".join(choices.values()) or "none"
        raise UsageError(Errors.AL330.format(path=path, what=what, found=names))
    one = found[0] if found else ""
    return ("", one) if reading.kind == "categories" else (one, "")


def _projects(row: Any) -> dict[str, dict[str, Any]]:
    projects = row.get("projects") if isinstance(row, dict) else None
    inner = projects.items() if isinstance(projects, dict) else ()
    return {name: one for name, one in inner if isinstance(one, dict)}


def _questions(label: Any) -> Iterator[str]:
    annotations = label.get("annotations") if isinstance(label, dict) else None
    given = annotations.get("classifications") if isinstance(annotations, dict) else None
    for one in given if isinstance(given, list) else ():
        if isinstance(one, dict) and ("radio_answer" in one or "checklist_answers" in one):
            yield str(one.get("name"))


def _answers(rows: Sequence[Row], project: str, question: str) -> list[str]:
    """What was answered to a question anywhere: whoever answered could have given any of these."""
    found = set[str]()
    for _, row in rows:
        for one in _projects(row).values():
            for label in one["labels"] if isinstance(one.get("labels"), list) else ():
                try:
                    found.update(_chosen(label["annotations"], question) or ())
                except (ValueError, LookupError, TypeError):
                    continue
    return sorted(found)


def _labels(row: Any, project: str, reading: Reading) -> Iterator[Mapping[str, Any]]:
    """The labels of a data row that somebody submitted."""
    if isinstance(row, ValueError):
        raise row
    if not isinstance(row, dict) or not isinstance(row.get("data_row"), dict):
        raise ValueError("it is no data row of an export: it has no 'data_row'")
    if not isinstance(row.get("projects"), dict):
        raise ValueError(f"it has no 'projects', only: {', '.join(map(str, row))}")
    for identity, one in _projects(row).items():
        if not isinstance(one.get("labels"), list):
            raise ValueError(f"the project {identity} has no list of labels in it")
        if project and identity != project:
            reading.skip(["labels of other projects"] * len(one["labels"]))
            continue
        details = one.get("project_details")
        status = details.get("workflow_status") if isinstance(details, dict) else None
        if status in NOT_DONE:
            reading.skip([f"data rows {status}"])
            continue
        if not one["labels"]:
            reading.skip(["data rows without a label"])
        for label in one["labels"]:
            if not isinstance(label, dict):
                raise ValueError(f"a label is {short(label)}")
            performance = label.get("performance_details")
            skipped = performance.get("skipped") if isinstance(performance, dict) else False
            if skipped not in (True, False):
                raise ValueError(f"whether a label was skipped is {short(skipped)}")
            if skipped:
                reading.skip(["skipped"])
            else:
                yield label


def _record(
    row: Mapping[str, Any],
    label: Mapping[str, Any],
    question: str,
    known: Sequence[str],
    reading: Reading,
) -> LabelledRecord:
    text = row["data_row"].get("row_data")
    if not isinstance(text, str) or not text:
        raise ValueError(f"its 'row_data' is {short(text)}")
    if ADDRESS.fullmatch(text):
        raise ValueError(f"its text is elsewhere, at {short(text)}")
    annotations = label.get("annotations")
    if not isinstance(annotations, dict):
        raise ValueError(f"a label has no 'annotations', but {short(annotations)}")
    details = label.get("label_details")
    record: LabelledRecord = {"text": text}
    if isinstance(details, dict) and isinstance(details.get("created_by"), str):
        record["annotator"] = details["created_by"]
    if reading.kind == "categories":
        chosen = _chosen(annotations, question)
        if chosen is None:
            raise ValueError(f"a label does not answer the question {question!r}")
        return {**record, "cats": {name: float(name in chosen) for name in known}}
    if not isinstance(annotations.get("objects"), list):
        raise ValueError("a label has no list of 'objects'")
    spans = []
    for one in annotations["objects"]:
        # a text can have no others
        if not isinstance(one, dict) or one.get("annotation_kind") != "TextEntity":
            raise ValueError(f"an object is {short(one)}, and no TextEntity")
        spans.append(entity_of(one))
    for key in ("classifications", "relationships"):
        if isinstance(annotations.get(key), list):
            reading.skip([key] * len(annotations[key]))
    return {**record, "spans": place_spans(spans, text, "utf-16")}


def _chosen(annotations: Mapping[str, Any], question: str) -> list[str] | None:
    """What a label answers to a question; None if it does not."""
    given = annotations.get("classifications")
    if not isinstance(given, list):
        raise ValueError("a label has no list of 'classifications'")
    own = [one for one in given if isinstance(one, dict) and one.get("name") == question]
    if not own:
        return None
    if len(own) > 1:
        raise ValueError(f"a label answers {question!r} twice")
    answers = own[0].get("checklist_answers", own[0].get("radio_answer"))
    found = [answers] if isinstance(answers, dict) else answers
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ValueError(f"the answer to {question!r} is {short(answers)}")
    names = [one.get("name") for one in found]
    if not all(isinstance(name, str) for name in names):
        raise ValueError(f"an answer to {question!r} has no name")
    return [str(name) for name in names]

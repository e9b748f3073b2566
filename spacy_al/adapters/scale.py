"""Scale AI: tasks of `namedentityrecognition`, and of `textcollection` or `categorization` about a text, as its API gives them.

A finished task has what was asked under `params` and what was answered under `response`. Spans carry their text, ends are exclusive, and
what places count is not documented: the text tells.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy_al.adapters.files import read_json
from spacy_al.adapters.platform_spans import PlatformSpan, place_spans
from spacy_al.adapters.reading import LabelledRecord, Reading
from spacy_al.adapters.record_check import short
from spacy_al.corpus.shard import writing
from spacy_al.errors import Errors, UsageError
from spacy_al.tasks.task import Task
from spacy_al.util import content_hash

ENTITIES, COLLECTION, CATEGORIES = "namedentityrecognition", "textcollection", "categorization"
# What we ask about categories
FIELD, QUESTION = "categories", "Which of these apply to the text?"


def write_scale(texts: Iterable[tuple[Any, dict[str, Any]]], path: Path) -> Counter[str]:
    """Write finished tasks, one a line. See `formats.write_format`."""
    pairs = list(texts)
    labels = sorted(
        {label for doc, record in pairs if "accept" in record for label in doc.cats}
        | {span["label"] for _, record in pairs for span in record.get("spans", ())}
    )
    single = all(len(record["accept"]) == 1 for _, record in pairs if "accept" in record)
    with writing(path) as file:
        for _, record in pairs:
            categories = "accept" in record
            body = _body(record["text"], labels, categories, single)
            answer = _answer(record, content_hash(record["text"]))
            task = {
                "task_id": content_hash(record["text"]),
                "type": COLLECTION if categories else ENTITIES,
                "status": "completed",
                "params": body,
                "response": {"annotations": answer},
            }
            file.write(json.dumps(task) + "\n")
    return Counter()


def scale_body(task: Task) -> dict[str, Any]:
    """A question as the body of the request that creates a task; `type` names its endpoint."""
    categories = "options" in task
    meta = task.get("meta", {})
    single = task.get("config", {}).get("choice_style") != "multiple"
    return {
        "type": COLLECTION if categories else ENTITIES,
        "unique_id": content_hash(task["text"]),
        "metadata": {f"al_{key}": meta[key] for key in ("rank", "score", "round") if key in meta},
        **_body(task["text"], task["labels"], categories, single),
    }


def read_scale(path: Path, reading: Reading) -> Iterator[LabelledRecord]:
    """Read what was answered.

    YIELDS (LabelledRecord): In order; tasks that are not completed, or are of another type, are counted and left out.
    RAISES (AlError): AL040, AL046 or AL267 if the file cannot be read, AL330 (UsageError) where several fields could be meant.
    """
    tasks = list(read_json(path, reading))
    field = _field(tasks, path, reading) if reading.kind == "categories" else ""
    for where, task in tasks:
        try:
            if isinstance(task, ValueError):
                raise task
            if not isinstance(task, dict) or not isinstance(task.get("params"), dict):
                raise ValueError("it is no task of Scale: it has no 'params'")
            found = _record(task, field, reading)
        except ValueError as error:
            yield {"where": where, "problem": str(error)}
            continue
        if found is not None:
            yield {"where": where, **found}


def _body(text: str, labels: Sequence[str], categories: bool, single: bool) -> dict[str, Any]:
    if not categories:
        return {"text": text, "labels": [{"name": label} for label in labels]}
    choices = [{"label": label, "value": label} for label in labels]
    field: dict[str, Any] = {"type": "category", "field_id": FIELD, "title": QUESTION}
    field |= {
        "choices": choices,
        "min_choices": int(single),
        "max_choices": 1 if single else len(choices),
    }
    return {"attachments": [{"type": "text", "content": text}], "fields": [field]}


def _answer(record: Mapping[str, Any], name: str) -> Any:
    if "accept" in record:
        return {FIELD: {"type": "category", "field_id": FIELD, "response": [[*record["accept"]]]}}
    return [
        {
            "id": f"{name}-{number}",
            "start": span["start"],
            "end": span["end"],
            "text": record["text"][span["start"] : span["end"]],
            "label": span["label"],
        }
        for number, span in enumerate(record["spans"])
    ]


def _field(tasks: Sequence[tuple[str, Any]], path: Path, reading: Reading) -> str:
    """The field of categories that is meant; "" if there is none. RAISES (UsageError): AL330."""
    found: dict[str, None] = {}
    for _, task in tasks:
        params = task.get("params") if isinstance(task, dict) else None
        fields = params.get("fields") if isinstance(params, dict) else None
        for one in fields if isinstance(fields, list) else ():
            if isinstance(one, dict) and one.get("type") == "category":
                found[str(one.get("field_id"))] = None
    if reading.column is None and len(found) < 2:
        return next(iter(found), "")
    if reading.column in found:
        return str(reading.column)
    names = ", ".join(found) or "none"
    raise UsageError(Errors.AL330.format(path=path, what="fields (category)", found=names))


def _record(task: Mapping[str, Any], field: str, reading: Reading) -> LabelledRecord | None:
    params, type_ = task["params"], task.get("type")
    wanted = (COLLECTION, CATEGORIES) if reading.kind == "categories" else (ENTITIES,)
    if type_ not in (ENTITIES, COLLECTION, CATEGORIES):
        raise ValueError(f"its type is {short(type_)}, and none that is read")
    if type_ not in wanted:
        reading.skip([f"tasks of the type {type_}"])
        return None
    if task.get("status") != "completed":
        if task.get("status") in ("pending", "canceled", "error"):
            reading.skip([f"tasks that are {task['status']}"])
            return None
        raise ValueError(f"its status is {short(task.get('status'))}")
    response = task.get("response")
    if not isinstance(response, dict):
        raise ValueError(f"it is completed and has no 'response', but {short(response)}")
    if type_ == CATEGORIES:
        return _categorised(params, response)
    annotations = response.get("annotations")
    reading.skip(key for key, value in response.items() if key != "annotations" and value)
    if type_ == COLLECTION:
        return _collected(params, annotations, field, reading)
    text = params.get("text")
    if not isinstance(text, str):
        raise ValueError("its 'params' have no 'text'")
    if not isinstance(annotations, list):
        raise ValueError(f"its response has no list of annotations, but {short(annotations)}")
    spans = []
    for one in annotations:
        if not isinstance(one, dict) or not {"start", "end", "label", "text"} <= one.keys():
            raise ValueError(f"an annotation is {short(one)}, without start, end, text and label")
        if one["text"] is None:
            raise ValueError("an annotation has no text")
        spans.append(PlatformSpan(one["start"], one["end"], one["label"], one["text"]))
    return {"text": text, "spans": place_spans(spans, text, "unknown")}


def _collected(
    params: Mapping[str, Any], annotations: Any, field: str, reading: Reading
) -> LabelledRecord:
    attachments, fields = params.get("attachments"), params.get("fields")
    if not isinstance(attachments, list) or not isinstance(fields, list):
        raise ValueError("its 'params' have no lists of 'attachments' and 'fields'")
    texts = [
        one.get("content")
        for one in attachments
        if isinstance(one, dict) and one.get("type") == "text"
    ]
    if len(texts) != 1 or len(attachments) != 1 or not isinstance(texts[0], str):
        raise ValueError(f"it is not about one text: its attachments are {short(attachments)}")
    own = [one for one in fields if isinstance(one, dict) and one.get("field_id") == field]
    if len(own) != 1 or own[0].get("type") != "category":
        raise ValueError(f"it does not ask about the category {field!r}")
    if not isinstance(annotations, dict) or not isinstance(annotations.get(field), dict):
        raise ValueError(f"its response has no annotation {field!r}")
    reading.skip(f"field {name}" for name in annotations if name != field)
    choices = own[0].get("choices")
    if not isinstance(choices, list) or not all(isinstance(one, dict) for one in choices):
        raise ValueError(f"the choices of {field!r} are {short(choices)}")
    known = [one.get("value") for one in choices]
    return {"text": texts[0], "cats": _cats(known, _chosen(annotations[field].get("response")))}


def _categorised(params: Mapping[str, Any], response: Mapping[str, Any]) -> LabelledRecord:
    """Of an older type, whose answer is a name or a list of them."""
    if params.get("attachment_type") != "text" or not isinstance(params.get("attachment"), str):
        raise ValueError(f"it is not about a text, but {short(params.get('attachment_type'))}")
    if not isinstance(params.get("categories"), list):
        raise ValueError(f"its categories are {short(params.get('categories'))}")
    given = response.get("category")
    chosen = [given] if isinstance(given, str) else given
    if not isinstance(chosen, list):
        raise ValueError(f"its response has the category {short(given)}")
    return {"text": params["attachment"], "cats": _cats(params["categories"], chosen)}


def _chosen(response: Any) -> list[Any]:
    """The values that one person chose: they stand in a list in a list."""
    if not isinstance(response, list):
        raise ValueError(f"its response is {short(response)}, and no list")
    if len(response) == 1 and isinstance(response[0], list):
        return response[0]
    if any(isinstance(one, list) for one in response):
        raise ValueError("it was answered several times")
    return response


def _cats(known: Sequence[Any], chosen: Sequence[Any]) -> dict[str, float]:
    if not known or not all(isinstance(one, str) for one in known):
        raise ValueError(f"its choices are {short(known)}")
    if other := [one for one in chosen if one not in known]:
        raise ValueError(f"{short(other[0])} was chosen, which is none of its choices")
    return {label: float(label in chosen) for label in known}

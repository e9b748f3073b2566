"""What Label Studio exports as JSON, and as JSON_MIN: annotations of any project, as gold.

Only what somebody submitted is gold: drafts, what was skipped, and predictions are counted. The two kinds of export have the labels of a
control; which control, says `column` where a project has several.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy_al.adapters.files import read_json
from spacy_al.adapters.label_studio.regions import place_regions
from spacy_al.adapters.reading import LabelledRecord, Mark, Reading
from spacy_al.adapters.record_check import short
from spacy_al.errors import Errors, UsageError

# What JSON_MIN adds to a task by itself
OWN = (
    "id",
    "annotator",
    "annotation_id",
    "created_at",
    "updated_at",
    "lead_time",
    "agreement",
    "history",
)
# What a project has for a text that it loads from somewhere
ADDRESS = re.compile(r"(?:https?|s3|gs|azure-blob|file)://\S+|/data/\S+")
Task = tuple[str, Any]


def read_label_studio(path: Path, reading: Reading) -> Iterator[LabelledRecord]:
    """Read the annotations of a control, each as a text; where one of a task is the ground truth, that alone.

    YIELDS (LabelledRecord): In the order of the file.
    RAISES (AlError): AL330 (UsageError) where several controls could be meant.
    """
    tasks = list(read_json(path, reading))
    type_ = "choices" if reading.kind == "categories" else "labels"
    control = _control(_controls(tasks), type_, path, reading)
    known = _choices(tasks, control)
    for where, task in tasks:
        try:
            if isinstance(task, ValueError):
                raise task
            if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
                raise ValueError("it is no task of Label Studio: it has no 'data'")
            for result in _submitted(task, control, type_, reading):
                yield {"where": where, **_record(task["data"], result, known, reading)}
        except ValueError as error:
            yield {"where": where, "problem": str(error)}


def read_label_studio_min(path: Path, reading: Reading) -> Iterator[LabelledRecord]:
    """Read JSON_MIN, where an annotation is an object with the controls as its keys.

    It leaves a control out where nothing was marked with it, or the text was skipped: such a text is refused, as nobody can tell which.

    YIELDS (LabelledRecord): In the order of the file.
    RAISES (AlError): AL330 (UsageError) where several controls could be meant.
    """
    tasks = list(read_json(path, reading))
    wanted = _is_choice if reading.kind == "categories" else _is_regions
    there: dict[str, None] = {}
    for _, task in tasks:
        if isinstance(task, dict):
            for key in _between(task):
                if wanted(task[key]) and key not in (*OWN, "text"):
                    there[key] = None
    type_ = "choices" if reading.kind == "categories" else "labels"
    control = _control(dict.fromkeys(there, type_), type_, path, reading)
    known = sorted(
        {
            c
            for _, task in tasks
            if isinstance(task, dict) and _is_choice(task.get(control))
            for c in _chosen(task[control])
        }
    )
    for where, task in tasks:
        try:
            if isinstance(task, ValueError):
                raise task
            if not isinstance(task, dict):
                raise ValueError(f"it is {short(task)}, and no object")
            if not control:
                raise ValueError(
                    f"nothing in the file is marked with a control of the type {type_}"
                )
            if control not in task:
                raise ValueError(
                    f"it has no {control!r}, which JSON_MIN leaves out of texts that were skipped as well: export JSON"
                )
            value = task[control]
            if not wanted(value):
                raise ValueError(f"its {control!r} is {short(value)}")
            data = {key: task[key] for key in task if key not in (*OWN, control)}
            result = (
                [{"value": {"choices": _chosen(value)}}]
                if reading.kind == "categories"
                else [{"value": one} for one in value]
            )
            reading.skip(
                key
                for key in _between(task)
                if key not in (*OWN, control, "text") and not isinstance(task[key], str)
            )
            yield {"where": where, **_record(data, result, known, reading)}
        except ValueError as error:
            yield {"where": where, "problem": str(error)}


def _controls(tasks: Sequence[Task]) -> dict[str, str]:
    """The types of the controls with which something was marked."""
    found: dict[str, str] = {}
    for _, task in tasks:
        for annotation in _annotations(task):
            result = annotation.get("result")
            for one in result if isinstance(result, list) else ():
                if isinstance(one, dict) and isinstance(one.get("from_name"), str):
                    type_ = "choices of regions" if _of_region(one) else str(one.get("type"))
                    found.setdefault(one["from_name"], type_)
    return found


def _control(there: Mapping[str, str], type_: str, path: Path, reading: Reading) -> str:
    """The control that is meant; "" if there is none.

    RAISES (UsageError): AL330.
    """
    found = [name for name in there if there[name] == type_]
    if reading.column is not None:
        found = [reading.column] if reading.column in found else []
    if len(found) > 1 or (reading.column is not None and not found):
        names = ", ".join(name for name in there if there[name] == type_) or "none"
        raise UsageError(Errors.AL330.format(path=path, what=f"controls ({type_})", found=names))
    return found[0] if found else ""


def _choices(tasks: Sequence[Task], control: str) -> list[str]:
    """What was chosen with a control anywhere, in order: whoever chose one could have chosen any."""
    found = set[str]()
    for _, task in tasks:
        for annotation in _annotations(task):
            result = annotation.get("result")
            for one in result if isinstance(result, list) else ():
                if (
                    isinstance(one, dict)
                    and one.get("from_name") == control
                    and isinstance(one.get("value"), dict)
                ):
                    chosen = one["value"].get("choices")
                    found.update(c.strip() for c in chosen if isinstance(c, str)) if isinstance(
                        chosen, list
                    ) else None
    return sorted(found)


def _annotations(task: Any) -> list[dict[str, Any]]:
    # versions before 1.0 called them completions
    given = task.get("annotations", task.get("completions")) if isinstance(task, dict) else None
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def _submitted(
    task: Mapping[str, Any], control: str, type_: str, reading: Reading
) -> Iterator[list[dict[str, Any]]]:
    """What the annotations of a task say with a control."""
    for key in ("drafts", "predictions", "comments"):
        if isinstance(task.get(key), list) and task[key]:
            reading.skip([key] * len(task[key]))
    if "annotations" not in task and "completions" not in task:
        raise ValueError(f"it has no 'annotations', only: {', '.join(map(str, task))}")
    given = _annotations(task)
    if not given:
        reading.skip(["tasks without an annotation"])
    kept = [one for one in given if not one.get("was_cancelled") and not one.get("skipped")]
    reading.skip(["skipped"] * (len(given) - len(kept)))
    if truth := [one for one in kept if one.get("ground_truth") is True]:
        reading.skip(["annotations beside a ground truth"] * (len(kept) - len(truth)))
        kept = truth
    for annotation in kept:
        result = annotation.get("result")
        if not isinstance(result, list) or not all(isinstance(one, dict) for one in result):
            raise ValueError(f"an annotation has no 'result', but {short(result)}")
        if not control:
            raise ValueError(f"nothing in the file is marked with a control of the type {type_}")
        own = []
        for one in result:
            if one.get("type") == "relation":
                reading.skip(["relation"])
            elif not isinstance(one.get("from_name"), str):
                raise ValueError("a result of it does not say of which control it is")
            elif one["from_name"] != control:
                reading.skip([f"{one.get('type')} {one['from_name']}"])
            elif one.get("type") != type_ or not isinstance(one.get("value"), dict):
                raise ValueError(
                    f"a result of {control!r} has the type {short(one.get('type'))}, or no value"
                )
            elif _of_region(one):
                raise ValueError(f"a choice of {control!r} is about a region, and not the text")
            else:
                own.append(one)
        texts = dict.fromkeys(str(one.get("to_name")) for one in own)
        if len(texts) > 1:
            raise ValueError(f"it is marked in several texts: {', '.join(texts)}")
        yield own


def _of_region(result: Mapping[str, Any]) -> bool:
    """Whether a choice is about a region, as with `perRegion`."""
    value = result.get("value")
    return isinstance(value, dict) and "choices" in value and "start" in value


def _record(
    data: Mapping[str, Any],
    result: Sequence[Mapping[str, Any]],
    known: Sequence[str],
    reading: Reading,
) -> LabelledRecord:
    values = [one["value"] for one in result]
    text = _text(data, values, reading)
    if reading.kind == "categories":
        chosen = [c for value in values for c in _chosen(value)]
        if not chosen:
            raise ValueError("nothing was chosen")
        return {"text": text, "cats": {label: float(label in chosen) for label in known}}
    marks: list[Mark] = []
    for value, place in zip(values, place_regions(values, text)):
        labels = value.get("labels")
        if not isinstance(labels, list) or not labels:
            raise ValueError(f"the region {short(value.get('text'))} has no label")
        for label in labels:
            mark: Mark = {"start": place[0], "end": place[1], "label": label}
            if place[2]:
                mark["problem"] = (
                    "it is not where its own text is, or has no text by which to see that"
                )
            marks.append(mark)
    return {"text": text, "spans": marks}


def _text(data: Mapping[str, Any], values: Sequence[Mapping[str, Any]], reading: Reading) -> str:
    """The text of a task: under the key that was named or "text", else the only one in which all regions stand."""
    if isinstance(text := data.get(reading.text_key), str):
        if ADDRESS.fullmatch(text.strip()):
            raise ValueError(f"its text is elsewhere, at {short(text)}")
        return text
    found = {key: each for key, each in data.items() if isinstance(each, str)}
    if len(found) > 1:
        fit = [
            key
            for key, each in found.items()
            if values and not any(bad for *_, bad in place_regions(values, each))
        ]
        found = {key: found[key] for key in fit}
    if len(found) != 1:
        raise ValueError(
            f"which of its data is the text? It has: {', '.join(map(str, data)) or 'nothing'}. Name it with --text-key"
        )
    return next(iter(found.values()))


def _between(task: Mapping[str, Any]) -> list[str]:
    """The keys that can be controls: they come after those of the data and the id, and before what is said of the annotation."""
    keys = list(task)
    start = keys.index("id") + 1 if "id" in keys else 0
    ends = [keys.index(key) for key in ("annotator", "annotation_id") if key in keys]
    found = keys[start : min(ends)] if ends and min(ends) > start else []
    return found or keys


def _is_regions(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, dict) and "start" in one for one in value)
    )


def _is_choice(value: Any) -> bool:
    return (isinstance(value, str) and bool(value.strip())) or (
        isinstance(value, dict) and isinstance(value.get("choices"), list)
    )


def _chosen(value: Any) -> list[str]:
    chosen = value.get("choices") if isinstance(value, dict) else [value]
    if not isinstance(chosen, list) or not all(isinstance(each, str) for each in chosen):
        raise ValueError(f"its choices are {short(chosen)}")
    return [each.strip() for each in chosen]

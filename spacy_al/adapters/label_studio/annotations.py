"""Annotations of Label Studio as answers."""

import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NoReturn

from spacy_al.adapters.label_studio.regions import place_regions
from spacy_al.adapters.label_studio.tasks import FORM, OBJECT
from spacy_al.adapters.reading import Reading
from spacy_al.errors import AlError, Errors
from spacy_al.store.export import ANNOTATOR, SECONDS, TASK
from spacy_al.tasks.answer import task_kind
from spacy_al.tasks.records import StoredTask

# A clock may be wrong by so much
DAY = 86400.0
# A lead time beyond is none
MOST_SECONDS = 1e9


def to_answer(
    stored: StoredTask,
    data: Mapping[str, Any],
    annotation: Mapping[str, Any],
    annotator: str,
    reading: Reading | None = None,
) -> dict[str, Any]:
    """An annotation as an answered task.

    stored (StoredTask): What was asked.
    data (Mapping): Of the task in Label Studio.
    annotation (Mapping): As its API gives it.
    annotator (str): Whose it is.
    reading (Reading | None): Gets the counts of what other controls say.
    RETURNS (dict): As Prodigy has it; what was skipped is ignored.
    RAISES (AlError): AL115 for regions that are not where their text is, or have no label, and for what does not say whether anything was
        marked with our control.
    """
    task = stored.task
    if data.get("text") != task["text"]:
        _refuse("its text is not the one that was asked about", "Do not edit texts")
    answered: dict[str, Any] = {
        "text": task["text"],
        "meta": {"round": stored.round},
        TASK: stored.id,
        "_view_id": task["_view_id"],
        "answer": "ignore" if _cancelled(annotation) else "accept",
        ANNOTATOR: annotator,
        SECONDS: _seconds(annotation.get("lead_time")),
        "_timestamp": moment(annotation["updated_at"]),
    }
    if answered["answer"] == "ignore":
        return answered
    if task_kind(task) == "categories":
        own = _own_results(annotation, "choices", reading)
        return {**answered, "accept": [c for one in own for c in _names(one["value"], "choices")]}
    return {**answered, "spans": _spans(_own_results(annotation, "labels", reading), task["text"])}


def _own_results(
    annotation: Mapping[str, Any], type_: str, reading: Reading | None
) -> list[Mapping[str, Any]]:
    """What an annotation says with our control. Other controls, which somebody has added to the form, are theirs, and are counted."""
    result = annotation.get("result")
    if not isinstance(result, (list, tuple)) or not all(_is_result(one) for one in result):
        _refuse("it has no list of results, or one that is not Label Studio's", "Submit it again")
    own, others = [], []
    for one in result:
        name, kind, value = one.get("from_name"), one.get("type"), one.get("value", {})
        if not isinstance(name, str) and kind != "relation":
            _refuse("a result of it does not say of which control it is", "Give it a 'from_name'")
        if name != FORM:
            others.append(one)
            continue
        if kind not in (None, type_) or not isinstance(value.get(type_), list):
            _refuse(
                f"its control {FORM!r} gives {kind!r}, and no {type_}", "Make the form as it was"
            )
        if one.get("to_name", OBJECT) != OBJECT:
            _refuse(f"it marks {one['to_name']!r}, and not {OBJECT!r}", "Make the form as it was")
        if type_ == "choices" and "start" in value:
            _refuse("its choice is about a region, and not the text", "Make the form as it was")
        own.append(one)
    # a control of another name may be ours
    if not own and (alike := [one for one in others if one.get("type") == type_]):
        why = f"nothing is marked with the control {FORM!r}, but with {alike[0]['from_name']!r}"
        _refuse(why, f"Call the control of these labels {FORM!r} again")
    if reading:
        reading.skip(
            " ".join(str(one[key]) for key in ("type", "from_name") if key in one) for one in others
        )
    return own


def moment(text: Any) -> float:
    """A time of Label Studio's, in seconds since 1970.

    RAISES (AlError): AL115 for what is no time, or is one that is still to come: it would come after all others for ever.
    """
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except (AttributeError, TypeError, ValueError, ArithmeticError):
        _refuse(f"its time, {text!r:.40}, is none", "Save it again there")
    if found > time.time() + DAY:
        _refuse(f"its time, {text}, is still to come", "Set the clocks of both machines")
    return found


def _cancelled(annotation: Mapping[str, Any]) -> bool:
    """Whether the text was skipped."""
    found = annotation.get("was_cancelled")
    if found is not None and not isinstance(found, bool):
        _refuse(f"whether it was skipped is {found!r:.40}", "Save it again there")
    return bool(found)


def _is_result(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("value", {}), dict)


def _names(value: Mapping[str, Any], key: str) -> list[str]:
    found = value.get(key, [])
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        _refuse(f"its {key} are {found!r:.40}", "Save it again there")
    return found


def _spans(regions: Iterable[Mapping[str, Any]], text: str) -> list[dict[str, Any]]:
    values = [region["value"] for region in regions]
    found = place_regions(values, text)
    if any(bad for *_, bad in found):
        _refuse(
            "a region is not where its own text is, or has no text by which to see that",
            "Give each region its 'start', 'end' and 'text', or mark it anew",
        )
    for value in values:
        if not _names(value, "labels"):
            _refuse(f"the region {value.get('text')!r} has no label", "Give it one, or delete it")
    return [
        {"start": start, "end": end, "label": label}
        for value, (start, end, _) in zip(values, found)
        for label in value["labels"]
    ]


def _seconds(value: Any) -> float | None:
    """Time that somebody has written by the API can be anything, and no reason to lose an answer."""
    usable = type(value) in (int, float) and 0 <= value < MOST_SECONDS
    return float(value) if usable else None


def _refuse(why: str, what: str) -> NoReturn:
    raise AlError(Errors.AL115.format(why=why, what=what))

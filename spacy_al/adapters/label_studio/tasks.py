"""Questions as Label Studio takes them, and its annotations as answers.

Label Studio counts code points, as Python does, and the two characters of a Windows line end as two; of emoji, accents made of two
characters and right-to-left text, marked with a mouse in its page (1.23), every region was where its text is. Versions before
2021, and tools that write by its API, may count UTF-16 units as JavaScript does. So a region's place is believed only where its
own text stands there.
"""

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn
from xml.sax.saxutils import quoteattr

from spacy_al.adapters.reading import Reading
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.store.export import ANNOTATOR, SECONDS, TASK
from spacy_al.tasks.answer import YES_NO_FORMS, task_kind
from spacy_al.tasks.records import StoredTask
from spacy_al.tasks.task import Task, chosen_options
from spacy_al.util import content_hash

# Label Studio ties a suggestion to its form by these names: <Text name="text" value="$text"/> and
# <Labels name="label" toName="text"> or <Choices name="label" toName="text">
FORM, OBJECT = "label", "text"
# In the data of a task, beside its text: the id of the question, and what it is about where that is not all of the text
ASKED = "al_asked"
# XML has no characters for these, and a value that begins with $ is looked for in the task
UNUSABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]|^\\$|^\\s*$")
# A list of tasks with such a text cannot be read any more: halves of characters, and NUL
UNSENDABLE = re.compile("[\x00\ud800-\udfff]")
# A clock may be wrong by so much
DAY = 86400.0
# A lead time beyond is none
MOST_SECONDS = 1e9


def label_config(
    kind: str, labels: Sequence[str], *, exclusive: bool = True, partial: bool = False
) -> str:
    """The labelling interface for a component.

    kind (str): "entities", "spans", "tags" or "categories".
    labels (Sequence[str]): In their order.
    exclusive (bool): For categories: whether exactly one applies.
    partial (bool): Whether questions can be about a part of a text, which is then named above it.
    RETURNS (str): XML.
    RAISES (UsageError): AL296 for a label that Label Studio cannot hold.
    """
    for label in labels:
        if UNUSABLE.search(label):
            raise UsageError(Errors.AL296.format(label=label))
    if kind == "categories":
        choice = "single" if exclusive else "multiple"
        # nothing chosen is no answer where one applies; whoever cannot tell skips the task
        open_ = f'Choices name="{FORM}" toName="{OBJECT}" choice="{choice}" required="{str(exclusive).lower()}" showInline="true"'
        item, close = "Choice", "Choices"
    else:
        open_, item, close = f'Labels name="{FORM}" toName="{OBJECT}"', "Label", "Labels"
    # a text that is an address is not fetched
    text = f'<Text name="{OBJECT}" value="$text" valueType="text"/>'
    header = f'<Header value="${ASKED}" size="5"/>' if partial else ""
    values = "".join(f"<{item} value={quoteattr(label)}/>" for label in labels)
    return f"<View>{header}<{open_}>{values}</{close}>{text}</View>"


def to_label_studio(task: Task) -> dict[str, Any]:
    """The task as Label Studio imports it, suggestions as a prediction.

    What Label Studio orders by, the prediction's `score`, is 1 / (1 + acquisition score): it takes it for the model's confidence, and
    its "Uncertainty sampling" asks the lowest first. `data.al_rank` is the order in which to ask, `data.al_score` the acquisition
    score.

    task (Task): A task.
    RETURNS (dict): `data`, `predictions` and `meta`.
    """
    meta = task.get("meta", {})
    results: list[dict[str, Any]] = [
        {
            "value": {
                "start": span["start"],
                "end": span["end"],
                "text": task["text"][span["start"] : span["end"]],
                "labels": [span["label"]],
            },
            "type": "labels",
            **_scored(span),
        }
        for span in task.get("spans", [])
    ]
    results += [
        {"value": {"choices": [option["id"]]}, "type": "choices", **_scored(option)}
        for option in chosen_options(task)
    ]
    for number, result in enumerate(results):
        result |= {
            "id": f"al{task['_task_hash'] & 0xFFFFFFFF:08x}-{number}",
            "from_name": FORM,
            "to_name": OBJECT,
        }
    prediction: dict[str, Any] = {
        "model_version": str(meta.get("model") or "spacy-al"),
        "result": results,
    }
    if meta.get("score") is not None:
        prediction["score"] = 1 / (1 + meta["score"])
    data = {"text": task["text"], "al_id": content_hash(task["text"])}
    data |= {f"al_{key}": meta[key] for key in ("rank", "score") if key in meta}
    hashes = {key: task[key] for key in ("_input_hash", "_task_hash")}
    return {"data": data, "predictions": [prediction], "meta": {**meta, **hashes}}


def label_studio_task(stored: StoredTask) -> dict[str, Any]:
    """A task of a run as Label Studio imports it, with what its annotations are found by.

    RAISES (UsageError): AL295 for a yes or no, which has no form there.
    """
    if stored.task["_view_id"] in YES_NO_FORMS:
        raise UsageError(Errors.AL295.format(task=stored.id))
    made = to_label_studio(stored.task)
    part = stored.task.get("asked")
    about = f"Only about: {stored.task['meta'].get('asked', '')}" if part is not None else ""
    made["data"] |= {TASK: stored.id, ASKED: about}
    [prediction] = made["predictions"]
    prediction["model_version"] = version(stored.round)
    if stored.task["meta"].get("model") is None and not prediction["result"]:
        # nobody has said that there is nothing
        made["predictions"] = []
    return made


def version(round: int) -> str:
    """The name of a round's model in Label Studio: its suggestions are told apart by that."""
    return f"round-{round:03}"


def sendable(text: str) -> bool:
    """Whether Label Studio can hold a text, and show it."""
    return not UNSENDABLE.search(text)


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


def place_regions(values: Sequence[Mapping[str, Any]], text: str) -> list[tuple[int, int, bool]]:
    """Where regions are: by code points if that is right for all of them, or else for as many as by UTF-16 units.

    values (Sequence[Mapping]): Of the regions of one annotation.
    text (str): Of the task.
    RETURNS (list[tuple[int, int, bool]]): Start and end in code points, and whether the region is not there by its own text.
    """
    tried = []
    for places in (range(len(text) + 1), utf16_places(text)):
        found = [_placed(value, places) for value in values]
        tried.append([(*p, not _stands(value, p, text)) for value, p in zip(values, found)])
    # the first of those with the fewest that are bad
    return min(tried, key=lambda found: sum(bad for *_, bad in found))


def utf16_places(text: str) -> Mapping[int, int]:
    """From each place in a text, counted in UTF-16 units to the same one in code points."""
    found, units = {0: 0}, 0
    for place, character in enumerate(text, 1):
        units += 1 + (ord(character) > 0xFFFF)
        found[units] = place
    return found


def _placed(value: Mapping[str, Any], places: Any) -> tuple[int, int]:
    try:
        start, end = (places[int(value[key])] for key in ("start", "end"))
    except (LookupError, TypeError, ValueError, ArithmeticError):
        return (0, 0)
    return (start, end)


def _stands(value: Mapping[str, Any], place: tuple[int, int], text: str) -> bool:
    """Whether a region's own text is there. Without one both ways to count have to mean the same."""
    start, end = place
    if value.get("text") is None:
        return 0 <= start < end and all(ord(character) <= 0xFFFF for character in text[:end])
    return 0 <= start < end and _same(str(value["text"]), text[start:end])


def _same(shown: str, text: str) -> bool:
    """Whether this is how Label Studio's page writes a text: it makes a backslash and an n of each line end, and one blank, or none, of
    several; the places are right all the same. At either end nothing may be missing."""
    if shown == text:
        return True
    return text == text.strip() and text.split() in (
        shown.split(),
        shown.replace("\\n", " ").split(),
    )


def _seconds(value: Any) -> float | None:
    """Time that somebody has written by the API can be anything, and no reason to lose an answer."""
    usable = type(value) in (int, float) and 0 <= value < MOST_SECONDS
    return float(value) if usable else None


def _scored(item: dict[str, Any]) -> dict[str, float]:
    return {"score": item["score"]} if "score" in item else {}


def _refuse(why: str, what: str) -> NoReturn:
    raise AlError(Errors.AL115.format(why=why, what=what))

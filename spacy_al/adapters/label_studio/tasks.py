"""Questions as Label Studio takes them."""

import re
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from spacy_al.errors import Errors, UsageError
from spacy_al.store.export import TASK
from spacy_al.tasks.answer import YES_NO_FORMS
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


def _scored(item: dict[str, Any]) -> dict[str, float]:
    return {"score": item["score"]} if "score" in item else {}

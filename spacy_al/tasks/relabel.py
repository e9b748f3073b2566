"""Questions, answers and labelled texts of before, in the labels that a run has now. What is stored stays as it is."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from spacy.tokens import Doc, Span

from spacy_al.tasks.answer import YES_NO_FORMS
from spacy_al.tasks.labels import RunLabels
from spacy_al.tasks.task import Task

# Keys of a task: labels that the run got since it was asked, and those that are asked about once more, about a text that was answered
LATER, AGAIN = "later", "again"
# Set where a question shows labels that came after it was made: its answer then says which were shown
EXTENDED = "extended"
# Of a question that is asked once more as the answers to it were taken back: the task that asked it before
ASKED_ANEW = "asked_anew"
MARKS = ("spans", "candidates", "believed")


def task_now(task: Task, labels: RunLabels, at: int) -> Task:
    """A question in the labels of now.

    task (Task): As it was asked.
    labels (RunLabels): Of the run.
    at (int): Behind which change it was asked.
    RETURNS (Task): The same if nothing has changed since. Its `labels` are those that could be chosen, and `later` those that the
        run had not yet: nobody was asked about them.
    """
    if not labels.is_known or labels.is_same(at):
        return task
    now: Task = {**task, "labels": labels.shown(task.get("labels", ()), at)}
    for key in MARKS:
        if key in task:
            now[key] = _marks_now(task[key], labels, at)
    if "options" in task:
        now["options"] = _options_now(task["options"], labels, at)
    if "label" in task:
        now["label"] = labels.today(task["label"], at)
    if "review" in task:
        now["review"] = [payload_now(one, labels, at, lambda: now) for one in task["review"]]
    if AGAIN in task:
        now[AGAIN] = labels.shown(task[AGAIN], at)
    if later := labels.later(at):
        now[LATER] = later
    return now


def payload_now(
    payload: Mapping[str, Any], labels: RunLabels, at: int, task: Callable[[], Task]
) -> dict[str, Any]:
    """An answer in the labels of now.

    payload (Mapping): As `check` returned it.
    labels (RunLabels): Of the run.
    at (int): Behind which change it was given.
    task (Callable): Gives its question, in the labels of now.
    RETURNS (dict): The same if nothing has changed since. What had a label that is now several is not decided any more: nobody
        knows which.
    """
    if not labels.is_known or labels.is_same(at):
        return dict(payload)
    now = dict(payload)
    if "labels" in payload:
        now["labels"] = labels.shown(payload["labels"], at)
    if "accept" in payload:
        chosen = [labels.today(label, at) for label in payload["accept"]]
        now["accept"] = [*dict.fromkeys(label for label in chosen if label is not None)]
        if split := _split(payload["accept"], labels, at):
            shown: list[str] = now["labels"] if "labels" in now else task()["labels"]
            now["labels"] = [label for label in shown if label not in split]
    if "spans" in payload:
        now["spans"] = _marks_now(payload["spans"], labels, at)
        if split_spans := [s for s in payload["spans"] if labels.is_split(s["label"], at)]:
            tokens = (range(s["token_start"], s["token_end"] + 1) for s in split_spans)
            undecided = {token for part in tokens for token in part}
            everything = range(len(task().get("tokens", ())))
            asked: Iterable[int] = now.get("asked", task().get("asked", everything)) or ()
            now["asked"] = [token for token in asked if token not in undecided]
    return now


def as_named_now(payload: Any, labels: RunLabels) -> Any:
    """An answer from outside, whose page or file may be older than a change, in the names of now; what is no answer stays."""
    if not labels.is_known or not isinstance(payload, Mapping):
        return payload
    named = dict(payload)
    for key in ("labels", "accept"):
        if isinstance(named.get(key), list):
            found = [_name(one, labels) for one in named[key]]
            # what else may stand there is refused by the check of answers
            is_names = all(isinstance(one, str) for one in found)
            named[key] = [*dict.fromkeys(found)] if is_names else found
    if isinstance(named.get("spans"), list):
        named["spans"] = [
            {**span, "label": _name(span.get("label"), labels)} if isinstance(span, dict) else span
            for span in named["spans"]
        ]
    if isinstance(named.get("label"), str):
        named["label"] = _name(named["label"], labels)
    if isinstance(named.get("options"), list):
        named["options"] = _once(
            {**one, "id": _name(one.get("id"), labels)} if isinstance(one, dict) else one
            for one in named["options"]
        )
    return named


def categories_named_now(cats: Mapping[str, float], labels: RunLabels) -> dict[str, float]:
    """Categories of a file, 1 or 0 each, in the names of now.

    A merged label is 1 where one of its parts is, and 0 where all are; where some are 0 and nothing is said of others, it is open.
    """
    if not labels.is_known:
        return dict(cats)
    decided = labels.shown(cats, None)
    chosen = {_name(label, labels) for label, value in cats.items() if value}
    # what the run has no more keeps its name, by which it is refused
    gone = [label for label in cats if labels.today(label) is None]
    return {label: float(label in chosen) for label in dict.fromkeys([*decided, *chosen, *gone])}


def task_of_model(task: Task, labels: RunLabels, *, whole: bool = True) -> Task:
    """A question that was just made, in the labels of the run and in their order: the model may know others, by other names.

    task (Task): The question.
    labels (RunLabels): Of the run.
    whole (bool): Whether it is about all labels of the run, and not only about those that it shows.
    """
    if not labels.is_known:
        return task
    known = [name for name in (labels.today(label) for label in task["labels"]) if name]
    shown = labels.names if whole else [name for name in labels.names if name in known]
    now: Task = {**task, "labels": [*dict.fromkeys([*shown, *known])]}
    for key in MARKS:
        if key in task:
            now[key] = _marks_now(task[key], labels, None)
    if "options" in task:
        now["options"] = _extended(_options_now(task["options"], labels, None), now["labels"])
    return now


def open_task(task: Task, labels: RunLabels) -> Task:
    """A question that nobody has answered, with the labels that came since it was made.

    A question about a part of a text, about one label, or with answers to settle stays about that.
    """
    if not (later := later_labels(task)):
        return task
    shown = {*task["labels"], *later}
    names = [name for name in labels.names if name in shown]
    now: Task = {**task, "labels": [*dict.fromkeys([*names, *task["labels"]])], EXTENDED: True}
    if "options" in task:
        now["options"] = _extended(task["options"], now["labels"])
    del now[LATER]
    return now


def later_labels(task: Task) -> list[str]:
    """The labels that came since a question was made, and that an answer to it may have; none where it is about a part of a text."""
    whole = not {"asked", AGAIN, "review"} & {*task}
    return [*task.get(LATER, ())] if whole and task.get("_view_id") not in YES_NO_FORMS else []


def relabel_doc(doc: Doc, labels: RunLabels, kind: str, spans_key: str) -> None:
    """Give what is labelled in a text, by a file or by a model, the names that the run's labels have now; what has none is taken away.

    doc (Doc): Changed.
    """
    if not labels.is_known:
        return
    if kind == "categories":
        values: dict[str, float] = {}
        for label, value in doc.cats.items():
            if (name := labels.today(label)) is not None:
                values[name] = max(value, values.get(name, 0.0))
        doc.cats = values
    elif kind == "tags":
        for token in doc:
            if token.tag_:
                token.tag_ = labels.today(token.tag_) or ""
    elif kind == "spans" and spans_key in doc.spans:
        doc.spans[spans_key] = _spans_now(doc, doc.spans[spans_key], labels)
    elif kind == "entities" and any(labels.today(one.label_) != one.label_ for one in doc.ents):
        missing = [doc[token.i : token.i + 1] for token in doc if token.ent_iob == 0]
        doc.set_ents(_spans_now(doc, doc.ents, labels), missing=missing, default="outside")


def keep_labels(doc: Doc, names: Collection[str], kind: str, spans_key: str) -> None:
    """Take away what has any other label. Of a tag that is taken away nothing is said any more.

    doc (Doc): Changed.
    """
    if kind == "categories":
        doc.cats = {label: value for label, value in doc.cats.items() if label in names}
    elif kind == "tags":
        for token in doc:
            token.tag_ = token.tag_ if token.tag_ in names else ""
    elif kind == "spans" and spans_key in doc.spans:
        doc.spans[spans_key] = [one for one in doc.spans[spans_key] if one.label_ in names]
    elif kind == "entities" and any(one.label_ not in names for one in doc.ents):
        missing = [doc[token.i : token.i + 1] for token in doc if token.ent_iob == 0]
        kept = [one for one in doc.ents if one.label_ in names]
        doc.set_ents(kept, missing=missing, default="outside")


def names_in(docs: Iterable[Doc], kind: str, spans_key: str) -> set[str]:
    """All labels that are on texts."""
    found: set[str] = set()
    for doc in docs:
        if kind == "categories":
            found.update(doc.cats)
        elif kind == "tags":
            found.update(token.tag_ for token in doc)
        else:
            spans = doc.ents if kind == "entities" else doc.spans.get(spans_key, ())
            found.update(span.label_ for span in spans)
    return found - {""}


def _split(names: Iterable[str], labels: RunLabels, at: int) -> set[str]:
    """The labels of now between which a name of before does not tell."""
    split = [name for name in names if labels.is_split(name, at)]
    parts = frozenset[str]().union(*(labels.parts(name, at) or () for name in split))
    return {name for name, one in labels.now.items() if not one.parts.isdisjoint(parts)}


def _name(label: Any, labels: RunLabels) -> Any:
    # what the run has no more is refused by its own name
    return (labels.today(label) or label) if isinstance(label, str) else label


def _once(options: Iterable[Any]) -> list[Any]:
    """Options, each once: two of them may be one label now."""
    found: list[Any] = []
    for option in options:
        ids = [one.get("id") for one in found if isinstance(one, dict)]
        if not isinstance(option, dict) or option.get("id") not in ids:
            found.append(option)
    return found


def _spans_now(doc: Doc, spans: Iterable[Span], labels: RunLabels) -> list[Span]:
    named = ((span.start, span.end, labels.today(span.label_)) for span in spans)
    marks = dict.fromkeys(named)
    return [Span(doc, start, end, label=label) for start, end, label in marks if label]


def _marks_now(
    spans: Iterable[Mapping[str, Any]], labels: RunLabels, at: int | None
) -> list[dict[str, Any]]:
    found: dict[tuple[int, int, str], dict[str, Any]] = {}
    for span in spans:
        label = labels.today(span["label"], at)
        if label is not None:
            place = span["token_start"], span["token_end"], label
            found.setdefault(place, {**span, "label": label})
    return [found[place] for place in sorted(found)]


def _options_now(
    options: Sequence[Mapping[str, Any]], labels: RunLabels, at: int | None
) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for option in options:
        label = labels.today(option["id"], at)
        if label is None:
            continue
        text = label if option.get("text") in (None, option["id"]) else option["text"]
        kept = found.setdefault(label, {**option, "id": label, "text": text})
        if option.get("score") is not None:
            kept["score"] = max(option["score"], kept.get("score") or 0.0)
    return [*found.values()]


def _extended(options: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    """Options in the order of the labels, and bare ones for those that no model knew."""
    known = {option["id"]: dict(option) for option in options}
    return [known.get(name, {"id": name, "text": name}) for name in names]

"""Decisions: those of one answer about its text, whether two answers can both be right, and how they become a Doc."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement, pairwise
from typing import Any, TypeAlias

import numpy
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from spacy_al.tasks.answer import YES_NO_CATEGORY, YES_NO_ENTITIES, shown_labels
from spacy_al.tasks.relabel import LATER
from spacy_al.tasks.task import Task
from spacy_al.tasks.white_space import TRIMS, blank_tokens, trim_marks
from spacy_al.types import Bools

# (start, end, label) over tokens, the end exclusive; a category is (0, 0, label)
Mark: TypeAlias = tuple[int, int, str]
# A candidate that the model gives less is not worth a rejection
LEAST_PROB = 0.01
# Groups of spans in a corpus: entities that were rejected, and what nobody but the model has labelled
INCORRECT, SELF = "incorrect_spans", "self_labelled"
# Why a text has no category yet: none of those that were shown is right
WAITS = "waits for a category"


@dataclass(frozen=True)
class Annotation:
    """The decision of one answer.

    labels (frozenset[str]): The labels that were shown.
    asked (frozenset[int]): The tokens that were asked about.
    accepted (frozenset[Mark]): What is there.
    rejected (frozenset[Mark]): What is said not to be there.
    complete (bool): Whether nothing else of the labels shown is on the tokens asked about.
    reason (str): Why the answer teaches nothing, or "".
    later (frozenset[str]): Labels that the run got after the question. They count as decided, and not there, unless a model holds
        them to be likely: see `leave_open`.
    """

    labels: frozenset[str]
    asked: frozenset[int]
    accepted: frozenset[Mark] = frozenset()
    rejected: frozenset[Mark] = frozenset()
    complete: bool = False
    reason: str = ""
    later: frozenset[str] = frozenset()


def is_exclusive(task: Task) -> bool:
    """Whether exactly one of the categories of a task applies."""
    return bool(task.get("config", {}).get("choice_style") != "multiple")


def annotation(
    task: Task, payload: Mapping[str, Any], *, kind: str, labels: Collection[str]
) -> Annotation:
    """The decision of an answer that is not `ignore`.

    task (Task): What was asked.
    payload (Mapping): The answer, as `data.answers.check` returns it.
    kind (str): "entities", "spans", "tags" or "categories".
    labels (Collection[str]): The labels that are taught; marks of others are left out.
    RETURNS (Annotation): Equal for equal answers to equal questions.
    """
    shown = frozenset(shown_labels(task, payload)).intersection(labels)
    asked = payload.get("asked", task.get("asked"))
    everything = range(len(task.get("tokens", ())))
    later = frozenset(task.get(LATER, ())).intersection(labels) - shown
    question = Annotation(shown, frozenset(everything if asked is None else asked), later=later)
    accepts = payload["answer"] == "accept"
    if kind == "categories":
        return _categories(question, task, payload, labels)
    blank = blank_tokens(task.get("tokens", ())) if kind in TRIMS else []
    # answers of earlier versions and suggestions may hold white space
    marked = trim_marks(_marks(payload.get("spans", ()), labels), blank)
    if accepts and kind == "tags":
        return replace(question, accepted=marked)
    suggested = trim_marks(_marks(task.get("spans", ()), labels), blank)
    if accepts:
        # what the model thinks possible was seen, and not accepted
        candidates = _marks(task.get("candidates", ()), labels, LEAST_PROB)
        likely = suggested | trim_marks(candidates, blank)
        rejected = {
            mark
            for mark in likely - marked
            if mark[2] in shown and not question.asked.isdisjoint(range(*mark[:2]))
        }
        return replace(question, accepted=marked, rejected=frozenset(rejected), complete=True)
    named = marked or suggested
    # of a question to correct what is marked, a no does not say what is wrong
    if task.get("_view_id") == YES_NO_ENTITIES and len(named) == 1:
        return replace(question, rejected=named)
    return replace(question, reason="rejected whole")


def decided_tokens(task: Task, payload: Mapping[str, Any]) -> set[int]:
    """The tokens that an annotator had to decide on: those asked about, and what else is under the spans of the answer.

    A question about a single span asks about no token besides.
    """
    asked = payload.get("asked", task.get("asked"))
    tokens = set(range(len(task.get("tokens", ()))) if asked is None else asked)
    spans = payload.get("spans") or (task.get("spans", ()) if asked == [] else ())
    return tokens.union(*(range(s["token_start"], s["token_end"] + 1) for s in spans))


def undecided(doc: Doc, kind: str) -> Bools:
    """(n_tokens,) whether nothing is said of a token; never so for spans and categories."""
    if kind not in ("entities", "tags"):
        return numpy.zeros(len(doc), dtype=bool)
    missing: Bools = doc.to_array("ENT_IOB" if kind == "entities" else "TAG") == 0
    return missing


def can_both_be(first: Annotation, second: Annotation, *, flat: bool) -> bool:
    """Whether two annotations of one text do not contradict each other.

    first, second (Annotation): Over the same tokens. One annotation can contradict itself as well.
    flat (bool): Whether no two marks may share a token, as entities and tags.
    """
    for one, other in ((first, second), (second, first)):
        if one.accepted & other.rejected:
            return False
        extra = one.accepted - other.accepted
        for start, end, label in extra if other.complete else ():
            if label in other.labels and not other.asked.isdisjoint(range(start, end)):
                return False
    if flat:
        marks = sorted(first.accepted | second.accepted)
        return all(before[1] <= after[0] for before, after in pairwise(marks))
    return True


def consistent(annotations: Sequence[Annotation], *, flat: bool) -> bool:
    """Whether no two of them contradict each other, and none itself."""
    pairs = combinations_with_replacement(annotations, 2)
    return all(can_both_be(first, second, flat=flat) for first, second in pairs)


def moved(given: Annotation, old: Task, new: Task) -> tuple[Annotation, int]:
    """An annotation carried over to other tokens of the same text by its characters.

    given (Annotation): Over the tokens of `old`.
    old, new (Task): The task that was answered, and one with the tokens that are wanted.
    RETURNS (tuple): The annotation; how many accepted marks do not fall on the new tokens. What lies under those is not
        decided.
    """
    before = [(token["start"], token["end"]) for token in old.get("tokens", ())]
    after = [(token["start"], token["end"]) for token in new.get("tokens", ())]
    if before == after:
        return given, 0
    starts = {start: token for token, (start, _) in enumerate(after)}
    ends = {end: token + 1 for token, (_, end) in enumerate(after)}

    def carry(marks: Iterable[Mark]) -> tuple[set[Mark], list[Mark]]:
        found, lost = set(), []
        for start, end, label in marks:
            first, last = (
                (0, 0)
                if start == end
                else (starts.get(before[start][0], -1), ends.get(before[end - 1][1], -1))
            )
            if first < 0 or last < 0:
                lost.append((start, end, label))
            else:
                found.add((first, last, label))
        return found, lost

    accepted, lost = carry(given.accepted)
    rejected, _ = carry(given.rejected)
    open_tokens = [i for i in range(len(before)) if i not in given.asked]
    open_tokens += [i for start, end, _ in lost for i in range(start, end)]
    unknown = {character for i in open_tokens for character in range(*before[i])}
    asked = {i for i, span in enumerate(after) if unknown.isdisjoint(range(*span))}
    result = replace(
        given,
        asked=frozenset(asked),
        accepted=frozenset(accepted),
        rejected=frozenset(rejected),
    )
    return result, len(lost)


def make_doc(task: Task, vocab: Vocab) -> Doc:
    """The text of a task with its tokens and no annotation."""
    tokens = task.get("tokens") or [{"text": task["text"], "ws": False}]
    words = [token["text"] for token in tokens]
    return Doc(vocab, words=words, spaces=[bool(token["ws"]) for token in tokens])


def write_decision(
    doc: Doc,
    annotations: Sequence[Annotation],
    *,
    kind: str,
    labels: Sequence[str],
    exclusive: bool,
    spans_key: str,
) -> str:
    """Write onto a bare doc what annotations that do not contradict each other decide; all else stays missing.

    RETURNS (str): "" if all is decided, "partial" if some is; else why nothing can be taught, and the doc is as it was.
    """
    accepted = {mark for given in annotations for mark in given.accepted}
    rejected = {mark for given in annotations for mark in given.rejected}
    if kind == "categories":
        return _set_categories(doc, accepted, rejected, labels, exclusive)
    if kind == "tags":
        for start, _, label in accepted:
            doc[start].tag_ = label
        if not accepted:
            return "nothing decided"
        return "" if len(accepted) == len(doc) else "partial"
    decided = _decided(annotations, labels)
    if kind == "spans":
        if len(decided) < len(doc):
            # spaCy has no missing spans: what is not in the group is taught as wrong
            return "not asked whole"
        doc.spans[spans_key] = _on(doc, accepted)
        return ""
    inside = {token for start, end, _ in accepted for token in range(start, end)}
    missing = set(range(len(doc))) - inside - decided
    outside = [doc[token : token + 1] for token in sorted(decided - inside)] if missing else []
    # under tokens that are decided a rejection says nothing new
    denied = {mark for mark in rejected if not missing.isdisjoint(range(*mark[:2]))}
    if not inside and not decided and not denied:
        return "nothing decided"
    default = "missing" if missing else "outside"
    doc.set_ents(_on(doc, accepted), outside=outside, default=default)
    if denied:
        doc.spans[INCORRECT] = _on(doc, denied)
    return "partial" if missing else ""


def _categories(
    question: Annotation, task: Task, payload: Mapping[str, Any], labels: Collection[str]
) -> Annotation:
    chosen = {label for label in payload.get("accept", ()) if label in labels}
    accepts = payload["answer"] == "accept"
    # the tokens play no part
    question = replace(question, asked=frozenset())
    if is_exclusive(task):
        if accepts and len(chosen) == 1:
            return _decide(question, chosen, set(labels) - chosen)
        return replace(question, reason="no category" if accepts else WAITS)
    if accepts:
        return _decide(question, chosen, question.labels - chosen)
    if task.get("_view_id") == YES_NO_CATEGORY and len(question.labels) == 1:
        return _decide(question, (), question.labels)
    return replace(question, reason="rejected whole")


def _decide(question: Annotation, right: Iterable[str], wrong: Iterable[str]) -> Annotation:
    return replace(
        question,
        accepted=frozenset((0, 0, label) for label in right),
        rejected=frozenset((0, 0, label) for label in wrong),
    )


def _set_categories(
    doc: Doc,
    accepted: Collection[Mark],
    rejected: Collection[Mark],
    labels: Sequence[str],
    exclusive: bool,
) -> str:
    values = {label: 0.0 for _, _, label in rejected} | {label: 1.0 for _, _, label in accepted}
    if exclusive:
        values = dict.fromkeys(labels, 0.0) | values
    doc.cats = {label: values[label] for label in labels if label in values}
    if not doc.cats:
        return "nothing decided"
    return "" if len(doc.cats) == len(labels) else "partial"


def _marks(
    spans: Iterable[Mapping[str, Any]], labels: Collection[str], least: float | None = None
) -> frozenset[Mark]:
    return frozenset(
        (span["token_start"], span["token_end"] + 1, span["label"])
        for span in spans
        if span["label"] in labels and (least is None or span.get("score", 1.0) > least)
    )


def _decided(annotations: Sequence[Annotation], labels: Sequence[str]) -> frozenset[int]:
    """The tokens of which every label is decided."""
    complete = [given for given in annotations if given.complete]
    found: frozenset[int] | None = None
    for label in labels:
        tokens = frozenset().union(*(g.asked for g in complete if label in g.labels | g.later))
        found = tokens if found is None else found & tokens
    return found or frozenset()


def _on(doc: Doc, marks: Iterable[Mark]) -> list[Span]:
    return [Span(doc, start, end, label=label) for start, end, label in sorted(marks)]

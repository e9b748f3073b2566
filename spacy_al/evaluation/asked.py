"""What was suggested against what was answered, text by text: the counts that a score of the pool is estimated from."""

from collections.abc import Sequence
from typing import Any

import numpy
from spacy.tokens import Doc

from spacy_al.tasks.answer import task_kind
from spacy_al.tasks.decision import is_exclusive, undecided
from spacy_al.tasks.task import Task
from spacy_al.types import Floats


def asked_counts(
    task: Task, gold: Doc, labels: Sequence[str], spans_key: str = "sc"
) -> Floats | None:
    """The counts of one text.

    task (Task): As it was asked, with what the model suggested.
    gold (Doc): What is right, over any tokens.
    labels (Sequence[str]): Those that count.
    spans_key (str): Where spans are.
    RETURNS (Floats | None): (n_labels, 3) how many suggestions are right, how many there are, and how many answers were to be given. None
        where a part of the text is undecided.
    """
    kind, place = task_kind(task), {label: k for k, label in enumerate(labels)}
    if undecided(gold, kind).any():
        return None
    said, wanted = _said(task, kind), _wanted(gold, kind, spans_key)
    # of categories of which several apply none may; of one that is none, nothing is known
    nothing = kind == "categories" and not wanted
    if nothing and (is_exclusive(task) or not gold.cats):
        return None
    counts = numpy.zeros((len(labels), 3))
    for column, marks in enumerate((said & wanted, said, wanted)):
        for *_, label in marks:
            if label in place:
                counts[place[label], column] += 1
    return counts


def _said(task: Task, kind: str) -> set[tuple[Any, ...]]:
    if kind != "categories":
        return {(span["start"], span["end"], span["label"]) for span in task.get("spans", ())}
    scores = {option["id"]: option.get("score", 0.0) for option in task.get("options", ())}
    if not any(scores.values()):
        return set()
    if is_exclusive(task):
        return {(max(scores, key=lambda label: scores[label]),)}
    return {(label,) for label, score in scores.items() if score >= 0.5}


def _wanted(gold: Doc, kind: str, spans_key: str) -> set[tuple[Any, ...]]:
    if kind == "categories":
        return {(label,) for label, value in gold.cats.items() if value >= 0.5}
    if kind == "tags":
        return {(token.idx, token.idx + len(token), token.tag_) for token in gold}
    spans = gold.ents if kind == "entities" else gold.spans.get(spans_key, ())
    return {(span.start_char, span.end_char, span.label_) for span in spans}

"""A review list that people have answered: what was wrong in it, and what that says of the texts that nobody looked at."""

import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

from spacy_al.adapters.payloads import payload_of
from spacy_al.auditing.review import AUDIT, CHOSEN, RANDOM
from spacy_al.errors import AlError, AlWarning, Errors, Warnings
from spacy_al.measures.mark_errors import mark_errors
from spacy_al.measures.remaining import Remaining, estimate_remaining
from spacy_al.tasks.answer import check, task_kind
from spacy_al.tasks.task import Task, read_tasks


@dataclass(frozen=True)
class Reviewed:
    """What came of a review.

    answered (dict[str, int]): Texts that were answered, by how they came onto the list: "chosen" or "random".
    listed (dict[str, int]): All texts of the list, likewise.
    wrong (dict[str, int]): Texts in which something was wrong, likewise.
    kinds (Counter): Mistakes by kind.
    remaining (Remaining): The estimate for texts that nobody looked at.
    open (int): Chosen texts that wait for an answer. They are in no figure.
    """

    answered: dict[str, int]
    listed: dict[str, int]
    wrong: dict[str, int]
    kinds: Counter[str]
    remaining: Remaining
    open: int


def read_review(review: Path, answers: Path, seed: int = 0) -> Reviewed:
    """The figures of a review.

    review (Path): The list, as `audit` wrote it.
    answers (Path): JSONL of answered tasks, as `answers -o`, `export` and Prodigy write it. Of several answers to a text the last counts.
    seed (int): Of the interval.
    RAISES (AlError): AL423 for what is no list, AL425 where no answer is to it, AL424 where none is to a text by chance, AL115 for what is no answer.
    WARNS (AlWarning): ALW422 for answers that say nothing.
    """
    rows = dict[Any, Task]()
    for line, task in enumerate(read_tasks(review), 1):
        if not isinstance(task.get(AUDIT), dict):
            raise AlError(Errors.AL423.format(path=review, line=line))
        rows[_key(task)] = task
    said: dict[Any, list[tuple[int, int, str]]] = {}
    total, silent = 0, set()
    for answered in read_tasks(answers):
        key = _key(answered)
        if key not in rows or "answer" not in answered:
            continue
        total += 1
        task = rows[key]
        payload = check(task, payload_of(answered, task))
        silent.discard(key)
        said.pop(key, None)
        if payload["answer"] != "accept":
            silent.add(key)
            continue
        right = _marks(task, payload)
        said[key] = mark_errors({tuple(mark) for mark in task[AUDIT]["given"]}, right)
    if not total:
        raise AlError(Errors.AL425.format(answers=answers, path=review))
    if silent:
        message = Warnings.W422.format(count=len(silent), total=len(silent) + len(said))
        warnings.warn(message, AlWarning, stacklevel=2)
    return _reviewed(review, rows, said, seed)


def _reviewed(
    review: Path, rows: Mapping[Any, Task], said: Mapping[Any, Any], seed: int
) -> Reviewed:
    by = {draw: [k for k in rows if rows[k][AUDIT]["draw"] == draw] for draw in (CHOSEN, RANDOM)}
    drawn = [key for key in by[RANDOM] if key in said]
    if not drawn:
        raise AlError(Errors.AL424.format(count=len(said), path=review))
    whole = rows[drawn[0]][AUDIT]["corpus"]
    # chosen ones that wait are not what the drawn ones stand for
    seen = [*by[CHOSEN], *drawn]
    sizes = {key: rows[key][AUDIT]["size"] for key in rows}
    remaining = estimate_remaining(
        numpy.array([len(said[key]) for key in drawn]),
        numpy.array([sizes[key] for key in drawn]),
        whole["texts"] - len(seen),
        whole["size"] - sum(sizes[key] for key in seen),
        propensities=numpy.array([rows[key][AUDIT]["propensity"] for key in drawn]),
        seed=seed,
    )
    return Reviewed(
        {draw: sum(key in said for key in keys) for draw, keys in by.items()},
        {draw: len(keys) for draw, keys in by.items()},
        {draw: sum(bool(said.get(key)) for key in keys) for draw, keys in by.items()},
        Counter(kind for errors in said.values() for *_, kind in errors),
        remaining,
        sum(key not in said for key in by[CHOSEN]),
    )


def _key(task: Mapping[str, Any]) -> Any:
    """The text alone: tools give hashes of their own."""
    return task["text"]


def _marks(task: Task, payload: Mapping[str, Any]) -> set[tuple[int, int, str]]:
    if task_kind(task) == "categories":
        return {(0, 0, label) for label in payload["accept"]}
    return {(s["token_start"], s["token_end"] + 1, s["label"]) for s in payload["spans"]}

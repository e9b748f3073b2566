"""The answers of one file, beside each other: what is the same, what is corrected, and what cannot both be meant."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from spacy_al.tasks.answer import check
from spacy_al.tasks.decision import is_exclusive
from spacy_al.tasks.records import StoredAnswer, StoredTask

# Ids of answers from files begin so
IMPORTED = "import-"


@dataclass(frozen=True)
class Given:
    """An answer of a file.

    where (str): Where it stands.
    stored (StoredTask): What it answers.
    annotator (str): Whose it is.
    payload (dict): As `tasks.answer.check` returns it.
    when (tuple | None): What tells whether it came after another of the same file; None if nothing does.
    at, seconds (Any): As the file has them.
    label (str): The one of several categories to which it is a yes or no; "" if it is another answer.
    """

    where: str
    stored: StoredTask
    annotator: str
    payload: dict[str, Any]
    when: tuple[float, str] | None = None
    at: Any = None
    seconds: Any = None
    label: str = ""


def settled(
    given: Sequence[Given],
    leave_out: Callable[[str, str, object], None],
    contradictions: list[str],
) -> Iterator[tuple[Given, str]]:
    """The answers that can be stored, with their ids: by what is said, so that the same file gives the same.

    given (Sequence[Given]): In the order of the file.
    leave_out (Callable): Takes (why, where, what) of an answer that is not stored.
    contradictions (list[str]): Gets the places of answers that contradict each other.
    YIELDS (tuple[Given, str]): Where times tell the order of one annotator's answers to a task, all in that order; else those that
        are equal. Several yes and no to categories of one text are one answer.
    """
    groups: dict[tuple[str, str], list[Given]] = {}
    for one in given:
        groups.setdefault((one.stored.id, one.annotator), []).append(one)
    for group in groups.values():
        ordered = _joined(group) if all(one.label for one in group) else _in_order(group)
        if ordered is None:
            places = " and ".join(one.where for one in group)
            contradictions.append(places)
            for one in group:
                leave_out("contradiction", one.where, f"{places} say different things of one text")
            continue
        said = list[str]()
        for one in ordered:
            identity = _identity(one)
            # who returns to an earlier answer within the file says something new
            if said[-1:] != [identity]:
                said.append(identity)
            again = said.count(identity)
            yield one, identity if again == 1 else f"{identity}-{again}"


def was_taken(before: Iterable[StoredAnswer], given: Given) -> bool:
    """Whether an answer was taken under another id, when labels had other names.

    before (Iterable[StoredAnswer]): All that the same person has said of the same question, in the labels of now.
    """
    return any(
        one.id.startswith(IMPORTED)
        and _what_was_said(one.payload) == _said(given)
        and given.at in (None, one.at)
        for one in before
    )


def _in_order(group: Sequence[Given]) -> list[Given] | None:
    """Answers as they came one after the other; None if they differ and nothing tells which came last."""
    if all(_said(one) == _said(group[0]) for one in group):
        return [*group]
    times = [one.when for one in group if one.when is not None]
    if len(times) < len(group):
        return None
    ordered = [one for _, one in sorted(zip(times, group), key=lambda pair: pair[0])]
    for before, after in pairwise(ordered):
        if before.when == after.when and _said(before) != _said(after):
            return None
    return ordered


def _joined(group: Sequence[Given]) -> list[Given] | None:
    """One answer of a yes or no to each of several categories; None if they contradict each other."""
    by_label: dict[str, list[Given]] = {}
    for one in group:
        by_label.setdefault(one.label, []).append(one)
    last = list[Given]()
    for same in by_label.values():
        ordered = _in_order(same)
        if ordered is None:
            return None
        last.append(ordered[-1])
    decided = [one for one in last if one.payload["answer"] != "ignore"]
    if len(decided) < 2:
        return decided or last[:1]
    task = decided[0].stored.task
    chosen = [one.label for one in decided if one.payload["accept"]]
    if not is_exclusive(task):
        labels = [one.label for one in decided]
        payload: dict[str, Any] = {"answer": "accept", "accept": chosen, "labels": labels}
    elif len(chosen) > 1:
        return None
    else:
        payload = {"answer": "accept" if chosen else "reject", "accept": chosen}
    return [replace(decided[-1], where=decided[0].where, payload=check(task, payload))]


def _what_was_said(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The answer itself: with white space at an edge or without, it is the same."""
    return {key: value for key, value in payload.items() if key != "trimmed"}


def _said(given: Given) -> dict[str, Any]:
    return _what_was_said(given.payload)


def _identity(given: Given) -> str:
    said = [given.stored.id, given.annotator, _what_was_said(given.payload)]
    data = json.dumps(said, sort_keys=True).encode("ascii")
    return IMPORTED + hashlib.blake2b(data, digest_size=16).hexdigest()

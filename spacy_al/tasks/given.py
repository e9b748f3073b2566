"""What was asked and answered about each text, before anything is decided."""

from collections import Counter
from collections.abc import Collection, Iterable

from spacy_al.tasks.records import StoredAnswer, StoredTask
from spacy_al.tasks.white_space import TRIMMED

COUNTED = {"accept": "accepted", "reject": "rejected", "ignore": "ignored"}


def group_tasks(tasks: Iterable[StoredTask], purpose: str) -> list[list[StoredTask]]:
    """The tasks of each text that has this purpose, reviews last; texts and tasks in the order in which they were asked.

    A text that was asked to measure on is never trained on, whatever else was asked about it.
    """
    items: dict[str, list[StoredTask]] = {}
    for task in sorted(tasks, key=lambda task: (task.purpose == "review", *_place(task))):
        items.setdefault(task.item, []).append(task)
    return [
        own
        for own in items.values()
        if any(task.purpose == "dev" for task in own) == (purpose == "dev")
    ]


def _place(task: StoredTask) -> tuple[int, int, str]:
    return task.round, task.rank, task.id


def last_answers(
    answers: Iterable[StoredAnswer], tasks: Collection[str], report: Counter[str]
) -> dict[str, list[StoredAnswer]]:
    """The last answer of each annotator to each task."""
    last: dict[tuple[str, str], StoredAnswer] = {}
    for answer in answers:
        key = answer.task, answer.annotator
        if key in last:
            report["corrected"] += 1
        if key not in last or last[key].seq < answer.seq:
            last[key] = answer
    found: dict[str, list[StoredAnswer]] = {}
    for answer in last.values():
        if answer.task in tasks:
            report[COUNTED[answer.payload["answer"]]] += 1
            report[TRIMMED] += answer.payload.get("trimmed", 0)
            found.setdefault(answer.task, []).append(answer)
    return found

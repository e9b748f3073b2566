"""The store as JSONL for people, for other tools and for version control: the same answers give the same bytes."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from spacy_al.corpus.shard import writing
from spacy_al.store.desk import opened
from spacy_al.store.store import Store
from spacy_al.tasks.records import StoredAnswer, StoredTask

TASKS, ANSWERS = "tasks.jsonl", "answers.jsonl"
# Beside Prodigy's own keys; Prodigy hands them through
TASK, SECONDS, ANNOTATOR = "_al_task", "_al_seconds", "_annotator_id"


def export_jsonl(
    store: Store, folder: Path, change: Callable[[dict[str, Any]], dict[str, Any]] | None = None
) -> dict[str, int]:
    """Write all tasks and answers of a run.

    store (Store): The run.
    folder (Path): Gets `tasks.jsonl` and `answers.jsonl`.
    change (Callable | None): What becomes of each line before it is written.
    RETURNS (dict): How many, by file.
    RAISES (AlError): AL047 if a file cannot be written.
    """
    return {
        TASKS: export_tasks(store, None, folder / TASKS, change),
        ANSWERS: export_answers(store, None, folder / ANSWERS, change),
    }


def export_tasks(
    store: Store,
    round: int | None,
    path: Path,
    change: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
) -> int:
    """Write what a round asks (all rounds, if None), as Prodigy takes it, in the order in which to ask.

    RETURNS (int): How many tasks.
    RAISES (AlError): AL047 if the file cannot be written.
    """
    # what nobody has answered shows the labels that came since it was made
    waiting = {stored.id for stored in store.unanswered(round)}
    tasks = (opened(store, one) if one.id in waiting else one for one in store.tasks(round))
    return _write(map(_asked, tasks), path, change)


def export_answers(
    store: Store,
    round: int | None,
    path: Path,
    change: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
) -> int:
    """Write the answers that count to a round (to all, if None), as Prodigy does, by purpose, rank and annotator.

    There is nothing in it of when an answer came, of corrected ones, or of front ends' ids: who labels the same gets the
    same file. `spacy-al import` reads it.

    RETURNS (int): How many answers.
    RAISES (AlError): AL047 if the file cannot be written.
    """
    tasks = {stored.id: stored for stored in store.tasks(round)}
    answers = (answer for answer in store.answers() if answer.task in tasks)
    lines = (answered_line(tasks[answer.task], answer) for answer in answers)
    return _write(lines, path, change)


def _asked(stored: StoredTask) -> dict[str, Any]:
    return {**stored.task, TASK: stored.id}


def answered_line(stored: StoredTask, answer: StoredAnswer) -> dict[str, Any]:
    """The task with what was said in place of what was suggested."""
    line = {**_asked(stored), **answer.payload, ANNOTATOR: answer.annotator}
    return line if answer.seconds is None else {**line, SECONDS: answer.seconds}


def _write(
    lines: Iterable[dict[str, Any]],
    path: Path,
    change: Callable[[dict[str, Any]], dict[str, Any]] | None,
) -> int:
    count = 0
    with writing(path) as file:
        for line in map(change, lines) if change else lines:
            file.write(json.dumps(line, sort_keys=True, allow_nan=False) + "\n")
            count += 1
    return count

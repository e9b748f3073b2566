"""The changes of a run's labels as its database keeps them, and answers in the labels of now."""

import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from spacy_al.store.rows import seal
from spacy_al.tasks.labels import UNDO, Operation, RunLabels
from spacy_al.tasks.records import StoredAnswer, StoredTask
from spacy_al.tasks.relabel import payload_now, task_now
from spacy_al.tasks.task import Task

if TYPE_CHECKING:
    from spacy_al.store.store import Store

ANSWER = "seq, id, task, annotator, payload, seconds, at, label_position, entered_by"
# The last change so far, for what is asked or answered now
POSITION = "SELECT coalesce(max(seq), 0) FROM label_operations"


def read_labels(store: "Store", known: RunLabels) -> RunLabels:
    """The labels of a run and all that became of them.

    known (RunLabels): As they were read before; the same where nothing has changed since.
    """
    rows = store.read(
        "SELECT seq, kind, labels, into_label, undoes, at FROM label_operations ORDER BY seq"
    )
    if len(rows) == len(known.operations):
        return known
    made = (
        Operation(
            seq,
            kind,
            tuple(store.loads(names, seq, kind, undoes, at)),
            store.loads(into, seq, kind, undoes, at),
            undoes,
            at,
        )
        for seq, kind, names, into, undoes, at in rows
    )
    return RunLabels(tuple(made))


def change_labels(
    store: "Store", kind: str, labels: Sequence[str] = (), into: str | None = None
) -> None:
    """Record a change of a run's labels; none of its questions and answers is touched. Arguments as of `Operation`."""
    with store.transaction() as connection:
        last = store.labels().last
        undoes = last.seq if kind == UNDO and last else None
        row = (connection.execute(POSITION).fetchone()[0] + 1, kind, undoes, time.time())
        sql = """INSERT INTO label_operations (seq, kind, undoes, at, labels, into_label)
            VALUES (?, ?, ?, ?, ?, ?)"""
        connection.execute(sql, (*row, seal([*labels], *row), seal(into, *row)))


def as_task(store: "Store", row: Sequence[Any]) -> StoredTask:
    """A row of id, round, item, purpose, rank, position and payload, in the labels of now."""
    id, round, item, purpose, rank, position, payload = row
    task = task_now(store.loads(payload, *row[:-1]), store.labels(), position)
    return StoredTask(id, round, item, purpose, rank, task)


def as_answer(store: "Store", row: Sequence[Any]) -> StoredAnswer:
    """A row of `ANSWER`, in the labels of now."""
    seq, id, task, annotator, payload, seconds, at, position, by = row
    writer = () if by is None else (by,)
    given = store.loads(payload, id, task, annotator, seconds, at, position, *writer)
    said = payload_now(given, store.labels(), position, partial(_task, store, task))
    return StoredAnswer(seq, id, task, annotator, said, seconds, at, by)


def _task(store: "Store", id: str) -> Task:
    return next(store.tasks_where(" WHERE id = ?", (id,))).task

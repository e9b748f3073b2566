"""What became of every answer: which of them counts, which was corrected, taken back or deleted, when and by whom.

Rows of answers are never changed or removed. Who takes something back adds a row, and that row says what counts from there on.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from spacy_al.errors import AlError, Errors
from spacy_al.store.desk import opened
from spacy_al.store.labels import ANSWER, as_answer
from spacy_al.store.rows import seal
from spacy_al.store.store import Store
from spacy_al.tasks.answer import check_name
from spacy_al.tasks.records import StoredAnswer, StoredTask
from spacy_al.tasks.relabel import AGAIN
from spacy_al.tasks.task import Task

# What can be done to an answer that counts: the one before it counts again, or none does
UNDO, DELETE = "undo", "delete"
COUNTS, CORRECTED, UNDONE, DELETED = "counts", "corrected", "undone", "deleted"
AFTER = {UNDO: UNDONE, DELETE: DELETED}


@dataclass
class Said:
    """An answer and what became of it.

    answer (StoredAnswer): As it was given, in the labels of now.
    state (str): "counts", "corrected", "undone" or "deleted".
    changed_at (float | None): When it ceased to count.
    changed_by (str | None): Who saw to that.
    stood (list): (from, until) `seq` of each stretch in which it counted; until None is now.
    """

    answer: StoredAnswer
    state: str = COUNTS
    changed_at: float | None = None
    changed_by: str | None = None
    stood: list[tuple[int, int | None]] = field(default_factory=list)

    def stands_at(self, seq: int) -> bool:
        """Whether it counted behind so many answers."""
        return any(first <= seq and (end is None or seq < end) for first, end in self.stood)


def all_said(store: Store, task: str | None = None) -> list[Said]:
    """Every answer that was ever given, in the order in which they came; to one task, or to all."""
    where = "" if task is None else " WHERE task = ?"
    rows = store.read(
        f"SELECT {ANSWER}, stands FROM answers{where} ORDER BY seq", () if task is None else (task,)
    )
    found: dict[int, Said] = {}
    counting: dict[tuple[str, str], int] = {}
    for *row, stands in rows:
        seq, id, task_id, annotator, payload, _, at, _, by = row
        before = counting.get((task_id, annotator))
        if stands is None:
            found[seq] = Said(as_answer(store, row))
            state, now = CORRECTED, seq
        else:
            state, now = (
                AFTER[_kind(store, payload, id, task_id, annotator, at, stands, by)],
                stands,
            )
        if before:
            old = found[before]
            old.state, old.changed_at, old.changed_by = state, at, by or annotator
            old.stood[-1] = (old.stood[-1][0], seq)
        if now:
            one = found[now]
            one.state, one.changed_at, one.changed_by = COUNTS, None, None
            one.stood.append((seq, None))
        counting[task_id, annotator] = now
    return [*found.values()]


def find_said(store: Store, number: int) -> Said:
    """An answer by its number, which is its `seq`. RAISES (AlError): AL125 if there is none."""
    row = store.read("SELECT task FROM answers WHERE seq = ? AND stands IS NULL", (number,))
    if not row:
        raise AlError(Errors.AL125.format(number=number))
    return next(one for one in all_said(store, row[0][0]) if one.answer.seq == number)


def withdraw(store: Store, number: int, kind: str, *, id: str, by: str | None = None) -> bool:
    """Take an answer back, so that what its annotator said before counts again; or delete it, so that nothing of theirs does.

    number (int): Of an answer that counts.
    kind (str): "undo" or "delete".
    id (str): Of this change, made by who sends it, so that sending it again does no harm.
    by (str | None): Who does it, where that is somebody else than its annotator.
    RETURNS (bool): False if a change of this id was made before; then nothing changes.
    RAISES (AlError): AL125 if there is no such answer, AL126 if it does not count, AL116 for an id that is something else's.
    """
    check_name("id", id)
    answer = find_said(store, number).answer
    writer = None if by in (None, answer.annotator) else check_name("annotator", by)
    with store.transaction() as connection:
        sql = "SELECT task, annotator, payload, at, stands, entered_by FROM answers WHERE id = ?"
        if stored := connection.execute(sql, (id,)).fetchone():
            task, annotator, payload, at, stands, was = stored
            same = (task, annotator) == (answer.task, answer.annotator) and stands is not None
            if same and _kind(store, payload, id, task, annotator, at, stands, was) == kind:
                return False
            raise AlError(Errors.AL116.format(id=id))
        sql = "SELECT seq, stands FROM answers WHERE task = ? AND annotator = ? ORDER BY seq"
        rows = connection.execute(sql, (answer.task, answer.annotator)).fetchall()
        stack = counting_order(rows)
        if not stack or stack[-1] != number:
            why = f"{stack[-1]} counts in its place" if stack else "it was taken back or deleted"
            raise AlError(Errors.AL126.format(number=number, why=why))
        stands = stack[-2] if kind == UNDO and len(stack) > 1 else 0
        at = time.time()
        key = (id, answer.task, answer.annotator)
        connection.execute(
            """INSERT INTO answers (id, task, annotator, payload, at, stands, entered_by)
            VALUES (?, ?, ?, ?, ?, ?, ?)""",
            (*key, seal({"withdrawn": kind}, *key, at, stands, writer), at, stands, writer),
        )
    return True


def counting_order(rows: Iterable[tuple[int, int | None]]) -> list[int]:
    """The answers of one annotator to one task that would count one after the other as each last one is undone.

    rows (Iterable): `seq` and `stands` of each row, in order.
    """
    stack: list[int] = []
    for seq, stands in rows:
        if stands is None:
            stack.append(seq)
        elif not stands:
            stack.clear()
        else:
            stack.pop()
    return stack


def asked_anew(store: Store, number: int) -> list[tuple[str, Task]]:
    """The questions of earlier rounds to which all answers were taken back, for a round to ask them once more: purpose and task.

    A review is asked again by itself, as long as the answers contradict each other.
    """
    where = """ WHERE round < ? AND purpose != 'review'
        AND EXISTS (SELECT 1 FROM answers WHERE task = tasks.id AND stands IS NOT NULL)
        AND NOT EXISTS (SELECT 1 FROM standing WHERE task = tasks.id)"""
    found = []
    for stored in store.tasks_where(where, (number,)):
        since = store.tasks_where(" WHERE item = ? AND round > ?", (stored.item, stored.round))
        if not any(_is_same(stored, later) for later in since):
            task = opened(store, stored).task
            meta = {**task.get("meta", {}), "round": number}
            now: Task = {**task, "meta": meta, "asked_anew": stored.id}
            found.append((stored.purpose, now))
    return found


def _is_same(stored: StoredTask, later: StoredTask) -> bool:
    """Whether a later task asks the same: ids are alike but for the round."""
    ends = [one.id.partition("-")[2] for one in (stored, later)]
    return ends[0] == ends[1] and (AGAIN in stored.task) == (AGAIN in later.task)


def _kind(store: Store, payload: str, *beside: Any) -> str:
    """Whether a row undoes or deletes. RAISES (AlError): AL112 if it is not what was written."""
    return str(store.loads(payload, *beside)["withdrawn"])

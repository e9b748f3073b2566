"""Texts taken out of the database of a run, and out of the pages of its file that are free; it keeps hashes of them, and how many went."""

import sqlite3
import time
from collections import Counter
from typing import Any, NamedTuple

from spacy_al.corpus.forgotten import Forgotten
from spacy_al.corpus.record_removal import names_text, remove_from_record
from spacy_al.errors import AlError, Errors
from spacy_al.store.rows import seal
from spacy_al.store.schema import PATIENCE, explain_errors
from spacy_al.store.store import TASKS, Store

EVENT = "forgot"


class RemovedRows(NamedTuple):
    """Counts of rows: questions, answers, and places where a text stood beside another one."""

    questions: int = 0
    answers: int = 0
    contexts: int = 0


def forgotten_rounds(store: Store) -> dict[int, int]:
    """Of each round the number of texts that it asked about and that were forgotten since."""
    found: Counter[int] = Counter()
    for data in _events(store):
        found.update({int(number): count for number, count in data["rounds"].items()})
    return dict(found)


def remove_from_store(
    store: Store, gone: Forgotten, *, dry: bool = False, patience: float = PATIENCE
) -> RemovedRows:
    """Take texts out of a database: questions, answers, and what is noted of them.

    gone (Forgotten): The texts; the database knows their hashes from then on.
    dry (bool): Count, and change nothing.
    patience (float): Seconds to wait for those who read it.
    RAISES (AlError): AL112 if it is damaged, AL117 if others do not let go of it; what was begun is finished the next time.
    """
    sql = "SELECT task, count(*) FROM answers WHERE stands IS NULL GROUP BY task"
    answers = dict(store.read(sql))
    tasks, changed = list[Any](), list[tuple[Any, ...]]()
    contexts = 0
    for *beside, payload in store.read(TASKS):
        if beside[2] in gone.ids:
            tasks.append(beside)
            continue
        clean, removed = remove_from_record(store.loads(payload, *beside), gone)
        if removed:
            contexts += removed.contexts
            changed.append((seal(clean, *beside), beside[0]))
    counts = RemovedRows(len(tasks), sum(answers.get(one[0], 0) for one in tasks), contexts)
    if dry:
        return counts
    with explain_errors(store.path):
        store.read("PRAGMA secure_delete = ON")
    with store.transaction() as connection:
        names = [(one[0],) for one in tasks]
        for table in ("answers", "assignments", "counts"):
            connection.executemany(f"DELETE FROM {table} WHERE task = ?", names)
        connection.executemany("DELETE FROM tasks WHERE id = ?", names)
        connection.executemany(
            "DELETE FROM items WHERE id = ?", [(one,) for one in sorted(gone.ids)]
        )
        connection.executemany("UPDATE tasks SET payload = ? WHERE id = ?", changed)
        _clean_notes(store, connection, gone)
        fresh = gone.ids - store.forgotten_ids()
        if fresh or tasks:
            texts = {(one[1], one[2]) for one in tasks}
            data = {
                "texts": sorted(gone.ids),
                "parts": sorted(gone.parts),
                "rounds": dict(Counter(str(number) for number, _ in texts)),
            }
            at = time.time()
            sql = "INSERT INTO events (at, kind, data) VALUES (?, ?, ?)"
            connection.execute(sql, (at, EVENT, seal(data, at, EVENT)))
    _empty_free_pages(store, patience)
    return counts


def known_forgotten(store: Store) -> Forgotten:
    """The texts that a database knows to be forgotten."""
    found = Forgotten()
    for data in _events(store):
        found |= Forgotten(frozenset(data["texts"]), frozenset(data["parts"]))
    return found


def _events(store: Store) -> list[dict[str, Any]]:
    rows = store.read("SELECT data, at FROM events WHERE kind = ? ORDER BY seq", (EVENT,))
    return [store.loads(data, at, EVENT) for data, at in rows]


def _clean_notes(store: Store, connection: sqlite3.Connection, gone: Forgotten) -> None:
    """Numbers of rounds name questions, and so do events."""
    for number, name, value in store.read("SELECT round, name, value FROM metrics"):
        clean, removed = remove_from_record(store.loads(value, number, name), gone)
        if removed:
            sql = "UPDATE metrics SET value = ? WHERE round = ? AND name = ?"
            connection.execute(sql, (seal(clean, number, name), number, name))
    sql = "SELECT seq, at, kind, data FROM events WHERE kind != ?"
    for seq, at, kind, data in store.read(sql, (EVENT,)):
        if any(
            isinstance(one, str) and names_text(one, gone)
            for one in store.loads(data, at, kind).values()
        ):
            connection.execute("DELETE FROM events WHERE seq = ?", (seq,))


def _empty_free_pages(store: Store, patience: float) -> None:
    """Write the database anew without what was deleted, and empty its log. RAISES (AlError): AL117 where others read it all the while."""
    deadline = time.monotonic() + patience
    store.read("VACUUM")
    while store.read("PRAGMA wal_checkpoint(TRUNCATE)")[0][0]:
        if time.monotonic() > deadline:
            raise AlError(Errors.AL117.format(path=store.path))
        time.sleep(0.05)

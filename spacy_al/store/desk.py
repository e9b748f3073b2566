"""The desk of one annotator: what to answer next, what they said before, and how far everybody has come."""

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from spacy_al.store.gold import without_gold
from spacy_al.store.labels import ANSWER, as_answer
from spacy_al.store.store import Store
from spacy_al.tasks.answer import check_name
from spacy_al.tasks.records import SECOND, StoredTask, question_id
from spacy_al.tasks.relabel import open_task, task_of_model
from spacy_al.tasks.task import Task
from spacy_al.util import content_hash

# States of a round in which people may be asked more than it has chosen: it chooses nothing yet that could be the same
BESIDE = ("train", "evaluate")
# A task whose annotator has been away for so many seconds is given to others as well. Where the clock was set back since, it was given at
# a time that is still to come: it is held for twice as long at most, and not until then
HELD = 3600.0
LATEST = "counts.round = (SELECT max(number) FROM rounds)"
# Who settles what others contradict each other about is one person, and so is who gives a second opinion
FOR_OTHERS = f"(counts.purpose = 'review' OR counts.task LIKE '%-{SECOND}')"
ENOUGH = f"CASE WHEN {FOR_OTHERS} THEN 1 ELSE :overlap END"
# Among the metrics of a round: nothing was left to ask
ALL = "asked_all"
COLUMNS = (
    "SELECT tasks.id, tasks.round, item, tasks.purpose, tasks.rank, tasks.label_position, payload"
)
# Of a text that is reviewed, or asked for a second opinion: who has answered it, and so is of one opinion or the other. They get it only where nobody else could:
# none of those who are named, or, where nobody is, of those who have answered in this round or the one before
PARTIES = """SELECT annotator FROM tasks AS other CROSS JOIN standing ON standing.task = other.id
    WHERE other.purpose != 'review' AND other.item = (SELECT item FROM tasks WHERE id = counts.task)"""
RECENT = """SELECT annotator FROM counts AS recent CROSS JOIN standing ON standing.task = recent.task
    WHERE :team IS NULL AND recent.round >= (SELECT max(number) - 1 FROM rounds)"""
OTHERS = f"SELECT value FROM json_each(coalesce(:team, '[]')) UNION {RECENT} EXCEPT {PARTIES}"
IMPARTIAL = f"""(NOT {FOR_OTHERS} OR :annotator NOT IN ({PARTIES}) OR NOT EXISTS ({OTHERS}))"""
# Of the latest round, what an annotator has not answered and not enough others have, or hold. The joins are CROSS, which
# SQLite does in the order in which they are written
OPEN = f"""{LATEST} AND answered < {ENOUGH} AND {IMPARTIAL}
    AND NOT EXISTS (SELECT 1 FROM standing WHERE task = counts.task AND annotator = :annotator)
    AND answered + (SELECT count(*) FROM assignments
        WHERE task = counts.task AND annotator != :annotator AND at BETWEEN :since AND :until) < {ENOUGH}"""
IN_ORDER = "ORDER BY counts.rank, counts.purpose LIMIT :n"
FREE = f"""{COLUMNS} FROM (SELECT * FROM counts WHERE {OPEN} {IN_ORDER}) AS counts
    CROSS JOIN tasks ON tasks.id = counts.task {IN_ORDER}"""
OWN = f"""{COLUMNS} FROM assignments AS held CROSS JOIN counts ON counts.task = held.task
    CROSS JOIN tasks ON tasks.id = held.task WHERE held.annotator = :annotator AND {OPEN} {IN_ORDER}"""


def next_tasks(
    store: Store,
    annotator: str,
    *,
    n: int = 2,
    overlap: int = 1,
    team: Sequence[str] | None = None,
) -> list[StoredTask]:
    """The tasks to ask an annotator next, in the latest round; the tasks are theirs from then on.

    annotator (str): Who asks. Asking again gives the same tasks until they are answered.
    n (int): Tasks at most: one to answer, and those to be at hand when the connection is not.
    overlap (int): By how many annotators each task is to be answered; a review by one. A task that was given to one who did
        not answer it within the hour goes to others as well.
    team (Sequence[str] | None): All who could be asked, where that is known. A review is for one who has not answered the text, if
        there is anybody.
    """
    now, who = time.time(), check_name("annotator", annotator)
    values: dict[str, Any] = {"annotator": who, "overlap": overlap, "n": n}
    values["team"] = None if team is None else json.dumps([*team])
    values |= {"since": now - HELD, "until": now + HELD}
    found: dict[str, StoredTask] = {}
    with store.transaction() as connection:
        for sql in (OWN, FREE):
            for row in connection.execute(sql, values):
                if len(found) < n:
                    found.setdefault(row[0], opened(store, store.as_task(row)))
        rows = [(task, who, now) for task in found]
        connection.executemany("INSERT OR REPLACE INTO assignments VALUES (?, ?, ?)", rows)
    return [*found.values()]


def opened(store: Store, stored: StoredTask) -> StoredTask:
    """A question that waits for an answer, with the labels that came since it was made."""
    return replace(stored, task=open_task(stored.task, store.labels()))


def own_task(store: Store, annotator: str, task: str) -> tuple[StoredTask, Any] | None:
    """A task that was given to an annotator, and what they last said to it, if that counts; None if it was not given to them."""
    given = """ WHERE id = ?1 AND (EXISTS (SELECT 1 FROM answers WHERE task = ?1 AND annotator = ?2)
        OR EXISTS (SELECT 1 FROM assignments WHERE task = ?1 AND annotator = ?2))"""
    found = [
        *store.tasks_where(given, (check_name("task", task), check_name("annotator", annotator)))
    ]
    sql = f"""SELECT {ANSWER} FROM answers
        WHERE seq = (SELECT seq FROM standing WHERE task = ? AND annotator = ?)"""
    said = [as_answer(store, row).payload for row in store.read(sql, (task, annotator))]
    # whoever answers once more is shown the labels that came since
    return (opened(store, found[0]), said[0] if said else None) if found else None


def answered_tasks(store: Store) -> list[tuple[Task, dict[str, Any]]]:
    """The lessons of the latest round so far: tasks and what was said to them."""
    current = store.round()
    asked = (
        {}
        if current is None
        else {
            t.id: t.task for t in without_gold(store, store.tasks(current.number, purpose="train"))
        }
    )
    return [(asked[one.task], one.payload) for one in store.answers() if one.task in asked]


def annotator_history(store: Store, annotator: str, *, n: int = 50) -> list[str]:
    """The ids of the tasks that an annotator answered last, the latest first."""
    sql = "SELECT task FROM standing WHERE annotator = ? ORDER BY seq DESC LIMIT ?"
    return [task for (task,) in store.read(sql, (check_name("annotator", annotator), n))]


def flags(store: Store) -> dict[str, list[str]]:
    """The ids of the tasks that somebody should look at, and the annotators who say so."""
    latest: dict[tuple[str, str], bool] = {}
    for data, at in store.read("SELECT data, at FROM events WHERE kind = 'flag' ORDER BY seq"):
        flag = store.loads(data, at, "flag")
        latest[flag["task"], flag["annotator"]] = flag["flagged"]
    found: dict[str, list[str]] = {}
    for (task, annotator), flagged in latest.items():
        if flagged:
            found.setdefault(task, []).append(annotator)
    return found


def run_id(store: Store) -> str:
    """The id that tells this run from all others, to a browser that keeps answers of several; it is made when it is first asked for."""
    sql = "SELECT data, at FROM events WHERE kind = 'run' ORDER BY seq LIMIT 1"
    if not store.read(sql):
        # of two that do so at once the first one's counts
        store.log("run", id=secrets.token_hex(8))
    data, at = store.read(sql)[0]
    return str(store.loads(data, at, "run")["id"])


def annotator_progress(
    store: Store, annotator: str, at_least: int = 0, overlap: int = 1
) -> dict[str, Any]:
    """How far the latest round is: `round` and `state`, None before the first one; answers `asked` for, with those to tasks that
    are still to be, those that were `answered`, and the annotator's `own`.

    at_least (int): As for `n_missing`.
    overlap (int): As for `next_tasks`.
    """
    current = store.round()
    sql = f"""SELECT count(*) FROM standing
        CROSS JOIN counts ON counts.task = standing.task WHERE annotator = ? AND {LATEST}"""
    ((own,),) = store.read(sql, (check_name("annotator", annotator),))
    answered, asked = answer_progress(store, overlap, at_least)
    return {
        "round": current.number if current else None,
        "state": current.state if current else None,
        "asked": asked,
        "answered": answered,
        "own": own,
    }


def answer_progress(store: Store, overlap: int = 1, at_least: int = 0) -> tuple[int, int]:
    """How many answers of the latest round are there, and how many it asks for, with those to tasks that are still to be.

    What more people answer than are to does not count.
    """
    sql = f"""SELECT coalesce(sum(min(answered, {ENOUGH})), 0), coalesce(sum({ENOUGH}), 0)
        FROM counts WHERE {LATEST}"""
    answered, asked = store.read(sql, {"overlap": overlap})[0]
    return int(answered), int(asked) + overlap * n_missing(store, at_least)


def n_standing(store: Store) -> dict[int, int]:
    """How many answers to the tasks of each round count now."""
    sql = """SELECT counts.round, count(*) FROM standing
        CROSS JOIN counts ON counts.task = standing.task GROUP BY counts.round"""
    return dict(store.read(sql))


def held(store: Store) -> dict[str, list[str]]:
    """The ids of the tasks of the latest round that each annotator has got and not answered yet."""
    found: dict[str, list[str]] = {}
    sql = f"""SELECT annotator, counts.task FROM assignments CROSS JOIN counts ON counts.task = assignments.task
        WHERE {LATEST} AND at BETWEEN ? AND ? ORDER BY annotator, rank, purpose"""
    for annotator, task in store.read(sql, (time.time() - HELD, time.time() + HELD)):
        found.setdefault(annotator, []).append(task)
    return found


def n_left(store: Store, overlap: int = 1) -> int:
    """Tasks of the latest round that fewer annotators have answered than are to."""
    sql = f"SELECT count(*) FROM counts WHERE {LATEST} AND answered < {ENOUGH}"
    return int(store.read(sql, {"overlap": overlap})[0][0])


def left(store: Store, overlap: int = 1) -> list[StoredTask]:
    """The tasks that `n_left` counts, in the order in which to ask."""
    sql = f"""{COLUMNS} FROM counts CROSS JOIN tasks ON tasks.id = counts.task
        WHERE {LATEST} AND answered < {ENOUGH} ORDER BY counts.rank, counts.purpose"""
    return [store.as_task(row) for row in store.read(sql, {"overlap": overlap})]


def n_missing(store: Store, at_least: int) -> int:
    """Questions that the latest round is still to ask while it waits.

    at_least (int): How many it is to have, where they are asked one by one; 0 where it has chosen them.
    """
    current = store.round()
    if current is None or current.state != "wait" or ALL in store.metrics().get(current.number, {}):
        return 0
    sql = f"SELECT count(*) FROM counts WHERE {LATEST} AND purpose = 'train'"
    return max(0, at_least - int(store.read(sql)[0][0]))


def wants(store: Store, at_least: int) -> bool:
    """Whether the latest round can be asked more, one by one: at will while it trains, and as long as some are missing."""
    current = store.round()
    return current is not None and (current.state in BESIDE or n_missing(store, at_least) > 0)


def ask_no_more(store: Store) -> None:
    """Nothing is left to ask: the latest round is to have no more questions than it has."""
    sql = "INSERT OR IGNORE INTO metrics SELECT max(number), ?, 'true' FROM rounds HAVING max(number) IS NOT NULL"
    with store.transaction() as connection:
        connection.execute(sql, (ALL,))


def add_beside(store: Store, task: Task, at_least: int = 0) -> bool:
    """Have the latest round ask a question more.

    task (Task): Its round in `meta` becomes the latest one.
    at_least (int): As for `wants`.
    RETURNS (bool): False, and nothing changes, if the round is not to have it, or the same was asked before: the text by
        another round or to measure on, or this very question; or the text was forgotten.
    """
    if not wants(store, at_least):
        return False
    with store.transaction() as connection:
        sql = "SELECT number, state FROM rounds ORDER BY number DESC LIMIT 1"
        number, state = connection.execute(sql).fetchone()
        sql = "SELECT 1 FROM tasks WHERE id = ? OR (item = ? AND (round < ? OR purpose != 'train'))"
        known = (question_id(number, task, "train"), content_hash(task["text"]), number)
        asked = connection.execute(sql, known).fetchone()
        gone = content_hash(task["text"]) in store.forgotten_ids()
        if state not in (*BESIDE, *(["wait"] if at_least else [])) or asked or gone:
            return False
        meta = {**task.get("meta", {}), "round": number}
        task = task_of_model(task, store.labels(), whole=False)
        store.add_task(connection, number, "train", {**task, "meta": meta})
    return True

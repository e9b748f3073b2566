"""The database of a run: rounds, what was asked, what was answered. Many processes may use it at once.

An answer is on disk before it is acknowledged, and a round changes its state together with all that belongs to it.
"""

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy_al.errors import AlError, Errors
from spacy_al.metrics import RoundMetrics
from spacy_al.store.journal import Journal
from spacy_al.store.labels import ANSWER, POSITION, as_answer, as_task, read_labels
from spacy_al.store.rows import seal
from spacy_al.tasks.answer import check, check_name, check_number
from spacy_al.tasks.labels import RunLabels
from spacy_al.tasks.records import (
    STATES,
    Round,
    StoredAnswer,
    StoredTask,
    question_id,
)
from spacy_al.tasks.relabel import as_named_now
from spacy_al.tasks.task import Task
from spacy_al.util import content_hash

SOURCE = ("doc", "sentence")
TASKS = "SELECT id, round, item, purpose, rank, label_position, payload FROM tasks"
WITHDRAWN = "SELECT 1 FROM answers WHERE stands IS NOT NULL"
# The last row of each annotator to each task says which answer counts
LATEST = """FROM answers WHERE seq IN (SELECT coalesce(stands, seq) FROM answers WHERE seq IN (
    SELECT max(seq) FROM answers WHERE seq <= ? GROUP BY task, annotator))"""


class Store(Journal):
    """The records of a run; every method is one transaction, on disk when it returns.

    path, create, migrate, RAISES: As of `Database`.
    """

    def __init__(self, path: Path, *, create: bool = True, migrate: bool = True) -> None:
        super().__init__(path, create=create, migrate=migrate)
        self._labels = RunLabels()

    # Rounds

    def open_round(self, number: int) -> None:
        """Begin a round, which will train on the answers that are there now; a round that is open stays as it is."""
        sql = """INSERT INTO rounds (number, state, opened_at, upto, seal) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT DO NOTHING"""
        with self.transaction() as connection:
            last = "SELECT coalesce(max(seq), 0) FROM answers"
            upto = connection.execute(last).fetchone()[0]
            values = (number, STATES[0], time.time(), upto, seal(upto, number, STATES[0]))
            connection.execute(sql, values)

    def round(self) -> Round | None:
        """The latest round."""
        return next(reversed(self.rounds()), None)

    def rounds(self) -> list[Round]:
        """All rounds in order."""
        rows = self.read("SELECT number, state, upto, seal FROM rounds ORDER BY number")
        return [self._as_round(*row) for row in rows]

    def advance(
        self,
        number: int,
        state: str,
        *,
        metrics: RoundMetrics | None = None,
        tasks: Sequence[tuple[str, Task]] = (),
        model: Mapping[str, Any] | None = None,
    ) -> None:
        """Give a round another state, together with what belongs to it: all of it is stored, or nothing.

        number (int): The round.
        state (str): One of `STATES`.
        metrics (RoundMetrics | None): Names and values, plain JSON; one that is there already is replaced.
        tasks (Sequence): (purpose, task) in the order in which to ask; one that is there already stays as it is.
        model (Mapping | None): hash, path, seconds, versions.
        RAISES (AlError): AL118 if there is no such round, or the same task is there with other content.
        """
        with self.transaction() as connection:
            sql = "SELECT number, state, upto, seal FROM rounds WHERE number = ?"
            before = connection.execute(sql, (number,)).fetchone()
            if before is None:
                raise self._refused(f"there is no round {number}")
            sealed = seal(self._as_round(*before).upto, number, state)
            sql = "UPDATE rounds SET state = ?, seal = ? WHERE number = ?"
            connection.execute(sql, (state, sealed, number))
            rows = [
                (number, name, seal(value, number, name)) for name, value in (metrics or {}).items()
            ]
            connection.executemany("INSERT OR REPLACE INTO metrics VALUES (?, ?, ?)", rows)
            for purpose, task in tasks:
                self.add_task(connection, number, purpose, task)
            if model is not None:
                row = (number, model["hash"], str(model["path"]), model.get("seconds"))
                versions = seal(model.get("versions", {}), *row)
                sql = "INSERT OR REPLACE INTO models VALUES (?, ?, ?, ?, ?)"
                connection.execute(sql, (*row, versions))

    # Tasks

    def tasks(
        self, round: int | None = None, *, purpose: str | None = None
    ) -> Iterator[StoredTask]:
        """The tasks that were asked, in one round or all, by round and rank: in the order in which to ask."""
        where = " WHERE round = coalesce(?, round) AND purpose = coalesce(?, purpose)"
        return self.tasks_where(where, (round, purpose))

    def unanswered(self, round: int | None = None) -> list[StoredTask]:
        """Tasks to which no answer counts, in one round or all."""
        where = """ WHERE round = coalesce(?, round)
            AND NOT EXISTS (SELECT 1 FROM standing WHERE task = tasks.id)"""
        return list(self.tasks_where(where, (round,)))

    def asked_ids(self, *, before_round: int | None = None) -> set[str]:
        """The ids of the texts that are not to be asked: by all rounds or those before one they were, or they were forgotten."""
        sql = "SELECT DISTINCT item FROM tasks WHERE ?1 IS NULL OR round < ?1"
        return {item for (item,) in self.read(sql, (before_round,))} | self.forgotten_ids()

    def forgotten_ids(self) -> set[str]:
        """The ids of the texts that were forgotten: see `removal`."""
        rows = self.read("SELECT data, at FROM events WHERE kind = 'forgot'")
        return {text for data, at in rows for text in self.loads(data, at, "forgot")["texts"]}

    # Answers

    def add_answer(
        self,
        task_id: str,
        payload: Any,
        *,
        id: str,
        annotator: str,
        seconds: float | None = None,
        at: float | None = None,
        by: str | None = None,
    ) -> bool:
        """Store an answer. Another one of the same annotator to the same task corrects it.

        task_id (str): What is answered.
        payload (Any): As `answers.check` takes it.
        id (str): Of this answer, made by who sends it, so that sending it again does no harm.
        annotator (str): Whose answer it is.
        seconds (float | None): That it took.
        at (float | None): When, in seconds since 1970; by default now.
        by (str | None): Who writes it down, where that is somebody else.
        RETURNS (bool): False if an answer of this id was there before; then nothing changes.
        RAISES (AlError): AL114 for an unknown task, AL115 for what is no answer to it, AL116 for an id that is another
            answer's, AL124 for one with which something else was said.
        """
        check_name("id", id), check_name("annotator", annotator)
        seconds = None if seconds is None else check_number("seconds", seconds)
        at = time.time() if at is None else check_number("at", at)
        check_name("task", task_id)
        writer = () if by is None else (check_name("annotator", by),)
        # the labels that it is read in are those that it is stored with: nobody changes them in between
        with self.transaction() as connection:
            known = connection.execute(f"{TASKS} WHERE id = ?", (task_id,)).fetchone()
            if known is None:
                raise AlError(Errors.AL114.format(task=task_id, path=self.path))
            said = check(self.as_task(known).task, as_named_now(payload, self.labels()))
            if connection.execute(f"{WITHDRAWN} AND id = ?", (id,)).fetchone():
                raise AlError(Errors.AL116.format(id=id))
            sql = f"SELECT {ANSWER} FROM answers WHERE id = ?"
            stored = connection.execute(sql, (id,)).fetchone()
            if stored is None:
                position = connection.execute(POSITION).fetchone()[0]
                beside = (id, task_id, annotator, seconds, at, position)
                sql = """INSERT INTO answers (id, task, annotator, seconds, at, label_position, entered_by, payload)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
                connection.execute(sql, (*beside, by, seal(said, *beside, *writer)))
                sql = "DELETE FROM assignments WHERE task = ? AND annotator = ?"
                connection.execute(sql, (task_id, annotator))
            else:
                before = as_answer(self, stored)
                if (before.task, before.annotator) != (task_id, annotator):
                    raise AlError(Errors.AL116.format(id=id))
                # both in the labels of now; how much white space was cut off is not what was said
                if _said(before.payload) != _said(said):
                    raise AlError(Errors.AL124.format(id=id))
        return stored is None

    def answers(self, *, upto: int | None = None) -> Iterator[StoredAnswer]:
        """The answers that count: of each annotator the last one to each task that was not taken back, by round, purpose, rank and annotator.

        upto (int | None): Look at answers up to this `seq` alone; by default at all.
        """
        rows = self.read(
            f"""SELECT answer.* FROM (SELECT {ANSWER} {LATEST}) AS answer
            JOIN tasks ON tasks.id = answer.task ORDER BY round, purpose, rank, annotator""",
            (_limit(upto),),
        )
        return (as_answer(self, row) for row in rows)

    def answers_of(self, task_id: str, annotator: str) -> list[StoredAnswer]:
        """All that one annotator has said of a task, in the order in which it came: what was corrected or taken back as well."""
        sql = f"""SELECT {ANSWER} FROM answers
            WHERE task = ? AND annotator = ? AND stands IS NULL ORDER BY seq"""
        return [as_answer(self, row) for row in self.read(sql, (task_id, annotator))]

    def n_answers(self) -> int:
        """How many answers count, as `answers` gives them."""
        return int(self.read(f"SELECT count(*) {LATEST}", (_limit(None),))[0][0])

    def labels(self) -> RunLabels:
        """The labels of the run. Questions and answers are read in the labels of now; stored they stay as they were."""
        self._labels = read_labels(self, self._labels)
        return self._labels

    # For what stands beside this class in its room

    def add_task(
        self, connection: sqlite3.Connection, number: int, purpose: str, task: Task
    ) -> None:
        """Have a round ask a task, within a transaction; one that is there already stays as it is.

        RAISES (AlError): AL118 if it is there with other content.
        """
        item, identity = content_hash(task["text"]), question_id(number, task, purpose)
        stored = connection.execute(f"{TASKS} WHERE id = ?", (identity,)).fetchone()
        if stored:
            *beside, payload = stored
            if self.loads(payload, *beside) != json.loads(json.dumps(task)):
                raise self._refused(f"the task {identity} is there already and is another one")
            return
        meta = task.get("meta", {})
        source = {key: meta[key] for key in SOURCE if key in meta}
        connection.execute(
            "INSERT INTO items VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (item, json.dumps(task["text"]), json.dumps(source)),
        )
        # of all questions of the round, as they are asked in that order
        sql = "SELECT 1 + coalesce(max(rank), 0) FROM counts WHERE round = ?"
        rank = connection.execute(sql, (number,)).fetchone()[0]
        position = connection.execute(POSITION).fetchone()[0]
        row = (identity, number, item, purpose, rank, position)
        sql = """INSERT INTO tasks (id, round, item, purpose, rank, label_position, payload)
            VALUES (?, ?, ?, ?, ?, ?, ?)"""
        connection.execute(sql, (*row, seal(task, *row)))

    def tasks_where(self, where: str, values: Sequence[Any]) -> Iterator[StoredTask]:
        """The tasks that a clause of SQL lets through, by round and rank."""
        return map(self.as_task, self.read(f"{TASKS}{where} ORDER BY round, rank, purpose", values))

    def as_task(self, row: Sequence[Any]) -> StoredTask:
        """A row of id, round, item, purpose, rank, position and payload, in the labels of now."""
        return as_task(self, row)

    def _as_round(self, number: int, state: str, upto: int, sealed: str | None) -> Round:
        """A row of a round; what was begun before version 0.2 has no seal until it goes on."""
        if state not in STATES or (
            sealed is not None and self.loads(sealed, number, state) != upto
        ):
            why = f"round {number!r:.20} is not as it was written"
            raise AlError(Errors.AL112.format(path=self.path, why=why))
        return Round(number, state, upto)

    def _refused(self, what: str) -> AlError:
        return AlError(Errors.AL118.format(path=self.path, what=what))


def _limit(upto: int | None) -> int:
    return 2**63 - 1 if upto is None else upto


def _said(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in payload.items() if name != "trimmed"}

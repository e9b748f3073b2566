"""The answers of a run listed, written as a file, corrected from one, taken back and deleted."""

import json
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from spacy_al.adapters.files import read_json
from spacy_al.adapters.payloads import payload_of
from spacy_al.adapters.reading import Reading
from spacy_al.config.project import Project
from spacy_al.corpus.shard import writing
from spacy_al.errors import AlError, Errors
from spacy_al.store.answer_list import AnswerRow, Filters, list_answers, trained_with
from spacy_al.store.export import ANNOTATOR, TASK, answered_line
from spacy_al.store.history import withdraw
from spacy_al.store.store import Store
from spacy_al.store.withdrawal import preview_withdrawal
from spacy_al.tasks.answer import check, task_kind
from spacy_al.tasks.relabel import as_named_now
from spacy_al.util import content_hash

# Beside the keys of an export: what became of the answer
SAID = "_al_said"


@dataclass(frozen=True)
class Correction:
    """What a line of a file says instead.

    task, annotator (str): To what, and whose.
    payload (dict): As `check` returns it.
    id (str): Of the answer that it becomes.
    """

    task: str
    annotator: str
    payload: dict[str, Any]
    id: str


def look_at_answers(project: Project, filters: Filters | None = None) -> list[AnswerRow]:
    """The answers of a run that are asked for, the newest first. RAISES (AlError): AL110 if there is no run, AL128."""
    with Store(project.database, create=False) as store:
        return list_answers(store, filters)


def answer_lines(project: Project, rows: Iterable[AnswerRow]) -> Iterator[dict[str, Any]]:
    """Answers as `export` writes them, with what became of each beside it; `correct` and `import` take them back."""
    rows = list(rows)
    with Store(project.database, create=False) as store:
        rounds = trained_with(store, [row.said for row in rows])
    for row in rows:
        said = row.said
        more = {
            "number": said.answer.seq,
            "at": format_moment(said.answer.at),
            "entered_by": said.answer.by or said.answer.annotator,
            "state": said.state,
            "changed_at": None if said.changed_at is None else format_moment(said.changed_at),
            "changed_by": said.changed_by,
            "round": row.asked.round,
            "purpose": row.asked.purpose,
            "flagged_by": row.flagged,
            "disagreement": row.disagreement,
            "overruled": row.overruled,
            "trained": rounds[said.answer.seq],
        }
        yield {**answered_line(row.asked, said.answer), SAID: more}


def write_answers(project: Project, rows: Iterable[AnswerRow], path: Path) -> int:
    """Write answers as JSONL, and count them. RAISES (AlError): AL047 if the file cannot be written."""
    count = 0
    with writing(path) as file:
        for line in answer_lines(project, rows):
            file.write(json.dumps(line, sort_keys=True, allow_nan=False) + "\n")
            count += 1
    return count


def look_at_withdrawal(project: Project, numbers: Iterable[int], kind: str) -> list[str]:
    """What it would mean to undo or delete answers. Arguments and errors as of `preview_withdrawal`."""
    with Store(project.database, create=False) as store:
        return [one for number in numbers for one in preview_withdrawal(store, number, kind)]


def take_back(project: Project, numbers: Iterable[int], kind: str, by: str) -> None:
    """Undo or delete answers, one after the other. Arguments and errors as of `withdraw`."""
    with Store(project.database, create=False) as store:
        for number in numbers:
            withdraw(store, number, kind, id=f"{kind}-{secrets.token_hex(12)}", by=by)


def read_corrections(project: Project, path: Path) -> tuple[list[Correction], int]:
    """What a file says differently than the answers that count, and how many of its lines say the same.

    path (Path): JSONL as `write_answers` makes it; who said it and what was asked stay, what was said is changed.
    RAISES (AlError): AL127 with the line that cannot be used; AL110 if there is no run.
    """
    found: dict[tuple[str, str], Correction] = {}
    same = 0
    with Store(project.database, create=False) as store:
        tasks = {stored.id: stored for stored in store.tasks()}
        counting = {(one.task, one.annotator): one.payload for one in store.answers()}
        for where, line in read_json(path):
            with _named(where):
                if not isinstance(line, dict):
                    raise ValueError(
                        line if isinstance(line, ValueError) else "it is no answered task"
                    )
                stored = tasks.get(str(line.get(TASK)))
                if stored is None or line.get("text") != stored.task["text"]:
                    raise ValueError(f"its '{TASK}' is of no question about its text")
                annotator = line.get(ANNOTATOR)
                before = (
                    store.answers_of(stored.id, annotator) if isinstance(annotator, str) else []
                )
                if not before:
                    raise ValueError(f"{annotator!r:.80} has not answered this question")
                if line.get("answer") is None:
                    raise ValueError("it has no 'answer'")
                labels = store.labels()
                reading = Reading(task_kind(stored.task), run_labels=labels)
                said = payload_of(as_named_now(line, labels), stored.task, reading, where)
                payload = check(stored.task, said)
                key = (stored.id, str(annotator))
                if key in found:
                    raise ValueError("an earlier line corrects the same answer")
                if _said(counting.get(key)) == _said(payload):
                    same += 1
                    continue
                last = max(
                    store.read("SELECT seq FROM answers WHERE task = ? AND annotator = ?", key)
                )
                # the same file once more, after an interruption, says nothing new
                id = f"correct-{last[0]}-{content_hash(json.dumps([*key, payload]))}"
                found[key] = Correction(*key, payload, id)
    return [*found.values()], same


def correct(project: Project, corrections: Iterable[Correction], by: str) -> None:
    """Store corrections: answers like others, of those who gave the ones that they correct."""
    with Store(project.database, create=False) as store:
        for one in corrections:
            writer = None if by == one.annotator else by
            store.add_answer(one.task, one.payload, id=one.id, annotator=one.annotator, by=writer)


def format_moment(at: float) -> str:
    """A time as JSON has it, in UTC."""
    return datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="seconds")


@contextmanager
def _named(where: str) -> Iterator[None]:
    """RAISES (AlError): AL127 that names the line."""
    try:
        yield
    except AlError as error:
        if error.code != "AL115":
            raise
        raise AlError(Errors.AL127.format(where=where, why=error.text)) from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise AlError(Errors.AL127.format(where=where, why=error)) from error


def _said(payload: dict[str, Any] | None) -> dict[str, Any] | None:
    return payload and {name: value for name, value in payload.items() if name != "trimmed"}

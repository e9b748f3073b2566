"""Records that the database of a run hands out."""

from dataclasses import dataclass
from typing import Any, TypedDict

from spacy_al.tasks.answer import YES_NO_FORMS
from spacy_al.tasks.task import Task
from spacy_al.util import content_hash

STATES = ("train", "evaluate", "select", "wait", "done", "stopped")
PURPOSES = ("train", "dev", "review")
# Of a task that asks somebody else what was answered already; and the end of its id
SECOND = "second"


@dataclass(frozen=True)
class Round:
    """Where a round stands.

    number (int): From 0.
    state (str): One of `STATES`.
    upto (int): The last answer that it trains on, by its `seq`.
    """

    number: int
    state: str
    upto: int


@dataclass(frozen=True)
class StoredTask:
    """A task that is asked.

    id (str): `r003-<hash of the text>`, with the purpose after it where it is not training, and a hash of the question where
        it is a yes or no: there can be many about a text; `second` where it asks for a second opinion.
    round (int): The round that asks it.
    item (str): The id of its text.
    purpose (str): One of `PURPOSES`.
    rank (int): In which order to ask, from 1 in each round and purpose.
    task (Task): What was shown.
    """

    id: str
    round: int
    item: str
    purpose: str
    rank: int
    task: Task


@dataclass(frozen=True)
class StoredAnswer:
    """An answer as it counts.

    seq (int): In which order answers came.
    id (str): Made by the front end.
    task (str): The id of its task.
    annotator (str): Whose.
    payload (dict): As `answers.check` returns it.
    seconds (float | None): That it took.
    at (float): When, in seconds since 1970.
    by (str | None): Who wrote it down, where that was somebody else.
    """

    seq: int
    id: str
    task: str
    annotator: str
    payload: dict[str, Any]
    seconds: float | None
    at: float
    by: str | None = None


class StoredModel(TypedDict):
    """A model of a round: a hash of its weights, where it is, the seconds that it took to train, and by what it was made."""

    hash: str
    path: str
    seconds: float | None
    versions: dict[str, str]


class Event(TypedDict):
    """Something that happened, and when."""

    seq: int
    at: float
    kind: str
    data: dict[str, Any]


def task_id(number: int, text: str, purpose: str) -> str:
    """The id of the question about a text in a round."""
    return f"r{number:03}-{content_hash(text)}" + ("" if purpose == "train" else f"-{purpose}")


def question_id(number: int, task: Task, purpose: str) -> str:
    """The id of a task in a round; of a yes or no with the hash of its question, as there can be many about a text; of a second
    opinion with a word that says so."""
    identity = task_id(number, task["text"], purpose)
    if SECOND in task:
        return f"{identity}-{SECOND}"
    if task.get("_view_id") not in YES_NO_FORMS:
        return identity
    return f"{identity}-{task['_task_hash'] & 0xFFFFFFFF:08x}"

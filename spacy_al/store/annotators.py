"""Who has answered how much, how fast, and how far any two of them say the same."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from statistics import median
from typing import Any, TypedDict

from spacy_al.measures.agreement import agreement, cohen_kappa
from spacy_al.metrics import Agreement
from spacy_al.store.desk import held
from spacy_al.store.store import Store
from spacy_al.tasks.answer import YES_NO_FORMS, task_kind
from spacy_al.tasks.decision import decided_tokens
from spacy_al.tasks.records import StoredAnswer
from spacy_al.tasks.task import Task


class AnnotatorRow(TypedDict):
    """The work of one annotator."""

    name: str
    answers: int
    accept: int
    reject: int
    ignore: int
    seconds: float | None
    words_per_minute: float | None
    held: list[str]


class PairRow(Agreement):
    """How far two annotators say the same."""

    pair: list[str]
    tasks: int
    verdicts: float | None


class Annotators(TypedDict):
    """Who has answered, and how far any two agree."""

    annotators: list[AnnotatorRow]
    agreement: list[PairRow]


def annotators(store: Store) -> Annotators:
    """Counts, speed and agreement so far, of the answers that count.

    store (Store): The run.
    RETURNS (Annotators): `annotators`, by name: `answers`, `accept`, `reject`, `ignore`, `seconds` (the median of an answer) and
        `words_per_minute` (words decided), both None where no time is known; `held`, ids of the tasks that they have got in
        the latest round and not answered yet. `agreement`, of every two who have answered
        the same tasks: `pair`, `tasks`, `verdicts` (kappa of accept and reject), and `kappa` and `span_f1` of what both
        accepted beyond a mere yes, as `measures.agreement` has them: None where chance or nothing would do as well. Tasks
        that either ignored do not count there. Plain data.
    """
    tasks = {stored.id: stored.task for stored in store.tasks()}
    given: dict[str, dict[str, StoredAnswer]] = {}
    for answer in store.answers():
        given.setdefault(answer.annotator, {})[answer.task] = answer
    got = held(store)
    names = sorted(given)
    pairs = [_pair(names, given, tasks) for names in combinations(names, 2)]
    return {
        "annotators": [
            _one(name, [*given.get(name, {}).values()], tasks, got.get(name, []))
            for name in sorted({*given, *got})
        ],
        "agreement": [pair for pair in pairs if pair["tasks"]],
    }


def _one(
    name: str, answers: Sequence[StoredAnswer], tasks: dict[str, Task], held: list[str]
) -> AnnotatorRow:
    verdicts = Counter(answer.payload["answer"] for answer in answers)
    timed = [answer for answer in answers if answer.seconds]
    seconds = sum(answer.seconds or 0.0 for answer in timed)
    words = sum(len(decided_tokens(tasks[answer.task], answer.payload)) for answer in timed)
    return {
        "name": name,
        "answers": len(answers),
        "accept": verdicts["accept"],
        "reject": verdicts["reject"],
        "ignore": verdicts["ignore"],
        "seconds": median(answer.seconds or 0.0 for answer in timed) if timed else None,
        "words_per_minute": 60 * words / seconds if timed else None,
        "held": held,
    }


def _pair(
    names: tuple[str, str],
    given: dict[str, dict[str, StoredAnswer]],
    tasks: dict[str, Task],
) -> PairRow:
    first, second = (given[name] for name in names)
    both = [
        (task, first[task].payload, second[task].payload)
        for task in first
        if task in second
        and "ignore" not in (first[task].payload["answer"], second[task].payload["answer"])
    ]
    verdicts = zip(*((one["answer"], other["answer"]) for _, one, other in both))
    accepted = [
        (tasks[task], one, other)
        for task, one, other in both
        if one["answer"] == other["answer"] == "accept"
        and tasks[task]["_view_id"] not in YES_NO_FORMS
    ]
    found: Agreement = {"kappa": None, "span_f1": None}
    if accepted:
        found = agreement(
            [_labels(one) for _, one, _ in accepted],
            [_labels(other) for _, _, other in accepted],
            task_kind(accepted[0][0]),
            lengths=[len(task.get("tokens", ())) for task, _, _ in accepted],
        )
    return {
        "pair": [*names],
        "tasks": len(both),
        "verdicts": cohen_kappa(*verdicts) if both else None,
        **found,
    }


def _labels(payload: dict[str, Any]) -> list[Any]:
    """The labels that were accepted, as `measures.agreement` takes it."""
    if "accept" in payload:
        return list(payload["accept"])
    return [(s["token_start"], s["token_end"] + 1, s["label"]) for s in payload["spans"]]

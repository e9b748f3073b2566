"""The answers of a run as a list that can be searched: who said what when, what became of it, and which models saw it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from spacy_al.errors import Errors, UsageError
from spacy_al.metrics import ConsensusMetrics, Overruled
from spacy_al.store.desk import flags
from spacy_al.store.history import COUNTS, Said, all_said, find_said
from spacy_al.store.store import Store
from spacy_al.tasks.answer import VERDICTS, YES_NO_FORMS, task_kind
from spacy_al.tasks.decision import annotation
from spacy_al.tasks.given import group_tasks, last_answers
from spacy_al.tasks.records import PURPOSES, StoredAnswer, StoredTask
from spacy_al.tasks.text_decision import decide_text

# Whether the answers about a text contradict each other
OPEN, SETTLED = "open", "settled"


@dataclass(frozen=True)
class AnswerRow:
    """An answer in the list.

    said (Said): The answer, and what became of it.
    asked (StoredTask): What it is an answer to.
    marks (list[str]): What it marks or chooses, in words: "aspirin DRUG", or a category.
    labels (frozenset[str]): The labels of these.
    flagged (list[str]): Who says that somebody should look at the question.
    disagreement (str): "open" where the answers about the text contradict each other, "settled" where a review or a consensus has settled
        that, or "".
    overruled (Overruled | None): What a consensus left out of the answer and put in, when the latest model was trained.
    """

    said: Said
    asked: StoredTask
    marks: list[str] = field(default_factory=list)
    labels: frozenset[str] = frozenset()
    flagged: list[str] = field(default_factory=list)
    disagreement: str = ""
    overruled: Overruled | None = None


@dataclass(frozen=True)
class Filters:
    """Which answers are listed; None lets all through.

    text (str | None): A part of the text, in capitals or not.
    label (str | None): That it marks or chooses.
    annotator (str | None): Whose.
    round (int | None): That asked.
    answer (str | None): "accept", "reject" or "ignore".
    since, until (float | None): When it was given, in seconds since 1970; from the first and before the second.
    flagged, disagreement (bool): Those alone that somebody flagged, or about whose text answers contradict each other.
    all (bool): Answers that do not count any more as well.
    """

    text: str | None = None
    label: str | None = None
    annotator: str | None = None
    round: int | None = None
    answer: str | None = None
    since: float | None = None
    until: float | None = None
    flagged: bool = False
    disagreement: bool = False
    all: bool = False

    def lets_through(self, row: AnswerRow) -> bool:
        """Whether an answer is listed."""
        said, when = row.said.answer, row.said.answer.at
        return (
            (self.all or row.said.state == COUNTS)
            and (self.text is None or self.text.casefold() in row.asked.task["text"].casefold())
            and (self.label is None or self.label in row.labels)
            and self.annotator in (None, said.annotator)
            and self.round in (None, row.asked.round)
            and self.answer in (None, said.payload["answer"])
            and (self.since is None or self.since <= when)
            and (self.until is None or when < self.until)
            and (not self.flagged or bool(row.flagged))
            and (not self.disagreement or bool(row.disagreement))
        )


def list_answers(store: Store, filters: Filters | None = None) -> list[AnswerRow]:
    """The answers of a run that are asked for, the newest first.

    RAISES (AlError): AL128 for a label, an annotator, a round or a verdict that the run does not have.
    """
    filters = filters or Filters()
    said = all_said(store)
    tasks = {stored.id: stored for stored in store.tasks()}
    _check(store, filters, said, tasks)
    flagged, settled = flags(store), last_consensus(store)
    found = disagreements(store, said, settled)
    overruled = overruled_answers(settled)
    rows = (
        replace(
            _row(one, tasks[one.answer.task], flagged, found),
            overruled=overruled.get(one.answer.seq),
        )
        for one in sorted(said, key=lambda one: -one.answer.seq)
    )
    return [row for row in rows if filters.lets_through(row)]


def last_consensus(store: Store) -> ConsensusMetrics | None:
    """What a consensus settled when the latest model was trained."""
    rounds = store.metrics()
    return rounds[max(rounds)].get("consensus") if rounds else None


def overruled_answers(settled: ConsensusMetrics | None) -> dict[int, Overruled]:
    """What a consensus overruled, by the number of the answer."""
    every = settled["overruled"].values() if settled else ()
    return {one["answer"]: one for by in every for one in by.values()}


def disagreements(
    store: Store, said: list[Said], settled: ConsensusMetrics | None = None
) -> dict[str, str]:
    """Text -> "open" or "settled", of the texts about which the answers that count contradict each other.

    said (list[Said]): All of them, as `all_said` has them.
    settled (ConsensusMetrics | None): What a consensus has settled.
    """
    found = {}
    by_consensus = settled["settled"] if settled else {}
    for own, given, how in _texts(store, store.tasks(), said, None):
        asked = [one for one in own if one.purpose != "review"]
        if decide_text(asked, given, Counter(), **how)[1]:
            reviewed = any(one.id in given for one in own if one.purpose == "review")
            still = not reviewed or decide_text(own, given, Counter(), **how)[1]
            is_settled = not still or own[0].item in by_consensus
            found[own[0].item] = SETTLED if is_settled else OPEN
    return found


def trained_with(store: Store, said: list[Said]) -> dict[int, list[int]]:
    """Of answers, by their `seq`: the rounds whose models were trained with them. What contradicted something then was not, unless a
    consensus settled it; then those it did not overrule were.

    said (list[Said]): Of `all_said`, of one task or all.
    """
    numbers = {one.answer.seq: list[int]() for one in said}
    wanted = {one.answer.task for one in said}
    items = {stored.item for stored in store.tasks() if stored.id in wanted}
    tasks = [stored for stored in store.tasks() if stored.item in items]
    everything, models, metrics = all_said(store), store.models(), store.metrics()
    for round in store.rounds():
        if round.number not in models:
            continue
        for own, given, how in _texts(store, tasks, everything, round.upto, ("train",)):
            settled = metrics.get(round.number, {}).get("consensus")
            is_settled = settled is not None and own[0].item in settled["settled"]
            if not is_settled and decide_text(own, given, Counter(), **how)[1]:
                continue
            overruled = overruled_answers(settled)
            for task in own:
                for one in given.get(task.id, ()):
                    teaches = one.payload["answer"] != "ignore" and one.seq not in overruled
                    teaches = teaches and not annotation(task.task, one.payload, **how).reason
                    if teaches and one.seq in numbers:
                        numbers[one.seq].append(round.number)
    return numbers


def _texts(
    store: Store,
    tasks: Iterable[StoredTask],
    said: list[Said],
    upto: int | None,
    purposes: Iterable[str] = PURPOSES[:2],
) -> Iterable[tuple[list[StoredTask], dict[str, list[StoredAnswer]], dict[str, Any]]]:
    """Of each text that was answered: its tasks, their answers that counted then, and what `decide_text` has to know."""
    tasks = list(tasks)
    if not tasks:
        return
    names = [*store.labels().names, *(label for one in tasks for label in one.task["labels"])]
    how = {"kind": task_kind(tasks[0].task), "labels": [*dict.fromkeys(names)]}
    standing = [
        one.answer for one in said if (one.state == COUNTS if upto is None else one.stands_at(upto))
    ]
    given = last_answers(standing, {one.id for one in tasks}, Counter())
    for purpose in purposes:
        for own in group_tasks(tasks, purpose):
            if any(one.id in given for one in own):
                yield own, given, how


def _row(
    said: Said, asked: StoredTask, flagged: Mapping[str, list[str]], found: Mapping[str, str]
) -> AnswerRow:
    marks, labels = _marks(asked, said.answer.payload)
    return AnswerRow(
        said, asked, marks, labels, flagged.get(asked.id, []), found.get(asked.item, "")
    )


def _marks(asked: StoredTask, payload: Mapping[str, Any]) -> tuple[list[str], frozenset[str]]:
    """What an answer marks or chooses, in words, and the labels of that."""
    if task_kind(asked.task) == "categories":
        chosen = list(payload.get("accept", ()))
        if asked.task.get("_view_id") in YES_NO_FORMS:
            # a no is about the label as well
            return chosen, frozenset([*asked.task["labels"][:1], *chosen])
        return chosen, frozenset(chosen)
    spans, text = payload.get("spans", ()), asked.task["text"]
    marks = [f"{text[span['start'] : span['end']]} {span['label']}" for span in spans]
    return marks, frozenset(span["label"] for span in spans)


def _check(
    store: Store, filters: Filters, said: list[Said], tasks: Mapping[str, StoredTask]
) -> None:
    names = [*store.labels().names, *(x for one in tasks.values() for x in one.task["labels"])]
    known: dict[str, list[Any]] = {
        "label": [*dict.fromkeys(names)],
        "annotator": sorted({one.answer.annotator for one in said}),
        "round": [round.number for round in store.rounds()],
        "answer": [*VERDICTS],
    }
    for one in fields(filters):
        value = getattr(filters, one.name)
        if one.name in known and value is not None and value not in known[one.name]:
            message = Errors.AL128.format(
                what=one.name, found=value, known=", ".join(map(str, known[one.name])) or "none yet"
            )
            raise UsageError(message)


def describe_row(row: AnswerRow) -> str:
    """An answer in one sentence."""
    said, text = row.said.answer, " ".join(row.asked.task["text"].split())
    text = text if len(text) <= 60 else f"{text[:60]}…"
    marks = f": {', '.join(row.marks)}" if row.marks else ""
    return f"{said.annotator} said {said.payload['answer']} to “{text}”{marks}."


def find_row(store: Store, number: int) -> AnswerRow:
    """The row of an answer by its number, without what others say of its text. RAISES (AlError): AL125 if there is none."""
    said = find_said(store, number)
    return _row(said, next(store.tasks_where(" WHERE id = ?", (said.answer.task,))), {}, {})

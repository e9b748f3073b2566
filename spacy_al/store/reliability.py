"""How good each annotator of a run is, at which label, and whether a model could take the place of one: of texts that several have answered."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy

from spacy_al.consensus.alpha import krippendorff_alpha
from spacy_al.consensus.alt_test import alt_test
from spacy_al.consensus.reliability import (
    FEWEST,
    Reliability,
    category_reliability,
    interval,
    span_reliability,
)
from spacy_al.measures.agreement import iob_labels, span_f1
from spacy_al.measures.interval import share_interval
from spacy_al.store.gold import gold_answers
from spacy_al.store.store import Store
from spacy_al.store.votes import (
    SharedText,
    has_one_label,
    label_votes,
    model_marks,
    shared_texts,
    span_votes,
)
from spacy_al.tasks.answer import YES_NO_FORMS, task_kind
from spacy_al.tasks.decision import Mark
from spacy_al.tasks.records import StoredAnswer, StoredTask
from spacy_al.types import Floats

# Of fewer people nobody can tell who is right more often
PEOPLE = 3
# An option counts as the model's answer from this probability on, where any number can be right
LIKELY = 0.5


class Supposed(TypedDict):
    """A share, and where it probably lies (19 times in 20)."""

    value: float
    low: float
    high: float


class LabelSkill(TypedDict):
    """How good somebody is at one label: the share of what they say that is right, of what is there that they find; of how many."""

    right: Supposed
    finds: Supposed | None
    n: int


class Skill(TypedDict):
    """How good somebody is. score: how much their answers tell, 0 for a spammer and 1 at best; shared: what they and others have answered."""

    name: str
    shared: int
    right: Supposed
    finds: Supposed | None
    score: Supposed
    is_spammer: bool
    labels: dict[str, LabelSkill]


class Replacement(TypedDict):
    """Whether the model that asked could take the place of one of the people: the share of them than whom it is no worse."""

    rate: float
    advantage: float
    annotators: list[str]
    is_passed: bool


class GoldScore(TypedDict):
    """Gold questions that somebody has answered, and those of them that are right in all; between: where their share probably lies."""

    asked: int
    right: int
    between: tuple[float, float]


class People(TypedDict):
    """How good people are; gold: by the questions whose answers are known; alpha: how far all of them say the same."""

    skills: list[Skill]
    gold: dict[str, GoldScore]
    alpha: Supposed | None
    replacement: Replacement | None


def people(store: Store) -> People:
    """How good each annotator is, with intervals; nothing of fewer than three who have answered the same texts, unless ten gold questions were
    answered.

    RETURNS (People): Plain data.
    """
    tasks = list(store.tasks())
    if not tasks:
        return {"skills": [], "gold": {}, "alpha": None, "replacement": None}
    return judge_people(tasks, list(store.answers()), store.labels().names, gold_answers(store))


def judge_people(
    tasks: Sequence[StoredTask],
    answers: Sequence[StoredAnswer],
    names: Sequence[str],
    gold: Mapping[str, Any] | None = None,
) -> People:
    """The same of tasks and answers. names: The labels of the run. gold: Of gold questions the right answers."""
    kind = task_kind(tasks[0].task)
    known = (label for one in tasks for label in one.task["labels"])
    labels = [*dict.fromkeys([*names, *known])]
    texts = shared_texts(tasks, answers, kind=kind, labels=labels, gold=gold)
    shared = [text for text in texts if len(text.opinions) > 1]
    found: People = {
        "skills": [],
        "gold": _gold_scores(texts),
        "alpha": _alpha(shared, kind),
        "replacement": None,
    }
    who = {name for text in shared for name in text.opinions}
    n_known = sum(one["asked"] for one in found["gold"].values())
    if len(who) >= PEOPLE or n_known >= FEWEST:
        found["skills"] = _skills(texts, kind, labels)
    if len(who) >= PEOPLE:
        found["replacement"] = _replacement(texts, kind, sorted(who))
    return found


def _gold_scores(texts: Sequence[SharedText]) -> dict[str, GoldScore]:
    asked, right = Counter[str](), Counter[str]()
    for text in texts:
        if text.rights:
            for name, said in text.opinions.items():
                asked[name] += 1
                # of several questions about a text not everybody has answered all
                right[name] += all(
                    one.accepted == text.rights[answer.task].accepted
                    for answer, one in said
                    if answer.task in text.rights
                )
            # whose no to all of it is as wrong as any other answer
            asked.update(text.rejected)
    return {
        name: {"asked": n, "right": right[name], "between": share_interval(right[name], n)}
        for name, n in sorted(asked.items())
    }


def _skills(texts: Sequence[SharedText], kind: str, labels: Sequence[str]) -> list[Skill]:
    if has_one_label(texts, kind):
        votes = label_votes(texts, kind=kind, labels=labels if kind == "categories" else ())
        return _rows(category_reliability(votes), votes.annotator_names, votes.label_names)
    spans = span_votes(texts, kind=kind)
    return _rows(span_reliability(spans), spans.annotator_names, spans.label_names)


def _rows(found: Reliability, people: Sequence[str], labels: Sequence[str]) -> list[Skill]:
    spammers = found.spammers
    rows = list[Skill]()
    for j, name in enumerate(people):
        if found.n_shared[j] < FEWEST:
            continue
        own: dict[str, LabelSkill] = {}
        for k, label in enumerate(labels):
            if found.n_by_label[j, k] >= FEWEST and found.right_by_label is not None:
                more = found.finds_by_label
                own[label] = {
                    "right": _estimate(found.right_by_label[:, j, k]),
                    "finds": None if more is None else _estimate(more[:, j, k]),
                    "n": round(float(found.n_by_label[j, k])),
                }
        rows.append(
            {
                "name": name,
                "shared": int(found.n_shared[j]),
                "right": _estimate(found.right[:, j]),
                "finds": None if found.finds is None else _estimate(found.finds[:, j]),
                "score": _estimate(found.score[:, j]),
                "is_spammer": j in spammers,
                "labels": own,
            }
        )
    return rows


def _estimate(draws: Floats) -> Supposed:
    value, low, high = (round(one, 4) for one in interval(draws))
    return {"value": value, "low": low, "high": high}


def _alpha(texts: Sequence[SharedText], kind: str) -> Supposed | None:
    """Krippendorff's alpha: of texts by their category, else of tokens, drawn by text."""
    rows, groups = list[dict[Any, int]](), list[int]()
    for number, text in enumerate(texts):
        units: dict[Any, dict[Any, int]] = {}
        for said in text.opinions.values():
            for unit, label in _units(text, {m for _, one in said for m in one.accepted}, kind):
                own = units.setdefault(unit, {})
                own[label] = own.get(label, 0) + 1
        rows += units.values()
        groups += [number] * len(units)
    names = {label: n for n, label in enumerate(sorted({x for row in rows for x in row}))}
    counts = numpy.zeros((len(rows), len(names)))
    for i, row in enumerate(rows):
        for label, n in row.items():
            counts[i, names[label]] = n
    found = krippendorff_alpha(counts, numpy.array(groups, dtype="i8")) if rows else None
    if found is None:
        return None
    value, low, high = (round(one, 4) for one in found)
    return {"value": value, "low": low, "high": high}


def _units(text: SharedText, marks: set[Mark], kind: str) -> list[tuple[Any, str]]:
    """What somebody says of each unit of a text."""
    task = text.tasks[0].task
    if kind == "categories":
        if has_one_label([text], kind):
            return [("", label) for _, _, label in marks]
        return [(label, str((0, 0, label) in marks)) for label in task["labels"]]
    if kind == "entities":
        return list(enumerate(iob_labels(sorted(marks), len(task["tokens"]))))
    if kind == "tags":
        return [(start, label) for start, _, label in marks]
    # spans may overlap: each that anybody marked is a unit
    return [(mark, str(mark in marks)) for mark in {m for one in text.all for m in one.accepted}]


def _replacement(
    texts: Sequence[SharedText], kind: str, people: Sequence[str]
) -> Replacement | None:
    """The alternative annotator test of what the models said with the questions."""
    ours: Mapping[str, list[float]] = {name: [] for name in people}
    theirs: Mapping[str, list[float]] = {name: [] for name in people}
    for text in texts:
        first = text.tasks[0].task
        if len(text.opinions) < PEOPLE or first["_view_id"] in YES_NO_FORMS:
            continue
        believed = model_marks(first, kind)
        if not first["meta"].get("model") or (kind == "categories" and not believed):
            continue
        guess = _as_answer(believed, kind, has_one_label([text], kind), first)
        said = {
            name: {mark for _, one in pairs for mark in one.accepted}
            for name, pairs in text.opinions.items()
        }
        for name, marks in said.items():
            others = [other for who, other in said.items() if who != name]
            ours[name].append(float(numpy.mean([_near(guess, other) for other in others])))
            theirs[name].append(float(numpy.mean([_near(marks, other) for other in others])))
    found = alt_test(
        [numpy.array(ours[name]) for name in people], [numpy.array(theirs[name]) for name in people]
    )
    if found is None:
        return None
    return {
        "rate": round(found.rate, 4),
        "advantage": round(found.advantage, 4),
        "annotators": [people[k] for k in found.annotators],
        "is_passed": found.is_passed,
    }


def _as_answer(
    believed: Mapping[Mark, float], kind: str, has_one: bool, task: Mapping[str, Any]
) -> set[Mark]:
    """What a model would have answered."""
    if kind == "categories" and has_one:
        return {max(believed, key=lambda mark: believed[mark])}
    if kind == "categories":
        return {mark for mark, prob in believed.items() if prob >= LIKELY}
    return {(s["token_start"], s["token_end"] + 1, s["label"]) for s in task.get("spans", ())}


def _near(one: set[Mark], other: set[Mark]) -> float:
    """How near two answers to one text are: the F score of their marks, 1 where neither has any."""
    found = span_f1([sorted(one)], [sorted(other)])
    return 1.0 if found is None else found

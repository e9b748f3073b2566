"""Second opinions: texts that were answered, asked of somebody else where that is worth most."""

import numpy

from spacy_al.config.project import Project
from spacy_al.consensus.mace import mace
from spacy_al.consensus.reask import gain_of_answer, gain_of_check
from spacy_al.consensus.spans import SpanVotes, span_consensus
from spacy_al.consensus.votes import Votes
from spacy_al.loop.again import KEPT
from spacy_al.loop.answers import all_labels
from spacy_al.store.desk import opened
from spacy_al.store.gold import without_gold
from spacy_al.store.store import Store
from spacy_al.store.votes import (
    SharedText,
    has_one_label,
    label_votes,
    shared_texts,
    span_votes,
)
from spacy_al.tasks.answer import YES_NO_FORMS
from spacy_al.tasks.records import SECOND
from spacy_al.tasks.task import Task
from spacy_al.types import Floats

# Of fewer people nobody can tell who is right more often
PEOPLE = 3
# Texts that two have answered, of fewer of which the same is so
FEWEST = 10


def second_opinions(store: Store, project: Project, number: int) -> list[Task]:
    """The questions of a round for a second opinion: a share of its batch, those first whose answer would make the consensus surest.

    There are none before three people have answered ten texts together, since nobody knows by then who is right more often. A text is asked
    by one round at most, and not where a review is to settle it.
    """
    settings = project.settings
    n = int(settings.reask * settings.batch_size)
    if not n:
        return []
    tasks, answers = without_gold(store, store.tasks()), list(store.answers())
    labels, kind = all_labels(store, project, tasks), project.kind
    texts = shared_texts(tasks, answers, kind=kind, labels=labels, least=1)
    shared = [text for text in texts if len(text.opinions) > 1]
    people = sorted({who for text in shared for who in text.opinions})
    if len(people) < PEOPLE or len(shared) < FEWEST:
        return []
    gains = worth_of_answers(texts, people, kind, labels)
    found: list[tuple[float, str, Task]] = []
    for text, row in zip(texts, gains):
        first = text.tasks[0]
        open_ = [k for k, who in enumerate(people) if who not in text.opinions]
        known = any(one.purpose != "train" or SECOND in one.task for one in text.tasks)
        if known or not open_ or first.task["_view_id"] in YES_NO_FORMS:
            continue
        task = opened(store, first).task
        # how the text was drawn is told of its first question alone
        meta = {key: value for key, value in task.get("meta", {}).items() if key in KEPT}
        meta |= {"round": number, "strategy": "second opinion", "component": settings.component}
        again: Task = {**task, "meta": meta, SECOND: first.id}
        # whoever comes first is asked
        found.append((-float(row[open_].mean()), text.item, again))
    return [task for gain, _, task in sorted(found, key=lambda one: one[:2])[:n] if gain < 0]


def worth_of_answers(
    texts: list[SharedText], people: list[str], kind: str, labels: list[str]
) -> Floats:
    """How much surer an answer of each of some people would make the consensus on each text, shape (n_texts, n_people)."""
    gains = numpy.zeros((len(texts), len(people)))
    rows = {text.item: row for row, text in enumerate(texts)}
    if has_one_label(texts, kind):
        votes = label_votes(texts, kind=kind, labels=labels if kind == "categories" else ())
        _add_label_gains(gains, votes, rows, people, kind)
    else:
        _add_span_gains(gains, span_votes(texts, kind=kind), rows, people)
    return gains


def _add_label_gains(
    gains: Floats, votes: Votes, rows: dict[str, int], people: list[str], kind: str
) -> None:
    fitted = mace(votes)
    items = [rows[one if kind == "categories" else one[0]] for one in votes.item_names]
    for column, who in enumerate(votes.annotator_names):
        if who in people:
            own = gain_of_answer(fitted.probs, float(fitted.knows[column]), fitted.guesses[column])
            numpy.add.at(gains, (items, people.index(who)), own)


def _add_span_gains(
    gains: Floats, votes: SpanVotes, rows: dict[str, int], people: list[str]
) -> None:
    model = span_consensus(votes)
    sure = numpy.clip(model.probs, 1e-9, 1 - 1e-9)
    odds = numpy.log(sure) - numpy.log1p(-sure)
    items = [rows[votes.text_names[text]] for text in votes.texts]
    for column, who in enumerate(votes.annotator_names):
        if who in people:
            finds, spurious = model.finds[column], model.spurious[column]
            own = gain_of_check(odds, finds[votes.labels], spurious[votes.labels])
            numpy.add.at(gains, (items, people.index(who)), own)

"""Answers that contradict each other settled by a consensus: what trains in their place, and what of whom it overrules."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy

from spacy_al.consensus.apart import best_apart
from spacy_al.consensus.dawid_skene import dawid_skene
from spacy_al.consensus.mace import mace
from spacy_al.consensus.majority import majority
from spacy_al.consensus.setting import MACE, MAJORITY, NONE, Consensus
from spacy_al.consensus.spans import SpanVotes, span_consensus, span_majority
from spacy_al.consensus.votes import Votes
from spacy_al.metrics import ConsensusMetrics, Overruled
from spacy_al.store.votes import (
    SharedText,
    has_one_label,
    label_votes,
    model_marks,
    shared_texts,
    span_votes,
)
from spacy_al.tasks.decision import Annotation, Mark
from spacy_al.tasks.records import StoredAnswer, StoredTask
from spacy_al.tasks.text_decision import decide_text
from spacy_al.types import Floats

# Of fewer annotators nobody can tell who is right more often
FEWEST = 3
# A convention: on a dozen of texts two who are wrong alike have overruled one who was right
FEWEST_TEXTS = 50
# Two that are as likely as each other, but for rounding
TIE = 1e-9


@dataclass(frozen=True)
class Settled:
    """What a consensus makes of answers that contradict each other.

    method (str): Of the consensus.
    texts (dict[str, Annotation]): Text -> what is there.
    probs (dict[str, float]): Text -> how probably the least sure decision on it is right.
    overruled (dict): Question -> annotator -> what was left out of their answer, and put in.
    left (int): Texts that it does not settle: ties, and those that are less sure than the config wants.
    why (str): Why it settles nothing at all, or "".
    """

    method: str = NONE
    texts: dict[str, Annotation] = field(default_factory=dict)
    probs: dict[str, float] = field(default_factory=dict)
    overruled: dict[str, dict[str, Overruled]] = field(default_factory=dict)
    left: int = 0
    why: str = ""

    def as_metrics(self) -> ConsensusMetrics:
        """Plain data."""
        return {
            "method": self.method,
            "settled": {item: round(prob, 4) for item, prob in self.probs.items()},
            "overruled": self.overruled,
            "left": self.left,
        }


def settle(
    tasks: Iterable[StoredTask],
    answers: Iterable[StoredAnswer],
    consensus: Consensus,
    kind: str,
    labels: Sequence[str],
    gold: Mapping[str, Any] | None = None,
) -> Settled:
    """Settle what answers contradict each other about and nobody has reviewed. The order of tasks and answers makes no difference.

    tasks, answers, kind, labels: As for `merge`.
    consensus (Consensus): Who decides; "none" settles nothing.
    gold (Mapping | None): Of gold questions the right answers, by which people are known as well; there is nothing to settle about them.
    """
    if consensus.method == NONE:
        return Settled()
    texts = shared_texts(tasks, answers, kind=kind, labels=labels, gold=gold)
    open_ = [text for text in texts if text.gold is None and _is_open(text, kind, labels)]
    if not open_:
        return Settled(consensus.method)
    people = {who for text in texts for who in text.opinions}
    if consensus.method != MAJORITY and len(people) < FEWEST:
        why = f"{len(people)} people have answered the same texts, and it takes {FEWEST} to tell who is right more often"
        return Settled(consensus.method, left=len(open_), why=why)
    if consensus.method != MAJORITY and len(texts) < FEWEST_TEXTS:
        why = f"{len(texts)} texts have several answers, and it takes {FEWEST_TEXTS} to tell who is right more often"
        return Settled(consensus.method, left=len(open_), why=why)
    if has_one_label(texts, kind):
        decided = _labels(texts, consensus, kind, labels)
    else:
        decided = _spans(texts, consensus, kind)
    settled = Settled(consensus.method)
    left = 0
    for text in open_:
        marks, prob = decided[text.item]
        # who says no to a whole text has not said what is wrong with it
        if prob <= consensus.least + TIE or len(text.rejected) >= len(text.opinions):
            left += 1
            continue
        settled.texts[text.item] = _annotation(text, marks)
        settled.probs[text.item] = prob
        for task, who, what in _overruled(text, marks):
            settled.overruled.setdefault(task, {})[who] = what
    return replace(settled, left=left)


def _is_open(text: SharedText, kind: str, labels: Sequence[str]) -> bool:
    """Whether its answers contradict each other, and nobody has reviewed it."""
    if any(task.purpose == "review" and task.id in text.given for task in text.tasks):
        return False
    return bool(decide_text(text.tasks, text.given, Counter(), kind=kind, labels=labels)[1])


def _labels(
    texts: Sequence[SharedText], consensus: Consensus, kind: str, labels: Sequence[str]
) -> dict[str, tuple[set[Mark], float]]:
    """Of each text what is there, and how sure the least sure of it is, where labels exclude each other."""
    votes = label_votes(texts, kind=kind, labels=labels if kind == "categories" else ())
    prior = (
        _model_probs(votes, texts) if consensus.prior == "model" and kind == "categories" else None
    )
    if consensus.method == MAJORITY:
        probs = majority(votes)
    elif consensus.method == MACE:
        probs = mace(votes, model=prior).probs
    else:
        probs = dawid_skene(votes, model=prior).probs
    best = probs.argmax(axis=1)
    ordered = numpy.sort(probs, axis=1)
    tied = probs.shape[1] > 1 and ordered[:, -1] - ordered[:, -2] < TIE
    sure = numpy.where(tied, 0.0, ordered[:, -1])
    found: dict[str, tuple[set[Mark], float]] = {}
    for name, label, prob in zip(votes.item_names, best.tolist(), sure.tolist()):
        item, token = (name, None) if kind == "categories" else name
        marks, least = found.setdefault(item, (set(), 1.0))
        start, end = (0, 0) if token is None else (token, token + 1)
        marks.add((start, end, votes.label_names[label]))
        found[item] = marks, min(least, prob)
    return found


def _spans(
    texts: Sequence[SharedText], consensus: Consensus, kind: str
) -> dict[str, tuple[set[Mark], float]]:
    """The same of spans, and of categories of which any number applies."""
    votes = span_votes(texts, kind=kind, use_model=consensus.prior == "model")
    probs = span_majority(votes) if consensus.method == MAJORITY else span_consensus(votes).probs
    found: dict[str, tuple[set[Mark], float]] = {text.item: (set(), 1.0) for text in texts}
    for rows in _rows_of_texts(votes):
        own = probs[rows]
        if kind == "entities":
            starts, ends = votes.starts[rows].tolist(), votes.ends[rows].tolist()
            chosen = rows[best_apart(starts, ends, (own - 0.5).tolist())]
        else:
            chosen = rows[own > 0.5]
        marks = {
            (int(votes.starts[i]), int(votes.ends[i]), votes.label_names[votes.labels[i]])
            for i in chosen
        }
        # what is left out though it is as likely as not is no sure decision
        taken = numpy.isin(rows, chosen)
        least = float(numpy.where(taken, own, 1 - own).min())
        found[votes.text_names[votes.texts[rows[0]]]] = marks, least
    return found


def _rows_of_texts(votes: SpanVotes) -> list[numpy.ndarray]:
    """The candidates of each text that has any."""
    order = numpy.argsort(votes.texts, kind="stable")
    cuts = numpy.flatnonzero(numpy.diff(votes.texts[order])) + 1
    return [rows for rows in numpy.split(order, cuts) if len(rows)]


def _model_probs(votes: Votes, texts: Sequence[SharedText]) -> Floats:
    """What the model said of each category with the question; NaN where it said nothing."""
    tasks = {text.item: text.tasks[0].task for text in texts}
    table = numpy.full((votes.shape[0], votes.shape[2]), numpy.nan)
    for row, item in enumerate(votes.item_names):
        said = model_marks(tasks[item], "categories")
        values = [said.get((0, 0, label)) for label in votes.label_names]
        if all(value is not None for value in values) and sum(values) > 0:  # type: ignore[arg-type]
            table[row] = values
    return table


def _annotation(text: SharedText, marks: set[Mark]) -> Annotation:
    """What a consensus says of a text, as if one person had said it."""
    everything = text.all
    complete = [one for one in everything if one.complete] or everything
    candidates = {mark for one in everything for mark in one.accepted | one.rejected}
    labels = frozenset.intersection(*(one.labels for one in complete))
    return Annotation(
        labels,
        frozenset.intersection(*(one.asked for one in complete)),
        accepted=frozenset(marks),
        rejected=frozenset(candidates - marks),
        complete=all(one.complete for one in complete),
        later=frozenset[str]().union(*(one.later for one in complete)) - labels,
    )


def _overruled(text: SharedText, marks: set[Mark]) -> Iterable[tuple[str, str, Overruled]]:
    """Question, annotator, and what of their answer did not come out."""
    for who, said in text.opinions.items():
        for answer, one in said:
            wrong = one.accepted - marks
            missing = {
                mark
                for mark in marks - one.accepted
                if mark in one.rejected
                or (one.complete and mark[2] in one.labels and one.asked & {*range(*mark[:2])})
            }
            if wrong or missing:
                yield (
                    answer.task,
                    who,
                    {
                        "answer": answer.seq,
                        "left_out": [list(mark) for mark in sorted(wrong)],
                        "put_in": [list(mark) for mark in sorted(missing)],
                    },
                )

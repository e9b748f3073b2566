"""Posteriors against gold: which probabilities were given to what, and whether it came true.

Two kinds of events. The *chosen* ones are what a component would write on a document: one answers for each of them.
The *candidates* are all that it held possible, what it left out included, from a floor up.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy

from spacy_al.evaluation.gold import Answer, SpanAnswer
from spacy_al.posteriors.category import Categories
from spacy_al.posteriors.entities import EntityPosterior
from spacy_al.posteriors.span_view import FLOOR as LISTED
from spacy_al.posteriors.spans import Spans
from spacy_al.posteriors.tokens import Tokens
from spacy_al.types import Floats

FLOOR = 0.01
# What an impossible event that came true costs in a loss: -log of this
TINY = 1e-12


class Events(NamedTuple):
    """probs (Floats): (n,) what was predicted. correct (Floats): (n,) 1 where it came true, else 0."""

    probs: Floats
    correct: Floats


def chosen(posteriors: Sequence[Any], answers: Sequence[Answer]) -> Events:
    """The answers that the component would write: greedy entities, tags of most probability, spans over one half; categories
    as the component chooses them, which a bias for each leaves as they are.

    posteriors (Sequence): One component's posteriors.
    answers (Sequence[Answer]): The right answer of each.
    RETURNS (Events): Events that the annotation cannot judge are left out.
    """
    return _collect(_chosen, posteriors, answers)


def candidates(
    posteriors: Sequence[Any], answers: Sequence[Answer], floor: float = FLOOR
) -> Events:
    """Every labelled span, category, or label of a token that has at least this probability.

    posteriors (Sequence): One component's posteriors.
    answers (Sequence[Answer]): The right answer of each.
    floor (float): The lowest probability of a candidate.
    RETURNS (Events): Events that the annotation cannot judge are left out.
    """
    return _collect(
        lambda p, a: ((prob, right) for _, prob, right in _candidates(p, a, floor)),
        posteriors,
        answers,
    )


def same_candidates(
    before: Sequence[Any], after: Sequence[Any], answers: Sequence[Answer], floor: float = FLOOR
) -> tuple[Events, Events]:
    """The candidates of one component at two temperatures: all to which either gives at least this probability.

    Each above the floor by its own figures would be other candidates: a temperature that lifts thousands over it would by that alone have less error.

    before, after (Sequence): The component's posteriors.
    answers (Sequence[Answer]): The right answer of each.
    floor (float): The lowest probability. What one of them holds below a hundredth of it counts as 0 there.
    RETURNS (tuple[Events, Events]): The same events in the same order, before and after.
    """
    rows: list[tuple[float, float, bool]] = []
    for *both, answer in zip(before, after, answers):
        first, second = (
            {key: (prob, right) for key, prob, right in _candidates(one, answer, floor / 100)}
            for one in both
        )
        for key, (_, right) in {**first, **second}.items():
            probs = first.get(key, (0.0,))[0], second.get(key, (0.0,))[0]
            if max(probs) >= floor:
                rows.append((*probs, right))
    table = numpy.array(rows, dtype=float).reshape(-1, 3)
    old, new = table[:, 0].clip(0, 1), table[:, 1].clip(0, 1)
    return Events(old, table[:, 2]), Events(new, table[:, 2])


def n_unsuggested(posterior: Any, answer: Answer) -> int:
    """The right spans that a span categoriser does not even propose; 0 of any other component."""
    if not isinstance(posterior, Spans) or not isinstance(answer, SpanAnswer):
        return 0
    proposed = set(zip(posterior.start.tolist(), posterior.end.tolist()))
    return sum((start, end) not in proposed for start, end, _ in answer.spans)


def log_loss_of(posteriors: Sequence[Any], answers: Sequence[Answer]) -> float:
    """The loss that `calibrate` minimises: the negative log-likelihood of the right answers in nats.

    Of exclusive labels, that of the right one: a sum over documents, tokens, or candidate spans. Of labels and spans that
    are not exclusive, that of every one's being right or wrong. Of entities, that of every possible entity's being right
    or wrong, as if they were independent (a composite likelihood: Lindsay, 1988), missed ones included; next
    to impossible ones (below 1e-6) cost next to nothing.

    posteriors (Sequence): One component's posteriors.
    answers (Sequence[Answer]): The right answer of each. One that the component cannot give costs the same at every
        temperature and is left out.
    RETURNS (float): The sum over all events.
    """
    if posteriors and isinstance(posteriors[0], EntityPosterior):
        return _entity_loss(posteriors, answers)  # type: ignore[arg-type]
    return float(sum(_loss(p, a) for p, a in zip(posteriors, answers)))


def _collect(
    rows_of: Callable[[Any, Any], Iterator[tuple[float, bool]]],
    posteriors: Sequence[Any],
    answers: Sequence[Answer],
) -> Events:
    rows = [row for p, a in zip(posteriors, answers) for row in rows_of(p, a)]
    table = numpy.array(rows, dtype=float).reshape(-1, 2)
    # sums over many analyses may pass 1 by rounding
    return Events(table[:, 0].clip(0, 1), table[:, 1])


def chosen_labels(
    posterior: Any, answer: Any, today: Callable[[str], str | None] = str
) -> Iterator[tuple[str, float, bool]]:
    """What a component would write on one document, as `chosen` has it: label, probability, and whether it is right.

    posterior (Any): Its posterior.
    answer (Answer): What is right.
    today (Callable): What a label of the model is called in the answer; None for one that counts no more.
    """
    for label, prob, right in _written(posterior, answer, today):
        if label is not None:
            yield label, prob, right


def _written(
    posterior: Any, answer: Any, today: Callable[[str], str | None]
) -> Iterator[tuple[str | None, float, bool]]:
    if isinstance(posterior, EntityPosterior):
        for span in posterior.greedy:
            if answer.knows(span.start, span.end):
                label = today(span.label)
                yield label, span.prob, (span.start, span.end, label) in answer.spans
    elif isinstance(posterior, Spans):
        if posterior.exclusive and posterior.negative is not None:
            best = posterior.probs.argmax(axis=1)
            beats = posterior.probs.max(axis=1, initial=0) > posterior.negative
            rows, labels = numpy.flatnonzero(beats), best[beats]
        else:
            rows, labels = numpy.nonzero(posterior.probs >= 0.5)
        for row, k in zip(rows, labels):
            start, end = int(posterior.start[row]), int(posterior.end[row])
            if answer.knows(start, end):
                label = today(posterior.labels[k])
                yield label, posterior.probs[row, k], (start, end, label) in answer.spans
    elif isinstance(posterior, Categories):
        for label, prob, picked in zip(posterior.labels, posterior.probs, posterior.written):
            name = today(label)
            if picked and name is not None and _knows(posterior, answer, name):
                yield name, prob, answer.get(name, False)
    else:
        best = posterior.token_probs.argmax(axis=1)
        for row, k, gold in zip(posterior.token_probs, best, answer):
            if gold is not None:
                label = today(posterior.labels[k])
                yield label, row[k], label == gold


def _chosen(posterior: Any, answer: Any) -> Iterator[tuple[float, bool]]:
    return ((prob, right) for _, prob, right in chosen_labels(posterior, answer))


def _candidates(
    posterior: Any, answer: Any, floor: float
) -> Iterator[tuple[Hashable, float, bool]]:
    if isinstance(answer, SpanAnswer):
        for span in posterior.above(floor):
            if answer.knows(span.start, span.end):
                key = (span.start, span.end, span.label)
                yield key, span.prob, key in answer.spans
    elif isinstance(posterior, Categories):
        for label, prob in zip(posterior.labels, posterior.probs):
            if prob >= floor and _knows(posterior, answer, label):
                yield label, prob, answer.get(label, False)
    else:
        for i, (row, label) in enumerate(zip(posterior.token_probs, answer)):
            if label is not None:
                for k in numpy.flatnonzero(row >= floor).tolist():
                    yield (i, k), row[k], posterior.labels[k] == label


def _knows(posterior: Categories, answer: dict[str, bool], label: str) -> bool:
    """Of exclusive labels one that is right says that the others are wrong."""
    return label in answer or (posterior.exclusive and any(answer.values()))


def _loss(posterior: Any, answer: Any) -> float:
    if isinstance(posterior, Spans):
        return _span_loss(posterior, answer)
    if isinstance(posterior, Categories):
        right = [answer.get(label, False) for label in posterior.labels]
        if posterior.exclusive:
            return _nll(posterior.probs[right]) if sum(right) == 1 else 0.0
        known = [label in answer for label in posterior.labels]
        return _bernoulli(posterior.probs[known], numpy.array(right, dtype=bool)[known])
    assert isinstance(posterior, Tokens), type(posterior)
    index = {label: k for k, label in enumerate(posterior.labels)}
    found = [(i, index[label]) for i, label in enumerate(answer) if label in index]
    rows, columns = zip(*found) if found else ((), ())
    return _nll(posterior.token_probs[list(rows), list(columns)])


def _entity_loss(posteriors: Sequence[EntityPosterior], answers: Sequence[SpanAnswer]) -> float:
    """A batch at a time: fits ask for this a hundred times."""
    batches: dict[int, list[int]] = {}
    for row, posterior in enumerate(posteriors):
        batches.setdefault(id(posterior.source), []).append(row)
    return sum(
        _batch_loss([posteriors[row] for row in rows], [answers[row] for row in rows])
        for rows in batches.values()
    )


def _batch_loss(posteriors: Sequence[EntityPosterior], answers: Sequence[SpanAnswer]) -> float:
    source, labels = posteriors[0].source, posteriors[0].labels
    n_tokens, ids = int(source.offsets[-1]), {label: k for k, label in enumerate(labels)}
    unknown = numpy.ones(n_tokens, dtype=int)
    gold: dict[int, tuple[EntityPosterior, int, int, str]] = {}
    for posterior, answer in zip(posteriors, answers):
        base = int(source.offsets[posterior.index])
        unknown[base : base + len(posterior)] = ~answer.known
        for start, end, label in answer.spans:
            if label in ids:
                key = ((base + start) * n_tokens + base + end - 1) * len(labels) + ids[label]
                gold[key] = posterior, start, end, label
    first, last, label_index, probs = source.possible(LISTED)
    # only where an entity begins can one be right
    begins = numpy.zeros(n_tokens, dtype=bool)
    begins[[key // (n_tokens * len(labels)) for key in gold]] = True
    rows = numpy.flatnonzero(begins[first])
    keys = (first[rows] * n_tokens + last[rows]) * len(labels) + label_index[rows]
    is_gold = numpy.isin(keys, list(gold))
    happened = 1 - probs
    happened[rows[is_gold]] = probs[rows[is_gold]]
    if unknown.any():
        before = numpy.concatenate(([0], numpy.cumsum(unknown)))
        happened = happened[before[last + 1] == before[first]]
    missed = gold.keys() - keys[is_gold].tolist()
    unlisted = numpy.array(
        [p.prob(s, e, label) for p, s, e, label in (gold[key] for key in sorted(missed))]
    )
    return _nll(happened) + _nll(unlisted[unlisted > 0])


def _span_loss(posterior: Spans, answer: SpanAnswer) -> float:
    starts, ends = posterior.start.tolist(), posterior.end.tolist()
    known = numpy.array([answer.knows(s, e) for s, e in zip(starts, ends)], dtype=bool)
    right = numpy.zeros(posterior.probs.shape, dtype=bool)
    place = {span: row for row, span in enumerate(zip(starts, ends))}
    for start, end, label in answer.spans:
        if (start, end) in place and label in posterior.labels:
            right[place[start, end], posterior.labels.index(label)] = True
    probs, right = posterior.probs[known], right[known]
    if not posterior.exclusive:
        return _bernoulli(probs, right)
    whole = probs[right].tolist()
    if posterior.negative is not None:
        whole += posterior.negative[known][~right.any(axis=1)].tolist()
    return _nll(numpy.array(whole))


def _nll(probs: Floats) -> float:
    return float(-numpy.log(numpy.maximum(probs, TINY)).sum())


def _bernoulli(probs: Floats, right: Any) -> float:
    return _nll(numpy.where(right, probs, 1 - probs))

"""The counts that scores are made of, as a model itself expects them: right answers, given answers, answers to be given."""

from collections.abc import Sequence
from typing import Any

import numpy

from spacy_al.acquisition.inputs import misfit
from spacy_al.lattice.moments import segment_moments
from spacy_al.types import Floats, posterior_kind

NAME = "answer_counts"
# Columns of `answer_counts` before those of the labels
N_MOMENTS = 6
# Of more labels each has too few answers in a sample for a score of its own
MOST_LABELS = 20


def answer_counts(posteriors: Sequence[Any]) -> Floats:
    """The expected counts of each document, and how far they may be off.

    right: answers that the component would write and that are right. said: those it would write, which is known. wanted: those to be
    given. Of entities all is exact under the distribution over analyses, variances too; of categories that do not exclude each other,
    of spans and of tags, variances are those of independent answers.

    posteriors (Sequence[Any]): One a document, of any kind, all of one component; of a committee what the model itself says.
    RETURNS (Floats): (n_docs, 6 + 3 * n_labels): means of right, said and wanted, variance of right, covariance of right and wanted,
        variance of wanted; then right, said and wanted of each label, in the order of `labels`, where there are at most 20. (n_docs, 0)
        for committees without a model of their own.
    RAISES (AlError): AL020 for a posterior of no known kind.
    """
    posteriors = [getattr(posterior, "own", posterior) for posterior in posteriors]
    if not len(posteriors):
        return numpy.zeros((0, N_MOMENTS))
    n_labels = len(posteriors[0].labels)
    found = numpy.zeros((len(posteriors), N_MOMENTS + 3 * n_labels))
    kind = posterior_kind(posteriors[0])
    if kind.startswith("committee"):
        # members alone do not say what would be written
        return numpy.zeros((len(posteriors), 0))
    if kind not in READ:
        misfit(posteriors[0], NAME, "token_probs, probs or span_probs")
    read = READ[kind]
    for row, posterior in zip(found, posteriors):
        probs, labels, said, is_one = read(posterior)
        _fill(row, probs, labels, said, is_one, n_labels)
    if hasattr(posteriors[0], "greedy"):
        _exact(posteriors, found)
    return found if n_labels <= MOST_LABELS else found[:, :N_MOMENTS]


def expected_label_counts(posteriors: Sequence[Any]) -> dict[str, float]:
    """How often each label is to be given in some documents, in expectation; of any number of labels.

    posteriors (Sequence[Any]): As for `answer_counts`.
    RETURNS (dict): By label, in the order of `labels`; empty where `answer_counts` knows nothing.
    RAISES (AlError): AL020 for a posterior of no known kind.
    """
    posteriors = [getattr(posterior, "own", posterior) for posterior in posteriors]
    if not len(posteriors) or (kind := posterior_kind(posteriors[0])).startswith("committee"):
        return {}
    if kind not in READ:
        misfit(posteriors[0], NAME, "token_probs, probs or span_probs")
    names = posteriors[0].labels
    found = numpy.zeros(len(names))
    for posterior in posteriors:
        probs, labels, *_ = READ[kind](posterior)
        found += numpy.bincount(numpy.ravel(labels), probs, len(names))
    return dict(zip(names, found.tolist()))


def _fill(row: Floats, probs: Floats, labels: Any, said: Any, is_one: bool, n_labels: int) -> None:
    """The counts of a document from its possible answers.

    probs, labels, said: (n,) of each possible answer its probability, the index of its label, and whether the component would write it.
    is_one (bool): Whether they exclude each other, so that the number of answers to be given is known.
    """
    spread = probs * (1 - probs)
    hits = probs[said]
    row[:3] = hits.sum(), said.sum(), probs.sum()
    row[3] = spread[said].sum()
    if not is_one:
        row[4:6] = row[3], spread.sum()
    by_label = row[N_MOMENTS:].reshape(n_labels, 3)
    by_label[:, 0] = numpy.bincount(labels[said], hits, n_labels)
    by_label[:, 1] = numpy.bincount(labels[said], minlength=n_labels)
    by_label[:, 2] = numpy.bincount(labels, probs, n_labels)


def _entities(posterior: Any) -> tuple[Any, Any, Any, bool]:
    view = posterior.spans
    place = {label: k for k, label in enumerate(posterior.labels)}
    found = posterior.greedy
    greedy = {(span.start, span.end, place[span.label]): span.prob for span in found}
    keys = zip(view.start.tolist(), view.end.tolist(), view.label.tolist())
    said = numpy.array([greedy.pop(key, None) is not None for key in keys], dtype=bool)
    # what the list leaves out as next to impossible
    probs = numpy.concatenate([view.prob, [*greedy.values()]])
    labels = numpy.concatenate([view.label, [k for *_, k in greedy]]).astype("i8")
    return probs, labels, numpy.concatenate([said, numpy.ones(len(greedy), bool)]), False


def _tokens(posterior: Any) -> tuple[Any, Any, Any, bool]:
    probs = posterior.token_probs
    said = numpy.zeros(probs.shape, dtype=bool)
    said[numpy.arange(len(probs)), probs.argmax(axis=1)] = True
    labels = numpy.broadcast_to(numpy.arange(probs.shape[1]), probs.shape)
    return probs.ravel(), labels.ravel(), said.ravel(), True


def _one_category(posterior: Any) -> tuple[Any, Any, Any, bool]:
    labels = numpy.arange(len(posterior.probs))
    return posterior.probs, labels, labels == posterior.probs.argmax(), True


def _categories(posterior: Any) -> tuple[Any, Any, Any, bool]:
    labels = numpy.arange(len(posterior.probs))
    return posterior.probs, labels, posterior.probs >= 0.5, False


def _spans(posterior: Any) -> tuple[Any, Any, Any, bool]:
    probs = numpy.asarray(posterior.probs)
    labels = numpy.broadcast_to(numpy.arange(probs.shape[1]), probs.shape)
    said = probs >= 0.5
    if posterior.exclusive and posterior.negative is not None:
        best = probs.max(axis=1, initial=0)
        said = (probs == best[:, None]) & (best > posterior.negative)[:, None]
    return probs.ravel(), labels.ravel(), said.ravel(), False


READ = {
    "entities": _entities,
    "tokens": _tokens,
    "exclusive categories": _one_category,
    "multilabel categories": _categories,
    "spans": _spans,
}


def _exact(posteriors: Sequence[Any], found: Floats) -> None:
    """Variances of the counts of entities, a batch at a time: entities exclude each other where they overlap."""
    batches: dict[int, list[int]] = {}
    for row, posterior in enumerate(posteriors):
        if posterior.follows_parse:
            batches.setdefault(id(posterior.source), []).append(row)
    for rows in batches.values():
        source = posteriors[rows[0]].source
        moments = segment_moments(source.chain, *source.greedy_spans)
        found[rows, 3:N_MOMENTS] = moments[[posteriors[row].index for row in rows], 2:]

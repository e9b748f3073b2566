"""Entities that a document probably holds and the model does not say: the search for missed ones."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy

from spacy_al import registry
from spacy_al.acquisition.inputs import category_rows, span_rows
from spacy_al.arrays.checks import columns_of, probabilities
from spacy_al.types import Acquisition, Bools, Floats, posterior_kind

NAME = "missed_entities"


@registry.al_acquisitions("spacy-al.missed_entities.v1")
def make_missed_entities(labels: list[str] | None = None) -> Acquisition:
    """The expected number of entities, spans or categories that the model's own analysis leaves out.

    labels (list[str] | None): Only these; by default all.
    RETURNS (Acquisition): Posteriors with span_probs, or with multilabel probs -> scores (n_docs,).
    """
    return partial(missed_entities, labels=labels)


def missed_entities(posteriors: Sequence[Any], labels: Sequence[str] | None = None) -> Floats:
    """Expected numbers of what is left out; see `make_missed_entities`.

    Of entities, the probabilities of all that are not in `greedy` are added up. Where there is no such analysis, those
    of all that are no more probable than not: what a threshold of 1/2 leaves out.

    posteriors (Sequence[Any]): One a document.
    labels (Sequence[str] | None): Only these.
    RETURNS (Floats): Shape (n_docs,), in entities, at least 0.
    RAISES (AlError): AL020 for another kind, AL021 for NaN or logits, AL230 (UsageError) for a label that the model lacks.
    """
    is_greedy = len(posteriors) > 0 and hasattr(posteriors[0], "greedy")
    # a batch comes from one component; a stray posterior of another kind is refused where it is read
    if len(posteriors) and posterior_kind(posteriors[0]).endswith("categories"):
        probs, lengths = category_rows(posteriors, NAME, exclusive=False)
    else:
        probs, lengths = span_rows(posteriors, NAME)
    counted = numpy.ones(len(probs), dtype=bool) if is_greedy else probs <= 0.5
    if labels is not None and len(probs):
        counted &= numpy.concatenate([_wanted(posterior, labels) for posterior in posteriors])
    doc = numpy.repeat(numpy.arange(len(lengths)), lengths)
    scores = numpy.bincount(doc, probs * counted, len(lengths)).astype("f8")
    if is_greedy:
        scores -= [_predicted(posterior, labels) for posterior in posteriors]
    # the greedy analysis may hold what rounds to a little more than the whole
    return numpy.where(scores > 1e-9, scores, 0.0)


def _wanted(posterior: Any, labels: Sequence[str]) -> Bools:
    """Which of the probabilities of a posterior, one after the other, are those of these labels."""
    columns = columns_of(labels, posterior.labels, NAME)
    if hasattr(posterior, "greedy"):
        return numpy.isin(posterior.spans.label, columns)
    probs = numpy.asarray(posterior.probs)
    mask = numpy.zeros(probs.shape, dtype=bool)
    mask[..., columns] = True
    return mask.ravel()


def _predicted(posterior: Any, labels: Sequence[str] | None) -> float:
    """The sum of the probabilities of what the greedy analysis holds."""
    kept = [span.prob for span in posterior.greedy if labels is None or span.label in labels]
    return float(probabilities(kept, f"Input of spacy-al.{NAME}.v1").sum())

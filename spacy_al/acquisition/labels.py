"""How probable each label is anywhere in a document."""

from collections.abc import Sequence
from typing import Any

import numpy

from spacy_al.acquisition.inputs import misfit
from spacy_al.arrays.checks import probabilities
from spacy_al.types import Floats, posterior_kind

NAME = "label_probs"


def label_probs(posteriors: Sequence[Any]) -> Floats:
    """The greatest probability with which each label occurs in each document.

    That of the most probable entity, span or token of the label, or of the category; of a committee, the mean over
    its members. For entities a lower bound of the probability that there is any; below 1e-6 it is 0.

    posteriors (Sequence[Any]): One a document, of any kind, all of one component.
    RETURNS (Floats): Shape (n_docs, n_labels), in the order of `labels`; (0, 0) without documents.
    RAISES (AlError): AL020 for a posterior of no known kind, AL021 for NaN or logits.
    """
    if not len(posteriors):
        return numpy.zeros((0, 0))
    if getattr(posteriors[0], "members", ()):
        committee = zip(*(posterior.members for posterior in posteriors), strict=True)
        return numpy.mean([label_probs(member) for member in committee], axis=0)
    kind = posterior_kind(posteriors[0])
    shape = len(posteriors), len(posteriors[0].labels)
    found = numpy.zeros(shape)
    if kind == "entities":
        views = [posterior.spans for posterior in posteriors]
        doc = numpy.repeat(numpy.arange(len(views)), [len(view) for view in views])
        label = numpy.concatenate([view.label for view in views])
        numpy.maximum.at(found, (doc, label), numpy.concatenate([view.prob for view in views]))
    elif kind.endswith("categories"):
        found = numpy.array([posterior.probs for posterior in posteriors], dtype="f8")
    elif kind in ("tokens", "spans"):
        attribute = "token_probs" if kind == "tokens" else "probs"
        for row, posterior in zip(found, posteriors):
            getattr(posterior, attribute).max(axis=0, initial=0.0, out=row)
    else:
        misfit(posteriors[0], NAME, "token_probs, probs or span_probs")
    return probabilities(found, f"Input of {NAME}")


def expected_marks(posteriors: Sequence[Any]) -> Floats:
    """How many marks an annotator is expected to give to each document: what an answer takes depends on it.

    Entities and spans: the sum of their probabilities. Categories: one, or the sum where several can apply. Tags: those
    that differ from the most probable ones. Of a committee, the mean over its members.

    posteriors (Sequence[Any]): One a document, of any kind.
    RETURNS (Floats): Shape (n_docs,).
    RAISES (AlError): AL020 for a posterior of no known kind.
    """
    return numpy.array([_marks(posterior) for posterior in posteriors], dtype="f8")


def _marks(posterior: Any) -> float:
    if getattr(posterior, "members", ()):
        return float(numpy.mean([_marks(member) for member in posterior.members]))
    kind = posterior_kind(posterior)
    if kind in ("entities", "spans"):
        return float(posterior.span_probs.sum())
    if kind == "tokens":
        return float((1.0 - posterior.token_probs.max(axis=1, initial=0.0)).sum())
    if kind.endswith("categories"):
        return 1.0 if posterior.exclusive else float(posterior.probs.sum())
    misfit(posterior, NAME, "token_probs, probs or span_probs")

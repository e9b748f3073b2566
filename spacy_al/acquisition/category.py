"""Uncertainty of the categories of a document, where exactly one of them applies."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy

from spacy_al import registry
from spacy_al.acquisition.inputs import category_rows
from spacy_al.arrays import distribution
from spacy_al.errors import AlError, Errors
from spacy_al.types import Acquisition, CategoryPosterior, Floats


@registry.al_acquisitions("spacy-al.entropy.v1")
def make_entropy() -> Acquisition:
    """Entropy over the exclusive categories of a document, in nats.

    RETURNS (Acquisition): Posteriors with exclusive probs -> scores (n_docs,).
    """
    return partial(entropy)


@registry.al_acquisitions("spacy-al.margin.v1")
def make_margin() -> Acquisition:
    """Closeness of the two most probable categories (Scheffer et al., 2001; Luo et al., 2005).

    RETURNS (Acquisition): Posteriors with exclusive probs -> scores (n_docs,).
    """
    return partial(margin)


@registry.al_acquisitions("spacy-al.least_confidence.v1")
def make_least_confidence() -> Acquisition:
    """Probability that the most probable category is wrong (Lewis & Gale, 1994).

    RETURNS (Acquisition): Posteriors with exclusive probs -> scores (n_docs,).
    """
    return partial(least_confidence)


def entropy(posteriors: Sequence[CategoryPosterior]) -> Floats:
    """Entropies of the categories; see `make_entropy`."""
    return _measure(posteriors, distribution.row_entropy, "entropy")


def margin(posteriors: Sequence[CategoryPosterior]) -> Floats:
    """1 - (p1 - p2) of the categories; see `make_margin`."""
    return _measure(posteriors, distribution.row_margin, "margin")


def least_confidence(posteriors: Sequence[CategoryPosterior]) -> Floats:
    """1 - max p of the categories; see `make_least_confidence`."""
    return _measure(posteriors, distribution.row_least_confidence, "least_confidence")


def _measure(
    posteriors: Sequence[CategoryPosterior], measure: Callable[[Floats], Floats], name: str
) -> Floats:
    rows, lengths = category_rows(posteriors, name, exclusive=True)
    if not len(posteriors):
        return numpy.zeros(0)
    if len(set(lengths.tolist())) > 1:
        what, expected = f"A batch for spacy-al.{name}.v1", "the same labels for every document"
        raise AlError(Errors.AL024.format(what=what, expected=expected, found=tuple(lengths)))
    return measure(rows.reshape(len(posteriors), -1))

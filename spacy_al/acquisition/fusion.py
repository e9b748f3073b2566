"""Several acquisitions made one, and the scores of a pool made one with its density."""

import inspect
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy

from spacy_al import registry
from spacy_al.arrays.checks import at_least, finite, round_significant, same_length
from spacy_al.errors import Errors, UsageError
from spacy_al.types import Acquisition, Floats

WAYS = ("product", "rank")


@registry.al_acquisitions("spacy-al.product.v1")
def make_product(acquisitions: dict[str, Any]) -> Acquisition:
    """The product of several acquisitions: high only where all of them are.

    acquisitions (dict[str, Acquisition]): Each in a block `[al.acquisition.acquisitions.NAME]` below an empty
        `[al.acquisition.acquisitions]`.
    RETURNS (Acquisition): Posteriors that fit all of them -> scores (n_docs,).
    RAISES (UsageError): AL231 without acquisitions, AL233 where one is no function.
    """
    if not acquisitions:
        raise UsageError(Errors.AL231)
    for name, acquisition in acquisitions.items():
        if not callable(acquisition):
            raise UsageError(Errors.AL233.format(name=name, value=repr(acquisition)))
    return partial(product_of, acquisitions=acquisitions)


def product_of(
    posteriors: Sequence[Any],
    acquisitions: Mapping[str, Acquisition],
    said: Sequence[Any] | None = None,
) -> Floats:
    """Products of the scores; see `make_product`.

    said (Sequence | None): What a teacher says of each document, for those that look at it.
    """
    return product(
        [
            acquisition(posteriors, **({"said": said} if wants_said(acquisition) else {}))
            for acquisition in acquisitions.values()
        ]
    )


def wants_said(acquisition: Acquisition) -> bool:
    """Whether an acquisition can look at what a teacher says."""
    return "said" in inspect.signature(acquisition).parameters


def needs_said(acquisition: Acquisition) -> bool:
    """Whether an acquisition, or one that it is made of, scores nothing without what a teacher says."""
    parts = getattr(acquisition, "keywords", {}).get("acquisitions")
    if isinstance(parts, Mapping):
        return any(needs_said(part) for part in parts.values())
    return wants_said(acquisition)


def fuse(scores: Floats, density: Floats, how: str = "product", weight: float = 1.0) -> Floats:
    """Uncertainty and density of a whole pool as one score.

    scores (Floats): Acquisition scores, shape (N,), at least 0.
    density (Floats): How typical each row is of the pool, shape (N,), from 0 to 1.
    how (str): "product", see `information_density`; or "rank": the mean rank over both, whatever their scales, where
        a row of which the model is certain can still rank high for its density alone.
    weight (float): Of the density: its power in the product; in the mean of the ranks its weight beside 1.
    RETURNS (Floats): Shape (N,).
    RAISES (AlError): AL022 for another way (UsageError), AL021 for NaN or a negative number, AL023 for a negative
        weight, AL024 for unequal lengths.
    """
    if how not in WAYS:
        raise UsageError(Errors.AL022.format(name="how", value=how, choices=", ".join(WAYS)))
    at_least(0, weight, "weight")
    if how == "product":
        return information_density(scores, density, weight)
    return rank_fusion([scores, density], [1.0, weight])


def product(scores: Sequence[Floats]) -> Floats:
    """The product of several scores: high only where all of them are.

    scores (Sequence[Floats]): One or more arrays of shape (n_docs,), at least 0.
    RETURNS (Floats): Shape (n_docs,).
    RAISES (AlError): AL021 for NaN or a negative score, AL023 for no scores, AL024 for unequal lengths.
    """
    return numpy.prod(_stack(scores, low=0.0), axis=0)


def rank_fusion(scores: Sequence[Floats], weights: Sequence[float] | None = None) -> Floats:
    """The mean rank of each document over several scores, whatever their scales.

    Ranks run from 0 (the lowest score) to 1 (the highest). Scores that are equal to 6 significant digits share the
    mean of their ranks.

    scores (Sequence[Floats]): One or more arrays of shape (n_docs,).
    weights (Sequence[float] | None): Of each score in the mean; by default they are equal.
    RETURNS (Floats): Shape (n_docs,), between 0 and 1.
    RAISES (AlError): AL021 for NaN, AL023 for no scores, AL024 for unequal lengths.
    """
    from scipy.stats import rankdata

    stacked = round_significant(_stack(scores))
    ranks = rankdata(stacked, axis=1) - 1.0
    return numpy.average(ranks, axis=0, weights=weights) / max(stacked.shape[1] - 1, 1)


def information_density(scores: Floats, density: Floats, beta: float = 1.0) -> Floats:
    """Uncertainty times how typical a document is of the pool, u * d^beta (Settles & Craven, 2008).

    scores (Floats): Acquisition scores, shape (n_docs,), at least 0.
    density (Floats): Mean similarity of each document to the pool, shape (n_docs,), from 0 to 1.
    beta (float): Weight of the density; 0 leaves the scores as they are.
    RETURNS (Floats): Shape (n_docs,).
    RAISES (AlError): AL021 for NaN or a negative number, AL023 for a beta below 0, AL024 for unequal lengths.
    """
    at_least(0, beta, "beta")
    scores = finite(scores, "The acquisition scores", 0.0)
    density = finite(density, "The density", 0.0)
    same_length(len(scores), density, "The density")
    return scores * density**beta


def _stack(scores: Sequence[Floats], low: float = -numpy.inf) -> Floats:
    if not len(scores):
        raise UsageError(Errors.AL023.format(name="scores", value="[]", must="one array or more"))
    arrays = [finite(array, "The acquisition scores", low) for array in scores]
    for array in arrays:
        same_length(len(arrays[0]), array, "The acquisition scores")
    return numpy.stack(arrays)

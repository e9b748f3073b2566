"""Several acquisitions made one, and the scores of a pool made one with its density."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from spacy_al import registry
from spacy_al.acquisition.arrays import at_least
from spacy_al.acquisition.combine import information_density, product, rank_fusion
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


def product_of(posteriors: Sequence[Any], acquisitions: Mapping[str, Acquisition]) -> Floats:
    """Products of the scores; see `make_product`."""
    return product([acquisition(posteriors) for acquisition in acquisitions.values()])


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

"""From one value a token to one score a document, for a ragged batch at once."""

import numpy

from spacy_al.arrays.checks import at_least, finite
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.types import Floats, Ints

WAYS = ("max", "mean", "sum", "topk")


def reduce(values: Floats, lengths: Ints, how: str = "max", k: int = 3) -> Floats:
    """One number for each document from the numbers of its tokens.

    values (Floats): One value a token, all documents after each other, shape (n_total,).
    lengths (Ints): Tokens in each document, shape (n_docs,), adding up to n_total.
    how (str): "max", "mean", "sum" (favours long documents), or "topk": the mean of the k largest.
    k (int): How many for "topk"; a shorter document takes the mean of all it has.
    RETURNS (Floats): Shape (n_docs,); 0 for a document without tokens.
    RAISES (AlError): AL022, AL023 (UsageError), AL021 for NaN, AL024 if the lengths do not add up.
    """
    check_reduce(how, k)
    values = finite(values, "The values to reduce")
    lengths = numpy.asarray(lengths, dtype="i8")
    if values.ndim != 1 or lengths.sum() != values.shape[0]:
        expected = f"shape ({lengths.sum()},), the sum of the lengths"
        raise AlError(
            Errors.AL024.format(what="The values to reduce", expected=expected, found=values.shape)
        )
    scores = numpy.zeros(lengths.shape[0])
    filled = lengths > 0
    if not filled.any():
        return scores
    # reduceat gives an empty segment the value of its neighbour, hence only the filled ones
    sizes = lengths[filled]
    starts = numpy.cumsum(sizes) - sizes
    if how == "max":
        scores[filled] = numpy.maximum.reduceat(values, starts)
    elif how == "topk":
        scores[filled] = _mean_of_largest(values, sizes, starts, k)
    else:
        sums = numpy.add.reduceat(values, starts)
        scores[filled] = sums / sizes if how == "mean" else sums
    return scores


def check_reduce(how: str, k: int) -> None:
    """RAISES (UsageError): AL022 for an unknown way to reduce, AL023 for a k below 1."""
    if how not in WAYS:
        raise UsageError(Errors.AL022.format(name="reduce", value=how, choices=", ".join(WAYS)))
    at_least(1, k, "k")


def _mean_of_largest(values: Floats, sizes: Ints, starts: Ints, k: int) -> Floats:
    doc = numpy.repeat(numpy.arange(len(sizes)), sizes)
    descending = numpy.lexsort((-values, doc))
    # sorting within documents leaves every document where it was, so a position less its start is a rank
    among = numpy.arange(len(values)) - numpy.repeat(starts, sizes) < k
    sums = numpy.bincount(doc[among], weights=values[descending][among], minlength=len(sizes))
    return sums / numpy.minimum(sizes, k)

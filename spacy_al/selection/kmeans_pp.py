"""Rows drawn with a probability that grows with their distance from what was drawn before."""

from functools import partial
from typing import Any

import numpy

from spacy_al import registry
from spacy_al.selection.rows import rows_of, scaled, squared_distances, squares, taking_part
from spacy_al.types import Floats, Ints, Sampler


@registry.al_samplers("spacy-al.kmeans_pp.v1")
def make_kmeans_pp() -> Sampler:
    """Draws of k-means++; with the gradient embedding this is BADGE.

    RETURNS (Sampler): See `kmeans_pp`.
    """
    return partial(kmeans_pp)


def kmeans_pp(
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    *,
    embeddings: Any = None,
    groups: Ints | None = None,
) -> tuple[Ints, Floats]:
    """Each row is drawn in proportion to its squared distance from the nearest drawn before (BADGE; Ash et al., 2020).

    The first is drawn in proportion to its squared length, where their code takes the longest: of gradients that is
    the distance from a text that teaches nothing, and its probability is known. Copies of what was drawn, at distance
    0, are drawn only once nothing else is left, and then with equal probability.

    scores (Floats): Shape (N,); only their number counts.
    n (int): Batch size; all that is eligible if there is less.
    rng (Generator): The source of chance, one draw a row.
    embeddings (Any): Shape (N, d), dense, scipy sparse or `Factored`; distances are Euclidean.
    groups (Ints | None): Group of each row, shape (N,); at most one row of each is drawn.
    RETURNS (tuple[Ints, Floats]): Rows in the order of the draws, and the conditional probability of each draw.
    RAISES (AlError): AL021 for NaN, AL023 for a negative n, AL024 for unequal lengths, AL025 without embeddings.
    """
    size = len(taking_part(scores, n, embeddings, groups, 0, "kmeans_pp"))
    n = min(n, size)
    rows = numpy.arange(len(scores))
    vectors = scaled(rows_of(embeddings, rows))
    lengths = squares(vectors)
    rates, free = lengths.astype("f8"), numpy.ones(len(rows), dtype=bool)
    # A race: each row arrives once its rate, summed over time, has reached a number of its own, which is exponential.
    # What is left of such a number is exponential again, whatever came before, so rates may change with every arrival
    # and the next is still drawn in proportion to them, from one draw a row that belongs to the row's text.
    left = -numpy.log1p(-rng.random(len(rows)))
    chosen, propensities = numpy.zeros(n, dtype="i8"), numpy.ones(n)
    for place in range(n):
        weights = numpy.where(free, rates, 0.0)
        total = weights.sum()
        if not total:
            weights, total = free.astype("f8"), float(free.sum())
        with numpy.errstate(divide="ignore", invalid="ignore"):
            wait = numpy.where(weights > 0, left / weights, numpy.inf)
        row = int(wait.argmin())
        left = numpy.maximum(left - weights * wait[row], 0.0)
        chosen[place], propensities[place] = row, weights[row] / total
        free[row] = False
        if groups is not None:
            free &= numpy.asarray(groups) != numpy.asarray(groups)[row]
        found = squared_distances(vectors, lengths, vectors[row : row + 1])[:, 0]
        rates = numpy.minimum(rates, found) if place else found.astype("f8")
    return chosen, propensities

"""Rows that leave no other row far from all that is labelled."""

from functools import partial
from typing import Any

import numpy

from spacy_al import registry
from spacy_al.arrays.factored import stack
from spacy_al.selection.rows import (
    first_greatest,
    rows_of,
    scaled,
    squared_distances,
    squares,
    taking_part,
)
from spacy_al.types import Floats, Ints, Sampler

# Labelled rows that are compared with all others at once
BLOCK = 64


@registry.al_samplers("spacy-al.k_centre.v1")
def make_k_centre(prefilter: int = 10) -> Sampler:
    """Rows far from each other and from what is labelled, among the highest scores; deterministic.

    prefilter (int): How many times the batch size of the highest scores take part; 0 for all, whatever their scores.
    RETURNS (Sampler): See `k_centre`.
    """
    return partial(k_centre, prefilter=prefilter)


def k_centre(
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    *,
    embeddings: Any = None,
    groups: Ints | None = None,
    labelled: Any = None,
    prefilter: int = 0,
) -> tuple[Ints, Floats]:
    """Again and again the row that is farthest from its nearest centre (core-set; Sener & Savarese, 2018).

    Centres are what is labelled and what has been chosen; where nothing is labelled, the first is the highest score.
    It is the greedy solution, within twice the best radius; they go on to improve it by integer programming.

    scores (Floats): Acquisition scores, shape (N,).
    n (int): Batch size; all that is eligible if there is less.
    rng (Generator): Not used.
    embeddings (Any): Shape (N, d), dense, scipy sparse or `Factored`; distances are Euclidean.
    groups (Ints | None): Group of each row, shape (N,); of each only the row with the highest score takes part.
    labelled (Any): Its `embeddings` (L, d) are the first centres.
    prefilter (int): How many times n of the highest scores take part; 0 for all.
    RETURNS (tuple[Ints, Floats]): Rows in the order of choice, and their propensities, all 1.0 (deterministic).
    RAISES (AlError): AL021 for NaN, AL023 for a negative number, AL024 for unequal lengths, AL025 without embeddings.
    """
    rows = taking_part(scores, n, embeddings, groups, prefilter, "k_centre")
    n, size = min(n, len(rows)), len(rows)
    centres = getattr(labelled, "embeddings", None)
    vectors = rows_of(embeddings, rows)
    vectors = scaled(vectors if centres is None else stack([vectors, centres]))
    vectors, centres = vectors[:size], vectors[size:]
    lengths = squares(vectors)
    nearest = numpy.full(size, numpy.inf)
    for start in range(0, centres.shape[0], BLOCK):
        found = squared_distances(vectors, lengths, centres[start : start + BLOCK])
        nearest = numpy.minimum(nearest, found.min(axis=1))
    chosen = numpy.zeros(n, dtype="i8")
    for place in range(n):
        start = place == 0 and not centres.shape[0]
        row = first_greatest(numpy.asarray(scores)[rows] if start else nearest)
        chosen[place] = row
        found = squared_distances(vectors, lengths, vectors[row : row + 1])[:, 0]
        nearest = numpy.minimum(nearest, found)
        nearest[row] = -numpy.inf
    return rows[chosen], numpy.ones(n)

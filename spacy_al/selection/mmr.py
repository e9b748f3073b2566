"""Rows that score high and are unlike those chosen before."""

from functools import partial
from typing import Any

import numpy

from spacy_al import registry
from spacy_al.arrays.checks import finite
from spacy_al.selection.rows import first_greatest, rows_of, similarities, taking_part, units
from spacy_al.types import Floats, Ints, Sampler


@registry.al_samplers("spacy-al.mmr.v1")
def make_mmr(weight: float = 0.5, prefilter: int = 10) -> Sampler:
    """High scores, less what resembles a row chosen before; deterministic.

    weight (float): Of the score, from 0 (unlike each other is all that counts) to 1 (as `top_k`).
    prefilter (int): How many times the batch size of the highest scores take part; 0 for all.
    RETURNS (Sampler): See `mmr`.
    """
    finite(weight, "The weight of spacy-al.mmr.v1", 0.0, 1.0)
    return partial(mmr, weight=weight, prefilter=prefilter)


def mmr(
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    *,
    embeddings: Any = None,
    groups: Ints | None = None,
    weight: float = 0.5,
    prefilter: int = 0,
) -> tuple[Ints, Floats]:
    """Again and again the greatest `weight` * score - (1 - `weight`) * similarity to the most similar chosen before.

    Maximal marginal relevance (Carbonell & Goldstein, 1998). The score is in units of the highest one, the similarity
    (1 + cos) / 2, so both lie between 0 and 1.

    scores (Floats): Acquisition scores, 0 or more, shape (N,).
    n (int): Batch size; all that is eligible if there is less.
    rng (Generator): Not used.
    embeddings (Any): Shape (N, d), dense, scipy sparse or `Factored`; only directions count.
    groups (Ints | None): Group of each row, shape (N,); of each only the row with the highest score takes part.
    weight (float): Of the score, from 0 to 1.
    prefilter (int): How many times n of the highest scores take part; 0 for all.
    RETURNS (tuple[Ints, Floats]): Rows in the order of choice, and their propensities, all 1.0 (deterministic).
    RAISES (AlError): AL021 for NaN, AL023 for a negative number, AL024 for unequal lengths, AL025 without embeddings.
    """
    rows = taking_part(scores, n, embeddings, groups, prefilter, "mmr")
    n = min(n, len(rows))
    vectors = units(rows_of(embeddings, rows))
    relevance = numpy.asarray(scores, dtype="f8")[rows]
    relevance = weight * relevance / (relevance.max(initial=0.0) or 1.0)
    most_similar = numpy.zeros(len(rows))
    chosen = numpy.zeros(n, dtype="i8")
    for place in range(n):
        row = first_greatest(relevance - (1.0 - weight) * most_similar)
        chosen[place] = row
        found = similarities(vectors, vectors[row : row + 1])[:, 0]
        most_similar = numpy.maximum(most_similar, found)
        relevance[row] = -numpy.inf
    return rows[chosen], numpy.ones(n)

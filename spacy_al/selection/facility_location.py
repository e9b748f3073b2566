"""Rows that between them resemble all rows that matter."""

from functools import partial
from typing import Any

import numpy

from spacy_al import registry
from spacy_al.selection.rows import first_greatest, rows_of, similarities, taking_part, units
from spacy_al.types import Floats, Ints, Sampler

# Rows whose gain is computed again at once
BLOCK = 32


@registry.al_samplers("spacy-al.facility_location.v1")
def make_facility_location(prefilter: int = 10) -> Sampler:
    """Rows that represent the highest scores, the higher the better; deterministic.

    prefilter (int): How many times the batch size of the highest scores take part; 0 for all, at the price of time.
    RETURNS (Sampler): See `facility_location`.
    """
    return partial(facility_location, prefilter=prefilter)


def facility_location(
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    *,
    embeddings: Any = None,
    groups: Ints | None = None,
    prefilter: int = 0,
) -> tuple[Ints, Floats]:
    """Again and again the row that adds most to the sum over rows of score * similarity to the most similar chosen.

    After Wei et al. (2015), who filter by uncertainty and then cover what is left evenly; here each row counts by its
    score, or all alike if all are 0. Gains only shrink, so one that was computed earlier is a bound, and only rows
    whose bound is the greatest are computed again (Minoux, 1978): the result is that of the plain greedy way.

    scores (Floats): Acquisition scores, 0 or more, shape (N,).
    n (int): Batch size; all that is eligible if there is less.
    rng (Generator): Not used.
    embeddings (Any): Shape (N, d), dense, scipy sparse or `Factored`; similarities are (1 + cos) / 2.
    groups (Ints | None): Group of each row, shape (N,); of each only the row with the highest score takes part.
    prefilter (int): How many times n of the highest scores take part; 0 for all.
    RETURNS (tuple[Ints, Floats]): Rows in the order of choice, and their propensities, all 1.0 (deterministic).
    RAISES (AlError): AL021 for NaN, AL023 for a negative number, AL024 for unequal lengths, AL025 without embeddings.
    """
    rows = taking_part(scores, n, embeddings, groups, prefilter, "facility_location")
    n = min(n, len(rows))
    vectors = units(rows_of(embeddings, rows))
    weights = numpy.asarray(scores, dtype="f4")[rows]
    weights = weights / weights.max() if weights.any() else numpy.ones(len(rows), dtype="f4")
    covered = numpy.zeros((len(rows), 1), dtype="f4")
    # what none can exceed; the first choice counts all of them
    gains = numpy.full(len(rows), float(weights.sum()) * 1.01)
    counted = numpy.full(len(rows), -1)
    chosen = numpy.zeros(n, dtype="i8")
    place = 0
    while place < n:
        row = first_greatest(gains)
        if counted[row] < place:
            stale = numpy.flatnonzero((counted < place) & (gains > -numpy.inf))
            block = numpy.union1d(stale[_greatest(gains[stale])], [row])
            added = similarities(vectors, vectors[block]).astype("f4") - covered
            gains[block] = weights @ numpy.maximum(added, 0.0, out=added)
            counted[block] = place
            continue
        chosen[place] = row
        place += 1
        found = similarities(vectors, vectors[row : row + 1])
        covered = numpy.maximum(covered, found.astype("f4"))
        gains[row] = -numpy.inf
    return rows[chosen], numpy.ones(n)


def _greatest(values: Floats) -> Ints:
    """Where the greatest values of a block are, in any order."""
    if len(values) <= BLOCK:
        return numpy.arange(len(values))
    return numpy.argpartition(values, len(values) - BLOCK)[-BLOCK:]

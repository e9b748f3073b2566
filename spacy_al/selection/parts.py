"""Batches of several parts, one drawn after the other."""

import numpy

from spacy_al.selection.rank import top_k, uniform
from spacy_al.types import Bools, Floats, Ints


def explored(
    scores: Floats, n: int, rng: numpy.random.Generator, groups: Ints | None, share: float
) -> tuple[Ints, Floats]:
    """The first draws of a batch: a share of it, rounded up, drawn uniformly from the whole pool."""
    return uniform(scores, int(numpy.ceil(share * n - 1e-9)), rng, groups=groups)


def extended(
    chosen: Ints,
    among: Ints,
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    groups: Ints | None,
) -> Ints:
    """The rows chosen, and the highest scores of what is eligible beside them, up to n in all.

    chosen (Ints): Rows.
    among (Ints): The rows from which to choose, ascending.
    scores (Floats): Of the whole pool, shape (N,).
    groups (Ints | None): Of the whole pool, shape (N,); at most one row of each is chosen.
    RETURNS (Ints): Rows.
    """
    eligible = among[~taken_by(chosen, groups, len(scores))[among]]
    of_eligible = None if groups is None else numpy.asarray(groups)[eligible]
    more, _ = top_k(scores[eligible], max(n - len(chosen), 0), rng, groups=of_eligible)
    return numpy.concatenate([chosen, eligible[more]])


def then_certain(rows: Ints, propensities: Floats) -> tuple[Ints, Floats]:
    """The rows, and the propensities of the first of them followed by 1.0 for the others."""
    return rows, numpy.concatenate([propensities, numpy.ones(len(rows) - len(propensities))])


def taken_by(chosen: Ints, groups: Ints | None, size: int) -> Bools:
    """Which rows are chosen, or are of the group of one that is."""
    if groups is not None:
        return numpy.isin(groups, numpy.asarray(groups)[chosen])
    taken = numpy.zeros(size, dtype=bool)
    taken[chosen] = True
    return taken

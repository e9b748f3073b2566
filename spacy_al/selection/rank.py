"""Samplers that need only scores: the highest, or any.

A sampler is called with rows in a fixed order (sorted by id), so that a shuffled pool gives the same batch.
"""

from functools import partial
from typing import Any

import numpy

from spacy_al import registry
from spacy_al.arrays.checks import at_least, finite, round_significant, same_length
from spacy_al.types import Floats, Ints, Sampler


@registry.al_samplers("spacy-al.top_k.v1")
def make_top_k() -> Sampler:
    """The rows with the highest scores; deterministic.

    RETURNS (Sampler): See `top_k`.
    """
    return partial(top_k)


@registry.al_samplers("spacy-al.uniform.v1")
def make_uniform() -> Sampler:
    """Rows at random, whatever their scores: the baseline.

    RETURNS (Sampler): See `uniform`.
    """
    return partial(uniform)


def top_k(
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    *,
    embeddings: Any = None,
    groups: Ints | None = None,
) -> tuple[Ints, Floats]:
    """The n highest scores, compared to 6 significant digits; among equals the earlier row is first.

    scores (Floats): Acquisition scores, shape (N,).
    n (int): Batch size; all that is eligible if there is less.
    rng (Generator): Not used.
    embeddings (Any): Not used.
    groups (Ints | None): Group of each row, shape (N,); at most one row of each is chosen.
    RETURNS (tuple[Ints, Floats]): Rows, best first, and their propensities, all 1.0 (design: deterministic).
    RAISES (AlError): AL021 for NaN, AL023 for a negative n, AL024 for unequal lengths.
    """
    scores, n = check_rows(scores, n, groups)
    rounded = round_significant(scores)
    if groups is None:
        candidates = _highest(rounded, n)
        order = numpy.argsort(-rounded[candidates], kind="stable")
        chosen = candidates[order]
    else:
        chosen = first_of_each(numpy.argsort(-rounded, kind="stable"), groups)[:n]
    return chosen, numpy.ones(len(chosen))


def uniform(
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    *,
    embeddings: Any = None,
    groups: Ints | None = None,
) -> tuple[Ints, Floats]:
    """n rows, each drawn with equal probability from those still eligible.

    A draw makes the rest of its group ineligible. A larger n only adds rows to those of a smaller one.

    scores (Floats): Shape (N,); only their number counts.
    n (int): Batch size; all that is eligible if there is less.
    rng (Generator): The source of chance.
    embeddings (Any): Not used.
    groups (Ints | None): Group of each row, shape (N,); at most one row of each is chosen.
    RETURNS (tuple[Ints, Floats]): Rows in the order of the draws, and the conditional probability of each draw.
    RAISES (AlError): AL021 for NaN, AL023 for a negative n, AL024 for unequal lengths.
    """
    scores, n = check_rows(scores, n, groups)
    # the first rows of a random order, less those whose group is taken, are sequential draws without replacement
    order: Ints = rng.permutation(len(scores))
    if groups is None:
        chosen = order[:n]
        used = numpy.arange(len(chosen))
    else:
        chosen = first_of_each(order, groups)[:n]
        _, group, sizes = numpy.unique(groups, return_inverse=True, return_counts=True)
        taken = sizes[group[chosen]]
        used = numpy.cumsum(taken) - taken
    return chosen, 1.0 / (len(scores) - used)


def first_of_each(order: Ints, groups: Ints) -> Ints:
    """The rows of an order, in that order, without those whose group has come before.

    order (Ints): Rows, shape (n,).
    groups (Ints): Group of each row of the pool, shape (N,).
    RETURNS (Ints): Rows, one of each group that occurs.
    """
    _, first = numpy.unique(numpy.asarray(groups)[order], return_index=True)
    return order[numpy.sort(first)]


def check_rows(scores: Floats, n: int, groups: Ints | None) -> tuple[Floats, int]:
    """The scores and the number that a sampler is given, once they are found to be in order.

    RAISES (AlError): AL021 for NaN, AL023 for a negative n, AL024 for unequal lengths.
    """
    at_least(0, n, "n")
    scores = finite(scores, "The acquisition scores")
    if groups is not None:
        same_length(len(scores), numpy.asarray(groups), "The groups")
    return scores, n


def _highest(scores: Floats, n: int) -> Ints:
    """The rows of the n highest scores, ascending; of those equal to the lowest of them, the earliest."""
    if n >= len(scores):
        return numpy.arange(len(scores))
    if n == 0:
        return numpy.zeros(0, dtype="i8")
    threshold = numpy.partition(scores, len(scores) - n)[len(scores) - n]
    above = numpy.flatnonzero(scores > threshold)
    ties = numpy.flatnonzero(scores == threshold)[: n - len(above)]
    return numpy.sort(numpy.concatenate([above, ties]))

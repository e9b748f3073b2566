"""Rows at random, likelier the higher their scores, with the exact probability of every draw."""

from functools import partial
from typing import Any

import numpy

from spacy_al import registry
from spacy_al.arrays.checks import finite, round_significant
from spacy_al.selection.rank import check_rows, first_of_each
from spacy_al.types import Bools, Floats, Ints, Sampler


@registry.al_samplers("spacy-al.stochastic.v1")
def make_stochastic(beta: float = 1.0, explore: float = 0.0) -> Sampler:
    """Draws without replacement by a power of the score, whose propensities are exact.

    beta (float): The power; 0 draws uniformly, a large one is nearly top-k. For estimates keep it at 1 or below.
    explore (float): Share of uniform draws, from 0 to 1, mixed into the weights before the noise.
    RETURNS (Sampler): See `stochastic`.
    RAISES (AlError): AL021 for a setting that is out of range.
    """
    finite(beta, "beta of spacy-al.stochastic.v1", 0.0, 1e6)
    finite(explore, "explore of spacy-al.stochastic.v1", 0.0, 1.0)
    return partial(stochastic, beta=beta, explore=explore)


def stochastic(
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    *,
    embeddings: Any = None,
    groups: Ints | None = None,
    beta: float = 1.0,
    explore: float = 0.0,
) -> tuple[Ints, Floats]:
    """n rows drawn one after the other, each with a probability in proportion to score^beta (Kirsch et al., 2023).

    The n greatest sums of log weight and Gumbel noise are such draws without replacement (Kool et al., 2019). Two
    things differ: a share of uniform draws is mixed into the weights, and a draw makes the rest of its group
    ineligible. Where nothing is explored, rows of score 0 come last, drawn uniformly, as if their score were tiny.
    A larger n only adds rows to those of a smaller one.

    scores (Floats): Acquisition scores, shape (N,), at least 0, compared to 6 significant digits.
    n (int): Batch size; all that is eligible if there is less.
    rng (Generator): The source of chance: one Gumbel number a row.
    embeddings (Any): Not used.
    groups (Ints | None): Group of each row, shape (N,); at most one row of each is chosen.
    beta (float): As for `make_stochastic`.
    explore (float): As for `make_stochastic`.
    RETURNS (tuple[Ints, Floats]): Rows in the order of the draws, and the probability of each draw given those before.
    RAISES (AlError): AL021 for NaN or a negative score, AL023 for a negative n, AL024 for unequal lengths.
    """
    scores, n = check_rows(scores, n, groups)
    logs, last = log_weights(scores, beta, explore)
    rows, chances = draw_by_weight(logs, last, rng.gumbel(size=len(scores)), groups)
    return rows[:n], chances[:n]


def draw_by_weight(
    logs: Floats, last: Bools, noise: Floats, groups: Ints | None
) -> tuple[Ints, Floats]:
    """All rows, or one of each group, in the order of draws without replacement, and the probability of each given those before.

    logs (Floats): (N,) log weights.
    last (Bools): (N,) which rows come only after all others.
    noise (Floats): (N,) standard Gumbel numbers.
    groups (Ints | None): (N,) a draw makes the rest of its group ineligible.
    """
    order = numpy.lexsort((-(logs + noise), last))
    if groups is None:
        return order, _conditional(logs[order], last[order])
    drawn = first_of_each(order, groups)
    # a draw takes all that its group weighs out of the race, save what could not have been drawn yet
    group = numpy.unique(groups, return_inverse=True)[1]
    at_stake = last == _of_first(last, drawn, group)
    weight = _log_sums(numpy.where(at_stake, logs, -numpy.inf), group)[group[drawn]]
    return drawn, _conditional(weight, last[drawn]) * numpy.exp(logs[drawn] - weight)


def log_weights(scores: Floats, beta: float, explore: float) -> tuple[Floats, Bools]:
    """The log weight of each row, and which rows come only after all others. Arguments and errors as of `stochastic`."""
    scores = round_significant(finite(scores, "The acquisition scores", 0.0))
    some = scores > 0 if beta > 0 else numpy.ones(len(scores), dtype=bool)
    if not some.any():
        return numpy.zeros(len(scores)), ~some
    # in log space, since 0.9 ** 10,000 is 0
    logs = numpy.where(
        some, beta * numpy.log(numpy.where(some & (scores > 0), scores, 1.0)), -numpy.inf
    )
    logs -= numpy.logaddexp.reduce(logs)
    if explore == 0:
        return numpy.where(some, logs, 0.0), ~some
    even = numpy.log(explore / len(scores))
    with numpy.errstate(divide="ignore"):
        return numpy.logaddexp(numpy.log1p(-explore) + logs, even), numpy.zeros(
            len(some), dtype=bool
        )


def _conditional(logs: Floats, last: Bools) -> Floats:
    """The probability of each draw, given those before it: its weight by the sum of its own and all later ones.

    logs (Floats): Log weights in the order of the draws.
    last (Bools): Which of them come only after all others, so that their weights did not count before.
    """
    chances = numpy.ones(len(logs))
    for part in (~last, last):
        left = numpy.logaddexp.accumulate(logs[part][::-1])[::-1]
        chances[part] = numpy.exp(logs[part] - left)
    return chances


def _of_first(values: Any, drawn: Ints, group: Ints) -> Any:
    """For each row what its group's first row has."""
    of_group = numpy.zeros(len(drawn), dtype=values.dtype)
    of_group[group[drawn]] = values[drawn]
    return of_group[group]


def _log_sums(logs: Floats, group: Ints) -> Floats:
    """The log of the sum of the weights of each group."""
    greatest = numpy.full(int(group.max(initial=-1)) + 1, -numpy.inf)
    numpy.maximum.at(greatest, group, logs)
    return greatest + numpy.log(numpy.bincount(group, numpy.exp(logs - greatest[group])))

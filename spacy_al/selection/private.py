"""A batch by the exponential mechanism: what it tells about the text of any one row is bounded, and the bound can be set."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy

from spacy_al import registry
from spacy_al.arrays.checks import finite, round_significant
from spacy_al.arrays.keyed_noise import KeyedGenerator
from spacy_al.selection.rank import check_rows
from spacy_al.selection.stochastic import draw_by_weight
from spacy_al.types import Floats, Ints, Sampler

# Halvings of an interval, after which a double cannot be told from the next
HALVINGS = 100


@dataclass(frozen=True)
class Guarantee:
    """How much a batch can tell about one text of the pool, whatever the scores are.

    epsilon (float): Had a text been another, no batch up to the text itself would be more than e^epsilon times as probable.
    rest (float): Had a text not been in the pool, no batch without it would be more than e^rest times as probable.
    shown (float): The greatest probability with which a text is in the batch.
    """

    epsilon: float
    rest: float
    shown: float


@registry.al_samplers("spacy-al.private.v1")
def make_private(epsilon: float = 1.0, bound: float = 1.0, budget: float = 10.0) -> Sampler:
    """Draws whose probabilities depend little on any one text, by the exponential mechanism. Its noise must be secret.

    epsilon (float): Of a batch: had a text been another, no batch would be more than e^epsilon times as probable. 0 draws uniformly.
    bound (float): What a score is at most. It must not be read off the pool; scores above it count like it.
    budget (float): The sum of epsilon over the batches of a run, which asks no more once it is spent.
    RETURNS (Sampler): See `private`.
    RAISES (AlError): AL021 for a setting that is out of range.
    """
    name = "of spacy-al.private.v1"
    finite(epsilon, f"epsilon {name}", 0.0, 100.0)
    finite(bound, f"bound {name}", 1e-9, 1e9)
    finite(budget, f"budget {name}", 0.0, 1e6)
    return partial(private, epsilon=epsilon, bound=bound, budget=budget)


def private(
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    *,
    embeddings: Any = None,
    groups: Ints | None = None,
    epsilon: float = 1.0,
    bound: float = 1.0,
    budget: float = 10.0,
) -> tuple[Ints, Floats]:
    """n rows drawn one after the other, each with a probability in proportion to e^(c score / bound), by noise that is added once.

    The n greatest sums of these exponents and Gumbel noise are that many exponential mechanisms, one after the other, each without
    the rows drawn before (Durfee and Rogers, 2019). They count epsilon n times, since all scores may change at once; here one text
    changes, whose own draw happens once, and which else only enters the sums that are divided by. See `greatest_exponent`.

    scores (Floats): Acquisition scores, shape (N,), compared to 6 significant digits; below 0 they count like 0.
    n (int): Batch size; all that is eligible if there is less.
    rng (Generator): The source of chance: one Gumbel number a row, by a keyed hash of its id where there are ids.
    embeddings (Any): Not used.
    groups (Ints | None): Group of each row, shape (N,), which must not depend on the texts; at most one row of each is chosen.
    epsilon (float): As for `make_private`.
    bound (float): As for `make_private`.
    budget (float): Not used; the loop keeps to it.
    RETURNS (tuple[Ints, Floats]): Rows in the order of the draws, and the probability of each draw given those before. These depend
        on all scores, and must be kept as secret as the pool.
    RAISES (AlError): AL021 for NaN, AL023 for a negative n, AL024 for unequal lengths.
    """
    scores, n = check_rows(scores, n, groups)
    logs = exponents(scores, n, groups, epsilon=epsilon, bound=bound)
    size = len(scores)
    if isinstance(rng, KeyedGenerator) and rng.is_of(size):
        noise = rng.secret_gumbel()
    else:
        noise = rng.gumbel(size=size)
    rows, chances = draw_by_weight(logs, numpy.zeros(size, dtype=bool), noise, groups)
    return rows[:n], chances[:n]


def exponents(
    scores: Floats, n: int, groups: Ints | None = None, *, epsilon: float, bound: float
) -> Floats:
    """Log weights of the draws, shape (N,), from 0 to the greatest exponent. Arguments as for `private`."""
    clipped = numpy.clip(round_significant(scores), 0.0, bound) / bound
    return greatest_exponent(epsilon, eligible_at_least(len(scores), n, groups)) * clipped


def eligible_at_least(size: int, n: int, groups: Ints | None = None) -> Ints:
    """The fewest rows that can be eligible at each draw, shape (n,) or as many as there are groups."""
    sizes = numpy.ones(size, dtype="i8")
    if groups is not None:
        sizes = numpy.sort(numpy.unique(groups, return_counts=True)[1])[::-1]
    sizes = sizes[:n]
    return size - (numpy.cumsum(sizes) - sizes)


def greatest_exponent(epsilon: float, eligible: Ints) -> float:
    """The greatest c with which a batch costs at most epsilon.

    That row j has another text moves its weight between 1 and e^c. A batch whose draws are up to j has one factor with that weight
    above the line, which is the factor e^c at most; below the line it stands in each draw up to its own, among rows that weigh at least
    1. So a batch's probability changes by e^c at most, or by the product of 1 + (e^c - 1) / eligible.

    epsilon (float): What a batch may cost.
    eligible (Ints): (n,) rows that are eligible at each draw, at least.
    """
    low, high = 0.0, epsilon
    if _below_the_line(high, eligible) <= epsilon:
        return high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if _below_the_line(middle, eligible) <= epsilon:
            low = middle
        else:
            high = middle
    return low


def guarantee(epsilon: float, eligible: Ints) -> Guarantee:
    """What is promised of a batch: about the text of a row, and about whether it is there.

    epsilon (float): What a batch may cost.
    eligible (Ints): (n,) rows that are eligible at each draw, at least.
    """
    most = float(numpy.exp(greatest_exponent(epsilon, eligible)))
    others = eligible - 1.0
    with numpy.errstate(divide="ignore"):
        rest = float(numpy.log1p(most / others).sum())
    return Guarantee(epsilon, rest, min(1.0, float((most / (most + others)).sum())))


def expected_overlap(logs: Floats, n: int) -> float:
    """The share of the n highest that such draws are expected to take; where nothing is known, chance takes n / N.

    A row is among the n greatest with the probability 1 - e^(-t w), t such that these add up to n, the better the larger the pool
    (Rosén, 1972).

    logs (Floats): (N,) log weights.
    n (int): Batch size.
    """
    if n >= len(logs) or n < 1:
        return 1.0
    weights = numpy.exp(logs - logs.max())
    low, high = 0.0, 1.0
    while -numpy.expm1(-high * weights).sum() < n:
        high *= 2
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if -numpy.expm1(-middle * weights).sum() < n else (low, middle)
    # of rows that tie with the last of the highest, any are the highest
    ranked = numpy.sort(weights)[::-1][:n]
    return float(-numpy.expm1(-high * ranked).mean())


def _below_the_line(exponent: float, eligible: Ints) -> float:
    # a row that is the only one left is drawn, whatever it weighs
    return float(numpy.log1p(numpy.expm1(exponent) / eligible[eligible > 1]).sum())

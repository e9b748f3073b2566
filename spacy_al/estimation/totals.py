"""Totals of a pool from draws without replacement, unbiased whatever the draws preferred."""

from dataclasses import dataclass

import numpy

from spacy_al.estimation.draws import Draws
from spacy_al.types import Floats


@dataclass(frozen=True)
class Totals:
    """Sums over a pool, as they are estimated.

    values (Floats): (k,) the sums.
    parts (Floats): (n, k) what each draw says of them, less what all say, weighed: uncorrelated, and of mean 0. Their sum of squares
        is the variance.
    seen (Floats): (n, k) the values of the texts drawn.
    """

    values: Floats
    parts: Floats
    seen: Floats

    def variance(self, coefficients: Floats) -> float:
        """The variance of a linear combination of the sums. coefficients (Floats): (k,)."""
        n = len(self.parts)
        squares = float(((self.parts @ coefficients) ** 2).sum())
        return squares * n / max(n - 1, 1)


def draw_shares(n: int, n_pool: int) -> Floats:
    """How much each of n draws counts, so that uniform ones count their texts alike, shape (n,) of sum 1.

    The weights of LURE (Farquhar et al., 2021), in the form in which what a draw says of the total is averaged over the draws. They do not
    depend on what was drawn, so that any such average is unbiased.
    """
    draw = numpy.arange(1, n + 1)
    if n >= n_pool:
        # the last draw knows all the others
        last: Floats = (draw == n).astype("f8")
        return last
    left = n_pool - draw
    shares: Floats = n_pool * (n_pool - n) / (left * (left + 1.0)) / n
    return shares


def draw_weights(draws: Draws) -> Floats:
    """(n,) what each drawn text counts in a total of the pool: estimates are sums of values times these.

    A draw says of the total: the value drawn by its probability, and the values drawn before, which are out of the race (Des Raj, 1956).
    Where a draw makes others ineligible as well (copies, texts of one template), these go with it as its value by its share of their
    probability.
    """
    shares = draw_shares(len(draws), draws.n_pool)
    later = shares[::-1].cumsum()[::-1] - shares
    weights: Floats = shares / draws.propensities + later / draws.within
    return weights


def estimate_totals(
    draws: Draws,
    values: Floats,
    expected: Floats | None = None,
    pool_expected: Floats | None = None,
) -> Totals:
    """Sums over the pool: what a model expects of all texts, and what it was off by, from those drawn (the difference estimator).

    draws (Draws): n of them.
    values (Floats): (n, k) of the texts drawn.
    expected (Floats | None): (n, k) what was expected of them, before they were seen. None for no expectation.
    pool_expected (Floats | None): (k,) the sums of these over the pool.
    """
    seen = values
    start: Floats = numpy.zeros(values.shape[1])
    if expected is not None and pool_expected is not None:
        start, values = pool_expected, values - expected
    before = numpy.cumsum(values / draws.within[:, None], axis=0) - values / draws.within[:, None]
    each = values / draws.propensities[:, None] + before
    shares = draw_shares(len(draws), draws.n_pool)
    found = shares @ each
    return Totals(start + found, shares[:, None] * (each - found), seen)

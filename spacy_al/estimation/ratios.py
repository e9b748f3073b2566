"""Ratios of totals with their intervals: precision, recall, F, accuracy."""

from dataclasses import dataclass

import numpy

from spacy_al.estimation.totals import Totals
from spacy_al.types import Floats

LEVEL = 0.95
# Of the counts right, said and wanted: what is above and below the line
F = numpy.array([[2.0, 0.0, 0.0], [0.0, 1.0, 1.0]])
PRECISION = numpy.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
RECALL = numpy.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
# How many draws what a model believes of its own variance counts for
PRIOR_DRAWS = 10
# Draws that have to say something of a number before it has an interval: of what is in none of them they do not show how it varies
LEAST_TOLD = 5


@dataclass(frozen=True)
class Estimate:
    """A number of the pool, and where it lies 19 times in 20; None where too few draws say anything of it."""

    value: float
    low: float | None
    high: float | None


def estimate_ratio(totals: Totals, ratio: Floats, believed: float | None = None) -> Estimate | None:
    """A ratio of two sums of totals.

    The variance is that of the ratio made linear (Woodruff, 1971), from the draws, mixed with what the model believes of it, as of ten
    draws more: of a few draws the former is too small where none happens to be of the rare kind. The interval is one of the log odds, by
    Student's t. Where nothing is believed, its degrees of freedom are those that the squares of the draws have (Satterthwaite, 1946):
    few, where a few draws make up the variance.

    totals (Totals): Of k counts.
    ratio (Floats): (2, k) coefficients of what is above the line and below; the ratio is between 0 and 1.
    believed (float | None): The variance, in squares of what is above the line, by the model itself.
    RETURNS (Estimate | None): None where nothing is below the line.
    """
    from scipy.special import expit, logit, stdtrit

    above, below = ratio @ totals.values
    if below <= 0:
        return None
    value = float(numpy.clip(above / below, 0, 1))
    residual = ratio[0] - value * ratio[1]
    n, squares = len(totals.parts), (totals.parts @ residual) ** 2
    told = int((totals.seen @ ratio[1] > 0).sum())
    variance, freedom = totals.variance(residual), float(n - 1)
    if believed is not None:
        variance = (n * variance + PRIOR_DRAWS * believed) / (n + PRIOR_DRAWS)
    elif squares.any():
        freedom = max(2.0, float(squares.sum() ** 2 / (squares**2).sum()))
    if told < LEAST_TOLD or n < 2 or variance <= 0:
        return Estimate(value, None, None)
    # at the edge the odds are those of half a text
    inside = float(numpy.clip(value, 0.5 / n, 1 - 0.5 / n))
    reach = stdtrit(freedom, (1 + LEVEL) / 2) * numpy.sqrt(variance) / below
    reach /= inside * (1 - inside)
    low, high = (float(expit(logit(inside) + way * reach)) for way in (-1, 1))
    above_seen, below_seen = ratio @ totals.seen.T
    # where nothing was seen to be right, or nothing wrong, nothing may be
    low = 0.0 if not above_seen.any() else min(low, value)
    high = 1.0 if (above_seen == below_seen).all() else max(high, value)
    return Estimate(value, low, high)


def estimate_count(
    totals: Totals, column: int, least: float, believed: float | None = None
) -> Estimate:
    """One of the totals by itself: how often something is in the pool.

    totals (Totals): Of k counts.
    column (int): Which of them.
    least (float): What was seen, below which it cannot be.
    believed (float | None): As for `estimate_ratio`.
    """
    from scipy.special import stdtrit

    one = numpy.zeros(len(totals.values))
    one[column] = 1.0
    n, squares = len(totals.parts), totals.parts[:, column] ** 2
    variance, freedom = totals.variance(one), float(n - 1)
    if believed is not None:
        variance = (n * variance + PRIOR_DRAWS * believed) / (n + PRIOR_DRAWS)
    elif squares.any():
        freedom = max(2.0, float(squares.sum() ** 2 / (squares**2).sum()))
    value = max(float(totals.values[column]), least)
    told = int((totals.seen[:, column] > 0).sum())
    if told < LEAST_TOLD or n < 2 or variance <= 0:
        return Estimate(value, None, None)
    # of counts near 0 the interval reaches further up than down
    scale = max(value, 1e-9)
    reach = float(stdtrit(freedom, (1 + LEVEL) / 2) * numpy.sqrt(variance) / scale)
    if reach > 1:
        return Estimate(value, least, value + reach * scale)
    return Estimate(
        value, max(least, value * float(numpy.exp(-reach))), value * float(numpy.exp(reach))
    )

"""How many mistakes are left in texts that nobody has looked at, from some of them that were drawn at random."""

from dataclasses import dataclass

import numpy

from spacy_al.types import Floats, Ints

DRAWS, LEVEL = 2000, 0.95


@dataclass(frozen=True)
class Remaining:
    """An estimate with its interval.

    drawn (int): Texts that were drawn and answered.
    wrong (int): Those among them with a mistake.
    unseen (int): Texts that nobody has looked at.
    texts (float): Of these, how many have a mistake; `texts_low` and `texts_high` are the interval.
    marks (float): How many mistakes are in them; `marks_low` and `marks_high` are the interval, None where it cannot be told.
    """

    drawn: int
    wrong: int
    unseen: int
    texts: float
    texts_low: float
    texts_high: float
    marks: float
    marks_low: float | None
    marks_high: float | None


def estimate_remaining(
    errors: Ints | Floats,
    sizes: Ints | Floats,
    unseen: int,
    unseen_size: float,
    *,
    propensities: Floats | None = None,
    seed: int = 0,
) -> Remaining:
    """The mistakes among texts that were not looked at.

    Texts with a mistake: the share of those drawn, with the exact interval of a share (Clopper and Pearson, 1934), which is too
    wide rather than too narrow, as drawing is without replacement. Mistakes: the ratio of mistakes to size over the drawn texts, each weighed by one over its propensity (Hájek,
    1971), times the size of what was not looked at; its interval by drawing texts again (percentile bootstrap; Efron, 1979).

    errors (Array): (m,) mistakes in each text that was drawn and answered.
    sizes (Array): (m,) how large each is: its marks and 1, so that a text without marks counts.
    unseen (int), unseen_size (float): How many texts nobody looked at, and their sizes together.
    propensities (Floats | None): (m,) of the draws; None where all are equal.
    seed (int): Of the draws of the interval.
    RETURNS (Remaining): Without mistakes among the drawn texts the interval of `marks` is None: nothing tells how many a rare text has.
    """
    from scipy.stats import beta

    m, tail = len(errors), (1 - LEVEL) / 2
    wrong = int((numpy.asarray(errors) > 0).sum())
    low = float(beta.ppf(tail, wrong, m - wrong + 1)) if wrong else 0.0
    high = float(beta.ppf(1 - tail, wrong + 1, m - wrong)) if wrong < m else 1.0
    weights = 1 / numpy.asarray(propensities if propensities is not None else numpy.ones(m))
    top, bottom = weights * numpy.asarray(errors, "f8"), weights * numpy.asarray(sizes, "f8")
    bounds: tuple[float | None, float | None] = (None, None)
    if wrong and m > 1:
        times = numpy.random.default_rng(seed).multinomial(m, numpy.full(m, 1 / m), size=DRAWS)
        ratios = (times @ top) / (times @ bottom)
        first, last = numpy.quantile(ratios, [tail, 1 - tail]) * unseen_size
        bounds = float(first), float(last)
    share = float(weights[numpy.asarray(errors) > 0].sum() / weights.sum())
    ratio = float(top.sum() / bottom.sum())
    return Remaining(
        m,
        wrong,
        unseen,
        share * unseen,
        low * unseen,
        high * unseen,
        ratio * unseen_size,
        *bounds,
    )

"""The gain that more labels will probably bring: a learning curve fitted to the rounds so far.

The curve is an inverse power law, score = a - b * cost^-c (as in Figueroa et al., 2012, who also weight late rounds
more; here all count the same). It is a guess about rounds that nobody has seen, hence the band.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy

from spacy_al.types import Floats

MIN_POINTS = 4
PARAMETERS = 3
# Slower than the least no score approaches its limit visibly; faster than the most one round is all there is to learn
EXPONENTS = (0.02, 3.0)
# The share of the scores' variance that a curve has to explain, adjusted for its three parameters: at .5, one in
# 13 series of pure noise passes with four rounds, one in 100 with eight
EXPLAINED = 0.5
RESAMPLED = 400
BAND = 0.9


@dataclass(frozen=True)
class Curve:
    """A fitted learning curve.

    a (float): The score it approaches, at most 1.
    b (float): How far it is below at a cost of `unit`, at least 0.
    c (float): How fast it approaches it.
    unit (float): The cost by which costs are divided: the highest that was fitted.
    noise (float): Standard deviation of the scores around the curve.
    samples (Floats): Other curves that the scores allow, shape (n, 3): a, b and c of each.
    """

    a: float
    b: float
    c: float
    unit: float
    noise: float
    samples: Floats = field(repr=False, compare=False)

    def predict(self, cost: float) -> float:
        """The score at a cost, never below 0."""
        if cost <= 0:
            return 0.0
        return max(0.0, float(self.a - self.b * (cost / self.unit) ** -self.c))

    def band(self, cost: float) -> tuple[float, float]:
        """Where the true curve is at a cost, nine times in ten; a single round may lie farther off by its noise."""
        return _band(self._sampled(cost))

    def gain(self, cost: float, more: float) -> tuple[float, float, float]:
        """The gain in score by `more` on top of a cost, and the band of that.

        RETURNS (tuple[float, float, float]): The curve's own gain, the low and the high end of the band.
        """
        low, high = _band(self._sampled(cost + more) - self._sampled(cost))
        return self.predict(cost + more) - self.predict(cost), low, high

    def cost_to(self, score: float) -> float | None:
        """The cost at which the curve reaches a score, or None where it never does."""
        return _cost_to(self.a, self.b, self.c, self.unit, score)

    def cost_band(self, score: float) -> tuple[float | None, float | None]:
        """Where the cost of a score is, nine times in ten; None for an end at which it is never reached."""
        costs = [_cost_to(a, b, c, self.unit, score) for a, b, c in self.samples.tolist()]
        ranked = sorted(math.inf if cost is None else cost for cost in costs)
        skip = round((1 - BAND) / 2 * len(ranked))
        low, high = ranked[skip], ranked[-1 - skip]
        return (low if low < math.inf else None), (high if high < math.inf else None)

    def points(self, upto: float, n: int = 50) -> list[tuple[float, float, float, float]]:
        """The curve as numbers: cost, score, and the band's low and high end, from a fiftieth of the last cost on."""
        costs = numpy.linspace(self.unit / 50, max(upto, self.unit), n).tolist()
        return [(cost, self.predict(cost), *self.band(cost)) for cost in costs]

    def _sampled(self, cost: float) -> Floats:
        a, b, c = self.samples.T
        if cost <= 0:
            return numpy.zeros(len(a))
        scores: Floats = numpy.maximum(0.0, a - b * (cost / self.unit) ** -c)
        return scores


def fit_curve(costs: Sequence[float], scores: Sequence[float], *, seed: int = 0) -> Curve | None:
    """Fit a learning curve by least squares, with 0 <= a <= 1 and 0 <= b.

    Rounds without a finite cost above 0 or without a score above 0 are left out: a model that has learned nothing yet
    is not on the curve.

    costs (Sequence[float]): What had been labelled, in any unit, shape (n_rounds,).
    scores (Sequence[float]): From 0 to 1, shape (n_rounds,).
    seed (int): Of the band.
    RETURNS (Curve | None): None with fewer than 4 different costs, with scores above 1, or where they do not rise as
        such a curve does.
    """
    pairs = [
        (cost, score)
        for cost, score in zip(costs, scores)
        if math.isfinite(cost) and math.isfinite(score) and cost > 0 and score > 0
    ]
    if len({cost for cost, _ in pairs}) < MIN_POINTS or max(score for _, score in pairs) > 1:
        return None
    x, y = numpy.array(pairs, dtype="f8").T
    unit = float(x.max())
    x = x / unit
    a, b, c = _fit(x, y[None], 8)[0].tolist()
    fitted = a - b * x**-c
    squares, spread = float(((y - fitted) ** 2).sum()), float(((y - y.mean()) ** 2).sum())
    freedom = len(y) - PARAMETERS
    unexplained = (squares / freedom) / (max(spread, 1e-12) / (len(y) - 1))
    if b <= 0 or spread <= 1e-12 or unexplained > 1 - EXPLAINED:
        return None
    rng = numpy.random.default_rng(seed)
    # With few rounds the noise itself is hardly known: it is drawn as well, as Student's t does
    noises = numpy.sqrt(squares / rng.chisquare(freedom, (RESAMPLED, 1)))
    others = fitted + noises * rng.standard_normal((RESAMPLED, len(y)))
    noise = math.sqrt(squares / freedom)
    return Curve(a, b, c, unit, noise, _fit(x, others, 4))


def _fit(x: Floats, y: Floats, rounds: int) -> Floats:
    """The best a, b and c for each row of scores.

    For a given c the other two are a straight line in x^-c, so only c is searched for, ever more finely.

    x (Floats): Costs, shape (n_points,), the highest 1.
    y (Floats): Scores, shape (n_rows, n_points).
    rounds (int): Of the search; each tells c twelve times more exactly.
    RETURNS (Floats): Shape (n_rows, 3).
    """
    low, high = (numpy.full(len(y), math.log(end)) for end in EXPONENTS)
    rows = numpy.arange(len(y))
    for _ in range(rounds):
        c = numpy.exp(numpy.linspace(low, high, 25, axis=1))
        a, b, squares = _line(x[None, None] ** -c[:, :, None], y[:, None])
        best = squares.argmin(axis=1)
        step = (high - low) / 24
        middle = numpy.log(c[rows, best])
        low, high = numpy.maximum(low, middle - step), numpy.minimum(high, middle + step)
    return numpy.stack([a[rows, best], b[rows, best], c[rows, best]], axis=1)


def _line(z: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """Least squares for y = a - b z with a <= 1 and b >= 0: a, b and the sum of squares."""
    mean_z, mean_y = z.mean(axis=-1), y.mean(axis=-1)
    around = z - mean_z[..., None]
    spread = (around**2).sum(axis=-1)
    b = -(around * y).sum(axis=-1) / numpy.maximum(spread, 1e-300)
    b = numpy.maximum(b, 0.0)
    a = mean_y + b * mean_z
    # beyond a bound the best is on it, as the sum of squares is convex
    capped = numpy.maximum((z * (1 - y)).sum(axis=-1) / (z**2).sum(axis=-1), 0.0)
    b, a = numpy.where(a > 1, capped, b), numpy.minimum(a, 1.0)
    return a, b, ((y - a[..., None] + b[..., None] * z) ** 2).sum(axis=-1)


def _band(values: Floats) -> tuple[float, float]:
    low, high = numpy.quantile(values, [(1 - BAND) / 2, (1 + BAND) / 2])
    return float(low), float(high)


def _cost_to(a: float, b: float, c: float, unit: float, score: float) -> float | None:
    if score >= a:
        return None
    if b <= 0:
        return 0.0
    exponent = (math.log(b) - math.log(a - score)) / c
    # beyond this the cost is no number that anybody could pay
    return unit * math.exp(exponent) if exponent < 300 else None

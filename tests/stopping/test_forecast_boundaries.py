"""The learning curve at its bounds, by fixed numbers: what is fitted and what is not, and where a band begins and ends."""

import math

import numpy
import pytest

from spacy_al.stopping import Curve, fit_curve
from spacy_al.stopping.forecast import BAND, EXPLAINED, EXPONENTS, MIN_POINTS

COSTS = [100.0, 200.0, 400.0, 700.0, 1000.0, 1500.0]
LAW = [0.8 - 0.3 * (cost / 100) ** -0.6 for cost in COSTS]
LEAST = 1e-6
# 101 curves that are 0.5, 0.505 and so on to 1 where all has been paid, and half as much below their limit
LIMITS = numpy.linspace(0.5, 1, 101)
CURVE = Curve(
    a=0.9,
    b=0.2,
    c=0.5,
    unit=1000.0,
    noise=0.01,
    samples=numpy.stack([LIMITS, numpy.full(101, 0.2), numpy.full(101, 0.5)], axis=1),
)


# what is fitted


@pytest.mark.parametrize("noise, fits", [(0.0471, True), (0.0481, False)])
def test_a_curve_explains_half_of_what_the_scores_vary(noise, fits):
    assert EXPLAINED == 0.5
    scores = [score + noise * (-1) ** k for k, score in enumerate(LAW)]
    curve = fit_curve(COSTS, scores)
    assert (curve is not None) is fits
    if curve:
        # adjusted for the three numbers of the curve, by its own noise
        unexplained = curve.noise**2 / numpy.var(scores, ddof=1)
        assert unexplained == pytest.approx(0.49, abs=0.001)


@pytest.mark.parametrize(
    "column, value, fits",
    [
        ("cost", 50.0, True),
        ("cost", 0.0, False),
        ("cost", -1.0, False),
        ("cost", math.inf, False),
        ("score", 0.3, True),
        ("score", 0.0, False),
        ("score", -0.1, False),
        ("score", math.inf, False),
        ("score", math.nan, False),
    ],
)
def test_four_rounds_with_a_cost_and_a_score_are_needed(column, value, fits):
    """Three that are sound, and one that is or is not."""
    assert MIN_POINTS == 4
    costs, scores = COSTS[:4], LAW[:4]
    if column == "cost":
        costs = [value, *COSTS[1:4]]
    else:
        scores = [value, *LAW[1:4]]
    assert (fit_curve(costs, scores) is not None) is fits


@pytest.mark.parametrize("scores", [[0.6] * 4, [0.7, 0.6, 0.5, 0.4], [0.7, 0.7, 0.7, 0.7 - LEAST]])
def test_scores_that_do_not_rise_are_no_curve(scores):
    assert fit_curve(COSTS[:4], scores) is None


def test_a_curve_approaches_a_score_of_one_at_most():
    # on a line in the logarithm of the cost, which has no limit
    curve = fit_curve(COSTS, [0.3 + 0.25 * math.log10(cost / 100) for cost in COSTS])
    assert curve is not None and curve.a == 1.0
    assert EXPONENTS == (0.02, 3.0) and 0.02 <= curve.c <= 3.0
    # told at the highest cost
    assert curve.unit == 1500.0


@pytest.mark.parametrize("law, end", [(0.005, 0), (6.0, 1)])
def test_the_exponent_stays_within_its_bounds(law, end):
    curve = fit_curve(COSTS, [0.9 - 0.5 * (cost / 100) ** -law for cost in COSTS])
    assert curve is not None and curve.c == pytest.approx(EXPONENTS[end])


# what is foretold


def test_a_score_is_never_below_nothing():
    # (0.2 / 0.9) ** 2 of a thousand
    nothing = 1000 * (0.2 / 0.9) ** 2
    assert CURVE.predict(nothing * 0.99) == 0.0 < CURVE.predict(nothing * 1.01) < 0.01
    assert CURVE.predict(0.0) == CURVE.predict(-1.0) == 0.0
    assert CURVE.band(0.0) == (0.0, 0.0)
    assert CURVE.predict(1000.0) == pytest.approx(0.7)
    # the same in thousands, where costs are below 1
    thousands = Curve(0.9, 0.2, 0.5, 1.0, 0.01, CURVE.samples)
    assert thousands.predict(0.5) == CURVE.predict(500.0) > 0.6
    assert thousands.band(0.5) == CURVE.band(500.0)


def test_a_band_leaves_out_five_of_a_hundred_at_each_end():
    assert BAND == 0.9
    assert CURVE.band(1000.0) == pytest.approx((LIMITS[5] - 0.2, LIMITS[95] - 0.2))


def test_a_gain_is_between_two_costs():
    gain, low, high = CURVE.gain(1000.0, 3000.0)
    # 0.2 less half of it, of every curve alike
    assert (gain, low, high) == pytest.approx((0.1, 0.1, 0.1))
    assert CURVE.gain(1000.0, 0.0) == (0.0, 0.0, 0.0)


def test_what_a_score_costs():
    assert CURVE.cost_to(0.7) == pytest.approx(1000.0)
    assert CURVE.cost_to(0.8) == pytest.approx(4000.0)
    assert CURVE.cost_to(0.9) is None
    assert CURVE.cost_to(0.9 - LEAST) == pytest.approx(1000 * (0.2 / LEAST) ** 2)
    flat = Curve(0.9, 0.0, 0.5, 1000.0, 0.0, CURVE.samples)
    assert flat.cost_to(0.9 - LEAST) == 0.0 and flat.cost_to(0.9) is None
    # more than anybody could pay
    slow = Curve(0.9, 0.2, 0.02, 1000.0, 0.0, CURVE.samples)
    assert slow.cost_to(0.9 - 0.2 * math.exp(-5.99)) == pytest.approx(1000 * math.exp(299.5))
    assert slow.cost_to(0.9 - 0.2 * math.exp(-6.01)) is None


def test_a_band_of_costs_leaves_out_as_many():
    # of the curves that count the dearest has the limit 0.525 and the cheapest 0.975
    low, high = CURVE.cost_band(LIMITS[5] - 0.1)
    assert low == pytest.approx(1000 * (0.2 / (LIMITS[95] - LIMITS[5] + 0.1)) ** 2)
    assert high == pytest.approx(4000.0)
    assert CURVE.cost_band(LIMITS[5])[1] is None
    assert CURVE.cost_band(LIMITS[95]) == (None, None)
    assert CURVE.cost_band(LIMITS[95] - 0.1)[0] == pytest.approx(4000.0)


def test_points_begin_at_a_fiftieth_and_end_where_they_are_asked_to():
    assert [len(CURVE.points(2000.0)), len(CURVE.points(2000.0, 3))] == [50, 3]
    assert [point[0] for point in CURVE.points(2000.0, 3)] == [20.0, 1010.0, 2000.0]
    # but not before what has been paid already
    assert CURVE.points(10.0, 2)[-1] == (1000.0, CURVE.predict(1000.0), *CURVE.band(1000.0))

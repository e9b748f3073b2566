"""The learning curve: known ones are found again, nonsense is refused, and the band is as wide as it has to be."""

import math

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_al.stopping import fit_curve

COSTS = [100.0, 200.0, 400.0, 700.0, 1000.0, 1500.0]
quick = settings(max_examples=25, deadline=None)
laws = st.tuples(st.floats(0.5, 1.0), st.floats(0.1, 0.4), st.floats(0.2, 1.5))


def truth(law, cost):
    a, b, c = law
    return a - b * (cost / COSTS[0]) ** -c


@pytest.mark.slow
@quick
@given(laws)
def test_finds_a_known_law_again(law):
    curve = fit_curve(COSTS, [truth(law, cost) for cost in COSTS])
    assert curve is not None
    a, b, c = law
    # b is told at the highest cost
    expected = (a, b * (COSTS[-1] / COSTS[0]) ** -c, c)
    assert (curve.a, curve.b, curve.c) == pytest.approx(expected, rel=0.01, abs=0.002)
    for cost in (100, 500, 1500, 5000):
        assert curve.predict(cost) == pytest.approx(truth(law, cost), abs=0.002)
        low, high = curve.band(cost)
        assert low == pytest.approx(high, abs=0.005)


def test_is_the_least_squares_fit_that_scipy_finds():
    from scipy.optimize import curve_fit

    rng = numpy.random.default_rng(0)
    checked = 0
    for i in range(16):
        # the second law, fitted without a bound, would approach a score above 1
        law = ((0.8, 0.3, 0.6), (1.3, 0.9, 0.2))[i % 2]
        scores = [truth(law, cost) for cost in COSTS] + 0.01 * rng.standard_normal(6)
        own = fit_curve(COSTS, scores)
        assert own is not None
        x = numpy.array(COSTS) / COSTS[-1]
        bounds = ([0, 0, 0.02], [1, numpy.inf, 3.0])
        found, _ = curve_fit(
            lambda n, a, b, c: a - b * n**-c,
            x,
            scores,
            (0.8, 0.1, 0.5),
            bounds=bounds,
            maxfev=20000,
        )
        squares = [
            ((scores - (a - b * x**-c)) ** 2).sum()
            for a, b, c in (found.tolist(), (own.a, own.b, own.c))
        ]
        assert squares[1] <= squares[0] * (1 + 1e-3) + 1e-12
        checked += 1
    assert checked == 16


@quick
@given(laws, st.floats(20, 20000))
def test_cost_to_is_the_inverse_of_predict(law, cost):
    curve = fit_curve(COSTS, [truth(law, cost) for cost in COSTS])
    assert curve is not None
    score = curve.predict(cost)
    # far out the curve is so flat that a score no longer tells a cost
    if 0 < score < curve.a - 1e-4:
        assert curve.cost_to(score) == pytest.approx(cost, rel=1e-6)
    assert curve.cost_to(curve.a) is None and curve.cost_to(1.01) is None
    assert all(curve.predict(n) <= curve.predict(n * 1.5) for n in (1, 10, 100, 1000, 1e6))
    assert curve.predict(0) == 0.0 <= curve.predict(1e-3)


@pytest.mark.parametrize(
    "scores",
    [
        [0.7] * 6,
        [0.8, 0.7, 0.6, 0.5, 0.4, 0.3],
        [0.0] * 6,
        [0.1, 0.9, 0.1, 0.9, 0.1, 0.9],
        [60.0, 65.0, 68.0, 70.0, 71.0, 71.5],
        [0.5, 0.6, 0.65],
        [],
        [math.nan] * 6,
        [0.5, 0.6, 0.65, math.nan, math.inf, -math.inf],
        [0.0, 0.0, 0.0, 0.5, 0.6, 0.65],
    ],
)
def test_refuses_nonsense(scores):
    assert fit_curve(COSTS[: len(scores)], scores) is None


def test_needs_four_different_costs():
    scores = [0.5, 0.6, 0.65, 0.68]
    assert fit_curve([1, 2, 3, 4], scores) is not None
    assert fit_curve([1, 2, 3, 3], scores) is None
    assert fit_curve([0, 2, 3, 4], scores) is None
    assert fit_curve([-1, 2, 3, 4], scores) is None
    assert fit_curve([math.nan, 2, 3, 4], scores) is None
    # rounds of nothing learned are left out
    assert fit_curve([0.2, 0.5, 1, 2, 3, 4], [0.0, 0.0, *scores]) == fit_curve([1, 2, 3, 4], scores)


def test_pure_noise_is_rarely_taken_for_a_curve():
    rng = numpy.random.default_rng(0)
    found = [
        fit_curve(range(1, 7), 0.7 + 0.01 * rng.standard_normal(6)) is not None for _ in range(100)
    ]
    assert sum(found) <= 10


def test_the_unit_of_the_cost_does_not_matter():
    scores = [0.5, 0.61, 0.64, 0.69, 0.7, 0.71]
    words = fit_curve(COSTS, scores)
    hours = fit_curve([cost / 3600 for cost in COSTS], scores)
    assert words is not None and hours is not None
    assert hours.predict(1) == pytest.approx(words.predict(3600))
    assert hours.band(1) == pytest.approx(words.band(3600))


def test_is_deterministic_and_the_seed_moves_only_the_band():
    scores = [0.5, 0.61, 0.64, 0.69, 0.7, 0.71]
    first, again, other = (fit_curve(COSTS, scores, seed=seed) for seed in (0, 0, 1))
    assert first is not None and again is not None and other is not None
    assert first.band(3000) == again.band(3000) != other.band(3000)
    assert first.predict(3000) == other.predict(3000)
    assert first.band(3000) == pytest.approx(other.band(3000), abs=0.03)


def test_points_are_the_curve_in_numbers():
    curve = fit_curve(COSTS, [0.5, 0.61, 0.64, 0.69, 0.7, 0.71])
    assert curve is not None
    points = curve.points(6000, 20)
    assert len(points) == 20 and points[-1][0] == 6000
    for cost, score, low, high in points:
        assert score == curve.predict(cost) and (low, high) == curve.band(cost)
        assert 0 <= low <= high <= 1


@pytest.mark.slow
@pytest.mark.parametrize("n_rounds", [5, 10])
def test_the_band_covers_the_truth_as_often_as_it_says(n_rounds):
    rng = numpy.random.default_rng(n_rounds)
    costs = 100.0 * numpy.arange(1, n_rounds + 1)
    last = costs[-1]
    covered = {"half": 0, "now": 0, "twice": 0, "gain": 0, "cost": 0}
    n = 0
    for _ in range(120):
        law = (rng.uniform(0.6, 0.95), rng.uniform(0.15, 0.35), rng.uniform(0.3, 1.0))
        scores = truth(law, costs) + rng.uniform(0.003, 0.012) * rng.standard_normal(n_rounds)
        curve = fit_curve(costs, scores)
        if curve is None:
            continue
        n += 1
        for name, cost in (("half", last / 2), ("now", last), ("twice", 2 * last)):
            low, high = curve.band(cost)
            covered[name] += low <= truth(law, cost) <= high
        _, low, high = curve.gain(last, 100)
        covered["gain"] += low <= truth(law, last + 100) - truth(law, last) <= high
        cheap, dear = curve.cost_band(truth(law, 2 * last))
        covered["cost"] += (cheap or math.inf) <= 2 * last <= (dear or math.inf)
    assert n > 110
    # 90% is said; three standard errors of a share of 120 are 8%
    assert all(0.82 <= count / n <= 0.985 for count in covered.values()), covered


def test_the_band_of_a_steady_curve_is_narrower_than_of_a_noisy_one():
    noise = numpy.array([1, -1, 1, -1, 1, -1])
    scores = numpy.array([truth((0.8, 0.3, 0.6), cost) for cost in COSTS])
    widths = []
    for size in (0.001, 0.005, 0.02):
        curve = fit_curve(COSTS, scores + size * noise)
        assert curve is not None
        assert curve.noise == pytest.approx(size * math.sqrt(6 / 3), rel=0.3)
        low, high = curve.band(3000)
        widths.append(high - low)
    assert widths == sorted(widths)


def test_a_score_that_may_never_be_reached_has_no_upper_cost():
    rng = numpy.random.default_rng(3)
    scores = [truth((0.8, 0.3, 0.6), cost) for cost in COSTS] + 0.01 * rng.standard_normal(6)
    curve = fit_curve(COSTS, scores)
    assert curve is not None
    low, high = curve.cost_band(0.8)
    assert low is not None and low > COSTS[-1] and high is None
    assert curve.cost_band(1.0) == (None, None)
    easy = curve.cost_band(0.6)
    assert None not in easy and easy[0] < curve.cost_to(0.6) < easy[1]

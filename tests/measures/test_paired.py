"""Differences of two models on the same texts: as a slow reference draws them, and as often wrong as they say."""

import numpy
import pytest
from scipy.stats import binomtest

from spacy_al.bench.gate import better_for, draw_pair, gain_of, passed
from spacy_al.measures.paired import DRAWS, f_difference, mean_f, statistic_difference


def slow_f(rows):
    """The mean of the labels' F scores over texts, of labels that are said or wanted."""
    scores = []
    for label in range(rows.shape[1]):
        right, said, wanted = (rows[:, label, k].sum() for k in range(3))
        if said + wanted:
            scores.append(2 * right / (said + wanted))
    return sum(scores) / len(scores) if scores else numpy.nan


def some(n=30, labels=3, seed=0):
    rng = numpy.random.default_rng(seed)
    said, wanted = rng.poisson(0.8, (2, n, labels))
    return numpy.stack([numpy.minimum(said, wanted), said, wanted], axis=2).astype("f8")


def test_it_is_what_a_loop_over_draws_finds():
    new, old = some(seed=1), some(seed=2)
    found = f_difference(new, old, level=0.9, seed=7)
    assert found.new == pytest.approx(slow_f(new)) and found.old == pytest.approx(slow_f(old))
    # the same draws, each text as often as it was drawn
    rng, gains = numpy.random.default_rng(7), []
    for _ in range(DRAWS // 250):
        for row in rng.multinomial(30, numpy.full(30, 1 / 30), size=250):
            gains.append(slow_f(new.repeat(row, axis=0)) - slow_f(old.repeat(row, axis=0)))
    assert (found.low, found.high) == pytest.approx(tuple(numpy.quantile(gains, [0.1, 0.9])))
    assert found.gain == pytest.approx(found.new - found.old)


def test_a_model_and_itself_do_not_differ():
    one = some()
    found = f_difference(one, one)
    assert (found.gain, found.low, found.high) == (0, 0, 0)


def test_texts_that_say_nothing():
    assert f_difference(some(n=1), some(n=1)) is None
    nothing = numpy.zeros((5, 2, 3))
    assert f_difference(nothing, nothing) is None
    # one of two labels that nobody has counts for neither
    half = some(labels=2)
    half[:, 1] = 0
    assert mean_f(half.sum(axis=0)) == pytest.approx(slow_f(half[:, :1]))


def test_a_statistic_without_sums():
    values = numpy.arange(10.0)
    found = statistic_difference(
        lambda times: float(numpy.average(values + 2, weights=times)),
        lambda times: float(numpy.average(values, weights=times)),
        10,
    )
    # each draw is the same for both
    assert (found.gain, found.low, found.high) == pytest.approx((2, 2, 2))
    assert statistic_difference(lambda times: numpy.nan, lambda times: 0.0, 10) is None


def test_what_the_draws_of_the_benchmark_are():
    assert gain_of(0.0, seed=3) == pytest.approx(0, abs=0.002)
    assert gain_of(better_for(0.02), seed=4) == pytest.approx(0.02, abs=0.002)
    new, old = draw_pair(numpy.random.default_rng(0), 2000)
    assert (new[:, 0, 0] <= new[:, 0, 2]).all() and (new[:, 0, 0] <= new[:, 0, 1]).all()
    # what is hard is hard for both
    assert numpy.corrcoef(new[:, 0, 0] / (1 + new[:, 0, 2]), old[:, 0, 0])[0, 1] > 0.3


@pytest.mark.slow
def test_equal_candidates_pass_as_rarely_as_it_says():
    n_passed, gains = passed(200, 200, 0.0, seed=1)
    low, _ = binomtest(n_passed, 200).proportion_ci(method="exact")
    assert low <= 0.05 and abs(gains.mean()) < 0.005
    n_better, _ = passed(200, 60, better_for(0.1), seed=1)
    assert n_better > 50

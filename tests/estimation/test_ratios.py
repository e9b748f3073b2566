"""Ratios are held against plain counts where all is drawn alike, and their intervals against draws of which the truth is known."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import binomtest

from spacy_al.estimation.draws import Draws
from spacy_al.estimation.ratios import PRECISION, RECALL, F, estimate_count, estimate_ratio
from spacy_al.estimation.score import Expected, doubt, expected_f, pool_score
from spacy_al.estimation.totals import estimate_totals
from spacy_al.selection.stochastic import stochastic

COUNTS = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))


def even(n, size):
    return Draws(1.0 / (size - numpy.arange(n)), size, numpy.ones(n))


def some_pool(rng, size=400):
    """Counts (size, 2, 3), and what a model expects of them that is right on average."""
    prob = rng.beta(2, 1.5, (size, 2))
    said = rng.poisson(1.0, (size, 2))
    right = rng.binomial(said, prob)
    missed = rng.poisson(0.5, (size, 2))
    counts = numpy.stack([right, said, right + missed], axis=2).astype("f8")
    means = numpy.stack([said * prob, said, said * prob + 0.5], axis=2)
    spread = (said * prob * (1 - prob)).sum(axis=1)
    moments = numpy.stack([spread, spread, spread + 1.0], axis=1)
    return counts, numpy.concatenate([means.sum(axis=1), moments, means.reshape(size, 6)], axis=1)


@given(st.lists(COUNTS, min_size=10, max_size=30))
def test_drawn_alike_they_are_the_plain_ones(rows):
    values = numpy.array([(min(a, b, c), b, c) for a, b, c in rows], dtype="f8")
    right, said, wanted = values.sum(axis=0)
    totals = estimate_totals(even(len(rows), 500), values)
    plain = ((F, 2 * right, said + wanted), (PRECISION, right, said), (RECALL, right, wanted))
    for ratio, above, below in plain:
        found = estimate_ratio(totals, ratio)
        if not below:
            assert found is None
            continue
        assert found.value == pytest.approx(above / below)
        if found.low is not None:
            assert 0 <= found.low <= found.value <= found.high <= 1


def test_of_a_pool_that_is_drawn_whole_all_is_known():
    counts, expected = some_pool(numpy.random.default_rng(0), 30)
    draws = even(30, 30)
    found = pool_score(draws, counts, ("A", "B"), Expected(expected, expected.sum(axis=0)))
    right, said, wanted = counts.sum(axis=(0, 1))
    assert found.f.value == pytest.approx(2 * right / (said + wanted))
    assert found.overconfidence.value == pytest.approx(found.confidence - found.precision.value)
    assert found.overconfidence.low <= found.overconfidence.value <= found.overconfidence.high
    assert found.counts["A"].value == pytest.approx(counts[:, 0, 2].sum())
    assert found.labels["B"].value == pytest.approx(
        2 * counts[:, 1, 0].sum() / counts[:, 1, 1:].sum()
    )


def test_too_few_that_say_anything_have_no_interval():
    values = numpy.zeros((20, 3))
    values[:4] = 1
    found = estimate_ratio(estimate_totals(even(20, 90), values), F)
    assert found.value == 1 and found.low is None and found.high is None
    assert estimate_ratio(estimate_totals(even(20, 90), numpy.zeros((20, 3))), F) is None


def test_where_all_is_right_an_interval_reaches_below_1():
    values = numpy.ones((20, 3))
    totals = estimate_totals(even(20, 900), values)
    assert estimate_ratio(totals, F).low is None
    found = estimate_ratio(totals, F, believed=400.0)
    assert found.value == found.high == 1 and 0.5 < found.low < 1
    values[:, 0] = 0
    found = estimate_ratio(estimate_totals(even(20, 900), values), F, believed=400.0)
    assert found.value == found.low == 0 and 0 < found.high < 0.5


def test_counts_are_never_fewer_than_were_seen():
    values = numpy.zeros((20, 1))
    values[:5] = 1
    found = estimate_count(estimate_totals(even(20, 40), values), 0, 5.0)
    assert found.value == pytest.approx(10) and 5 <= found.low < 9 < 11 < found.high
    values[0] = 0
    assert estimate_count(estimate_totals(even(20, 40), values), 0, 4.0).low is None
    # a model that expected more is told otherwise
    more = numpy.ones((20, 1))
    found = estimate_count(estimate_totals(even(20, 40), values, more, numpy.array([22.0])), 0, 4.0)  # fmt: skip
    assert found.value == 4


@pytest.mark.slow
def test_intervals_hold_the_truth_and_naive_scores_do_not():
    counts, expected = some_pool(numpy.random.default_rng(1), 800)
    right, said, wanted = counts.sum(axis=(0, 1))
    truth, pool = 2 * right / (said + wanted), expected.sum(axis=0)
    weights = numpy.abs(counts.sum(axis=1) @ [-2.0, 1.0, 1.0]) + 0.05
    held = {name: [] for name in ("helped", "plain", "count")}
    naive, widths = [], {"helped": [], "plain": []}
    for seed in range(500):
        rows, chances = stochastic(weights, 60, numpy.random.default_rng(seed), explore=0.2)
        draws = Draws(chances, 800, numpy.ones(60))
        for name, given_ in (("helped", Expected(expected[rows], pool)), ("plain", None)):
            found = pool_score(draws, counts[rows], ("A", "B"), given_)
            held[name].append(found.f.low <= truth <= found.f.high)
            widths[name].append(found.f.high - found.f.low)
        naive.append(found.naive)
        a = found.counts["A"]
        held["count"].append(a.low <= counts[:, 0, 2].sum() <= a.high)
    for name, hits in held.items():
        low, high = binomtest(sum(hits), 500).proportion_ci(0.999, method="exact")
        assert low <= 0.95 + 0.03 and high >= 0.95 - 0.02, (name, numpy.mean(hits))
    assert numpy.mean(naive) < truth - 0.1


def test_doubt_is_the_spread_of_what_moves_f():
    rng = numpy.random.default_rng(0)
    right, wanted = rng.multivariate_normal([3, 5], [[2, 0.7], [0.7, 1.5]], 200_000).T
    moments = numpy.array([[3, 4, 5, 2, 0.7, 1.5]])
    f = expected_f(moments)
    assert f == pytest.approx(2 * 3 / 9)
    assert_allclose(doubt(moments, f), (2 * right - f * wanted).std(), rtol=0.01)
    assert doubt(numpy.zeros((1, 6)), 0.5) == 0

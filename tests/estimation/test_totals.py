"""Estimates are held against all that could have been drawn: every sequence of draws from a tiny pool, by its probability."""

from itertools import permutations

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from spacy_al.estimation.draws import Draws
from spacy_al.estimation.totals import draw_shares, draw_weights, estimate_totals


def sequences(weights, n, groups=None):
    """Every way to draw n rows, at most one of a group: its probability, rows, the chance of each draw, and its share of its group."""
    size = len(weights)
    groups = numpy.arange(size) if groups is None else numpy.asarray(groups)
    for rows in permutations(range(size), n):
        left, chance, chances, within = numpy.ones(size, dtype=bool), 1.0, [], []
        for row in rows:
            if not left[row]:
                chance = 0.0
                break
            chances.append(weights[row] / weights[left].sum())
            own = groups == groups[row]
            within.append(weights[row] / weights[own].sum())
            chance *= chances[-1]
            left &= ~own
        if chance:
            yield chance, [*rows], numpy.array(chances), numpy.array(within)


def lure(values, chances, size):
    """The weights of the paper, as it writes them."""
    n = len(values)
    m = numpy.arange(1, n + 1)
    weights = 1 + (size - n) / (size - m) * (1 / ((size - m + 1) * chances) - 1)
    return weights @ values / n


POSITIVE = st.floats(0.05, 5.0)
ANY = st.floats(-5.0, 5.0)


@given(st.lists(st.tuples(POSITIVE, ANY, ANY), min_size=3, max_size=5), st.data())
@settings(max_examples=40, deadline=None)
def test_the_mean_over_all_draws_is_the_total(rows, data):
    weights, values, expected = numpy.array(rows).T
    n = data.draw(st.integers(1, len(rows)))
    groups = data.draw(st.lists(st.integers(0, 2), min_size=len(rows), max_size=len(rows)))
    most = len(set(groups))
    plain = helped = grouped = total = 0.0
    for chance, drawn, chances, within in sequences(weights, n):
        draws = Draws(chances, len(rows), within)
        plain += chance * estimate_totals(draws, values[drawn, None]).values[0]
        helped += chance * estimate_totals(draws, values[drawn, None], expected[drawn, None], numpy.array([expected.sum()])).values[0]  # fmt: skip
        total += chance
    assert_allclose([total, plain, helped], [1, values.sum(), values.sum()], atol=1e-9)
    for chance, drawn, chances, within in sequences(weights, min(n, most), groups):
        draws = Draws(chances, len(rows), within)
        grouped += chance * estimate_totals(draws, values[drawn, None]).values[0]
    assert_allclose(grouped, values.sum(), atol=1e-8)


@given(st.lists(st.tuples(POSITIVE, ANY), min_size=2, max_size=6), st.data())
@settings(max_examples=60, deadline=None)
def test_weights_are_those_of_the_paper(rows, data):
    weights, values = numpy.array(rows).T
    n = data.draw(st.integers(1, len(rows)))
    drawn = data.draw(st.permutations(range(len(rows))))[:n]
    left = weights.sum() - numpy.cumsum(weights[drawn]) + weights[drawn]
    draws = Draws(weights[drawn] / left, len(rows), numpy.ones(n))
    found = estimate_totals(draws, values[drawn, None])
    assert_allclose(draw_weights(draws) @ values[drawn], found.values[0], atol=1e-8)
    if n < len(rows):
        assert_allclose(found.values[0], len(rows) * lure(values[drawn], draws.propensities, len(rows)), atol=1e-8)  # fmt: skip
    else:
        assert_allclose(found.values[0], values.sum(), atol=1e-8)


@pytest.mark.parametrize("n, size", [(1, 1), (1, 9), (4, 9), (9, 9)])
def test_uniform_draws_count_alike(n, size):
    draws = Draws(1.0 / (size - numpy.arange(n)), size, numpy.ones(n))
    assert_allclose(draw_weights(draws), size / n)
    assert draw_shares(n, size).sum() == pytest.approx(1)


def test_what_the_draws_say_apart_has_the_variance_that_all_of_them_have():
    rng = numpy.random.default_rng(3)
    weights, values = rng.uniform(0.2, 2, 6), rng.normal(size=6)
    mean = square = said = 0.0
    for chance, drawn, chances, within in sequences(weights, 4):
        found = estimate_totals(Draws(chances, 6, within), values[drawn, None])
        mean += chance * found.values[0]
        square += chance * found.values[0] ** 2
        said += chance * found.variance(numpy.ones(1))
    assert said == pytest.approx(square - mean**2, rel=0.35)


def test_of_a_right_expectation_nothing_is_left_to_chance():
    values = numpy.arange(12.0).reshape(6, 2)
    draws = Draws(numpy.array([0.5, 0.3, 0.4]), 6, numpy.ones(3))
    found = estimate_totals(draws, values[:3], values[:3], values.sum(axis=0))
    assert_allclose(found.values, values.sum(axis=0))
    assert found.variance(numpy.ones(2)) == 0

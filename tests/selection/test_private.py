"""Private draws: what one text changes, by enumeration of all batches and by draws; and what the noise costs."""

import itertools
import math

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import beta, gumbel_r, kstest

from spacy_al.arrays.keyed_noise import KeyedGenerator
from spacy_al.errors import AlError
from spacy_al.selection.private import (
    eligible_at_least,
    expected_overlap,
    exponents,
    greatest_exponent,
    guarantee,
    make_private,
    private,
)


def rng(seed=0):
    return numpy.random.default_rng(seed)


def law(logs, n, groups):
    """The probability of each batch, order and all, by sequential draws."""
    weights = [math.exp(value) for value in logs]
    found: dict[tuple[int, ...], float] = {(): 1.0}
    for _ in range(n):
        longer = {}
        for drawn, p in found.items():
            taken = {groups[row] for row in drawn}
            free = [row for row in range(len(logs)) if groups[row] not in taken]
            total = sum(weights[row] for row in free)
            longer |= {(*drawn, row): p * weights[row] / total for row in free}
        found = longer
    return found


def greatest_log_ratio(one, other):
    assert set(one) == set(other)
    return max(abs(math.log(one[drawn] / other[drawn])) for drawn in one)


def unordered(found):
    sets = dict[tuple[int, ...], float]()
    for drawn, p in found.items():
        sets[tuple(sorted(drawn))] = sets.get(tuple(sorted(drawn)), 0.0) + p
    return sets


pools = st.integers(2, 5).flatmap(
    lambda size: st.tuples(
        st.lists(st.floats(0, 3), min_size=size, max_size=size),
        st.lists(st.integers(0, 2), min_size=size, max_size=size),
        st.integers(0, size - 1),
    )
)


@settings(max_examples=150, deadline=None)
@given(pools, st.integers(1, 4), st.floats(0, 3), st.floats(0.01, 6), st.booleans())
def test_one_text_changes_no_batch_by_more_than_epsilon(pool, n, score, epsilon, grouped):
    scores, groups, row = pool
    groups = groups if grouped else list(range(len(scores)))
    n = min(n, len(set(groups)))
    other = [*scores[:row], score, *scores[row + 1 :]]
    one, another = (
        law(
            exponents(numpy.array(values), n, numpy.array(groups), epsilon=epsilon, bound=1),
            n,
            groups,
        )
        for values in (scores, other)
    )
    assert greatest_log_ratio(one, another) <= epsilon + 1e-9
    # and so when the order is not seen
    assert greatest_log_ratio(unordered(one), unordered(another)) <= epsilon + 1e-9


@pytest.mark.parametrize("size, n", [(5, 1), (6, 3), (4, 4), (7, 2)])
def test_the_bound_is_nearly_reached_and_needs_the_clipping(size, n):
    epsilon, groups = 1.0, list(range(size))
    low, high = numpy.zeros(size), numpy.zeros(size)
    high[0] = 1
    logs = [exponents(values, n, epsilon=epsilon, bound=1) for values in (low, high)]
    reached = greatest_log_ratio(*(law(values, n, groups) for values in logs))
    assert 0.7 * epsilon < reached <= epsilon + 1e-9
    # the same exponent without a bound on the score
    assert greatest_log_ratio(law(logs[0], n, groups), law(3 * logs[1], n, groups)) > epsilon


@pytest.mark.parametrize("size, n, epsilon", [(5, 2, 1.0), (6, 3, 0.5), (5, 4, 2.0)])
def test_a_text_that_is_not_there(size, n, epsilon):
    promised = guarantee(epsilon, eligible_at_least(size, n))
    for seed in range(20):
        scores = rng(seed).choice([0.0, 0.4, 1.0], size)
        logs = exponents(scores, n, epsilon=epsilon, bound=1)
        with_it = law(logs, n, range(size))
        # the last text is taken away
        without = law(logs[:-1], n, range(size - 1))
        shown = sum(p for drawn, p in with_it.items() if size - 1 in drawn)
        assert shown <= promised.shown + 1e-9
        for drawn, p in without.items():
            assert abs(math.log(p / with_it[drawn])) <= promised.rest + 1e-9


def test_propensities_are_those_of_the_law():
    scores = numpy.array([0.1, 0.9, 2.0, 0.4, 0.0])
    for groups in (None, numpy.array([0, 0, 1, 2, 1])):
        n = 3
        logs = exponents(scores, n, groups, epsilon=2, bound=1)
        known = law(logs, n, range(5) if groups is None else groups.tolist())
        for seed in range(30):
            rows, chances = private(scores, n, rng(seed), groups=groups, epsilon=2)
            assert_allclose(chances.prod(), known[tuple(rows.tolist())])


def lower_bound(hits, others, runs, level=1e-4):
    """Of the log ratio of two probabilities, by exact intervals (Clopper and Pearson, 1934)."""
    low = beta.ppf(level, hits, runs - hits + 1) if hits else 0.0
    high = beta.ppf(1 - level, others + 1, runs - others) if others < runs else 1.0
    return math.log(low / high) if low else -math.inf


@pytest.mark.slow
def test_draws_show_no_more_than_epsilon():
    """What the draws of a larger pool show of one text, each with the noise that a run would have."""
    size, n, runs, epsilon = 40, 5, 3000, 1.5
    ids = rng(1).integers(0, 2**63, size).astype("u8")
    scores = rng(2).random(size) * 0.3
    other = scores.copy()
    scores[3], other[3] = 5.0, 0.0

    def first_and_any(values, spent):
        batches = [
            private(values, n, KeyedGenerator(2**100 + 7, k, ids), epsilon=spent)[0]
            for k in range(runs)
        ]
        return sum(rows[0] == 3 for rows in batches), sum(3 in rows for rows in batches)

    for hits, others in zip(first_and_any(scores, epsilon), first_and_any(other, epsilon)):
        assert 0 < lower_bound(hits, others, runs) <= epsilon
    # the same test finds a sampler out that spends more than it says
    found = zip(first_and_any(scores, 3 * epsilon), first_and_any(other, 3 * epsilon))
    assert any(lower_bound(hits, others, runs) > epsilon for hits, others in found)


def test_small_pools_pay_with_the_exponent():
    # a large pool has all of epsilon for one text; where all is asked, only the order says anything
    assert greatest_exponent(1.0, eligible_at_least(1000, 20)) == 1.0
    assert 0 < greatest_exponent(1.0, eligible_at_least(20, 20)) < 0.4
    assert greatest_exponent(0.0, eligible_at_least(20, 20)) == 0.0
    assert eligible_at_least(6, 3, numpy.array([0, 0, 0, 1, 1, 2])).tolist() == [6, 3, 1]


def test_noise_belongs_to_texts():
    ids = rng(1).integers(0, 2**63, 200).astype("u8")
    scores = rng(2).random(200)
    rows, _ = private(scores, 20, KeyedGenerator(5, 3, ids))
    shuffled = rng(4).permutation(200)
    again, _ = private(scores[shuffled], 20, KeyedGenerator(5, 3, ids[shuffled]))
    assert ids[shuffled][again].tolist() == ids[rows].tolist()
    for seed, number in ((6, 3), (5, 4)):
        other, _ = private(scores, 20, KeyedGenerator(seed, number, ids))
        assert other.tolist() != rows.tolist()


def test_secret_noise_is_gumbel_noise():
    ids = numpy.arange(20_000, dtype="u8")
    one = KeyedGenerator(2**127 + 1, 0, ids).secret_gumbel()
    assert kstest(one, gumbel_r.cdf).pvalue > 1e-3
    other = KeyedGenerator(2**127 + 1, 1, ids).secret_gumbel()
    assert abs(numpy.corrcoef(one, other)[0, 1]) < 0.03
    # ids one after the other are not alike
    assert abs(numpy.corrcoef(one[1:], one[:-1])[0, 1]) < 0.03


@pytest.mark.slow
@pytest.mark.parametrize("epsilon", [0.0, 1.0, 8.0, 40.0])
def test_expected_overlap_against_draws(epsilon):
    scores, n, source = rng(0).beta(1, 4, 300), 15, rng(1)
    best = numpy.argsort(-scores)[:n]
    drawn = [private(scores, n, source, epsilon=epsilon)[0] for _ in range(400)]
    found = numpy.mean([numpy.isin(rows, best).mean() for rows in drawn])
    assert_allclose(
        expected_overlap(exponents(scores, n, epsilon=epsilon, bound=1), n), found, atol=0.03
    )


def test_all_of_a_pool_overlaps_with_itself():
    assert expected_overlap(numpy.zeros(4), 4) == 1.0
    assert_allclose(expected_overlap(numpy.zeros(10), 3), 0.3)


@pytest.mark.parametrize("bad", [{"epsilon": -1.0}, {"bound": 0.0}, {"budget": float("nan")}])
def test_refuses_what_promises_nothing(bad):
    with pytest.raises(AlError, match="AL021"):
        make_private(**bad)


def test_all_orders_of_a_pool_are_there():
    known = law([0.0, 1.0, 0.5], 3, range(3))
    assert set(known) == set(itertools.permutations(range(3)))
    assert_allclose(sum(known.values()), 1)

"""Groups beside all others: against an obvious reference, and alarms counted where groups are alike and where one is not."""

import math
from itertools import permutations

import numpy
import pytest
from scipy.stats import hypergeom

from spacy_al.errors import AlError, UsageError
from spacy_al.measures.parity import FEWEST, LEVEL, asked_too_little, compare_groups
from spacy_al.measures.several import holm


def texts(rng, n, right=0.7, answers=3):
    """Counts of texts of which each has up to so many answers, right with this probability."""
    wanted = rng.integers(0, answers + 1, n)
    hits = rng.binomial(wanted, right)
    said = hits + rng.binomial(2, 0.2, n)
    return numpy.stack([hits, said, wanted], axis=1)


def f_of(counts):
    total = counts[:, 1:].sum()
    return 2 * counts[:, 0].sum() / total if total else None


def distance(counts, inside):
    """The difference of two scores over its standard error, text by text."""
    parts = []
    for one in (counts[inside], counts[~inside]):
        score, total = f_of(one), one[:, 1:].sum()
        off = [2 * hits - score * (said + wanted) for hits, said, wanted in one.tolist()]
        n = len(one)
        parts.append((score, n / (n - 1) * sum(value**2 for value in off) / total**2))
    gap = abs(parts[0][0] - parts[1][0])
    if gap < 1e-12:
        return 0.0
    spread = math.sqrt(parts[0][1] + parts[1][1])
    return gap / spread if spread > 1e-9 else math.inf


def test_scores_are_those_of_the_texts():
    rng = numpy.random.default_rng(0)
    counts, groups = texts(rng, 90), rng.integers(0, 3, 90)
    found = compare_groups(counts, groups, n_groups=4, draws=10)
    for k, one in enumerate(found[:3]):
        assert one.score == pytest.approx(f_of(counts[groups == k]))
        assert one.rest == pytest.approx(f_of(counts[groups != k]))
        assert one.texts == (counts[groups == k, 1:].sum(axis=1) > 0).sum()
    assert found[3].texts == 0 and found[3].score is None and found[3].p_value is None


@pytest.mark.parametrize("seed", range(3))
def test_p_values_are_those_of_all_permutations(seed):
    rng = numpy.random.default_rng(seed)
    counts = texts(rng, 7, right=0.5) + numpy.array([0, 1, 0])
    groups = numpy.array([0, 0, 0, 1, 1, 1, 1])
    far = distance(counts, groups == 0)
    orders = [list(order) for order in permutations(range(7))]
    as_far = [distance(counts[order], groups == 0) >= far * (1 - 1e-9) for order in orders]
    found = compare_groups(counts, groups, fewest=2, draws=20000)
    # of two groups there is one difference, which is counted once
    assert [one.p_value for one in found] == [one.adjusted for one in found]
    assert found[0].p_value == found[1].p_value == pytest.approx(numpy.mean(as_far), abs=0.015)


def test_groups_count_together():
    rng = numpy.random.default_rng(3)
    counts, groups = texts(rng, 300), numpy.arange(300) % 4
    counts[groups == 2, 0] = 0
    found = compare_groups(counts, groups)
    assert [one.adjusted for one in found] == holm([one.p_value for one in found])
    assert found[2].is_alarm and found[2].score == 0


def test_texts_without_an_answer_and_their_order_change_nothing():
    rng = numpy.random.default_rng(4)
    counts, groups = texts(rng, 80), rng.integers(0, 2, 80)
    found = compare_groups(counts, groups)
    more = numpy.concatenate([counts, numpy.zeros((50, 3))])
    assert compare_groups(more, numpy.concatenate([groups, numpy.ones(50, "i8")])) == found
    scaled = compare_groups(counts, groups, seed=1)
    assert [one.score for one in scaled] == [one.score for one in found]


def test_nothing_is_claimed_of_few_texts():
    counts = numpy.tile([1, 1, 1], (100, 1))
    groups = (numpy.arange(100) < FEWEST - 1).astype("i8")
    counts[groups == 1, 0] = 0
    small = compare_groups(counts, groups)[1]
    assert small.score == 0 and small.p_value is None and not small.is_alarm
    groups[FEWEST - 1] = 1
    counts[FEWEST - 1, 0] = 0
    assert compare_groups(counts, groups)[1].is_alarm


def test_a_rest_that_is_too_small_is_nothing_to_compare_with():
    counts = numpy.tile([1, 1, 1], (100, 1))
    groups = (numpy.arange(100) < 5).astype("i8")
    assert [one.p_value for one in compare_groups(counts, groups)] == [None, None]
    assert compare_groups(counts[:0], groups[:0]) == []


def test_where_all_is_alike_nothing_differs():
    counts = numpy.tile([1, 1, 1], (100, 1))
    assert [one.p_value for one in compare_groups(counts, numpy.arange(100) % 2)] == [1.0, 1.0]


SIZES = (150, 60, 30, 25, 10)


def alarms(rng, looks, right, answers):
    """The share of looks with an alarm for any group, and that with one for the last that is large enough."""
    groups = numpy.repeat(numpy.arange(len(SIZES)), SIZES)
    any_one = planted = 0
    for seed in range(looks):
        counts = numpy.concatenate([texts(rng, n, p, k) for n, p, k in zip(SIZES, right, answers)])
        counts[:, 2] = counts[:, 2].clip(1)
        found = compare_groups(counts, groups, draws=200, seed=seed)
        any_one += any(one.is_alarm for one in found)
        planted += found[3].is_alarm
    return any_one / looks, planted / looks


def test_groups_that_are_alike_are_alarmed_once_in_twenty_looks_at_most():
    looks = 400
    rate, _ = alarms(numpy.random.default_rng(7), looks, [0.7] * 5, [3] * 5)
    # three standard errors of a share that is at the level
    assert rate <= LEVEL + 3 * math.sqrt(LEVEL * (1 - LEVEL) / looks)


def test_groups_whose_texts_only_are_of_other_lengths_are_not_alarmed_much_oftener():
    rng, looks, found = numpy.random.default_rng(9), 300, 0
    sizes = (120, 40, 30)
    groups = numpy.repeat(numpy.arange(3), sizes)
    length = numpy.repeat([8, 1, 3], sizes)
    for seed in range(looks):
        right = rng.binomial(length, 0.8)
        counts = numpy.stack([right, length, length], axis=1)
        found += any(one.is_alarm for one in compare_groups(counts, groups, draws=200, seed=seed))
    assert found / looks <= LEVEL + 3 * math.sqrt(LEVEL * (1 - LEVEL) / looks)


def test_a_group_that_is_served_worse_is_found():
    rate, planted = alarms(numpy.random.default_rng(8), 60, [0.8, 0.8, 0.8, 0.3, 0.8], [3] * 5)
    assert planted > 0.9 and rate >= planted


def test_asked_less_than_by_chance():
    asked, pool = [60, 40, 0], [500, 400, 100]
    alone = [hypergeom.cdf(k, 1000, size, 100) for k, size in zip(asked, pool)]
    found = asked_too_little(asked, pool)
    assert found == pytest.approx(holm(alone))
    assert found[2] < 0.001 and found[0] == 1
    # of a pool that is asked whole no group was asked less
    assert asked_too_little(pool, pool) == [1, 1, 1]


def test_what_cannot_be_compared():
    with pytest.raises(AlError, match="AL021"):
        compare_groups([[numpy.nan, 1, 1]], [0])
    with pytest.raises(AlError, match="AL024"):
        compare_groups([[1, 1, 1]], [0, 1])
    with pytest.raises(AlError, match="AL024"):
        asked_too_little([1], [1, 2])
    with pytest.raises(UsageError, match="AL023"):
        compare_groups([[1, 1, 1]], [0], draws=0)

"""Intervals of scores: against draws of new texts, of which the truth is known."""

import numpy
import pytest

from spacy_al.measures.interval import f_interval, share_interval


def sample(rng, n):
    """Texts of which 70% of the entities are found, and 60% of what is found is right."""
    wanted = rng.poisson(2.0, n)
    right = rng.binomial(wanted, 0.7)
    return right, right + rng.poisson(0.9, n), wanted


def score(right, said, wanted):
    return 2 * right.sum() / (said.sum() + wanted.sum())


def test_it_holds_the_true_score_about_as_often_as_it_says():
    rng = numpy.random.default_rng(0)
    truth = score(*sample(rng, 200_000))
    held = 0
    for k in range(200):
        low, high = f_interval(*sample(rng, 100), seed=k)
        held += low <= truth <= high
    # 95% of 200, less what a binomial of 200 leaves
    assert 180 <= held <= 199


def test_more_texts_make_it_narrower():
    rng = numpy.random.default_rng(1)
    widths = []
    for n in (25, 100, 400):
        low, high = f_interval(*sample(rng, n))
        widths.append(high - low)
    assert widths[0] > 1.5 * widths[1] > 2 * widths[2]


def test_one_text_or_no_answer_at_all_has_none():
    assert f_interval([1], [1], [1]) is None
    assert f_interval([0, 0], [0, 0], [0, 0]) is None


def test_the_mean_over_labels_counts_each_alike():
    right = numpy.array([[1, 0]] * 50)
    low, high = f_interval(right, right, numpy.array([[1, 1]] * 50))
    assert low == high == pytest.approx(0.5)


def test_where_all_is_right_the_next_text_may_be_wrong():
    """As many texts without a mistake as leave one in forty chances that nobody has seen one."""
    ones = numpy.ones(40)
    low, high = f_interval(ones, ones, ones)
    assert high == 1 and low == pytest.approx(0.025 ** (1 / 40))
    # texts without an answer tell nothing
    some = numpy.r_[numpy.ones(10), numpy.zeros(30)]
    assert f_interval(some, some, some)[0] == pytest.approx(0.025 ** (1 / 10))
    low, high = f_interval(numpy.zeros(40), ones, ones)
    assert low == 0 and high == pytest.approx(1 - 0.025 ** (1 / 40))


@pytest.mark.parametrize("n", [1, 7, 40])
def test_the_exact_interval_of_a_share(n):
    from scipy.stats import binomtest

    for hits in range(n + 1):
        wanted = binomtest(hits, n).proportion_ci(0.95, method="exact")
        assert share_interval(hits, n) == pytest.approx((wanted.low, wanted.high))
    # of none nothing is known
    assert share_interval(0, 0) == (0.0, 1.0)

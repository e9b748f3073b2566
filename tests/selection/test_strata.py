"""A random order in which all strata advance alike."""

import numpy
from hypothesis import given
from hypothesis import strategies as st

from spacy_al.selection.strata import spread_over_strata


@st.composite
def pools(draw):
    """Strata in random order, and a start for each."""
    sizes = draw(st.lists(st.integers(1, 30), min_size=1, max_size=6))
    rng = numpy.random.default_rng(draw(st.integers(0, 2**32)))
    return rng.permutation(numpy.repeat(numpy.arange(len(sizes)), sizes)), rng.random(len(sizes))


@given(pools())
def test_each_beginning_has_its_share_of_each_stratum(pool):
    strata, starts = pool
    rows, left = spread_over_strata(strata, starts)
    assert sorted(rows) == list(range(len(strata)))
    sizes = numpy.bincount(strata)
    for n in range(1, len(rows) + 1):
        drawn = numpy.bincount(strata[rows[:n]], minlength=len(sizes))
        # never more than one text behind another stratum, or before it, by what one text is of each
        low, high = (drawn - 1) / sizes, (drawn + 1) / sizes
        assert (low[:, None] <= high[None, :] + 1e-9).all()
    for stratum, size in enumerate(sizes):
        # within a stratum they stay in their random order, and are draws without replacement
        own = strata[rows] == stratum
        assert (numpy.diff(rows[own]) > 0).all()
        assert left[own].tolist() == list(range(size, 0, -1))


def test_with_one_stratum_the_order_stays():
    rows, left = spread_over_strata(numpy.zeros(5, dtype=int), numpy.array([0.7]))
    assert rows.tolist() == [0, 1, 2, 3, 4] and left.tolist() == [5, 4, 3, 2, 1]


def test_every_text_is_drawn_as_often_whatever_its_stratum():
    rng, sizes, trials, n = numpy.random.default_rng(0), numpy.array([40, 15, 5]), 4000, 12
    plain = numpy.repeat(numpy.arange(3), sizes)
    counts = numpy.zeros(60)
    for _ in range(trials):
        texts = rng.permutation(60)
        rows, _ = spread_over_strata(plain[texts], rng.random(3))
        counts[texts[rows[:n]]] += 1
    share = counts / trials
    # of 4,000 trials a share of .2 has a standard error of .006
    assert abs(share - n / 60).max() < 0.03
    assert abs(numpy.bincount(plain, share) / sizes - n / 60).max() < 0.01

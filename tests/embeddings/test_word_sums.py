"""Sums of the vectors of words, beside a loop, and principal parts, beside scikit-learn's."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from spacy_al.embeddings.word_sums import WordSums, bridge, principal_parts


@given(
    st.lists(st.tuples(st.sampled_from("abcdz"), st.integers(-3, 3)), max_size=40),
    st.integers(1, 7),
)
def test_sums_are_those_of_a_loop(items, size):
    sums = WordSums("abcd", 2)
    for i in range(0, len(items), size):
        part = items[i : i + size]
        vectors = numpy.array([[n, 2 * n] for _, n in part], "f4").reshape(len(part), 2)
        sums.add([word for word, _ in part], vectors)
    rows = {word: [n for other, n in items if other == word and n] for word in "abcd"}
    words, means, counts = sums.means()
    assert words == [word for word in "abcd" if rows[word]]
    assert_array_equal(counts, [len(rows[word]) for word in words])
    right = [[numpy.mean(rows[word]), 2 * numpy.mean(rows[word])] for word in words]
    assert_allclose(means, numpy.array(right).reshape(-1, 2), atol=1e-5)


@pytest.mark.parametrize("n, d, width", [(50, 6, 3), (50, 6, 9), (4, 6, 5), (9000, 5, 5)])
def test_principal_parts_are_scikit_learns(n, d, width):
    from sklearn.decomposition import PCA

    rng = numpy.random.default_rng(n)
    rows = (rng.normal(size=(n, d)) * numpy.arange(1, d + 1) + 7).astype("f4")
    parts, share = principal_parts(rows, width)
    reference = PCA(min(n, d, width)).fit(rows)
    right = reference.transform(rows)
    assert parts.shape == right.shape and parts.dtype == numpy.float32
    assert share == pytest.approx(reference.explained_variance_ratio_.sum(), abs=1e-6)
    scale = numpy.sqrt((right**2).mean())
    keep = right.std(axis=0) > 1e-4
    assert_allclose(numpy.abs(parts)[:, keep], numpy.abs(right / scale)[:, keep], atol=1e-3)
    assert (parts**2).mean() == pytest.approx(1, abs=1e-3)


def test_words_that_are_all_alike_have_no_parts():
    parts, share = principal_parts(numpy.ones((3, 4), "f4"), 2)
    assert_array_equal(parts, numpy.zeros((3, 2)))
    assert share == 1


def test_the_bridge_is_ridge_regression():
    from sklearn.linear_model import Ridge

    rng = numpy.random.default_rng(0)
    alone, others = rng.normal(size=(5000, 6)) * numpy.arange(1, 7), rng.normal(size=(9, 6))
    means = alone @ rng.normal(size=(6, 6)) + rng.normal(size=(5000, 6)) + 3
    penalty = 0.01 * ((alone - alone.mean(0)) ** 2).sum() / 6
    right = Ridge(penalty).fit(alone, means).predict(others)
    assert_allclose(bridge(alone, means, others), right, atol=1e-3)


def test_a_bridge_from_nowhere_moves_nothing():
    others = numpy.ones((2, 3), "f4")
    assert_array_equal(bridge(others[:0], others[:0], others), others)
    # of one word only the place is known
    assert_array_equal(bridge(others[:1], others[:1] + 4, others), others + 4)

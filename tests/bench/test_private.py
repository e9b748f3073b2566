"""Private draws beside chance and the highest scores, on points in a plane."""

import numpy
import pytest
from scipy.sparse import csr_array

from spacy_al.bench.private import arms, learn, texts_until


def points(seed, size):
    rng = numpy.random.default_rng(seed)
    made = rng.normal(size=(size, 3))
    return csr_array(made), (made[:, 0] + made[:, 1] ** 2 / 3 > 0.4).astype("i8")


@pytest.mark.slow
def test_all_arms_learn_and_differ_by_their_noise():
    (pool, labels), (test, right) = points(0, 300), points(1, 300)
    found = {
        name: learn(pool, labels, test, right, take, start=20, batch=10, rounds=3, seed=0)
        for name, take in arms((0.0, 30.0)).items()
    }
    assert all(
        len(scores) == 4 and scores[0] == found["random"][0][0] for scores, _ in found.values()
    )
    none, much = found["epsilon 0 a batch"][1], found["epsilon 30 a batch"][1]
    assert none == pytest.approx([10 / 280, 10 / 270, 10 / 260])
    assert min(much) > max(none) and not found["random"][1]


def test_texts_until_a_score():
    assert texts_until(numpy.array([10.0, 20.0, 15.0, 40.0]), 30.0, 100, 50) == 225.0
    assert texts_until(numpy.array([10.0, 20.0]), 5.0, 100, 50) == 100.0
    assert texts_until(numpy.array([10.0, 20.0]), 25.0, 100, 50) is None

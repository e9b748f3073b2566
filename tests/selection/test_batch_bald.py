"""BatchBALD against joint entropies over every configuration of answers, written out."""

import itertools
import math
from typing import Any

import numpy
import pytest
from numpy.testing import assert_allclose

from spacy_al.arrays.distribution import mutual_information
from spacy_al.errors import AlError, UsageError
from spacy_al.selection.batch_bald import _answered, batch_bald, gains, make_batch_bald


def rng(seed=0):
    return numpy.random.default_rng(seed)


def committee(seed=0, size=(8, 4, 3), sharp=0.3):
    return rng(seed).dirichlet(numpy.full(size[2], sharp), size[:2])


def shared_information(probs, rows):
    """I(answers; member) = H(answers) - sum of mean H, over all configurations."""
    if not rows:
        return 0.0
    n_members, n_labels = probs.shape[1:]
    joint = 0.0
    for answers in itertools.product(range(n_labels), repeat=len(rows)):
        p = 0.0
        for member in range(n_members):
            p += math.prod(probs[row, member, k] for row, k in zip(rows, answers)) / n_members
        joint -= p * math.log(p) if p > 0 else 0.0
    alone = [
        -p * math.log(p) / n_members
        for row in rows
        for member in range(n_members)
        for p in probs[row, member].tolist()
        if p > 0
    ]
    return joint - sum(alone)


def greedy(probs, n):
    rows = []
    for _ in range(n):
        left = [row for row in range(len(probs)) if row not in rows]
        rows.append(max(left, key=lambda row: shared_information(probs, [*rows, row])))
    return rows


def state_after(probs, rows, most):
    n_members = probs.shape[1]
    beliefs: Any = numpy.full((1, n_members), 1 / n_members)
    weights: Any = numpy.ones(1)
    for row in rows:
        beliefs, weights = _answered(probs[row], beliefs, weights, rng(), most)
    return beliefs, weights


@pytest.mark.parametrize("seed", range(6))
def test_greedy_batches_against_brute_force(seed):
    probs = committee(seed)
    rows, propensities = batch_bald(numpy.ones(8), 4, rng(), members=probs)
    assert rows.tolist() == greedy(probs, 4)
    assert propensities.tolist() == [1.0] * 4


@pytest.mark.parametrize("seed", range(3))
def test_gains_are_differences_of_shared_information(seed):
    probs = committee(seed)
    for rows in ([], [2], [2, 5], [2, 5, 0]):
        before = shared_information(probs, rows)
        expected = [shared_information(probs, [*rows, row]) - before for row in range(8)]
        assert_allclose(gains(probs, *state_after(probs, rows, 10_000)), expected, atol=1e-10)
    assert_allclose(
        gains(probs, *state_after(probs, [], 1)), mutual_information(probs.transpose(1, 0, 2))
    )


def test_drawn_configurations_are_near_the_exact_gains():
    probs = committee(7, sharp=1.0)
    rows = [0, 3, 4, 6, 1]
    exact, drawn = (gains(probs, *state_after(probs, rows, most)) for most in (10_000, 150))
    assert len(state_after(probs, rows, 150)[0]) == 150
    assert_allclose(drawn, exact, atol=0.02)
    assert not numpy.allclose(drawn, exact, atol=1e-9)


def test_long_batches_neither_underflow_nor_repeat():
    probs = committee(1, (300, 5, 20), sharp=1.0)
    rows, _ = batch_bald(numpy.ones(300), 250, rng(), members=probs, configurations=50)
    assert len(set(rows.tolist())) == 250
    assert numpy.isfinite(gains(probs, *state_after(probs, rows.tolist(), 50))).all()


def test_copies_are_not_taken_where_top_scores_would_take_them():
    one = numpy.array([[0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.1, 0.9]])
    other = numpy.array([[0.8, 0.2], [0.8, 0.2], [0.2, 0.8], [0.2, 0.8]])
    probs = numpy.stack([one, one, one, other])
    rows, _ = batch_bald(mutual_information(probs.transpose(1, 0, 2)), 2, rng(), members=probs)
    assert rows.tolist() == [0, 3]


def test_highest_scores_take_part():
    probs = committee(2, (50, 4, 3))
    scores = rng(3).random(50)
    # at least twice as many as are wanted, or the scores alone would decide
    for candidates, size in ((10, 10), (1, 8)):
        best = numpy.argsort(-scores)[:size]
        rows, *_ = make_batch_bald(candidates=candidates)(scores, 4, rng(), members=probs)
        assert rows.tolist() == best[greedy(probs[best], 4)].tolist()


def test_without_information_the_scores_decide():
    probs = numpy.tile([0.5, 0.3, 0.2], (6, 4, 1))
    scores = numpy.array([1.0, 3.0, 2.0, 6.0, 5.0, 4.0])
    assert batch_bald(scores, 6, rng(), members=probs)[0].tolist() == [3, 4, 5, 1, 2, 0]


def test_refuses():
    with pytest.raises(UsageError, match=r"AL205.*committee"):
        batch_bald(numpy.ones(3), 1, rng())
    for members in (committee(), numpy.full((3, 4), 0.5)):
        with pytest.raises(AlError, match="AL024"):
            batch_bald(numpy.ones(3), 1, rng(), members=members)
    with pytest.raises(AlError, match="AL021"):
        batch_bald(numpy.ones(8), 1, rng(), members=committee() * numpy.nan)
    for wrong in ({"candidates": 0}, {"configurations": 0}):
        with pytest.raises(UsageError, match="AL023"):
            make_batch_bald(**wrong)

"""How good annotators are: intervals that hold what is so, and spammers by name."""

import numpy
import pytest

from spacy_al.consensus.reliability import (
    category_reliability,
    interval,
    span_reliability,
)
from spacy_al.consensus.spans import span_consensus
from tests.consensus.annotators import mark, vote

RIGHTS = (0.7, 0.8, 0.95, None)


@pytest.mark.parametrize("k", [3, 30])
def test_intervals_of_categories_hold_what_is_so(k):
    held, n = 0, 0
    for seed in range(12):
        _, votes = vote(seed, 150, k, RIGHTS)
        found = category_reliability(votes, draws=150)
        assert found.spammers == [3]
        for who, right in enumerate((*RIGHTS[:3], 1 / k)):
            middle, low, high = interval(found.right[:, who])
            assert low <= middle <= high
            held, n = held + (low <= right <= high), n + 1
    # at 95 of 100 fewer than 40 of 48 happen once in 1,000 times
    assert held >= 40 and n == 48


def test_intervals_of_spans_hold_what_is_so():
    held = 0
    for seed in range(8):
        _, votes = mark(seed, 120, RIGHTS)
        found = span_reliability(votes, draws=150)
        assert found.spammers == [3]
        for who, right in enumerate(RIGHTS[:3]):
            _, low, high = interval(found.finds[:, who])
            held += low <= right <= high
    assert held >= 19


def test_intervals_hold_with_many_rare_labels():
    """Where nobody is known to mark a label wrongly, those who do so once are wrong all the same."""
    held = 0
    for seed in range(4):
        gold, votes = mark(seed, 200, RIGHTS, labels="ABCDEFGHIJKLMNOPQRS")
        found = span_reliability(votes, draws=100)
        assert found.spammers == [3]
        for who, right in enumerate(RIGHTS[:3]):
            _, low, high = interval(found.finds[:, who])
            held += low <= right <= high
        probs = span_consensus(votes).probs
        names = zip(votes.texts, votes.starts, votes.ends, votes.labels)
        keys = [(votes.text_names[t], (s, e, votes.label_names[k])) for t, s, e, k in names]
        is_right = numpy.array([mark in gold[text] for text, mark in keys])
        # as many as it holds to be right
        assert abs(probs.sum() - is_right.sum()) < 0.05 * is_right.sum()
    assert held >= 10


def test_who_always_says_the_same_tells_nothing_though_it_is_often_right():
    rng = numpy.random.default_rng(0)
    _truth, votes = vote(0, 300, 2, (0.9, 0.9, 0.9))
    from spacy_al.consensus.votes import make_votes

    rows = [(i, j, k) for i, j, k in zip(votes.items, votes.annotators, votes.labels)]
    often = numpy.where(rng.random(300) < 0.8, 0, 1)
    rows = [(i, j, int(often[i] if rng.random() < 0.9 else 1 - often[i])) for i, j, _ in rows]
    rows += [(i, 3, 0) for i in range(300)]
    found = category_reliability(make_votes(rows, range(2)))
    middle, _low, _high = interval(found.right[:, 3])
    assert middle > 0.7 and found.spammers == [3]
    assert all(interval(found.score[:, who])[1] > 0.3 for who in range(3))


def test_it_is_the_same_each_time():
    _, votes = vote(1, 60, 4, RIGHTS)
    first, again = (category_reliability(votes, draws=20) for _ in range(2))
    assert numpy.array_equal(first.right, again.right)
    assert first.right.shape == (20, 4) and first.right_by_label.shape == (20, 4, 4)

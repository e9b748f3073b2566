"""Texts that are left out, and why."""

import numpy
import spacy
from spacy.tokens import Doc

from spacy_al.query.filters import wanted, word_shares
from spacy_al.selection import knn_density


def test_word_shares():
    nlp = spacy.blank("en")
    words = [["No", " ", "fever", "37.2", "!"], [], [" "], ["A", "B"], ["1", "2"]]
    docs = [Doc(nlp.vocab, words=w) for w in words]
    assert word_shares(docs).tolist() == [0.5, 0.0, 0.0, 1.0, 0.0]
    assert word_shares([]).shape == (0,)


def test_everything_is_wanted_unless_something_is_said():
    keep, counts = wanted(numpy.array([0, 5, 900]), numpy.zeros(3), numpy.zeros(3))
    assert keep.all() and not counts


def test_each_text_is_counted_once_by_the_first_reason():
    lengths = numpy.array([2, 3, 10, 11, 5, 5, 1])
    shares = numpy.array([0.1, 0.9, 0.9, 0.9, 0.2, 0.3, 0.9])
    keep, counts = wanted(lengths, shares, min_tokens=3, max_tokens=10, min_words=0.3)
    assert keep.tolist() == [False, True, True, False, False, True, False]
    assert counts == {"too short": 2, "too long": 1, "mostly non-words": 1}
    assert sum(counts.values()) == (~keep).sum()


def test_what_is_far_is_judged_among_those_that_are_left():
    near = numpy.array([0.1, 0.9, 0.8, 0.7, 0.6, 0.5])
    lengths = numpy.array([1, 9, 9, 9, 9, 9])
    keep, counts = wanted(lengths, None, near, min_tokens=2, far=0.2)
    assert keep.tolist() == [False, True, True, True, True, False]
    assert counts == {"too short": 1, "far from all others": 1}
    # equal ones stay together
    assert wanted(lengths, None, numpy.full(6, 0.4), far=0.5)[0].all()
    assert wanted(numpy.zeros(0, int), numpy.zeros(0), numpy.zeros(0), far=0.5)[0].shape == (0,)


def test_an_outlier_is_far_from_all_others():
    rows = numpy.ones((40, 3)) + 0.1 * numpy.random.default_rng(0).normal(size=(40, 3))
    rows[7] = [1.0, -1.0, 0.0]
    keep, counts = wanted(numpy.full(40, 9), None, knn_density(rows, 5), far=0.03)
    assert numpy.flatnonzero(~keep).tolist() == [7] and counts == {"far from all others": 1}

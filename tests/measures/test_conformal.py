"""Sets against what they promise: coverage of drawn data, and sets found by trying every answer."""

import math

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_al import AlError
from spacy_al.measures.conformal import (
    conformal_quantile,
    fewest_texts,
    label_sets,
    mass_score,
    mass_set,
    mean_by_text,
    right_label_scores,
    valid_coverage,
)

LEVELS = st.sampled_from([0.5, 0.75, 0.8, 0.9, 0.95, 0.99])


@pytest.mark.parametrize("coverage, n", [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19), (0.99, 99)])
def test_the_fewest_texts_of_a_level(coverage, n):
    assert fewest_texts(coverage) == n
    assert conformal_quantile(numpy.arange(n), coverage) == n - 1
    with pytest.raises(AlError, match="AL460"):
        conformal_quantile(numpy.arange(n - 1), coverage)


@pytest.mark.parametrize("coverage", [0, 1, -0.1, 1.5, math.nan, True])
def test_what_is_no_level(coverage):
    with pytest.raises(AlError, match="AL461"):
        valid_coverage(coverage)


@given(st.lists(st.floats(0, 1), min_size=99, max_size=130), LEVELS)
def test_the_quantile_is_the_one_that_is_counted_off(scores, coverage):
    rank = math.ceil(round((len(scores) + 1) * coverage, 9))
    assert conformal_quantile(numpy.array(scores), coverage) == sorted(scores)[rank - 1]


@given(st.lists(st.floats(0, 1), min_size=9, max_size=30), st.integers(1, 4))
def test_a_text_that_says_a_thing_often_says_it_once(scores, times):
    texts = numpy.arange(len(scores))
    once = conformal_quantile(numpy.array(scores), 0.9, texts)
    assert conformal_quantile(numpy.tile(scores, times), 0.9, numpy.tile(texts, times)) == once


@pytest.mark.parametrize("coverage", [0.6, 0.8, 0.9])
@pytest.mark.parametrize("n", [9, 10, 57])
def test_exchangeable_texts_are_covered_as_often_as_is_said(coverage, n):
    rng = numpy.random.default_rng(n)
    held = []
    for _ in range(3000):
        scores = rng.random(n + 1)
        held.append(scores[-1] <= conformal_quantile(scores[:-1], coverage))
    # without ties at least what is said, and at most 1 / (n + 1) more
    error = 3.5 * math.sqrt(coverage * (1 - coverage) / len(held))
    assert coverage - error <= numpy.mean(held) <= coverage + 1 / (n + 1) + error


def test_words_of_texts_that_are_alike_inside_are_covered():
    """A text is easy or hard as a whole; texts count, not words."""
    rng = numpy.random.default_rng(5)
    held = []
    for _ in range(1500):
        sizes = rng.integers(1, 30, size=21)
        texts = numpy.repeat(numpy.arange(21), sizes)
        scores = rng.random(21)[texts] + 0.01 * rng.random(len(texts))
        own = texts < 20
        threshold = conformal_quantile(scores[own], 0.9, texts[own])
        held.append(float((scores[~own] <= threshold).mean()))
    assert 0.9 - 0.025 <= numpy.mean(held) <= 0.9 + 1 / 21 + 0.025


@given(st.integers(0, 10_000), LEVELS)
def test_a_label_is_in_the_set_where_its_score_says_so(seed, threshold):
    rng = numpy.random.default_rng(seed)
    probs = rng.dirichlet(numpy.ones(4), size=6)
    sets = label_sets(probs, threshold)
    for label in range(4):
        scores = right_label_scores(probs, numpy.full(6, label))
        assert (sets[:, label] == (scores <= threshold)).all()
    # the answer that made the threshold is in its own set
    assert label_sets(probs[:1], right_label_scores(probs[:1], numpy.array([2]))[0])[0, 2]


@given(st.integers(0, 10_000), st.integers(1, 6), st.floats(0, 0.999))
def test_a_set_by_mass_is_all_answers_whose_score_is_low_enough(seed, most, threshold):
    probs = numpy.sort(numpy.random.default_rng(seed).dirichlet(numpy.ones(5)))[::-1]
    listed = probs[:most]
    scores = [mass_score(listed, k if k < most else None, probs[k]) for k in range(5)]
    inside = {k for k, score in enumerate(scores) if score <= threshold}
    size = mass_set(listed, threshold, all_listed=most >= 5)
    if size is not None:
        assert inside == set(range(size)) and size >= 1
    else:
        # what is not listed may be in it
        assert listed.sum() <= threshold + 1e-9


def test_a_set_of_all_that_is_possible_is_not_closed_where_the_impossible_was_right():
    probs = numpy.array([0.7, 0.3])
    assert mass_set(probs, 0.99999999999, all_listed=True) in (2, None)
    assert mass_set(probs, 1.0, all_listed=True) is None
    assert mass_set(probs, 0.0) == 1 and mass_set(numpy.zeros(0), 0.5) is None


def test_each_text_counts_once():
    assert mean_by_text([True, True, True, False], numpy.array([7, 7, 7, 2])) == 0.5
    assert mean_by_text([4, 2, 0], numpy.arange(3)) == 2
    assert mean_by_text(numpy.zeros(0, dtype=bool), numpy.zeros(0, dtype=int)) is None
    with pytest.raises(AlError, match="AL024"):
        mean_by_text([1.0], numpy.arange(2))

"""The alternative annotator test."""

import numpy
import pytest

from spacy_al.consensus.alt_test import alt_test, benjamini_yekutieli


def near(right, n, seed):
    """How near answers that are right so often are to those of two others who are right 85 times in 100."""
    rng = numpy.random.default_rng(seed)
    own, others = rng.random(n) < right, rng.random((2, n)) < 0.85
    return (own == others).mean(axis=0)


@pytest.mark.parametrize("right, passes", [(0.95, True), (0.85, True), (0.4, False)])
def test_a_model_as_good_as_people_passes(right, passes):
    people = [near(0.85, 200, who) for who in range(3)]
    found = alt_test([near(right, 200, 10 + who) for who in range(3)], people)
    assert found.is_passed == passes and found.annotators == [0, 1, 2]
    assert (found.advantage > 0.7) == passes


def test_it_takes_three_people_with_thirty_texts_each():
    people = [near(0.85, n, who) for who, n in enumerate((100, 100, 29))]
    assert alt_test(people, people) is None
    people.append(near(0.85, 30, 4))
    assert alt_test(people, people).annotators == [0, 1, 3]


def test_equal_answers_everywhere_are_no_worse():
    same = [numpy.ones(30)] * 3
    found = alt_test(same, same)
    assert found.rate == 1 and found.advantage == 1


def test_hypotheses_fall_as_scipy_says():
    stats = pytest.importorskip("scipy.stats")
    rng = numpy.random.default_rng(0)
    for _ in range(50):
        p = rng.random(int(rng.integers(1, 8))) ** 3
        adjusted = stats.false_discovery_control(p, method="by")
        assert benjamini_yekutieli(p, 0.05) == (adjusted <= 0.05).tolist()

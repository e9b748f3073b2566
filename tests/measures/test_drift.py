"""Tests of drift: what differs is found, what does not is an alarm as seldom as it says."""

import numpy
import pytest
from scipy.stats import binomtest

from spacy_al.measures.drift import (
    LEVEL,
    DriftTest,
    adjust,
    compare_numbers,
    compare_shares,
    compare_vectors,
)


def look(rng, moved=0.0, n=300):
    """All comparisons of two samples, the second of which has moved."""
    a, b = rng.normal(size=n), rng.normal(moved, size=n)
    shares = [
        {name: int((rng.random(n) < p).sum()) for name, p in (("A", 0.3 + m), ("B", 0.05))}
        for m in (0, moved / 4)
    ]
    vectors = rng.normal(size=(n, 8)), rng.normal(moved, size=(n, 8))
    return adjust(
        [
            compare_numbers("x", a, b),
            *compare_shares(shares[0], n, shares[1], n),
            compare_vectors("y", *vectors),
        ]
    )


def test_what_has_moved_is_found_and_named():
    found = look(numpy.random.default_rng(0), moved=0.5)
    assert [test.name for test in found if test.is_alarm] == ["x", "texts with A", "y"]
    first = found[0]
    assert abs(first.before) < 0.2 and 0.3 < first.now < 0.7


@pytest.mark.slow
def test_without_drift_there_is_hardly_an_alarm():
    rng, looks = numpy.random.default_rng(1), 400
    alarms = sum(any(test.is_alarm for test in look(rng)) for _ in range(looks))
    assert binomtest(alarms, looks).proportion_ci(method="exact").low <= LEVEL


def test_several_tests_count_together():
    made = adjust([DriftTest(str(p), None, None, p) for p in (0.02, 0.001, 0.3)])
    # Holm: the least times three, the next times two, and none below the one before
    assert [test.adjusted for test in made] == pytest.approx([0.04, 0.003, 0.3])
    assert [test.is_alarm for test in made] == [False, True, False]
    assert adjust([]) == []


def test_labels_count_by_texts_and_by_their_number():
    # a label that only one side has is compared too; p-values are of two labels
    found = compare_shares({"A": 10}, 100, {"A": 10, "B": 12}, 100)
    assert [(test.name, test.before, test.now) for test in found] == [
        ("texts with A", 0.1, 0.1),
        ("texts with B", 0.0, 0.12),
    ]
    assert found[0].p_value == 1 and 0 < found[1].p_value < 0.001

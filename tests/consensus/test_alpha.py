"""Krippendorff's alpha, against its definition by pairs."""

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_al.consensus.alpha import krippendorff_alpha

TABLES = st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=1, max_size=12)


def by_pairs(counts):
    units = [[k for k, n in enumerate(row) for _ in range(n)] for row in counts]
    units = [unit for unit in units if len(unit) > 1]
    everything = [value for unit in units for value in unit]
    n = len(everything)
    observed = sum(
        sum(a != b for i, a in enumerate(unit) for j, b in enumerate(unit) if i != j)
        / (len(unit) - 1)
        for unit in units
    )
    expected = sum(
        a != b for i, a in enumerate(everything) for j, b in enumerate(everything) if i != j
    )
    return None if not expected else 1 - (observed / n) / (expected / (n * (n - 1)))


@settings(max_examples=60, deadline=None)
@given(TABLES)
def test_it_is_what_pairs_say(table):
    found, right = krippendorff_alpha(numpy.array(table, dtype="f8")), by_pairs(table)
    assert (found is None) == (right is None)
    if found is not None:
        assert found[0] == pytest.approx(right)


def test_its_interval_holds_it_and_is_wider_where_texts_are_drawn():
    rng = numpy.random.default_rng(0)
    rows = []
    for _ in range(60):
        agree = rng.random() < 0.6
        for _ in range(10):
            label = int(rng.integers(3))
            row = [0, 0, 0]
            row[label] += 1
            row[label if agree else int(rng.integers(3))] += 1
            rows.append(row)
    counts = numpy.array(rows, dtype="f8")
    alpha, low, high = krippendorff_alpha(counts)
    _, wide_low, wide_high = krippendorff_alpha(counts, numpy.repeat(numpy.arange(60), 10))
    assert low < alpha < high and wide_high - wide_low > 1.5 * (high - low)


# not among what the tests install: its licence is the GPL
@pytest.mark.realdata
def test_the_package_of_that_name_says_the_same():
    other = pytest.importorskip("krippendorff")
    rng = numpy.random.default_rng(3)
    counts = rng.integers(0, 4, size=(40, 4)).astype("f8")
    theirs = other.alpha(value_counts=counts, level_of_measurement="nominal")
    assert krippendorff_alpha(counts)[0] == pytest.approx(theirs)

"""Orders of rows in groups are those of a sort by several keys."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_al.lattice.chain import row_sums
from spacy_al.lattice.order import grouped, sorted_in_groups


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5), st.integers(0, 3))))
def test_the_order_is_that_of_a_sort_by_three_keys(rows):
    """So few values that most rows share one."""
    group, value, tie = numpy.array(rows, dtype=int).reshape(-1, 3).T
    expected = sorted(range(len(rows)), key=lambda i: (group[i], -value[i], tie[i]))
    found = sorted_in_groups(group, value / 7, tie)
    # rows that are the same in all three may come in any order
    assert [rows[i] for i in found] == [rows[i] for i in expected]
    assert sorted(found) == [*range(len(rows))]


@pytest.mark.parametrize("most", [1, 300, 2**16 - 1, 2**16, 2**40])
def test_groups_keep_the_order_within_them(most):
    group = numpy.random.default_rng(0).integers(0, most + 1, 500)
    group[7] = most
    assert grouped(group).tolist() == numpy.argsort(group, kind="stable").tolist()
    assert grouped(group[:0]).tolist() == []


def test_probabilities_that_differ_in_the_last_bit_are_told_apart():
    value = numpy.array([0.3, numpy.nextafter(0.3, 1), 0.3, 1e-6])
    assert sorted_in_groups(numpy.zeros(4, int), value, numpy.array([2, 9, 1, 0])).tolist() == [
        1,
        2,
        0,
        3,
    ]


@pytest.mark.parametrize("shape", [(0, 3), (4, 0), (5, 2), (7, 30)])
def test_sums_of_rows(shape):
    values = numpy.random.default_rng(0).random(shape)
    numpy.testing.assert_allclose(row_sums(values), values.sum(axis=1), rtol=1e-14)

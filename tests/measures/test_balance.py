"""Labels in what was labelled beside the pool."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_al.measures.balance import LEAST, label_shares


def test_a_label_that_is_there_and_was_never_given():
    found = {
        one["label"]: one
        for one in label_shares(
            {"A": 90, "B": 10}, {"A": 500, "B": 400, "C": 40}, {"A": 400, "B": 300}
        )
    }
    assert found["C"]["is_missing"] and found["C"]["is_short"] and found["C"]["labelled"] == 0
    assert found["B"]["is_short"] and not found["B"]["is_missing"]
    assert found["B"]["share"] == 0.1 and found["B"]["pool_share"] == pytest.approx(400 / 940)
    assert not found["A"]["is_short"]


def test_of_what_is_hardly_there_nothing_is_claimed():
    (rare,) = [
        one for one in label_shares({"A": 9}, {"A": 500, "C": LEAST - 0.1}) if one["label"] == "C"
    ]
    assert not rare["is_missing"] and not rare["is_short"]
    assert label_shares({"A": 9}, {}) == []


def test_short_is_only_what_surely_is():
    given, there = {"A": 95, "B": 5}, {"A": 500.0, "B": 100.0}
    for low, is_short in (({}, False), ({"B": 50.0}, False), ({"B": 70.0}, True)):
        (found,) = [row for row in label_shares(given, there, low) if row["label"] == "B"]
        assert found["is_short"] == is_short and found["pool_share"] == pytest.approx(1 / 6)


def test_before_any_label_all_that_is_there_is_missing():
    assert [one["is_missing"] for one in label_shares({}, {"A": 50.0, "B": 6.0, "C": 0.0})] == [
        True,
        True,
        False,
    ]


COUNTS = st.dictionaries(st.sampled_from("ABCD"), st.integers(0, 50), max_size=4)


@given(
    COUNTS, st.dictionaries(st.sampled_from("ABCD"), st.floats(0.01, 500), min_size=1, max_size=4)
)
def test_shares_are_of_the_same_labels_and_what_is_missing_is_short(labelled, expected):
    found = label_shares(labelled, expected)
    assert {one["label"] for one in found} == set(expected)
    assert sum(one["pool_share"] for one in found) == pytest.approx(1)
    given_ones = sum(one["labelled"] for one in found)
    assert sum(one["share"] for one in found) == pytest.approx(1 if given_ones else 0)
    assert all(one["is_short"] for one in found if one["is_missing"])

"""Marks against the right ones: each mistake once, and of the kind that it is."""

from hypothesis import given
from hypothesis import strategies as st

from spacy_al.measures.mark_errors import BOUNDARY, LABEL, MISSING, SPURIOUS, mark_errors


def test_each_kind():
    right = {(0, 1, "A"), (2, 4, "A"), (6, 8, "A")}
    assert mark_errors(right, right) == []
    assert mark_errors({(0, 1, "B"), (2, 4, "A"), (6, 8, "A")}, right) == [(0, 1, LABEL)]
    assert mark_errors({(0, 1, "A"), (3, 5, "A"), (6, 8, "A")}, right) == [(2, 5, BOUNDARY)]
    assert mark_errors({(0, 1, "A"), (2, 4, "A")}, right) == [(6, 8, MISSING)]
    assert mark_errors({*right, (9, 10, "A")}, right) == [(9, 10, SPURIOUS)]


def test_the_same_tokens_pair_before_those_that_only_overlap():
    given_, right = {(0, 3, "A"), (3, 4, "A")}, {(0, 3, "B"), (2, 4, "A")}
    assert mark_errors(given_, right) == [(0, 3, LABEL), (2, 4, BOUNDARY)]


def test_a_category_pairs_with_another():
    assert mark_errors({(0, 0, "A")}, {(0, 0, "B")}) == [(0, 0, LABEL)]
    assert mark_errors(set(), {(0, 0, "B")}) == [(0, 0, MISSING)]


marks = st.sets(
    st.tuples(st.integers(0, 6), st.integers(1, 3), st.sampled_from("AB")).map(
        lambda one: (one[0], one[0] + one[1], one[2])
    ),
    max_size=6,
)


@given(marks, marks)
def test_every_mark_that_differs_is_in_one_mistake(given_, right):
    found = mark_errors(given_, right)
    wrong, left = len(given_ - right), len(right - given_)
    pairs = sum(kind in (LABEL, BOUNDARY) for *_, kind in found)
    assert sum(kind == SPURIOUS for *_, kind in found) == wrong - pairs
    assert sum(kind == MISSING for *_, kind in found) == left - pairs
    # seen from the other side, there are as many, and the kinds change places
    assert len(mark_errors(right, given_)) in range(max(wrong, left), wrong + left + 1)

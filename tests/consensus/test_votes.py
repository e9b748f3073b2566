"""Votes as arrays."""

import numpy

from spacy_al.consensus.majority import majority
from spacy_al.consensus.votes import make_votes

ROWS = [("b", "bob", "x"), ("a", "ann", "y"), ("b", "ann", "z"), ("b", "cleo", "x")]


def test_of_two_votes_on_one_item_the_last_counts():
    votes = make_votes([*ROWS, ("a", "ann", "x")], ["x", "y"])
    assert votes.item_names == ["b", "a"] and votes.label_names == ["x", "y", "z"]
    assert votes.annotator_names == ["ann", "bob", "cleo"] and votes.shape == (2, 3, 3)
    assert votes.counts.tolist() == [[2, 0, 1], [1, 0, 0]] and votes.n_shared == 1
    assert votes.by_annotator().tolist() == [2, 1, 1]
    assert votes.by_annotator_and_label()[0].tolist() == [1, 0, 1]


def test_the_order_of_votes_changes_no_share():
    there, back = make_votes(ROWS), make_votes(ROWS[::-1])
    order = [back.item_names.index(name) for name in there.item_names]
    assert numpy.array_equal(majority(there), majority(back)[order])
    assert majority(there)[0].tolist() == [2 / 3, 0, 1 / 3]


def test_no_votes_are_no_items():
    votes = make_votes([], ["x"])
    assert votes.shape == (0, 0, 1) and majority(votes).shape == (0, 1)

"""Folds: nobody is judged by who has seen them, and nothing is trained twice."""

import math

import numpy
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from spacy_al.auditing.folds import groups_of, make_folds
from spacy_al.corpus.shard import SOURCE_KEY
from spacy_al.errors import UsageError


def docs_of(texts):
    nlp = spacy.blank("en")
    made = []
    for text, document in texts:
        doc = nlp.make_doc(text)
        doc.user_data[SOURCE_KEY] = {"doc": document}
        made.append(doc)
    return made


def test_texts_of_one_document_and_equal_ones_are_one_group():
    found = groups_of(
        docs_of([("a", "1"), ("b", "1"), ("b", "2"), ("c", "3"), ("d", None), ("c", None)])
    ).tolist()
    assert found[0] == found[1] == found[2]
    assert found[3] == found[5]
    assert len({found[0], found[3], found[4]}) == 3


@given(st.lists(st.integers(0, 8), min_size=3, max_size=40), st.integers(2, 5), st.integers(0, 9))
def test_parts_are_disjoint_and_whole(groups, n_folds, seed):
    groups = numpy.array(groups)
    n = len({*groups.tolist()})
    if n < n_folds or n - math.ceil(n / n_folds) < 2:
        with pytest.raises(UsageError, match="AL422"):
            make_folds(groups, n_folds, seed)
        return
    folds = make_folds(groups, n_folds, seed)
    assert [fold.number for fold in folds] == [*range(1, n_folds + 1)]
    held = numpy.concatenate([fold.held for fold in folds])
    assert sorted(held.tolist()) == [*range(len(groups))]
    for fold in folds:
        parts = [fold.train, fold.dev, fold.held]
        assert all(len(part) for part in parts)
        assert sorted(numpy.concatenate(parts).tolist()) == [*range(len(groups))]
        names = [{*groups[part].tolist()} for part in parts]
        assert not (names[0] & names[1] or names[0] & names[2] or names[1] & names[2])


def test_the_seed_decides():
    groups = numpy.arange(30)
    one, same, other = (make_folds(groups, 3, seed)[0].held.tolist() for seed in (0, 0, 1))
    assert one == same != other


def test_one_fold_is_none():
    with pytest.raises(UsageError, match="AL422"):
        make_folds(numpy.arange(30), 1, 0)

"""Agreement of two models, against scikit-learn and against counting by hand."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, f1_score

from spacy_al.measures.agreement import agreement, cohen_kappa, span_f1

LABELS = st.sampled_from(["A", "B", "C"])
ITEMS = st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=30)


@st.composite
def entities(draw):
    """The length of a text, and two sets of entities on it that do not overlap."""
    length = draw(st.integers(0, 8))
    sides = []
    for _ in range(2):
        spans, start = [], 0
        while start < length:
            end = draw(st.integers(start + 1, length))
            label = draw(st.sampled_from(["A", "B", None]))
            if label:
                spans.append([start, end, label])
            start = end
        sides.append(spans)
    return length, *sides


@pytest.mark.slow
@given(ITEMS)
def test_kappa_is_scikit_learns(items):
    first, second = zip(*items)
    if len({*first, *second}) == 1:
        assert cohen_kappa(first, second) is None
        return
    assert cohen_kappa(first, second) == pytest.approx(cohen_kappa_score(first, second))


def test_kappa_of_the_textbook():
    # Cohen's 2 x 2: both yes 20, yes-no 5, no-yes 10, both no 15
    first = [1] * 25 + [0] * 25
    second = [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15
    assert cohen_kappa(first, second) == pytest.approx(0.4)


def test_what_cannot_be_told_from_chance_has_no_number():
    assert cohen_kappa([], []) is None
    assert cohen_kappa("AAA", "AAA") is None
    assert cohen_kappa("AAAA", "AAAB") == 0
    assert span_f1([[], []], [[], []]) is None
    assert agreement([[]], [[]], "entities", lengths=[4]) == {"kappa": None, "span_f1": None}


@pytest.mark.slow
@given(st.lists(entities(), min_size=1, max_size=6))
def test_spans_are_counted_one_by_one(texts):
    lengths, before, after = map(list, zip(*texts))
    # every span that either has, as one binary decision
    every = [
        (any(span == own for own in a), any(span == other for other in b))
        for a, b in zip(before, after)
        for span in [*a, *(other for other in b if other not in a)]
    ]
    found = agreement(before, after, "entities", lengths=lengths)
    assert agreement(before, after, "spans")["span_f1"] == found["span_f1"]
    assert agreement(after, before, "entities", lengths=lengths) == pytest.approx(found)
    if not every:
        assert found["span_f1"] is None
    else:
        assert found["span_f1"] == pytest.approx(f1_score(*zip(*every), zero_division=0))
    tokens = []
    for length, *sides in texts:
        for token in range(length):
            row = []
            for spans in sides:
                over = [span for span in spans if span[0] <= token < span[1]]
                row.append((over[0][2], over[0][0] == token) if over else None)
            tokens.append(tuple(map(str, row)))
    expected = cohen_kappa_score(*zip(*tokens)) if len({*sum(tokens, ())}) > 1 else math.nan
    assert found["kappa"] == (None if math.isnan(expected) else pytest.approx(expected))


@given(ITEMS)
def test_one_category_each(items):
    before, after = [[a] for a, _ in items], [[b] for _, b in items]
    found = agreement(before, after, "categories")
    assert found == {"kappa": cohen_kappa(*zip(*items)), "span_f1": None}


@pytest.mark.slow
@given(st.lists(st.tuples(st.sets(LABELS), st.sets(LABELS)), min_size=1, max_size=20))
def test_several_categories_are_decisions(items):
    if all(len(a) == len(b) == 1 for a, b in items):
        return
    used = set().union(*(a | b for a, b in items))
    cells = [(label in a, label in b) for a, b in items for label in used]
    found = agreement([sorted(a) for a, _ in items], [sorted(b) for _, b in items], "categories")
    if len({*sum(cells, ())}) < 2:
        assert found["kappa"] is None
    else:
        assert found["kappa"] == pytest.approx(cohen_kappa_score(*zip(*cells)))


def test_tags_are_compared_token_by_token():
    before = [[[0, 1, "N"], [1, 2, "V"]], [[0, 1, "N"]]]
    after = [[[0, 1, "N"], [1, 2, "N"]], [[0, 1, "V"]]]
    expected = cohen_kappa_score(["N", "V", "N"], ["N", "N", "V"])
    assert agreement(before, after, "tags")["kappa"] == pytest.approx(expected)


def test_lists_out_of_a_file_equal_tuples():
    before = [[(0, 2, "A")], [(1, 2, "B")]]
    again = json.loads(json.dumps(before))
    assert agreement(before, again, "spans") == {"kappa": None, "span_f1": 1.0}


@pytest.mark.parametrize("kind", ["entities", "spans", "tags", "categories"])
def test_unequal_numbers_of_texts_are_refused(kind):
    with pytest.raises(ValueError):
        agreement([[]], [[], []], kind)

"""Spans that may not overlap, against all sets that there are."""

from itertools import combinations, pairwise

import numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_al.consensus.apart import best_apart, make_states

SPANS = st.lists(
    st.tuples(st.integers(0, 8), st.integers(1, 4), st.floats(-3, 3, allow_nan=False)),
    min_size=1,
    max_size=7,
)


def possible(spans):
    """All sets of which no two overlap."""
    for n in range(len(spans) + 1):
        for chosen in combinations(range(len(spans)), n):
            ordered = sorted((spans[i][0], spans[i][0] + spans[i][1]) for i in chosen)
            if all(one[1] <= two[0] for one, two in pairwise(ordered)):
                yield chosen


@given(SPANS)
def test_the_best_set_is_the_best_of_all(spans):
    starts, ends = [s for s, _, _ in spans], [s + n for s, n, _ in spans]
    weights = [weight for *_, weight in spans]
    found = best_apart(starts, ends, weights)
    assert tuple(sorted(found)) in set(possible(spans))
    best = max(sum(weights[i] for i in chosen) for chosen in possible(spans))
    assert abs(sum(weights[i] for i in found) - best) < 1e-9


@settings(max_examples=50, deadline=None)
@given(SPANS)
def test_the_probability_of_a_span_is_that_of_the_sets_that_hold_it(spans):
    starts, ends = (numpy.array(x) for x in zip(*((s, s + n) for s, n, _ in spans)))
    odds = numpy.array([weight for *_, weight in spans])
    labels = starts % 2
    states = make_states(numpy.zeros(len(spans), dtype=int), starts, ends, labels, flat=True)
    total, held = 0.0, numpy.zeros(len(spans))
    for chosen in possible(spans):
        weight = numpy.exp(odds[list(chosen)].sum())
        total += weight
        held[list(chosen)] += weight
    assert numpy.allclose(states.marginals(odds)[0], held / total)
    rng = numpy.random.default_rng(0)
    for _ in range(5):
        right, beside = states.draw(odds, numpy.stack([odds, odds]), rng)
        assert tuple(numpy.flatnonzero(right)) in set(possible(spans))
        meets = (starts[:, None] < ends) & (starts < ends[:, None])
        same = (starts[:, None] == starts) & (ends[:, None] == ends)
        meets &= same | (labels[:, None] == labels)
        assert numpy.array_equal(beside, meets[:, right].any(axis=1) & ~right)


def test_draws_come_as_often_as_they_should():
    states = make_states(
        numpy.array([0, 0, 1]),
        numpy.array([0, 1, 0]),
        numpy.array([2, 3, 2]),
        numpy.zeros(3),
        flat=True,
    )
    odds, rng = numpy.array([0.5, 1.0, -0.5]), numpy.random.default_rng(1)
    near = numpy.array([[0.3, -0.7, 0.0], [9.0, 9.0, 9.0]])
    share = numpy.mean([states.draw(odds, near, rng) for _ in range(4000)], axis=0)
    assert numpy.allclose(share, states.marginals(odds, near), atol=0.03)
    weights = numpy.exp([0, 0.5 - 0.7, 1.0 + 0.3])
    assert numpy.allclose(states.marginals(odds, near)[0][:2], weights[1:] / weights.sum())
    assert numpy.allclose(states.marginals(odds, near)[1][:2], weights[:0:-1] / weights.sum())


def test_spans_of_other_texts_and_of_a_span_categoriser_do_not_compete():
    texts, starts, ends = numpy.array([0, 0, 1]), numpy.array([0, 0, 0]), numpy.array([2, 2, 2])
    odds = numpy.zeros(3)
    apart = make_states(texts, starts, ends, odds, flat=False).marginals(odds)[0]
    assert numpy.allclose(apart, 0.5)
    assert numpy.allclose(
        make_states(texts, starts, ends, odds, flat=True).marginals(odds)[0], [1 / 3, 1 / 3, 1 / 2]
    )


def test_a_cluster_with_too_many_sets_has_one_span_at_most():
    # a span over all of it ties together what is apart
    starts, ends = numpy.arange(15), numpy.arange(15) + 1
    starts[0], ends[0] = 0, 15
    found = make_states(numpy.zeros(15, dtype=int), starts, ends, starts, flat=True)
    assert len(found.of_state) == 16 and found.marginals(numpy.zeros(15))[0].sum() < 1
    assert best_apart([], [], []) == []
    none = make_states(*(numpy.zeros(0, dtype=int),) * 4, flat=True)
    assert none.marginals(numpy.zeros(0))[0].shape == (0,)

"""Shares of a batch for labels, against counting."""

from types import SimpleNamespace

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_al.arrays.keyed_noise import KeyedGenerator
from spacy_al.errors import AlError, UsageError
from spacy_al.selection.quotas import make_quotas, quotas
from spacy_al.selection.rank import top_k, uniform

NAMES = ("INN", "ORG", "PER")


def rng(seed=0):
    return numpy.random.default_rng(seed)


def pool(seed=0, size=60):
    """Scores, and probabilities of three labels of which the first is rare."""
    probs = rng(seed).beta([0.1, 1.0, 1.0], [2.0, 2.0, 1.0], (size, 3))
    return rng(seed + 50).random(size), probs


def labelled(counts=((1, 1, 1),)):
    return SimpleNamespace(counts=numpy.array(counts), labels=NAMES)


def draw(n=20, seed=0, size=60, **options):
    scores, probs = pool(seed, size)
    given = {"label_probs": probs, "labelled": labelled(), **options}
    return quotas(scores, n, rng(seed), **given), scores, probs


def slow(scores, probs, lacks, most, level, floor, groups):
    """Row by row: for the label that lacks most its best candidate, looked for among all rows."""
    rows, lacks = [], list(lacks)
    while len(rows) < most:
        label = max(range(len(lacks)), key=lambda k: (lacks[k], -k))
        if lacks[label] == float("-inf") or (lacks[label] <= 0 and not level):
            break
        free = [
            row
            for row in range(len(scores))
            if probs[row][label] > 0 and all(groups[row] != groups[other] for other in rows)
        ]
        if level:
            free = [row for row in free if probs[row][label] >= floor]
        if not free:
            lacks[label] = float("-inf")
            continue
        candidates = [row for row in free if probs[row][label] >= floor]
        if candidates:
            row = max(candidates, key=lambda row: (scores[row], -row))
        else:
            row = max(free, key=lambda row: (probs[row][label], -row))
        rows.append(row)
        for k in range(len(lacks)):
            lacks[k] -= k == label or probs[row][k] >= floor
    return rows


values = st.sampled_from([0.0, 0.05, 0.1, 0.4, 0.9])
cells = st.lists(st.tuples(values, values, values, values, st.integers(0, 6)), max_size=12)


@settings(max_examples=100, deadline=None)
@given(cells, st.integers(0, 8), st.booleans(), st.booleans())
def test_against_looking_at_all_rows(cells, n, named, grouped):
    table = numpy.array(cells, dtype="f8").reshape(-1, 5)
    scores, probs, groups = table[:, 0], table[:, 1:4], table[:, 4].astype("i8")
    labels = {"INN": 0.25, "PER": 0.5} if named else None
    if named:
        lacks, most = [int(0.25 * n + 0.5), 0, int(0.5 * n + 0.5)], n
    else:
        lacks, most = [-4, 0, -2], int(0.5 * n + 0.5)
    groups = groups if grouped else numpy.arange(len(table))
    expected = slow(scores, probs.tolist(), lacks, most, not named, 0.1, groups.tolist())
    for row in numpy.argsort(-scores, kind="stable").tolist():
        if len(expected) < n and all(groups[row] != groups[other] for other in expected):
            expected.append(row)
    rows, propensities = quotas(
        scores,
        n,
        rng(),
        groups=groups if grouped else None,
        label_probs=probs,
        labelled=labelled([[4, 0, 1], [0, 0, 1]]),
        labels=labels,
    )
    assert rows.tolist() == expected
    assert (propensities == 1).all()


def test_a_named_label_gets_its_share_and_the_rest_goes_by_score():
    (rows, _), scores, probs = draw(labels={"INN": 0.3})
    assert (probs[rows, 0] >= 0.1).sum() >= 6
    # those for the label are its candidates with the highest scores
    candidates = numpy.flatnonzero(probs[:, 0] >= 0.1)
    best = candidates[top_k(scores[candidates], 6, rng())[0]]
    assert rows[:6].tolist() == best.tolist()
    left = numpy.setdiff1d(numpy.arange(60), rows[:6])
    assert rows[6:].tolist() == left[top_k(scores[left], 14, rng())[0]].tolist()


def test_where_no_candidate_is_left_the_most_probable_come():
    (rows, _), _, probs = draw(labels={"INN": 1.0}, floor=0.9999)
    assert rows.tolist() == numpy.argsort(-probs[:, 0], kind="stable")[:20].tolist()


def test_the_rarest_labels_are_brought_level():
    options = {"labelled": labelled([[0, 9, 5], [0, 1, 5]]), "share": 1.0}
    (rows, _), _, probs = draw(n=10, **options)
    plain = top_k(draw()[1], 10, rng())[0]
    holds = (probs >= 0.1)[rows].sum(axis=0)
    # seven rows are candidates of the first label, and all are behind what the others have
    assert holds[0] == 7 == (probs[:, 0] >= 0.1).sum() > (probs[plain, 0] >= 0.1).sum()


def test_labels_that_no_row_can_hold_take_nothing():
    scores, probs = pool()
    probs[:, 0] = 0.0
    given = {"label_probs": probs, "labelled": labelled()}
    rows, _ = quotas(scores, 10, rng(), labels={"INN": 0.5}, **given)
    assert rows.tolist() == top_k(scores, 10, rng())[0].tolist()


def test_explored_rows_come_first_with_their_probability():
    (rows, propensities), scores, _ = draw(labels={"INN": 0.3}, explore=0.2)
    first, chances = uniform(scores, 4, rng(0))
    assert rows[:4].tolist() == first.tolist()
    assert propensities.tolist() == [*chances.tolist(), *[1.0] * 16]
    assert draw(explore=1.0)[0][0].tolist() == uniform(scores, 20, rng(0))[0].tolist()


def test_a_shuffled_pool_gives_the_same_batch():
    scores, probs = pool()
    ids, order = numpy.arange(60, dtype="u8") + 7, rng(3).permutation(60)
    options = {"labelled": labelled(), "labels": {"INN": 0.4}, "explore": 0.1}
    rows, _ = quotas(scores, 10, KeyedGenerator(0, 0, ids), label_probs=probs, **options)
    keyed = KeyedGenerator(0, 0, ids[order])
    again, _ = quotas(scores[order], 10, keyed, label_probs=probs[order], **options)
    assert ids[rows].tolist() == ids[order][again].tolist()


def test_without_a_model_it_goes_by_score_unless_labels_are_named():
    scores, probs = pool()
    assert quotas(scores, 9, rng())[0].tolist() == top_k(scores, 9, rng())[0].tolist()
    for table in (None, probs):
        with pytest.raises(UsageError, match=r"AL232.*quotas.*INN"):
            quotas(scores, 9, rng(), labels={"INN": 0.3}, label_probs=table)


def test_refuses():
    with pytest.raises(UsageError, match=r"AL230.*LOC.*INN, ORG, PER"):
        draw(labels={"LOC": 0.3})
    with pytest.raises(AlError, match="AL024"):
        draw(label_probs=numpy.ones((3, 3)))
    for options in ({"labels": {"A": 0.6, "B": 0.6}}, {"share": -1.0}, {"floor": 2.0}):
        with pytest.raises(AlError, match="AL021"):
            make_quotas(**options)
    with pytest.raises(AlError, match="AL021"):
        make_quotas(explore=float("nan"))

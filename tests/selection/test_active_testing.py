"""Draws to measure on: in proportion to doubt, with a share of uniform ones, and what a draw of copies says of them."""

import numpy
import pytest
from numpy.testing import assert_allclose

from spacy_al.errors import AlError, UsageError
from spacy_al.estimation.draws import Draws
from spacy_al.estimation.score import doubt, expected_f
from spacy_al.estimation.totals import estimate_totals
from spacy_al.registry import al_samplers, resolve
from spacy_al.selection.active_testing import active_testing
from spacy_al.selection.chances import within_groups
from spacy_al.selection.rank import top_k, uniform
from spacy_al.selection.stochastic import make_stochastic


def counts(size=8, seed=0):
    rng = numpy.random.default_rng(seed)
    means = rng.uniform(0.5, 2, (size, 3))
    spreads = rng.uniform(0, 1, (size, 1)) * [1.0, 0.5, 1.0]
    return numpy.concatenate([means, spreads], axis=1)


def test_the_first_draw_is_in_proportion_to_doubt():
    table = counts()
    wanted = doubt(table, expected_f(table))
    wanted = 0.8 * wanted / wanted.sum() + 0.2 / len(wanted)
    seen = {}
    for seed in range(300):
        rows, chances = active_testing(numpy.ones(8), 3, numpy.random.default_rng(seed), answer_counts=table)  # fmt: skip
        seen[int(rows[0])] = chances[0]
        assert len({*rows.tolist()}) == 3
    assert len(seen) == 8
    assert_allclose([seen[k] for k in range(8)], wanted, rtol=1e-5)


def test_without_a_model_the_scores_are_the_weights():
    rows, chances = active_testing(numpy.array([1.0, 3.0]), 1, numpy.random.default_rng(0))
    assert chances[0] == pytest.approx(0.8 * (0.25, 0.75)[rows[0]] + 0.1)


def test_what_it_refuses():
    for share in (0.0, 1.5):
        with pytest.raises(AlError, match=r"AL021.*explore of spacy-al\.active_testing"):
            al_samplers.get("spacy-al.active_testing.v1")(explore=share)
    with pytest.raises(UsageError, match="AL099"):
        active_testing(numpy.ones(3), 1, numpy.random.default_rng(0), answer_counts=numpy.zeros((3, 0)))  # fmt: skip
    with pytest.raises(AlError, match="AL024"):
        active_testing(numpy.ones(3), 1, numpy.random.default_rng(0), answer_counts=numpy.zeros((2, 6)))  # fmt: skip


@pytest.mark.parametrize("block", [
    {"@al_samplers": "spacy-al.uniform.v1"},
    {"@al_samplers": "spacy-al.stochastic.v1", "beta": 1.0, "explore": 0.3},
    {"@al_samplers": "spacy-al.active_testing.v1"},
])  # fmt: skip
def test_of_groups_the_mean_over_many_draws_is_the_total(block):
    take, rng = resolve(block), numpy.random.default_rng(1)
    scores, values = rng.uniform(0.5, 2, 12), rng.uniform(0, 3, 12)
    groups = numpy.array([0, 0, 0, 1, 2, 2, 3, 4, 5, 6, 6, 7])
    given = {"answer_counts": counts(12)} if "active" in block["@al_samplers"] else {}
    found = []
    for seed in range(3000):
        rows, chances = take(scores, 4, numpy.random.default_rng(seed), groups=groups, **given)
        within = within_groups(take, scores, groups, rows, given)
        assert ((within > 0) & (within <= 1)).all()
        totals = estimate_totals(Draws(chances, 12, within), values[rows, None])
        found.append(totals.values[0])
    error = numpy.std(found) / len(found) ** 0.5
    assert abs(numpy.mean(found) - values.sum()) < 3.5 * error


def test_of_other_samplers_nothing_is_known():
    scores, groups, rows = numpy.array([0.0, 1, 2]), numpy.array([0, 0, 1]), numpy.array([1])
    assert within_groups(top_k, scores, groups, rows, {}) is None
    # what scores 0 comes last of all, so that its chance is none
    assert within_groups(make_stochastic(), scores, groups, rows, {}) is None
    assert_allclose(within_groups(uniform, scores, groups, rows, {}), [0.5])

"""Disagreement against plain Python and scikit-activeml, and on posteriors at every level."""

import math
from types import SimpleNamespace

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from spacy_al.acquisition import members_of
from spacy_al.acquisition.disagreement import (
    LEVELS,
    make_bald,
    make_consensus_entropy,
    make_vote_entropy,
)
from spacy_al.acquisition.inputs import FITS
from spacy_al.arrays.distribution import entropy_of_mean, entropy_of_votes, mutual_information
from spacy_al.errors import AlError, UsageError

MAKERS = [make_bald, make_consensus_entropy, make_vote_entropy]
quick = settings(max_examples=40, deadline=None)


def committee(seed=0, size=(4, 5, 3)):
    return numpy.random.default_rng(seed).dirichlet(numpy.full(size[-1], 0.5), size[:-1])


def plain_entropy(probs):
    return -sum(p * math.log(p) for p in probs if p > 0)


def plain_mean(rows):
    return [sum(column) / len(rows) for column in zip(*rows)]


def kl_to_consensus(rows):
    mean = plain_mean(rows)
    divergences = [sum(p * math.log(p / q) for p, q in zip(row, mean) if p > 0) for row in rows]
    return sum(divergences) / len(rows)


def votes(rows):
    found = [0.0] * len(rows[0])
    for row in rows:
        best = [k for k, p in enumerate(row) if p == max(row)]
        for k in best:
            found[k] += 1 / len(best) / len(rows)
    return found


SLOW = {
    "bald": kl_to_consensus,
    "consensus_entropy": lambda rows: plain_entropy(plain_mean(rows)),
    "vote_entropy": lambda rows: plain_entropy(votes(rows)),
}


def slow(make, rows):
    return SLOW[make.__name__.removeprefix("make_")](rows)


# formulas


@quick
@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 10_000))
def test_against_plain_python(n_members, n_labels, seed):
    probs = committee(seed, (n_members, 3, n_labels))
    for measure, name in (
        (mutual_information, "bald"),
        (entropy_of_mean, "consensus_entropy"),
        (entropy_of_votes, "vote_entropy"),
    ):
        expected = [SLOW[name](probs[:, i].tolist()) for i in range(3)]
        assert_allclose(measure(probs), expected, atol=1e-12)


def test_against_scikit_activeml():
    query = pytest.importorskip("skactiveml.pool._query_by_committee")
    probs = committee(size=(5, 200, 4))
    assert_allclose(mutual_information(probs), query.average_kl_divergence(probs.copy()), atol=1e-5)
    labels = probs.argmax(axis=-1)
    assert_allclose(entropy_of_votes(probs), query.vote_entropy(labels.T, numpy.arange(4)))


def test_equally_probable_labels_share_a_vote():
    probs = numpy.array([[[0.5, 0.5, 0.0]], [[1.0, 0.0, 0.0]]])
    assert_allclose(entropy_of_votes(probs), plain_entropy([0.75, 0.25]))


def test_all_unsure_is_no_disagreement():
    probs = numpy.full((3, 1, 4), 0.25)
    assert mutual_information(probs) == entropy_of_votes(probs[:, :, :1]) == 0.0
    assert_allclose(entropy_of_mean(probs), math.log(4))


# posteriors


def entities(probs, spans, analyses):
    member = SimpleNamespace(token_probs=0, best_logprob=0)
    return SimpleNamespace(
        members=(member,) * len(probs), token_probs=probs, span_probs=spans, analysis_probs=analyses
    )


@pytest.mark.parametrize("make", MAKERS)
def test_every_level(make):
    tokens, spans = committee(1), numpy.random.default_rng(2).random((4, 6))
    analyses = committee(3, (4, 6))
    shown = analyses[:, :-1]
    posterior = entities(tokens, spans, shown)
    by_token = [slow(make, tokens[:, i].tolist()) for i in range(5)]
    by_span = [slow(make, [[p, 1 - p] for p in spans[:, i].tolist()]) for i in range(6)]
    # what is not among the analyses is one more, for which nobody votes
    whole = slow(make, (shown if make is make_vote_entropy else analyses).tolist())
    for reduce, how in (("max", max), ("sum", sum), ("mean", lambda v: sum(v) / len(v))):
        assert_allclose(make(reduce=reduce)([posterior]), how(by_token))
        assert_allclose(make("token", reduce=reduce)([posterior]), how(by_token))
        assert_allclose(make("span", reduce=reduce)([posterior]), how(by_span))
        assert_allclose(make("sentence", reduce=reduce)([posterior]), whole)
    empty = entities(tokens[:, :0], spans[:, :0], shown[:, :0])
    for level in ("token", "span", "sentence"):
        assert make(level)([empty, posterior, empty])[[0, 2]].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("exclusive", [True, False])
def test_categories(make, exclusive):
    probs = committee(4, (4, 3))
    member = SimpleNamespace(probs=0, exclusive=exclusive)
    posterior = SimpleNamespace(members=(member,) * 4, probs=probs, exclusive=exclusive)
    if exclusive:
        expected = slow(make, probs.tolist())
        assert members_of([posterior, posterior]).tolist() == [probs.tolist()] * 2
    else:
        expected = max(slow(make, [[p, 1 - p] for p in probs[:, i].tolist()]) for i in range(3))
        assert members_of([posterior]) is None
    assert_allclose(make()([posterior]), expected)
    with pytest.raises(UsageError, match=r"AL200.*'token'.*categories.*leave it out"):
        make("token")([posterior])


def test_levels_are_those_of_the_kinds_there_are():
    assert set(LEVELS) == {kind for kind in FITS if kind.startswith("committee of")}


@pytest.mark.parametrize("make", MAKERS)
def test_refuses(make):
    with pytest.raises(UsageError, match=r"AL022.*token, span, sentence"):
        make("word")
    plain = SimpleNamespace(token_probs=numpy.full((2, 2), 0.5))
    with pytest.raises(AlError, match=r"AL020.*committee.*token_entropy"):
        make()([plain])
    three, four = (SimpleNamespace(token_probs=committee(size=(m, 2, 3))) for m in (3, 4))
    for posterior in (three, four):
        posterior.members = (plain,) * len(posterior.token_probs)
    with pytest.raises(AlError, match="AL024"):
        make()([three, four])
    assert members_of([]) is None and members_of([plain]) is None

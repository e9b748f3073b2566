"""Dawid and Skene, and MACE: against a reference that is written as the papers have it, and crowd-kit where it is installed."""

from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_al.consensus.dawid_skene import LEAST, STEPS, dawid_skene
from spacy_al.consensus.mace import EVENNESS, how_even, label_scores, mace
from spacy_al.consensus.majority import majority
from spacy_al.consensus.votes import make_votes
from tests.consensus.annotators import vote

ROWS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=30
)


def reference(votes, steps):
    """One vote after the other, as the paper has it."""
    n, m, k = votes.shape
    given_ = [*zip(votes.items.tolist(), votes.annotators.tolist(), votes.labels.tolist())]
    probs = majority(votes)
    for _ in range(steps):
        table = numpy.full((m, k, k), 0.0)
        for item, who, said in given_:
            table[who, :, said] += probs[item]
        table = numpy.maximum(table, LEAST)
        table /= table.sum(axis=2, keepdims=True)
        prior = numpy.maximum(probs.mean(axis=0), LEAST)
        new = numpy.empty_like(probs)
        for item in range(n):
            for right in range(k):
                like = numpy.log(prior[right])
                for _, who, said in (one for one in given_ if one[0] == item):
                    like += numpy.log(table[who, right, said])
                new[item, right] = like
        new = numpy.exp(new - new.max(axis=1, keepdims=True))
        probs = new / new.sum(axis=1, keepdims=True)
    return probs


@settings(max_examples=25, deadline=None)
@given(ROWS)
def test_it_is_what_the_paper_says(rows):
    votes = make_votes(rows, range(3))
    import spacy_al.consensus.dawid_skene as module

    before, module.STEPS = module.STEPS, 7
    module.ENOUGH, enough = 0.0, module.ENOUGH
    try:
        found = dawid_skene(votes, strength=0)
    finally:
        module.STEPS, module.ENOUGH = before, enough
    assert numpy.allclose(found.probs, reference(votes, 7), atol=1e-6)
    assert before == STEPS


@settings(max_examples=25, deadline=None)
@given(ROWS)
def test_probabilities_are_probabilities_whoever_votes(rows):
    votes = make_votes(rows, range(3))
    for probs in (dawid_skene(votes).probs, mace(votes).probs):
        assert numpy.allclose(probs.sum(axis=1), 1) and (probs >= 0).all()


@settings(max_examples=25, deadline=None)
@given(ROWS)
def test_what_mace_holds_to_be_likely_is_what_its_story_says(rows):
    votes = make_votes(rows, range(3))
    fitted = mace(votes)
    scores = label_scores(votes, fitted.knows, fitted.guesses)
    for item in range(votes.shape[0]):
        like = numpy.zeros(3)
        for right in range(3):
            for k in numpy.flatnonzero(votes.items == item):
                who, said = votes.annotators[k], votes.labels[k]
                known = fitted.knows[who]
                prob = (1 - known) * fitted.guesses[who, said] + known * (said == right)
                like[right] += numpy.log(prob)
        assert numpy.allclose(scores[item] - scores[item, 0], like - like[0], atol=1e-6)


def test_how_even_guesses_are_is_seen_from_them():
    guessed = numpy.array([[40.0, 0, 0, 0, 0], [8, 8, 8, 8, 8]])
    mean = (how_even(guessed) * numpy.log(EVENNESS)[:, None]).sum(axis=0)
    assert numpy.allclose(how_even(guessed).sum(axis=0), 1) and mean[0] < numpy.log(0.3) < mean[1]


@pytest.mark.parametrize("k, seed", [(4, 0), (4, 1), (77, 0), (77, 1)])
def test_both_are_right_more_often_than_the_majority_where_one_votes_blindly(k, seed):
    truth, votes = vote(seed, 400, k, (0.7, 0.8, 0.95, None))

    def accuracy(probs):
        return (probs.argmax(axis=1) == truth).mean()

    most = accuracy(majority(votes))
    assert accuracy(dawid_skene(votes).probs) > most + 0.02
    assert accuracy(mace(votes).probs) > most + 0.04


def test_a_model_decides_where_votes_do_not():
    rows: list[tuple[Any, str, int]] = [
        (item, who, item % 2) for item in range(40) for who in "abc"
    ]
    rows += [("open", "a", 0), ("open", "b", 1)]
    votes = make_votes(rows, range(2))
    model = numpy.full((41, 2), numpy.nan)
    place = votes.item_names.index("open")
    for own in ([0.9, 0.1], [0.1, 0.9]):
        model[place] = own
        for fit in (dawid_skene, mace):
            assert fit(votes, model=model).probs[place].argmax() == numpy.argmax(own)
    assert abs(mace(votes).probs[place, 0] - 0.5) < 0.05


# not among what the tests install: it brings a transformers of its own
@pytest.mark.realdata
@pytest.mark.parametrize("seed", [0, 1])
def test_it_is_as_good_as_crowd_kits(seed):
    aggregation = pytest.importorskip("crowdkit.aggregation")
    import pandas

    truth, votes = vote(seed, 300, 4, (0.7, 0.8, 0.95, None))
    said = pandas.DataFrame(
        {"task": votes.items, "worker": votes.annotators, "label": votes.labels}
    )

    def accuracy(labels):
        return float((labels.reindex(range(300)).to_numpy() == truth).mean())

    theirs = aggregation.DawidSkene(n_iter=200, tol=1e-9).fit(said)
    ours = dawid_skene(votes, strength=0).probs.argmax(axis=1)
    assert (theirs.labels_.reindex(range(300)).to_numpy() == ours).mean() > 0.97
    best = accuracy(aggregation.MACE(random_state=seed).fit_predict(said))
    assert (mace(votes).probs.argmax(axis=1) == truth).mean() > best - 0.02

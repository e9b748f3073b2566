"""Consensus of spans."""

import numpy
import pytest

from spacy_al.consensus.apart import best_apart
from spacy_al.consensus.spans import (
    SpanConsensus,
    log_odds,
    make_span_votes,
    silent_probs,
    span_consensus,
    span_majority,
)
from tests.consensus.annotators import mark


def f_score(gold, votes, probs):
    hits = said = 0
    for number, text in enumerate(votes.text_names):
        rows = numpy.flatnonzero(votes.texts == number)
        weights = (probs[rows] - 0.5).tolist()
        chosen = rows[best_apart(votes.starts[rows].tolist(), votes.ends[rows].tolist(), weights)]
        found = {
            (int(votes.starts[i]), int(votes.ends[i]), votes.label_names[votes.labels[i]])
            for i in chosen
        }
        hits, said = hits + len(found & gold[text]), said + len(found)
    return 2 * hits / (said + sum(map(len, gold.values())))


@pytest.mark.parametrize("seed", range(3))
def test_it_is_nearer_to_what_is_right_than_the_majority(seed):
    gold, votes = mark(seed, 150, (0.7, 0.8, 0.95, None))
    found = span_consensus(votes)
    assert f_score(gold, votes, found.probs) > f_score(gold, votes, span_majority(votes)) + 0.005
    # rates are those of the annotators, and who marks anything marks next to nothing of what is there
    finds = found.finds.mean(axis=1)
    assert finds[2] > finds[1] > 0.65 and finds[3] < 0.15 and found.spurious[3].min() > 0.005


def test_odds_are_those_of_each_vote():
    said = {("t", "a"): {(0, 2, "X"): True}, ("t", "b"): {(0, 2, "X"): False}}
    votes = make_span_votes(said, [("t", ["a", "b"], "X", 10)], flat=True)
    assert votes.sites.tolist() == [9] and votes.shape == (1, 2, 1)
    finds, spurious = numpy.array([[0.7], [0.9]]), numpy.array([[0.1], [0.2]])
    model = SpanConsensus(numpy.zeros(1), finds, spurious, numpy.array([0.3]), numpy.zeros((2, 2)))
    right, wrong = 0.3 * 0.7 * 0.1, 0.7 * 0.1 * 0.8
    assert numpy.exp(log_odds(votes, model))[0] == pytest.approx(right / wrong)
    right, wrong = 0.3 * 0.3 * 0.1, 0.7 * 0.9 * 0.8
    assert silent_probs(votes, model)[0] == pytest.approx(right / (right + wrong))


def test_what_overlaps_competes_and_what_a_model_believes_counts():
    said, sites, priors = {}, [], {}
    for text in range(30):
        agreed = {(0, 1, "X"): True}
        said |= {(text, who): agreed for who in "abc"}
        sites.append((text, "abc", "X", 12))
    long, short = (3, 6, "X"), (4, 6, "X")
    said["open", "a"] = {long: True, short: False}
    said["open", "b"] = {long: False, short: True}
    sites.append(("open", "ab", "X", 12))
    for believed, doubted in ((long, short), (short, long)):
        priors = {("open", believed): 0.9, ("open", doubted): 0.05}
        votes = make_span_votes(said, sites, flat=True, priors=priors)
        probs = dict(
            zip(zip(votes.starts.tolist(), votes.texts.tolist()), span_consensus(votes).probs)
        )
        number = votes.text_names.index("open")
        assert probs[believed[0], number] > 0.7 > 0.3 > probs[doubted[0], number]
    votes = make_span_votes(said, sites, flat=True)
    probs = span_consensus(votes).probs[votes.texts == votes.text_names.index("open")]
    assert probs.sum() <= 1 and abs(probs[0] - probs[1]) < 0.02


def test_nothing_marked_is_nothing_found():
    votes = make_span_votes({}, [("t", ["a", "b"], "X", 10)], flat=True)
    found = span_consensus(votes)
    assert found.probs.shape == (0,) and found.base[0] < 0.1

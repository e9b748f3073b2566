"""How good each annotator is, as draws of what may be so: what is right is not known either, and the draws differ in that as well.

Gibbs sampling: what is right is drawn given how good everybody is, and how good everybody is given what is right, by turns.
"""

from dataclasses import dataclass

import numpy
from numpy.random import Generator

from spacy_al.consensus.mace import (
    EVENNESS,
    GUESSED,
    KNOWN,
    how_even,
    known_if_right,
    label_scores,
    mace,
)
from spacy_al.consensus.spans import (
    SpanConsensus,
    SpanVotes,
    count_slips,
    log_odds,
    near_odds,
    silent_probs,
    span_consensus,
)
from spacy_al.consensus.votes import Votes
from spacy_al.types import Floats

DRAWS, BURN = 300, 100
LEVEL = 0.95
# A share of which nothing is known: Jeffreys' prior
HALF = 0.5
# Of how frequent a label is hardly anything is taken for granted: most places hold nothing
FEW = 0.05
# How far the rates of an annotator at all labels are alike: marks that are added to each of them
LEANS = numpy.array([1.0, 3.0, 10.0, 30.0, 100.0, 300.0])
# Whose score lies below this, as good as surely, tells next to nothing: who knows every third label, or finds every third entity, has 0.1
SPAMMER = 0.1
# Answers that others gave as well, of which fewer say nothing about anybody
FEWEST = 10


@dataclass(frozen=True)
class Reliability:
    """Draws of how good annotators are, each as likely as the others.

    right (Floats): The share of what they say that is right, shape (n_draws, n_annotators).
    finds (Floats | None): Of spans, the share of what is there that they mark, same shape.
    score (Floats): How much their answers tell, from 0 to 1, same shape (Raykar and Yu, 2012): the square of how often they know the
        label, or of how much more often they mark what is there than what is not.
    right_by_label, finds_by_label (Floats | None): The same by label, shape (n_draws, n_annotators, n_labels). For categories
        the first is the share of the texts of a category to which they give it.
    n_shared (Floats): Items that they and somebody else have answered, or of which the right answer is known, shape (n_annotators,).
    n_by_label (Floats): How many texts of the label they have answered, or spans of it they have marked, about, shape (n_annotators, n_labels).
    """

    right: Floats
    finds: Floats | None
    score: Floats
    right_by_label: Floats
    finds_by_label: Floats | None
    n_shared: Floats
    n_by_label: Floats

    @property
    def spammers(self) -> list[int]:
        """The annotators whose answers tell next to nothing, as good as surely."""
        high = numpy.quantile(self.score, (1 + LEVEL) / 2, axis=0)
        return numpy.flatnonzero((high < SPAMMER) & (self.n_shared >= FEWEST)).tolist()


def interval(draws: Floats, level: float = LEVEL) -> tuple[float, float, float]:
    """The median of draws and the ends of the interval that holds a share of them."""
    low, middle, high = numpy.quantile(draws, [(1 - level) / 2, 0.5, (1 + level) / 2])
    return float(middle), float(low), float(high)


def category_reliability(votes: Votes, *, draws: int = DRAWS, seed: int = 0) -> Reliability:
    """How good annotators are at labels that exclude each other, by MACE's model (Hovy et al., 2013).

    Where somebody knows a label with probability k and else says whatever they say, Raykar and Yu's score of their confusion is k * k.
    """
    rng, fitted = numpy.random.default_rng(seed), mace(votes)
    n_items, n_annotators, n_labels = votes.shape
    knows, guesses = fitted.knows, fitted.guesses
    prior = (fitted.probs.sum(axis=0) + HALF) / (n_items + HALF * n_labels)
    n, kept = votes.by_annotator(), list[tuple[Floats, ...]]()
    for step in range(BURN + draws):
        scores = label_scores(votes, knows, guesses, prior)
        truth = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
        is_right = truth[votes.items] == votes.labels
        known = is_right & (rng.random(len(is_right)) < known_if_right(votes, knows, guesses))
        n_known = votes.by_annotator(known)
        knows = _beta(n_known, n - n_known, rng, KNOWN, GUESSED)
        guesses = _shares(votes.by_annotator_and_label(~known), rng)
        prior = _shares(numpy.bincount(truth, minlength=n_labels)[None].astype("f8"), rng)[0]
        if step >= BURN:
            hits = votes.by_annotator(is_right)
            asked = numpy.zeros((n_annotators, n_labels))
            numpy.add.at(asked, (votes.annotators, truth[votes.items]), 1.0)
            named = votes.by_annotator_and_label(is_right)
            kept.append(
                (
                    _beta(hits, n - hits, rng),
                    knows**2,
                    _beta(named, asked - named, rng),
                    asked,
                )
            )
    right, score, by_label, asked = (numpy.array(one) for one in zip(*kept))
    n_shared = votes.by_annotator(votes.is_checked())
    return Reliability(right, None, score, by_label, None, n_shared, asked.mean(axis=0))


def span_reliability(votes: SpanVotes, *, draws: int = DRAWS, seed: int = 0) -> Reliability:
    """How good annotators are at spans, by the model of `span_consensus`."""
    rng, model = numpy.random.default_rng(seed), span_consensus(votes)
    kept = list[tuple[Floats, ...]]()
    said = votes.table(votes.yes.astype("f8"))
    for step in range(BURN + draws):
        truth, near = votes.states.draw(log_odds(votes, model), near_odds(votes, model), rng)
        missed = rng.binomial(votes.sites.astype("i8"), silent_probs(votes, model)).astype("f8")
        right = truth[votes.candidates]
        hits = votes.table((right & votes.yes).astype("f8"))
        there = votes.table(right.astype("f8")) + votes.panel_table(missed)
        wrong = said - hits
        far = wrong - votes.table((near[votes.candidates] & votes.yes).astype("f8"))
        empty = votes.table((~right).astype("f8")) + votes.panel_table(votes.sites - missed)
        finds, spurious = _by_label(hits, there - hits, rng), _by_label(far, empty - far, rng)
        drawn = rng.gamma(count_slips(votes, right.astype("f8")) + HALF) + 1e-9
        slips = (drawn / drawn.sum(axis=1, keepdims=True))[:, 1:] * votes.near.any()
        filled = votes.by_label(truth.astype("f8"), missed)
        places = votes.by_label(numpy.ones(len(truth)), votes.sites)
        model = SpanConsensus(
            model.probs,
            numpy.clip(finds, 1e-6, 1 - 1e-6),
            numpy.clip(spurious, 1e-9, 1 - 1e-6),
            numpy.clip(_beta(filled, places - filled, rng, FEW, HALF), 1e-9, 1 - 1e-9),
            slips,
        )
        if step >= BURN:
            all_hits, all_there = hits.sum(axis=1), there.sum(axis=1)
            all_wrong, all_empty = wrong.sum(axis=1), empty.sum(axis=1)
            overall = _beta(all_hits, all_there - all_hits, rng)
            lead = overall - _beta(all_wrong, all_empty - all_wrong, rng)
            kept.append(
                (
                    _beta(all_hits, all_wrong, rng),
                    overall,
                    numpy.maximum(lead, 0) ** 2,
                    _beta(hits, wrong, rng),
                    finds,
                )
            )
    found = [numpy.array(one) for one in zip(*kept)]
    shared = numpy.bincount(votes.candidates, minlength=votes.shape[0]) > 1
    asked = (shared | ~numpy.isnan(votes.known))[votes.candidates]
    n = numpy.bincount(votes.annotators, asked, minlength=votes.shape[1]).astype("f8")
    return Reliability(found[0], found[1], found[2], found[3], found[4], n, said)


def _by_label(yes: Floats, no: Floats, rng: Generator) -> Floats:
    """Rates of each annotator at each label, which are more or less alike over the labels: how far is drawn as well."""
    from scipy.special import betaln

    no = numpy.maximum(no, 0)
    own = numpy.clip(_beta(yes.sum(axis=1), no.sum(axis=1), rng), 1e-9, 1 - 1e-6)[:, None]
    # of marks, or places where nothing is would say by their number alone that nobody marks a label there
    leans = LEANS / own[:, :, None]
    ahead, against = leans * own[:, :, None], leans * (1 - own[:, :, None])
    like = betaln(yes[:, :, None] + ahead, no[:, :, None] + against) - betaln(ahead, against)
    like = like.sum(axis=1)
    chosen = (like + rng.gumbel(size=like.shape)).argmax(axis=1)
    lean = leans[numpy.arange(len(own)), 0, chosen][:, None]
    return _beta(yes, no, rng, lean * own, lean * (1 - own))


def _beta(
    yes: Floats,
    no: Floats,
    rng: Generator,
    more_yes: float | Floats = HALF,
    more_no: float | Floats = HALF,
) -> Floats:
    found: Floats = rng.beta(yes + more_yes, numpy.maximum(no, 0) + more_no)
    return found


def _shares(counts: Floats, rng: Generator) -> Floats:
    """Shares of labels behind the counts in each row, which may be even or not: how far is drawn as well."""
    even = (how_even(counts).cumsum(axis=0) < rng.random(len(counts))).sum(axis=0)
    added = EVENNESS[numpy.minimum(even, len(EVENNESS) - 1)]
    drawn = numpy.maximum(rng.gamma(counts + added[:, None]), 1e-12)
    found: Floats = drawn / drawn.sum(axis=-1, keepdims=True)
    return found

"""MACE: an annotator either knows an item's label, or says something that has nothing to do with it."""

from dataclasses import dataclass

import numpy

from spacy_al.consensus.dawid_skene import ENOUGH, STEPS, before_votes, softmax
from spacy_al.consensus.majority import majority
from spacy_al.consensus.votes import Votes, sums
from spacy_al.types import Floats

# Added to the answers that annotators know, and to those that they do not
KNOWN, GUESSED = 0.5, 0.5
# How even the guesses of an annotator may be: answers that are added to each label. Some always say the same, some anything
EVENNESS = numpy.array([0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0])


@dataclass(frozen=True)
class Mace:
    """What came of it.

    probs (Floats): Of each item the probability of each label, shape (n_items, n_labels).
    knows (Floats): How often each annotator knows the label, shape (n_annotators,).
    guesses (Floats): What they say where they do not, shape (n_annotators, n_labels); rows sum to 1.
    """

    probs: Floats
    knows: Floats
    guesses: Floats


def mace(votes: Votes, *, model: Floats | None = None) -> Mace:
    """Fit by expectation and maximisation (Hovy et al., 2013).

    The paper starts at random several times and keeps the best; this starts once, at the majority, so that it comes out the same each
    time. The paper adds the same to all guesses; here it is seen from them how even each annotator's are. With many labels this matters: where
    few guesses are taken for all that somebody would guess, who is seldom wrong is believed least where they are wrong once.

    votes (Votes): Of labels that exclude each other.
    model (Floats | None): As for `dawid_skene`; by default all labels are alike before the votes, as in the paper.
    """
    even = numpy.full((votes.shape[0], votes.shape[2]), 1 / max(1, votes.shape[2]))
    prior = before_votes(even, model)
    probs = majority(votes)
    knows = numpy.full(votes.shape[1], 0.5)
    guesses = numpy.full((votes.shape[1], votes.shape[2]), 1 / max(1, votes.shape[2]))
    for _ in range(STEPS):
        known = probs[votes.items, votes.labels] * known_if_right(votes, knows, guesses)
        knows = (votes.by_annotator(known) + KNOWN) / (votes.by_annotator() + KNOWN + GUESSED)
        guessed = votes.by_annotator_and_label(1 - known)
        added = guessed[None] + EVENNESS[:, None, None]
        shares = added / added.sum(axis=2, keepdims=True)
        guesses = (how_even(guessed)[:, :, None] * shares).sum(axis=0)
        before, probs = probs, softmax(label_scores(votes, knows, guesses, prior))
        if numpy.abs(probs - before).max(initial=0.0) < ENOUGH:
            break
    return Mace(probs, knows, guesses)


def how_even(guessed: Floats) -> Floats:
    """How likely each of `EVENNESS` is, of how often annotators guessed each label, shape (n_evenness, n_annotators); columns sum to 1."""
    from scipy.special import gammaln

    n_labels, added = guessed.shape[1], EVENNESS[:, None]
    total = gammaln(n_labels * added) - gammaln(guessed.sum(axis=1)[None] + n_labels * added)
    each = gammaln(guessed[None] + added[:, :, None]) - gammaln(added[:, :, None])
    return softmax((total + each.sum(axis=2)).T).T


def known_if_right(votes: Votes, knows: Floats, guesses: Floats) -> Floats:
    """The probability that an annotator knew what they said, if it is right, shape (n_votes,): they may have guessed well."""
    known, guessed = knows[votes.annotators], guesses[votes.annotators, votes.labels]
    found: Floats = known / (known + (1 - known) * guessed)
    return numpy.minimum(found, 1 - 1e-12)


def label_scores(
    votes: Votes, knows: Floats, guesses: Floats, prior: Floats | None = None
) -> Floats:
    """The logarithm of how likely each label makes the votes, shape (n_items, n_labels), but for a constant of each item.

    prior (Floats | None): What is believed before the votes, shape (n_labels,) or (n_items, n_labels); by default all labels are alike.
    """
    n_items, _, n_labels = votes.shape
    # a vote for another label says the same of all labels: that it was guessed
    surer = -numpy.log1p(-known_if_right(votes, knows, guesses))
    scores = sums(votes.items * n_labels + votes.labels, surer, n_items * n_labels).reshape(
        n_items, n_labels
    )
    scores = scores + votes.pins
    return scores if prior is None else scores + numpy.log(prior)

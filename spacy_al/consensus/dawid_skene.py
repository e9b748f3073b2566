"""Dawid and Skene's model: of each annotator what they say to texts of each category, whatever else is on them."""

from dataclasses import dataclass

import numpy

from spacy_al.consensus.majority import majority
from spacy_al.consensus.votes import Votes
from spacy_al.types import Floats

STEPS, ENOUGH = 200, 1e-5
LEAST = 1e-10
# What a model believes least of any label
DOUBT = 0.001


@dataclass(frozen=True)
class DawidSkene:
    """What came of it.

    probs (Floats): Of each item the probability of each label, shape (n_items, n_labels).
    confusion (Floats): Of each annotator what they say where a label is right, shape (n_annotators, n_labels, n_labels); rows sum to 1.
    prior (Floats): How frequent each label is, shape (n_labels,).
    """

    probs: Floats
    confusion: Floats
    prior: Floats


def dawid_skene(votes: Votes, *, strength: float = 2.0, model: Floats | None = None) -> DawidSkene:
    """Fit by expectation and maximisation, from the majority on (Dawid and Skene, 1979).

    votes (Votes): Of labels that exclude each other.
    strength (float): So many answers are added to each row of each confusion, right as often as the annotator is anywhere and wrong
        evenly: with 77 categories nobody answers enough texts of each. 0 is the paper's maximum likelihood.
    model (Floats | None): What a model believes of each item before the votes, in place of how frequent labels are; NaN where it
        was not asked, shape (n_items, n_labels).
    """
    n_items, n_annotators, n_labels = votes.shape
    probs = majority(votes)
    same = numpy.eye(n_labels)
    for _ in range(STEPS):
        confusion = numpy.zeros((n_annotators, n_labels, n_labels))
        cells = confusion.transpose(0, 2, 1)
        numpy.add.at(cells, (votes.annotators, votes.labels), probs[votes.items])
        if strength:
            right = votes.by_annotator(probs[votes.items, votes.labels])
            share = ((right + 1) / (votes.by_annotator() + 2))[:, None, None]
            confusion += strength * (same * share + (1 - same) * (1 - share) / max(1, n_labels - 1))
        confusion = numpy.maximum(confusion, LEAST)
        confusion /= confusion.sum(axis=2, keepdims=True)
        prior = numpy.maximum(probs.mean(axis=0), LEAST)
        scores = numpy.log(before_votes(numpy.tile(prior, (n_items, 1)), model))
        numpy.add.at(scores, votes.items, numpy.log(confusion)[votes.annotators, :, votes.labels])
        before, probs = probs, softmax(scores + votes.pins)
        if numpy.abs(probs - before).max(initial=0.0) < ENOUGH:
            break
    return DawidSkene(probs, confusion, prior / prior.sum())


def before_votes(base: Floats, model: Floats | None) -> Floats:
    """What is believed of each item before the votes: a model where it was asked, never quite sure, else the base."""
    if model is None:
        return base
    surest: Floats = numpy.where(numpy.isnan(model), base, numpy.maximum(model, DOUBT))
    return surest


def softmax(scores: Floats) -> Floats:
    """Rows of logarithms as probabilities."""
    powers = numpy.exp(scores - scores.max(axis=1, keepdims=True))
    found: Floats = powers / powers.sum(axis=1, keepdims=True)
    return found

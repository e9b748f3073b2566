"""Uncertainty of a categorical or Bernoulli distribution: arrays in, arrays out, over the last axis.

Every measure is 0 for a certain distribution, greatest for a uniform one, and NaN where its input is.
"""

import numpy

from spacy_al.types import Floats


def row_entropy(probs: Floats) -> Floats:
    """Shannon entropy in nats, with 0 log 0 = 0.

    probs (Floats): Distributions, shape (..., n_labels), the last axis sums to 1.
    RETURNS (Floats): Shape (...), between 0 and log n_labels.
    """
    # a probability of 1 + 1e-7, as single precision gives, would be a negative entropy
    return numpy.maximum(-_xlogx(numpy.asarray(probs, dtype="f8")).sum(axis=-1), 0.0)


def row_margin(probs: Floats) -> Floats:
    """Closeness of the two most probable labels, 1 - (p1 - p2) (Scheffer et al., 2001; Luo et al., 2005).

    They ask for the smallest p1 - p2; here it is turned, so that higher is sooner.

    probs (Floats): Distributions, shape (..., n_labels), the last axis sums to 1.
    RETURNS (Floats): Shape (...), between 0 and 1; 0 where there is only one label.
    """
    probs = numpy.asarray(probs, dtype="f8")
    if probs.shape[-1] < 2:
        return 0.0 * probs.sum(axis=-1)
    top = numpy.partition(probs, -2, axis=-1)
    return numpy.clip(1.0 - (top[..., -1] - top[..., -2]), 0.0, 1.0)


def row_least_confidence(probs: Floats) -> Floats:
    """Probability that the most probable label is wrong, 1 - max p (Lewis & Gale, 1994).

    probs (Floats): Distributions, shape (..., n_labels) with n_labels > 0, the last axis sums to 1.
    RETURNS (Floats): Shape (...), between 0 and 1 - 1 / n_labels.
    """
    return numpy.clip(1.0 - numpy.asarray(probs, dtype="f8").max(axis=-1), 0.0, 1.0)


def bernoulli_entropy(probs: Floats) -> Floats:
    """Entropy in nats of a yes or no with probability p, element by element.

    probs (Floats): Bernoulli probabilities, any shape.
    RETURNS (Floats): The same shape, between 0 and log 2.
    """
    probs = numpy.clip(numpy.asarray(probs, dtype="f8"), 0.0, 1.0)
    # maximum also turns the -0.0 of certainty into 0.0
    return numpy.maximum(-_xlogx(probs) - _xlogx(1.0 - probs), 0.0)


def _xlogx(probs: Floats) -> Floats:
    return probs * numpy.log(numpy.where(probs > 0.0, probs, 1.0))


def mutual_information(probs: Floats) -> Floats:
    """Entropy of the members' mean less the mean of their entropies, in nats.

    probs (Floats): Shape (n_members, ..., n_labels).
    RETURNS (Floats): Shape (...), between 0 and the logarithm of n_members and of n_labels.
    """
    return numpy.maximum(entropy_of_mean(probs) - row_entropy(probs).mean(axis=0), 0.0)


def entropy_of_mean(probs: Floats) -> Floats:
    """Entropy in nats of the members' mean. (n_members, ..., n_labels) -> (...)."""
    return row_entropy(probs.mean(axis=0))


def entropy_of_votes(probs: Floats) -> Floats:
    """Entropy in nats of one vote a member. (n_members, ..., n_labels) -> (...)."""
    best = probs == probs.max(axis=-1, keepdims=True)
    return entropy_of_mean(best / best.sum(axis=-1, keepdims=True))

"""Texts to measure on, likelier the more they may move the score: the test set that few answers suffice for."""

from functools import partial
from typing import Any

import numpy

from spacy_al import registry
from spacy_al.arrays.checks import finite, same_length
from spacy_al.errors import Errors, UsageError
from spacy_al.estimation.score import N_MOMENTS, doubt, expected_f
from spacy_al.selection.stochastic import stochastic
from spacy_al.types import Floats, Ints, Sampler

NAME = "active_testing"


@registry.al_samplers("spacy-al.active_testing.v1")
def make_active_testing(explore: float = 0.2) -> Sampler:
    """Draws to measure on, in proportion to how far each text may move F, as the model itself sees it.

    explore (float): Share of uniform draws, above 0 and up to 1, mixed into the weights: what the model does not know of it cannot know.
    RETURNS (Sampler): See `active_testing`.
    RAISES (AlError): AL021 for a share that is out of range.
    """
    finite(explore, f"explore of spacy-al.{NAME}.v1", 0.01, 1.0)
    return partial(active_testing, explore=explore)


def active_testing(
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    *,
    embeddings: Any = None,
    groups: Ints | None = None,
    answer_counts: Floats | None = None,
    explore: float = 0.2,
) -> tuple[Ints, Floats]:
    """n rows drawn one after the other, in proportion to the standard deviation of their part in F made linear.

    That is the least variance which an unbiased estimate can have where the model's probabilities are right (Kossen et al., 2021, with the
    distribution over analyses in place of a surrogate; Sawade et al., 2010, for F). Where they are not, the estimate has a wider interval.

    scores (Floats): Shape (N,); weights by themselves where there are no counts.
    n (int): Batch size; all that is eligible if there is less.
    rng (Generator): The source of chance.
    embeddings (Any): Not used.
    groups (Ints | None): Group of each row, shape (N,); at most one row of each is chosen.
    answer_counts (Floats | None): (N, 6 or more) means and variances of right, said and wanted answers: see `acquisition.answer_counts`.
    explore (float): As for `make_active_testing`.
    RETURNS (tuple[Ints, Floats]): Rows in the order of the draws, and the probability of each draw given those before.
    RAISES (AlError): AL021, AL023, AL024, as `stochastic`; UsageError AL099 for counts of nothing.
    """
    weights = measuring_weights(scores, answer_counts)
    return stochastic(weights, n, rng, groups=groups, explore=explore)


def measuring_weights(scores: Floats, answer_counts: Floats | None) -> Floats:
    """(N,) what rows are drawn in proportion to, but for uniform draws. Arguments as for `active_testing`."""
    if answer_counts is None:
        return scores
    same_length(len(scores), answer_counts, "The counts of answers")
    if answer_counts.shape[1] < N_MOMENTS:
        raise UsageError(Errors.AL099.format(name="answer_counts"))
    moments = answer_counts[:, :N_MOMENTS].astype("f8")
    return doubt(moments, expected_f(moments))

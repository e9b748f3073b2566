"""Sets that hold the right answer with a stated probability, whatever the model: split conformal prediction (Vovk et al., 2005).

Each text for calibration gets a nonconformity score of its right answer, the higher the less the model believed in it. A set holds all answers
whose score is at most a quantile of these. Where the texts are exchangeable with those to come, and neither the model nor its temperature has seen them, the
right answer is in the set with at least the stated probability, on average over texts.
"""

import math
from typing import Any

import numpy

from spacy_al.arrays.checks import finite, probabilities, same_length
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.types import Bools, Floats, Ints

# What a level such as .9 is off by in binary must not take one text more
_DIGITS = 9


def valid_coverage(coverage: float) -> float:
    """RAISES (UsageError): AL461 unless it is above 0 and below 1."""
    if isinstance(coverage, bool) or not 0 < coverage < 1:
        raise UsageError(Errors.AL461.format(value=coverage))
    return float(coverage)


def fewest_texts(coverage: float) -> int:
    """The fewest texts that a level can be promised on: of fewer, even the highest score is passed too often.

    coverage (float): Above 0 and below 1.
    RETURNS (int): One less than 1 / (1 - coverage), rounded up.
    RAISES (UsageError): AL461.
    """
    return math.ceil(round(1 / (1 - valid_coverage(coverage)), _DIGITS)) - 1


def conformal_quantile(scores: Floats, coverage: float, groups: Ints | None = None) -> float:
    """The score that the right answer of another text passes with a probability of at most 1 - coverage (Vovk et al., 2005).

    It is the ceil((n + 1) * coverage)-th smallest one of n. Where a text has several scores, as one with tags or spans has, a text weighs 1 / (n + 1)
    and shares it among them; it holds of a word or span by chance in another text (Lee et al., 2023).

    scores (Floats): Nonconformity of right answers, shape (n,).
    coverage (float): Above 0 and below 1.
    groups (Ints | None): Which text each score is of, shape (n,); by default each is of its own.
    RETURNS (float): One of the scores.
    RAISES (AlError): AL460 for too few texts, AL461 for another level, AL021, AL024.
    """
    fewest = fewest_texts(coverage)
    scores = finite(scores, "The nonconformity scores")
    texts = numpy.arange(len(scores)) if groups is None else numpy.asarray(groups)
    same_length(len(scores), texts, "The texts of the scores")
    _, own, sizes = numpy.unique(texts, return_inverse=True, return_counts=True)
    if len(sizes) < fewest:
        raise AlError(Errors.AL460.format(n=len(sizes), fewest=fewest, coverage=coverage))
    order = numpy.argsort(scores, kind="stable")
    mass = numpy.cumsum(1 / sizes[own[order]])
    place = numpy.searchsorted(
        mass.round(_DIGITS), round((len(sizes) + 1) * coverage, _DIGITS), side="left"
    )
    return float(scores[order[min(int(place), len(scores) - 1)]])


def least_prob(threshold: float) -> float:
    """The lowest probability in a set of labels, by the quantile of their scores.

    The scores are 1 - P(right) (Sadinle et al., 2019). Half a unit in the last place is given, so that the very answer that made the
    threshold is in its set.
    """
    return 1 - threshold - 1e-12


def right_label_scores(probs: Floats, right: Ints) -> Floats:
    """1 - P(right label) of each row (least ambiguous sets: Sadinle et al., 2019).

    probs (Floats): Distributions, shape (n, n_labels).
    right (Ints): The right column of each row, shape (n,).
    RETURNS (Floats): Shape (n,), from 0 to 1.
    RAISES (AlError): AL021, AL024.
    """
    probs = probabilities(probs, "The probabilities of the labels")
    same_length(len(probs), right, "The right labels")
    return 1 - probs[numpy.arange(len(probs)), right]


def label_sets(probs: Floats, threshold: float) -> Bools:
    """The labels that are in the set of each row; a row may have none.

    probs (Floats): Shape (n, n_labels).
    threshold (float): Of `conformal_quantile`.
    RETURNS (Bools): Shape (n, n_labels).
    """
    found: Bools = numpy.asarray(probs) >= least_prob(threshold)
    return found


def mass_score(probs: Floats, right: int | None, right_prob: float) -> float:
    """The mass of all answers before the right one, in order of their probability (adaptive sets: Romano et al., 2020).

    Theirs counts the right one's own mass too, in part by a draw. This does not, so that a set is never empty and is the same each time;
    where the first answer alone is right more often than is asked, the set is the first answer, and covers more than was asked. Past the listed
    answers the mass is not known: there the bound 1 - P(right) stands for it, which keeps what is promised.

    probs (Floats): Of the most probable answers, falling, shape (k,).
    right (int | None): The place of the right one; None if it is not listed.
    right_prob (float): Its probability.
    RETURNS (float): From 0 to 1.
    """
    before = 1 - right_prob if right is None else float(numpy.sum(probs[:right]))
    return min(max(before, 0.0), 1.0)


def mass_set(probs: Floats, threshold: float, *, all_listed: bool = False) -> int | None:
    """How many of the most probable answers are in the set.

    probs (Floats): Of the most probable answers, falling, shape (k,).
    threshold (float): The quantile of `mass_score`, with lists of the same length.
    all_listed (bool): Whether there are no other answers.
    RETURNS (int | None): At least 1; None where the set may hold answers that are not listed.
    """
    total = numpy.cumsum(numpy.asarray(probs, dtype="f8"))
    # as little as sums differ by where they are added up in another way
    past = numpy.flatnonzero(total > threshold + 1e-12)
    if len(past):
        return int(past[0]) + 1
    # a threshold of 1 was made by a right answer that the model holds impossible, which no list has
    return len(total) if all_listed and threshold < 1 else None


def mean_by_text(values: Any, texts: Ints) -> float | None:
    """A mean in which each text counts once, as in what is promised, however many answers it has.

    values (ArrayLike): Of each answer, shape (n,): a size, or whether it is in its set.
    texts (Ints): The text of each, shape (n,).
    RETURNS (float | None): None without any.
    RAISES (AlError): AL024.
    """
    values = numpy.asarray(values, dtype="f8")
    same_length(len(values), texts, "The texts of the answers")
    if not len(values):
        return None
    _, own, sizes = numpy.unique(texts, return_inverse=True, return_counts=True)
    return float(numpy.average(values, weights=1 / sizes[own]))

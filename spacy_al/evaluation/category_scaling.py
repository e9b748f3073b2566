"""A scale and a bias for each category of a classifier, fitted on gold documents."""

from collections.abc import Sequence
from typing import Any

import numpy

from spacy_al.arrays.scaling import logits_of
from spacy_al.evaluation.gold import Answer
from spacy_al.measures.vector_scaling import HeldOut, better_scaling
from spacy_al.posteriors.category import Categories

# Standard deviation of the prior on the logarithm of temperatures below 1
SURER = 0.25


def category_scaling(
    posteriors: Sequence[Any], answers: Sequence[Answer]
) -> dict[str, dict[str, float]] | None:
    """A scale and a bias for each category, where held-out folds say that they are better than one temperature; None elsewhere.

    posteriors (Sequence): One component's posteriors, at temperature 1.
    answers (Sequence[Answer]): The right answer of each. A text whose category the model lacks, or of which that is not known, is left out.
    """
    if not posteriors or not isinstance(posteriors[0], Categories):
        return None
    texts = category_texts(posteriors, answers)
    found = better_scaling(texts, SURER)
    if found is None:
        return None
    parts = {"scale": found.scale, "bias": found.bias}
    return {key: dict(zip(posteriors[0].labels, part.tolist())) for key, part in parts.items()}


def category_texts(posteriors: Sequence[Categories], answers: Sequence[Answer]) -> HeldOut:
    """What a classifier says of texts, and what is right, as `category_scaling` takes them."""
    labels, exclusive = posteriors[0].labels, posteriors[0].exclusive
    if exclusive:
        told = [[float(answer.get(k, False)) for k in labels] for answer in answers]  # type: ignore[union-attr]
    else:
        told = [[float(answer.get(k, numpy.nan)) for k in labels] for answer in answers]  # type: ignore[union-attr]
    right = numpy.array(told)
    logits = logits_of(numpy.array([p.probs for p in posteriors]), exclusive=exclusive)
    texts = HeldOut(logits, right, exclusive)
    return texts.some(right.sum(axis=1) == 1) if exclusive else texts

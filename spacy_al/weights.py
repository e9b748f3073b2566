"""From what was read of a pool to what a sampler sees: one space for all vectors, and what a score is multiplied by."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy

from spacy_al.acquisition import information_density
from spacy_al.labelled import Labelled
from spacy_al.scoring import PoolScores, stack
from spacy_al.selection.density import knn_density, mean_cosine
from spacy_al.settings import Settings
from spacy_al.types import Floats


def in_one_space(
    scores: PoolScores, labelled: Labelled | None, change: Callable[[Any], Any]
) -> tuple[PoolScores, Labelled | None]:
    """With the sparse vectors of the pool and of the labelled texts changed together; dense ones stay.

    scores (PoolScores): With or without embeddings.
    labelled (Labelled | None): Where the sampler looks at what is labelled.
    change (Callable): (n, d) -> (n, d'), e.g. `weigh_rare`, `compress`, which look at all rows.
    """
    vectors: Any = scores.columns.get("embeddings")
    if not hasattr(vectors, "tocsr"):
        return scores, labelled
    size, theirs = vectors.shape[0], None if labelled is None else labelled.embeddings
    changed = change(vectors if theirs is None else stack([vectors, theirs]))
    scores = replace(scores, columns={**scores.columns, "embeddings": changed[:size]})
    if labelled is not None and theirs is not None:
        labelled = replace(labelled, embeddings=changed[size:])
    return scores, labelled


def factor(scores: PoolScores, settings: Settings, weight: float) -> Floats | float:
    """What each score is multiplied by: its text's similarity to the pool, and the inverse of what it costs.

    scores (PoolScores): With embeddings, where the weight is not 0.
    settings (Settings): density_neighbours and cost_weight.
    weight (float): Of the density.
    RETURNS (Floats | float): (N,), or 1.
    RAISES (AlError): As `mean_cosine` and `knn_density`.
    """
    found: Floats | float = 1.0
    if weight:
        vectors, k = scores.columns["embeddings"], settings.density_neighbours
        density = knn_density(vectors, k) if k else mean_cosine(vectors)
        found = information_density(numpy.ones(len(density)), density, weight)
    if settings.cost_weight:
        found = found / numpy.maximum(scores.lengths, 1) ** settings.cost_weight
    return found

"""From what was read of a pool to what a sampler sees: one space for all vectors, and what a score is multiplied by."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from spacy_al.acquisition import fuse
from spacy_al.arrays.factored import stack
from spacy_al.config.settings import Settings
from spacy_al.query.costs import Seconds, per_cost
from spacy_al.query.filters import wanted
from spacy_al.query.labelled import LabelledTexts
from spacy_al.query.pool_scores import PoolScores
from spacy_al.selection.density import knn_density, mean_cosine
from spacy_al.types import Floats

# By which a text is found to be far from all others
NEIGHBOURS = 20


def in_one_space(
    scores: PoolScores, labelled: LabelledTexts | None, change: Callable[[Any], Any]
) -> tuple[PoolScores, LabelledTexts | None]:
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


def make_ranker(
    scores: PoolScores, settings: Settings, weight: float, seconds: Seconds | None
) -> Callable[[Floats], Floats]:
    """From acquisition scores to what is ranked: how typical a text is of the pool counts as well, and what it costs.

    scores (PoolScores): With embeddings, where the weight is not 0; with marks, where seconds are given.
    settings (Settings): How density and cost count.
    weight (float): Of the density.
    seconds (Seconds | None): How long annotators take; None where costs are words.
    RETURNS (Callable): (N,) scores -> (N,) scores.
    RAISES (AlError): As `mean_cosine` and `knn_density`.
    """
    density, costs = None, scores.lengths.astype("f8")
    if weight:
        vectors, k = scores.columns["embeddings"], settings.density_neighbours
        density = knn_density(vectors, k) if k else mean_cosine(vectors)
    if seconds is not None:
        costs = seconds.predict(scores.lengths, scores.columns["marks"])
    return partial(
        weigh_scores,
        density=density,
        costs=costs,
        settings=replace(settings, density_weight=weight),
    )


def weigh_scores(
    values: Floats, density: Floats | None, costs: Floats, settings: Settings
) -> Floats:
    """Scores times density, or ranked with it, by cost; see `make_ranker`."""
    if density is not None:
        values = fuse(values, density, settings.density_fusion, settings.density_weight)
    return per_cost(values, costs, settings.cost_weight) if settings.cost_weight else values


def apply_filters(scores: PoolScores, filters: Mapping[str, Any]) -> PoolScores:
    """Without what the filters of a config leave out, which the report counts by reason."""
    if not filters:
        return scores
    similarities = None
    if filters.get("far"):
        similarities = knn_density(scores.columns["embeddings"], NEIGHBOURS)
    keep, counts = wanted(
        scores.lengths, scores.columns.get("word_shares"), similarities, **filters
    )
    scores.report.update(counts)
    scores.report["read"] -= counts.total()
    return scores.keep(keep)

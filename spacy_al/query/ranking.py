"""From what was read of a pool to what a sampler sees: one space for all vectors, and what a score is multiplied by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy

from spacy_al.acquisition import fuse
from spacy_al.arrays.factored import stack
from spacy_al.arrays.keyed_noise import KeyedGenerator
from spacy_al.config.settings import Settings
from spacy_al.corpus.pool import PoolItem
from spacy_al.embeddings.documents import compress, weigh_rare
from spacy_al.query.costs import per_cost
from spacy_al.query.filters import wanted
from spacy_al.query.labelled import LabelledTexts, read_labelled
from spacy_al.query.noise import rules_that_hold
from spacy_al.query.patterns import Patterns, find_matches, rarity, spread
from spacy_al.query.pool_scores import PoolScores, refuse_empty
from spacy_al.query.recency import AGES, by_age
from spacy_al.query.scorer import Scorer
from spacy_al.query.strategy import Strategy
from spacy_al.query.ties import settle_ties
from spacy_al.selection.copies import copies
from spacy_al.selection.density import knn_density, mean_cosine
from spacy_al.selection.templates import keep_apart, templates
from spacy_al.types import Floats, Ints, Sampler

# By which a text is found to be far from all others
NEIGHBOURS = 20


@dataclass(frozen=True)
class Ranking:
    """A pool as a sampler sees it.

    scores (PoolScores): Of all that can be chosen.
    groups (Ints): (N,) copies, and texts of one template, of which at most one is taken.
    weighed (Floats): (N,) what is ranked: the scores, by density, cost and age.
    take (Sampler): What takes the batch.
    rng (KeyedGenerator): Its chance.
    given (dict): What else it looks at, by the names of its arguments.
    known (dict[str, PoolItem]): Texts that were fetched on the way, since a pool takes long to read.
    """

    scores: PoolScores
    groups: Ints
    weighed: Floats
    take: Sampler
    rng: KeyedGenerator
    given: dict[str, Any]
    known: dict[str, PoolItem]


def rank_pool(
    scores: PoolScores, strategy: Strategy, scorer: Scorer, pool: Path, terms: Patterns | None
) -> Ranking:
    """From the scores of a pool to what the sampler sees of it.

    scores (PoolScores): Of all that may be asked.
    strategy (Strategy): What counts, and what the sampler looks at.
    scorer (Scorer): Scores and embeds texts.
    pool (Path): Where the texts are.
    terms (Patterns | None): That choose the texts in place of a model.
    RAISES (AlError): AL086 if filters leave nothing to ask; what the samplers' inputs raise.
    """
    settings, labelled = strategy.settings, None
    if strategy.wants("labelled"):
        labelled = read_labelled(
            strategy.job.labelled,
            scorer,
            settings.spans_key,
            settings.factory,
            embed=not strategy.is_blind,
        )
    scores, labelled = in_one_space(scores, labelled, weigh_rare)
    scores = apply_filters(scores, settings.filter)
    refuse_empty(scores, pool)
    rng = KeyedGenerator(settings.seed, strategy.round, scores.ids)
    weigh, known = make_ranker(scores, strategy), dict[str, PoolItem]()
    if strategy.is_ranked:
        scores, known = settle_ties(scores, weigh, strategy.n, scorer, pool)
    if not strategy.is_blind:
        scores, labelled = in_one_space(scores, labelled, partial(compress, rng=rng))
    take = strategy.take
    given = {"lengths": scores.lengths, "labelled": labelled, **scores.columns}
    given = {key: value for key, value in given.items() if strategy.wants(key)}
    if terms:
        keep_tokens = strategy.job.keep_tokens
        matches = find_matches(terms, pool, scorer.nlp, scores.ids, keep_tokens=keep_tokens)
        scores = replace(scores, scores=rarity(matches))
        take = partial(spread, matches=matches, labels=terms.labels, rest=take)
    return Ranking(
        scores, make_groups(scores, strategy), weigh(scores.scores), take, rng, given, known
    )


def make_groups(scores: PoolScores, strategy: Strategy) -> Ints:
    """Groups of which a batch holds at most one text: copies, and but for uniform draws, which stand for the pool, texts of one template.
    Private draws have none, as a text would keep its copies out."""
    if strategy.is_private:
        return numpy.arange(len(scores.ids))
    groups = copies(scores.near)
    if not strategy.is_spread:
        return groups
    return keep_apart(groups, templates(scores.openings), strategy.n)


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


def make_ranker(scores: PoolScores, strategy: Strategy) -> Callable[[Floats], Floats]:
    """From acquisition scores to what is ranked: how typical a text is of the pool counts as well, what it costs, and how old it is.

    scores (PoolScores): With embeddings, where density counts; with marks, where seconds are given.
    strategy (Strategy): How density, cost and age count. Without a model none of them does.
    RETURNS (Callable): (N,) scores -> (N,) scores.
    RAISES (AlError): As `mean_cosine` and `knn_density`.
    """
    settings, density = strategy.settings, None
    if strategy.job.model is None:
        return _as_they_are
    costs = scores.lengths.astype("f8")
    if settings.density_weight:
        vectors, k = scores.columns["embeddings"], settings.density_neighbours
        density = knn_density(vectors, k) if k else mean_cosine(vectors)
    if strategy.seconds is not None:
        costs = strategy.seconds.predict(scores.lengths, scores.columns["marks"])
    ages = scores.columns.get(AGES)
    return partial(weigh_scores, density=density, costs=costs, ages=ages, settings=settings)


def weigh_scores(
    values: Floats,
    density: Floats | None,
    costs: Floats,
    settings: Settings,
    ages: Floats | None = None,
) -> Floats:
    """Scores times density, or ranked with it, by cost and by age; see `make_ranker`."""
    if density is not None:
        values = fuse(values, density, settings.density_fusion, settings.density_weight)
    if settings.cost_weight:
        values = per_cost(values, costs, settings.cost_weight)
    half_life = settings.recency.half_life_days if settings.recency else None
    return values if ages is None or half_life is None else by_age(values, ages, half_life)


def _as_they_are(scores: Floats) -> Floats:
    return scores


def apply_filters(scores: PoolScores, filters: Mapping[str, Any]) -> PoolScores:
    """Without what the filters of a config leave out, which the report counts by reason."""
    if not filters:
        return scores
    plain = {name: value for name, value in filters.items() if name != "noise"}
    rules, similarities, noise = filters.get("noise", ()), None, None
    if rules:
        bits, keys = scores.columns["noise"], scores.columns.get("lines")
        noise = rules_that_hold(rules, bits, keys)
    if filters.get("far"):
        similarities = knn_density(scores.columns["embeddings"], NEIGHBOURS)
    keep, counts = wanted(
        scores.lengths, scores.columns.get("word_shares"), similarities, noise, **plain
    )
    scores.report.update(counts)
    scores.report["read"] -= counts.total()
    return scores.keep(keep)

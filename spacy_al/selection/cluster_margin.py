"""High scores from many clusters, the small clusters first."""

from functools import partial
from typing import Any

import numpy

from spacy_al import registry
from spacy_al.arrays.checks import round_significant
from spacy_al.selection.clusters import centres, directions, in_turn, nearest_centre
from spacy_al.selection.rows import taking_part
from spacy_al.types import Floats, Ints, Sampler


@registry.al_samplers("spacy-al.cluster_margin.v1")
def make_cluster_margin(prefilter: int = 10) -> Sampler:
    """The highest scores, clustered, and the best of each cluster in turn; deterministic given its seed.

    prefilter (int): How many times the batch size of the highest scores take part; 0 for all.
    RETURNS (Sampler): See `cluster_margin`.
    """
    return partial(cluster_margin, prefilter=prefilter)


def cluster_margin(
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    *,
    embeddings: Any = None,
    groups: Ints | None = None,
    prefilter: int = 10,
) -> tuple[Ints, Floats]:
    """The highest score of each cluster of the highest scores, then the second of each, and so on (Citovsky et al., 2021).

    In each turn small clusters come first. They cut the tree of average linkage over the whole pool, which takes all
    pairs, and take a random row of each cluster; here k-means with as many clusters as picks divides the rows that
    take part, by the directions of their embeddings, and the highest score is taken. With `margin` as the
    acquisition it is what the paper's name says.

    scores (Floats): Acquisition scores, shape (N,).
    n (int): Batch size; all that is eligible if there is less.
    rng (Generator): Seeds the clustering.
    embeddings (Any): Shape (N, d), dense, scipy sparse or `Factored`.
    groups (Ints | None): Group of each row, shape (N,); of each only the row with the highest score takes part.
    prefilter (int): How many times n of the highest scores take part; 0 for all.
    RETURNS (tuple[Ints, Floats]): Rows, and their propensities, all 1.0 (design: deterministic).
    RAISES (AlError): AL021 for NaN, AL023 for a negative number, AL024 for unequal lengths, AL025 without embeddings.
    """
    rows = taking_part(scores, n, embeddings, groups, prefilter, "cluster_margin")
    n = min(n, len(rows))
    if n == 0:
        return rows[:0], numpy.ones(0)
    vectors = directions(embeddings, rows)
    middle = centres(vectors, n, int(rng.integers(2**31)))
    cluster, _ = nearest_centre(vectors, middle)
    score = round_significant(numpy.asarray(scores, dtype="f8")[rows])
    return rows[in_turn(cluster, -score, numpy.bincount(cluster))[:n]], numpy.ones(n)

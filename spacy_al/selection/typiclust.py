"""The most typical rows of the clusters that hold no label yet."""

from functools import partial
from typing import Any

import numpy

from spacy_al import registry
from spacy_al.arrays.factored import stack
from spacy_al.selection.clusters import centres, directions, in_turn, nearest_centre
from spacy_al.selection.density import CHUNK
from spacy_al.selection.rows import products, taking_part
from spacy_al.types import Floats, Ints, Sampler

MOST_CLUSTERS = 500
NEIGHBOURS = 20
# Clusters of at most this size are noise, and come last
NOISE = 5
# Neighbours are looked for among so many rows of a cluster, evenly spaced over it
AMONG = 5000


@registry.al_samplers("spacy-al.typiclust.v1")
def make_typiclust() -> Sampler:
    """The most typical row of each cluster without labels; deterministic given its seed. For small budgets.

    RETURNS (Sampler): See `typiclust`.
    """
    return partial(typiclust)


def typiclust(
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    *,
    embeddings: Any = None,
    groups: Ints | None = None,
    labelled: Any = None,
) -> tuple[Ints, Floats]:
    """Of each cluster the row nearest to its neighbours, clusters with few labels and large ones first.

    TypiClust (Hacohen et al., 2022): pool and labelled rows are divided together into as many clusters as rows will be
    labelled, at most 500; a row is the more typical, the less its mean distance to its 20 nearest neighbours in the
    cluster (to half the cluster, if that is less); clusters of at most 5 rows are noise. Theirs are left out, here
    they come last, and the order in a cluster is found once and not again after each pick.

    scores (Floats): Shape (N,); only their number counts.
    n (int): Batch size; all that is eligible if there is less.
    rng (Generator): Seeds the clustering.
    embeddings (Any): Shape (N, d), dense, scipy sparse or `Factored`; only directions count.
    groups (Ints | None): Group of each row, shape (N,); only the row with the highest score of each takes part.
    labelled (Any): Its `embeddings` (L, d) show which clusters hold labels already.
    RETURNS (tuple[Ints, Floats]): Rows, and their propensities, all 1.0 (design: deterministic).
    RAISES (AlError): AL021 for NaN, AL023 for a negative n, AL024 for unequal lengths, AL025 without embeddings.
    """
    rows = taking_part(scores, n, embeddings, groups, 0, "typiclust")
    n = min(n, len(rows))
    if n == 0:
        return rows[:0], numpy.ones(0)
    vectors = directions(embeddings, rows)
    known = getattr(labelled, "embeddings", None)
    n_known = 0 if known is None else known.shape[0]
    if n_known:
        vectors = stack([vectors, directions(known, numpy.arange(n_known)).astype(vectors.dtype)])
    number = min(n_known + n, MOST_CLUSTERS)
    middle = centres(vectors, number, int(rng.integers(2**31)))
    cluster, _ = nearest_centre(vectors, middle)
    pool, sizes = cluster[: len(rows)], numpy.bincount(cluster, minlength=number)
    with_label = numpy.bincount(cluster[len(rows) :], minlength=number)
    spread = _spread(vectors[: len(rows)], pool)
    order = in_turn(pool, spread, with_label, -sizes)
    noise = (sizes <= NOISE)[pool[order]]
    return rows[order[numpy.argsort(noise, kind="stable")][:n]], numpy.ones(n)


def _spread(vectors: Any, cluster: Ints) -> Floats:
    """The mean distance of each row to its nearest neighbours in its cluster, shape (N,)."""
    found = numpy.zeros(len(cluster))
    order = numpy.argsort(cluster, kind="stable")
    for members in numpy.split(order, numpy.flatnonzero(numpy.diff(cluster[order])) + 1):
        among = members[:: 1 + len(members) // AMONG]
        k = max(1, min(NEIGHBOURS, len(among) // 2))
        if len(among) == 1:
            continue
        step = max(1, CHUNK * 100 // len(among))
        for start in range(0, len(members), step):
            part = members[start : start + step]
            squared = 2.0 - 2.0 * products(vectors[part], vectors[among])
            squared[part[:, None] == among] = numpy.inf
            nearest = numpy.partition(squared, k - 1, axis=1)[:, :k]
            found[part] = numpy.sqrt(numpy.maximum(nearest, 0.0)).mean(axis=1)
    # float noise does not order copies
    return numpy.round(found, 5)

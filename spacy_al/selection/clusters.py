"""Clusters of rows, and one row of each cluster after another."""

import warnings
from typing import Any

import numpy

from spacy_al.arrays.checks import round_significant
from spacy_al.arrays.factored import Factored
from spacy_al.selection.density import CHUNK, single_precision_units, unit_rows
from spacy_al.types import Bools, Floats, Ints

# Above this many rows k-means looks at a sample of them in each step
FULL = 10_000


def directions(embeddings: Any, rows: Ints) -> Any:
    """Rows of the embeddings at length 1; of `Factored` ones the sketches.

    RAISES (AlError): AL021 for NaN.
    """
    if hasattr(embeddings, "tocsr"):
        return unit_rows(embeddings.tocsr()[rows])
    taken = embeddings[rows]
    if isinstance(taken, Factored):
        taken = taken.sketch()
    # a large pool of long vectors does not fit twice into the memory of a small machine
    return unit_rows(taken) if len(taken) <= FULL else single_precision_units(taken)


def centres(vectors: Any, n: int, seed: int) -> Floats:
    """The centres of n clusters by k-means, shape (n, d)."""
    from sklearn.cluster import KMeans, MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    if vectors.shape[0] > FULL:
        batch = min(vectors.shape[0], max(1024, 3 * n))
        model = MiniBatchKMeans(n, random_state=seed, n_init=3, batch_size=batch)
    else:
        model = KMeans(n, random_state=seed, n_init=3)
    # threads add up in whatever order they finish, and the same seed must give the same rows
    with warnings.catch_warnings(), threadpool_limits(1):
        # fewer distinct rows than clusters is dealt with by whoever takes from them
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(vectors).cluster_centers_


def nearest_centre(vectors: Any, centres: Floats) -> tuple[Ints, Floats]:
    """The nearest centre of each row, and a number that orders rows as their distance to it does."""
    size = vectors.shape[0]
    cluster, distance = numpy.zeros(size, dtype="i8"), numpy.zeros(size)
    lengths = (centres**2).sum(axis=1)
    # as many rows at once as keep the table of distances small
    step = max(1, min(CHUNK, 16_000_000 // len(centres)))
    for start in range(0, size, step):
        rows = slice(start, start + step)
        # 2 in place of the square of the row's own length: it orders alike and keeps rounding relative
        table = round_significant(2.0 + lengths - 2.0 * (vectors[rows] @ centres.T))
        cluster[rows] = table.argmin(axis=1)
        distance[rows] = table.min(axis=1)
    return cluster, distance


def in_turn(cluster: Ints, value: Floats, *first: Floats | Ints | Bools) -> Ints:
    """All rows: the one with the lowest value of every cluster, then the second of every cluster, and so on.

    cluster (Ints): Number of each row's cluster, shape (N,).
    value (Floats): What orders the rows of a cluster, shape (N,).
    first (Floats | Ints | Bools): What orders the clusters in each turn, shape (n_clusters,); a later one decides where
        earlier ones are equal.
    RETURNS (Ints): Rows, shape (N,).
    """
    sizes = numpy.bincount(cluster)
    by_cluster = numpy.lexsort((value, cluster))
    starts = numpy.cumsum(sizes) - sizes
    place = numpy.empty(len(cluster), dtype="i8")
    place[by_cluster] = numpy.arange(len(cluster)) - starts[cluster[by_cluster]]
    return numpy.lexsort((value, *(key[cluster] for key in reversed(first)), place))

"""A first batch without a model: representative of the pool and unlike each other."""

from functools import partial
from typing import Any

import numpy

from spacy_al import registry
from spacy_al.acquisition.arrays import at_least, round_significant, same_length
from spacy_al.errors import Errors, UsageError
from spacy_al.selection.density import CHUNK, single_precision_units, unit_rows
from spacy_al.selection.rank import first_of_each
from spacy_al.types import Floats, Ints, Sampler

# Above this many rows k-means looks at a sample of them in each step
FULL = 10_000


@registry.al_samplers("spacy-al.representative.v1")
def make_representative() -> Sampler:
    """One typical row from each of n clusters of the embeddings; deterministic given its seed.

    RETURNS (Sampler): See `representative`.
    """
    return partial(representative)


def representative(
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    *,
    embeddings: Any = None,
    groups: Ints | None = None,
) -> tuple[Ints, Floats]:
    """The row nearest to the centre of each of n clusters (the idea of TypiClust; Hacohen et al., 2022).

    They take the row with the nearest neighbours in each cluster; here it is the one nearest to the centre, and
    rows are compared by the directions of their embeddings. Rows of a large cluster come first.

    scores (Floats): Shape (N,); only their number counts.
    n (int): Batch size; all that is eligible if there is less.
    rng (Generator): Seeds the clustering.
    embeddings (Floats): Shape (N, d), dense or scipy sparse.
    groups (Ints | None): Group of each row, shape (N,); only the earliest row of each takes part.
    RETURNS (tuple[Ints, Floats]): Rows, and their propensities, all 1.0 (design: deterministic).
    RAISES (AlError): AL021 for NaN, AL023 for a negative n, AL024 for unequal lengths, AL025 without embeddings.
    """
    at_least(0, n, "n")
    if embeddings is None:
        raise UsageError(Errors.AL025.format(name="spacy-al.representative.v1"))
    same_length(len(scores), embeddings, "The embeddings")
    eligible: Ints = numpy.arange(len(scores))
    if groups is not None:
        same_length(len(scores), numpy.asarray(groups), "The groups")
        eligible = first_of_each(eligible, groups)
    n = min(n, len(eligible))
    if n == 0:
        return eligible[:0], numpy.ones(0)
    vectors = _units(embeddings, eligible)
    cluster, distance = _nearest(vectors, _centres(vectors, n, int(rng.integers(2**31))))
    return eligible[_typical_first(cluster, distance)[:n]], numpy.ones(n)


def _units(embeddings: Any, eligible: Ints) -> Any:
    if hasattr(embeddings, "tocsr"):
        return unit_rows(embeddings.tocsr()[eligible])
    rows = embeddings[eligible]
    # a large pool of long vectors does not fit twice into the memory of a small machine
    return unit_rows(rows) if len(rows) <= FULL else single_precision_units(rows)


def _centres(vectors: Any, n: int, seed: int) -> Floats:
    import warnings

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
        # fewer distinct rows than clusters is dealt with here
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(vectors).cluster_centers_


def _nearest(vectors: Any, centres: Floats) -> tuple[Ints, Floats]:
    """The nearest centre of each row, and the square of the distance to it."""
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


def _typical_first(cluster: Ints, distance: Floats) -> Ints:
    """All rows: the nearest of every cluster, then the second nearest of every cluster, and so on."""
    sizes = numpy.bincount(cluster)
    by_cluster = numpy.lexsort((distance, cluster))
    starts = numpy.cumsum(sizes) - sizes
    place = numpy.empty(len(cluster), dtype="i8")
    place[by_cluster] = numpy.arange(len(cluster)) - starts[cluster[by_cluster]]
    return numpy.lexsort((distance, -sizes[cluster], place))

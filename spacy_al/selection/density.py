"""How typical a document is of the pool: its mean similarity, (1 + cos) / 2, to the others."""

from collections.abc import Iterator
from typing import Any

import numpy

from spacy_al.arrays.checks import at_least, finite
from spacy_al.arrays.factored import Factored
from spacy_al.errors import AlError, Errors
from spacy_al.types import Floats, Ints

CHUNK = 16_384
# Up to here the search for neighbours compares every pair; above it looks into the nearest cells only
EXACT = 20_000
CELLS = 16


def mean_cosine(vectors: Any) -> Floats:
    """The mean similarity of each row to all rows of the pool, itself included (Settles & Craven, 2008).

    Exact in one pass over the rows, since the mean of the cosines is the cosine part with the mean unit vector.
    A row of zeros has the similarity 1/2 to everything.

    vectors (Floats): Embeddings, shape (N, d), dense or scipy sparse.
    RETURNS (Floats): Shape (N,), between 0 and 1.
    RAISES (AlError): AL021 for NaN.
    """
    return cosine_to_pool(vectors, unit_sum(vectors), vectors.shape[0])


def unit_sum(vectors: Any) -> Floats:
    """The sum of the unit vectors of a shard; the sum over shards is that of the pool.

    vectors (Floats): Embeddings of the shard, shape (n, d), dense or scipy sparse.
    RETURNS (Floats): Shape (d,), in double precision.
    RAISES (AlError): AL021 for NaN.
    """
    total = numpy.zeros(vectors.shape[1])
    for units in _unit_chunks(vectors):
        total += numpy.asarray(units.sum(axis=0)).ravel()
    return total


def cosine_to_pool(vectors: Any, total: Floats, count: int) -> Floats:
    """The mean similarity of each row of a shard to all rows of the pool.

    vectors (Floats): Embeddings of the shard, shape (n, d), dense or scipy sparse.
    total (Floats): The `unit_sum` of every shard added up, shape (d,).
    count (int): Rows in the pool, 1 or more unless the shard is empty.
    RETURNS (Floats): Shape (n,), between 0 and 1.
    RAISES (AlError): AL021 for NaN.
    """
    if not vectors.shape[0]:
        return numpy.zeros(0)
    at_least(1, count, "count")
    mean = total / count
    cosines = [units @ mean for units in _unit_chunks(vectors)]
    return numpy.clip((1.0 + numpy.concatenate(cosines)) / 2.0, 0.0, 1.0)


def knn_density(vectors: Any, k: int = 20) -> Floats:
    """The mean similarity of each row to its k nearest other rows.

    Exact up to 20,000 rows, approximate above, where only the nearest cells are searched, by faiss.

    vectors (Floats): Embeddings, shape (N, d), dense or scipy sparse; above 20,000 rows sparse ones are made dense.
    k (int): Neighbours; all others if there are fewer.
    RETURNS (Floats): Shape (N,), between 0 and 1; 0 for a row without any other.
    RAISES (AlError): AL021 for NaN, AL023 for a k below 1, AL026 above 20,000 rows where faiss is missing.
    """
    at_least(1, k, "k")
    size = vectors.shape[0]
    k = min(k, size - 1)
    if k < 1:
        return numpy.zeros(size)
    cosines, found = (
        _approximate(vectors, k + 1) if size > EXACT else nearest(vectors, vectors, k + 1)
    )
    return numpy.clip((1.0 + _without_self(cosines, found)) / 2.0, 0.0, 1.0)


def nearest(queries: Any, vectors: Any, k: int) -> tuple[Floats, Ints]:
    """The k rows of a pool that are nearest to each query, by comparing all pairs.

    queries (Floats): Embeddings, shape (m, d), dense or scipy sparse.
    vectors (Floats): Embeddings of the pool, shape (N, d), of the same sort.
    k (int): From 1 to N.
    RETURNS (tuple[Floats, Ints]): Cosines and rows, shape (m, k), nearest first.
    RAISES (AlError): AL021 for NaN.
    """
    if not hasattr(vectors, "tocsr"):
        queries, vectors = single_precision_units(queries), single_precision_units(vectors)
        try:
            import faiss
        except ImportError:
            pass
        else:
            index: Any = faiss.IndexFlatIP(vectors.shape[1])
            index.add(vectors)
            return index.search(queries, k)
    else:
        queries, vectors = unit_rows(queries), unit_rows(vectors)
    from sklearn.neighbors import NearestNeighbors

    # brute force: trees are no help in so many dimensions
    search = NearestNeighbors(n_neighbors=k, algorithm="brute", metric="cosine").fit(vectors)
    distances, found = search.kneighbors(queries)
    return 1.0 - distances, found


def _approximate(vectors: Any, k: int) -> tuple[Floats, Ints]:
    """As `nearest`, of each row among all rows; only the nearest cells are searched.

    RAISES (AlError): AL021 for NaN, AL026 where faiss is missing.
    """
    try:
        import faiss
    except ImportError as error:
        raise AlError(Errors.AL026.format(found=vectors.shape[0], most=EXACT)) from error
    rows = single_precision_units(vectors)
    cells = int(len(rows) ** 0.5)
    index: Any = faiss.IndexIVFFlat(
        faiss.IndexFlatIP(rows.shape[1]), rows.shape[1], cells, faiss.METRIC_INNER_PRODUCT
    )
    index.nprobe = CELLS
    index.train(rows)
    index.add(rows)
    return index.search(rows, k)


def unit_rows(vectors: Any) -> Any:
    """The rows in double precision, divided by their lengths; rows of zeros stay.

    vectors (Floats): Shape (n, d), dense or scipy sparse.
    RETURNS (Floats): The same shape, sparse (CSR) if they were.
    RAISES (AlError): AL021 for NaN.
    """
    if isinstance(vectors, Factored):
        return Factored(unit_rows(vectors.left), unit_rows(vectors.right))
    if hasattr(vectors, "tocsr"):
        return _sparse_unit_rows(vectors.tocsr().astype("f8"))
    rows = finite(vectors, "The embeddings")
    # scaled by the greatest entry first: squares of tiny or huge numbers leave the range
    rows = rows * _inverse(numpy.abs(rows).max(axis=1, keepdims=True, initial=0.0))
    return rows * _inverse(numpy.sqrt((rows * rows).sum(axis=1, keepdims=True)))


def single_precision_units(vectors: Any) -> Floats:
    """The unit rows as a dense array of single precision, made in chunks: half the memory.

    vectors (Floats): Shape (n, d), dense or scipy sparse; of `Factored` rows the sketches.
    RETURNS (Floats): Shape (n, d).
    RAISES (AlError): AL021 for NaN.
    """
    if isinstance(vectors, Factored):
        vectors = vectors.sketch()
    rows = numpy.zeros(vectors.shape, dtype="f4")
    for number, units in enumerate(_unit_chunks(vectors)):
        dense = units.toarray() if hasattr(units, "toarray") else units
        rows[number * CHUNK : (number + 1) * CHUNK] = dense
    return rows


def _unit_chunks(vectors: Any) -> Iterator[Any]:
    rows = vectors.tocsr() if hasattr(vectors, "tocsr") else vectors
    for start in range(0, rows.shape[0], CHUNK):
        yield unit_rows(rows[start : start + CHUNK])


def _sparse_unit_rows(rows: Any) -> Any:
    rows.sum_duplicates()
    finite(rows.data, "The embeddings")
    size = rows.shape[0]
    row = numpy.repeat(numpy.arange(size), numpy.diff(rows.indptr))
    greatest = numpy.zeros(size)
    numpy.maximum.at(greatest, row, numpy.abs(rows.data))
    rows.data *= _inverse(greatest)[row]
    squares = numpy.bincount(row, weights=rows.data**2, minlength=size)
    rows.data *= _inverse(numpy.sqrt(squares))[row]
    return rows


def _inverse(sizes: Floats) -> Floats:
    # below 1e-300 a row counts as zeros, since 1 / size would overflow
    usable = sizes > 1e-300
    return numpy.where(usable, 1.0 / numpy.where(usable, sizes, 1.0), 0.0)


def _without_self(cosines: Floats, found: Ints) -> Floats:
    """The mean cosine to the neighbours that are not the row itself, from one neighbour more than wanted."""
    own = found == numpy.arange(len(found))[:, None]
    # A row that is not among its own neighbours has that many duplicates: all found are equal, and one more or
    # less does not change their mean. A search of few cells may find fewer than wanted, marked -1.
    keep = ~own & (found >= 0)
    sums = numpy.where(keep, cosines, 0.0).sum(axis=1, dtype="f8")
    counts = keep.sum(axis=1)
    return numpy.where(counts > 0, sums / numpy.maximum(counts, 1), -1.0)

"""Which rows are copies of each other, by the keys that they share."""

import numpy

from spacy_al.types import Ints


def copies(keys: Ints) -> Ints:
    """The group of each row: rows that share a key are in one, and so are copies of copies.

    keys (Ints): Shape (N, p); where a key stands in its row does not count.
    RETURNS (Ints): Shape (N,), from 0, in the order in which groups first occur.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size, width = keys.shape
    if not keys.size:
        return numpy.arange(size)
    key = numpy.unique(keys, return_inverse=True)[1].ravel()
    row = numpy.repeat(numpy.arange(size), width)
    # a graph of rows and keys, each row tied to its keys
    ties = coo_array(
        (numpy.ones(len(row), dtype="i1"), (row, size + key)), shape=(size + key.max() + 1,) * 2
    )
    group = connected_components(ties, directed=False)[1][:size]
    _, first, group = numpy.unique(group, return_index=True, return_inverse=True)
    return numpy.argsort(numpy.argsort(first))[group]

"""Rows and distances that samplers of embeddings share: which rows take part, and how near they are to each other."""

from typing import Any

import numpy

from spacy_al.arrays.checks import at_least, finite, same_length
from spacy_al.arrays.factored import Factored
from spacy_al.errors import Errors, UsageError
from spacy_al.selection.density import CHUNK, single_precision_units, unit_rows
from spacy_al.selection.rank import top_k
from spacy_al.types import Floats, Ints

# Relative to the lengths of two rows, a squared distance of less is rounding of single precision
SAME = 1e-5


def taking_part(
    scores: Floats, n: int, embeddings: Any, groups: Ints | None, prefilter: int, name: str
) -> Ints:
    """Rows among which a batch is chosen: the highest scores, and of each group the row with the highest.

    scores (Floats): Acquisition scores, shape (N,).
    n (int): Batch size.
    embeddings (Any): Shape (N, d), checked for its length.
    groups (Ints | None): Group of each row, shape (N,).
    prefilter (int): How many times n rows take part; 0 for all.
    name (str): Of the sampler, for the message.
    RETURNS (Ints): Rows, ascending.
    RAISES (AlError): AL021 for NaN, AL023 for a negative number, AL024 for unequal lengths, AL025 without embeddings.
    """
    at_least(0, n, "n")
    at_least(0, prefilter, "prefilter")
    if embeddings is None:
        raise UsageError(Errors.AL025.format(name=f"spacy-al.{name}.v1"))
    same_length(len(scores), embeddings, "The embeddings")
    most = n * prefilter if prefilter else len(scores)
    return numpy.sort(top_k(scores, most, numpy.random.default_rng(0), groups=groups)[0])


def rows_of(embeddings: Any, rows: Ints) -> Any:
    """Rows of embeddings of any kind; those of a sparse matrix in the format that has rows."""
    return embeddings.tocsr()[rows] if hasattr(embeddings, "tocsr") else embeddings[rows]


def units(vectors: Any) -> Any:
    """Rows of length 1, in single precision unless they are sparse.

    RAISES (AlError): AL021 for NaN.
    """
    if isinstance(vectors, Factored):
        left, right = single_precision_units(vectors.left), single_precision_units(vectors.right)
        return Factored(left, right)
    return unit_rows(vectors) if hasattr(vectors, "tocsr") else single_precision_units(vectors)


def scaled(vectors: Any) -> Any:
    """All rows divided by one number, in single precision: what is nearest to what stays the same.

    RAISES (AlError): AL021 for NaN.
    """
    if isinstance(vectors, Factored):
        return Factored(scaled(vectors.left), scaled(vectors.right))
    if hasattr(vectors, "tocsr"):
        rows = vectors.tocsr().astype("f8")
        rows.data = scaled(rows.data)
        return rows
    # squares of tiny or huge numbers leave the range
    size = float(numpy.abs(vectors).max(initial=0.0)) or 1.0
    rows = numpy.empty(vectors.shape, dtype="f4")
    for start in range(0, len(rows), CHUNK):
        part = slice(start, start + CHUNK)
        rows[part] = finite(vectors[part], "The embeddings") / size
    return rows


def products(vectors: Any, others: Any) -> Floats:
    """Products of each row with each of a few others, shape (n, m)."""
    if isinstance(vectors, Factored):
        return vectors.products(others)
    found = vectors @ others.T
    return found.toarray() if hasattr(found, "toarray") else found


def similarities(vectors: Any, others: Any) -> Floats:
    """(1 + cos) / 2 of each of these unit rows and each of a few others, shape (n, m)."""
    return (1.0 + products(vectors, others)) / 2.0


def squares(vectors: Any) -> Floats:
    """The square of the length of each row, shape (n,)."""
    if isinstance(vectors, Factored):
        return vectors.squares()
    if hasattr(vectors, "tocsr"):
        return numpy.asarray(vectors.multiply(vectors).sum(axis=1)).ravel()
    return numpy.einsum("nd,nd->n", vectors, vectors)


def squared_distances(vectors: Any, lengths: Floats, others: Any) -> Floats:
    """Squared distances of each row to each of a few others, shape (n, m); between copies exactly 0.

    vectors (Any): Shape (n, d).
    lengths (Floats): Their `squares`, shape (n,).
    others (Any): Shape (m, d).
    """
    both = lengths[:, None] + squares(others)
    found = both - 2.0 * products(vectors, others)
    found[found < SAME * both] = 0.0
    return found


def first_greatest(values: Floats) -> int:
    """The earliest of the rows that hold the greatest value, but for rounding of single precision.

    values (Floats): Shape (n,), n at least 1; -inf for what is out of question.
    """
    greatest = values.max()
    return int(numpy.argmax(values >= greatest - 1e-6 * abs(greatest)))

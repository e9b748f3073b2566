"""Vectors of parts of words, so that a word that nobody has seen has a vector as well: spaCy's floret mode.

There a word's vector is the mean over its parts, strings of a few letters and the word itself, each of which is a row of a table by
its hash. The rows are fitted to vectors that words have (Zhao, Mudgal and Liang, 2018): those of a frequent part are told by many
words, and what is peculiar to a word goes into the row of the word itself. Nothing is trained on texts.
"""

from collections.abc import Sequence
from typing import Any

import numpy
from spacy.strings import StringStore
from spacy.vectors import Mode, Vectors

from spacy_al.types import Floats

# By measurement, see docs/encoders.md
LENGTHS, PENALTY = (2, 5), 0.01
STEPS, ENOUGH = 60, 1e-4
# Numbers of a vector that are fitted at once: memory is so many times the rows of the table, four times
BLOCK = 32


def subword_vectors(
    words: Sequence[str],
    vectors: Floats,
    n_rows: int,
    *,
    attr: str,
    name: str,
    lengths: tuple[int, int] = LENGTHS,
    penalty: float = PENALTY,
) -> Vectors:
    """spaCy's table of parts of words, fitted to words.

    words, vectors (Sequence[str], Floats): n words, (n, d).
    n_rows (int): Of the table; parts share a row where there are more.
    attr (str): Of tokens, by which they are looked up: "ORTH" or "LOWER".
    name (str): Of the vectors.
    lengths (tuple[int, int]): Letters of the shortest and the longest part, with the marks of a word's begin and end.
    penalty (float): As in `fit_rows`.
    """
    table = Vectors(
        strings=StringStore(),
        data=numpy.zeros((n_rows, 1), "f4"),
        mode=Mode.floret,
        minn=lengths[0],
        maxn=lengths[1],
        attr=attr,
        name=name,
    )
    table.data = fit_rows(part_shares(table, words), vectors, penalty)
    return table


def part_shares(table: Vectors, words: Sequence[str]) -> Any:
    """(n_words, n_rows) sparse: the share that each row has in a word's vector, as spaCy puts it together."""
    from scipy.sparse import csr_matrix

    n_rows, rows, ends = len(table.data), list[int](), [0]
    for word in words:
        parts = table._get_ngrams(word)
        rows += [row % n_rows for part in parts for row in table._get_ngram_hashes(part)]
        ends.append(len(rows))
    shares = numpy.repeat(1 / numpy.maximum(numpy.diff(ends), 1), numpy.diff(ends))
    made = csr_matrix((shares.astype("f4"), numpy.array(rows, "i4"), ends), (len(words), n_rows))
    made.sum_duplicates()
    return made


def fit_rows(shares: Any, vectors: Floats, penalty: float = PENALTY) -> Floats:
    """(n_rows, d) float32 that give words their vectors: ridge regression by conjugate gradients (Hestenes and Stiefel, 1952).

    shares (sparse): (n_words, n_rows), as `part_shares` gives it.
    vectors (Floats): (n_words, d).
    penalty (float): Of the squares of what is returned, above 0.
    """
    turned = shares.T.tocsr()
    table = numpy.zeros((shares.shape[1], vectors.shape[1]), "f4")
    for begin in range(0, vectors.shape[1], BLOCK):
        rest = turned @ vectors[:, begin : begin + BLOCK]
        found, step = numpy.zeros_like(rest), rest.copy()
        size = begun = (rest**2).sum(axis=0)
        for _ in range(STEPS):
            across = turned @ (shares @ step) + penalty * step
            far = size / numpy.maximum((step * across).sum(axis=0), 1e-30)
            found += far * step
            rest -= far * across
            size, before = (rest**2).sum(axis=0), size
            if (size <= ENOUGH**2 * begun).all():
                break
            step = rest + size / numpy.maximum(before, 1e-30) * step
        table[:, begin : begin + BLOCK] = found
    return table

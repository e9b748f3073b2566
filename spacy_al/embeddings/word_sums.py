"""Means of the vectors that words have in their contexts, and what is made of them: fewer numbers, and a guess at other words'."""

from collections.abc import Iterable, Sequence

import numpy

from spacy_al.types import Floats, Ints

# Rows of which the covariance is summed at once
BLOCK = 4_096
# Of the mean square of the numbers
RIDGE = 0.01


class WordSums:
    """Running sums, so that memory is words times width, however many contexts there are.

    words (Iterable[str]): Of which sums are kept.
    width (int): Of the vectors.
    sums (Floats): (n_words, width), float32.
    counts (Ints): (n_words,) contexts in which each word had a vector.
    """

    def __init__(self, words: Iterable[str], width: int) -> None:
        self.rows = {word: row for row, word in enumerate(words)}
        self.sums = numpy.zeros((len(self.rows), width), "f4")
        self.counts = numpy.zeros(len(self.rows), "i8")

    def add(self, words: Sequence[str], vectors: Floats) -> None:
        """Add (n, width) vectors of n words. Other words, and vectors of zeros, do not count."""
        rows = numpy.array([self.rows.get(word, -1) for word in words], "i8")
        used = numpy.flatnonzero((rows >= 0) & vectors.any(axis=1))
        if not len(used):
            return
        used = used[numpy.argsort(rows[used], kind="stable")]
        found, begins, counts = numpy.unique(rows[used], return_index=True, return_counts=True)
        self.sums[found] += numpy.add.reduceat(vectors[used], begins, axis=0, dtype="f4")
        self.counts[found] += counts

    def means(self) -> tuple[list[str], Floats, Ints]:
        """The words that have a vector, (n, width) their means, which take the place of the sums, and (n,) their counts."""
        words = [word for word, row in self.rows.items() if self.counts[row]]
        known = self.counts > 0
        self.sums /= numpy.maximum(self.counts, 1)[:, None]
        return words, self.sums if known.all() else self.sums[known], self.counts[known]


def principal_parts(rows: Floats, width: int) -> tuple[Floats, float]:
    """Rows as coordinates along the directions in which they differ most (Pearson, 1901), centred; each row counts once.

    rows (Floats): (n, d).
    width (int): Numbers that a row has then; at most n and d of them are given.
    RETURNS (tuple[Floats, float]): (n, width) float32 with the unit variance as their mean, and the share of the rows' variance
        that is left in them.
    """
    mean = rows.mean(axis=0, dtype="f8")
    covariance = numpy.zeros((rows.shape[1], rows.shape[1]))
    for begin in range(0, len(rows), BLOCK):
        block = rows[begin : begin + BLOCK] - mean
        covariance += block.T @ block
    # in rising order
    values, directions = numpy.linalg.eigh(covariance / len(rows))
    width = min(width, *rows.shape)
    values, basis = values[::-1].clip(0), directions[:, ::-1][:, :width]
    # either sign of a direction is as good; this makes it the same everywhere
    largest = numpy.abs(basis).argmax(axis=0)
    basis = basis * numpy.sign(basis[largest, numpy.arange(width)])
    kept, total = float(values[:width].sum()), float(values.sum())
    basis = basis / (numpy.sqrt(kept / width) if kept else 1.0)
    parts = numpy.empty((len(rows), width), "f4")
    for begin in range(0, len(rows), BLOCK):
        parts[begin : begin + BLOCK] = (rows[begin : begin + BLOCK] - mean) @ basis
    return parts, kept / total if total else 1.0


def bridge(alone: Floats, means: Floats, others: Floats) -> Floats:
    """Vectors of words that were encoded alone, moved by the linear map that fits other words best: ridge regression.

    After Khodak et al. (2018), who learn such a map from the mean of a word's neighbours.

    alone, means (Floats): (n, d) vectors of words alone, and the means of their contexts.
    others (Floats): (m, d) vectors of other words alone.
    RETURNS (Floats): (m, d) float32.
    """
    if not len(alone):
        return others.astype("f4")
    centre, target = alone.mean(axis=0, dtype="f8"), means.mean(axis=0, dtype="f8")
    squares, products = numpy.zeros((2, alone.shape[1], alone.shape[1]))
    for begin in range(0, len(alone), BLOCK):
        given = alone[begin : begin + BLOCK] - centre
        squares += given.T @ given
        products += given.T @ (means[begin : begin + BLOCK] - target)
    # so that nothing is divided by zero where all are alike
    penalty = RIDGE * squares.trace() / len(squares) or 1.0
    across = numpy.linalg.solve(squares + penalty * numpy.eye(len(squares)), products)
    return ((others - centre) @ across + target).astype("f4")

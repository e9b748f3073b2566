"""Windows over the pieces of a long text, and the window that each piece is taken from."""

import numpy

from spacy_al.types import Ints


def window_starts(n_pieces: int, window: int, stride: int) -> list[int]:
    """Where windows begin that cover a text; the last one ends with the text, so that it is as long as the others.

    n_pieces (int): Pieces of the text.
    window (int): Pieces a window.
    stride (int): From the start of a window to that of the next, at most `window`.
    RETURNS (list[int]): [0] for what fits into one window.
    """
    last = max(n_pieces - window, 0)
    return [*range(0, last, stride), last]


def best_windows(n_pieces: int, window: int, stride: int) -> Ints:
    """(n_pieces,) the number of the window in which a piece is farthest from where the text was cut; the first of equals."""
    far = n_pieces + window
    best, most = numpy.zeros(n_pieces, dtype="i8"), numpy.full(n_pieces, -1)
    for number, start in enumerate(window_starts(n_pieces, window, stride)):
        own = slice(start, min(start + window, n_pieces))
        places = numpy.arange(own.stop - start)
        before = places if start else far
        after = places[::-1] if own.stop < n_pieces else far
        context = numpy.minimum(before, after)
        better = context > most[own]
        best[own] = numpy.where(better, number, best[own])
        most[own] = numpy.where(better, context, most[own])
    return best


def pieces_of_tokens(starts: Ints, ends: Ints, first: Ints, after: Ints) -> tuple[Ints, Ints]:
    """The range of pieces that share a character with each token; it is empty for a token that has none.

    starts, ends (Ints): (n_pieces,) characters, the ends exclusive, both in order.
    first, after (Ints): (n_tokens,) characters of the tokens.
    RETURNS (tuple[Ints, Ints]): (n_tokens,) first piece, and the one after the last.
    """
    begin = numpy.searchsorted(numpy.maximum.accumulate(ends), first, side="right")
    end = numpy.searchsorted(starts, after, side="left")
    return begin, numpy.maximum(begin, end)


def range_means(rows: numpy.ndarray, begin: Ints, end: Ints) -> numpy.ndarray:
    """(n, d) means of rows[begin[i]:end[i]], zeros for an empty range."""
    sums = numpy.zeros((len(rows) + 1, rows.shape[1]))
    numpy.cumsum(rows, axis=0, dtype="f8", out=sums[1:])
    sizes = numpy.maximum(end - begin, 1)[:, None]
    return ((sums[end] - sums[begin]) / sizes).astype("f4")

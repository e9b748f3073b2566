"""Which rows are texts of one template, by the words that they open with, and how a batch keeps those apart."""

import numpy

from spacy_al.selection.copies import copies
from spacy_al.types import Bools, Ints

# Of a word that fewer texts open with, or a smaller share of them, the place is one where names, values and misprints stand
COMMON, COMMON_SHARE = 3, 0.001
# One word in common is no template
LEAST_WORDS = 2


def templates(openings: Ints) -> Ints:
    """The template of each row: texts that open with the same common words, so many of them that chance alone would not repeat them.

    A word counts where it is common in the openings of the pool, so that names, values and misprints are passed over, in any
    language. A template is the shortest opening whose words, were they independent, would be expected in fewer than three texts.

    openings (Ints): Shape (N, w), numbers of the first words of each text; 0 for none.
    RETURNS (Ints): Shape (N,), from 0; a row without a template has a number of its own.
    """
    size = len(openings)
    if not openings.size:
        return numpy.arange(size)
    words, found = numpy.unique(openings, return_inverse=True)
    found = found.reshape(openings.shape)
    counts = _texts_with(found, len(words))
    common = (counts >= max(COMMON, COMMON_SHARE * size)) & (words != 0)
    surprise = numpy.where(common, numpy.log(size / numpy.maximum(counts, 1)), 0.0)
    keys, told = numpy.zeros(size, dtype="u8"), numpy.zeros(size)
    used, enough = numpy.zeros(size, dtype="i8"), numpy.log(size / COMMON)
    for word in found.T:
        # what tells enough already is not made longer
        longer = common[word] & ((told < enough) | (used < LEAST_WORDS))
        used += longer
        told += numpy.where(longer, surprise[word], 0.0)
        keys[longer] = _chained(keys[longer], words[word[longer]])
    telling = (told >= enough) & (used >= LEAST_WORDS)
    groups = numpy.arange(size)
    _, first, own = numpy.unique(keys[telling], return_index=True, return_inverse=True)
    groups[telling] = numpy.flatnonzero(telling)[first][own]
    return numpy.unique(groups, return_inverse=True)[1]


def keep_apart(alike: Ints, groups: Ints, n: int) -> Ints:
    """The group of each row, such that of each template as few rows are taken as the pool allows.

    alike (Ints): Shape (N,), groups of copies, of which one is taken.
    groups (Ints): Shape (N,), templates.
    n (int): How many rows are to be taken: where there are fewer templates, each is cut into as few parts as suffice.
    RETURNS (Ints): Shape (N,), from 0.
    """
    offset = int(alike.max(initial=-1)) + 1
    whole = copies(numpy.stack([alike, groups + offset], axis=1))
    different, first, row = numpy.unique(alike, return_index=True, return_inverse=True)
    if n < 1 or len(different) <= n:
        return row
    # copies are of one template, so that a template is so many different texts
    of = whole[first]
    sizes = numpy.bincount(of)
    parts = next(m for m in range(1, n + 1) if numpy.minimum(sizes, m).sum() >= n)
    order = numpy.argsort(of, kind="stable")
    starts = numpy.cumsum(sizes) - sizes
    number = numpy.empty(len(of), dtype="i8")
    number[order] = numpy.arange(len(of)) - starts[of[order]]
    cut: Ints = numpy.unique(of * parts + number % parts, return_inverse=True)[1]
    return cut[row]


def eligible_at(groups: Ints, rows: Ints) -> Ints:
    """How many rows could be drawn at each draw: all but the groups of those drawn before, shape (n,)."""
    taken = numpy.bincount(groups)[groups[rows]]
    return len(groups) - (numpy.cumsum(taken) - taken)


def share_repeated(groups: Ints) -> float:
    """The share of the texts of a batch whose template has come before in it."""
    return 1.0 - len(numpy.unique(groups)) / max(len(groups), 1)


def _texts_with(found: Ints, n_words: int) -> Ints:
    """How many texts each word occurs in, shape (n_words,)."""
    ranked = numpy.sort(found, axis=1)
    once: Bools = numpy.ones(found.shape, dtype=bool)
    once[:, 1:] = ranked[:, 1:] != ranked[:, :-1]
    return numpy.bincount(ranked[once], minlength=n_words)


def _chained(keys: Ints, words: Ints) -> Ints:
    """Keys with one more word each, order told apart."""
    mixed = (keys ^ words.astype("u8")) * numpy.uint64(0x9E3779B97F4A7C15)
    return mixed ^ (mixed >> numpy.uint64(32))

"""Texts that are not worth a question, whatever the model thinks of them, counted by reason."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy
from spacy.attrs import IS_ALPHA, IS_SPACE
from spacy.tokens import Doc

from spacy_al.types import Bools, Floats, Ints


def word_shares(docs: Sequence[Doc]) -> Floats:
    """The share of each document's tokens, white space aside, that are of letters alone.

    RETURNS (Floats): Shape (n_docs,), from 0 (tables, codes, rulers) to 1; 0 for a document without tokens.
    """
    tables = [doc.to_array([IS_ALPHA, IS_SPACE]).reshape(-1, 2) for doc in docs]
    words = [(table[:, 0].sum(), (table[:, 1] == 0).sum()) for table in tables]
    return numpy.array([alpha / max(total, 1) for alpha, total in words], dtype="f8")


def wanted(
    lengths: Ints,
    word_shares: Floats | None = None,
    similarities: Floats | None = None,
    noise: Mapping[str, Bools] | None = None,
    *,
    min_tokens: int = 0,
    max_tokens: int | None = None,
    min_words: float = 0.0,
    far: float = 0.0,
) -> tuple[Bools, Counter[str]]:
    """Which texts of a pool can be asked, and how many are left out and why.

    lengths (Ints): Tokens of each text, shape (N,).
    word_shares (Floats | None): See `word_shares`, shape (N,); None leaves nothing out for want of words.
    similarities (Floats | None): Mean similarity of each text to its nearest others, as `knn_density` gives it, shape
        (N,); None leaves nothing out for being far.
    noise (Mapping | None): Reason -> texts that are noise by it, each of shape (N,); see `rules_that_hold`.
    min_tokens (int): The fewest tokens.
    max_tokens (int | None): The most tokens.
    min_words (float): The least share of words, from 0 to 1.
    far (float): Share of those left by the other filters, from 0 to 1, that is left out at most: what is least like its
        nearest others.
    RETURNS (tuple[Bools, Counter]): Shape (N,), and counts by the first reason that holds: "too short", "too long", "mostly
        non-words", those of the noise, "far from all others". Reasons that hold for none are not there.
    """
    lengths = numpy.asarray(lengths)
    keep = numpy.ones(len(lengths), dtype=bool)
    counts: Counter[str] = Counter()

    def leave_out(rows: Bools, why: str) -> None:
        if number := int((rows & keep).sum()):
            counts[why] = number
        keep[rows] = False

    leave_out(lengths < min_tokens, "too short")
    if max_tokens is not None:
        leave_out(lengths > max_tokens, "too long")
    if word_shares is not None:
        leave_out(word_shares < min_words, "mostly non-words")
    for why, rows in (noise or {}).items():
        leave_out(rows, why)
    if similarities is not None and keep.any():
        among = numpy.sort(similarities[keep])
        # strictly below, so that of equal texts all or none go
        least = among[min(int(far * len(among) + 1e-9), len(among) - 1)]
        leave_out(similarities < least, "far from all others")
    return keep, counts

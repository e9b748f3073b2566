"""Hashed n-grams of the characters of a text's words: what an encoder of meaning does not see, such as prices, codes and odd spellings."""

from collections.abc import Sequence
from functools import lru_cache

import numpy
from spacy.strings import hash_string  # type: ignore[attr-defined]
from spacy.tokens import Doc

from spacy_al.types import Floats

SIZES = (2, 3, 4)
# Twice as many are no better
NGRAM_BUCKETS = 1024
# Words whose n-grams are kept at hand, and how long one may be: what a pool has for words may be of any length
KEPT, LONGEST = 2**14, 64


def hashed_ngrams(docs: Sequence[Doc], n_buckets: int) -> Floats:
    """N-grams of two to four characters of the lower-case words, each word between blanks, with signs by their hashes so that those
    which share a bucket cancel out on average (Weinberger et al., 2009).

    n_buckets (int): Columns, above 0.
    RETURNS (Floats): Shape (n_docs, n_buckets), float32: logarithms of counts, each row of unit length; zeros for a doc without words.
    """
    counts = numpy.zeros((len(docs), n_buckets))
    for row, doc in zip(counts, docs):
        words = [token.lower_ for token in doc if not token.is_space]
        found = [(_kept if len(word) <= LONGEST else _buckets)(word, n_buckets) for word in words]
        if found:
            columns, signs = numpy.concatenate(found, axis=1)
            row += numpy.bincount(columns, signs, n_buckets)
    counts = numpy.sign(counts) * numpy.log1p(numpy.abs(counts))
    lengths = numpy.linalg.norm(counts, axis=1, keepdims=True)
    return (counts / numpy.where(lengths > 0, lengths, 1)).astype("f4")


def _buckets(word: str, n_buckets: int) -> Floats:
    """(2, n): bucket and sign of each n-gram of a word."""
    padded = f" {word} "
    grams = [padded[i : i + n] for n in SIZES for i in range(len(padded) - n + 1)]
    hashes = numpy.array([hash_string(gram) for gram in grams], dtype="u8")
    # the highest bit has no part in the bucket
    signs = numpy.where(hashes >> numpy.uint64(63), 1, -1)
    return numpy.stack([(hashes % numpy.uint64(n_buckets)).astype("i8"), signs])


_kept = lru_cache(maxsize=KEPT)(_buckets)

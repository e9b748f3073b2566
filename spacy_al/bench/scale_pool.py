"""A pool as large as one wants, made of perturbed copies of texts: a shard at a time, and on from where it was left."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy
from numpy.typing import NDArray
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_al.corpus.pool import SHARD_SIZE
from spacy_al.corpus.shard import write_shard

# A word of so many is another one
CHANGED = 0.3


def make_pool(texts: Sequence[str], size: int, folder: Path, seed: int = 0) -> None:
    """Write perturbed copies of texts as shards. No more than one shard is in memory, and shards that are there already are left as they are.

    texts (Sequence[str]): Some thousands.
    size (int): How many copies.
    folder (Path): Of the pool.
    seed (int): Of which words become which.
    """
    split = [text.split() for text in texts]
    words = numpy.array([word for one in split for word in one])
    for number, start in enumerate(range(0, size, SHARD_SIZE)):
        path = folder / f"{number:06}.spacy"
        if not path.exists():
            # by the shard, so that a pool does not depend on where its making was broken off
            rng = numpy.random.default_rng([seed, number])
            own = [split[i % len(split)] for i in range(start, min(size, start + SHARD_SIZE))]
            write_shard(_perturbed(own, words, rng), path)


def _perturbed(
    split: Sequence[list[str]], words: NDArray[numpy.str_], rng: numpy.random.Generator
) -> Iterator[Doc]:
    vocab = Vocab()
    for own in split:
        changed = numpy.array(own, dtype=words.dtype)
        other = rng.random(len(changed)) < CHANGED
        changed[other] = words[rng.integers(len(words), size=int(other.sum()))]
        yield Doc(vocab, changed.tolist())

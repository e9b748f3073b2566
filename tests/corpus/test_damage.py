"""Damaged shards: what is read of one is right, or it ends in a coded error, and the others are read all the same."""

import random
import warnings
import zlib
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.vocab import Vocab

from spacy_al.corpus.labelled import labelled_ids
from spacy_al.corpus.pool import n_stored, read_pool
from spacy_al.corpus.shard import count_stored, read_bare, read_shard, write_shard
from spacy_al.errors import AlError, AlWarning

GOLD = Path(__file__).parents[2] / "corpus" / "pool_gold.spacy"
HOW = ("bit", "bits", "bytes", "zeros", "cut", "head", "more")
NLP = spacy.blank("en")


def damage(data, rng, how):
    """A copy of a file in which something is other than it was."""
    found, place = bytearray(data), rng.randrange(len(data))
    size = min(rng.choice((1, 40, 4096)), len(data) - place)
    if how in ("bit", "bits"):
        for _ in range(1 if how == "bit" else 8):
            found[rng.randrange(len(found))] ^= 1 << rng.randrange(8)
    elif how in ("bytes", "zeros"):
        found[place : place + size] = bytes(size) if how == "zeros" else rng.randbytes(size)
    elif how == "cut":
        del found[place:]
    elif how == "head":
        del found[: 1 + place]
    else:
        found += rng.randbytes(size)
    return bytes(found)


def whole(path):
    return [
        (doc.text, [(ent.start, ent.end, ent.label_) for ent in doc.ents])
        for doc in read_shard(path, Vocab())
    ]


READERS = (
    whole,
    lambda path: [stored.text for stored in read_bare(path)],
    count_stored,
    labelled_ids,
    lambda path: [item.text for item in read_pool(path, NLP)],
)


def outcome(read, path):
    """What a reader makes of a file, or the code of its error."""
    try:
        return read(path)
    except AlError as error:
        assert error.code in ("AL043", "AL044"), error
        return error.code


@pytest.fixture
def pool(tmp_path):
    """A pool of two shards of twenty labelled texts each; the second will be damaged."""
    docs = read_shard(GOLD, Vocab())
    for name in ("a", "b"):
        write_shard(islice(docs, 20), tmp_path / "pool" / f"{name}.spacy")
    return tmp_path / "pool"


@pytest.mark.slow
def test_700_damaged_shards(pool):
    """As what a disk, a copy or a download does to them: never anything else than what was written, unsaid."""
    rng, counts = random.Random(0), Counter[str]()
    good, bad = pool / "a.spacy", pool / "b.spacy"
    data = bad.read_bytes()
    right: list[Any] = [read(bad) for read in READERS]
    first = [item.text for item in read_pool(good, NLP)]
    for number in range(700):
        how = HOW[number % len(HOW)]
        bad.write_bytes(damage(data, rng, how))
        found = [outcome(read, bad) for read in READERS]
        # all of them take it for the same
        is_right, is_refused = found == right, {*map(str, found)} <= {"AL043", "AL044"}
        assert is_right or is_refused, (number, how, found)
        counts["right" if is_right else "refused"] += 1
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", AlWarning)
            texts = [item.text for item in read_pool(pool, NLP)]
        assert texts == first + (right[-1] if is_right else [])
        assert is_right == (not said) and n_stored(pool) == len(texts)
        assert is_right or ("ALW041" in str(said[0].message) and "b.spacy" in str(said[0].message))
    # what stands behind the end of a shard is not read
    assert counts["refused"] > 500 and counts["right"] >= 50, counts


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*ALW041")
def test_what_is_wrong_within_a_shard_is_no_traceback(pool):
    """Written by another program: zlib finds nothing wrong with it, and what it says may be anything."""
    rng, refused = random.Random(1), 0
    bad = pool / "b.spacy"
    data = zlib.decompress(bad.read_bytes())
    for number in range(200):
        bad.write_bytes(zlib.compress(damage(data, rng, HOW[number % len(HOW)])))
        refused += sum(isinstance(outcome(read, bad), str) for read in READERS)
    assert refused > 200

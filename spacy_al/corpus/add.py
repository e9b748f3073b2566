"""What is added to a pool that exists: one new shard an add, which appears whole or not at all."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

from spacy.tokens import Doc

from spacy_al.corpus.duplicates import Duplicates
from spacy_al.corpus.pool import shards
from spacy_al.corpus.shard import read_bare, write_shard
from spacy_al.errors import AlError, Errors
from spacy_al.util import why_not

# Hidden, so that no reader of the pool takes it for a shard
UNFINISHED = ".adding-"


def known_texts(pool: Path, duplicates: Duplicates) -> str | None:
    """Tell what finds duplicates of all texts of a pool, and say what the pool asks about.

    pool (Path): A folder of shards.
    duplicates (Duplicates): Is told of each text.
    RETURNS (str | None): "sentence" or "doc"; None where another tool wrote the pool.
    RAISES (AlError): AL050 for a single file, as `shards`, and as `read_bare`: what cannot be read may hold what is added.
    """
    if pool.is_file():
        raise AlError(Errors.AL050.format(path=pool))
    unit = None
    for shard in shards(pool):
        for stored in read_bare(shard):
            duplicates.learn(stored.text)
            if unit is None and "doc" in stored.source:
                unit = "sentence" if "sentence" in stored.source else "doc"
    return unit


def add_shard(docs: Iterable[Doc], pool: Path) -> Path | None:
    """Add one shard to a pool; shards that are there are not touched, and no other add can take its name.

    docs (Iterable[Doc]): What is new; nothing is written where that is nothing.
    pool (Path): A folder of shards.
    RETURNS (Path | None): The new shard.
    RAISES (AlError): AL047 if it cannot be written.
    """
    docs = iter(docs)
    if (first := next(docs, None)) is None:
        return None
    unfinished = pool / f"{UNFINISHED}{os.getpid()}.spacy"
    try:
        _clear(pool)
        write_shard(_with(first, docs), unfinished)
        return _publish(unfinished, pool)
    except OSError as error:
        raise AlError(Errors.AL047.format(path=pool, why=why_not(error))) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _clear(pool: Path) -> None:
    """Delete what killed adds have left, and nothing of one that is at work."""
    # elsewhere than on POSIX, signal 0 is not harmless
    for path in pool.glob(f"{UNFINISHED}*.spacy") if os.name == "posix" else ():
        number = path.stem.removeprefix(UNFINISHED)
        try:
            os.kill(int(number) if number.isdecimal() else 0, 0)
        except ProcessLookupError:
            path.unlink(missing_ok=True)
        except OSError:
            continue


def _publish(unfinished: Path, pool: Path) -> Path:
    """Under the next number, by a link, which never takes the place of another file as a rename would."""
    numbers = [int(path.stem) for path in pool.glob("*.spacy") if path.stem.isdecimal()]
    for number in count(max(numbers, default=-1) + 1):
        path = pool / f"{number:05}.spacy"
        with suppress(FileExistsError):
            os.link(unfinished, path)
            return path
    raise AssertionError


def _with(first: Doc, docs: Iterator[Doc]) -> Iterator[Doc]:
    yield first
    yield from docs

"""Scores kept between calls, so that a model is asked about a text once.

    CACHE/HASH/manifest.json         which model and which settings, for people to read
    CACHE/HASH/SHARD-0-1.alscores    the rows of a shard, or of one of several parts of it, see `score_file`

HASH is that of all that scores depend on but the text, see `score_identity`. SHARD is a hash of the shard's path, so that a worker
looks at the files of its own shard only; within them a text is known by its hash, so that a shard may change.
"""

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy

from spacy_al.arrays.keyed_noise import KeyedGenerator
from spacy_al.errors import AlWarning, Warnings
from spacy_al.query.pool_scores import PoolScores, merge_scores
from spacy_al.query.score_file import SUFFIX, Low, read_lasts, read_scores, write_scores
from spacy_al.types import Floats, Ints
from spacy_al.util import content_hash

# Of the texts that ranked too low before, so many are scored anew all the same, since a model may have changed its mind
AT_RANDOM = 0.05


@dataclass(frozen=True)
class KeptScores:
    """Where the scores of one job are kept. Plain data, so that it travels with the job.

    folder (Path): Of this model and these settings.
    before (Path | None): Of the model before, by whose scores texts are passed over; None scores all.
    least (float): What a text must have had there to be scored anew.
    """

    folder: Path
    before: Path | None = None
    least: float = 0.0


class KnownScores:
    """What is known of the texts of a shard, or of a part of it, before they are read.

    kept (KeptScores): Where to look.
    shard (Path): The shard.
    part (tuple[int, int]): As for `read_shard_items`.
    WARNS (AlWarning): ALW390 for a damaged file, which is deleted.
    """

    def __init__(self, kept: KeptScores, shard: Path, part: tuple[int, int]) -> None:
        stem = content_hash(str(shard.resolve()))
        self._path = kept.folder / f"{stem}-{part[0]}-{part[1]}{SUFFIX}"
        found, own_low = list[PoolScores](), numpy.zeros(0, "u8")
        for path in sorted(kept.folder.glob(f"{stem}-*{SUFFIX}")):
            with _unless_damaged(path):
                scores, low = read_scores(path)
                found.append(scores)
                if path == self._path:
                    own_low = low.ids
        merged = merge_scores(found, Counter())
        merged = merged.keep(merged.ids % numpy.uint64(part[1]) == part[0])
        _, rows = numpy.unique(merged.ids, return_index=True)
        self._scores = merged.keep(rows)
        self._rows = {number: row for row, number in enumerate(self._scores.ids.tolist())}
        self._low = passed_over(kept, stem)
        self._stored_low = set(own_low.tolist())
        self._met, self._met_low = list[int](), list[int]()

    def has(self, number: int) -> bool:
        """Whether a text, by its id as an integer, needs not be scored; it is taken as met."""
        if number in self._low:
            self._met_low.append(number)
            return True
        if number in self._rows:
            self._met.append(self._rows[number])
            return True
        return False

    def with_fresh(
        self, fresh: Sequence[PoolScores], report: Counter[str], *, keep_unmet: bool = False
    ) -> PoolScores:
        """All rows of the texts that were met, what is new of them on disk.

        fresh (Sequence[PoolScores]): Of the texts that were not known.
        report (Counter): Of the reading, in which texts that are passed over are counted.
        keep_unmet (bool): Keep what is known of texts that were not met, as some were not looked at.
        RAISES (AlError): AL047.
        """
        met = self._scores.keep(numpy.array(self._met, "i8"))
        low = numpy.array(self._met_low, "u8")
        if any(len(part.ids) for part in fresh) or self._stored_low != set(low.tolist()):
            own = self._scores if keep_unmet else met
            lasts = numpy.array([self._low[number] for number in self._met_low], "f8")
            write_scores(self._path, merge_scores([own, *fresh], Counter()), Low(low, lasts))
        if len(low):
            report["low under the model before"] += len(low)
            report["read"] -= len(low)
        return merge_scores([met, *fresh], report)


def passed_over(kept: KeptScores, stem: str) -> dict[int, float]:
    """The texts of a shard that are not scored anew, and what they had before."""
    if kept.before is None:
        return {}
    ids, scores = last_scores(sorted(kept.before.glob(f"{stem}-*{SUFFIX}")))
    drawn = KeyedGenerator(int(kept.folder.name[:8], 16), 0, ids).random(len(ids)) < AT_RANDOM
    low = (scores < kept.least) & ~drawn
    return dict(zip(ids[low].tolist(), scores[low].tolist()))


def last_scores(paths: Sequence[Path]) -> tuple[Ints, Floats]:
    """Ids and the scores that texts had last, out of files of one model; damaged ones are deleted, and a warning says so."""
    ids: list[Ints] = [numpy.zeros(0, "u8")]
    scores: list[Floats] = [numpy.zeros(0)]
    for path in paths:
        with _unless_damaged(path):
            some, lasts = read_lasts(path)
            ids.append(some)
            scores.append(lasts)
    known, rows = numpy.unique(numpy.concatenate(ids), return_index=True)
    return known, numpy.concatenate(scores)[rows]


@contextmanager
def _unless_damaged(path: Path) -> Iterator[None]:
    """Around the reading of a file: one that another process took away is passed over, and a damaged one is deleted."""
    try:
        yield
    except FileNotFoundError:
        pass
    except ValueError as error:
        warnings.warn(Warnings.W390.format(path=path, why=error), AlWarning, stacklevel=4)
        # another process may have been first
        with suppress(OSError):
            path.unlink()

"""Recent texts of a pool are preferred: older ones are left out, or count less the older they are."""

import time
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path

import numpy

from spacy_al.config.recency import Recency
from spacy_al.corpus.dates import SECONDS_A_DAY, Since, day_of, show_day
from spacy_al.corpus.pool import shards
from spacy_al.corpus.shard import read_bare
from spacy_al.errors import AlError, AlWarning, Errors, Warnings
from spacy_al.query.pool_scores import PoolScores
from spacy_al.types import Floats, Ints
from spacy_al.util import content_hash

AGES = "ages"


@dataclass(frozen=True)
class LookBack:
    """How far a pool is looked back, and how old its texts are. Ages are reckoned from the newest text of the pool and not from the
    clock, by which the same pool would give another batch tomorrow.

    since (Since | None): Leaves out what is older.
    weighs (bool): Whether ages count.
    ids (Ints): (N,) content hashes of all texts, sorted.
    days (Floats): (N,) when each was written, in days since 1970; of one that stands there several times the newest date, so that
        no order matters. NaN where none is known.
    """

    since: Since | None = None
    weighs: bool = False
    ids: Ints = field(default_factory=lambda: numpy.zeros(0, dtype="u8"))
    days: Floats = field(default_factory=lambda: numpy.zeros(0))

    @property
    def n_since(self) -> int:
        """How many texts are not left out."""
        return int((self.days >= self.since.day).sum()) if self.since else len(self.ids)

    def with_ages(self, scores: PoolScores) -> PoolScores:
        """With the age of each text in days as a column, where it counts; those without a date are as old as the oldest."""
        if self.weighs:
            rows = numpy.searchsorted(self.ids, scores.ids).clip(max=len(self.ids) - 1)
            # somebody may have added others to the pool since
            known = self.ids[rows] == scores.ids
            days = numpy.where(known, self.days[rows], numpy.nan)
            days = numpy.where(numpy.isnan(days), numpy.nanmin(self.days), days)
            scores.columns[AGES] = numpy.nanmax(self.days) - days
        return scores


def look_back(pool: Path, recency: Recency | None) -> LookBack:
    """The dates of a pool, where its config prefers recent texts.

    pool (Path): A `.spacy` file or a folder of shards; those that cannot be read are passed over.
    recency (Recency | None): What is preferred; None for nothing.
    RAISES (AlError): AL350 if no text has a date; as `shards`.
    WARNS (AlWarning): ALW350 for texts without a date that count as the oldest; ALW351 for a newest text that is of tomorrow or
        later, from which all ages would be reckoned.
    """
    if recency is None:
        return LookBack()
    found: dict[int, float] = {}
    for shard in shards(pool):
        with suppress(AlError):
            for stored in read_bare(shard):
                number, day = (
                    int(content_hash(stored.text), 16),
                    day_of(stored.source, recency.date),
                )
                # NaN is never more
                if number not in found or day > found[number] or isnan(found[number]):
                    found[number] = day
    ids = numpy.fromiter(found, "u8", len(found))
    days = numpy.fromiter(found.values(), "f8", len(found))
    undated = int(numpy.isnan(days).sum())
    if undated == len(ids):
        raise AlError(Errors.AL350.format(path=pool, count=len(ids), field=recency.date))
    order, newest = numpy.argsort(ids), float(numpy.nanmax(days))
    start, weighs = recency.start(newest), recency.half_life_days is not None
    if newest > time.time() / SECONDS_A_DAY + 1:
        message = Warnings.W351.format(path=pool, date=show_day(newest), field=recency.date)
        warnings.warn(message, AlWarning, stacklevel=2)
    if undated and weighs and start is None:
        message = Warnings.W350.format(count=undated, total=len(ids), path=pool, field=recency.date)
        warnings.warn(message, AlWarning, stacklevel=2)
    since = None if start is None else Since(recency.date, start)
    return LookBack(since, weighs, ids[order], days[order])


def by_age(values: Floats, ages: Floats, half_life: float) -> Floats:
    """Scores that count half for each half-life of a text's age.

    values, ages (Floats): (N,) scores, and days.
    half_life (float): In days.
    """
    weighed: Floats = values * 0.5 ** (ages / half_life)
    return weighed

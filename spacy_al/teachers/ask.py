"""Asking a teacher: each text once, in batches, within a budget, and however often it fails on some of them."""

import warnings
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from heapq import nsmallest
from itertools import islice
from pathlib import Path
from typing import TypedDict

from spacy_al.arrays.keyed_noise import chance_of
from spacy_al.config.settings import Settings
from spacy_al.config.teacher import TeacherBlock
from spacy_al.corpus.labelled import labelled_ids
from spacy_al.corpus.pool import pool_texts
from spacy_al.errors import AlError, AlWarning, Errors, Warnings
from spacy_al.processes.lock import locked
from spacy_al.teachers.said_cache import SaidBatch, SaidCache
from spacy_al.teachers.teacher import Teacher, open_teacher, teacher_hash
from spacy_al.util import batched, content_hash

# Texts that it is given together, and how often one on which it fails
BATCH, ATTEMPTS = 20, 3
FOLDER = "teacher"
# So many texts without a single mark, and something is wrong
SILENT = 50


class Spent(TypedDict):
    """What a teacher has done and cost so far.

    teacher (str): Its name; hash (str): of what it is.
    calls (int): Texts that it was given, again ones among them; most (float | None): that it may be given.
    cost (float): Of them.
    said (int), failed (int): Texts that it has labelled, and that it has failed on so far.
    """

    teacher: str
    hash: str
    calls: int
    most: int | None
    cost: float
    said: int
    failed: int


@dataclass(frozen=True)
class AskedTeacher:
    """A teacher's answers, and what they have cost.

    cache (SaidCache): The answers.
    block (TeacherBlock): What it may cost.
    """

    cache: SaidCache
    block: TeacherBlock

    @property
    def left(self) -> float:
        """Calls that the budget leaves."""
        return self.block.most_calls - self.cache.calls

    @property
    def spent(self) -> Spent:
        most = self.block.most_calls
        return {
            "teacher": self.block.describes,
            "hash": self.cache.folder.name,
            "calls": self.cache.calls,
            "most": None if most == float("inf") else int(most),
            "cost": round(self.cache.calls * self.block.price, 6),
            "said": len(self.cache.said),
            "failed": len(self.cache.failures),
        }


def said_folder(settings: Settings) -> Path:
    """Where what teachers say is kept, in the output of the run."""
    return settings.output / FOLDER


def open_said(settings: Settings) -> AskedTeacher:
    """What the teacher of a config has said so far. RAISES (AlError): AL046."""
    assert settings.teacher is not None
    return AskedTeacher(SaidCache(said_folder(settings), teacher_hash(settings)), settings.teacher)


def ask_pool(
    settings: Settings, *, code: str | None = None, leave_out: Collection[str] = ()
) -> AskedTeacher:
    """Have the teacher label the pool, as far as its budget goes: texts in an order by chance that belongs to them, so that those it has labelled
    are a random sample of the pool.

    leave_out (Collection[str]): Ids of texts that are not worth a call, as they are labelled.
    RAISES (AlError): As `shards`, `open_teacher` and `ask_texts`.
    """
    assert settings.pool is not None
    asked, seen = open_said(settings), {*leave_out}
    if asked.left < 1:
        return asked
    for path in (settings.train, settings.dev, settings.test):
        seen |= labelled_ids(path) if path and path.exists() else set()
    found = _by_chance(settings.pool, asked.cache, seen)
    chosen = sorted(found) if asked.left == float("inf") else nsmallest(int(asked.left), found)
    return ask_texts(settings, {id_: text for _, id_, text in chosen}, code=code)


def _by_chance(pool: Path, cache: SaidCache, seen: set[str]) -> Iterator[tuple[float, str, str]]:
    """The texts of a pool that are to be asked, each with the number by which it has its place."""
    for text in pool_texts(pool):
        id_ = content_hash(text)
        if id_ not in seen and is_open(cache, id_):
            seen.add(id_)
            yield chance_of(id_, FOLDER), id_, text


def is_open(cache: SaidCache, id_: str) -> bool:
    """Whether a text is still to be asked: not one of which something was said, nor one that the teacher fails on whatever one does."""
    return id_ not in cache.said and cache.failures[id_] < ATTEMPTS


def ask_texts(
    settings: Settings,
    texts: Mapping[str, str],
    *,
    code: str | None = None,
    teacher: Teacher | None = None,
) -> AskedTeacher:
    """Have the teacher label texts, those alone that it has not labelled yet, in their order, as far as its budget goes.

    A text on which it fails is given to it again, alone, and in a later call once more; after three times it is left in peace.

    texts (Mapping): By their ids.
    teacher (Teacher | None): Where it is open already.
    RAISES (AlError): As `open_teacher`, where anything is to be asked; AL155 if another process is asking; AL047.
    WARNS (AlWarning): ALW440 where files were damaged, ALW441 where it has failed, ALW442 where it says nothing at all.
    """
    asked = open_said(settings)
    cache = asked.cache
    if not any(is_open(cache, id_) for id_ in texts) or asked.left < 1:
        return asked
    teacher = teacher or open_teacher(settings, code)
    n_failed, first, n_asked = 0, "", 0
    with locked(cache.folder):
        # what another process has paid for meanwhile
        cache.refresh()
        cache.mend()
        open_ = ((id_, text) for id_, text in texts.items() if is_open(cache, id_))
        for some in batched(open_, BATCH):
            batch = dict(islice(some, max(0, int(min(asked.left, BATCH)))))
            if not batch:
                break
            errors = _ask(cache, teacher, batch)
            n_asked += len(batch)
            # where one of them breaks a batch, the others are not to suffer for it
            for id_ in [*errors]:
                if asked.left >= 1:
                    again = _ask(cache, teacher, {id_: batch[id_]})
                    errors = (
                        {**errors, **again}
                        if again
                        else {k: v for k, v in errors.items() if k != id_}
                    )
            n_failed += len(errors)
            for error in [*errors.values()][:1]:
                first = first or f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
    name = asked.block.describes
    if n_failed:
        message = Warnings.W441.format(name=name, count=n_failed, total=n_asked, why=first)
        warnings.warn(message, AlWarning, stacklevel=2)
    elif len(cache.said) >= SILENT and not any(said.labels for said in cache.said.values()):
        message = Warnings.W442.format(name=name, count=len(cache.said), kind=teacher.kind)
        warnings.warn(message, AlWarning, stacklevel=2)
    return asked


def _ask(cache: SaidCache, teacher: Teacher, texts: Mapping[str, str]) -> dict[str, Exception]:
    """Ask, and keep what comes of it. RETURNS (dict): What it failed on."""
    path = cache.begin(len(texts))
    said = teacher.label(texts)
    failed = {id_: type(error).__name__ for id_, error in teacher.errors.items()}
    cache.finish(path, SaidBatch(len(texts), said, failed))
    return dict(teacher.errors)


def check_taught_labels(settings: Settings) -> None:
    """RAISES (AlError): AL442 where labels of `[al.teacher.labels]` are none of those that the run asks about."""
    block = settings.teacher
    if block is None or not settings.labels:
        return
    unknown = sorted({*block.labels.values()} - {*settings.labels})
    if unknown:
        known, found = ", ".join(settings.labels), ", ".join(unknown)
        raise AlError(Errors.AL442.format(found=found, known=known))

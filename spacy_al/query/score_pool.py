"""Scores for a whole pool, here or in other processes, a shard at a time."""

import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy

from spacy_al.corpus.dates import Since
from spacy_al.corpus.pool import n_stored, nothing_usable, shards
from spacy_al.errors import AlError, AlWarning, Errors, UsageError, Warnings
from spacy_al.processes.pool import processes
from spacy_al.query.pool_scores import PoolScores, leave_out, merge_scores, refuse_empty
from spacy_al.query.recency import look_back
from spacy_al.query.scorer import Job, Scorer
from spacy_al.query.strategy import Strategy
from spacy_al.util import progress_bar

# Texts, by their hashes, that stand for a larger pool where there is no model: enough to see what is common in it
REPRESENTED = 20_000
# A shard, which part of it, and what is left out as too old
Work: TypeAlias = tuple[Path, tuple[int, int], Since | None]


class Engine(Protocol):
    """What scores shards elsewhere than in processes of this machine.

    workers (int): How many shards are scored at once.
    """

    workers: int

    def __call__(self, job: Job, work: Sequence[Work]) -> Iterator[PoolScores | AlError]:
        """What `Scorer.score_shard` gives for each, in their order. RAISES (AlError): As that."""
        ...


def score_pool(
    job: Job,
    path: Path,
    *,
    n_process: int = 1,
    scorer: Scorer | None = None,
    share: int = 1,
    since: Since | None = None,
    engine: Engine | None = None,
) -> PoolScores:
    """Score a whole pool. A shard that cannot be read is left out and named in a warning.

    job (Job): What to do.
    path (Path): The pool.
    n_process (int): Processes; each loads the pipeline.
    scorer (Scorer | None): The job's scorer, where it exists already; used with one process.
    share (int): Look at about one text of so many, whose choice depends on nothing but the text.
    since (Since | None): Leaves out what is older.
    engine (Engine | None): Scores the shards elsewhere; `n_process` and `scorer` are then not used.
    RAISES (AlError): As `read_pool`, and what the job's functions raise.
    """
    paths = shards(path)
    # few shards are shared out among the processes in parts, lest one of them waits for the other's last shard
    workers = n_process if engine is None else engine.workers
    n_parts = workers if len(paths) < 4 * workers else 1
    parts = [(i * share, n_parts * share) for i in range(n_parts)]
    work = [(shard, part, since) for shard in paths for part in parts]
    found: list[PoolScores] = []
    failures: list[AlError] = []
    results = engine(job, work) if engine else _run(job, work, n_process, scorer)
    for result in progress_bar(results, len(work), "shard"):
        if isinstance(result, AlError):
            failures.append(result)
        else:
            found.append(result)
    report: Counter[str] = sum((part.report for part in found), Counter())
    if failures:
        if not found:
            raise failures[0]
        report["unreadable shard"] = len(failures) // n_parts
        message = Warnings.W041.format(
            count=report["unreadable shard"], total=len(paths), first=failures[0]
        )
        warnings.warn(message, AlWarning, stacklevel=2)
    merged = merge_scores(found, report)
    if not len(merged.ids) and share > 1:
        # few different texts, again and again
        return score_pool(job, path, n_process=n_process, scorer=scorer, since=since, engine=engine)
    if not len(merged.ids):
        raise nothing_usable(path, report)
    _, rows = numpy.unique(merged.ids, return_index=True)
    report["duplicate"] += len(merged.ids) - len(rows)
    report["read"] -= len(merged.ids) - len(rows)
    return merged.keep(rows)


def score_usable(
    pool: Path,
    strategy: Strategy,
    scorer: Scorer,
    labeled: Sequence[Path],
    asked: Collection[str],
    *,
    n_process: int = 1,
    engine: Engine | None = None,
) -> PoolScores:
    """Score the texts of a pool that may be asked; of a large one, where there is no model, a part of it.

    pool (Path): A `.spacy` file or a folder of shards.
    strategy (Strategy): What is scored with what.
    scorer (Scorer): Of its job.
    labeled (Sequence[Path]): Corpora or files of tasks whose texts are not asked.
    asked (Collection[str]): Ids of texts that are not.
    n_process (int): Processes that score.
    engine (Engine | None): As for `score_pool`.
    RAISES (AlError): AL086 if nothing is left to ask, AL087, and as `score_pool`.
    """
    if n_process < 1:
        message = Errors.AL087.format(name="--n-process", value=n_process, must="1 or more")
        raise UsageError(message)
    enough = 20 * strategy.n
    recent = look_back(pool, strategy.settings.recency)

    def scored(share: int) -> PoolScores:
        found = score_pool(
            strategy.job,
            pool,
            n_process=n_process,
            scorer=scorer,
            share=share,
            since=recent.since,
            engine=engine,
        )
        return leave_out(recent.with_ages(found), labeled, asked, strategy.settings)

    represents = scorer.component is None and not strategy.patterns and not strategy.is_blind
    usable = recent.n_since if recent.since else n_stored(pool)
    share = max(1, usable // max(REPRESENTED, enough)) if represents else 1
    scores = scored(share)
    if share > 1 and len(scores.ids) < enough:
        # full of repeats, or of what is asked already
        share, scores = 1, scored(1)
    if share > 1:
        looked_at = scores.report.total() - scores.report["unreadable shard"]
        scores.report["not looked at (no model)"] = max(0, n_stored(pool) - looked_at)
    refuse_empty(scores, pool)
    return scores


def _run(
    job: Job,
    work: list[Work],
    n_process: int,
    scorer: Scorer | None,
) -> Iterator[PoolScores | AlError]:
    if n_process == 1:
        scorer = scorer or Scorer(job)
        yield from (scorer.score_shard(*item) for item in work)
        return
    try:
        with processes(n_process, _set_up, job) as pool:
            # not `map`, which cancels what is left when it is given up: the pool trips over that once its processes are ended
            futures = [pool.submit(_score_there, *item) for item in work]
            yield from (future.result() for future in futures)
    except BrokenProcessPool as error:
        raise AlError(Errors.AL093.format(count=n_process)) from error


_scorer: Scorer | None = None


def _set_up(job: Job) -> None:
    global _scorer
    _scorer = Scorer(job)


def _score_there(shard: Path, part: tuple[int, int], since: Since | None) -> PoolScores | AlError:
    assert _scorer is not None
    return _scorer.score_shard(shard, part, since)

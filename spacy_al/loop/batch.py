"""The batch of a round: what is left of a pool is not dribbled out to trainings that have next to nothing to learn."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy_al.config.project import Project
from spacy_al.corpus.pool import n_stored
from spacy_al.errors import AlError, Errors
from spacy_al.query.select import Selection, select
from spacy_al.store.store import Store


@dataclass(frozen=True)
class Batch:
    """What a round asks to train on, and how it came about.

    tasks (list): With the entropy of each of their tokens, for showing.
    selection (Selection): They come from.
    """

    tasks: list[dict[str, Any]]
    selection: Selection


def count_pool(store: Store, project: Project, number: int) -> int:
    """The texts that the pool holds; that there are more or fewer than in the round before is said.

    number (int): Of the round.
    """
    assert project.settings.pool is not None
    now = n_stored(project.settings.pool)
    before = store.metrics().get(number - 1, {}).get("pool_texts")
    if before is not None and before != now:
        more = "more" if now > before else "fewer"
        project.show(
            f"ℹ The pool has {abs(now - before):,} texts {more} than in round {number - 1}: {now:,}"
        )
    return now


def choose_batch(
    project: Project, pool: Path, number: int, *, n: int, model: str | None, **how: Any
) -> Batch:
    """Choose as many texts as a batch has; with them those that would be left for the next one, if they are fewer than half a batch.

    project (Project): Whose batches.
    pool (Path): Its texts.
    number (int): Of the round.
    n (int): Texts of it that are to train.
    model, how: As for `select`.
    RAISES (AlError): As `select`; AL164 if a model was trained, and fewer than half a batch are left for it to learn from.
    """
    selection = select(pool, model=model, n=n, **how)
    left = selection.n_pool
    if (project.folder(number) / "model-best").is_dir() and 2 * left < n:
        raise AlError(Errors.AL164.format(count=left, path=pool, batch=n))
    if 0 < 2 * (left - n) < n:
        project.show(
            f"Round {number}: asks all {left} texts that are left, since after {n} of them {left - n} would be, fewer than half a batch"
        )
        selection = select(pool, model=model, n=(n := left), **how)
    if selection.n_near:
        project.show(
            f"Round {number}: chooses {len(selection.tasks)} texts, not {n}: {selection.n_near:,} more are near duplicates of these, of which a "
            "batch has one each"
        )
    tasks = [
        {**task, "uncertainty": [round(float(value), 4) for value in values]}
        for task, values in zip(selection.tasks, selection.uncertainty)
    ]
    return Batch(tasks, selection)

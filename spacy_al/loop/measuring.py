"""The texts that a run measures on where no development set is given: few at first, more as the corpus grows, mixed into the batches.

Which texts these are is settled before anything is asked: the first of one random order of the pool, which does not depend on what else is
in it. None of them is chosen to train on, so that those answered so far are at any time a uniform random sample of the pool; but for a text that
was asked while the very first model trained, before they were settled: it stays what it was, and another measures in its place.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from math import ceil
from pathlib import Path
from typing import Any

from spacy_al.config.project import Project
from spacy_al.corpus.pool import shards
from spacy_al.errors import Errors, UsageError
from spacy_al.query.random_order import RandomOrder, ask_in_order, random_order
from spacy_al.store.store import Store
from spacy_al.tasks.task import Task
from spacy_al.training.made_from import hash_of
from spacy_al.util import content_hash

EVENT = "measures"
# Of the questions of a batch two in five measure until there are so many texts that a score means something, then one in five
FEW = 25
SHARES = (2 / 5, 1 / 5)
# Of a small pool at most so much measures, or nothing would be left to learn from
MOST = 2 / 5
ORDER = [field.name for field in fields(RandomOrder)]


@dataclass(frozen=True)
class MeasuringTexts:
    """The texts of a round that measure.

    tasks (list[Task]): The questions about them.
    kept (set[str]): Ids of these, of those that later rounds will ask about, and of those before: nothing else may ask about them.
    """

    tasks: list[Task]
    kept: set[str]


def n_measuring(measured: int, batch_size: int, dev_size: int) -> int:
    """How many questions of a batch measure.

    measured (int): Texts that were asked to measure on so far.
    batch_size (int): Questions of the batch, 2 or more.
    dev_size (int): Texts to measure on in the end.
    """
    share = SHARES[measured >= FEW]
    # at least one is left to learn from, and one to measure on
    wanted = min(batch_size - 1, ceil(share * batch_size))
    return max(0, min(wanted, dev_size - measured))


def measuring_texts(store: Store, project: Project, number: int) -> MeasuringTexts:
    """The next texts to measure on; none where a development set is given, or enough were asked.

    store (Store): Knows what was asked, and keeps the order.
    number (int): The round.
    RAISES (AlError): AL087 (UsageError) for batches of one, and as `random_order` and `ask_in_order`.
    """
    settings = project.settings
    asked = {stored.item for stored in store.tasks(purpose="dev")}
    if settings.dev is not None or len(asked) >= settings.dev_size:
        return MeasuringTexts([], set())
    if settings.batch_size < 2:
        must = "2 or more without paths.dev: a text to measure on, and one to learn from"
        raise UsageError(
            Errors.AL087.format(name="batch_size", value=settings.batch_size, must=must)
        )
    assert settings.pool is not None
    order, known = _order(store, project), store.asked_ids()
    left = [identity for identity in order.ids if identity not in known]
    n = n_measuring(len(asked), settings.batch_size, min(settings.dev_size, n_most(order.n_pool)))
    tasks = ask_in_order(settings.pool, settings, order, left[:n], number, project.code_text)
    return MeasuringTexts(tasks, {*order.ids})


def n_most(n_pool: int) -> int:
    """How many texts of a pool measure at most."""
    return max(1, int(MOST * n_pool))


def _order(store: Store, project: Project) -> RandomOrder:
    """The order of the pool, as far as it measures. It is kept, and made anew where the pool, or what leaves texts out of it, has changed:
    texts that are new in the pool come between those that were there, so that what measures is a sample of all of it again."""
    settings = project.settings
    assert settings.pool is not None
    made_from = _made_from(project)
    kept = _events(store)
    if kept and kept[-1].get("made_from") == made_from:
        return RandomOrder(**{name: kept[-1][name] for name in ORDER})
    order = random_order(
        settings.pool,
        settings,
        settings.dev_size,
        n_process=project.n_process,
        code=project.code_text,
    )
    order = order.first(n_most(order.n_pool))
    if order.n_strata:
        without = f"; {order.n_without:,} texts of the pool have none, and are one more"
        project.show(
            f"ℹ The texts that measure are spread over {order.n_strata:,} values of {settings.dev_strata} as the pool is"
            + (without if order.n_without else "")
        )
    store.log(EVENT, made_from=made_from, **asdict(order))
    return order


def _made_from(project: Project) -> str:
    """A hash of all that the order hangs on."""
    settings = project.settings
    assert settings.pool is not None
    paths = [
        shard
        for path in (settings.pool, settings.train, settings.test)
        if path
        for shard in shards(path)
    ]
    own = [
        settings.seed,
        settings.dev_size,
        settings.dev_strata,
        settings.filter,
        settings.recency,
        settings.lang,
        settings.tokeniser,
    ]
    return content_hash(json.dumps([own, [_hash(path) for path in paths]], default=str))


def _hash(path: Path) -> str | None:
    # a shard that cannot be read is left out of the order as well
    with suppress(OSError):
        return hash_of(path)
    return None


def _events(store: Store) -> list[dict[str, Any]]:
    return [event["data"] for event in store.events() if event["kind"] == EVENT]


def kept_to_measure(store: Store) -> set[str]:
    """Ids of the texts that a run has kept to measure on, as far as it knows by now: whatever chooses texts beside it leaves them out."""
    found = _events(store)
    return {*found[-1]["ids"]} if found else set()


def mixed(measure: Sequence[Task], learn: Sequence[Task]) -> list[tuple[str, Task]]:
    """The questions of a batch, those that measure evenly among the others: purpose and task, in the order in which to ask."""
    own = {id(task): "dev" for task in measure}
    return [(own.get(id(task), "train"), task) for task in among(measure, learn)]


def among(few: Sequence[Task], others: Sequence[Task]) -> list[Task]:
    """Some questions evenly among others, in the order in which to ask."""
    places = [((k + 0.5) / len(few), 0, k) for k in range(len(few))]
    places += [((k + 0.5) / len(others), 1, k) for k in range(len(others))]
    return [(others if second else few)[k] for _, second, k in sorted(places)]

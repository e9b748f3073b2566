"""The texts that a run measures on where no development set is given: few at first, more as the corpus grows, mixed into the batches.

Which texts these are is settled before anything is asked: the first of one random order of the pool, which does not depend on what else is
in it. None of them is chosen to train on, so that those answered so far are at any time a uniform random sample of the pool; but for a text that
was asked while the very first model trained, before they were settled: it stays what it was, and another measures in its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from spacy_al.config.project import Project
from spacy_al.query.select import select
from spacy_al.store.store import Store
from spacy_al.tasks.task import Task
from spacy_al.util import content_hash

EVENT = "measures"
# Of the questions of a batch two in five measure until there are so many texts that a score means something, then one in five
FEW = 25
SHARES = (2 / 5, 1 / 5)
# Of a small pool at most so much measures, or nothing would be left to learn from
MOST = 2 / 5


@dataclass(frozen=True)
class MeasuringTexts:
    """The texts of a round that measure.

    tasks (list[Task]): The questions about them.
    kept (set[str]): Ids of those that later rounds will ask about: nothing else may ask about them.
    """

    tasks: list[Task]
    kept: set[str]


def n_measuring(measured: int, batch_size: int, dev_size: int) -> int:
    """How many questions of a batch measure.

    measured (int): Texts that were asked to measure on so far.
    batch_size (int): Questions of the batch.
    dev_size (int): Texts to measure on in the end.
    """
    share = SHARES[measured >= FEW]
    # at least one is left to learn from, and one to measure on
    wanted = min(max(1, batch_size - 1), ceil(share * batch_size))
    return max(0, min(wanted, dev_size - measured))


def measuring_texts(
    store: Store, project: Project, number: int, how: dict[str, Any]
) -> MeasuringTexts:
    """The next texts to measure on; none where a development set is given, or enough were asked.

    store (Store): Knows what was asked.
    number (int): The round.
    how (dict): Further arguments of `select`.
    RAISES (AlError): As `select`.
    """
    settings = project.settings
    asked = {stored.item for stored in store.tasks(purpose="dev")}
    if settings.dev is not None or len(asked) >= settings.dev_size:
        return MeasuringTexts([], set())
    assert settings.pool is not None
    # one order for all rounds: noise belongs to a text, a seed and a round
    order = select(
        settings.pool,
        n=settings.dev_size,
        model=None,
        sampler="uniform",
        **{**how, "round": 0},
    )
    most = max(1, int(MOST * order.n_pool))
    known = store.asked_ids()
    left = [task for task in order.tasks[:most] if content_hash(task["text"]) not in known]
    n = n_measuring(len(asked), settings.batch_size, min(settings.dev_size, most))
    tasks = [{**task, "meta": {**task["meta"], "round": number}} for task in left[:n]]
    kept = {content_hash(task["text"]) for task in left}
    if kept != kept_to_measure(store):
        store.log(EVENT, ids=sorted(kept))
    return MeasuringTexts(tasks, kept)


def kept_to_measure(store: Store) -> set[str]:
    """Ids of the texts that a run has kept to measure on, as far as it knows by now: whatever chooses texts beside it leaves them out."""
    found = [event["data"]["ids"] for event in store.events() if event["kind"] == EVENT]
    return {*found[-1]} if found else set()


def mixed(measure: Sequence[Task], learn: Sequence[Task]) -> list[tuple[str, Task]]:
    """The questions of a batch, those that measure evenly among the others: purpose and task, in the order in which to ask."""
    places = [((k + 0.5) / len(measure), "dev", task) for k, task in enumerate(measure)]
    places += [((k + 0.5) / len(learn), "train", task) for k, task in enumerate(learn)]
    return [(purpose, task) for _, purpose, task in sorted(places, key=lambda place: place[:2])]

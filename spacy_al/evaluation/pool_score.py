"""The score in the pool of the model that chose a batch, from the batch and its answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
from spacy.tokens import Doc

from spacy_al.errors import AlError, Errors
from spacy_al.estimation.draws import Draws, needed_draws, usable_draws
from spacy_al.estimation.score import Expected, PoolScore, pool_score
from spacy_al.evaluation.asked import asked_counts
from spacy_al.evaluation.gold import stored_docs
from spacy_al.tasks.task import EXPECTED, Task, read_tasks
from spacy_al.types import Floats
from spacy_al.util import content_hash

# Half of the width of an interval that is of use
WANTED = 0.05


@dataclass(frozen=True)
class BatchScore:
    """The estimate of a batch.

    score (PoolScore): Of the pool that the batch was drawn from, for the model that drew.
    answered, drawn (int): Texts of which the answers say all, of those that were drawn and count.
    """

    score: PoolScore
    answered: int
    drawn: int


def batch_score(
    tasks: Sequence[Task],
    gold: Mapping[str, Doc | None],
    *,
    spans_key: str = "sc",
    wanted: float = WANTED,
) -> BatchScore:
    """Estimate the score of the pool from a batch.

    Only draws before the first that has no answer yet count. A text whose answer decides nothing, or only a part of it, counts as one that is
    not in the pool: the score is that of texts which can be answered.

    tasks (Sequence[Task]): All questions of the batch, as they were asked.
    gold (Mapping): By the hash of the text what is right; None where the answer decides nothing.
    spans_key (str): Where spans are.
    wanted (float): Half of the width of an interval, for what is said where none can be had.
    RAISES (AlError): AL450 to AL453, as `usable_draws`; AL454 for questions that are no batch of one model.
    """
    drawn, answered = _in_order_drawn(tasks, gold)
    labels = [*dict.fromkeys(label for task in drawn for label in task["labels"])]
    found = [
        None if (doc := gold[one]) is None else asked_counts(task, doc, labels, spans_key)
        for task in drawn[:answered]
        for one in [content_hash(task["text"])]
    ]
    nothing = numpy.zeros((len(labels), 3))
    counts = numpy.array([nothing if one is None else one for one in found])
    counts = counts.reshape(answered, len(labels), 3)
    told = numpy.array([one is not None for one in found], dtype=bool)
    if answered and not told.any():
        raise _no_batch("none of its texts is answered in full where the labels should be")
    draws = _draws_of(drawn[:answered], needed_for(counts[told].sum(axis=1), wanted), wanted)
    n = len(draws)
    score = pool_score(draws, counts[:n], labels, _expected(drawn[:n], labels))
    return BatchScore(score, int(told[:n].sum()), n)


def estimate(
    tasks: Path, gold: Path, *, spans_key: str = "sc", wanted: float = WANTED
) -> BatchScore:
    """Estimate the score in a pool from a batch that was drawn from it, and a corpus in which the texts of the batch are labelled.

    tasks (Path): The file that `select` wrote.
    gold (Path): A labelled `.spacy` file, or a folder of them; of texts that it lacks there is no answer yet.
    spans_key, wanted: As for `batch_score`.
    RAISES (AlError): AL454 for a file without tasks, or without an answer to any; as `batch_score`, `read_tasks` and `stored_docs`.
    """
    return batch_score(*read_batch(tasks, gold), spans_key=spans_key, wanted=wanted)


def read_batch(tasks: Path, gold: Path) -> tuple[list[Task], dict[str, Doc | None]]:
    """A batch and what is right, by the hash of the text.

    tasks, gold (Path): As for `estimate`.
    RAISES (AlError): AL454, and as `read_tasks` and `stored_docs`.
    """
    asked = list(read_tasks(tasks))
    if not asked or any(not {"rank", "propensity"} <= {*task.get("meta", ())} for task in asked):
        raise AlError(Errors.AL454.format(path=tasks, why="its tasks have no rank and propensity"))
    found: dict[str, Doc | None] = {content_hash(doc.text): doc for doc in stored_docs(gold)}
    if not any(content_hash(task["text"]) in found for task in asked):
        raise AlError(Errors.AL454.format(path=tasks, why=f"none of its texts is in {gold}"))
    return asked, found


def used_draws(tasks: Sequence[Task], gold: Mapping[str, Doc | None]) -> tuple[list[Task], Draws]:
    """The questions of a batch that stand for the pool, in the order of the draws, and these draws.

    tasks, gold: As for `batch_score`.
    RAISES (AlError): As `batch_score`.
    """
    drawn, answered = _in_order_drawn(tasks, gold)
    draws = _draws_of(drawn[:answered], None, WANTED)
    return drawn[: len(draws)], draws


def _in_order_drawn(
    tasks: Sequence[Task], gold: Mapping[str, Doc | None]
) -> tuple[list[Task], int]:
    """The questions of a batch in the order of the draws, and how many there are before the first without an answer."""
    drawn = sorted(tasks, key=lambda task: task["meta"]["rank"])
    metas = [task["meta"] for task in drawn]
    if any("asked" in task for task in drawn):
        raise _no_batch("its questions are about parts of texts")
    if len({meta["rank"] for meta in metas}) < len(metas):
        raise _no_batch("several of its questions have one rank, as those of two batches do")
    if not any(meta.get("model") or meta.get("component") for meta in metas):
        raise _no_batch("no model chose it")
    identities = [content_hash(task["text"]) for task in drawn]
    answered = next((k for k, one in enumerate(identities) if one not in gold), len(drawn))
    return drawn, answered


def _draws_of(drawn: Sequence[Task], needed: int | None, wanted: float) -> Draws:
    metas = [task["meta"] for task in drawn]
    return usable_draws(
        [meta["propensity"] for meta in metas],
        [meta.get("eligible") for meta in metas],
        metas[0].get("explore", 0.0) if metas else 0.0,
        [meta.get("within") for meta in metas],
        needed=needed,
        wanted=wanted,
    )


def needed_for(counts: Floats, wanted: float) -> int | None:
    """How many uniform draws an interval of F takes, by how much these texts differ; of texts that were chosen for doubt rather too many.

    counts (Floats): (n, 3) right, said and wanted of each text.
    RETURNS (int | None): None where they say nothing.
    """
    right, said, gold = counts.T
    both = said + gold
    if len(counts) < 2 or not both.any():
        return None
    f = 2 * right.sum() / both.sum()
    return needed_draws(float((2 * right - f * both).std() / both.mean()), wanted)


def _expected(drawn: Sequence[Task], labels: Sequence[str]) -> Expected | None:
    """What the model expected, its labels in the order of those that are asked about; None where a question does not say."""
    rows = [task.get(EXPECTED) for task in drawn]
    if any(row is None for row in rows):
        return None
    return Expected(
        numpy.array([_in_order(row, "text", labels) for row in rows]),
        _in_order(rows[0], "pool", labels),
    )


def _in_order(row: Any, name: str, labels: Sequence[str]) -> Floats:
    values: Floats = numpy.array(row[name], dtype="f8")
    known = row["labels"]
    if len(values) < 6 + 3 * len(known):
        return values[:6]
    by_label = {label: values[6 + 3 * k : 9 + 3 * k] for k, label in enumerate(known)}
    nothing = numpy.zeros(3)
    return numpy.concatenate([values[:6], *(by_label.get(label, nothing) for label in labels)])


def _no_batch(why: str) -> AlError:
    return AlError(Errors.AL454.format(path="the batch", why=why))

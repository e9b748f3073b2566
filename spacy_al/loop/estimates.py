"""The score in the pool of a round's model, from the batch that it drew and the answers to it.

The model of a round chose the batch of that round before anybody had answered it, and has learned from none of it.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_al.config.project import Project
from spacy_al.errors import AlError
from spacy_al.estimation.draws import LEAST_DRAWS
from spacy_al.estimation.ratios import Estimate
from spacy_al.evaluation.pool_score import batch_score
from spacy_al.kinds import FACTORIES
from spacy_al.loop.taught import AUDIT
from spacy_al.reporting.estimates import EstimateRow, PoolEstimate
from spacy_al.store.gold import without_gold
from spacy_al.store.store import Store
from spacy_al.tasks.labels import RunLabels
from spacy_al.tasks.merge import merge
from spacy_al.tasks.task import EXPECTED, Task
from spacy_al.util import content_hash


def pool_estimate(store: Store, project: Project) -> PoolEstimate | None:
    """The estimate of the last round that has enough answers, or why there can be none.

    store (Store): Of the run.
    project (Project): Whose component is taught.
    RETURNS (PoolEstimate | None): None where no round with a model has ten answers to what it drew.
    """
    for number in sorted(store.models(), reverse=True):
        tasks = [
            stored
            for stored in without_gold(store, store.tasks(number, purpose="train"))
            if stored.task.get("meta", {}).get("round") == number
            and "propensity" in stored.task["meta"]
            # a teacher's audits are draws of their own, from what it agrees about
            and stored.task["meta"].get("design") != AUDIT
        ]
        if not tasks:
            continue
        labels = store.labels()
        answered = {answer.task for answer in store.answers()} & {stored.id for stored in tasks}
        if len(answered) < LEAST_DRAWS:
            continue
        shown = [*dict.fromkeys(label for stored in tasks for label in stored.task["labels"])]
        merged = merge(
            tasks,
            store.answers(),
            kind=project.kind,
            labels=shown,
            spans_key=project.settings.spans_key,
            vocab=Vocab(),
        )
        gold: dict[str, Doc | None] = {
            stored.item: None for stored in tasks if stored.id in answered
        }
        gold |= {content_hash(doc.text): doc for doc in merged.docs}
        drawn = [_named_now(stored.task, labels) for stored in tasks]
        try:
            found = batch_score(drawn, gold, spans_key=project.settings.spans_key)
        except AlError as error:
            return {"round": number, "refused": error.text}
        score = found.score
        row = FACTORIES.get(project.settings.factory or "")
        single = project.kind == "tags" or (
            project.kind == "categories" and row is not None and row.is_exclusive
        )
        return {
            "round": number,
            "refused": None,
            "score_name": "accuracy" if single else "F",
            "score": _row(score.f),
            "precision": _row(score.precision),
            "recall": _row(score.recall),
            "naive": score.naive,
            "expected": score.expected,
            "confidence": score.confidence,
            "overconfidence": _row(score.overconfidence),
            "labels": _rows(score.labels),
            "counts": _rows(score.counts),
            "n_draws": found.drawn,
            "n_answered": found.answered,
            "n_pool": score.n_pool,
        }
    return None


def _named_now(task: Task, labels: RunLabels) -> Task:
    """A question whose expectations have the labels of now; without them where a label is gone or another one's since."""
    expected = task.get(EXPECTED)
    if expected is None or not labels.is_known:
        return task
    names = [labels.today(label) for label in expected["labels"]]
    if None in names or len({*names}) < len(names):
        return {name: value for name, value in task.items() if name != EXPECTED}
    return {**task, EXPECTED: {**expected, "labels": names}}


def _row(found: Estimate | None) -> EstimateRow | None:
    return None if found is None else {"value": found.value, "low": found.low, "high": found.high}


def _rows(found: Mapping[str, Estimate]) -> dict[str, Any]:
    return {label: asdict(one) for label, one in found.items()}

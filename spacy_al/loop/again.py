"""Questions that are asked once more, beside a batch: those whose answers were taken back, and those about labels that came later."""

import math
from collections.abc import Collection, Mapping
from typing import Any

from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_al.config.project import Project
from spacy_al.kinds import FACTORIES
from spacy_al.loop.answers import merged_answers
from spacy_al.loop.likely import Likely, likely_places, open_model
from spacy_al.posteriors.component import TrainedComponent
from spacy_al.store.history import asked_anew
from spacy_al.store.store import Store
from spacy_al.tasks.decision import make_doc
from spacy_al.tasks.labels import START, RunLabels
from spacy_al.tasks.relabel import AGAIN
from spacy_al.tasks.task import Task, make_task
from spacy_al.tasks.yes_no import PROBABILITY
from spacy_al.training.trainer import MODEL
from spacy_al.util import content_hash

# Texts that are asked again beside a batch, as a share of it
SHARE = 0.25
# Texts of the development set that are asked again beside a batch, in batches: all of them have to be before it measures the label
DEV_SHARE = 1.0
# Where a text comes from, which is told again
KEPT = ("doc", "sentence", "before", "after")


def per_batch(project: Project) -> tuple[int, int]:
    """Texts that are asked again beside a batch at most, and of them those of the development set."""
    batch = project.settings.batch_size
    return max(1, int(SHARE * batch)), max(1, int(DEV_SHARE * batch))


def questions_once_more(store: Store, project: Project, number: int) -> list[tuple[str, Task]]:
    """What a round asks beside its batch, as it was answered before: purpose and task. Raises as `open_model`."""
    found = asked_anew(store, number)
    if len(store.labels().operations) > 1:
        whole = {task["text"] for _, task in found}
        component = open_model(project, project.folder(number) / MODEL)
        about = questions_again(store, project, number, component)
        found += [(purpose, task) for purpose, task in about if task["text"] not in whole]
    return found


def questions_again(
    store: Store, project: Project, number: int, component: TrainedComponent | None
) -> list[tuple[str, Task]]:
    """The questions of a round about labels that came after texts were answered, about those labels alone.

    Beside a batch at most a quarter of it, the likeliest first; and of a development set that was asked for as many as a batch
    has, until all of it was. Nothing is asked again twice.

    RETURNS (list): Purpose and task.
    """
    labels, kind = store.labels(), project.kind
    most, most_dev = per_batch(project)
    if all(one.kind == START for one in labels.operations):
        return []
    before: dict[str, set[str]] = {}
    first: dict[str, Task] = {}
    for stored in store.tasks():
        first.setdefault(stored.item, stored.task)
        before.setdefault(stored.item, set()).update(stored.task.get(AGAIN, ()))

    def open_labels(item: str, names: Collection[str]) -> list[str]:
        return [name for name in labels.names if name in names and name not in before[item]]

    merged = merged_answers(store, project)
    docs = {content_hash(doc.text): doc for doc in merged.docs}
    places = likely_places(component, labels, merged.docs, merged.lacking, kind=kind)
    ranked: list[tuple[float, str, Mapping[str, Likely]]] = [
        (1.0, item, {}) for item in merged.waiting
    ]
    ranked += [
        (max(one.prob for one in found.values()), item, found) for item, found in places.items()
    ]
    ranked.sort(key=lambda row: (-row[0], row[1]))
    tasks: list[tuple[str, Task]] = []
    for _, item, found in ranked:
        names = open_labels(item, found or labels.names)
        if names and len(tasks) < most:
            doc = docs.get(item)
            tasks.append(
                ("train", _question(project, number, first[item], doc, names, found, labels))
            )
    if project.settings.dev is None:
        dev = merged_answers(store, project, purpose="dev")
        n_dev, docs = 0, {content_hash(doc.text): doc for doc in dev.docs}
        for item, lacks in dev.lacking.items():
            names = open_labels(item, lacks)
            if names and n_dev < most_dev:
                n_dev += 1
                task = _question(project, number, first[item], docs.get(item), names, {}, labels)
                tasks.append(("dev", task))
    return tasks


def _question(
    project: Project,
    number: int,
    before: Task,
    answered: Doc | None,
    names: list[str],
    found: Mapping[str, Likely],
    labels: RunLabels,
) -> Task:
    """A text once more, about some labels alone; beside them stands what was answered."""
    row = FACTORIES[project.settings.factory or ""]
    bare = make_doc(before, Vocab())
    shown, marks = names, _marks(answered, project) if answered is not None else []
    suggestions: list[tuple[Any, ...]] = []
    if row.task == "categories":
        if row.is_exclusive:
            # of what excludes each other one alone is no question: what was chosen is the other choice, or anything
            chosen = (
                [label for label, value in answered.cats.items() if value >= 0.5]
                if answered
                else []
            )
            shown = (
                [name for name in labels.names if name in {*chosen, *names}]
                if chosen
                else labels.names
            )
        suggestions = [(name, found[name].prob) for name in names if name in found]
    meta = {key: value for key, value in before["meta"].items() if key in KEPT}
    score = max((one.prob for one in found.values()), default=None)
    meta |= {"round": number, "strategy": "asked again", "component": project.settings.component}
    if score is not None:
        meta |= {"score": round(score, 4), "scored_by": PROBABILITY}
    made = make_task(
        bare,
        suggestions=suggestions,
        component_kind=row.task,
        labels=shown,
        meta=meta,
        view_id=row.view_id,
        exclusive=row.is_exclusive,
    )
    made[AGAIN] = names
    if row.task != "categories":
        made["believed"] = marks
        doubts = {token: _entropy(one.prob) for one in found.values() for token in one.tokens}
        if doubts:
            # where to look, as other questions show where the model is not sure
            made["uncertainty"] = [doubts.get(token, 0.0) for token in range(len(bare))]
    return made


def _entropy(prob: float) -> float:
    p = min(max(prob, 1e-6), 1 - 1e-6)
    return round(-p * math.log(p) - (1 - p) * math.log(1 - p), 4)


def _marks(doc: Doc, project: Project) -> list[dict[str, Any]]:
    kind = project.kind
    if kind == "categories":
        return []
    if kind == "tags":
        spans = [(token.i, token.i + 1, token.tag_) for token in doc if token.tag_]
    else:
        found = doc.ents if kind == "entities" else doc.spans.get(project.settings.spans_key, ())
        spans = [(span.start, span.end, span.label_) for span in found]
    return [
        {
            "start": doc[start].idx,
            "end": doc[end - 1].idx + len(doc[end - 1]),
            "token_start": start,
            "token_end": end - 1,
            "label": label,
        }
        for start, end, label in spans
    ]

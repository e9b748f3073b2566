"""The pipeline that a run began with, where its config takes the component from one: what it knew before, and what is left of that."""

import json
from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from spacy_al.config.components import pipeline_folder
from spacy_al.config.project import Project
from spacy_al.config.settings import Settings
from spacy_al.evaluation.evaluate import evaluate
from spacy_al.evaluation.gold import stored_docs
from spacy_al.evaluation.stop_set import StopSet, read_stop_set
from spacy_al.loop.measured import gold_now
from spacy_al.measures.agreement import span_f1
from spacy_al.metrics import RoundMetrics, StartMetrics
from spacy_al.posteriors.component import TrainedComponent, open_component
from spacy_al.tasks.labels import RunLabels
from spacy_al.tasks.merge import write_corpus
from spacy_al.tasks.relabel import names_in
from spacy_al.training.add_labels import check_can_widen
from spacy_al.training.kept_labels import add_kept_labels
from spacy_al.training.made_from import hash_of
from spacy_al.util import replacing

FILE = "start.json"


def open_start(project: Project) -> TrainedComponent | None:
    """The component as the run's config takes it from a trained pipeline; None where it begins from nothing. It is opened once, and again
    where its files have changed; nothing that looks at it changes it.

    RAISES (AlError): AL085 if the pipeline cannot be loaded, AL135 if it cannot learn the labels that are asked for.
    """
    settings = project.settings
    if settings.source is None:
        return None
    start = _opened(
        settings.source, settings.component, project.code_text, project.gpu_id, _files(settings)
    )
    new = [label for label in settings.labels if label not in start.labels]
    check_can_widen(start.pipe, start.name, settings.source, new)
    return start


@lru_cache(maxsize=1)
def _opened(
    source: str, component: str | None, code: str | None, gpu_id: int, files: object
) -> TrainedComponent:
    return open_component(source, component, code=code, gpu_id=gpu_id)


def _files(settings: Settings) -> object:
    """The names, sizes and times of a pipeline's files, by which one sees whether it is still the same."""
    try:
        folder = pipeline_folder(str(settings.source))
        found = [(path, path.stat()) for path in sorted(folder.rglob("*")) if path.is_file()]
    except (OSError, ValueError):
        # opening it says why
        return None
    return tuple((str(path), stat.st_size, stat.st_mtime_ns) for path, stat in found)


def labels_kept(project: Project, start: TrainedComponent | None, labels: RunLabels) -> list[str]:
    """The labels that the pipeline knew and nobody is asked about. None where the run asks about all that it knows.

    labels (RunLabels): Of the run. What was ever one of them, by whatever name, is asked about, or was taken away by people.
    """
    settings = project.settings
    if start is None or not settings.asks_only:
        return []
    return [
        label
        for label in start.labels
        if label not in settings.labels and labels.parts(label) is None
    ]


def keep_labels_in(
    project: Project, start: TrainedComponent | None, docs: Sequence[Doc], labels: RunLabels
) -> int:
    """Write what the pipeline finds of the labels that are kept, but for those that the docs are labelled with, beside what they have.

    docs (Sequence[Doc]): Changed.
    labels (RunLabels): Of the run.
    RETURNS (int): How many marks were added.
    """
    kept = labels_kept(project, start, labels)
    if start is None or not kept:
        return 0
    there = names_in(docs, project.kind, project.settings.spans_key)
    wanted = [label for label in kept if label not in there]
    return add_kept_labels(
        start, docs, wanted, kind=project.kind, spans_key=project.settings.spans_key
    )


def gold_with_kept(
    project: Project,
    start: TrainedComponent | None,
    gold: Path,
    folder: Path,
    labels: RunLabels,
) -> Path:
    """A labelled corpus beside which the labels stand that are kept, or itself where there are none: probabilities are calibrated on it.
    No score is measured on it, and no model chosen, since what the pipeline itself found is right before anything is learned."""
    if not labels_kept(project, start, labels):
        return gold
    docs = list(stored_docs(gold))
    if not keep_labels_in(project, start, docs, labels):
        return gold
    made = folder / f"{gold.stem}-kept.spacy"
    write_corpus(docs, made)
    return made


def measure_start(
    project: Project, start: TrainedComponent, labels: RunLabels, folder: Path
) -> StartMetrics:
    """The scores of the pipeline that the run began with, on the texts that the rounds are measured on, by the names that labels have now.

    folder (Path): Of the round, for gold in names of now.
    """
    settings, kept = project.settings, labels_kept(project, start, labels)
    found: StartMetrics = {"model": str(settings.source), "labels": kept, "dev": None, "test": None}

    def score(gold: Path) -> float | None:
        now = gold_now(project, labels, gold, folder)
        # others may be found by components before this one
        asked = settings.labels if settings.asks_only else None
        return evaluate(start.nlp, now, start.name, labels=labels, measured=asked)["score"]

    if project.dev.exists():
        found["dev"] = score(project.dev)
    if settings.test:
        found["test"] = score(settings.test)
    return found


def before_training(
    project: Project, metrics: RoundMetrics, labels: RunLabels, folder: Path
) -> RoundMetrics:
    """The numbers of a round without anything to learn from: round 0 is the pipeline that the run begins with."""
    start = open_start(project)
    if start is None:
        return metrics
    found = measure_start(project, start, labels, folder)
    score = found["dev"] if found["test"] is None else found["test"]
    said = "nothing to measure on yet" if score is None else f"{score:.3f}"
    project.show(f"Begins with {found['model']}: {said}")
    if found["labels"]:
        project.show(
            f"ℹ Of {', '.join(found['labels'])} nobody is asked: what {found['model']} finds of them stands in the texts that train, so that they are "
            f"not forgotten"
        )
    return {**metrics, "start": found}


def measure_kept(
    project: Project,
    start: TrainedComponent,
    now: TrainedComponent,
    drawn: StopSet,
    predictions: dict[str, list[Any]],
    labels: RunLabels,
    folder: Path,
) -> StartMetrics:
    """What a round's model has kept of the labels that nobody is asked about, beside the scores of the pipeline itself.

    drawn, predictions: The random texts of the pool, and what the round's model says of them.
    RETURNS (StartMetrics): With `agreement`: F of the marks with kept labels, those of the pipeline taken for right; and, where test or
        dev is labelled with them, `before` and `after`: the scores over them of the pipeline and of the round's model.
    """
    found = measure_start(project, start, labels, folder)
    kept = set(found["labels"])
    if not kept:
        return found
    before = _predictions(project, start, drawn)
    both = [item for item in predictions if item in before]

    found["texts"] = len(both)
    found["agreement"] = span_f1(
        *([_only(said[item], kept) for item in both] for said in (before, predictions))
    )
    for name, gold in (("test", project.settings.test), ("dev", project.dev)):
        if gold is None or not gold.exists():
            continue
        there = names_in(stored_docs(gold), project.kind, project.settings.spans_key)
        if measured := sorted(kept & there):
            found["measured_on"], found["measured"] = name, measured
            found["before"], found["after"] = (
                evaluate(one.nlp, gold, one.name, measured=measured)["score"]
                for one in (start, now)
            )
            break
    return found


def _only(said: Sequence[Any], labels: Collection[str]) -> list[tuple[Any, ...]]:
    """The marks with some labels; a category is one of no place."""
    marks = [(None, None, one) if isinstance(one, str) else tuple(one) for one in said]
    return [mark for mark in marks if mark[-1] in labels]


def _predictions(project: Project, start: TrainedComponent, drawn: StopSet) -> dict[str, list[Any]]:
    """What the pipeline says of the random texts, read once as long as they and it stay what they are."""
    made_from = hash_of(pipeline_folder(str(project.settings.source)))
    path = project.output / FILE
    try:
        known = json.loads(path.read_text("utf8"))
        if known["made_from"] == made_from and known["ids"] == drawn["ids"]:
            return dict(known["predictions"])
    except (OSError, ValueError, LookupError, TypeError):
        pass
    assert project.settings.pool is not None
    predictions = read_stop_set(start, project.settings.pool, drawn)["predictions"]
    with replacing(path) as file:
        json.dump({"made_from": made_from, "ids": drawn["ids"], "predictions": predictions}, file)
    return predictions

"""The worth of a round's model: its scores, how far its probabilities can be trusted, and how much it leaves to learn."""

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

from spacy_al.config.project import Project
from spacy_al.evaluation.calibrate import calibrate_on_dev
from spacy_al.evaluation.evaluate import evaluate
from spacy_al.evaluation.gold import stored_docs
from spacy_al.evaluation.stop_set import read_stop_set, stop_set
from spacy_al.loop.groups import measure_groups
from spacy_al.loop.measured import gold_now, labels_of_gold, labels_on_dev
from spacy_al.loop.start import gold_with_kept, measure_kept, open_start
from spacy_al.measures.agreement import agreement
from spacy_al.metrics import Evaluation, RoundMetrics
from spacy_al.posteriors.component import TrainedComponent, open_component
from spacy_al.store.store import Store
from spacy_al.tasks.labels import RunLabels
from spacy_al.util import replacing

PREDICTIONS = "predictions.json"


def measure_round(store: Store, project: Project, number: int) -> RoundMetrics:
    """Scores of a round's model on dev and test, and what it says of the stop set; it is calibrated on dev by the way.

    RETURNS (RoundMetrics): `dev`, `test`: as `evaluate`, and what they count; `groups`: as `measure_groups`; `temperature`, `calibration_error`; `expected_errors`,
        `expected_answers`, `expected_labels`, `n_pool`; `kappa`, `span_f1` with the model before; `seconds_evaluate`.
    """
    folder, settings, started = project.folder(number), project.settings, time.perf_counter()
    component = open_component(
        str(folder / "model-best"),
        settings.component,
        posterior=settings.blocks.get("posterior"),
        labelled=(folder / "train.spacy",),
        code=project.code_text,
        gpu_id=project.gpu_id,
    )
    labels, start = store.labels(), open_start(project)
    kept = settings.asks_only
    dev = gold_now(project, labels, project.dev, folder)
    metrics: RoundMetrics = {
        "dev": _score(component, labels, dev, labels_on_dev(store, project), kept)
    }
    if settings.test:
        test = gold_now(project, labels, settings.test, folder)
        counted = labels_of_gold(project, labels, list(stored_docs(test)), "paths.test")
        metrics["test"] = _score(component, labels, test, counted, kept)
    gold = gold_with_kept(project, start, dev, folder, labels)
    metrics = {**metrics, **calibrate_on_dev(component, gold, settings.seed)}
    if settings.groups and metrics["dev"]["score"] is not None:
        groups = measure_groups(store, project, component, dev, labels, metrics["dev"])
        metrics |= {"groups": groups} if groups else {}
    assert settings.pool is not None
    drawn = stop_set(settings.pool, project.output, settings.seed)
    seen = read_stop_set(component.recalibrated(), settings.pool, drawn)
    now, lengths = seen["predictions"], seen["lengths"]
    metrics |= {
        "expected_errors": seen["expected_errors"],
        "expected_answers": seen["expected_answers"],
        "expected_labels": _named_counts(seen["expected_labels"], labels, start is not None),
        "n_pool": drawn["n_pool"],
    }
    if start is not None:
        metrics["start"] = measure_kept(project, start, component, drawn, now, labels, folder)
    earlier = project.folder(number - 1) / PREDICTIONS
    if earlier.is_file():
        before = json.loads(earlier.read_text("utf8"))
        # a label that was renamed since is no disagreement
        before, now = _named_now(before, labels), _named_now(now, labels)
        both = [identity for identity in now if identity in before]
        alike = agreement(
            [before[i] for i in both],
            [now[i] for i in both],
            project.kind,
            lengths=[lengths[i] for i in both],
        )
        metrics = {**metrics, **alike}
    with replacing(folder / PREDICTIONS) as file:
        json.dump(seen["predictions"], file)
    return {**metrics, "seconds_evaluate": round(time.perf_counter() - started, 2)}


def _score(
    component: TrainedComponent,
    labels: RunLabels,
    gold: Path,
    counted: tuple[list[str], dict[str, str]],
    kept: bool = False,
) -> Evaluation:
    """The score over the labels that count, and which these are. kept (bool): Whether the pipeline may find others, which nobody is asked about."""
    if not labels.is_known:
        return evaluate(component.nlp, gold, component.name)
    names, why = counted
    # all labels count as long as none came later, those that only the gold has as well
    only = names if why or kept else None
    found = evaluate(component.nlp, gold, component.name, labels=labels, measured=only)
    return {**found, "labels": names, "measures": labels.meaning(names), "not_measured": why}


def _named_counts(counts: dict[str, float], labels: RunLabels, keeps: bool) -> dict[str, float]:
    """What is counted by labels, by the names that they have now. keeps (bool): Labels that nobody is asked about are left out."""
    if not labels.is_known:
        return counts
    found = Counter[str]()
    for label, count in counts.items():
        name = labels.today(label) or label
        if not keeps or name in labels.names:
            found[name] += count  # type: ignore[assignment]
    return {**found}


def _named_now(predictions: dict[str, Any], labels: RunLabels) -> dict[str, Any]:
    """What a model says of texts, by the names that labels have now."""

    def named(one: Any) -> Any:
        if isinstance(one, str):
            return labels.today(one) or one
        if isinstance(one, (list, tuple)):
            return type(one)(named(part) for part in one)
        return one

    return {item: named(said) for item, said in predictions.items()}

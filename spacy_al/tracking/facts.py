"""A run's store told as a tracker hears it."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from spacy.util import load_config

from spacy_al.config.overrides import load_overridden
from spacy_al.config.project import Project
from spacy_al.config.tracking import without_tracking
from spacy_al.metrics import RoundMetrics
from spacy_al.store.store import Store
from spacy_al.tracking.tracker import TrackedRound, digest_of, numbers_of
from spacy_al.training.trainer import CONFIG, MODEL

EVENT = "tracked"
# A round is told of once its questions are there, or it has none
TOLD = ("wait", "done", "stopped")
# What training itself was told, beside [al]
TRAINING = ("seed", "dropout", "max_steps", "patience", "eval_frequency")
LONGEST, LONGEST_LABEL = 500, 100
SCORES = ("score", "precision", "recall", "texts")
COUNTS = (
    *("texts", "words", "words_labelled", "answers", "words_shown", "words_decided", "pool_texts"),
    *("eligible", "kappa", "span_f1", "expected_errors", "expected_answers", "self_trained"),
    *("seconds_train", "seconds_evaluate", "seconds_select", "seconds_answers"),
)
# Which characters all trackers take in a name
OTHERS = re.compile(r"[^\w\- .]|\.{2,}")


def run_key(store: Store) -> str:
    """The name of a run that no other has. It is made when it is first asked for, and stays with the store."""
    for event in store.events():
        if event["kind"] == EVENT:
            return str(event["data"]["key"])
    key = uuid4().hex
    store.log(EVENT, key=key)
    return key


def tracked_rounds(store: Store, project: Project) -> list[TrackedRound]:
    """The rounds that there is something to tell of, oldest first."""
    metrics = store.metrics()
    return [
        _tracked(project, one.number, one.state, metrics[one.number])
        for one in store.rounds()
        if one.state in TOLD and one.number in metrics
    ]


def round_figures(metrics: RoundMetrics) -> dict[str, float]:
    """The figures of a round: scores with their intervals, of each label too, the calibration error, counts and seconds."""
    known: Mapping[str, Any] = metrics
    found = numbers_of({name: known.get(name) for name in COUNTS})
    for name in ("dev", "test"):
        scores = known.get(name) or {}
        found |= numbers_of({key: scores.get(key) for key in SCORES}, f"{name}.")
        low, high = scores.get("interval") or (None, None)
        found |= numbers_of({"low": low, "high": high}, f"{name}.")
        for label, row in (scores.get("per_label") or {}).items():
            found |= numbers_of(row, f"{name}.{label_name(label)}.")
    errors = known.get("calibration_error") or {}
    return found | numbers_of(
        {"ece": errors.get("after"), "ece_uncalibrated": errors.get("before")}
    )


def label_name(label: str) -> str:
    """A label as part of a name that a tracker takes. Two labels never become one."""
    plain = OTHERS.sub("_", label)[:LONGEST_LABEL]
    return plain if plain == label else f"{plain}_{digest_of(label)[:6]}"


def _tracked(project: Project, number: int, state: str, metrics: RoundMetrics) -> TrackedRound:
    folder = project.folder(number)
    config, model = folder / CONFIG, folder / MODEL
    own = config if config.is_file() else None
    return TrackedRound(
        number,
        is_over=state != "wait",
        params=_params(project, own),
        hashes=metrics.get("hashes", {}),
        metrics=round_figures(metrics),
        strategy=metrics.get("strategy"),
        config=own,
        model=model if model.is_dir() else None,
    )


def _params(project: Project, config: Path | None) -> dict[str, str]:
    """What a round ran with: its own config says it, and before there is one the project's."""
    if config is not None:
        made = load_config(config, interpolate=True)
    else:
        made = load_overridden(project.config, project.overrides, interpolate=True)
    without_tracking(made)
    found = dict(_flat(made.get("al", {})))
    training = made.get("training", {})
    found |= {f"training.{name}": training[name] for name in TRAINING if name in training}
    settings = project.settings
    usual = {"seed": settings.seed, "learner": settings.learner, "component": settings.component}
    found = {**usual, **found}
    return {
        OTHERS.sub("_", name): _said(value) for name, value in found.items() if value is not None
    }


def _said(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text[:LONGEST]


def _flat(block: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Settings by dotted names; a block that names a function has the function's name."""
    for name, value in block.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield (prefix.rstrip(".") if name.startswith("@") else f"{prefix}{name}"), value

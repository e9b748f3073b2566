"""The best model of a run, and how to use it."""

import shlex
from collections.abc import Mapping
from typing import TypedDict

from spacy_al.config.project import Project
from spacy_al.loop.history import breaks
from spacy_al.metrics import RoundMetrics
from spacy_al.training.trainer import MODEL


class BestModel(TypedDict):
    """The model with the highest score on dev, the latest of several.

    round (int), model (str): Its round and folder.
    score (float | None), score_name (str): On dev; None where dev says nothing.
    texts (int | None), interval (tuple | None): What it was measured on, and where the score on other texts probably lies.
    load (str), package (str | None): A line of Python, and a command; no command for a model that scores 0, as it has learned nothing.
    """

    round: int
    model: str
    score: float | None
    score_name: str
    texts: int | None
    interval: tuple[float, float] | None
    load: str
    package: str | None


def best_model(project: Project, rounds: Mapping[int, RoundMetrics]) -> BestModel | None:
    """The best of the models that are there; of rounds whose score counts other labels than now none is compared."""
    since = max(breaks(rounds), default=0)
    found: BestModel | None = None
    for number in sorted(rounds):
        dev, model = rounds[number].get("dev"), project.folder(number) / MODEL
        if dev is None or number < since or not model.is_dir():
            continue
        score = dev["score"]
        if found is None or (score or 0.0) >= (found["score"] or 0.0):
            found = {
                "round": number,
                "model": str(model),
                "score": score,
                "score_name": dev["score_name"],
                # rounds of earlier versions may not know
                "texts": dev.get("texts"),
                "interval": dev.get("interval"),
                "load": f'nlp = spacy.load("{model}")',
                "package": None
                if score == 0
                else f"mkdir -p packages && python -m spacy package {shlex.quote(str(model))} packages "
                f"--name {package_name(project.config.stem)}"
                + (f" --code {shlex.quote(str(project.code))}" if project.code else ""),
            }
    return found


def package_name(stem: str) -> str:
    """A name that a Python package can have."""
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in stem)
    return kept.strip("_").lower() or "model"

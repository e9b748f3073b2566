"""A run of small models with the figures of their rounds, as a tracker is told of it."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import spacy

from spacy_al.config.overrides import load_overridden
from spacy_al.config.project import open_project
from spacy_al.config.tracking import without_tracking
from spacy_al.loop.hashes import training_hashes
from spacy_al.store.store import Store
from spacy_al.tasks.task import make_task
from spacy_al.tracking.mlflow_tracker import quietly
from spacy_al.training.made_from import hash_of
from tests.deployment.conftest import models  # noqa: F401

CONFIG = """[paths]
train = "{models}/train.spacy"
dev = "dev.spacy"
[nlp]
lang = "en"
pipeline = ["ner"]
[components]
[components.ner]
factory = "ner"
[training]
seed = 7
[al]
component = "ner"
output = "run"
batch_size = 7
[al.pool]
path = "{models}/train.spacy"
[al.sampler]
@al_samplers = "spacy-al.top_k.v1"
"""


def figures(score):
    return {
        "dev": {
            "score": score,
            "score_name": "ents_f",
            "precision": score,
            "recall": None,
            "texts": 150,
            "words": 900,
            "interval": (score - 0.1, score + 0.1),
            "per_label": {"DRUG": {"p": 1.0, "r": 0.5, "f": score}, "A/B|c": {"f": 0.25}},
        },
        "calibration_error": {"before": 0.2, "after": 0.05},
        "texts": 60,
        "words": 360,
        "words_labelled": 100,
        "seconds_train": 1.5,
        "strategy": "token_entropy",
        "balance": {"DRUG": 20},
    }


def question(text):
    return make_task(
        spacy.blank("en").make_doc(text),
        suggestions=[],
        component_kind="entities",
        view_id="ner_manual",
        labels=["DRUG"],
        meta={"round": 0, "component": "ner", "score": 0.5, "rank": 1, "strategy": "x"},
    )


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    """An empty store of MLflow's, which takes seconds to make."""
    mlflow = pytest.importorskip("mlflow")
    path = tmp_path_factory.mktemp("mlflow") / "empty.db"
    with quietly():
        mlflow.MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def run(models, tmp_path, monkeypatch):  # noqa: F811
    """Adds a round with a model and figures; the run has none yet."""
    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    shutil.copy(models / "dev.spacy", "dev.spacy")
    Path("x.cfg").write_text(CONFIG.format(models=models))

    def next_round(name="some", score=0.5, state="done", asks=None):
        with Store(Path("run", "al.db")) as store:
            number = len(store.rounds())
            store.open_round(number)
            folder = Path("run", f"round-{number:03}")
            shutil.copytree(models / name, folder / "model-best")
            shutil.copy(models / "train.spacy", folder / "train.spacy")
            made = load_overridden(Path("x.cfg"), {}, interpolate=False)
            without_tracking(made)
            made.to_disk(folder / "config.cfg")
            hashes = training_hashes(project(), folder)
            model = {"hash": hash_of(folder / "model-best"), "path": folder / "model-best"}
            metrics = {**figures(score), "hashes": hashes}
            tasks = [("train", question(asks))] if asks else []
            store.advance(number, state, model=model, metrics=metrics, tasks=tasks)
        return number

    return next_round


def project(**how):
    return open_project(Path("x.cfg"), **how)


def tracked(block, **how):
    """The run's project with a block [al.tracking]."""
    text = Path("x.cfg").read_text().partition("[al.tracking]")[0]
    Path("x.cfg").write_text(f"{text}[al.tracking]\n{block}")
    return replace(project(**how))

"""Loggers that others wrote, as they are: MLflow's in a real store, beside our own, and that of Weights & Biases offline."""

import shutil
import time
import warnings
from pathlib import Path

import pytest

from spacy_al.errors import AlWarning
from spacy_al.tracking.follow import tracked_project
from tests.tracking.conftest import project, tracked

pytestmark = pytest.mark.slow


def block(name, more=""):
    return f'[al.tracking.logger]\n@loggers = "{name}"\n{more}'


def follow(one):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # a logger that fails is a warning, and would pass unseen
        warnings.simplefilter("error", AlWarning)
        with tracked_project(one) as same:
            same.follow()


@pytest.fixture(scope="module")
def mlflow():
    return pytest.importorskip("mlflow")


@pytest.fixture
def tell(mlflow, run, monkeypatch):
    """Says where MLflow's own logger sends to, as a server's address in the environment does."""

    def to(address):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        mlflow.set_tracking_uri(address)

    yield to
    mlflow.set_tracking_uri(None)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_mlflows_own_logger_gets_each_round(run, mlflow, empty, tell, version):
    shutil.copy(empty, "m.db")
    address = f"sqlite:///{Path('m.db').resolve()}"
    tell(address)
    lines = []
    run(score=0.4)
    run("much", score=0.6)
    name = block(f"spacy.MLflowLogger.{version}", 'run_name = "mine"\n')
    follow(tracked(name, show=lines.append))
    follow(project())
    client = mlflow.MlflowClient(address)
    [own] = client.search_runs(["0"])
    assert own.info.run_name == "mine" and own.info.status == "FINISHED"
    curve = client.get_metric_history(own.info.run_id, "dev.DRUG.f")
    # this logger says no steps: its points are in order of time
    assert [(one.step, one.value) for one in curve] == [(0, 0.4), (0, 0.6)]
    assert own.data.metrics["score"] == 0.6 and "loss_ner" in own.data.metrics
    assert own.data.params["nlp.lang"] == "en" and not client.list_artifacts(own.info.run_id)
    assert any("0.60" in line for line in lines) == (version == "v1")
    # an address in the environment is one for ours too, which is told of the same rounds
    found = client.get_experiment_by_name("x")
    assert len(client.search_runs([found.experiment_id])) == 3


def test_its_server_that_is_down_costs_seconds(run, tell):
    tell("http://127.0.0.1:9")
    run(score=0.4)
    begun = time.monotonic()
    with (
        pytest.warns(AlWarning, match="ALW370") as said,
        tracked_project(tracked(block("spacy.MLflowLogger.v2"))) as one,
    ):
        one.follow()
    assert len(said) == 2 and time.monotonic() - begun < 60


@pytest.mark.realdata
def test_weights_and_biases_get_each_round(run, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    run(score=0.4)
    run("much", score=0.6)
    follow(tracked(block("spacy.WandbLogger.v5", 'project_name = "ward-3"\n')))
    [stored] = Path("wandb").glob("offline-run-*/run-*.wandb")
    told = stored.read_bytes()
    assert told.count(b"dev.DRUG.f") >= 2 and b"loss_ner" in told and b"ward-3" in told

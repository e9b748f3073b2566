"""A run in a real MLflow store: nested runs, curves, artefacts, the registry; each thing once, whatever is killed or deleted."""

import json
import shutil
import warnings
from pathlib import Path

import pytest
import spacy

from spacy_al.deployment.promote import promote, rollback
from spacy_al.errors import AlWarning
from spacy_al.loop.begun import open_run
from spacy_al.tracking.follow import tracked_project
from spacy_al.tracking.ledger import FILE
from spacy_al.tracking.mlflow_tracker import KEY, artifacts_beside, quietly
from tests.tracking.conftest import project, tracked

pytestmark = pytest.mark.slow
mlflow = pytest.importorskip("mlflow")


@pytest.fixture
def client(empty, run):
    Path("store").mkdir()
    shutil.copy(empty, "store/m.db")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # what could not be told would pass unseen
        warnings.simplefilter("error", AlWarning)
        yield mlflow.MlflowClient(address(), registry_uri=address())


def address():
    # MLflow keeps what it has opened, by this
    return f"sqlite:///{Path('store/m.db').resolve()}"


def at():
    return f'uri = "{address()}"\n'


def downloaded(run, name):
    return Path(
        mlflow.artifacts.download_artifacts(
            run_id=run.info.run_id, artifact_path=name, tracking_uri=address()
        )
    ).read_text()


def follow(one):
    with tracked_project(one) as same:
        same.follow()


def runs(client, name="x"):
    found = client.search_runs([client.get_experiment_by_name(name).experiment_id])
    return {one.data.tags[KEY].partition("/")[2]: one for one in found}


def artefacts(client, run):
    return {one.path for one in client.list_artifacts(run.info.run_id)}


def test_rounds_are_nested_and_make_curves(run, client):
    run(score=0.4)
    follow(tracked(at()))
    run("much", score=0.6, state="wait")
    follow(project())
    follow(project())
    found = runs(client)
    assert set(found) == {"", "0", "1"}
    parent = found[""]
    assert all(
        found[name].data.tags["mlflow.parentRunId"] == parent.info.run_id for name in ("0", "1")
    )
    curve = client.get_metric_history(parent.info.run_id, "dev.score")
    assert [(point.step, point.value) for point in curve] == [(0, 0.4), (1, 0.6)]
    assert found["0"].data.params["batch_size"] == "7"
    assert found["0"].data.tags["strategy"] == "token_entropy"
    assert found["0"].data.metrics["dev.DRUG.f"] == 0.4
    assert len(found["0"].data.tags["hash.model"]) == 32
    assert found["0"].info.status == "FINISHED" and found["1"].info.status == "RUNNING"
    assert artefacts(client, found["0"]) == {"config.cfg"}
    assert "report.html" in artefacts(client, parent)
    # beside the database, wherever one works
    assert Path(parent.info.artifact_uri.removeprefix("file://")).is_relative_to(
        Path("store").resolve()
    )
    assert not Path("mlruns").exists()


def test_artefacts_lie_beside_a_file_of_sqlite_alone(tmp_path):
    beside = artifacts_beside(f"sqlite:///{tmp_path}/m.db?timeout=9")
    assert beside == (tmp_path / "mlruns").as_uri()
    assert artifacts_beside("sqlite:///m.db") == (Path("mlruns").absolute()).as_uri()
    for other in ("sqlite://", "sqlite:///:memory:", "http://127.0.0.1:5000", "mlruns"):
        assert artifacts_beside(other) is None, other


def test_what_was_killed_before_it_was_noted_is_found_again(run, client):
    run(score=0.4)
    follow(tracked(at()))
    Path("run", FILE).unlink()
    follow(project())
    assert set(runs(client)) == {"", "0"} and len(runs(client)) == 2
    experiment = client.get_experiment_by_name("x").experiment_id
    assert len(client.search_runs([experiment])) == 2


def test_what_somebody_deletes_there_comes_back_whole(run, client):
    run(score=0.4)
    run(score=0.5)
    follow(tracked(at()))
    client.delete_run(runs(client)[""].info.run_id)
    run(score=0.6)
    follow(project())
    follow(project())
    curve = client.get_metric_history(runs(client)[""].info.run_id, "dev.score")
    assert sorted((point.step, point.value) for point in curve) == [(0, 0.4), (1, 0.5), (2, 0.6)]


def test_a_server_that_is_down_costs_seconds_and_nothing_else(run, client):
    run(score=0.4)
    with pytest.warns(AlWarning, match="ALW370") as said:
        follow(tracked('uri = "http://ann:secret@127.0.0.1:9"\n'))
    assert "secret" not in str(said[0].message)
    assert "secret" not in Path("run", FILE).read_text()
    follow(tracked(at()))
    assert set(runs(client)) == {"", "0"}


@pytest.mark.parametrize(
    "report, texts", [("none", None), ("without-texts", False), ("with-texts", True)]
)
def test_the_report_is_sent_as_it_is_asked_for(run, client, report, texts):
    run(score=0.4, asks="aspirin gave him")
    follow(tracked(f'{at()}report = "{report}"\n'))
    parent = runs(client)[""]
    if texts is None:
        assert artefacts(client, parent) == set()
        return
    assert ("aspirin gave him" in downloaded(parent, "report.html")) == texts
    assert not [path for path in Path("run").iterdir() if path.name.startswith(".attempt")]


def test_what_is_masked_is_not_sent(run, client):
    run(score=0.4, asks="aspirin gave P-20391")
    follow(tracked(f'{at()}report = "with-texts"\nmask = ["id"]\n'))
    page = downloaded(runs(client)[""], "report.html")
    assert "aspirin gave" in page and "20391" not in page


def aliases(client):
    found = client.get_registered_model("ward").aliases
    return {
        alias: client.get_model_version("ward", number).tags["round"]
        for alias, number in found.items()
    }


def test_the_registry_says_which_model_is_in_use(run, client):
    run("some", score=0.4)
    block = f'{at()}registered_model = "ward"\n'
    with tracked_project(tracked(block)) as one:
        promote(one)
    assert aliases(client) == {"champion": "0"}
    run("much", score=0.6)
    with tracked_project(project()) as one:
        assert promote(one).verdict.is_better
    assert aliases(client) == {"champion": "1", "previous": "0"}
    version = client.get_model_version_by_alias("ward", "champion")
    assert "against" in version.description
    own = runs(client)["1"]
    card = Path("run/round-001/model-best/model_card.md").read_text()
    assert downloaded(own, "promoted/model_card.md") == card
    # without being asked for, no weights are sent
    assert artefacts(client, own) == {"config.cfg", "promoted"}
    with tracked_project(project()) as one:
        rollback(one)
    assert aliases(client) == {"champion": "0"}
    with tracked_project(project()) as one:
        promote(one)
    assert aliases(client) == {"champion": "1", "previous": "0"}
    assert len(client.search_model_versions("name = 'ward'")) == 2
    with tracked_project(project()) as one:
        rollback(one)
        rollback(one)
    assert aliases(client) == {}


def test_weights_are_sent_if_they_are_asked_for_and_load_by_alias(run, client, monkeypatch):
    run("much", score=0.6)
    with tracked_project(tracked(f'{at()}registered_model = "ward"\nlog_model = true\n')) as one:
        promote(one)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address())
    with quietly():
        mlflow.set_tracking_uri(address())
        mlflow.set_registry_uri(address())
        nlp = mlflow.spacy.load_model("models:/ward@champion")
    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri(None)
    text = "aspirin Smith gave"
    here = spacy.load("run/round-000/model-best")(text)
    assert [(e.text, e.label_) for e in nlp(text).ents] == [(e.text, e.label_) for e in here.ents]
    assert here.ents


def test_an_address_in_the_environment_is_enough(run, client, monkeypatch):
    run(score=0.4)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address())
    follow(tracked('experiment = "ward 3"\n'))
    assert set(runs(client, "ward 3")) == {"", "0"}
    assert json.loads(Path("run", FILE).read_text())
    # a run of ours opens as ever
    assert open_run(Path("x.cfg")).settings.tracking.experiment == "ward 3"

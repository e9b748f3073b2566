"""Seven nights in production, shown in a real MLflow server: captured, drifted, asked, answered, trained, gated; the server is down for one of them."""

import json
import shutil
import warnings
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.oracle.annotator import make_oracle
from spacy_al.oracle.gold_texts import read_gold_texts
from spacy_al.store.champion import champions
from spacy_al.store.store import Store
from spacy_al.tracking.mlflow_tracker import KEY, quietly
from tests.helpers.mlflow_server import MlflowServer
from tests.journeys.test_nights import CLINICAL, LEGAL, docs_of, save, write_config

pytestmark = pytest.mark.slow
mlflow = pytest.importorskip("mlflow")
NIGHTS = 7
DAY = 40


@pytest.fixture
def server(tmp_path):
    found = MlflowServer(tmp_path / "mlflow")
    try:
        yield found.start()
    finally:
        found.kill()


def shipped(folder):
    """Clinical notes that ship, and contracts as what comes of another kind."""
    pool = docs_of("pool_gold", CLINICAL)
    return {
        "seed": docs_of("seed", CLINICAL),
        "dev": docs_of("dev", CLINICAL)[:80],
        "heldout": docs_of("test", CLINICAL)[:120],
        "pool": pool[:150],
        "days": pool[150:],
        "other": docs_of("pool_gold", LEGAL),
        "labels": sorted(CLINICAL | LEGAL),
    }


def phee(folder):
    """Case reports on drugs, and contracts as what comes of another kind."""
    read = {
        name: [*DocBin().from_disk(folder / "phee" / f"{name}.spacy").get_docs(Vocab())]
        for name in ("train", "dev", "test")
    }
    train, other = read["train"], docs_of("pool_gold", LEGAL)
    labels = {ent.label_ for doc in train for ent in doc.ents}
    return {
        "seed": train[:60],
        "dev": read["dev"][:80],
        "heldout": read["test"][:120],
        "pool": train[60:210],
        "days": train[210:900],
        "other": other,
        "labels": sorted(labels | LEGAL),
    }


@pytest.fixture(params=["shipped", pytest.param("phee", marks=pytest.mark.realdata)])
def days(request, tmp_path, monkeypatch, server):
    """A project that is followed, and what comes in by day."""
    folder = None
    if request.param == "phee":
        folder = request.getfixturevalue("realdata")
        if not (folder / "phee").is_dir():
            pytest.skip(f"no phee in {folder}")
    found = {"shipped": shipped, "phee": phee}[request.param](folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for name in ("seed", "dev", "heldout"):
        save(found[name], f"corpus/{name}.spacy")
    shutil.copy("corpus/heldout.spacy", "corpus/test.spacy")
    save(found["pool"], "corpus/pool/00000.spacy")
    save([*found["pool"], *found["days"], *found["other"]], "gold.spacy")
    tell(server, found["labels"])
    return found


def tell(server, labels, **values):
    """The config of a night."""
    write_config(max_rounds=NIGHTS + 1, batch_size=25, **values)
    path = Path("my.cfg")
    text = path.read_text("utf8")
    if "\nlabels =" not in text:
        text = text.replace("\n[al]\n", f"\n[al]\nlabels = {json.dumps(labels)}\n")
    block = (
        f'\n[al.tracking]\nuri = "{server.url}"\nexperiment = "ward"\nregistered_model = "ward"\n'
    )
    path.write_text(text + block, "utf8")


def typed(*words, status=(0,)):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = CliRunner().invoke(app, [*words])
    assert done.exit_code in status, done.output
    return done.output


def capture(docs):
    shutil.rmtree("captured", ignore_errors=True)
    nlp = spacy.blank("en")
    nlp.add_pipe("al_capture", config={"folder": "captured"})
    list(nlp.pipe(doc.text for doc in docs))
    nlp.get_pipe("al_capture").recorder.close()


def answer(texts):
    """A day's work, as gold has it."""
    oracle = make_oracle()
    with Store(Path("training/al/al.db"), create=False) as store:
        for stored in store.unanswered():
            payload = {"answer": "ignore"}
            if stored.item in texts:
                payload, _ = oracle(
                    stored.task, texts[stored.item], kind="entities", spans_key="sc", seed=0
                )
            store.add_answer(stored.id, payload, id=f"day-{stored.id}", annotator="ann")


def night(docs):
    """What `configs/nightly/nightly.sh` does, in this process. RETURNS (tuple): Output of all, exit status of the look and of the gate."""
    capture(docs)
    shutil.rmtree("corpus/tonight", ignore_errors=True)
    said = typed("ingest", "captured", "corpus/tonight")
    said += typed("ingest", "captured", "corpus/pool", "--add")
    said += typed("run", "my.cfg", "--once", status=(0, 3))
    look = typed("status", "my.cfg", "--check", "--recent", "corpus/tonight", status=(0, 4))
    gate = typed("promote", "my.cfg", "--gold", "corpus/heldout.spacy", status=(0, 4))
    return said, look, gate


def in_use():
    with Store(Path("training/al/al.db"), create=False) as store:
        return [one.round for one in champions(store)]


def test_a_week(days, server):
    looks, gates, promoted = [], [], []
    texts = read_gold_texts(Path("gold.spacy"))
    for number in range(NIGHTS):
        # of the first nights one training hardly happens, and one night's is spoilt on purpose
        steps = {0: 20, 5: 1}.get(number, 80)
        tell(server, days["labels"], max_steps=steps, eval_frequency=min(steps, 40))
        come = days["other" if number == 3 else "days"]
        start = 0 if number == 3 else number * DAY
        if number == 4:
            server.kill()
        said, look, gate = night(come[start : start + DAY])
        assert ("ALW370" in said + gate) == (number == 4), said
        if number == 4:
            server.start()
        looks.append("Recent texts differ" in look)
        gates.append("Refused" in gate)
        promoted.append(in_use()[-1])
        answer(texts)
    # the alarm of night four, and only there
    assert looks == [False, False, False, True, False, False, False], looks
    assert promoted[0] == 0 and promoted[1] == 1 and gates[5] and promoted[5] != 5
    check_mlflow(server, promoted)


def check_mlflow(server, promoted):
    with quietly():
        client = mlflow.MlflowClient(server.url, registry_uri=server.url)
        experiment = client.get_experiment_by_name("ward").experiment_id
        found = {
            run.data.tags[KEY].partition("/")[2]: run for run in client.search_runs([experiment])
        }
        assert set(found) == {"", *map(str, range(NIGHTS))}
        parent = found.pop("").info.run_id
        assert {run.data.tags["mlflow.parentRunId"] for run in found.values()} == {parent}
        curve = client.get_metric_history(parent, "dev.score")
        # each night once, that of the night without a server too
        assert [point.step for point in sorted(curve, key=lambda p: p.step)] == [*range(NIGHTS)]
        spoilt = next(point.value for point in curve if point.step == 5)
        assert spoilt == min(point.value for point in curve if point.step)
        version = client.get_model_version_by_alias("ward", "champion")
        assert version.tags["round"] == str(promoted[-1]) == str(in_use()[-1])
        before = client.get_model_version_by_alias("ward", "previous")
        assert before.tags["round"] == str(in_use()[-2])
        own = found[version.tags["round"]].info.run_id
        card = client.list_artifacts(own, "promoted")
        assert [one.path for one in card] == ["promoted/model_card.md"]

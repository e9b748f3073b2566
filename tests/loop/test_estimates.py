"""A run says how good its model is in the pool, from what it asked; where it drew nothing it says what that would take."""

import json

import numpy
import pytest
import spacy

from spacy_al.cli.status import format_status
from spacy_al.config.project import open_project
from spacy_al.loop.estimates import pool_estimate
from spacy_al.loop.report import write_report
from spacy_al.loop.risks import label_balances
from spacy_al.loop.rounds import run
from spacy_al.loop.status import status
from spacy_al.oracle.gold_texts import read_gold_texts
from spacy_al.reporting.estimates import count_sentence
from spacy_al.store.store import Store
from tests.helpers.chaos import LABELS, OVERRIDES, ROOT, corpus

CONFIG = ROOT / "configs" / "ner.cfg"


def project_of(folder, output, **changed):
    paths = {"train": "seed", "dev": "dev", "pool": "pool_gold"}
    own = {f"paths.{key}": str(folder / f"{name}.spacy") for key, name in paths.items()}
    own |= {
        **OVERRIDES,
        "al.labels": LABELS,
        "paths.test": None,
        "al.output": str(output),
        "al.batch_size": 40,
    }
    own |= {"al.max_rounds": 1, **changed}
    return open_project(CONFIG, own, oracle=folder / "pool_gold.spacy")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("corpus")
    corpus(made)
    return made


@pytest.fixture(scope="module")
def drawn(folder):
    # long enough to find anything
    steps = {"training.max_steps": 60, "training.eval_frequency": 30}
    sampler = {"al.sampler.beta": 1.0, "al.sampler.explore": 0.3}
    project = project_of(folder, folder / "drawn", **sampler, **steps)
    assert run(project).state == "stopped"
    return project


def test_a_label_is_told_from_the_pool_by_what_has_an_interval():
    """Of German court texts 20 draws made 937 of 61 persons, and a model of F .04 expected three times as many as there were."""
    rows = {"A": (500.0, 400.0, 620.0), "B": (937.0, None, None), "C": (90.0, 80.0, 100.0)}
    pool = {
        "refused": None,
        "score_name": "F",
        "counts": {
            label: {"value": value, "low": low, "high": high}
            for label, (value, low, high) in rows.items()
        },
    }
    labels = {"A": 490.0, "B": 180.0, "C": 10.0, "D": 60.0}
    metrics = {"expected_labels": labels, "labelled": {"A": 90, "B": 5, "C": 3, "D": 2}}
    found = {row["label"]: row for row in label_balances(metrics, pool)}
    assert [found[label]["expected"] for label in "ABCD"] == [500.0, 180.0, 90.0, 60.0]
    # 5 of 100 beside 180 of 830, and 2 beside 60, as the model has it alone
    assert [label for label in "ABCD" if found[label]["is_short"]] == ["C"]
    assert count_sentence(pool) == (
        "Labels in that pool, estimated (95%): A 500 (400 to 620), C 90 (80 to 100). Too few of the texts drawn have B."
    )


@pytest.mark.slow
def test_the_score_in_the_pool_is_that_of_the_model_which_chose(drawn, folder):
    found = status(drawn)["pool"]
    json.dumps(found)
    assert found["round"] == 0 and found["refused"] is None and found["n_draws"] == 40
    with Store(drawn.database, create=False) as store:
        assert pool_estimate(store, drawn) == found
        assert found["n_pool"] == store.metrics()[0]["eligible"]
    # all that could be drawn: the pool without what is in train and dev
    nlp = spacy.load(drawn.folder(0) / "model-best")
    known = {doc.text for name in ("seed", "dev") for doc in read_gold_texts(folder / f"{name}.spacy").values()}  # fmt: skip
    gold = [doc for doc in read_gold_texts(folder / "pool_gold.spacy").values() if doc.text not in known]  # fmt: skip
    assert len(gold) >= found["n_pool"]
    sums = numpy.zeros(3)
    for doc in gold:
        said = {(s.start_char, s.end_char, s.label_) for s in nlp(doc.text).ents}
        wanted = {(s.start_char, s.end_char, s.label_) for s in doc.ents}
        sums += len(said & wanted), len(said), len(wanted)
    assert found["score"]["low"] <= 2 * sums[0] / (sums[1] + sums[2]) <= found["score"]["high"]
    total = sum(row["value"] for row in found["counts"].values())
    assert total == pytest.approx(sums[2], rel=0.35)


@pytest.mark.slow
def test_where_it_shows(drawn, tmp_path):
    said = format_status(status(drawn))
    assert "Score in the pool of" in said and "from 40 draws; naive" in said
    assert "(95%: " in said and "Labels in that pool, estimated" in said
    page = write_report(drawn, folder=tmp_path).read_text("utf8")
    assert "estimated from what was asked" in page and "Labels in that pool" in page
    facts = json.loads((tmp_path / "metrics.json").read_text("utf8"))
    assert facts["pool"] == json.loads(json.dumps(status(drawn)["pool"]))


@pytest.mark.slow
def test_the_shipped_config_can_be_estimated_as_it_is(folder, tmp_path):
    project = project_of(folder, tmp_path / "al")
    run(project)
    found = status(project)["pool"]
    assert found["refused"] is None and found["n_draws"] == 40


@pytest.mark.slow
@pytest.mark.parametrize("sampler, code", [
    ({"al.sampler": {"@al_samplers": "spacy-al.top_k.v1"}}, "AL450"),
    ({"al.sampler.explore": 0.0}, "AL451"),
])  # fmt: skip
def test_what_cannot_be_estimated_says_what_it_takes(folder, tmp_path, sampler, code):
    project = project_of(folder, tmp_path / "al", **sampler)
    run(project)
    found = status(project)
    assert found["pool"]["refused"] and found["pool"]["round"] == 0
    said = format_status(found)
    assert "No score in the pool can be had from the batch of round 0" in said
    assert "explore" in said and "±0.05" in said
    with Store(project.database, create=False) as store:
        tasks = [stored.task for stored in store.tasks(0)]
    assert (tasks[0]["meta"].get("design") == "deterministic") == (code == "AL450")

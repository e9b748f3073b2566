"""A run that begins with a trained pipeline: it learns the new label, and what it knew is kept and measured."""

import json
from dataclasses import replace

import pytest
import spacy

from spacy_al.config.init import init
from spacy_al.config.project import open_project
from spacy_al.loop import start
from spacy_al.loop.facts import run_facts
from spacy_al.loop.labels import config_labels
from spacy_al.loop.rounds import run
from spacy_al.loop.start import labels_kept, measure_start, open_start
from spacy_al.loop.status import status
from spacy_al.posteriors.component import open_component
from spacy_al.tasks.labels import START, RunLabels
from tests.helpers.old_pipeline import old_pipeline, texts, write_docs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """The project of a run of two rounds from a pipeline that finds people, which is taught drugs."""
    folder = tmp_path_factory.mktemp("start")
    model = old_pipeline(folder / "model")
    init(folder / "my.cfg", model=str(model), component="ner", labels=["DRUG"])
    gold = write_docs(folder / "pool.spacy", 1, ("DRUG",), 120)
    overrides = {
        "paths.pool": str(gold),
        "paths.dev": str(write_docs(folder / "dev.spacy", 2, ("DRUG",), 60)),
        "paths.test": str(write_docs(folder / "test.spacy", 3, ("DRUG", "PERSON"), 60)),
        "al.output": str(folder / "run"),
        "al.batch_size": 30,
        "al.max_rounds": 2,
    }
    project = open_project(folder / "my.cfg", overrides, oracle=gold)
    run(project)
    return project


def metrics(project, number):
    return json.loads((project.folder(number) / "metrics.json").read_text("utf8"))


def test_round_0_is_the_pipeline_itself(begun):
    assert not (begun.folder(0) / "model-best").exists()
    assert metrics(begun, 0)["start"]["test"] == 0.0
    facts = run_facts(begun)
    assert facts["rounds"][0]["score"] == 0.0 and facts["rounds"][0]["words"] == 0


def test_only_the_new_label_is_asked_about(begun):
    assert config_labels(begun) == ["DRUG"]
    first = (begun.folder(0) / "tasks.jsonl").read_text("utf8").splitlines()
    assert {tuple(json.loads(line)["labels"]) for line in first} == {("DRUG",)}
    # and the pipeline's people are no suggestions
    assert all(not json.loads(line).get("spans") for line in first)


def test_it_learns_the_new_label_and_keeps_the_old_one(begun):
    found = metrics(begun, 2)
    assert found["dev"]["score"] > 0.8 and found["dev"]["labels"] == ["DRUG"]
    start = found["start"]
    assert start["labels"] == ["PERSON"] and start["agreement"] > 0.9
    assert start["measured_on"] == "test" and start["measured"] == ["PERSON"]
    assert start["after"] > start["before"] - 0.05
    nlp = spacy.load(begun.folder(2) / "model-best")
    said = nlp("Today Ada took aspirin on day 5 .")
    assert [(e.text, e.label_) for e in said.ents] == [("Ada", "PERSON"), ("aspirin", "DRUG")]
    # what it was besides it still is
    words = next(texts(5))[0]
    old = spacy.load(begun.settings.source)
    assert [t.tag_ for t in nlp(" ".join(words))] == [t.tag_ for t in old(" ".join(words))]


def test_without_what_it_found_the_old_label_is_forgotten(begun, tmp_path, monkeypatch):
    """The texts that answers make say of each name that it is none; so this is what the kept labels are for."""
    monkeypatch.setattr("spacy_al.loop.corpus.keep_labels_in", lambda *_: 0)
    overrides = {**begun.overrides, "al.output": str(tmp_path / "run")}
    run(project := open_project(begun.config, overrides, oracle=begun.oracle))
    start = metrics(project, 2)["start"]
    assert start["after"] < metrics(begun, 2)["start"]["after"] - 0.3


def test_a_label_that_was_renamed_or_taken_away_is_not_kept_by_its_old_name(begun):
    known = RunLabels().changed(START, ["PERSON", "DRUG"])
    start = open_start(begun)
    assert labels_kept(begun, start, RunLabels().changed(START, ["DRUG"])) == ["PERSON"]
    for change in (("rename", ["PERSON"], "HUMAN"), ("remove", ["PERSON"])):
        now = known.changed(*change)
        named = replace(begun, settings=replace(begun.settings, labels=now.names))
        assert labels_kept(named, start, now) == []


def test_what_a_ruler_before_it_finds_is_no_label_of_the_component(begun, tmp_path):
    """spaCy adds such labels to the recogniser as it reads: they were kept from the second look on, and counted as mistakes at the first."""
    nlp = spacy.load(begun.settings.source)
    ruler = nlp.add_pipe("entity_ruler", before="ner")
    ruler.add_patterns([{"label": "NUM", "pattern": [{"LIKE_NUM": True}]}])
    nlp.to_disk(tmp_path / "model")
    found = {}
    for name, model in (("ruled", tmp_path / "model"), ("plain", begun.settings.source)):
        for labels in (["DRUG"], ["PERSON", "DRUG"]):
            config = tmp_path / f"{name}{len(labels)}.cfg"
            init(config, model=str(model), component="ner", labels=labels)
            project = open_project(config, begun.overrides)
            first, known = open_start(project), RunLabels().changed(START, labels)
            looks = [measure_start(project, first, known, tmp_path) for _ in range(2)]
            assert looks[0] == looks[1]
            found[name, len(labels)] = looks[0]
    assert found["ruled", 1]["labels"] == ["PERSON"] and found["ruled", 2]["labels"] == []
    assert found["ruled", 2]["test"] == found["plain", 2]["test"] > 0.5


def test_status_says_where_the_best_model_is_and_how_to_ship_it(begun):
    found = status(begun)
    assert found["best"] is not None and found["best"]["round"] == 2
    assert str(begun.folder(2) / "model-best") in found["best"]["package"]
    assert found["start"] is not None and found["start"]["model"] == begun.settings.source


def test_no_answers_no_marks_of_a_model_are_stored_as_a_persons(begun):
    lines = (begun.folder(0) / "answers.jsonl").read_text("utf8").splitlines()
    assert {span["label"] for line in lines for span in json.loads(line)["spans"]} == {"DRUG"}


def test_without_labels_it_asks_about_all_that_it_knows(begun, tmp_path):
    init(tmp_path / "all.cfg", model=str(begun.settings.source), component="ner")
    overrides = {k: v for k, v in begun.overrides.items() if k.startswith("paths")}
    project = open_project(
        tmp_path / "all.cfg", {**overrides, "al.output": str(tmp_path / "run")}, oracle=begun.oracle
    )
    assert not project.settings.asks_only
    assert open_start(project) is not None
    run(replace(project, settings=replace(project.settings, max_rounds=1)))
    first = (project.folder(0) / "tasks.jsonl").read_text("utf8").splitlines()
    assert {tuple(json.loads(line)["labels"]) for line in first} == {("DRUG", "PERSON")}


def test_the_pipeline_is_opened_once_and_again_where_it_was_trained_anew(tmp_path, monkeypatch):
    model = old_pipeline(tmp_path / "model")
    init(tmp_path / "my.cfg", model=str(model), component="ner", labels=["DRUG"])
    pool = write_docs(tmp_path / "pool.spacy", 1, ("DRUG",), 5)
    project = open_project(tmp_path / "my.cfg", {"paths.pool": str(pool), "paths.dev": str(pool)})
    opened = []
    monkeypatch.setattr(
        start, "open_component", lambda *a, **k: opened.append(a) or open_component(*a, **k)
    )
    first = open_start(project)
    # as in the next step, whose settings are read again
    assert open_start(replace(project, settings=replace(project.settings))) is first
    assert len(opened) == 1
    spacy.load(model).to_disk(model)
    assert open_start(project) is not first and len(opened) == 2

"""A batch shows what a teacher says as the teacher's, asks it once a text, and can be chosen by it."""

import math
from dataclasses import replace

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_al.config.settings import Settings
from spacy_al.config.teacher import TeacherBlock
from spacy_al.errors import AlError
from spacy_al.posteriors.component import open_component
from spacy_al.query.random_order import ask_in_order, random_order
from spacy_al.query.select import select
from spacy_al.teachers.ask import open_said
from tests.helpers.ner_oracle import make_ner

TEXTS = ["aspirin gave him Paris", "No drug was here", "Paris gave him aspirin", "he saw her"]
PATTERNS = [{"label": "DRUG", "pattern": "aspirin"}, {"label": "PER", "pattern": "Paris"}]
BY_TEACHER = {"@al_acquisitions": "spacy-al.disagreement_teacher.v1"}


@pytest.fixture
def settings(tmp_path):
    docs = [spacy.blank("en")(text) for text in TEXTS]
    DocBin(docs=docs).to_disk(tmp_path / "pool.spacy")
    teacher = TeacherBlock(component={"factory": "entity_ruler", "patterns": PATTERNS})
    return Settings(
        component="ner",
        factory="ner",
        output=tmp_path / "out",
        pool=tmp_path / "pool.spacy",
        labels=["DRUG", "PER"],
        teacher=teacher,
    )


@pytest.fixture
def model(tmp_path):
    make_ner(updates=30).to_disk(tmp_path / "model")
    return str(tmp_path / "model")


def by_text(selection):
    return {task["text"]: task for task in selection.tasks}


def test_before_there_is_a_model_its_marks_are_shown_as_its_own(settings):
    found = by_text(select(settings.pool, settings=settings, n=2))
    assert len(found) == 2 and open_said(settings).cache.calls == 2
    found |= by_text(select(settings.pool, settings=settings, n=4))
    assert open_said(settings).cache.calls == 4
    spans = found[TEXTS[0]]["spans"]
    assert [(one["label"], one["source"]) for one in spans] == [
        ("DRUG", "teacher"),
        ("PER", "teacher"),
    ]
    assert all("score" not in one for one in spans)
    assert "what the teacher entity_ruler says" in found[TEXTS[0]]["meta"]["teacher"]
    assert found[TEXTS[3]]["spans"] == [] and "teacher" in found[TEXTS[3]]["meta"]


def test_it_may_be_silent(settings):
    quiet = replace(settings, teacher=replace(settings.teacher, suggest=False))
    for task in select(settings.pool, settings=quiet, n=4).tasks:
        assert task["spans"] == [] and "teacher" not in task["meta"]
    # what is to measure by is asked without it in any case
    order = random_order(settings.pool, settings, 2)
    for task in ask_in_order(settings.pool, settings, order, order.ids, 0):
        assert task["spans"] == [] and "teacher" not in task["meta"]
    assert open_said(settings).cache.calls == 0


def test_beside_a_model_it_is_told_in_words(settings, model):
    found = by_text(select(settings.pool, settings=settings, model=model, n=4))
    component = open_component(model)
    for text, task in found.items():
        (own,) = component.posteriors([component.nlp.make_doc(text)])
        shown = {(s.start, s.end, s.label) for s in own.greedy}
        assert {(s["token_start"], s["token_end"] + 1, s["label"]) for s in task["spans"]} == shown
        assert all("source" not in one for one in task["spans"])
        names = {"aspirin": "DRUG", "Paris": "PER"}
        words = text.split()
        said = {(i, i + 1, names[w]) for i, w in enumerate(words) if w in names}
        told = task["meta"]["teacher"]
        assert told.startswith("The teacher entity_ruler says")
        assert ("the same" in told) == (said == shown)
        for start, end, label in said - shown:
            assert f"“{' '.join(words[start:end])}” {label}" in told.partition("also")[2]


def test_it_chooses_what_the_model_holds_to_be_improbable(settings, model):
    highest = {"@al_samplers": "spacy-al.top_k.v1"}
    own = replace(settings, blocks={"acquisition": BY_TEACHER, "sampler": highest})
    selection = select(settings.pool, settings=own, model=model, n=4)
    assert open_said(settings).cache.calls == 4 and selection.strategy.startswith(
        "disagreement_teacher"
    )
    component = open_component(model)
    names = {"aspirin": "DRUG", "Paris": "PER"}
    for task in selection.tasks:
        words = task["text"].split()
        said = [(i, i + 1, names[w]) for i, w in enumerate(words) if w in names]
        (posterior,) = component.posteriors([component.nlp.make_doc(task["text"])])
        assert task["meta"]["score"] == pytest.approx(-posterior.logprob(said), abs=1e-4)
    scores = [task["meta"]["score"] for task in selection.tasks]
    assert scores == sorted(scores, reverse=True) and all(map(math.isfinite, scores))
    two = select(settings.pool, settings=own, model=model, n=4, n_process=2)
    assert [task["text"] for task in two.tasks] == [task["text"] for task in selection.tasks]


def test_without_a_teacher_it_says_what_to_do(settings, model):
    with pytest.raises(AlError, match="AL440"):
        select(settings.pool, model=model, acquisition="disagreement_teacher")


def test_categories_and_labels_of_its_own(settings):
    nlp = spacy.blank("en")
    nlp.add_pipe("textcat").add_label("A")
    block = {"factory": "al_test_topic"}
    teacher = TeacherBlock(component=block, labels={"med": "MEDICINE", "other": "OTHER"})
    own = replace(settings, factory="textcat", component="textcat", labels=[], teacher=teacher)
    found = by_text(select(settings.pool, settings=own, n=4))
    options = {one["id"]: one for one in found[TEXTS[0]]["options"]}
    assert options["MEDICINE"]["score"] == 1 and options["OTHER"]["score"] == 0
    assert {one["source"] for one in options.values()} == {"teacher"}


@spacy.Language.component("al_test_topic")
def topic(doc):
    has = "aspirin" in doc.text
    doc.cats = {"med": 0.6 if has else 0.1, "other": 0.4 if has else 0.9}
    return doc

"""A run whose config has answers that contradict each other settled: what trains, what is stored, and what is shown."""

import json
import warnings

import pytest
import spacy

from spacy_al.cli.answers import format_answers
from spacy_al.cli.status import format_status
from spacy_al.config.project import open_project
from spacy_al.errors import AlWarning, UsageError
from spacy_al.loop.answer_list import answer_lines, look_at_answers
from spacy_al.loop.answers import merged_answers, reviews
from spacy_al.loop.corpus import make_round_corpus
from spacy_al.loop.second import second_opinions
from spacy_al.loop.status import status
from spacy_al.store.answer_list import Filters
from spacy_al.store.desk import next_tasks
from spacy_al.store.history import withdraw
from spacy_al.store.store import Store
from spacy_al.tasks.task import make_task
from tests.helpers.chaos import OVERRIDES, ROOT

LABELS = ["DRUG", "PERSON"]


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """So that a dozen of texts will do."""
    monkeypatch.setattr("spacy_al.store.settle.FEWEST_TEXTS", 1)


TEXTS = [f"Brown gave aspirin to patient {number}" for number in range(14)]
RIGHT = [(0, "PERSON"), (2, "DRUG")]
CONFIG = ROOT / "configs" / "ner.cfg"


def marks(*spans):
    return {
        "answer": "accept",
        "spans": [{"token_start": n, "token_end": n, "label": label} for n, label in spans],
    }


@pytest.fixture
def overrides(tmp_path):
    (tmp_path / "pool.spacy").write_bytes(
        spacy.tokens.DocBin(docs=[spacy.blank("en")(text) for text in TEXTS]).to_bytes()
    )
    paths = {"train": None, "dev": None, "test": None, "pool": str(tmp_path / "pool.spacy")}
    own = {"al.output": str(tmp_path / "al"), "al.labels": LABELS, "al.overlap": 3}
    return {**{f"paths.{key}": value for key, value in paths.items()}, **OVERRIDES, **own}


def answered(project, people):
    """A run whose first round was answered. people: Name -> what they mark in a text, by its number.

    RETURNS (list): The ids of its questions.
    """
    nlp = spacy.blank("en")
    with Store(project.database) as store:
        store.open_round(0)
        tasks = [
            make_task(
                nlp.make_doc(text),
                suggestions=[],
                component_kind="entities",
                labels=LABELS,
                meta={"round": 0},
                view_id="ner_manual",
            )
            for text in TEXTS
        ]
        store.advance(0, "wait", tasks=[("train", task) for task in tasks])
        ids = [stored.id for stored in store.tasks(0)]
        for number, id in enumerate(ids):
            for who, say in people.items():
                payload = marks(*say(number))
                store.add_answer(id, payload, id=f"{who}{number}", annotator=who, seconds=4.0)
        store.advance(0, "done")
        store.open_round(1)
        return ids


def train(project):
    with Store(project.database) as store:
        corpus = make_round_corpus(store, project, store.round())
        store.advance(1, "select", metrics=corpus.metrics)
        return corpus, reviews(store, 1)


def cleo(number):
    return RIGHT if number % 7 else [(0, "DRUG")]


def spammer(number):
    return [(number % 5, LABELS[number % 2])]


PEOPLE = {"ann": lambda number: RIGHT, "bob": lambda number: RIGHT, "cleo": cleo}


@pytest.mark.parametrize("method", ["majority", "dawid_skene"])
def test_what_is_overruled_is_stored_and_shown(overrides, method):
    project = open_project(CONFIG, {**overrides, "al.consensus": method})
    ids = answered(project, PEOPLE)
    corpus, review = train(project)
    assert review == [] and corpus.counts["answered"] == 14
    kept = corpus.metrics["consensus"]
    assert kept["method"] == method and kept["left"] == 0 and len(kept["settled"]) == 2
    assert set(kept["overruled"]) == {ids[0], ids[7]}
    assert kept["overruled"][ids[0]]["cleo"]["left_out"] == [[0, 1, "DRUG"]]
    found = status(project)
    expected = {"method": method, "texts": 2, "overruled": {"cleo": 2}, "left": 0}
    assert found["consensus"] == expected
    shown = format_status(found)
    assert f"The consensus ({method}) settled 2 texts" in shown and "cleo 2" in shown
    rows = look_at_answers(project, Filters(disagreement=True))
    assert len(rows) == 6 and {row.disagreement for row in rows} == {"settled"}
    lines = format_answers(rows, 20).splitlines()
    assert [line for line in lines if "overruled" in line] == [
        line for line in lines if " cleo " in line
    ]
    # answers themselves stay as they were given
    said = {line["_al_said"]["number"]: line for line in answer_lines(project, rows)}
    wrong = kept["overruled"][ids[0]]["cleo"]["answer"]
    assert [span["label"] for span in said[wrong]["spans"]] == ["DRUG"]
    assert said[wrong]["_al_said"]["overruled"]["put_in"] == [[0, 1, "PERSON"], [2, 3, "DRUG"]]


def test_without_a_consensus_they_are_reviewed(overrides):
    project = open_project(CONFIG, overrides)
    answered(project, PEOPLE)
    corpus, review = train(project)
    assert len(review) == 2 and "consensus" not in corpus.metrics
    assert status(project)["consensus"] is None


def test_with_two_people_it_says_that_it_cannot_tell(overrides):
    project = open_project(CONFIG, {**overrides, "al.consensus": "dawid_skene"})
    answered(project, {name: PEOPLE[name] for name in ("ann", "cleo")})
    with pytest.warns(AlWarning, match="ALW430"):
        corpus, review = train(project)
    assert len(review) == 2 and corpus.metrics["consensus"]["left"] == 2
    # the majority of two that differ is none, and that is no news
    project = open_project(CONFIG, {**overrides, "al.consensus": "majority"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(train(project)[1]) == 2


def test_status_says_who_is_how_good_and_who_tells_nothing(overrides):
    project = open_project(CONFIG, {**overrides, "al.consensus": "dawid_skene"})
    answered(project, {**PEOPLE, "sam": spammer})
    train(project)
    found = status(project)
    rows = {one["name"]: one for one in found["people"]["skills"]}
    assert [name for name, one in rows.items() if one["is_spammer"]] == ["sam"]
    for one in rows.values():
        for share in (one["right"], one["finds"], one["score"]):
            assert 0 <= share["low"] <= share["value"] <= share["high"] <= 1
    shown = format_status(found)
    assert "The answers of sam tell next to nothing" in shown and "--annotator sam" in shown
    assert "Krippendorff's alpha" in shown and "The answers of ann" not in shown
    json.dumps(found)


def test_mace_is_for_what_has_one_label(overrides):
    with pytest.raises(UsageError, match="AL430"):
        open_project(CONFIG, {**overrides, "al.consensus": "mace"})
    for wrong in ("most", 3, {"method": "majority", "least": 0.2}, {"methods": "majority"}):
        with pytest.raises(UsageError, match="AL083"):
            open_project(CONFIG, {**overrides, "al.consensus": wrong})
    block = {"method": "majority", "least": 0.7, "prior": "model"}
    settings = open_project(CONFIG, {**overrides, "al.consensus": block}).settings
    assert settings.consensus.least == 0.7 and settings.consensus.prior == "model"


@pytest.fixture
def reasking(overrides):
    """Three people have answered most texts, and one of them alone the last two: cleo, who is often wrong, and ann, who never is."""
    project = open_project(CONFIG, {**overrides, "al.reask": 0.5, "al.batch_size": 4})
    say = {**PEOPLE, "cleo": lambda number: RIGHT if number % 2 else [(3, "DRUG"), (4, "PERSON")]}
    answered(project, say)
    alone = {12: "ann", 13: "cleo"}
    with Store(project.database) as store:
        for number, id in enumerate(stored.id for stored in store.tasks(0)):
            for who in say:
                if alone.get(number, who) != who:
                    [one] = store.answers_of(id, who)
                    withdraw(store, one.seq, "delete", id=f"gone-{who}{number}")
        store.advance(0, "done")
        store.open_round(1)
    return project


def test_a_second_opinion_is_asked_of_somebody_else(reasking):
    with Store(reasking.database) as store:
        second = second_opinions(store, reasking, 1)
        # the answers of who is often wrong come first
        assert [task["text"] for task in second][:1] == [TEXTS[13]] and len(second) == 2
        store.advance(1, "wait", tasks=[("train", task) for task in second])
        asked = next_tasks(store, "cleo", n=5, overlap=3)
        assert [one.task["text"] for one in asked] == [TEXTS[12]]
        [own] = next_tasks(store, "ann", n=5, overlap=3)
        assert own.task["text"] == TEXTS[13] and own.id.endswith("-second")
        # one further answer is enough
        store.add_answer(own.id, marks(*RIGHT), id="second", annotator="ann")
        assert next_tasks(store, "bob", n=5, overlap=3) == []
        # nothing is asked for a third opinion, and what agrees trains once
        store.advance(1, "done")
        store.open_round(2)
        assert all(task["text"] != TEXTS[13] for task in second_opinions(store, reasking, 2))
        merged = merged_answers(store, reasking)
        assert len(merged.docs) == 8 and not merged.report["duplicate text"]


def test_nobody_is_asked_again_by_default_or_before_anybody_is_known(overrides, reasking):
    with Store(reasking.database) as store:
        plain = open_project(CONFIG, {**overrides, "al.batch_size": 4})
        assert second_opinions(store, plain, 1) == []
    other = {**overrides, "al.output": overrides["al.output"] + "2", "al.reask": 1.0}
    project = open_project(CONFIG, other)
    answered(project, {"ann": lambda number: RIGHT, "cleo": cleo})
    with Store(project.database) as store:
        assert second_opinions(store, project, 1) == []
    with pytest.raises(UsageError, match="AL083"):
        open_project(CONFIG, {**overrides, "al.reask": 1.5})

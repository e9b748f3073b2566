"""`status --check`: recent texts beside those that the run is measured on."""

import json
from pathlib import Path

import numpy
import pytest
import spacy
from spacy.tokens import Doc, DocBin

from spacy_al.deployment.drift import FEWEST, check_drift
from spacy_al.errors import AlError
from spacy_al.loop.facts import run_facts
from tests.deployment.conftest import WORDS, command, project


def texts(path, words, n=150, seed=9):
    nlp, rng = spacy.blank("en"), numpy.random.default_rng(seed)
    docs = [
        Doc(nlp.vocab, words=[*rng.choice(words, 5).tolist(), f"u{seed}x{i}"]) for i in range(n)
    ]
    DocBin(docs=docs).to_disk(path)
    return path


@pytest.fixture
def begun(run):
    run("much")
    return run


def test_texts_of_the_same_kind_are_no_alarm(begun):
    texts("recent.spacy", WORDS)
    found = check_drift(project(), Path("recent.spacy"))
    assert found.alarms == [] and (found.n_before, found.n_now) == (150, 150)
    # how far the model can be believed where labels say how good it is
    assert found.score_name == "ents_f" and found.expected_before == pytest.approx(
        found.score, abs=0.15
    )
    result = command("status", "--check", "--recent", "recent.spacy")
    assert result.exit_code == 0 and "Nothing differs" in result.output


def test_texts_of_another_kind_are_an_alarm_with_status_4(begun):
    texts("recent.spacy", ["fever", "gave", "him", "two", "daily", "in"])
    result = command("status", "--check", "--recent", "recent.spacy", "--json")
    assert result.exit_code == 4
    found = json.loads(result.stdout)
    names = {test["name"] for test in found["check"]["tests"] if test["adjusted"] < 0.01}
    assert {"texts with DRUG", "what texts are about"} <= names
    # it is kept, and the next look at where the run is says so; that is no alarm of its own
    assert set(found["drift"]["alarms"]) == names
    after = command("status")
    assert after.exit_code == 0 and "differ from those that the run is measured on" in after.output
    assert "Recent texts differ" in command("status", "--recent", "recent.spacy").output
    [first, second] = run_facts(project())["drift"]
    assert first["alarms"] == second["alarms"] == found["drift"]["alarms"]
    assert {one["name"] for one in first["compared"] if one["p"] < 0.01} == names
    assert first["expected_now"] == found["check"]["expected_now"] != first["expected_before"]


def test_without_more_it_looks_at_the_own_pool(begun):
    found = check_drift(project())
    assert found.n_now == 60 and found.alarms == []


def test_too_few_texts_show_nothing(begun):
    texts("recent.spacy", WORDS, n=FEWEST - 1)
    with pytest.raises(AlError, match="AL365"):
        check_drift(project(), Path("recent.spacy"))

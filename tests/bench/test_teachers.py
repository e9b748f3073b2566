"""What is measured of teachers: mistakes come at their rates, and what is accepted is counted against the gold."""

import numpy
import pytest

from spacy_al import get_posteriors
from spacy_al.bench.teacher_mistakes import RATES, Texts, accept_texts, corrupted, find_wrong
from spacy_al.bench.teachers import summarise
from tests.helpers.ner_oracle import make_ner, random_doc


@pytest.fixture(scope="module")
def texts():
    nlp = make_ner(updates=30)
    rng = numpy.random.default_rng(0)
    docs = [random_doc(nlp, rng, int(rng.integers(3, 8))) for _ in range(120)]
    own = get_posteriors(nlp, docs)
    # gold is what the model says, so that it is right
    gold = [{(s.start, s.end, s.label) for s in one.best} for one in own]
    return Texts(gold, [[False] * len(doc) for doc in docs], own, ["DRUG", "PER"])


def test_mistakes_are_found_by_a_model_that_is_right(texts):
    said = corrupted(texts, RATES["rough"], 1)
    assert corrupted(texts, RATES["rough"], 1) == said != corrupted(texts, RATES["rough"], 2)
    found = find_wrong(texts, said)
    wrong = sum(a != b for a, b in zip(texts.marks, said)) / len(said)
    assert found["wrong texts"] == pytest.approx(wrong) and 0.1 < wrong < 0.9
    assert found["disagreement"] > found["sequence entropy"] and found["disagreement"] > 0.7
    assert 0 < found["F"] < 1
    # where nothing is wrong there is nothing to find
    right = find_wrong(texts, texts.marks)
    assert right["disagreement"] is None and right["F"] == 1


def test_what_is_accepted_is_counted_against_the_gold(texts):
    all_right = accept_texts(texts, texts.marks, 0, 1e-6)
    assert all_right["wrong"] == 0 and all_right["accepted"] > all_right["audited"] > 0
    assert all_right["on"] is (all_right["high"] <= 0.1)
    nothing = accept_texts(texts, texts.marks, 0, 1.0)
    assert nothing["wrong"] is nothing["high"] is None and not nothing["on"] and not nothing["ever"]
    said = [marks ^ {(0, 1, "PER")} for marks in texts.marks]
    assert accept_texts(texts, said, 0, 1e-6)["wrong"] == 1


def test_the_tables_say_how_often_it_was_wrong(texts):
    about = {"corpus": "bc5cdr", "seed": 0, "teacher": "rough", "dev": 0.5}
    said = corrupted(texts, RATES["rough"], 1)
    rows = [{**about, "what": "find", **find_wrong(texts, said)}]
    for draw in range(3):
        found = accept_texts(texts, said, draw, 0.5)
        rows.append({**about, "what": "accept", "from": 0.5, "draw": draw, **found})
    shown = summarise(rows)
    assert "disagreement" in shown and "on with too many wrong" in shown
    assert shown.count("bc5cdr") == 2

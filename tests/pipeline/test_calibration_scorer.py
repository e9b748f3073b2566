"""Calibration beside F in spaCy's evaluation, against `calibrate`'s own figures of the same documents."""

import numpy
import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_al import get_posteriors
from spacy_al.evaluation.events import chosen
from spacy_al.evaluation.figures import figures, judge
from spacy_al.evaluation.gold import align_gold
from spacy_al.pipeline.calibration_scorer import CALIBRATION, PREFIXES
from tests.evaluation.test_calibrate import drawn
from tests.helpers.ner_oracle import make_ner
from tests.posteriors.test_readers import make

SCORER = {"@scorers": CALIBRATION}


def examples(nlp, docs):
    return [Example(nlp.make_doc(doc.text), doc) for doc in docs]


@pytest.mark.slow
@pytest.mark.parametrize("component", ["ner", "textcat", "textcat_multilabel", "spancat", "tagger"])
def test_the_figures_are_those_of_calibrate(component):
    nlp = make_ner() if component == "ner" else make(component)
    docs = drawn(nlp, component, 30)
    gold = align_gold(nlp, component, docs)
    posteriors = get_posteriors(nlp, gold.docs)
    expected = judge(posteriors, gold)["candidates"]
    if component == "tagger":
        expected = figures(chosen(posteriors, gold.answers))
    nlp.add_pipe("al_scorer", config={"scorer": SCORER})
    scores = nlp.evaluate(examples(nlp, docs))
    prefix = {"ner": "ents", "spancat": "spans", "tagger": "tag"}.get(component, "cats")
    assert prefix in PREFIXES.values()
    for name in ("ece", "brier", "log_loss"):
        # probabilities are kept in single precision
        assert scores[f"{prefix}_{name}"] == pytest.approx(expected[name], abs=1e-4)
    assert scores[f"{prefix}_ece_low"] <= scores[f"{prefix}_ece_high"] <= 1
    if component == "ner":
        assert "ents_f" in scores


@pytest.mark.slow
def test_a_classifier_needs_no_other_component():
    nlp = make("textcat")
    own = {"@scorers": "spacy.textcat_scorer.v2"}
    docs = drawn(nlp, "textcat", 20)
    expected = judge(get_posteriors(nlp, docs), align_gold(nlp, "textcat", docs))["candidates"]
    plain = nlp.evaluate(examples(nlp, docs))
    nlp.get_pipe("textcat").scorer = spacy.registry.resolve({"s": {**SCORER, "scorer": own}})["s"]
    scores = nlp.evaluate(examples(nlp, docs))
    assert scores["cats_ece"] == pytest.approx(expected["ece"], abs=1e-5)
    assert scores["cats_brier"] == pytest.approx(expected["brier"], abs=1e-5)
    assert scores["cats_score"] == plain["cats_score"] and "cats_ece" not in plain


def test_entities_that_nobody_annotated_are_not_judged():
    nlp = make_ner()
    nlp.add_pipe("al_scorer", config={"scorer": SCORER})
    words = ["Dr", "Smith", "gave", "him", "two", "mg"]
    nothing = Doc(nlp.vocab, words=words)
    scores = nlp.evaluate([Example(nlp.make_doc(nothing.text), nothing)])
    assert scores["ents_ece"] is None and scores["ents_ece_low"] is None
    partly = Doc(nlp.vocab, words=words)
    partly.set_ents([Span(partly, 0, 2, "PER")], missing=[partly[3:6]], default="outside")
    scores = nlp.evaluate([Example(nlp.make_doc(partly.text), partly)])
    spans = [s for s in nlp(partly.text)._.al.spans if s.prob >= 0.01 and s.end <= 3]
    right = [(s.start, s.end, s.label) == (0, 2, "PER") for s in spans]
    expected = numpy.mean([(s.prob - hit) ** 2 for s, hit in zip(spans, right)])
    assert scores["ents_brier"] == pytest.approx(expected)


def test_it_is_kept_with_the_pipeline_and_absent_by_default(tmp_path):
    nlp = make_ner()
    nlp.add_pipe("al_scorer")
    docs = drawn(make_ner(), "ner", 4)
    assert "ents_ece" not in nlp.evaluate(examples(nlp, docs))
    nlp.remove_pipe("al_scorer")
    nlp.add_pipe("al_scorer", config={"scorer": SCORER})
    nlp.to_disk(tmp_path / "model")
    again = spacy.load(tmp_path / "model")
    scores = again.evaluate(examples(again, docs))
    assert scores["ents_ece"] == pytest.approx(nlp.evaluate(examples(nlp, docs))["ents_ece"])
    # switched off, nothing is scored
    with again.select_pipes(disable=["al_scorer"]):
        assert "ents_ece" not in again.evaluate(examples(again, docs))


@pytest.mark.slow
def test_a_training_can_weigh_it(tmp_path):
    """As `spacy train` chooses its best model: by `[training.score_weights]`, the error with a negative weight."""
    from spacy.training.loop import create_evaluation_callback

    nlp = make_ner()
    nlp.add_pipe("al_scorer", config={"scorer": SCORER})
    docs = drawn(make_ner(), "ner", 12)
    weights = {"ents_f": 0.5, "ents_ece": -0.5, "ents_log_loss": 0.0, "ents_ece_low": None}
    weighted, scores = create_evaluation_callback(nlp, lambda _: examples(nlp, docs), weights)()
    assert weighted == pytest.approx(0.5 * scores["ents_f"] - 0.5 * scores["ents_ece"])

"""Scales and biases of categories: fitted by `calibrate` where folds say so, stored beside the model, and read back."""

from typing import Any

import numpy
import pytest
import spacy
from typer.testing import CliRunner

from spacy_al import AlError, get_posteriors
from spacy_al.arrays.scaling import Scaling, logits_of, rescaled
from spacy_al.cli import app
from spacy_al.errors import UsageError
from spacy_al.evaluation.calibrate import calibrate
from spacy_al.evaluation.category_scaling import category_texts
from spacy_al.evaluation.events import chosen_labels
from spacy_al.measures.vector_scaling import probs_of
from spacy_al.posteriors.outputs import exclusive_probs, independent_probs
from spacy_al.posteriors.read import reader_of
from spacy_al.posteriors.rescale import at_temperature
from spacy_al.posteriors.temperature import read_calibration
from tests.evaluation.test_calibrate import saved, texts
from tests.posteriors.test_readers import make

COMPONENTS = ["textcat", "textcat_multilabel"]


def biased(nlp, component, bias, n=200):
    """Documents drawn from what the model says after a bias for each category."""
    rng = numpy.random.default_rng(0)
    docs = [nlp.make_doc(text) for text in texts(n)]
    for doc, posterior in zip(docs, get_posteriors(nlp, docs, component, temperature=1.0)):
        exclusive = posterior.exclusive
        logits = logits_of(posterior.probs[None], exclusive=exclusive) + bias
        probs = probs_of(logits, exclusive=exclusive)[0]
        right = rng.multinomial(1, probs) if exclusive else rng.random(len(probs)) < probs
        doc.cats = dict(zip(posterior.labels, map(float, right)))
    return docs


@pytest.mark.parametrize("component", COMPONENTS)
def test_it_is_fitted_stored_read_and_carried(component, tmp_path):
    nlp = make(component)
    gold = saved(biased(nlp, component, [1.5, -1.5, 0.0]), tmp_path / "gold.spacy")
    nlp.to_disk(tmp_path / "model")
    result = CliRunner().invoke(
        app, ["calibrate", str(tmp_path / "model"), str(gold), "--by-label"]
    )
    assert result.exit_code == 0 and "Temperature: by label, scale" in result.output
    nlp = spacy.load(tmp_path / "model")
    record = read_calibration(nlp, component)
    fitted: Any = record["temperature"]
    labels = nlp.get_pipe(component).labels
    assert [*fitted] == ["scale", "bias"] and [*fitted["bias"]] == [*labels]
    assert fitted["bias"][labels[0]] > fitted["bias"][labels[1]] + 1
    assert record["loss"]["after"] < record["loss"]["before"] - 0.05
    # by the very formula, read anew or made of what was read
    docs = [nlp.make_doc(text) for text in ("two mg", "Dr Smith gave him two")]
    raw = get_posteriors(nlp, docs, component, temperature=1.0)
    scaling = Scaling(*(numpy.array([*fitted[key].values()]) for key in ("scale", "bias")))
    exclusive = raw[0].exclusive
    logits = logits_of(numpy.array([p.probs for p in raw]), exclusive=exclusive)
    expected = probs_of(rescaled(logits, scaling), exclusive=exclusive)
    read = get_posteriors(nlp, docs, component)
    # the pipeline writes what it did, whatever is most probable now, and that is what scores are of
    for doc, *found in zip(docs, read, at_temperature(nlp.get_pipe(component), raw, fitted)):
        cats = [*nlp(doc.text).cats.values()]
        written = [p == max(cats) if exclusive else p >= 0.5 for p in cats]
        for posterior in found:
            assert posterior.written.tolist() == written
            told = {label: True for label, yes in zip(labels, written) if yes}
            known = told if exclusive else dict.fromkeys(labels, False) | told
            assert [one[0] for one in chosen_labels(posterior, known)] == [*told]
    if exclusive:
        assert any(p.written.argmax() != p.probs.argmax() for p in read)
    for found in (read, at_temperature(nlp.get_pipe(component), raw, fitted)):
        numpy.testing.assert_allclose([p.probs for p in found], expected, atol=1e-6)
    nlp.add_pipe("al_scorer")
    nlp.to_disk(tmp_path / "with")
    doc = spacy.load(tmp_path / "with")("two mg")
    assert doc._.al.calibrated
    assert [*doc._.al.probs.values()] == pytest.approx([*read[0].probs])


def test_it_is_for_whoever_asks_and_for_categories_alone(tmp_path):
    nlp = make("textcat")
    gold = saved(biased(nlp, "textcat", [1.5, -1.5, 0.0]), tmp_path / "gold.spacy")
    nlp.to_disk(tmp_path / "model")
    assert isinstance(calibrate(tmp_path / "model", gold)["temperature"], float)
    make("tagger").to_disk(tmp_path / "tagger")
    with pytest.raises(UsageError, match="AL462"):
        calibrate(tmp_path / "tagger", gold, by_label=True)


@pytest.mark.parametrize("kind", ["softmax", "logistic", "logits"])
@pytest.mark.parametrize("exclusive", [True, False])
def test_what_it_does_to_probabilities_does_not_hang_on_the_last_layer(exclusive, kind):
    """It is fitted on the probabilities. What all logits of a row have in common, or more than float32 can say, has no part in it."""
    logits = numpy.array([[2.0, 0.0, -1.0], [-3.0, -4.0, -5.0], [60.0, -120.0, 3.0]])
    scores = logits
    if kind != "logits":
        probs = probs_of(logits, exclusive=kind == "softmax")
        scores = probs.astype("f4")
    to_probs = exclusive_probs if exclusive else independent_probs
    raw = to_probs(scores, kind, 1.0, None)
    scaling = Scaling(numpy.array([0.2, 1.0, 2.0]), numpy.array([0.0, 0.5, -0.5]))
    expected = probs_of(rescaled(logits_of(raw, exclusive=exclusive), scaling), exclusive=exclusive)
    found = to_probs(scores, kind, scaling, None)
    numpy.testing.assert_allclose(found, expected, atol=1e-6)


def test_what_is_no_scaling_of_these_labels_is_refused():
    nlp = make("textcat")
    pipe, read = nlp.get_pipe("textcat"), reader_of(nlp, "textcat")
    whole = {"scale": dict.fromkeys(pipe.labels, 1.0), "bias": dict.fromkeys(pipe.labels, 0.0)}
    docs = [nlp.make_doc("two mg")]
    raw = read(pipe, docs, 1.0)
    assert read(pipe, docs, whole)[0].probs == pytest.approx(raw[0].probs)
    wrong = [{"scale": whole["scale"]}, {"closed": 1.0, "open": 1.0}]
    wrong += [whole | {"scale": whole["scale"] | {pipe.labels[0]: value}} for value in (0.0, "x")]
    wrong += [whole | {"bias": {pipe.labels[0]: 0.0}}]
    wrong += [whole | {"bias": whole["bias"] | {pipe.labels[0]: numpy.inf}}]
    for temperature in wrong:
        with pytest.raises(AlError, match="AL010"):
            read(pipe, docs, temperature)
        with pytest.raises(AlError, match="AL010"):
            at_temperature(pipe, raw, temperature)
    # tags have one temperature
    tagger = make("tagger")
    with pytest.raises(AlError, match="AL010"):
        reader_of(tagger, "tagger")(tagger.get_pipe("tagger"), docs, whole)


def test_texts_whose_category_is_not_known_are_left_out():
    nlp = make("textcat")
    posterior = get_posteriors(nlp, [nlp.make_doc("two mg")], "textcat")[0]
    first = posterior.labels[0]
    answers = [{first: True}, {first: False}, {}, {"NEW": True}]
    assert len(category_texts([posterior] * 4, answers).right) == 1
    several = make("textcat_multilabel")
    posterior = get_posteriors(several, [several.make_doc("two mg")], "textcat_multilabel")[0]
    right = category_texts([posterior] * 2, [{first: True}, {first: False}]).right
    assert right[:, 0].tolist() == [1, 0] and numpy.isnan(right[:, 1:]).all()

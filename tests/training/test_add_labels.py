"""Labels that a trained component learns later: which components can, and that what they know stays what it was."""

import pytest
import spacy
from spacy.tokens import Doc
from spacy.training import Example

from spacy_al.errors import AlError
from spacy_al.training.add_labels import check_can_widen, make_add_labels
from tests.helpers.old_pipeline import old_pipeline


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return old_pipeline(tmp_path_factory.mktemp("old") / "model")


def test_a_recogniser_is_widened_and_finds_what_it_found(model):
    nlp, text = spacy.load(model), "Today Ada took aspirin ."
    before = [(e.text, e.label_) for e in nlp(text).ents]
    check_can_widen(nlp.get_pipe("ner"), "ner", "model", ["DRUG"])
    make_add_labels("ner", ["DRUG"])(nlp)
    assert nlp.get_pipe("ner").labels == ("DRUG", "PERSON")
    assert before == [("Ada", "PERSON")]
    assert [(e.text, e.label_) for e in nlp(text).ents if e.label_ == "PERSON"] == before


def test_another_callback_is_called_first(model):
    nlp, called = spacy.load(model), []
    make_add_labels("ner", ["DRUG"], before=lambda nlp: called.append(nlp.get_pipe("ner").labels))(
        nlp
    )
    assert called == [("PERSON",)]


BAG = {
    "@architectures": "spacy.TextCatBOW.v3",
    "length": 100,
    "exclusive_classes": True,
    "ngram_size": 1,
    "no_output_layer": False,
}


@pytest.mark.parametrize("factory", ["textcat", "textcat_multilabel"])
def test_categories_are_widened_where_spacy_can(factory):
    nlp = spacy.blank("en")
    model = {**BAG, "exclusive_classes": factory == "textcat"}
    pipe = nlp.add_pipe(factory, config={"model": model})
    doc = Doc(nlp.vocab, words=["a", "b"], tags=["X", "Y"])
    doc.cats = {"X": 1.0, "Y": 0.0}
    nlp.initialize(lambda: [Example(Doc(nlp.vocab, words=["a", "b"]), doc)])
    check_can_widen(pipe, factory, "model", ["Z"])
    make_add_labels(factory, ["Z"])(nlp)
    assert "Z" in pipe.labels
    assert pipe.predict([nlp.make_doc("a b")]) is not None


def test_the_best_model_is_chosen_by_the_labels_that_are_measured(model):
    """Of others it would be right before the first step."""
    nlp = spacy.load(model)
    make_add_labels("ner", ["DRUG"], measured=["DRUG"])(nlp)
    scores = []
    for pipeline in (spacy.load(model), nlp):
        gold = pipeline("Today Ada took aspirin .")
        assert [e.label_ for e in gold.ents] == ["PERSON"]
        example = Example(pipeline.make_doc(gold.text), gold)
        scores.append(pipeline.evaluate([example])["ents_f"])
    assert scores[0] == 1.0 and not scores[1]


@pytest.mark.parametrize("factory", ["spancat", "tagger"])
def test_what_cannot_be_widened_says_so(factory):
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe(factory)
    pipe.add_label("X")
    nlp.initialize()
    with pytest.raises(AlError, match="AL135"):
        check_can_widen(pipe, factory, "model", ["Z"])
    check_can_widen(pipe, factory, "model", [])

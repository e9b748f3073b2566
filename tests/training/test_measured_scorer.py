"""A training is not judged by what its dev does not measure, and its model keeps its own scorer."""

import pytest
import spacy
from confection import Config
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_al.training.measured_scorer import MEASURED, RESTORED, score_only

KINDS = {
    "ner": "ents_f",
    "spancat": "spans_sc_f",
    "tagger": "tag_acc",
    "textcat": "cats_macro_f",
    "textcat_multilabel": "cats_macro_f",
}


def labelled(vocab, label):
    doc = Doc(vocab, words=["a", "b"])
    doc.set_ents([Span(doc, 0, 1, "A"), *([Span(doc, 1, 2, label)] if label else [])])
    doc.spans["sc"] = list(doc.ents)
    doc[0].tag_, doc[1].tag_ = "A", label or "A"
    doc.cats = {"A": 1.0, "B": float(label == "B")}
    return doc


@pytest.mark.parametrize("factory", KINDS)
def test_what_is_found_of_others_is_not_wrong(factory):
    config = Config({"components": {factory: {"factory": factory}}})
    score_only(config, factory, ["A"])
    block = config["components"][factory]["scorer"]
    assert block["@scorers"] == MEASURED
    own = spacy.registry.resolve({"it": block["scorer"]})["it"]
    ours = spacy.registry.resolve({"it": block})["it"]
    vocab, name = spacy.blank("en").vocab, KINDS[factory]
    how = {"spans_key": "sc", "threshold": 0.5, "labels": ["A", "B"]}

    def score(scorer):
        # the model finds a B where dev has none, as nobody was asked
        gold = labelled(vocab, "" if factory != "tagger" else "B")
        said = labelled(vocab, "B")
        return scorer([Example(said, gold)], **how)[name]

    assert score(ours) == 1.0
    # a classifier that has not found what is not there has a mean that is halved by it
    assert score(own) < 1.0 or factory == "tagger"


def test_the_saved_pipeline_has_its_own_scorer(tmp_path):
    nlp = spacy.blank("en")
    config = Config({"components": {"ner": {"factory": "ner"}}, "training": {}})
    config["training"]["before_to_disk"] = {
        "@callbacks": "spacy-al.requirements.v1",
        "requirements": ["a"],
    }
    score_only(config, "ner", ["A"])
    block = config["training"]["before_to_disk"]
    assert block["@callbacks"] == RESTORED
    scorer = config["components"]["ner"]["scorer"]
    nlp.add_pipe("ner", config={"scorer": scorer}).add_label("A")
    nlp.initialize()
    assert nlp.config["components"]["ner"]["scorer"]["@scorers"] == MEASURED
    spacy.registry.resolve({"it": block})["it"](nlp).to_disk(tmp_path / "model")
    kept = (tmp_path / "model" / "config.cfg").read_text("utf8")
    assert MEASURED not in kept and "spacy.ner_scorer.v1" in kept
    assert spacy.load(tmp_path / "model").meta["requirements"] == ["a"]


@pytest.mark.parametrize(
    "block", [{"source": "x"}, {"factory": "ner", "scorer": {"@scorers": "own.v1", "by": 2}}]
)
def test_what_has_settings_of_its_own_is_left_alone(block):
    config = Config({"components": {"ner": dict(block)}})
    score_only(config, "ner", ["A"])
    assert config["components"]["ner"] == block and "training" not in config

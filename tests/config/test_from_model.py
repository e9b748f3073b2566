"""A config that begins with the pipeline one has: what is kept of it, and what spaCy makes of the config."""

from pathlib import Path

import pytest
import spacy
from spacy.training.initialize import init_nlp
from spacy.util import load_config

from spacy_al.config.init import init
from spacy_al.errors import AlError
from tests.helpers.old_pipeline import old_pipeline, write_docs


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return old_pipeline(tmp_path_factory.mktemp("old") / "model", vectors=True)


def begun(path, **paths):
    return init_nlp(load_config(path, {f"paths.{k}": str(v) for k, v in paths.items()}))


def test_the_tokeniser_labels_vectors_and_the_other_components_are_kept(model, tmp_path, recwarn):
    added = init(tmp_path / "my.cfg", model=str(model), component="ner", labels=["DRUG"])
    assert "al" in added
    train = write_docs(tmp_path / "train.spacy", 1, ("PERSON",))
    old, nlp = spacy.load(model), begun(tmp_path / "my.cfg", train=train, dev=train)
    assert [token.text for token in nlp("5 mg b.i.d")] == ["5", "mg", "b.", "i.d"]
    assert nlp.get_pipe("ner").labels == old.get_pipe("ner").labels
    assert nlp.vocab["aspirin"].vector.tolist() == old.vocab["aspirin"].vector.tolist()
    text = "Today Ada took aspirin ."
    assert [t.tag_ for t in nlp(text)] == [t.tag_ for t in old(text)]
    # the same weights find the same, though the encoder is a copy
    assert [(e.text, e.label_) for e in nlp(text).ents] == [
        (e.text, e.label_) for e in old(text).ents
    ]
    assert not [one for one in recwarn if "W113" in str(one.message)]


def test_an_encoder_that_others_share_is_copied_for_the_component_that_is_taught(model, tmp_path):
    init(tmp_path / "my.cfg", model=str(model), component="ner")
    config = load_config(tmp_path / "my.cfg")
    assert config["components"]["ner"]["replace_listeners"] == ["model.tok2vec"]
    assert config["training"]["frozen_components"] == ["tok2vec", "tagger"]
    weights = config["training"]["score_weights"]
    assert weights["ents_f"] == 1.0 and weights["tag_acc"] is None


def test_an_encoder_that_nobody_shares_learns_with_its_component(tmp_path):
    made = load_config(Path(__file__).parents[2] / "configs" / "ner.cfg")
    nlp = spacy.util.load_model_from_config(made)
    nlp.get_pipe("ner").add_label("DRUG")
    nlp.initialize()
    nlp.to_disk(tmp_path / "model")
    init(tmp_path / "my.cfg", model=str(tmp_path / "model"))
    config = load_config(tmp_path / "my.cfg")
    assert [*config["components"]] == ["tok2vec", "ner"]
    assert config["training"]["frozen_components"] == []
    assert "replace_listeners" not in config["components"]["ner"]


def test_the_only_recogniser_is_taught_where_none_is_named(model, tmp_path):
    init(tmp_path / "my.cfg", model=str(model))
    assert load_config(tmp_path / "my.cfg")["al"]["component"] == "ner"


def test_a_component_that_it_lacks_is_refused(model, tmp_path):
    with pytest.raises(AlError, match=r"^\[AL104\].*spancat.*ner, tagger"):
        init(tmp_path / "my.cfg", model=str(model), component="spancat")
    assert not (tmp_path / "my.cfg").exists()


def test_what_is_no_pipeline_is_refused(tmp_path):
    with pytest.raises(AlError, match="AL085"):
        init(tmp_path / "my.cfg", model=str(tmp_path / "nothing"))


def test_a_config_that_begins_otherwise_is_refused(model, tmp_path):
    init(tmp_path / "my.cfg")
    with pytest.raises(AlError, match="AL134"):
        init(tmp_path / "my.cfg", model=str(model))


def test_a_config_that_begins_with_it_is_left_alone(model, tmp_path):
    init(tmp_path / "my.cfg", model=str(model))
    before = (tmp_path / "my.cfg").read_text("utf8")
    assert init(tmp_path / "my.cfg", model=str(model)) == []
    assert (tmp_path / "my.cfg").read_text("utf8") == before

"""What a learner makes of a config: any component with words of its own, and nothing else of what the user wrote."""

from pathlib import Path

import pytest
import spacy
from spacy.training import Example
from spacy.util import load_config

from spacy_al.config.learner import (
    DEPTH,
    WIDTH,
    EncoderBlock,
    Learner,
    apply_learner,
    read_encoder,
)
from spacy_al.config.settings import read_settings
from spacy_al.errors import AlError, UsageError
from tests.helpers.static_encoders import vectors_encoder

CONFIGS = Path(__file__).parents[2] / "configs"
NAMES = ("ner", "spancat", "tagger", "textcat", "textcat_multilabel")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    docs = [spacy.blank("en")("aspirin fever tenant rent")]
    return EncoderBlock(vectors_encoder(tmp_path_factory.mktemp("encoder") / "vectors", docs))


def learners(encoder):
    return [Learner("vectors", encoder, Path(encoder.name)), Learner("encoder", encoder)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("number", [0, 1])
def test_every_shipped_config_can_have_it(name, number, encoder):
    learner = learners(encoder)[number]
    config = load_config(CONFIGS / f"{name}.cfg", interpolate=False)
    before = config.copy()
    apply_learner(config, learner, name)
    nlp = spacy.util.load_model_from_config(config.interpolate(), auto_fill=True)
    assert name in nlp.pipe_names
    assert config["training"].pop("optimizer")["use_averages"]
    batcher, own = config["training"].pop("batcher"), before["training"].pop("batcher")
    # steps of texts stay as they are
    assert batcher == own if "textcat" in name else batcher["size"]["start"] >= 300
    before["training"].pop("optimizer")
    for section in ("training", "corpora", "al", "system"):
        assert config[section] == before[section]
    layers = {node.name for _, pipe in nlp.pipeline for node in pipe.model.walk()}
    if learner.name == "vectors":
        assert config.interpolate()["initialize"]["vectors"] == encoder.name
        assert "static_vectors" in layers
        assert "spacy-al" not in str(config["components"])
    else:
        assert ("al_text_vectors" if "textcat" in name else "al_frozen_encoder") in layers


@pytest.mark.parametrize("name", ["textcat", "textcat_multilabel"])
@pytest.mark.parametrize("of", ["scratch", "vectors"])
def test_a_long_text_is_no_surer_of_its_category_than_a_short_one(name, of, encoder):
    config = load_config(CONFIGS / f"{name}.cfg", interpolate=False)
    apply_learner(config, Learner(of, encoder, Path(encoder.name)), name)
    nlp = spacy.util.load_model_from_config(config.interpolate(), auto_fill=True)
    texts = {"aspirin fever": "A", "tenant rent": "B"}
    cats = [{label: float(label == own) for label in "AB"} for own in texts.values()]
    examples = [
        Example.from_dict(nlp.make_doc(text), {"cats": own}) for text, own in zip(texts, cats)
    ]
    sgd = nlp.initialize(lambda: examples)
    for _ in range(5):
        nlp.update(examples, sgd=sgd)
    once, often = nlp("aspirin fever").cats, nlp("aspirin fever " * 100).cats
    assert once["A"] > 0.5 and often == pytest.approx(once, abs=1e-4)


def test_an_optimizer_of_the_users_own_stays(encoder):
    config = load_config(CONFIGS / "ner.cfg", interpolate=False)
    own = config["training"]["optimizer"]
    for rate, expected in ((0.001, 0.003), (0.002, 0.002)):
        own |= {"learn_rate": rate, "use_averages": False}
        apply_learner(config, Learner("encoder", encoder), "ner")
        assert config["training"]["optimizer"]["learn_rate"] == expected
    radam = {"@optimizers": "RAdam.v1", "learn_rate": 0.001}
    config["training"]["optimizer"] = radam.copy()
    apply_learner(config, Learner("encoder", encoder), "ner")
    assert config["training"]["optimizer"] == radam


def test_scratch_is_the_config_as_it_is(encoder):
    config = load_config(CONFIGS / "ner.cfg", interpolate=False)
    before = config.to_str(interpolate=False)
    apply_learner(config, Learner("scratch", encoder), "ner")
    assert config.to_str(interpolate=False) == before


def test_layers_that_are_shared_stay_shared(encoder):
    config = load_config(CONFIGS / "ner.cfg", interpolate=False)
    config["nlp"]["pipeline"] = ["tok2vec", "tagger", "ner"]
    listener = config["components"]["ner"]["model"]["tok2vec"]
    config["components"]["tagger"] = {
        "factory": "tagger",
        "model": {"@architectures": "spacy.Tagger.v2", "tok2vec": {**listener, "width": 96}},
    }
    config["components"]["other"] = {"factory": "sentencizer"}
    apply_learner(config, Learner("encoder", encoder), "ner")
    blocks = config["components"]
    assert blocks["tok2vec"]["model"]["encode"] == {
        "@architectures": "spacy.MaxoutWindowEncoder.v2",
        "width": WIDTH,
        "depth": DEPTH,
        "window_size": 1,
        "maxout_pieces": 3,
    }
    assert blocks["tagger"]["model"]["tok2vec"]["width"] == WIDTH
    assert blocks["ner"]["model"]["tok2vec"]["width"] == WIDTH
    assert blocks["other"] == {"factory": "sentencizer"}


def test_layers_of_its_own_are_replaced_and_those_of_others_stay(encoder):
    config = load_config(CONFIGS / "ner.cfg", interpolate=False)
    own = config["components"]["tok2vec"]["model"]
    config["components"]["ner"]["model"]["tok2vec"] = own.copy()
    apply_learner(config, Learner("encoder", encoder), "ner")
    found = config["components"]["ner"]["model"]["tok2vec"]["embed"]["@architectures"]
    assert found == "spacy-al.encoder_embed.v1"
    assert config["components"]["tok2vec"]["model"] == own


def test_shared_layers_that_only_a_classifier_read_go(encoder):
    config = load_config(CONFIGS / "ner.cfg", interpolate=False)
    listener = config["components"].pop("ner")["model"]["tok2vec"]
    config["nlp"]["pipeline"] = ["tok2vec", "textcat"]
    model = {
        "@architectures": "spacy.TextCatReduce.v1",
        "exclusive_classes": True,
        "tok2vec": listener,
    }
    config["components"]["textcat"] = {"factory": "textcat", "threshold": 0.3, "model": model}
    other = config.copy()
    apply_learner(config, Learner("encoder", encoder), "textcat")
    assert config["nlp"]["pipeline"] == ["textcat"] and [*config["components"]] == ["textcat"]
    assert config["components"]["textcat"]["threshold"] == 0.3
    other["training"]["annotating_components"] = ["tok2vec"]
    apply_learner(other, Learner("encoder", encoder), "textcat")
    assert other["nlp"]["pipeline"] == ["tok2vec", "textcat"]


@pytest.mark.parametrize(
    "tok2vec",
    [
        {"@architectures": "spacy-transformers.TransformerListener.v1"},
        {"@architectures": "spacy-transformers.Tok2VecTransformer.v3"},
        {"@architectures": "spacy.Tok2VecListener.v1", "upstream": "elsewhere"},
        None,
    ],
)
def test_what_it_cannot_take_the_place_of_is_named(tok2vec, encoder):
    config = load_config(CONFIGS / "ner.cfg", interpolate=False)
    config["components"]["ner"]["model"]["tok2vec"] = tok2vec
    with pytest.raises(AlError, match=r"AL310.*'ner'.*'encoder'"):
        apply_learner(config, Learner("encoder", encoder), "ner")


# [al.encoder]


def settings_of(tmp_path, block, plain=""):
    path = tmp_path / "config.cfg"
    text = (
        f"[components]\n[components.ner]\nfactory = 'ner'\n[al]\noutput = 'out'\n{plain}\n{block}\n"
    )
    path.write_text(text.replace("'", '"'))
    return read_settings(path)


def test_an_encoder_is_compared_unless_something_else_is_said(tmp_path):
    block = "[al.encoder]\nname = 'model'\n"
    found = settings_of(tmp_path, block)
    assert found.learner == "auto" and found.encoder == EncoderBlock("model")
    assert found.encodings == Path("out/encodings")
    found = settings_of(tmp_path, block + "layers = [1,2]\nwindow = 40\ncache = 'c'\nhash = 'x'\n")
    assert found.encoder == EncoderBlock("model", (1, 2), 40, Path("c"), "x")
    assert found.encodings == Path("c")
    assert (found.encoder.settings.window, found.encoder.settings.stride) == (40, 30)
    assert settings_of(tmp_path, block, "learner = 'vectors'").learner == "vectors"
    found = settings_of(tmp_path, "")
    assert (found.learner, found.encoder, found.encodings) == ("scratch", None, None)


@pytest.mark.parametrize("learner", ["vectors", "encoder"])
def test_a_learner_without_an_encoder_says_what_is_missing(tmp_path, learner):
    with pytest.raises(UsageError, match=f"AL311.*'{learner}'.*name = "):
        settings_of(tmp_path, "", f"learner = '{learner}'")


@pytest.mark.parametrize(
    "block",
    [
        {},
        {"name": ""},
        {"name": 3},
        {"name": "x", "layers": []},
        {"name": "x", "layers": [1.5]},
        {"name": "x", "layers": [True]},
        {"name": "x", "window": 0},
        {"name": "x", "window": True},
        {"name": "x", "widow": 3},
        "model",
    ],
)
def test_what_an_encoder_cannot_be(block):
    said = []

    def refuse(name, what, known):
        said.append(name)
        raise ValueError

    with pytest.raises(ValueError):
        read_encoder(block, refuse)
    assert said[0].startswith("al.encoder")

"""Tokens embedded by a frozen encoder: in any component, read like any other, and refused with another encoder."""

import numpy
import pytest
import spacy
from numpy.testing import assert_allclose, assert_array_equal
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import fix_random_seed

from spacy_al import AlError, get_posteriors
from spacy_al.components.encoder_embed import make_encoder_embed
from spacy_al.embeddings import shared

WORDS = ["aspirin", "fever", "dose", "lease", "tenant", "rent", "the", "of"]


@pytest.fixture
def encoder(tmp_path, monkeypatch):
    """A folder of static vectors, in which the words for drugs lie together."""
    monkeypatch.delenv(shared.VARIABLE, raising=False)
    shared._shared.cache_clear()
    nlp, rng = spacy.blank("en"), numpy.random.default_rng(0)
    for word in WORDS:
        nlp.vocab.set_vector(word, rng.normal(size=6).astype("f4"))
    for number in range(20):
        vector = numpy.array([3, 3, 3, 0, 0, 0]) + rng.normal(size=6) / 10
        nlp.vocab.set_vector(f"drug{'abcdefghijklmnopqrst'[number]}", vector.astype("f4"))
    nlp.to_disk(tmp_path / "vectors")
    return str(tmp_path / "vectors")


def pipeline(encoder, factory="ner", **embed):
    nlp = spacy.blank("en")
    tok2vec = {
        "@architectures": "spacy.Tok2Vec.v2",
        "embed": {
            "@architectures": "spacy-al.encoder_embed.v1",
            "width": 16,
            "encoder": encoder,
            **embed,
        },
        "encode": {
            "@architectures": "spacy.MaxoutWindowEncoder.v2",
            "width": 16,
            "depth": 1,
            "window_size": 1,
            "maxout_pieces": 2,
        },
    }
    model = nlp.get_factory_meta(factory).default_config["model"]
    nlp.add_pipe(factory, config={"model": {**model, "tok2vec": tok2vec}})
    return nlp


def examples(nlp, n=40):
    rng, made = numpy.random.default_rng(1), []
    for _ in range(n):
        # ten drugs are seen
        words = [*rng.choice(WORDS, 4).tolist(), f"drug{rng.choice(list('abcdefghij'))}", "dose"]
        doc = Doc(nlp.vocab, words)
        made.append(Example.from_dict(doc, {"entities": ["O"] * 4 + ["U-DRUG", "O"]}))
    return made


def taught(encoder, steps=30, **embed):
    fix_random_seed(0)
    nlp = pipeline(encoder, **embed)
    made = examples(nlp)
    sgd = nlp.initialize(lambda: made)
    sgd.learn_rate = 0.01
    for _ in range(steps):
        nlp.update(made, sgd=sgd)
    return nlp


def unseen(nlp):
    return [Doc(nlp.vocab, ["the", "dose", "of", f"drug{letter}"]) for letter in "klmnopqrst"]


@pytest.mark.parametrize("attrs", [["NORM"], []])
def test_it_finds_words_that_only_the_encoder_knows(encoder, attrs):
    nlp = taught(encoder, attrs=attrs, rows=[50] * len(attrs))
    found = [nlp(doc).ents for doc in unseen(nlp)]
    assert sum(len(ents) == 1 for ents in found) >= 9
    exact = get_posteriors(nlp, unseen(nlp))
    assert all(0 < one.entropy < 2 for one in exact)


def test_a_saved_pipeline_needs_nothing_but_the_encoder(encoder, tmp_path):
    nlp = taught(encoder, steps=3)
    nlp.to_disk(tmp_path / "model")
    shared._shared.cache_clear()
    again = spacy.load(tmp_path / "model")
    for mine, theirs in zip(get_posteriors(nlp, unseen(nlp)), get_posteriors(again, unseen(again))):
        assert mine.entropy == theirs.entropy
    copied = pipeline(encoder).from_bytes(nlp.to_bytes())
    assert [ent.text for doc in unseen(copied) for ent in copied(doc).ents] == [
        ent.text for doc in unseen(nlp) for ent in nlp(doc).ents
    ]


def test_another_encoder_under_its_name_is_refused(encoder, tmp_path):
    taught(encoder, steps=1).to_disk(tmp_path / "model")
    other = spacy.load(encoder)
    other.vocab.set_vector("aspirin", numpy.zeros(6, "f4"))
    other.to_disk(encoder)
    shared._shared.cache_clear()
    nlp = spacy.load(tmp_path / "model")
    with pytest.raises(AlError, match="AL321"):
        nlp("the dose of aspirin")
    with pytest.raises(AlError, match="AL321"):
        other = pipeline(encoder, hash="0" * 16)
        other.initialize(lambda: examples(other))


def test_the_gradient_is_that_of_finite_differences(encoder):
    nlp = spacy.blank("en")
    model = make_encoder_embed(4, encoder, attrs=[], rows=[])
    docs = [Doc(nlp.vocab, ["aspirin", "fever"]), Doc(nlp.vocab, [])]
    model.initialize(X=docs)
    node = next(node for node in model.walk() if node.name == "al_frozen_encoder")
    weights = node.get_param("W").copy()
    found, backprop = model(docs, is_train=True)
    direction = numpy.random.default_rng(0).normal(size=found[0].shape).astype("f4")
    backprop([direction, found[1]])
    step, i, j = 1e-2, 1, 2
    values = []
    for sign in (1, -1):
        moved = weights.copy()
        moved[i, j] += sign * step
        node.set_param("W", moved)
        values.append(float((model.predict(docs)[0] * direction).sum()))
    assert_allclose(node.get_grad("W")[i, j], (values[0] - values[1]) / (2 * step), rtol=0.05)


def test_nothing_in_nothing_out(encoder):
    nlp = spacy.blank("en")
    model = make_encoder_embed(4, encoder)
    model.initialize(X=[nlp.make_doc("aspirin")])
    empty, one = model.predict([nlp.make_doc(""), nlp.make_doc("aspirin")])
    assert empty.shape == (0, 4) and one.shape == (1, 4)
    assert_array_equal(model.predict([nlp.make_doc("aspirin")])[0], one)
    with pytest.raises(ValueError, match="attrs has 1 names, and rows 2"):
        make_encoder_embed(4, encoder, attrs=["NORM"], rows=[1, 2])


@pytest.mark.parametrize("factory", ["spancat", "tagger"])
def test_other_components_have_it_too(encoder, factory):
    nlp = pipeline(encoder, factory)
    docs = []
    for _ in range(4):
        doc = Doc(nlp.vocab, ["the", "dose"], tags=["DT", "NN"])
        doc.spans["sc"] = [doc.char_span(0, 3, label="X")]
        docs.append(Example(Doc(nlp.vocab, ["the", "dose"]), doc))
    sgd = nlp.initialize(lambda: docs)
    losses = nlp.update(docs, sgd=sgd)
    assert numpy.isfinite(losses[factory])
    assert get_posteriors(nlp, [nlp.make_doc("the dose")])

"""Pipelines whose encoder is a transformer: a tiny one with random weights, made here, so nothing is downloaded."""

import importlib.util
from typing import Any

import numpy
import pytest
import spacy
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import fix_random_seed

from spacy_al import AlError, get_posteriors

pytestmark = pytest.mark.transformers

if importlib.util.find_spec("spacy_transformers") is None:
    pytest.skip("spacy-transformers is not installed", allow_module_level=True)

TEXTS = [
    ("the patient took aspirin .", "DT NN VB NN .", "GOOD", "O O O U-DRUG O"),
    ("two milligrams did not help", "CD NN VB RB VB", "BAD", "B-DOSE L-DOSE O O O"),
]
UNSEEN = ["", "aspirin", "she took two milligrams of ibuprofen .", "", "help"]
COMPONENTS = ["ner", "textcat", "textcat_multilabel", "tagger", "spancat"]
WIDTH = 16


@pytest.fixture(scope="module")
def transformer(tmp_path_factory):
    """A directory with a random BERT and a word piece vocabulary of letters and a few words."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    path = tmp_path_factory.mktemp("bert")
    letters = "abcdefghijklmnopqrstuvwxyz"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", *letters]
    pieces += [f"##{letter}" for letter in letters] + ["the", "patient", "took", "two", "not"]
    (path / "vocab.txt").write_text("\n".join(pieces), encoding="utf8")
    tokenizer = BertTokenizerFast(str(path / "vocab.txt"), model_max_length=64)
    tokenizer.save_pretrained(path)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=WIDTH,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=WIDTH,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(path)
    return str(path)


def examples(nlp):
    for text, tags, cat, ents in TEXTS:
        gold = Doc(nlp.vocab, words=text.split(), tags=tags.split(), ents=_iob(ents.split()))
        gold.cats = {label: float(label == cat) for label in ("GOOD", "BAD")}
        gold.spans["sc"] = list(gold.ents)
        yield Example(nlp.make_doc(text), gold)


def _iob(tags):
    return [tag.replace("U-", "B-").replace("L-", "I-") for tag in tags]


@pytest.fixture(scope="module")
def nlp(transformer):
    """One transformer, and behind it a component of every kind that listens to it."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    model = {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": transformer,
        "get_spans": {
            "@span_getters": "spacy-transformers.strided_spans.v1",
            "window": 32,
            "stride": 24,
        },
        "tokenizer_config": {"use_fast": True},
    }
    nlp.add_pipe("transformer", config={"model": model})
    listener = {
        "@architectures": "spacy-transformers.TransformerListener.v1",
        "grad_factor": 1.0,
        "pooling": {"@layers": "reduce_mean.v1"},
    }
    parser = {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": "ner",
        "extra_state_tokens": False,
        "hidden_width": 8,
        "maxout_pieces": 2,
        "use_upper": False,
    }
    heads: dict[str, Any] = {
        "ner": parser,
        "textcat": {"@architectures": "spacy.TextCatCNN.v2", "exclusive_classes": True},
        "textcat_multilabel": {"@architectures": "spacy.TextCatCNN.v2", "exclusive_classes": False},
        "tagger": {"@architectures": "spacy.Tagger.v2"},
        "spancat": {},
    }
    for name, head in heads.items():
        nlp.add_pipe(name, config={"model": head | {"tok2vec": listener}})
    train = list(examples(nlp))
    optimizer = nlp.initialize(lambda: train)
    for _ in range(2):
        nlp.update(train, sgd=optimizer)
    return nlp


def arrays(posterior):
    names = ("probs", "token_probs", "span_probs")
    return [numpy.asarray(getattr(posterior, n)) for n in names if hasattr(posterior, n)]


@pytest.mark.parametrize("component", COMPONENTS)
class TestEveryComponent:
    def test_batch_equals_one_by_one(self, nlp, component):
        docs = [nlp.make_doc(text) for text in UNSEEN]
        together = get_posteriors(nlp, docs, component)
        assert len(together) == len(UNSEEN)
        for doc, posterior in zip(docs, together):
            assert doc._.trf_data is None, "the docs that were passed stay as they were"
            alone = get_posteriors(nlp, [doc], component)[0]
            for a, b in zip(arrays(posterior), arrays(alone), strict=True):
                assert numpy.isfinite(a).all()
                numpy.testing.assert_allclose(a, b, atol=1e-4)

    def test_equals_the_component(self, nlp, component):
        docs = [nlp.make_doc(text) for text in UNSEEN if text]
        for doc, posterior in zip(docs, get_posteriors(nlp, docs, component)):
            annotated = nlp(doc.text)
            if component == "ner":
                numpy.testing.assert_allclose(posterior.token_probs.sum(axis=1), 1, atol=1e-9)
                found = [(span.start, span.end, span.label) for span in posterior.greedy]
                assert found == [(e.start, e.end, e.label_) for e in annotated.ents]
            elif component == "tagger":
                best = posterior.token_probs.argmax(axis=1)
                assert [posterior.labels[i] for i in best] == [t.tag_ for t in annotated]
            elif component == "spancat":
                group = annotated.spans["sc"]
                for span, score in zip(group, group.attrs.get("scores", [])):
                    prob = posterior.prob(span.start, span.end, span.label_)
                    assert prob == pytest.approx(float(score), abs=1e-4)
            else:
                pipe = nlp.get_pipe(component)
                encoded = nlp.get_pipe("transformer")(nlp.make_doc(doc.text))
                numpy.testing.assert_allclose(
                    posterior.probs, pipe.predict([encoded])[0], atol=1e-4
                )

    def test_listener_without_its_transformer(self, nlp, component):
        docs = [nlp.make_doc(text) for text in UNSEEN]
        with (
            nlp.select_pipes(disable="transformer"),
            pytest.raises(AlError, match=f"AL004.*1 tokens.*'{component}'.*'transformer'"),
        ):
            get_posteriors(nlp, docs, component)

"""Pipelines whose encoder is one of spacy-curated-transformers: a tiny one with random weights, made here."""

import importlib.util

import numpy
import pytest
import spacy
from spacy.util import fix_random_seed

from spacy_al import AlError, get_posteriors
from spacy_al.posteriors.dropout import read_dropout
from tests.helpers.curated import LISTENERS, MODEL, initialize_with_pieces
from tests.pipeline.test_al_scorer import TEXTS, bare, check, example, pipe_config, token_entropy

pytestmark = [
    pytest.mark.transformers,
    # not among what the tests install: where it is, spaCy cannot be imported without torch
    pytest.mark.realdata,
    pytest.mark.skipif(
        importlib.util.find_spec("spacy_curated_transformers") is None,
        reason="spacy-curated-transformers is not installed",
    ),
]


@pytest.fixture(params=LISTENERS)
def nlp(request):
    fix_random_seed(0)
    import torch

    torch.manual_seed(0)
    nlp = spacy.blank("en")
    transformer = nlp.add_pipe(
        "curated_transformer", "transformer", config={"model": MODEL, "all_layer_outputs": True}
    )
    nlp.add_pipe("ner", config=pipe_config("ner", LISTENERS[request.param]))
    nlp.add_pipe("tagger", config=pipe_config("tagger", LISTENERS[request.param]))

    initialize_with_pieces(nlp, "transformer")
    nlp.initialize(lambda: [example(nlp)])
    rng = numpy.random.default_rng(0)
    for name in ("ner", "tagger"):
        for node in nlp.get_pipe(name).model.walk():
            for param in node.param_names:
                if node.has_param(param) and not node.get_param(param).any():
                    shape = node.get_param(param).shape
                    node.set_param(param, rng.normal(size=shape).astype("f"))
    assert transformer.listening_components
    return nlp


def test_it_is_read_as_it_predicts(nlp):
    docs = bare(nlp)
    for doc, posterior in zip(nlp.pipe(TEXTS), get_posteriors(nlp, docs, "ner")):
        assert {(s.start, s.end, s.label) for s in posterior.greedy} == {
            (ent.start, ent.end, ent.label_) for ent in doc.ents
        }


@pytest.mark.parametrize("name", ["ner", "tagger"])
def test_without_the_transformer_it_is_an_error(nlp, name):
    """The listener itself answers from zeros."""
    with nlp.select_pipes(disable="transformer"):
        with pytest.raises(AlError, match=rf"AL004.*'{name}'.*transformer"):
            get_posteriors(nlp, bare(nlp), name)
        nlp.add_pipe("al_scorer", config={"component": name})
        with pytest.raises(AlError, match="AL004"):
            nlp(TEXTS[0])


@pytest.mark.parametrize("after", [[], ["sentencizer"], ["doc_cleaner"]])
def test_wherever_the_scorer_stands(nlp, after):
    wanted = get_posteriors(nlp, bare(nlp), "ner")
    for name in after:
        nlp.add_pipe(name)
    nlp.add_pipe("al_scorer", config={"component": "ner"})
    check(list(nlp.pipe(TEXTS)), wanted, token_entropy())


@pytest.mark.parametrize("layers", ["last", "all"])
def test_dropout_finds_its_masks(nlp, layers):
    (transformer,) = [pipe for name, pipe in nlp.pipeline if name == "transformer"]
    docs = list(transformer.pipe(bare(nlp)))
    found = read_dropout(nlp.get_pipe("ner"), docs, 1.0, samples=3, layers=layers, nlp=nlp)
    members = [[m.entropy for m in posterior.members] for posterior in found]
    assert all(len({round(value, 9) for value in row}) == 3 for row in members)
    again = read_dropout(nlp.get_pipe("ner"), docs, 1.0, samples=3, layers=layers, nlp=nlp)
    assert [[m.entropy for m in p.members] for p in again] == members

"""Monte Carlo dropout against masks multiplied in by hand, and what it has to leave alone."""

import pickle
import random

import numpy
import pytest
import spacy
from numpy.testing import assert_allclose
from thinc.api import Model

from spacy_al import get_posteriors
from spacy_al.errors import AlError, UsageError
from spacy_al.posteriors.dropout import make_dropout_reader
from spacy_al.posteriors.read import reader_of, run_pipes
from tests.helpers.ner_oracle import make_ner
from tests.helpers.randomness import global_state
from tests.posteriors.test_readers import COMPONENTS, UNSEEN, arrays, bare, make

CASES = [(c, k) for c in [*COMPONENTS, "ner"] for k in ("own", "shared")]


@pytest.fixture(scope="module")
def pipelines():
    made = {}

    def get(component, kind):
        if (component, kind) not in made:
            shared = kind == "shared"
            ner = component == "ner"
            made[component, kind] = make_ner(shared=shared) if ner else make(component, kind)
        return made[component, kind]

    return get


@pytest.fixture(params=CASES, ids="-".join)
def nlp(request, pipelines):
    return pipelines(*request.param)


def read(nlp, texts=UNSEEN, **settings):
    pipe = nlp.pipeline[-1][1]
    docs = run_pipes(nlp.pipeline[:-1], bare(nlp, texts))
    return make_dropout_reader(**settings)(pipe, docs, 1.0, nlp=nlp)


def rows(posteriors):
    return [array for p in posteriors for member in p.members for array in arrays(member)]


def same(ones, others, **tolerance):
    for one, other in zip(rows(ones), rows(others), strict=True):
        assert_allclose(one, other, **tolerance)


def mask(seed, sample, width, rate):
    return (numpy.random.default_rng([seed, sample, 0]).random(width) >= rate) / (1 - rate)


@pytest.mark.slow
@pytest.mark.parametrize("component", [*COMPONENTS, "ner"])
def test_last_is_a_mask_on_what_the_encoder_says(pipelines, component):
    nlp = pipelines(component, "shared")
    name, pipe = nlp.pipeline[-1]
    found = read(nlp, samples=3, rate=0.4, seed=5)
    for sample in range(3):
        docs = run_pipes(nlp.pipeline[:-1], bare(nlp))
        if component == "ner":
            # there a linear layer belongs to the encoder
            linear = pipe.model.get_ref("tok2vec").layers[-1]
            kept = {param: linear.get_param(param) for param in ("W", "b")}
            factors = mask(5, sample, 8, 0.4).astype("f4")
            linear.set_param("W", kept["W"] * factors[:, None])
            linear.set_param("b", kept["b"] * factors)
        else:
            for doc in filter(len, docs):
                doc.tensor = doc.tensor * mask(5, sample, 16, 0.4).astype("f4")
        by_hand = reader_of(nlp, name)(pipe, docs, 1.0)
        for posterior, expected in zip(found, by_hand, strict=True):
            ours = arrays(posterior.members[sample])
            for one, other in zip(ours, arrays(expected), strict=True):
                assert_allclose(one, other, atol=1e-5)
        if component == "ner":
            for param, value in kept.items():
                linear.set_param(param, value)


@pytest.mark.slow
@pytest.mark.parametrize("layers", ["last", "all"])
def test_contract(nlp, layers):
    settings = {"samples": 3, "rate": 0.3, "layers": layers}
    before = [pipe.model.to_bytes() for _, pipe in nlp.pipeline]
    forwards = [node._func for _, pipe in nlp.pipeline for node in pipe.model.walk()]
    states = global_state(), random.getstate()
    found = read(nlp, **settings)
    assert (global_state(), random.getstate()) == states
    assert [pipe.model.to_bytes() for _, pipe in nlp.pipeline] == before
    assert forwards == [node._func for _, pipe in nlp.pipeline for node in pipe.model.walk()]
    # one function of all texts, by its seed
    same(found, read(nlp, **settings), rtol=0)
    apart = [posterior for text in UNSEEN for posterior in read(nlp, [text], **settings)]
    same(found, apart, atol=1e-5)
    # more members do not change the first ones, and no two members are the same
    more = read(nlp, **{**settings, "samples": 4})
    for one, other in zip(found, more, strict=True):
        assert (len(one.members), len(other.members)) == (3, 4)
        for a, b in zip(arrays(one.members[2]), arrays(other.members[2]), strict=True):
            assert_allclose(a, b, rtol=0)
    longest = found[2]
    first, second = (numpy.concatenate([a.ravel() for a in arrays(m)]) for m in longest.members[:2])
    assert not numpy.allclose(first, second, atol=1e-6)
    again = read(nlp, **settings, seed=1)
    first, second = (numpy.concatenate([a.ravel() for a in rows(p)]) for p in (found, again))
    assert not numpy.allclose(first, second, atol=1e-6)


@pytest.mark.slow
def test_all_thins_what_last_does_not(nlp):
    settings = {"samples": 2, "rate": 0.3}
    first, second = (rows(read(nlp, **settings, layers=layers)) for layers in ("last", "all"))
    assert not all(numpy.allclose(a, b, atol=1e-6) for a, b in zip(first, second, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("layers", ["last", "all"])
def test_what_is_shown_is_what_the_component_says(nlp, layers):
    plain = get_posteriors(nlp, bare(nlp))
    for posterior, expected in zip(read(nlp, samples=2, layers=layers), plain, strict=True):
        for one, other in zip(arrays(posterior.own), arrays(expected), strict=True):
            assert_allclose(one, other, atol=1e-6)


def test_a_small_rate_says_what_the_component_says(nlp):
    plain = get_posteriors(nlp, bare(nlp))
    for layers in ("last", "all"):
        found = read(nlp, samples=1, rate=1e-12, layers=layers)
        for posterior, expected in zip(found, plain, strict=True):
            for one, other in zip(arrays(posterior.members[0]), arrays(expected), strict=True):
                assert_allclose(one, other, atol=1e-5)


def test_nothing_runs_as_if_it_was_training(nlp, monkeypatch):
    call, run_layer = Model.__call__, []

    def watched(self, X, is_train):
        run_layer.append(is_train)
        return call(self, X, is_train)

    monkeypatch.setattr(Model, "__call__", watched)
    read(nlp, samples=2, layers="all")
    assert run_layer and not any(run_layer)


def test_one_encoder_pass_for_all_members():
    nlp, passes = make_ner(), []
    encoder = nlp.get_pipe("ner").model.get_ref("tok2vec").layers[0]
    forward = encoder._func

    def counted(model, X, is_train):
        passes.append(len(X))
        return forward(model, X, is_train)

    encoder._func = counted
    read(nlp, samples=7)
    assert sum(passes) == sum(1 for text in UNSEEN if text)
    passes.clear()
    read(nlp, samples=7, layers="all")
    assert sum(passes) == 8 * sum(1 for text in UNSEEN if text)


@pytest.mark.parametrize("layers", ["last", "all"])
def test_an_exception_leaves_the_model_as_it_was(layers, monkeypatch):
    nlp = make("tagger")
    pipe = nlp.get_pipe("tagger")
    before = [node._func for node in pipe.model.walk()]

    def fails(*args, **kwargs):
        raise RuntimeError("no")

    monkeypatch.setattr("spacy_al.posteriors.tokens.exclusive_probs", fails)
    with pytest.raises(RuntimeError, match="no"):
        read(nlp, layers=layers)
    assert [node._func for node in pipe.model.walk()] == before


def test_what_has_no_encoder_is_told_what_to_use():
    with pytest.raises(AlError, match=r"AL203.*committee"):
        read(make("textcat", architecture="bow"))


@pytest.mark.parametrize(
    "wrong,code",
    [
        ({"samples": 0}, "AL023"),
        ({"rate": 1.0}, "AL023"),
        ({"rate": 0.0}, "AL023"),
        ({"rate": float("nan")}, "AL023"),
        ({"seed": -1}, "AL023"),
        ({"layers": "first"}, "AL022"),
    ],
)
def test_wrong_settings(wrong, code):
    with pytest.raises(UsageError, match=code):
        make_dropout_reader(**wrong)


def test_pickles_and_resolves_from_config(pipelines):
    nlp = pipelines("textcat", "own")
    block = {"@al_posteriors": "spacy-al.dropout.v1", "samples": 2, "seed": 3}
    reader = spacy.registry.resolve({"x": block})["x"]
    again = pickle.loads(pickle.dumps(reader))
    found = again(nlp.get_pipe("textcat"), bare(nlp), 1.0, nlp=nlp)
    same(found, read(nlp, samples=2, seed=3), rtol=0)


def test_torch_layers():
    torch = pytest.importorskip("torch")
    from thinc.api import PyTorchWrapper, chain, list2array

    nlp = make("tagger")
    pipe = nlp.get_pipe("tagger")
    inner = torch.nn.Sequential(torch.nn.Linear(16, 16), torch.nn.Dropout(0.2))
    wrapped = chain(pipe.model.get_ref("tok2vec"), list2array(), PyTorchWrapper(inner))
    docs, state = bare(nlp, ["aspirin helps her"]), torch.random.get_rng_state()
    settings = {"seed": 0, "sample": 0, "rate": 0.5}
    from spacy_al.posteriors.dropout import _dropouts, _mask, _thinned

    places = [place for place in _dropouts([wrapped]) if not isinstance(place, Model)]
    assert places == [inner[1]] and len(_dropouts([wrapped])) > 1
    plain = wrapped.predict(docs)
    with _thinned(places, lambda ops, width, place: _mask(ops, width, place=9, **settings)):
        thinned = wrapped.predict(docs)
    kept = numpy.random.default_rng([0, 0, 9]).random(16) >= 0.5
    assert_allclose(thinned, plain * kept * 2, rtol=1e-5)
    assert_allclose(wrapped.predict(docs), plain, rtol=0)
    assert (torch.random.get_rng_state() == state).all()

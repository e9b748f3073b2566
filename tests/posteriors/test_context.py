"""What was on a document before the pipeline was called on it: `al_scorer` reads it as the component did."""

import numpy
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span, Token
from thinc.api import Model

from spacy_al import get_posteriors
from spacy_al.acquisition import default_acquisition
from tests.pipeline.test_al_scorer import TEXTS, example, pipe_config
from tests.pipeline.test_any_pipeline import PRESET, reading, spancat

for owner in (Doc, Token):
    if not owner.has_extension("test_given_ward"):
        owner.set_extension("test_given_ward", default=0)
READS = {
    "an extension of the document": lambda doc: doc._.test_given_ward,
    "extensions of tokens": lambda doc: sum(token._.test_given_ward for token in doc),
    "user data": lambda doc: doc.user_data.get("test_given_ward", 0),
    "groups of spans": lambda doc: sum(len(span) for span in doc.spans.get("cand", ())),
    "sentiment": lambda doc: doc.sentiment,
    "entities": lambda doc: len(doc.ents),
    "categories": lambda doc: sum(doc.cats.values()),
}


@spacy.registry.architectures("test.OfGiven.v1")
def of_given(what: str):
    """A layer of a user's own, that looks at one thing."""

    def forward(model, docs, is_train):
        rows = []
        for doc in docs:
            at = numpy.arange(len(doc) * 16, dtype="f").reshape(len(doc), 16)
            rows.append(numpy.sin(at * (1 + READS[what](doc))).astype("f"))
        return rows, lambda gradient: []

    return Model("of_given", forward, dims={"nO": 16})


@Language.component("test_declares", assigns=["token.is_sent_start"])
def declares(doc):
    return doc


def given(nlp, component):
    """Documents with something of each kind on them, but entities where those are what is read."""
    for number, text in enumerate(text for text in TEXTS if text.strip()):
        doc = nlp.make_doc(text)
        doc._.test_given_ward = doc.user_data["test_given_ward"] = number % 5 + 1
        doc.sentiment = number % 4
        doc.cats = {"other": number % 3 + 1.0}
        doc.spans["cand"] = [doc[i : i + 2] for i in range(0, len(doc) - 1, 1 + number % 2)]
        if component != "ner":
            doc.ents = [Span(doc, i, i + 1, "X") for i in range(number % 3)]
        for token in doc:
            token.tag_ = "NN" if (token.i + number) % 2 else "VB"
            token._.test_given_ward = token.i % 3
        yield doc


def compare(component, config, behind):
    nlp = spacy.blank("en")
    nlp.add_pipe(component, config=config)
    for name in behind:
        nlp.add_pipe(name)
    gold = example(nlp)
    gold.reference.spans["own"] = [*gold.reference.ents]
    gold.predicted.spans["cand"] = [gold.predicted[0:1]]
    nlp.initialize(lambda: [gold])
    rng = numpy.random.default_rng(0)
    for node in nlp.get_pipe(component).model.walk():
        for param in node.param_names:
            if not (values := node.get_param(param)).any():
                node.set_param(param, rng.normal(scale=0.7, size=values.shape).astype("f"))
    posteriors = get_posteriors(nlp, [*given(nlp, component)], component)
    scores = default_acquisition(posteriors[0])(posteriors)
    assert len({*scores.round(5)}) > 1
    nlp.add_pipe("al_scorer", config={"component": component})
    found = [doc._.al.score for doc in nlp.pipe(given(nlp, component))]
    assert found == pytest.approx(scores, abs=1e-5)


@pytest.mark.parametrize("behind", [[], ["test_declares"]], ids=["last", "something behind"])
@pytest.mark.parametrize("what", READS)
def test_what_the_caller_gave_is_kept(what, behind):
    config = pipe_config("tagger", {"@architectures": "test.OfGiven.v1", "what": what})
    compare("tagger", config, behind)


def test_tags_of_the_caller():
    compare("ner", pipe_config("ner", reading("NORM", "TAG")), ["sentencizer"])


def test_candidates_of_the_caller():
    compare("spancat", spancat({**PRESET, "spans_key": "cand"}, "own"), ["sentencizer"])

"""On corpora that people wrote and annotated, where they are at hand."""

import random

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Example
from spacy.util import minibatch

from spacy_al import get_posteriors

pytestmark = [pytest.mark.realdata, pytest.mark.slow]

NEAR_TIE = 1e-4


def read(path, nlp):
    return list(DocBin().from_disk(path).get_docs(nlp.vocab))


@pytest.fixture(scope="module", params=["bc5cdr", "ncbi_disease", "wnut17", "german_ler"])
def trained(request, realdata):
    """A recogniser trained on a tenth of a corpus, for a short while, and the corpus's test set."""
    folder = realdata / request.param
    if not folder.is_dir():
        pytest.skip(f"no {request.param} here")
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("de" if request.param.startswith("german") else "en")
    ner = nlp.add_pipe("ner")
    docs = read(folder / "train.spacy", nlp)
    random.Random(0).shuffle(docs)
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in docs[: len(docs) // 10]]
    for label in sorted({ent.label_ for eg in examples for ent in eg.reference.ents}):
        ner.add_label(label)
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(2):
        for batch in minibatch(examples, 16):
            nlp.update(batch, sgd=optimizer, drop=0.1)
    gold = read(folder / "test.spacy", nlp)
    return nlp, gold


def test_greedy_path_is_what_spacy_sets(trained):
    nlp, gold = trained
    docs = [nlp.make_doc(doc.text) for doc in gold]
    posteriors = get_posteriors(nlp, docs)
    ties = 0
    for doc, posterior in zip(nlp.pipe(docs), posteriors):
        ours = [(s.start, s.end, s.label) for s in posterior.greedy]
        if ours != [(ent.start, ent.end, ent.label_) for ent in doc.ents]:
            # rounding may decide between scores that are as good as equal, and nothing else may
            scores = posterior.source.closed[posterior._slice]
            ordered = scores.copy()
            ordered.sort(axis=1)
            assert (ordered[:, -1] - ordered[:, -2]).min() < NEAR_TIE, doc.text
            ties += 1
    assert ties <= len(docs) // 1000


def test_nothing_that_was_missed_is_impossible(trained):
    nlp, gold = trained
    docs = [nlp.make_doc(doc.text) for doc in gold]
    labels = set(nlp.get_pipe("ner").labels)
    checked = 0
    for doc, reference, posterior in zip(docs, gold, get_posteriors(nlp, docs)):
        assert posterior.missed_mass <= 1e-3 * max(len(doc), 200) / 200
        assert posterior.token_probs.min() >= 0
        for ent in reference.ents:
            span = doc.char_span(ent.start_char, ent.end_char)
            if span is None or ent.label_ not in labels or span[0].is_space:
                continue
            assert posterior.prob(span.start, span.end, ent.label_) > 0
            checked += 1
    assert checked > 100

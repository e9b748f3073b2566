"""What is labelled already, as samplers see it, and what of it may be asked nevertheless."""

import numpy
import pytest
import spacy
from spacy.tokens import DocBin, Span
from spacy.training import Example

from spacy_al.config.settings import Settings
from spacy_al.evaluation.stop_set import read_stop_set, stop_set
from spacy_al.posteriors.component import open_component
from spacy_al.query.labelled import read_labelled
from spacy_al.query.scorer import Job, Scorer
from spacy_al.query.select import select
from tests.helpers.ner_oracle import make_ner
from tests.helpers.shards import write_shards

CNN = {
    "exclusive_classes": True,
    "tok2vec": {
        "@architectures": "spacy.HashEmbedCNN.v2",
        "pretrained_vectors": None,
        "width": 16,
        "depth": 1,
        "embed_size": 200,
        "window_size": 1,
        "maxout_pieces": 2,
        "subword_features": True,
    },
}
TEXTS = ["aspirin helps him", "Dr Smith gave two mg", "no distress was seen in Paris"]


def write(texts, path, labels=()):
    nlp = spacy.blank("en")
    docs = [nlp.make_doc(text) for text in texts]
    for doc, label in zip(docs, labels):
        doc.ents = [Span(doc, 0, 1, label)]
    DocBin(docs=docs).to_disk(path)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model-best"
    make_ner(updates=2, shared=True).to_disk(path)
    return str(path)


@pytest.mark.slow
def test_counts_are_in_the_order_of_the_models_labels(model, tmp_path):
    corpus = write(TEXTS, tmp_path / "train.spacy", ["PER", "DRUG", "UNKNOWN"])
    found = read_labelled([corpus, corpus], Scorer(Job(model)), "sc", None)
    assert found.labels == ("DRUG", "PER")
    assert sorted(found.counts.tolist()) == [[0, 0], [0, 1], [1, 0]]
    assert found.embeddings.shape == (3, 16)
    assert read_labelled([corpus], Scorer(Job(model)), "sc", None, embed=False).embeddings is None


@pytest.mark.slow
def test_texts_that_no_pool_could_hold_are_passed_over(model, tmp_path):
    scorer = Scorer(Job(model))
    scorer.nlp.max_length = 40
    corpus = write(["", " \n ", "aspirin " * 20, TEXTS[0]], tmp_path / "train.spacy")
    found = read_labelled([corpus], scorer, "sc", None)
    assert found.counts.shape == (1, 2) and found.embeddings.shape == (1, 16)
    nothing = read_labelled([write([""], tmp_path / "empty.spacy")], scorer, "sc", None)
    assert nothing.embeddings is None and nothing.counts.shape == (0, 2)


@pytest.mark.slow
def test_of_a_component_without_questions_of_its_own_entities_are_counted(tmp_path):
    path = tmp_path / "beam"
    make_ner(updates=2, factory="beam_ner").to_disk(path)
    corpus = write(TEXTS, tmp_path / "train.spacy", ["DRUG", "DRUG", "PER"])
    found = read_labelled([corpus], Scorer(Job(str(path))), "sc", None)
    assert found.counts.sum(axis=0).tolist() == [2, 1]
    assert read_labelled([corpus], Scorer(Job(None)), "sc", "parser").labels == ("DRUG", "PER")


def test_what_a_model_learned_from_is_seen_and_may_be_asked(model, tmp_path):
    pool = write(TEXTS, tmp_path / "pool.spacy")
    settings = Settings(blocks={"sampler": {"@al_samplers": "spacy-al.near_positives.v1"}})
    found = select(pool, model=model, trained_on=pool, settings=settings)
    assert len(found.tasks) == found.n_pool == 3
    assert found.report["already labelled"] == 0
    assert numpy.isfinite([task["meta"]["score"] for task in found.tasks]).all()


@pytest.mark.slow
def test_what_is_left_to_learn_does_not_depend_on_how_many_models_are_read(model, tmp_path):
    nlp = spacy.blank("en")
    write_shards(map(nlp.make_doc, TEXTS), tmp_path / "pool")
    dropout = {"posterior": {"@al_posteriors": "spacy-al.dropout.v1", "samples": 3}}
    drawn = stop_set(tmp_path / "pool", tmp_path, 0)
    for path in (model, categories(tmp_path)):
        one, many = (
            read_stop_set(open_component(path, **blocks), tmp_path / "pool", drawn)
            for blocks in ({}, dropout)
        )
        for name in ("expected_errors", "expected_answers"):
            assert one[name] == pytest.approx(many[name], abs=1e-4)


def categories(folder):
    nlp = spacy.blank("en")
    nlp.add_pipe("textcat", config={"model": {"@architectures": "spacy.TextCatCNN.v2", **CNN}})
    gold = [{"cats": {"A": 1.0, "B": 0.0}}, {"cats": {"A": 0.0, "B": 1.0}}]
    examples = [Example.from_dict(nlp.make_doc(text), own) for text, own in zip(TEXTS, gold)]
    nlp.initialize(lambda: examples)
    nlp.to_disk(folder / "categories")
    return str(folder / "categories")

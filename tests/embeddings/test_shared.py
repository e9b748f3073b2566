"""An encoder that a process shares: opened once, and only for what the cache lacks."""

import os

import numpy
import pytest
import spacy
from numpy.testing import assert_array_equal

from spacy_al.embeddings import shared
from spacy_al.embeddings.encoder import EncoderSettings, open_encoder
from spacy_al.embeddings.pretrained import make_pretrained
from spacy_al.embeddings.shared import SharedEncoder, shared_encoder, use_cache

NLP = spacy.blank("en")
TEXTS = ["aspirin for a fever", "the tenant pays", "", "aspirin"]


@pytest.fixture
def pipeline(tmp_path):
    """A folder of static vectors, which are an encoder without torch."""
    nlp = spacy.blank("en")
    rng = numpy.random.default_rng(0)
    for word in ("aspirin", "fever", "tenant", "pays"):
        nlp.vocab.set_vector(word, rng.normal(size=8).astype("f4"))
    nlp.to_disk(tmp_path / "vectors")
    return EncoderSettings(str(tmp_path / "vectors"))


@pytest.fixture
def no_cache(monkeypatch):
    monkeypatch.delenv(shared.VARIABLE, raising=False)
    shared._shared.cache_clear()


def docs():
    return [NLP.make_doc(text) for text in TEXTS]


def test_it_says_what_the_encoder_says(pipeline, tmp_path):
    expected = open_encoder(pipeline).encode(docs())
    for folder in (None, tmp_path / "cache"):
        own = SharedEncoder(pipeline, folder)
        for _ in range(2):
            for found, encoding in zip(own.token_vectors(docs()), expected):
                assert_array_equal(found, encoding.tokens.astype("f2"))
            found = own.text_vectors(docs())
            assert_array_equal(found, [one.text.astype("f2") for one in expected])


def test_with_all_in_the_cache_it_is_not_opened(pipeline, tmp_path, monkeypatch):
    first = SharedEncoder(pipeline, tmp_path / "cache")
    expected = first.token_vectors(docs())
    monkeypatch.setattr(shared, "open_encoder", lambda settings: pytest.fail("it was opened"))
    second = SharedEncoder(pipeline, tmp_path / "cache")
    assert (second.hash, second.width) == (first.hash, first.width)
    for found, right in zip(second.token_vectors(docs()), expected):
        assert_array_equal(found, right)


def test_another_encoder_of_the_same_name_is_opened(pipeline, tmp_path):
    first = SharedEncoder(pipeline, tmp_path / "cache")
    before = first.text_vectors(docs())
    nlp = spacy.load(pipeline.name)
    nlp.vocab.set_vector("aspirin", numpy.ones(8, "f4"))
    nlp.to_disk(pipeline.name)
    second = SharedEncoder(pipeline, tmp_path / "cache")
    with pytest.warns(UserWarning, match="ALW302"):
        assert second.hash != first.hash
        assert not numpy.allclose(second.text_vectors(docs()), before)


def test_what_was_read_first_leaves_the_memory_first(pipeline, monkeypatch):
    monkeypatch.setattr(shared, "MOST_BYTES", 200)
    own = SharedEncoder(pipeline)
    for doc in docs():
        own.token_vectors([doc])
    assert own._n_bytes <= 200
    assert len(own._memory) < len(TEXTS)
    assert own.token_vectors(docs())[0].shape == (4, 8)


def test_other_tokens_of_a_text_have_other_vectors(pipeline):
    own = SharedEncoder(pipeline)
    whole, parts = NLP.make_doc("aspirin fever"), spacy.tokens.Doc(NLP.vocab, ["aspirin fever"])
    assert [len(rows) for rows in own.token_vectors([whole, parts])] == [2, 1]


def test_the_cache_of_a_run_is_that_of_all_it_starts(pipeline, tmp_path, no_cache, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(shared.VARIABLE, "before")
    use_cache("mine")
    assert os.environ[shared.VARIABLE] == str(tmp_path / "mine")
    make_pretrained(pipeline.name)(docs())
    assert list((tmp_path / "mine").glob("*/*.alenc"))
    assert shared_encoder(pipeline) is shared_encoder(pipeline, tmp_path / "mine")
    use_cache(None)
    assert shared.VARIABLE not in os.environ
    assert shared_encoder(pipeline).folder is None

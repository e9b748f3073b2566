"""Scores of a pool, a shard at a time: what is kept, what is left out, and in how little memory."""

from typing import Any

import numpy
import pytest
import spacy

from spacy_al import get_posteriors
from spacy_al.acquisition import make_token_entropy
from spacy_al.corpus.duplicates import copy_keys, opening
from spacy_al.errors import AlError, AlWarning
from spacy_al.posteriors.component import blamed_on
from spacy_al.query import scorer as scoring
from spacy_al.query.score_pool import score_pool
from spacy_al.query.scorer import Job, Scorer
from spacy_al.util import content_hash
from tests.helpers.ner_oracle import make_ner
from tests.query.test_select import TEXTS, save_light, write


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return {
        shared: save_light(make_ner(updates=3, shared=shared), folder / str(shared))
        for shared in (True, False)
    }


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    return write(TEXTS, tmp_path_factory.mktemp("pool"), 40)


@pytest.mark.slow
def test_a_row_for_each_text(models, pool):
    found = score_pool(Job(models[True]), pool)
    nlp = spacy.load(models[True])
    expected = {}
    for text in TEXTS:
        doc = nlp.make_doc(text)
        score = make_token_entropy()(get_posteriors(nlp, [doc]))[0]
        expected[int(content_hash(text), 16)] = (score, copy_keys(text), opening(text))
    assert found.ids.tolist() == sorted(expected)
    assert found.near.tolist() == [expected[i][1] for i in found.ids.tolist()]
    assert found.openings.tolist() == [expected[i][2] for i in found.ids.tolist()]
    scores = [expected[i][0] for i in found.ids.tolist()]
    numpy.testing.assert_allclose(found.scores, scores, atol=1e-5)
    assert found.n_tokens == sum(len(nlp.make_doc(text)) for text in TEXTS)
    assert found.columns == {} and found.report == {"read": len(TEXTS), "duplicate": 0}


@pytest.mark.slow
def test_embeddings_come_from_the_shared_encoder_where_there_is_one(models, pool):
    dense = score_pool(Job(models[True], columns=("embeddings",)), pool).columns["embeddings"]
    assert isinstance(dense, numpy.ndarray) and dense.shape == (len(TEXTS), 16)
    for job in (
        Job(models[False], columns=("embeddings",)),
        Job(None, columns=("embeddings",), lang="xx"),
    ):
        counts = score_pool(job, pool).columns["embeddings"]
        assert counts.shape == (len(TEXTS), 2**18) and counts.sum() > len(TEXTS)


def test_memory_zones_change_nothing(models, pool, monkeypatch):
    plain = score_pool(Job(models[True], columns=("embeddings",)), pool)
    monkeypatch.setattr(scoring, "BATCH", 7)
    monkeypatch.setattr(scoring, "WARM", 1)
    scorer = Scorer(Job(models[True], columns=("embeddings",)))
    zoned = score_pool(scorer.job, pool, scorer=scorer)
    assert (zoned.ids == plain.ids).all()
    numpy.testing.assert_allclose(zoned.scores, plain.scores, atol=1e-5)
    numpy.testing.assert_allclose(
        zoned.columns["embeddings"], plain.columns["embeddings"], atol=1e-5
    )
    # words that only later texts have are forgotten
    known = [text.split()[-1] in scorer.nlp.vocab.strings for text in TEXTS]
    assert not all(known)


def test_parts_of_a_shard_are_the_whole(models, pool):
    scorer = Scorer(Job(models[True]))
    shard = sorted(pool.iterdir())[0]
    whole: Any = scorer.score_shard(shard)
    parts: list[Any] = [scorer.score_shard(shard, (i, 3)) for i in range(3)]
    assert sorted(whole.ids) == sorted(numpy.concatenate([part.ids for part in parts]))
    assert sum(part.report["read"] for part in parts) == whole.report["read"] == 40


def test_an_unreadable_shard_is_left_out_and_named(tmp_path):
    pool = write(TEXTS, tmp_path, 40)
    (pool / "00001.spacy").write_bytes(b"nonsense")
    with pytest.warns(AlWarning, match="ALW041.*1 of 4.*00001"):
        found = score_pool(Job(None, lang="xx"), pool)
    assert len(found.ids) == len(TEXTS) - 40 and found.report["unreadable shard"] == 1


def test_an_error_of_the_model_is_no_unreadable_shard(models, pool):
    block = {"acquisition": {"@al_acquisitions": "spacy-al.margin.v1"}}
    with pytest.raises(AlError, match="AL020"):
        score_pool(Job(models[True], blocks=block), pool)


def test_a_reader_for_another_component(models, pool):
    block = {"posterior": {"@al_posteriors": "spacy-al.textcat.v1"}}
    with pytest.raises(AlError, match="AL0"):
        score_pool(Job(models[True], blocks=block), pool)


def test_what_fails_is_named():
    def mine():
        raise KeyError("x")

    with (
        pytest.raises(AlError, match=r"AL092.*'mine'.*KeyError: 'x'.*test_scorer\.py:\d+"),
        blamed_on(mine),
    ):
        mine()
    with pytest.raises(AlError, match="own"), blamed_on(mine):
        raise AlError("own")

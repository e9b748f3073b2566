"""Texts are taken out of .spacy files, of records and of caches; all else stays as it was, byte for byte where it can."""

import json
import zlib
from typing import Any

import numpy
import pytest
import spacy
from numpy.testing import assert_array_equal
from spacy.tokens import DocBin, Span
from spacy.vocab import Vocab

from spacy_al.corpus.forgotten import CONTEXT_CHARS, hashes_of, list_of_pool, read_list, write_list
from spacy_al.corpus.record_removal import remove_from_record, remove_records
from spacy_al.corpus.removal import Removed, remove_from_shard
from spacy_al.corpus.shard import SOURCE_KEY, write_shard
from spacy_al.embeddings.cache import EncodingCache, cache_key
from spacy_al.embeddings.cache_file import Key
from spacy_al.embeddings.encoder import Encoding
from spacy_al.embeddings.removal import remove_from_cache
from spacy_al.errors import AlError
from spacy_al.util import content_hash

NLP = spacy.blank("en")
TEXTS = ["No ASPIRIN today.", "Zorblax quintrel.", "Aspirin 40 mg for Ann.", "Yes"]
GONE = hashes_of([TEXTS[1], TEXTS[3]])
OWN: Any = ("._.", "own", None, None)


def docs():
    made = []
    for number, text in enumerate(TEXTS):
        doc = NLP.make_doc(text)
        around = {"before": TEXTS[number - 1] if number else "", "after": ""}
        doc.user_data[SOURCE_KEY] = {"doc": "note", "sentence": number, **around}
        doc.user_data[OWN] = [number]
        doc.ents = [Span(doc, 0, 1, "DRUG")]
        doc.spans["sc"] = [Span(doc, 0, 1, f"LABEL{number}", kb_id=f"Q{number}")]
        doc.cats = {"A": number / 4}
        doc[0].lemma_, doc[0].norm_ = f"lemma{number}", f"norm{number}"
        made.append(doc)
    return made


def said(doc):
    spans = [(s.start, s.end, s.label_, s.kb_id_) for s in doc.spans["sc"]]
    return doc.to_json(), spans, doc.cats, [token.lemma_ for token in doc]


def test_other_docs_of_a_shard_stay_as_they_were(tmp_path):
    path = write_shard(docs(), tmp_path / "x.spacy")
    before = path.read_bytes()
    assert remove_from_shard(path, GONE, dry=True) == Removed(2, 1)
    assert path.read_bytes() == before
    assert remove_from_shard(path, GONE) == Removed(2, 1)
    left = [*DocBin().from_disk(path).get_docs(Vocab())]
    assert [said(doc) for doc in left] == [said(doc) for doc in (docs()[0], docs()[2])]
    assert [doc.user_data[OWN] for doc in left] == [(0,), (2,)]
    assert [doc.user_data[SOURCE_KEY]["before"] for doc in left] == ["", ""]
    # the words that only what is gone had, in no form
    data = zlib.decompress(path.read_bytes())
    assert not [w for w in (b"orblax", b"uintrel", b"Yes", b"LABEL1", b"lemma3") if w in data]
    after = path.read_bytes()
    assert not remove_from_shard(path, GONE) and path.read_bytes() == after


def test_a_shard_of_which_nothing_is_left(tmp_path):
    path = write_shard(docs()[1:2], tmp_path / "x.spacy")
    assert remove_from_shard(path, GONE).texts == 1
    assert [*DocBin().from_disk(path).get_docs(Vocab())] == []


def test_other_attributes_of_a_file_of_somebody_else_stay(tmp_path):
    data = DocBin(attrs=["ENT_IOB", "ENT_TYPE", "SENT_START", "NORM"])
    for doc in docs():
        doc[-1].is_sent_start = True
        data.add(doc)
    data.to_disk(tmp_path / "x.spacy")
    remove_from_shard(tmp_path / "x.spacy", GONE)
    found = DocBin().from_disk(tmp_path / "x.spacy")
    assert found.attrs == data.attrs and len(found) == 2
    assert_array_equal(found.tokens[1], data.tokens[2])
    assert [doc[0].norm_ for doc in found.get_docs(Vocab())] == ["norm0", "norm2"]


def test_of_a_long_text_its_ends_are_known(tmp_path):
    long = "word " * CONTEXT_CHARS
    gone = hashes_of([long])
    assert gone.has_part(long[:CONTEXT_CHARS]) and gone.has_part(long[-CONTEXT_CHARS:])
    assert not gone.has(long[:CONTEXT_CHARS]) and not gone.has_part("")
    write_list(tmp_path / "x.json", gone)
    assert read_list(tmp_path / "x.json") == gone
    assert list_of_pool(tmp_path / "pool").parent == tmp_path
    for damage in ("", "[]", '{"texts": 3}', '{"texts": ["a"], "parts": []}'):
        (tmp_path / "x.json").write_text(damage)
        with pytest.raises(AlError, match="AL344"):
            read_list(tmp_path / "x.json")


def test_records_of_a_text_go_and_a_word_that_is_like_it_stays():
    yes = content_hash("Yes")
    other = {"text": "Yes, daily", "tokens": [{"text": "Yes", "id": 0}], "meta": {"doc": "a"}}
    records = [
        {"text": "Yes", "answer": "accept"},
        {"data": {"text": TEXTS[1]}},
        f"r000-{yes}-dev",
        {**other, "meta": {"doc": "a", "before": "Yes", "after": "No"}},
        other,
    ]
    kept, removed = remove_records(records, GONE)
    assert kept == [{**other, "meta": {"doc": "a", "before": "", "after": "No"}}, other]
    assert removed == Removed(3, 1)
    drawn = {"n_pool": 4, "ids": [yes, "0" * 16], "predictions": {yes: [], "0" * 16: [1]}}
    clean, removed = remove_from_record(drawn, GONE)
    assert clean == {"n_pool": 4, "ids": ["0" * 16], "predictions": {"0" * 16: [1]}}
    assert json.dumps(drawn).count(yes) == 2 and removed.texts == 2


@pytest.mark.parametrize("others", [0, 1])
def test_a_damaged_encoding_does_not_pass_for_whole(tmp_path, others):
    cache, vector = EncodingCache(tmp_path, "e", 3), numpy.ones(3, "f4")
    gone, *rest = (int(content_hash(text), 16) for text in (TEXTS[1], "a", "b"))
    keys = [Key(gone, 1), *(Key(one, 1) for one in rest[: others + 1])]
    cache.add({key: Encoding(vector, vector[None]) for key in keys})
    (path,) = tmp_path.rglob("*.alenc")
    data = bytearray(path.read_bytes())
    data[-1] ^= 64
    path.write_bytes(data)
    assert remove_from_cache(path, GONE) == Removed(1)
    left = EncodingCache(tmp_path, "e", 3)
    assert left.missing(keys) == [keys[0], keys[-1]] and path.exists() == bool(others)


def test_encodings_of_a_text_go(tmp_path):
    cache, keys = EncodingCache(tmp_path, "e", 3), {}
    for number, text in enumerate(TEXTS):
        doc = NLP.make_doc(text)
        vectors = numpy.full((len(doc), 3), number, "f2")
        keys[text] = cache_key(doc)
        more = {cache_key(doc, tokens=False): Encoding(vectors[0], vectors[:0])}
        cache.add({keys[text]: Encoding(vectors[0], vectors), **(more if number < 3 else {})})
    paths = sorted(tmp_path.rglob("*.alenc"))
    (tmp_path / "e" / "torn.alenc").write_bytes(paths[0].read_bytes()[:-1])
    removed = sum(remove_from_cache(p, GONE, dry=True).texts for p in tmp_path.rglob("*.alenc"))
    assert removed == 4 and len(sorted(tmp_path.rglob("*.alenc"))) == 5
    for path in sorted(tmp_path.rglob("*.alenc")):
        remove_from_cache(path, GONE)
    left = EncodingCache(tmp_path, "e", 3)
    assert len(sorted(tmp_path.rglob("*.alenc"))) == 2
    assert left.missing(keys.values()) == [keys[TEXTS[1]], keys[TEXTS[3]]]
    for text, encoding in zip(
        (TEXTS[0], TEXTS[2]), left.get([keys[TEXTS[0]], keys[TEXTS[2]]]).values()
    ):
        assert_array_equal(encoding.tokens, cache.get([keys[text]])[keys[text]].tokens)

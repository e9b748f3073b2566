"""The pool: what comes out of shards, what is skipped, and what a user reads when a file is bad."""

import os
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import pytest
import spacy
from hypothesis import example, given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from spacy_al.corpus import pool
from spacy_al.corpus.labelled import labelled_ids
from spacy_al.corpus.pool import fetch, read_pool, read_shard_items, shards
from spacy_al.corpus.shard import read_shard, writing
from spacy_al.errors import AlError, AlWarning
from spacy_al.tasks.task import read_tasks
from spacy_al.util import content_hash, is_blank
from tests.helpers.shards import write_shards

NLP = spacy.blank("en")


def docs(*texts):
    return [NLP.make_doc(text) for text in texts]


def write(path, *texts):
    return write_shards(docs(*texts), path, shard_size=2)


def message(path, nlp=NLP):
    with pytest.raises(AlError) as caught:
        list(read_pool(path, nlp))
    return str(caught.value)


def test_shards_in_order_of_name_without_hidden_files(tmp_path):
    write(tmp_path, "a", "b", "c", "d", "e")
    (tmp_path / "._00000.spacy").write_bytes(b"left by another system")
    (tmp_path / "notes.txt").write_text("no shard")
    assert [path.name for path in shards(tmp_path)] == ["00000.spacy", "00001.spacy", "00002.spacy"]
    assert shards(tmp_path / "00001.spacy") == [tmp_path / "00001.spacy"]
    assert [item.doc.text for item in read_pool(tmp_path, NLP)] == ["a", "b", "c", "d", "e"]


def test_bad_paths_are_explained(tmp_path):
    assert message(tmp_path / "gone") == (
        f"[AL040] There is no file or folder '{tmp_path / 'gone'}'. Check the path."
    )
    assert "holds no .spacy file (it is empty)" in message(tmp_path)
    (tmp_path / "a.txt").write_text("x")
    assert "holds no .spacy file (1 other files)" in message(tmp_path)
    assert "ingest TEXTS" in message(tmp_path)
    assert message(tmp_path / "a.txt").endswith(f"ingest {tmp_path / 'a.txt'} corpus/pool")


def test_bad_files_are_explained(tmp_path):
    good = DocBin(docs=docs("one text", "another text")).to_bytes()
    path = tmp_path / "bad.spacy"
    path.write_bytes(b"")
    assert message(path) == (
        f"[AL043] '{path}' is empty (0 bytes): writing it was probably interrupted. "
        "Delete it, or make it again with `ingest` or `spacy convert`."
    )
    for data in (good[: len(good) // 2], b"not a DocBin", good[10:]):
        path.write_bytes(data)
        assert message(path).startswith(f"[AL044] '{path}' is torn, or is no .spacy file (")
        assert "Delete it, or make it again" in message(path)
        assert "\n" not in message(path)


@pytest.mark.parametrize("payload", [[], {}, {"attrs": [65]}, {"attrs": [], "strings": []}, "x", 1])
def test_files_that_unpack_to_something_else(tmp_path, payload):
    import zlib

    import srsly

    path = tmp_path / "bad.spacy"
    path.write_bytes(zlib.compress(srsly.msgpack_dumps(payload)))
    assert message(path).startswith("[AL044]")


def test_a_shard_that_would_fill_the_memory_is_refused(tmp_path):
    """A few hundred kilobytes of zeros, packed a thousand times smaller than they are."""
    import tracemalloc
    import zlib

    packing, block = zlib.compressobj(9), bytes(2**20)
    parts = [packing.compress(block) for _ in range(400)]
    path = tmp_path / "bomb.spacy"
    path.write_bytes(b"".join([*parts, packing.flush()]))
    tracemalloc.start()
    said = message(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert said.startswith("[AL044]") and "200 times its size" in said
    assert most < 50 * 2**20


def test_unreadable_file_is_explained(tmp_path, monkeypatch):
    [path] = write(tmp_path, "a")

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert message(path) == (
        f"[AL046] '{path}' cannot be read: Permission denied. Check the path, its permissions and the disk."
    )


def test_one_torn_shard_does_not_stop_the_others(tmp_path):
    write(tmp_path, "a", "b", "c", "d", "e", "f")
    (tmp_path / "00001.spacy").write_bytes(b"torn")
    report = Counter()
    with pytest.warns(AlWarning, match=r"1 of 3 shards could not be read.*00001\.spacy"):
        items = list(read_pool(tmp_path, NLP, report=report))
    assert [item.doc.text for item in items] == ["a", "b", "e", "f"]
    assert report == {"read": 4, "unreadable shard": 1}
    for shard in shards(tmp_path):
        shard.write_bytes(b"torn")
    assert message(tmp_path).startswith("[AL044]")


def test_skips_are_counted(tmp_path):
    write(tmp_path, "a", "", " \n", "\u200b \ufeff", "a", "b", "a", "far too long")
    nlp = spacy.blank("en")
    nlp.max_length = 5
    report = Counter()
    items = list(read_pool(tmp_path, nlp, report=report))
    assert [item.doc.text for item in items] == ["a", "b"]
    assert report == {"read": 2, "empty": 1, "white space only": 2, "duplicate": 2, "too long": 1}


def test_nothing_usable_is_an_error(tmp_path):
    write(tmp_path, "", "", "  ")
    assert "Nothing usable is left of" in message(tmp_path)
    assert "2 empty, 1 white space only" in message(tmp_path)
    [path] = write_shards(docs("x"), tmp_path / "other")
    path.write_bytes(DocBin().to_bytes())
    assert "it holds no texts" in message(path)


def test_a_large_file_names_ingest(tmp_path, monkeypatch):
    [path] = write(tmp_path, "a")
    monkeypatch.setattr(pool, "LARGE_FILE", 10)
    with pytest.warns(AlWarning, match=r"loads a \.spacy file whole.* ingest "):
        assert shards(path)


def test_the_pools_annotation_stays_out(tmp_path):
    # As a converted corpus may be: tokens of its own, gold entities, categories, tags
    stored = Doc(
        Vocab(), words=["don't", "stop", "."], spaces=[True, False, False], tags=["ZZTAG"] * 3
    )
    stored.ents = [Span(stored, 0, 1, label="ZZGOLD")]
    stored.cats["ZZCAT"] = 1.0
    stored.user_data["mine"] = 1
    [path] = write_shards([stored], tmp_path)
    nlp = spacy.blank("en")
    for keep, words in ((False, ["do", "n't", "stop", "."]), (True, ["don't", "stop", "."])):
        [item] = read_shard_items(path, nlp, keep_tokens=keep)
        assert [token.text for token in item.doc] == words
        assert item.doc.text == "don't stop." and item.id == content_hash("don't stop.")
        assert not item.doc.ents and not item.doc.cats and not item.doc.user_data
        assert not item.doc.has_annotation("TAG") and not item.doc.has_annotation("ENT_IOB")
        assert item.source == {}
    assert "ZZGOLD" not in nlp.vocab.strings and "ZZTAG" not in nlp.vocab.strings
    assert next(read_shard(path, Vocab())).ents[0].label_ == "ZZGOLD"


def test_source_comes_out_beside_other_user_data(tmp_path):
    [doc] = docs("a b")
    source = {"doc": "n:1", "sentence": 3, "before": "x", "after": "", "meta": {"k": (1, 2)}}
    doc.user_data |= {("._.", "mine", 0, 1): [1], "al_source": source}
    other = NLP.make_doc("al_source")
    other.user_data["al_source"] = "not a dict"
    [path] = write_shards([doc, other], tmp_path)
    assert [item.source for item in read_shard_items(path, NLP)] == [source, {}]


def test_a_shard_is_what_spacy_would_have_written(tmp_path):
    [doc] = docs("a b")
    doc.user_data |= {("._.", "mine", 0, 1): [1], "al_source": {"doc": "1"}}
    [path] = write_shards([doc, NLP.make_doc("c")], tmp_path)
    expected = DocBin(store_user_data=True, docs=[doc, NLP.make_doc("c")])
    assert path.read_bytes() == expected.to_bytes()


def test_sentence_starts_only_with_stored_tokens(tmp_path):
    vocab = Vocab()
    two = Doc(vocab, words=["a", "b", "c"], sent_starts=[True, False, True])
    one = Doc(vocab, words=["d", "e"], sent_starts=[True, False])
    [path] = write_shards([two, one], tmp_path)
    starts = [
        [[token.is_sent_start for token in item.doc] for item in read_shard_items(path, NLP, **kw)]
        for kw in ({"keep_tokens": True}, {})
    ]
    assert starts[0][0] == [True, False, True]
    assert starts[0][1][1] is None and starts[1][0][1:] == [None] * (len(starts[1][0]) - 1)


def test_a_shard_alone_gives_what_the_pool_gives(tmp_path):
    write(tmp_path, "a", "b", "b", "c", "a")
    seen: set[int] = set()
    alone = [
        item.id for path in shards(tmp_path) for item in read_shard_items(path, NLP, seen=seen)
    ]
    assert alone == [item.id for item in read_pool(tmp_path, NLP)]


def test_fetch_by_id(tmp_path):
    write(tmp_path, "a", "b", "c", "d")
    ids = [content_hash(text) for text in ("d", "gone", "a", "d")]
    found = fetch(tmp_path, NLP, ids)
    assert list(found) == [ids[0], ids[2]]
    assert [item.doc.text for item in found.values()] == ["d", "a"]


def test_a_crash_leaves_the_old_shard(tmp_path, monkeypatch):
    [path] = write(tmp_path, "old")
    before = path.read_bytes()

    def crash(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(AlError, match=r"\[AL047\].*No space left on device"):
        write(tmp_path, "new")
    assert path.read_bytes() == before
    assert [child.name for child in tmp_path.iterdir()] == ["00000.spacy"]


def test_a_folder_where_a_file_belongs_is_named_before_anything_is_done(tmp_path):
    done = list[str]()
    (tmp_path / "file").write_text("")
    for path, why in ((tmp_path, "it is a folder"), (tmp_path / "file" / "x", "is a file, where")):
        with pytest.raises(AlError, match=rf"\[AL047\].*{why}"), writing(path):
            done.append("worked for nothing")
    with pytest.raises(AlError, match=r"\[AL046\].*it is a folder. Name a file"):
        list(read_tasks(tmp_path))
    assert done == [] and [child.name for child in tmp_path.iterdir()] == ["file"]


texts = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1, max_size=8
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(texts, st.integers(1, 4))
@example(["\u200b", "\x1f", "a\u200b"], 2)
def test_every_text_comes_back_once(tmp_path_factory, values, size):
    path = tmp_path_factory.mktemp("pool")
    write_shards(docs(*values), path, shard_size=size)
    seen = [text for text in values if not is_blank(text)]
    usable = list(dict.fromkeys(seen))
    for keep in (False, True):
        report = Counter()
        try:
            items = list(read_pool(path, NLP, keep_tokens=keep, report=report))
        except AlError as error:
            assert not usable and "AL045" in str(error)
            continue
        assert [item.doc.text for item in items] == usable
        assert sum(report.values()) == len(values)


def test_labelled_ids(tmp_path):
    write(tmp_path / "corpus", "a", "b", "c")
    expected = {content_hash(text) for text in "abc"}
    assert labelled_ids(tmp_path / "corpus") == expected
    assert labelled_ids(tmp_path / "corpus" / "00000.spacy") < expected
    tasks = tmp_path / "answers.jsonl"
    tasks.write_text('{"text": "a", "answer": "accept"}\n\n{"text": "b"}\n{"text": "c\n')
    with pytest.warns(AlWarning, match=r"1 lines of .* asked again\. The first: answers\.jsonl:4"):
        assert labelled_ids(tasks) == {content_hash("a"), content_hash("b")}
    tasks.rename(tmp_path / "answers.txt")
    with pytest.raises(AlError, match="AL060"):
        labelled_ids(tmp_path / "answers.txt")
    with pytest.raises(AlError, match="AL040"):
        labelled_ids(tmp_path / "gone.jsonl")
    (tmp_path / "corpus" / "00001.spacy").write_bytes(b"")
    with pytest.raises(AlError, match="AL043"):
        labelled_ids(tmp_path / "corpus")


@pytest.mark.slow
def test_shards_stream_in_flat_memory(tmp_path):
    """Four times the shards, the same peak: what a shard took is given back before the next."""
    code = """
        import resource, sys
        from pathlib import Path
        import spacy
        from spacy_al.corpus.pool import read_shard_items, shards
        nlp, count = spacy.blank("en"), 0
        for shard in shards(Path(sys.argv[1]))[: int(sys.argv[2])]:
            with nlp.memory_zone():
                count += sum(1 for _ in read_shard_items(shard, nlp))
        assert len(nlp.vocab.strings) < 3000, len(nlp.vocab.strings)
        print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    """
    for part in range(8):
        rows = (" ".join(f"w{part}x{i}y{j}" for j in range(10)) for i in range(500))
        batch = docs(*rows)
        write_shards(batch, tmp_path / "part")[0].rename(tmp_path / f"{part:05}.spacy")
    counts, peaks = [], []
    for some in (2, 8):
        command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path), str(some)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        count, peak = map(int, done.stdout.split())
        counts.append(count)
        peaks.append(peak)
    assert counts == [1000, 4000]
    assert peaks[1] < peaks[0] * 1.1


@pytest.mark.realdata
def test_real_corpora(realdata):
    """Every text of a real corpus comes out, and none of its annotation."""
    for path in sorted(realdata.glob("*/dev.spacy"))[:3]:
        stored = [doc.text for doc in read_shard(path, Vocab())]
        items = list(read_pool(path, NLP))
        assert [item.doc.text for item in items] == list(dict.fromkeys(stored))
        assert not any(item.doc.ents or item.doc.cats for item in items)

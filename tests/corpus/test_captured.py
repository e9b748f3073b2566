"""Captures become texts of a pool, with their dates, fields and scores, and without what was predicted."""

import json

import spacy
from typer.testing import CliRunner

from spacy_al.capture.recorder import Recorder
from spacy_al.cli import app
from spacy_al.corpus.captured import captured_id, is_capture_shard, lost_in, pool_meta
from spacy_al.corpus.ingest import ingest
from spacy_al.corpus.pool import shards
from spacy_al.corpus.shard import read_bare
from spacy_al.util import content_hash

LONG = "The patient took aspirin twice daily. No fever was seen."


def capture(folder, pairs, **settings):
    nlp = spacy.blank("en")
    recorder = Recorder(folder, fields=["id", "patient", "date"], **settings)
    for text, meta in pairs:
        doc = nlp.make_doc(text)
        doc.cats = {"A": 1.0}
        recorder.record(doc, meta=meta, model="en_notes", version="1.2.0")
    recorder.close()
    return folder


def stored(pool):
    return {one.text: one.source for shard in shards(pool) for one in read_bare(shard)}


def first_shard(folder):
    (path,) = folder.glob("capture-*.jsonl")
    return path


def test_from_a_folder_of_captures_to_a_pool(tmp_path):
    folder = capture(tmp_path / "c", [(LONG, {"patient": "P-1"}), ("Fever rose.", {"id": "n7"})])
    record = json.loads(first_shard(folder).read_text().splitlines()[0])
    pool = tmp_path / "pool"
    report = ingest([folder], pool)
    assert (report.documents, report.texts) == (2, 3)
    found = stored(pool)
    first = found["The patient took aspirin twice daily."]
    # a document is known by the hash of its text, unless its fields have an id
    assert first["doc"] == content_hash(LONG) and found["Fever rose."]["doc"] == "n7"
    captured = {"model": "en_notes", "version": "1.2.0"}
    assert first["meta"] == {"date": record["time"], "patient": "P-1", "captured": captured}
    assert "predictions" not in json.dumps([*found.values()])


def test_what_is_added_is_what_is_new(tmp_path):
    pool = tmp_path / "pool"
    ingest([capture(tmp_path / "a", [(LONG, {}), ("Fever rose.", {})])], pool, unit="doc")
    folder = capture(tmp_path / "b", [("Fever rose.", {}), ("New text.", {}), ("New text.", {})])
    report = ingest([folder], pool, unit="doc", add=True)
    assert report.texts == 1
    assert report.dropped == {"in the pool already": 1, "duplicate": 1}
    # a file of a folder is one as well
    assert ingest([first_shard(folder)], pool, unit="doc", add=True).texts == 0


def test_the_document_keeps_its_own_date_and_scores(tmp_path):
    path = tmp_path / "c.jsonl"
    scores = {"ner": {"score": 0.5, "acquisition": "token_entropy", "calibrated": False}}
    base = {
        "al_capture": 1,
        "time": "2026-11-30T08:00:00.000Z",
        "text": "Fever rose.",
        "scores": scores,
    }
    path.write_text(json.dumps({**base, "meta": {"date": "2026-11-01"}}) + "\n")
    ingest([path], tmp_path / "pool")
    meta = stored(tmp_path / "pool")["Fever rose."]["meta"]
    assert meta == {"date": "2026-11-01", "captured": {"scores": scores}}


def test_what_is_not_a_text_is_counted(tmp_path):
    folder = capture(tmp_path / "c", [("Fever rose.", {})])
    capture(folder, [("Fever fell.", {}), ("No fever.", {})], texts=False)
    damaged = [
        '{"al_capture":1,"lost":{"unwritten":3,"deleted":70,"made up":5,"large":"9"}}',
        '{"al_capture":2,"text":"Of a newer version."}',
        '{"al_capture":1,"text":17}',
        '{"al_capture":1,"meta":{}}',
        '{"al_capture":1,"lost":{"made up":5}}',
        '{"al_capture":1,"hash":"0011223344556677","time":"2026-11-30","text":"Cut off he',
    ]
    (folder / "more.jsonl").write_text("\n".join(damaged))
    found = CliRunner().invoke(
        app, ["ingest", str(folder), str(tmp_path / "pool"), "--unit", "doc"]
    )
    said = " ".join(found.stderr.split())
    for part in (
        "documents read 1",
        "lost at capture: could not be written 3",
        "as the folder had reached its size 70",
        "captured without its text 2",
        "unreadable record 5",
        "more.jsonl:2: captured by a newer version",
        "more.jsonl:3: not as al_capture writes",
        "more.jsonl:6: not JSON",
        "the file ends here, as if its writer was killed",
        "texts in the pool 1",
    ):
        assert part in said, (part, said)


def test_what_a_hostile_record_says():
    assert captured_id({"meta": {"id": ["x"]}, "hash": "ab"}) == "ab"
    assert captured_id({"meta": 7}) == "" and captured_id({"meta": {"id": 4}}) == "4"
    assert pool_meta({"meta": "x", "time": 4}) == {"date": 4, "captured": {}}
    assert lost_in({"lost": {"large": -1, "failed": 2, "unwritten": True}}) == {
        "failed": 2,
        "unwritten": 1,
    }


def test_its_files_have_names_of_their_own(tmp_path):
    folder = capture(tmp_path, [("a", {})])
    assert is_capture_shard(first_shard(folder))
    assert not is_capture_shard(tmp_path / "capture-1.jsonl")

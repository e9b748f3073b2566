"""What a pipeline in use saw is kept as it was, wherever it runs, and the pipeline never fails for it."""

import datetime
import errno
import json
import os
import pickle
import warnings
from collections import Counter

import numpy
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_al.capture import al_capture, recorder
from spacy_al.capture.describe import find_predictions
from spacy_al.capture.recorder import Recorder
from spacy_al.errors import AlWarning, UsageError
from spacy_al.util import content_hash
from tests.helpers.ner_oracle import make_ner

assert al_capture
TEXTS = [f"He took aspirin {'again ' * i}today." for i in range(40)]


@Language.component("test_capture_says")
def says(doc):
    """Stands for a pipeline that predicts all there is."""
    if len(doc) < 3:
        return doc
    doc.ents = [Span(doc, 2, 3, "DRUG")]
    doc.cats = {"A": 0.25, "B": 0.75}
    doc.spans["sc"] = [Span(doc, 0, 1, "PRON"), Span(doc, 1, 3, "ACT")]
    doc.spans["sc"].attrs["scores"] = numpy.array([0.9, 0.5], dtype="f4")
    for token in doc:
        token.tag_ = "X" if token.i else "PRP"
    return doc


def pipeline(folder, *names, **settings):
    nlp = spacy.blank("en")
    for name in names or ("test_capture_says",):
        nlp.add_pipe(name)
    nlp.add_pipe("al_capture", config={"folder": str(folder), **settings})
    return nlp


def lines(folder):
    return [
        json.loads(line)
        for path in sorted(folder.glob("capture-*.jsonl"))
        for line in path.read_text("ascii").splitlines()
    ]


def captured(folder):
    return [one for one in lines(folder) if "lost" not in one]


def test_all_that_was_predicted_is_kept(tmp_path):
    nlp = pipeline(tmp_path)
    before = datetime.datetime.now(datetime.timezone.utc)
    doc = nlp("He took aspirin.\n\u2028\x1b[31m")
    (record,) = lines(tmp_path)
    assert record["text"] == doc.text and record["hash"] == content_hash(doc.text)
    assert (record["model"], record["version"]) == ("en_pipeline", "0.0.0")
    took = datetime.datetime.fromisoformat(record["time"].replace("Z", "+00:00")) - before
    assert datetime.timedelta(seconds=-1) < took < datetime.timedelta(minutes=1)
    said = record["predictions"]
    assert said["ents"] == [[8, 15, "DRUG"]] and doc.text[8:15] == "aspirin"
    assert said["cats"] == {"A": 0.25, "B": 0.75}
    assert said["spans"]["sc"] == [[0, 2, "PRON", pytest.approx(0.9)], [3, 15, "ACT", 0.5]]
    assert said["tags"][:3] == [[0, "PRP"], [3, "X"], [8, "X"]]
    assert "scores" not in record and "meta" not in record


def test_what_nobody_predicted_is_not_there(tmp_path):
    nlp = pipeline(tmp_path, "entity_ruler")
    nlp.get_pipe("entity_ruler").add_patterns([{"label": "X", "pattern": "never"}])
    nlp("He took aspirin.")
    # a component that looks for entities and finds none says so
    assert [one["predictions"] for one in lines(tmp_path)] == [{"ents": []}]
    assert find_predictions(nlp.make_doc("x y"), ["ents", "spans", "cats", "tags"]) == {}


def test_only_some_predictions_and_no_texts(tmp_path):
    nlp = pipeline(tmp_path, predictions=["cats"], texts=False)
    nlp("He took aspirin.")
    (path,) = tmp_path.glob("capture-*")
    assert "aspirin" not in path.read_text()
    (record,) = lines(tmp_path)
    assert record["hash"] == content_hash("He took aspirin.") and "text" not in record
    assert {*record["predictions"]} == {"cats"}


@pytest.mark.slow
def test_scores_are_kept_where_al_scorer_ran(tmp_path):
    nlp = make_ner(("DRUG", "PER"))
    nlp.add_pipe("al_scorer")
    nlp.add_pipe("al_capture", config={"folder": str(tmp_path)})
    docs = list(nlp.pipe(TEXTS[:5]))
    for doc, record in zip(docs, lines(tmp_path), strict=True):
        assert record["scores"] == {
            "ner": {"score": doc._.al.score, "acquisition": "token_entropy", "calibrated": False}
        }


def test_what_is_known_of_a_document(tmp_path):
    Doc.set_extension("test_ward", default=None, force=True)
    Doc.set_extension("test_when", getter=lambda doc: datetime.date(2026, 11, 30), force=True)
    names = ["patient.id", "test_ward", "test_when", "beds", "unit"]
    nlp = pipeline(tmp_path, fields=names)
    docs = nlp.pipe(
        [("a b", {"patient": {"id": "P-1"}, "secret": "x"}), ("c d", 7)], as_tuples=True
    )
    assert [context for _, context in docs][1] == 7
    doc = nlp.make_doc("e f")
    doc._.test_ward = "W3"
    doc.user_data |= {"beds": numpy.int64(4), "unit": "ml", "patient": {"id": "P-2"}}
    nlp.get_pipe("al_capture").recorder.record(doc, meta={"unit": "mg"})
    when = {"test_when": "2026-11-30"}
    assert [one["meta"] for one in lines(tmp_path)] == [
        {"patient.id": "P-1", **when},
        when,
        {"patient.id": "P-2", "test_ward": "W3", **when, "beds": 4, "unit": "mg"},
    ]
    assert "secret" not in json.dumps(lines(tmp_path))


def test_a_field_that_no_document_has_is_said(tmp_path):
    nlp = pipeline(tmp_path, fields=["ward", "bed"])
    with pytest.warns(AlWarning, match=r"ALW354.*first 100 .* has bed\. "):
        for _, _ in nlp.pipe([("a", {"ward": 1})] * 100, as_tuples=True):
            pass
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp("a")


def test_a_share_of_the_texts_which_depends_on_them_alone(tmp_path):
    texts = [f"text {i}" for i in range(2000)]
    first, second = Recorder(tmp_path / "a", rate=0.2), Recorder(tmp_path / "b", rate=0.5)
    nlp = spacy.blank("xx")
    docs = {text: nlp.make_doc(text) for text in texts}
    kept = [text for text in texts if first.record(docs[text])]
    # four standard deviations of a draw of that share
    assert abs(len(kept) - 400) < 4 * (2000 * 0.2 * 0.8) ** 0.5
    assert [one["text"] for one in lines(tmp_path / "a")] == kept
    more = {text for text in reversed(texts) if second.record(docs[text])}
    assert {*kept} < more and first.record(docs[kept[0]])
    assert not any(Recorder(tmp_path / "c", rate=0).record(docs[text]) for text in texts[:50])
    assert not (tmp_path / "c").exists()


@pytest.mark.slow
@pytest.mark.parametrize("n_process", [1, 2])
def test_every_process_has_a_file_of_its_own(tmp_path, n_process):
    nlp = pipeline(tmp_path, fields=["number"])
    # the parent has one too, which its children do not inherit
    nlp("He took aspirin.")
    pairs = [(text, {"number": i}) for i, text in enumerate(TEXTS)]
    for doc, context in nlp.pipe(pairs, as_tuples=True, n_process=n_process, batch_size=5):
        assert doc.text == TEXTS[context["number"]]
    nlp("He took aspirin twice.")
    found = captured(tmp_path)
    assert sorted(one["text"] for one in found) == sorted(
        [*TEXTS, "He took aspirin.", "He took aspirin twice."]
    )
    assert all(TEXTS[one["meta"]["number"]] == one["text"] for one in found if one["meta"])
    assert len([*tmp_path.glob("capture-*")]) == (1 if n_process == 1 else 3)


def test_nobody_else_reads_it(tmp_path):
    pipeline(tmp_path)("He took aspirin.")
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_settings_are_kept_and_can_be_overridden(tmp_path):
    nlp = pipeline(
        tmp_path / "here", "sentencizer", rate=0.5, fields=["ward"], max_mb=9, texts=False
    )
    nlp.to_disk(tmp_path / "model")

    def settings(nlp):
        own = nlp.get_pipe("al_capture").recorder
        return own.rate, own.fields, own.max_mb, own.texts, own.predictions

    kept = (0.5, ("ward",), 9, False, ("ents", "spans", "cats", "tags"))
    assert settings(nlp) == settings(spacy.load(tmp_path / "model")) == kept
    copy = spacy.util.load_model_from_config(nlp.config).from_bytes(nlp.to_bytes())
    assert settings(copy) == kept
    there = {
        "components.al_capture.folder": str(tmp_path / "there"),
        "components.al_capture.rate": 1,
    }
    deployed = spacy.load(tmp_path / "model", config=there)
    deployed("a b")
    assert settings(deployed)[0] == 1 and len(lines(tmp_path / "there")) == 1
    assert not (tmp_path / "here").exists()
    again = pickle.loads(pickle.dumps(deployed.get_pipe("al_capture").recorder))
    assert again.record(deployed.make_doc("c d")) and len(lines(tmp_path / "there")) == 2
    assert len([*(tmp_path / "there").glob("capture-*")]) == 2


@pytest.mark.parametrize(
    "settings",
    [
        *({"folder": None}, {"folder": ""}, {"rate": 1.1}, {"rate": float("nan")}),
        *({"fields": [""]}, {"predictions": ["ner"]}, {"max_mb": 0}, {"max_mb": float("inf")}),
    ],
)
def test_settings_that_cannot_be(tmp_path, settings):
    name = next(iter(settings))
    with pytest.raises(UsageError, match=rf"AL351.*`{name}`"):
        Recorder(**{"folder": tmp_path, **settings})
    with pytest.raises(UsageError, match=r"AL351.*`fields`"):
        Recorder(tmp_path, fields="ward")


# The pipeline goes on


def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_costs_records_and_no_answer(tmp_path, monkeypatch):
    nlp = pipeline(tmp_path)
    own = nlp.get_pipe("al_capture").recorder
    nlp(TEXTS[0])
    write, now = os.write, [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr(os, "write", full)
    with pytest.warns(AlWarning, match=r"ALW352.*No space left") as told:
        docs = [*nlp.pipe(TEXTS[1:4])]
    assert [doc.text for doc in docs] == TEXTS[1:4] and len(told) == 1
    assert own.lost == {"unwritten": 3}
    # what was written in part is taken back
    monkeypatch.setattr(os, "write", lambda handle, line: write(handle, line[: len(line) // 2]))
    now[0] += 2
    nlp(TEXTS[4])
    assert own.lost == {"unwritten": 4} and [one["text"] for one in lines(tmp_path)] == TEXTS[:1]
    monkeypatch.setattr(os, "write", write)
    now[0] += 2
    nlp(TEXTS[5])
    assert lines(tmp_path)[1] == {"al_capture": 1, "lost": {"unwritten": 4}}
    assert [one["text"] for one in captured(tmp_path)] == [TEXTS[0], TEXTS[5]] and not own.lost


def test_that_records_are_deleted_is_said_once(tmp_path):
    nlp = pipeline(tmp_path, max_mb=0.064)
    with pytest.warns(AlWarning, match=r"ALW353.*reached its 0\.064 MB.*--add") as told:
        for _ in nlp.pipe(TEXTS[:3] * 100):
            pass
    assert len(told) == 1
    lost = sum(one["lost"]["deleted"] for one in lines(tmp_path) if "lost" in one)
    assert lost + len(captured(tmp_path)) == 300 and lost > 0


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("x")
    nlp = pipeline(tmp_path / "file" / "folder")
    with pytest.warns(AlWarning, match="ALW352"):
        assert nlp(TEXTS[0]).text == TEXTS[0]


def test_what_cannot_be_described(tmp_path):
    Doc.set_extension("test_fails", getter=lambda doc: 1 / 0, force=True)
    nlp = pipeline(tmp_path, fields=["test_fails"])
    with pytest.warns(AlWarning, match=r"ALW352.*ZeroDivisionError"):
        nlp(TEXTS[0])
    Doc.set_extension("test_fails", default={1, 2}, force=True)
    nlp(TEXTS[1])
    Doc.set_extension("test_fails", default="fine", force=True)
    nlp(TEXTS[2])
    Doc.remove_extension("test_fails")
    assert lines(tmp_path)[0] == {"al_capture": 1, "lost": {"failed": 2}}
    assert [one["meta"] for one in captured(tmp_path)] == [{"test_fails": "fine"}]


def test_a_field_is_kept_as_json_has_it():
    assert recorder._plain(numpy.float32(0.5)) == 0.5
    with pytest.raises(TypeError, match="set cannot be kept"):
        recorder._plain({1})
    assert Counter() == Recorder("nowhere").lost

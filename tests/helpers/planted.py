"""A run over notes of which one has five rare words, and where these are to be found."""

import json
import os
import shutil
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy
import spacy
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.embeddings.cache import EncodingCache, cache_key
from spacy_al.embeddings.encoder import Encoding
from spacy_al.store.store import Store
from spacy_al.util import content_hash
from tests.helpers.chaos import OVERRIDES, ROOT, corpus
from tests.helpers.ward import ward

RARE = ["zorblax", "quintrel", "vemdosk", "plimwick", "uthgard"]
PLANTED = f"Nurse Finberg gave {' '.join(RARE)} on Monday."
ID = content_hash(PLANTED)
BEFORE, AFTER = "The room of this patient was cleaned.", "Blood was drawn at noon."
SPAN = {"token_start": 3, "token_end": 4, "label": "DRUG"}


def make_project(tmp_path, monkeypatch):
    """A config in the working directory whose pool has a text with five rare words, of a patient, between two others; and overrides of it."""
    monkeypatch.chdir(tmp_path)
    corpus(tmp_path)
    notes = [{"id": f"note-{k}", "text": doc.text} for k, doc in enumerate(ward(11, seed=3))]
    note = f"{BEFORE} {PLANTED} {AFTER}"
    notes.insert(5, {"id": "secret", "text": note, "meta": {"patient": {"id": "P-17"}}})
    Path("notes.jsonl").write_text("".join(json.dumps(one) + "\n" for one in notes), "utf8")
    assert typed("ingest", "notes.jsonl", "pool").exit_code == 0
    text = (ROOT / "configs" / "ner.cfg").read_text("utf8")
    for name, to in (("seed", None), ("dev", "dev.spacy"), ("test", None), ("pool", "pool")):
        text = text.replace(f'"corpus/{name}.spacy"', json.dumps(to))
    text = text.replace('output = "training/al"', 'output = "out"')
    Path("my.cfg").write_text(text)
    return {**OVERRIDES, "al.labels": '["DRUG", "PERSON"]'}


def typed(*words, settings: Mapping[str, Any] = {}, **how):
    more = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    done = CliRunner().invoke(app, [*map(str, words), *more], **how)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def everything(folder=Path(".")):
    """The bytes of all files, those of .spacy files unpacked."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "notes.jsonl":
            data = path.read_bytes()
            yield path, zlib.decompress(data) if path.suffix == ".spacy" else data


def found_in(words=RARE):
    """The files that have one of the words."""
    return [path for path, data in everything() if any(word.encode() in data for word in words)]


def in_vocabulary(path):
    return path.parent.name == "vocab"


def answer_all(name="ann"):
    with Store(Path("out/al.db")) as store:
        for task in store.unanswered():
            spans = [
                SPAN if task.item == ID else {"token_start": 0, "token_end": 0, "label": "PERSON"}
            ]
            payload = {"answer": "accept", "spans": spans}
            store.add_answer(task.id, payload, id=f"{name}-{task.id}", annotator=name)


def begin(settings):
    """A round that waits for answers to all texts."""
    first = typed("run", "my.cfg", "--once", settings=settings)
    assert first.exit_code == 3, first.stderr


def plant():
    """The text in what a run of another kind leaves, and what a process leaves that was killed."""
    out = Path("out")
    nlp = spacy.blank("en")
    cache = EncodingCache(out / "encodings", "0" * 16, 3)
    for text in (PLANTED, BEFORE):
        doc = nlp.make_doc(text)
        vector = numpy.ones((len(doc), 3), "f4")
        cache.add({cache_key(doc): Encoding(vector[0], vector)})
    with (out / "round-001" / "train.log").open("a") as file:
        file.write(f"ValueError: cannot align: {PLANTED}\n")
    (out / ".beside.jsonl").write_text(json.dumps({"text": PLANTED}) + "\n")
    (out / "pretrain").mkdir()
    (out / "pretrain" / "texts.jsonl").write_text(
        json.dumps({"text": PLANTED}) + "\n" + json.dumps({"text": AFTER}) + "\n"
    )
    left = out / "round-001" / ".train.spacy.a1b2c3d4"
    left.write_bytes(PLANTED.encode())
    os.utime(left, (0, 0))
    shutil.copy(out / "al.db.backup", out / "before-the-holidays.db")

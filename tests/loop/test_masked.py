"""A run that leaves its folder with parts of its texts hidden: in no file of it does anything of them stand."""

import json
import os
import zlib

import pytest
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from spacy_al.config.project import Project
from spacy_al.config.settings import Settings
from spacy_al.errors import UsageError
from spacy_al.loop.export import export
from spacy_al.loop.report import write_report
from spacy_al.processes.lock import locked
from spacy_al.store.store import Store
from spacy_al.tasks.task import make_task

LABELS = ["PERSON", "DRUG"]
TEXTS = ["Smith got aspirin on 2024-03-01 .", "Call Jones , then Smith .", "No fever ."]
SECRET = ("Smith", "Jones", "2024-03-01", "Miller")


def span(task, first, last, label):
    start, end = task["tokens"][first]["start"], task["tokens"][last]["end"]
    return {"start": start, "end": end, "token_start": first, "token_end": last, "label": label}


@pytest.fixture
def project(tmp_path):
    """Three texts; the first is answered by one person, the second by another, and the model knows nothing of either."""
    vocab = Vocab()
    output = tmp_path / "run"
    made = Project(tmp_path / "x.cfg", {}, Settings(output=output, factory="ner", labels=LABELS))
    with Store(output / "al.db") as store:
        store.open_round(0)
        tasks = [
            make_task(
                Doc(vocab, words=text.split(" ")),
                suggestions=[],
                component_kind="entities",
                labels=LABELS,
                meta={
                    "round": 0,
                    "component": "ner",
                    "before": "Mrs Miller left.",
                    "why": "“Smith”" if "Smith" in text else "“No”",
                },
                view_id="ner_manual",
            )
            for text in TEXTS
        ]
        asked = [("train", task) for task in tasks]
        store.advance(0, "wait", tasks=asked, metrics={"strategy": "random"})
        for number, stored in enumerate(store.tasks()):
            task = stored.task
            spans = [
                span(task, i, i, "PERSON")
                for i, token in enumerate(task["tokens"])
                if token["text"] in ("Smith", "Jones")
            ]
            spans += [span(task, 2, 2, "DRUG")] * (number == 0)
            payload = {"answer": "accept", "spans": spans}
            store.add_answer(stored.id, payload, id=str(number), annotator=f"p{number}")
    return made


def test_no_file_of_an_export_says_it(project, tmp_path):
    counts = export(project, tmp_path / "out", "doccano", mask=["PERSON", "date"])
    assert counts["train.spacy"] == 3
    for path in (tmp_path / "out").iterdir():
        data = path.read_bytes()
        data = zlib.decompress(data) if path.suffix == ".spacy" else data
        # hidden as JSON writes them as well
        assert not [word for word in SECRET if word.encode() in data], path
    docs = list(DocBin().from_disk(tmp_path / "out" / "train.spacy").get_docs(Vocab()))
    assert docs[0].text.strip() == "XXXXX got aspirin on XXXXXXXXXX ."
    assert [(e.start, e.end, e.label_) for e in docs[0].ents] == [(0, 1, "PERSON"), (2, 3, "DRUG")]
    lines = [
        json.loads(line) for line in (tmp_path / "out" / "answers.jsonl").read_text().splitlines()
    ]
    for line in lines:
        for part in line["spans"]:
            said = line["text"][part["start"] : part["end"]]
            assert said in ("XXXXX", "aspirin")
    # what is masked is what is written, and the run stays as it is
    plain = export(project, tmp_path / "plain")
    assert plain["train.spacy"] == 3
    assert "Smith" in (tmp_path / "plain" / "tasks.jsonl").read_text()


def test_no_more_does_a_report(project):
    page = write_report(project, mask=["PERSON", "date"]).read_text("utf8")
    assert "aspirin" in page and not [word for word in SECRET if word in page]
    assert "Smith" in write_report(project).read_text("utf8")


def test_a_label_that_the_run_lacks(project, tmp_path):
    with pytest.raises(UsageError, match=r"AL473.*PERSON"):
        export(project, tmp_path / "out", mask=["PATIENT"])
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name == "nt", reason="folders have no such owners there")
def test_the_folder_of_a_run_is_its_owners(tmp_path):
    with locked(tmp_path / "run"):
        assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700
    (tmp_path / "shared").mkdir(mode=0o755)
    (tmp_path / "shared").chmod(0o775)
    with locked(tmp_path / "shared"), Store(tmp_path / "shared" / "al.db"):
        # who shares a run makes its folder beforehand
        assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o775

"""What is forgotten by id, document or patient: nothing else goes, nothing comes back, and whatever is killed is finished the next time."""

import json
import os
import shutil
import signal
import traceback
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from spacy_al.capture.recorder import Recorder
from spacy_al.corpus.captured import read_captures
from spacy_al.corpus.forgotten import FILE, read_list
from spacy_al.corpus.pool import pool_texts
from spacy_al.loop.begun import open_run
from spacy_al.loop.forget import forget_texts, preview_forgetting
from spacy_al.loop.forget_find import Wanted
from spacy_al.store.store import Store
from spacy_al.util import content_hash
from tests.helpers.planted import (
    AFTER,
    BEFORE,
    ID,
    PLANTED,
    RARE,
    answer_all,
    begin,
    everything,
    found_in,
    make_project,
    plant,
    typed,
)

OUT, POOL = Path("out"), Path("pool")


@pytest.fixture
def waiting(tmp_path, monkeypatch):
    """A run that has asked all texts, and its overrides."""
    settings = make_project(tmp_path, monkeypatch)
    begin(settings)
    return settings


def count(word):
    return sum(word.encode() in data for _, data in everything())


def test_one_text_goes_and_its_neighbours_stay(waiting):
    answer_all()
    before = [*pool_texts(POOL)]
    done = typed("forget", "my.cfg", f"r000-{ID}", "--yes", settings=waiting)
    assert done.exit_code == 0, done.stderr
    assert found_in() == [] and "Forgotten: 1 text." in done.stderr
    assert [*pool_texts(POOL)] == [text for text in before if text != PLANTED]
    with Store(OUT / "al.db") as store:
        store.examine()
        tasks = [task.task for task in store.tasks()]
        assert store.n_answers() == len(tasks) == 13
    around = {task["text"]: task["meta"] for task in tasks if task["meta"]["doc"] == "secret"}
    # what stood between them is gone, and nothing else
    assert around[BEFORE]["after"] == "" and around[BEFORE]["before"] == ""
    assert around[AFTER]["before"] == ""
    # hashes alone are kept
    assert read_list(OUT / FILE).ids == read_list(Path("pool.forgotten.json")).ids == {ID}


def test_by_document_and_by_patient_the_same_goes(waiting):
    for words in (["--doc", "secret"], ["--patient", "patient.id=P-17"]):
        shown = typed("forget", "my.cfg", *words, settings=waiting, input="n\n")
        assert "3 texts to be forgotten" in shown.stderr and shown.exit_code == 0
    assert typed("forget", "my.cfg", "--doc", "secret", "-y", settings=waiting).exit_code == 0
    assert found_in([*RARE, BEFORE, AFTER]) == [] and len([*pool_texts(POOL)]) == 11


def test_the_run_goes_on_and_says_what_is_missing(waiting):
    typed("export", "my.cfg", "-o", "files", settings=waiting)
    answer_all()
    typed("export", "my.cfg", "-o", "files", settings=waiting)
    shutil.copytree("files", "old")
    assert typed("forget", "my.cfg", ID, "-y", settings=waiting).exit_code == 0
    found = typed("status", "my.cfg", settings=waiting)
    assert "Round 0: 1 text was forgotten." in found.stderr
    rows = json.loads(typed("status", "my.cfg", "--json", settings=waiting).stdout)["rounds"]
    assert rows[0]["forgotten"] == 1 and rows[0]["asked"] == 13
    assert typed("report", "my.cfg", settings=waiting).exit_code == 0
    page = (OUT / "report.html").read_text("utf8")
    assert "1 text was forgotten." in page and "Finberg" not in page
    # an old file of answers brings nothing back
    done = typed("import", "my.cfg", "old/answers.jsonl", settings=waiting)
    assert done.exit_code == 0 and "1 of 14" in done.stderr, done.stderr
    assert typed("export", "my.cfg", "-o", "files", settings=waiting).exit_code == 0
    shutil.rmtree("old")
    assert found_in() == []


def test_files_elsewhere_are_named_and_gone_through_if_they_are_given(waiting):
    shutil.copy("pool/00000.spacy", "mine.spacy")
    more = {**waiting, "paths.train": "mine.spacy"}
    batch = typed("select", "pool", "-o", "batch.jsonl", "-n", "14")
    assert batch.exit_code == 0 and RARE[0] in Path("batch.jsonl").read_text()
    done = typed("forget", "my.cfg", ID, "-y", settings=more)
    assert "mine.spacy has 1 of them; it is yours and is not touched" in done.stderr
    assert {path.name for path in found_in()} == {"mine.spacy", "batch.jsonl"}
    done = typed(
        "forget", "my.cfg", "-y", "--also", "mine.spacy", "--also", "batch.jsonl", settings=more
    )
    assert done.exit_code == 0, done.stderr
    assert found_in() == [] and len(Path("batch.jsonl").read_text().splitlines()) == 13
    assert len([*DocBin().from_disk("mine.spacy").get_docs(Vocab())]) == 13


def test_captures_are_forgotten_while_a_pipeline_writes_them(waiting):
    """Those within the run, and those of a folder that is named; also what never came into the pool, and what has no text."""
    nlp, recorders = spacy.blank("en"), []
    for folder in (OUT / "captured", Path("elsewhere")):
        recorders += [Recorder(folder, fields=["patient.id"])]
        for text, patient in (
            (f"Before. {PLANTED} And after.", "P-17"),
            ("Zyzzyvin was never in any pool.", "P-17"),
            ("Of another one.", "P-18"),
        ):
            recorders[-1].record(nlp.make_doc(text), meta={"patient": {"id": patient}})
    bare = Recorder("elsewhere", fields=["patient.id"], texts=False)
    bare.record(nlp.make_doc(PLANTED), meta={"patient": {"id": "P-17"}})
    bare.record(nlp.make_doc("Bare"), meta={"patient": {"id": "P-17"}})
    words = ("--patient", "patient.id=P-17", "-y", "--also", "elsewhere")
    done = typed("forget", "my.cfg", *words, settings=waiting)
    assert done.exit_code == 0, done.stderr
    assert found_in([*RARE, BEFORE, AFTER, "Zyzzyvin"]) == []
    kept = [record for path in Path().rglob("capture-*.jsonl") for record in read_captures(path)]
    assert [one["text"] for one in kept] == ["Of another one."] * 2
    # who writes a file that was replaced goes on in another one
    for recorder in recorders:
        assert recorder.record(nlp.make_doc("Later."))
    kept = [record for path in Path().rglob("capture-*.jsonl") for record in read_captures(path)]
    assert sorted(one["text"] for one in kept) == ["Later."] * 2 + ["Of another one."] * 2
    assert content_hash("Bare") in read_list(OUT / FILE).ids
    # by the id of a text that only a capture knows
    again = content_hash("Of another one.")
    assert typed("forget", "my.cfg", again, "-y", settings=waiting).exit_code == 0
    assert "Of another" not in "".join(p.read_text() for p in OUT.rglob("capture-*.jsonl"))


def test_it_does_not_come_back(waiting):
    shutil.copy(OUT / "al.db.backup", "old.db")
    shutil.copytree(POOL, "old")
    assert typed("forget", "my.cfg", ID, "-y", settings=waiting).exit_code == 0
    for words in (["--force"], ["--add"]):
        done = typed("ingest", "notes.jsonl", "pool", *words)
        assert done.exit_code == 0 and "dropped: forgotten" in done.stderr, done.stderr
        assert found_in() == [Path("old/00000.spacy"), Path("old.db")][: len(found_in())]
    # a database that is put back
    for end in ("-wal", "-shm"):
        Path(f"out/al.db{end}").unlink(missing_ok=True)
    Path("old.db").rename(OUT / "al.db")
    done = typed("status", "my.cfg", settings=waiting)
    assert "[ALW340]" in done.stderr and "1 questions and 0 answers" in done.stderr
    assert found_in() == [Path("old/00000.spacy")]
    # a pool that is put back is not asked, and is gone through again
    shutil.rmtree(POOL)
    Path("old").rename(POOL)
    with Store(OUT / "al.db") as store:
        assert ID in store.asked_ids()
    assert typed("forget", "my.cfg", "-y", settings=waiting).exit_code == 0
    assert found_in() == []


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a copy of this process")
def test_killed_wherever_it_writes_it_is_finished_the_next_time(waiting):
    answer_all()
    (OUT / "round-001").mkdir()
    plant()
    shutil.copytree(".", "../whole")
    kills = 0
    while True:
        for path in Path().iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree("../whole", ".", dirs_exist_ok=True)
        if not _killed_at(kills, waiting):
            break
        kills += 1
        # nothing is said to be done that is not, and what is begun is known
        begun = not read_list(OUT / FILE).is_done
        assert begun or kills == 1 or found_in([*RARE, BEFORE, AFTER]) == []
        done = typed("forget", "my.cfg", "--doc", "secret", "-y", settings=waiting)
        assert done.exit_code == 0, done.stderr
        assert ("[ALW341]" in done.stderr) == begun
        assert found_in([*RARE, BEFORE, AFTER]) == [], kills
    assert kills > 8 and found_in() == []


def _killed_at(number, settings):
    """Forget in a copy of this process that is killed as it replaces the file of a number; whether it was."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == signal.SIGKILL
    try:
        replace, left = os.replace, [number]

        def replacing(*paths):
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            replace(*paths)

        pytest.MonkeyPatch().setattr(os, "replace", replacing)
        project = open_run(
            Path("my.cfg"), {**settings, "al.labels": json.loads(settings["al.labels"])}
        )
        forget_texts(project, preview_forgetting(project, Wanted(docs=["secret"])))
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def test_what_cannot_be_done_is_said_and_nothing_is_changed(waiting):
    before = dict(everything())
    for words, code in (
        ([], "AL340"),
        (["0123456789abcdef"], "AL341"),
        (["--doc", "nobody"], "AL341"),
        (["--patient", "patient.id=P-1"], "AL341"),
        (["--patient", "P-17"], "AL053"),
        ([ID, "--also", "my.cfg"], "AL342"),
        ([ID, "--also", "nothing.jsonl"], "AL040"),
    ):
        done = typed("forget", "my.cfg", *words, "-y", settings=waiting)
        assert done.exit_code in (1, 2) and code in done.stderr, done.stderr
    names = {path.name for path, data in everything() if before.get(path) != data}
    assert names <= {"al.db-wal", "al.db-shm", ".lock"}
    (OUT / FILE).write_text("{}")
    done = typed("forget", "my.cfg", ID, "-y", settings=waiting)
    assert done.exit_code == 1 and "AL344" in done.stderr


def test_what_is_left_within_a_longer_text_is_said(waiting):
    longer = f"It was written that nurse said: {PLANTED}"
    Path("more.jsonl").write_text(json.dumps({"text": longer}))
    typed("ingest", "more.jsonl", "pool", "--add", "--unit", "sentence")
    assert any(PLANTED in text and text != PLANTED for text in pool_texts(POOL))
    done = typed("forget", "my.cfg", ID, "-y", settings=waiting)
    assert done.exit_code == 1 and "AL343" in done.stderr and "pool/00001.spacy" in done.stderr
    assert typed("forget", "my.cfg", content_hash(longer), "-y", settings=waiting).exit_code == 0


def test_a_report_without_texts(waiting):
    answer_all()
    assert typed("report", "my.cfg", "-o", "with", settings=waiting).exit_code == 0
    assert RARE[0] in Path("with/report.html").read_text("utf8")
    done = typed("report", "my.cfg", "-o", "none", "--without-texts", settings=waiting)
    assert done.exit_code == 0
    page = Path("none/report.html").read_text("utf8")
    words = {word for text in pool_texts(POOL) for word in text.split() if len(word) > 6}
    assert [word for word in words if word in page and word not in ("patient", "reports")] == []

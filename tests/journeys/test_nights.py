"""Nights in production, as `configs/nightly` has them: captured, looked at, asked, trained, gated; and what Jenkins and GitHub would run."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from spacy_al.oracle.annotator import make_oracle
from spacy_al.oracle.gold_texts import read_gold_texts
from spacy_al.store.champion import champions
from spacy_al.store.store import Store
from tests.helpers.forked import Forked

ROOT = Path(__file__).parents[2]
NIGHTLY = ROOT / "configs" / "nightly"
CLINICAL = {"ALLERGY", "CONDITION", "DOSAGE", "DRUG", "PROCEDURE"}
LEGAL = {"GOVERNING_LAW", "JURISDICTION", "MONEY", "PARTY", "PROVISION"}
SMALL = {
    "max_steps": 120,
    "eval_frequency": 60,
    "width": 32,
    "depth": 1,
    "batch_size": 30,
    "max_rounds": 9,
}
NIGHT = "sh configs/nightly/nightly.sh my.cfg captured corpus/pool heldout.spacy"


def docs_of(name, labels):
    docs = DocBin().from_disk(ROOT / "corpus" / f"{name}.spacy").get_docs(Vocab())
    return [doc for doc in docs if {ent.label_ for ent in doc.ents} & labels]


def save(docs, path):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    DocBin(docs=docs).to_disk(path)


def write_config(**values):
    text = (ROOT / "configs" / "ner.cfg").read_text("utf8")
    head, al, section = text.partition("\n[al]\n")
    for name, value in {**SMALL, **values}.items():
        # what [nlp] and [training] call batch_size is another
        if name in ("batch_size", "max_rounds"):
            section = re.sub(rf"(?m)^{name} ?= ?\d+$", f"{name} = {value}", section, count=1)
        else:
            head = re.sub(rf"(?m)^{name} ?= ?\d+$", f"{name} = {value}", head)
    head = head.replace("corpus/pool.spacy", "corpus/pool")
    Path("my.cfg").write_text(head + al + section, "utf8")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A hospital's project: notes alone, until a day on which contracts come."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(NIGHTLY, "configs/nightly")
    save(docs_of("seed", CLINICAL), "corpus/seed.spacy")
    dev = docs_of("dev", CLINICAL)
    save(dev, "corpus/dev.spacy")
    save(docs_of("test", CLINICAL), "heldout.spacy")
    shutil.copy("heldout.spacy", "corpus/test.spacy")
    pool = docs_of("pool_gold", CLINICAL)
    save(pool[:200], "corpus/pool/00000.spacy")
    Path("requirements.txt").write_text("spacy\n")
    write_config()
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    monkeypatch.setenv("PYTHONPATH", path)
    with Forked(tmp_path / "bin") as folder:
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        yield pool[200:]


def night(line=NIGHT, status=0):
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=600)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stderr + done.stdout


def capture(docs):
    """What a deployed pipeline keeps of a day."""
    nlp = spacy.blank("en")
    nlp.add_pipe("al_capture", config={"folder": "captured"})
    list(nlp.pipe(doc.text for doc in docs))
    nlp.get_pipe("al_capture").recorder.close()


def answer():
    """A day's work: all that waits is answered as gold has it."""
    texts, oracle = read_gold_texts(ROOT / "corpus" / "pool_gold.spacy"), make_oracle()
    with Store(Path("training/al/al.db"), create=False) as store:
        for stored in store.unanswered():
            payload = {"answer": "ignore"}
            if stored.item in texts:
                payload, _ = oracle(
                    stored.task, texts[stored.item], kind="entities", spans_key="sc", seed=0
                )
            store.add_answer(stored.id, payload, id=f"day-{stored.id}", annotator="ann")


def in_use():
    with Store(Path("training/al/al.db"), create=False) as store:
        return [one.round for one in champions(store)]


@pytest.mark.slow
def test_four_nights(project):
    """The first as Jenkins and GitHub would run it."""
    jenkins = re.findall(r"sh(?:\(.*script:)? '([^']+)'", (NIGHTLY / "Jenkinsfile").read_text())
    github = re.findall(r"- run: (.+)", (NIGHTLY / "workflow.yml").read_text())
    assert jenkins == github and jenkins[-1] == NIGHT
    service = (NIGHTLY / "spacy-al.service").read_text()
    assert NIGHT in service and NIGHT in (NIGHTLY / "README.md").read_text()
    write_config(max_steps=30, eval_frequency=30)
    for line in jenkins:
        said = night(line)
    assert in_use() == [0] and "compared with nothing" in said
    # nothing was answered: the next night changes nothing, whatever was captured
    capture(project[:60])
    night()
    assert in_use() == [0]
    answer()
    # the same kind of texts, and a better model: of more answers, trained for longer
    write_config(max_steps=240)
    shutil.rmtree("captured")
    capture(project[60:120])
    said = night()
    assert "Nothing differs" in said and "Promoted" in said
    answer()
    # contracts come: said, and the exit status says so
    write_config(max_steps=30, eval_frequency=30)
    shutil.rmtree("captured")
    capture(docs_of("pool_gold", LEGAL)[:60])
    said = night(status=4)
    assert "Recent texts differ" in said and "what texts are about" in said
    answer()
    # a training that hardly happened is not put into use
    used = in_use()
    write_config(max_steps=1)
    shutil.rmtree("captured")
    shutil.rmtree("corpus/pool.tonight")
    said = night(status=4)
    assert "is not surely more than" in said and "Refused" in said and in_use() == used
    assert Path("training/al/report.html").is_file()

"""A run whose models learn from an encoder: what they learned with is chosen, said, kept, and never changed unsaid."""

import json
import shutil

import pytest
from spacy.tokens import DocBin
from spacy.util import load_config
from spacy.vocab import Vocab

from spacy_al.config.init import init
from spacy_al.config.project import open_project
from spacy_al.embeddings import shared
from spacy_al.errors import AlError
from spacy_al.loop.next_batch import select_next
from spacy_al.loop.rounds import run
from spacy_al.store.store import Store
from tests.helpers.chaos import LABELS, OVERRIDES, ROOT, corpus
from tests.helpers.static_encoders import vectors_encoder

pytestmark = pytest.mark.slow


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Cut corpora, an encoder of their words, and a config that names it."""
    monkeypatch.setenv(shared.VARIABLE, "none")
    corpus(tmp_path)
    docs = [
        doc
        for name in ("seed", "dev", "pool_gold")
        for doc in DocBin().from_disk(tmp_path / f"{name}.spacy").get_docs(Vocab())
    ]
    vectors_encoder(tmp_path / "encoder", docs)
    shutil.copy(ROOT / "configs" / "ner.cfg", tmp_path / "config.cfg")
    init(tmp_path / "config.cfg", encoder=str(tmp_path / "encoder"))
    return tmp_path


def project_of(files, said, **overrides):
    names = {"train": "seed", "dev": "dev", "pool": "pool_gold", "test": None}
    paths = {f"paths.{k}": str(files / f"{v}.spacy") if v else None for k, v in names.items()}
    own = {**paths, **OVERRIDES, "al.output": str(files / "al"), "al.labels": LABELS}
    own = {name: value for name, value in own.items() if "embed" not in name}
    return open_project(
        files / "config.cfg",
        {**own, "al.max_rounds": 1, **overrides},
        oracle=files / "pool_gold.spacy",
        show=said.append,
    )


def test_a_run_compares_learners_and_keeps_what_it_chose(files):
    said = []
    project = project_of(files, said, **{"al.batch_size": 30})
    assert run(project).state == "stopped"
    with Store(project.database) as store:
        learners = {n: row["learner"] for n, row in store.metrics().items() if "learner" in row}
    # thirty texts are too few to compare with, sixty are not
    assert (learners[0]["name"], learners[0]["scores"]) == ("encoder", {})
    first = learners[1]
    assert [*first["scores"]] == ["encoder", "vectors", "scratch"] and first["texts"] == 60
    assert any("comparing the learners" in line for line in said)
    assert any(f"The learner is '{first['name']}'" in line for line in said)
    config = load_config(project.folder(1) / "config.cfg")
    assert config["al"]["learner"] == first["name"]
    assert json.loads((project.folder(1) / "metrics.json").read_text())["learner"] == first
    # all was encoded once, and is there
    assert list((files / "al" / "encodings").glob("*/*.alenc"))
    assert not list(project.folder(1).glob(".learners*"))


def test_a_run_goes_on_with_its_encoder_or_says_why_not(files):
    said = []
    project = project_of(files, said, **{"al.learner": "encoder"})
    assert run(project).state == "stopped"
    with Store(project.database) as store:
        kept = store.metrics()[1]["learner"]
    assert kept["name"] == "encoder" and kept["hash"]
    config = load_config(project.folder(1) / "config.cfg")
    assert config["al"]["encoder"]["hash"] == kept["hash"]
    chosen = select_next(files / "pool_gold.spacy", project.settings, n=2)
    assert len(chosen.tasks) == 2
    # the encoder is not there any more
    (files / "encoder").rename(files / "elsewhere")
    shared._shared.cache_clear()
    more = project_of(files, said, **{"al.learner": "encoder", "al.max_rounds": 3})
    with pytest.raises(AlError, match="AL300"):
        run(more)
    # it is, and the config does not name it any more
    (files / "elsewhere").rename(files / "encoder")
    text = (files / "config.cfg").read_text()
    (files / "config.cfg").write_text(text[: text.index("[al.encoder]")])
    plain = project_of(files, said, **{"al.learner": "scratch", "al.max_rounds": 3})
    with pytest.raises(AlError, match=r"AL312.*'encoder'"):
        run(plain)

"""What a run was begun with is known by the commands that follow, and gold or a pool that do not fit are found before a training."""

import json
import re
import shutil
from dataclasses import replace

import pytest
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.config.project import open_project
from spacy_al.errors import AlError, UsageError
from spacy_al.loop.answers import check_oracle
from spacy_al.loop.begun import open_run
from spacy_al.loop.labels import config_labels
from spacy_al.loop.rounds import run
from spacy_al.store.store import Store
from tests.helpers.chaos import ROOT, corpus

GOLD = ROOT / "corpus" / "pool_gold.spacy"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A config that names neither labels nor anything that is labelled, and a pool that is not the one that it names."""
    monkeypatch.chdir(tmp_path)
    corpus(tmp_path)
    text = (ROOT / "configs" / "ner.cfg").read_text("utf8")
    for name, value in (("train", "null"), ("dev", "null"), ("test", "null")):
        text = text.replace(
            f'{name} = "corpus/{"seed" if name == "train" else name}.spacy"', f"{name} = {value}"
        )
    text = text.replace("[al]\n", "[al]\ndev_size = 4\n", 1)
    (tmp_path / "my.cfg").write_text(text.replace('output = "training/al"', 'output = "out"'))
    shutil.copy("pool_gold.spacy", "x.spacy")
    return tmp_path


def typed(verb, *words):
    done = CliRunner().invoke(app, [verb, "my.cfg", *map(str, words)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


BEGUN = ("--al.labels", '["DRUG", "DATE"]', "--paths.pool", "x.spacy", "--al.overlap", "2")


def begin():
    done = typed("run", "--once", "--al.batch_size", "6", *BEGUN)
    assert done.exit_code == 3, done.stderr
    return done


def test_what_follows_need_not_be_told_again(folder):
    begin()
    found = typed("status", "--json")
    assert found.exit_code == 0, found.stderr
    facts = json.loads(found.stdout)
    assert facts["labels"] == ["DRUG", "DATE"] and "2 people for each text" in facts["sentence"]
    assert typed("report").exit_code == typed("export", "-o", "files").exit_code == 0
    assert "DATE" in (folder / "out" / "report.html").read_text("utf8")
    asked = (folder / "files" / "tasks.jsonl").read_text("utf8").splitlines()
    assert [json.loads(line)["labels"] for line in asked] == [["DRUG", "DATE"]] * 6
    assert "DRUG" in typed("labels").stderr
    # the sentence that says how it goes on says all of it
    assert "--paths.pool x.spacy" in facts["sentence"] and "batch_size" not in facts["sentence"]


def test_a_run_goes_on_with_its_own_pool_and_says_so(folder):
    begin()
    done = typed("run", "--once")
    assert done.exit_code == 3 and "As this run knows: " in done.stderr
    assert "--paths.pool x.spacy" in done.stderr and "batch_size" not in done.stderr
    shutil.copy("x.spacy", "y.spacy")
    done = typed("run", "--once", "--paths.pool", "y.spacy")
    assert "goes on with another paths.pool: y.spacy, and not x.spacy" in done.stderr
    # the last one that was told
    assert open_run(folder / "my.cfg").settings.pool.name == "y.spacy"
    assert "another" not in typed("run", "--once").stderr
    other = typed("run", "--once", "--al.labels", '["DRUG", "SITE"]')
    assert other.exit_code == 1 and "AL162" in other.stderr
    assert open_run(folder / "my.cfg").settings.labels == ["DRUG", "DATE"]


def test_what_the_config_says_later_counts_more(folder):
    begin()
    config, text = folder / "my.cfg", (folder / "my.cfg").read_text("utf8")
    shutil.copy("x.spacy", "y.spacy")
    config.write_text(text.replace("corpus/pool.spacy", "y.spacy"))
    assert open_run(config).settings.pool.name == "y.spacy"
    assert "another paths.pool: y.spacy, and not x.spacy" in typed("run", "--once").stderr
    config.write_text(config.read_text("utf8").replace("[al]\n", '[al]\nlabels = ["SITE"]\n', 1))
    done = typed("status")
    assert done.exit_code == 0
    done = typed("run", "--once")
    assert done.exit_code == 1 and "AL162" in done.stderr and " labels my.cfg " in done.stderr


def test_the_same_pool_by_its_other_name(folder):
    begin()
    shutil.copy("x.spacy", "y.spacy")
    config = folder / "my.cfg"
    assert open_run(config, {"al.pool.path": "y.spacy"}).settings.pool.name == "y.spacy"
    typed("run", "--once", "--al.pool.path", "y.spacy")
    assert open_run(config, {"paths.pool": "x.spacy"}).settings.pool.name == "x.spacy"


def gold_docs():
    return list(DocBin().from_disk("x.spacy").get_docs(Vocab()))


def not_in_the_pool(doc):
    made = Doc(doc.vocab, words=[*(token.text for token in doc), "!"])
    made.set_ents([Span(made, e.start, e.end, e.label) for e in doc.ents], default="outside")
    return made


def without_entities(doc):
    return Doc(doc.vocab, words=[t.text for t in doc], spaces=[bool(t.whitespace_) for t in doc])


def of_other_labels(doc):
    for ent in (made := [*doc.ents]):
        ent.label_ = f"X{ent.label_}"
    doc.set_ents(made, default="outside")
    return doc


@pytest.mark.parametrize(
    "change, code",
    [(not_in_the_pool, "AL120"), (without_entities, "AL121"), (of_other_labels, "AL129")],
)
def test_gold_that_does_not_fit_is_found_first_and_another_may_be_given(folder, change, code):
    DocBin(docs=[change(doc) for doc in gold_docs()]).to_disk("bad.spacy")
    # with something to train on, and to measure on
    words = ["--once", "--al.batch_size", "6", "--paths.train", "seed.spacy", *BEGUN[2:4]]
    words += ["--paths.dev", "dev.spacy", "--al.labels", '["DRUG", "DOSAGE"]']
    done = typed("run", *words, "--oracle", "bad.spacy")
    assert done.exit_code in (1, 2)
    assert re.search(code, done.stderr), done.stderr
    assert not (folder / "out" / "round-000").exists()
    with Store(folder / "out" / "al.db") as store:
        assert store.round() is None and not store.labels().is_known


def test_another_gold_after_one_that_does_not_fit(folder):
    """Nothing of the first one stays, not even its labels."""
    other = [not_in_the_pool(doc) for doc in gold_docs()]
    for doc in other:
        doc.set_ents([Span(doc, 0, 1, "XX")], default="outside")
    DocBin(docs=other).to_disk("bad.spacy")
    how = {"paths.pool": "x.spacy", "al.batch_size": 6, "al.max_rounds": 1}
    project = open_project(folder / "my.cfg", how, oracle=folder / "bad.spacy")
    with pytest.raises(AlError, match="AL120"):
        run(project)
    good = open_project(folder / "my.cfg", how, oracle=folder / "x.spacy")
    with Store(good.database) as store:
        assert not store.labels().is_known
        labels = config_labels(good)
        check_oracle(store, good, labels)
    assert "XX" not in labels and "DRUG" in labels


def test_gold_of_a_part_of_the_pool_is_said(folder):
    DocBin(docs=gold_docs()[:80]).to_disk("part.spacy")
    said = []
    how = {"paths.pool": "x.spacy", "al.labels": ["DRUG"]}
    project = open_project(folder / "my.cfg", how, oracle=folder / "part.spacy")
    with Store(project.database) as store:
        check_oracle(store, replace(project, show=said.append), ["DRUG"])
    assert len(said) == 1 and "10 of 90 texts that can be asked are not in" in said[0]


def test_a_single_exclusive_category_is_refused_before_it_is_asked_about(tmp_path):
    DocBin(docs=[Doc(Vocab(), words=["all", "is", "well"])]).to_disk(tmp_path / "pool.spacy")
    own = {"paths.pool": str(tmp_path / "pool.spacy"), "paths.train": None, "paths.dev": None}
    own |= {"paths.test": None, "al.output": str(tmp_path / "al")}
    config = ROOT / "configs" / "textcat.cfg"
    with pytest.raises(UsageError, match=r"AL167.*'textcat' gives.*no other than 'A'"):
        open_project(config, {**own, "al.labels": ["A"]})
    open_project(config, {**own, "al.labels": ["A", "B"]})
    open_project(ROOT / "configs" / "textcat_multilabel.cfg", {**own, "al.labels": ["A"]})

"""A run whose models know ever more, and what is said to it."""

import shutil
from pathlib import Path

import numpy
import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Example
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.config.project import open_project
from spacy_al.store.store import Store
from spacy_al.training.made_from import hash_of
from tests.helpers.ner_oracle import make_ner

LABELS = {"aspirin": "DRUG", "Smith": "PERSON"}
WORDS = ["aspirin", "Smith", "gave", "him", "two", "mg", "in"]


def corpus(path, n, seed):
    nlp, rng, docs = spacy.blank("en"), numpy.random.default_rng(seed), []
    for i in range(n):
        words = [*rng.choice(WORDS, 5).tolist(), f"t{seed}x{i}"]
        doc = spacy.tokens.Doc(nlp.vocab, words=words)
        doc.ents = [
            spacy.tokens.Span(doc, k, k + 1, LABELS[word])
            for k, word in enumerate(words)
            if word in LABELS
        ]
        docs.append(doc)
    DocBin(docs=docs).to_disk(path)
    return docs


def taught(docs, rounds, labels=("DRUG", "PERSON")):
    nlp = make_ner(labels)
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in docs]
    optimizer = nlp.resume_training()
    for _ in range(rounds):
        nlp.update(examples, sgd=optimizer)
    return nlp


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Three models that know ever more, and held-out texts."""
    folder = tmp_path_factory.mktemp("models")
    docs = corpus(folder / "train.spacy", 60, 1)
    corpus(folder / "dev.spacy", 150, 2)
    for name, rounds in (("none", 0), ("some", 6), ("much", 60)):
        taught(docs, rounds).to_disk(folder / name)
    return folder


def write_config(models):
    Path("x.cfg").write_text(
        f'[paths]\ntrain = "{models / "train.spacy"}"\ndev = "dev.spacy"\n'
        '[nlp]\nlang = "en"\npipeline = ["ner"]\n[components]\n[components.ner]\nfactory = "ner"\n'
        f'[al]\ncomponent = "ner"\noutput = "run"\n[al.pool]\npath = "{models / "train.spacy"}"\n'
    )


@pytest.fixture
def run(models, tmp_path, monkeypatch):
    """A run whose first round has made the second model; `next_round` adds one with another."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(models / "dev.spacy", "dev.spacy")
    write_config(models)
    store = Store(Path("run", "al.db"))

    def next_round(name):
        number = len(store.rounds())
        store.open_round(number)
        folder = Path("run", f"round-{number:03}")
        shutil.copytree(models / name, folder / "model-best")
        shutil.copy(models / "train.spacy", folder / "train.spacy")
        model = folder / "model-best"
        store.advance(number, "done", model={"hash": hash_of(model), "path": model})
        return str(model)

    with store:
        next_round("some")
        yield next_round


def project():
    return open_project(Path("x.cfg"))


def command(*words):
    return CliRunner().invoke(app, [words[0], "x.cfg", *map(str, words[1:])])

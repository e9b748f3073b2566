"""The estimators of docs/estimators.md, as they stand there, trained for real: read, and in `select`, `simulate` and `run`."""

import os
import re
from dataclasses import replace
from pathlib import Path

import numpy
import pytest
import scipy.sparse
import spacy
from numpy.testing import assert_allclose
from sklearn.multiclass import OneVsRestClassifier
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from spacy_al.acquisition.category import margin
from spacy_al.config.project import open_project
from spacy_al.config.settings import Settings, overlaid
from spacy_al.loop.rounds import run
from spacy_al.posteriors.component import load_code
from spacy_al.query.select import select
from spacy_al.registry import resolve
from spacy_al.simulation import SimulationPlan, simulate
from spacy_al.store.store import Store
from spacy_al.util import content_hash
from tests.conftest import LIGHT

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs" / "textcat.cfg"
STEPS = {"training.max_steps": 20, "training.eval_frequency": 20}
NAMES = ["support_vectors", "lightgbm", "xgboost", "network"]
# Trees look at every column, and hashed words have a quarter of a million
VECTORS = {"support_vectors": "spacy-al.hashed_words.v1", "network": "my-project.dense.v1"}
OWN_VECTORS = '''

import numpy
import scipy.sparse

@spacy.registry.al_embeddings("my-project.counts.v1")
def make_counts():
    return counts

@spacy.registry.al_embeddings("my-project.dense.v1")
def make_dense():
    return dense

def counts(docs):
    """Sparse counts of words, several of which share each of 512 columns."""
    table = numpy.zeros((len(docs), 512), dtype="f4")
    for row, doc in zip(table, docs):
        numpy.add.at(row, [token.lower % 512 for token in doc], 1)
    return scipy.sparse.csr_matrix(table)

def dense(docs):
    """The mean of a random vector a word."""
    rows = [[numpy.random.default_rng(t.lower).normal(size=32) for t in doc] for doc in docs]
    return numpy.array([numpy.mean(own, axis=0) for own in rows])
'''


def block_of(name):
    return {
        "@al_posteriors": "spacy-al.estimator.v1",
        "estimator": {"@misc": f"my-project.{name}.v1"},
        "embedding": {"@al_embeddings": VECTORS.get(name, "my-project.counts.v1")},
    }


@pytest.fixture(scope="module")
def codes(tmp_path_factory):
    """What the page says, as files."""
    folder = tmp_path_factory.mktemp("code")
    page = (ROOT / "docs" / "estimators.md").read_text("utf8")
    for name in ("estimators", "network"):
        found = re.search(rf"<!-- {name} -->\n```python\n(.*?)```", page, flags=re.DOTALL)
        (folder / f"{name}.py").write_text(found[1] + OWN_VECTORS, "utf8")
    both = (folder / "estimators.py").read_text("utf8") + (folder / "network.py").read_text("utf8")
    (folder / "both.py").write_text(both, "utf8")
    load_code(folder / "both.py")
    own = {name: "network" if name == "network" else "estimators" for name in NAMES}
    return {name: folder / f"{file}.py" for name, file in {**own, "both": "both"}.items()}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Texts of the three commonest of the shipped corpus's kinds, and a kind that no text has."""
    folder, vocab = tmp_path_factory.mktemp("corpus"), Vocab()
    docs = list(DocBin().from_disk(ROOT / "corpus" / "pool_gold.spacy").get_docs(vocab))
    known = {kind: [] for kind in {max(doc.cats, key=doc.cats.get) for doc in docs}}
    for doc in docs:
        known[max(doc.cats, key=doc.cats.get)].append(doc)
    kinds = sorted(known, key=lambda kind: (-len(known[kind]), kind))[:3]
    # the order of neither names nor numbers, and one that nobody ever saw
    labels = [kinds[1], "none", kinds[2], kinds[0]]
    start = 0
    for name, count in (("seed", 15), ("dev", 10), ("test", 10), ("pool_gold", 30)):
        own = [doc for kind in kinds for doc in known[kind][start : start + count]]
        for doc in own:
            doc.cats = {label: doc.cats.get(label, 0.0) for label in labels}
        DocBin(docs=own).to_disk(folder / f"{name}.spacy")
        start += count
    return folder, labels


@pytest.fixture(scope="module")
def model(small):
    """A classifier that was never trained: what it believes is not asked."""
    folder, labels = small
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("textcat")
    for label in labels:
        pipe.add_label(label)
    nlp.initialize()
    nlp.to_disk(folder / "model")
    return nlp


def read(small, nlp, name):
    """What an estimator that learned the seed says of the pool."""
    folder, _ = small
    seed, pool = (
        list(DocBin().from_disk(folder / f"{part}.spacy").get_docs(nlp.vocab))
        for part in ("seed", "pool_gold")
    )
    reader = resolve(block_of(name))
    labelled = [(nlp.make_doc(doc.text), doc.cats) for doc in seed]
    docs = [nlp.make_doc(doc.text) for doc in pool]
    return reader, docs, pool, reader(nlp.get_pipe("textcat"), docs, 1.0, labelled=labelled)


@pytest.mark.parametrize("name", NAMES)
def test_it_learns_what_is_labelled(codes, small, model, name):
    labels = small[1]
    reader, docs, gold, posteriors = read(small, model, name)
    probs = numpy.stack([p.probs for p in posteriors])
    assert all(p.labels == tuple(labels) and p.exclusive for p in posteriors)
    assert_allclose(probs.sum(axis=1), 1, atol=1e-6)
    assert (probs[:, labels.index("none")] == 0).all()
    assert scipy.sparse.issparse(reader.embedding(docs)) == (name != "network")
    # chance is right about one in three
    right = [
        labels[row.argmax()] == max(doc.cats, key=doc.cats.get) for row, doc in zip(probs, gold)
    ]
    assert numpy.mean(right) > 0.5
    # a batch equals one by one
    pipe = model.get_pipe("textcat")
    alone = [reader(pipe, [doc], 1.0)[0].probs for doc in docs[:5]]
    assert_allclose(alone, probs[:5], atol=1e-6)


@pytest.mark.parametrize("name", ["support_vectors", "lightgbm", "xgboost"])
def test_several_labels_of_which_some_never_vary(codes, small, name):
    folder, labels = small
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("textcat_multilabel")
    own = [*labels, "any"]
    for label in own:
        pipe.add_label(label)
    gold = list(DocBin().from_disk(folder / "seed.spacy").get_docs(nlp.vocab))
    # two at once for some; "none" for none, and "any" for all
    cats = [{**doc.cats, labels[0]: float(doc.cats[labels[3]] < 0.5), "any": 1.0} for doc in gold]
    docs = [nlp.make_doc(doc.text) for doc in gold]
    reader = resolve(block_of(name))
    if name == "lightgbm":
        reader.estimator = OneVsRestClassifier(reader.estimator)
    posteriors = reader(pipe, docs, 1.0, labelled=list(zip(docs, cats)))
    probs = numpy.stack([p.probs for p in posteriors])
    assert (probs[:, 1] == 0).all() and (probs[:, 4] == 1).all()
    wanted = numpy.array([[one[label] for label in own] for one in cats])
    assert ((probs > 0.5) == (wanted > 0.5)).mean() > 0.9
    assert not posteriors[0].exclusive


@pytest.mark.parametrize("name", NAMES)
def test_select(codes, small, model, name):
    folder, _ = small
    *_, gold, posteriors = read(small, model, name)
    made = select(
        folder / "pool_gold.spacy",
        model=str(folder / "model"),
        labeled=[folder / "seed.spacy"],
        settings=Settings(blocks={"posterior": block_of(name)}, component="textcat"),
        code=str(codes[name]),
        sampler="top_k",
        n=8,
    )
    expected = dict(zip((doc.text for doc in gold), margin(posteriors)))
    found = {task["text"]: task["meta"]["score"] for task in made.tasks}
    assert_allclose([*found.values()], [expected[text] for text in found], atol=1e-5)
    assert min(found.values()) >= numpy.sort([*expected.values()])[-12]


def sections():
    return {name: {"posterior": block_of(name)} for name in NAMES}


def test_simulate(codes, small, tmp_path, monkeypatch):
    # the network is fitted in a process, by torch
    paths = os.environ["PYTHONPATH"].split(os.pathsep)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in paths if path != LIGHT))
    folder, _ = small
    gold, dev, test = (folder / f"{part}.spacy" for part in ("pool_gold", "dev", "test"))
    more = (STEPS, Settings(), "textcat", "textcat", None, codes["both"], sections())
    plan = SimulationPlan(CONFIG, gold, dev, test, (*NAMES, "random"), (0,), 30, 6, 1, *more)
    rows = {(row["strategy"], row["round"]): row for row in simulate(plan, tmp_path)}
    start, batches = tmp_path / "start" / "seed-0", set()
    for name in NAMES:
        # what the estimator chose from what was labelled at first
        made = select(
            tmp_path / "pool.spacy",
            model=str(start / "model-best"),
            trained_on=start / "train.spacy",
            labeled=[start / "train.spacy"],
            settings=replace(overlaid(Settings(), sections()[name], ""), component="textcat"),
            n=6,
        )
        batch = [content_hash(task["text"]) for task in made.tasks]
        assert rows[name, 0]["batch"] == batch and rows[name, 1]["texts"] == 36
        batches.add(tuple(batch))
    assert len(batches) == len(NAMES) and tuple(rows["random", 0]["batch"]) not in batches


@pytest.mark.parametrize("name", NAMES)
def test_run(codes, small, name, tmp_path):
    folder, _ = small
    paths = {"train": "seed", "dev": "dev", "pool": "pool_gold", "test": "test"}
    overrides = {f"paths.{key}": str(folder / f"{part}.spacy") for key, part in paths.items()}
    overrides |= {
        **STEPS,
        "al.output": str(tmp_path / "al"),
        "al.batch_size": 6,
        "al.max_rounds": 1,
    }
    overrides |= {
        "al.posterior": block_of(name),
        "al.acquisition": {"@al_acquisitions": "spacy-al.margin.v1"},
    }
    project = open_project(CONFIG, overrides, oracle=folder / "pool_gold.spacy", code=codes[name])
    assert run(project).state == "stopped"
    with Store(project.database, create=False) as store:
        assert [row["texts"] for row in store.metrics().values()] == [45, 51]
        asked = [stored.task["text"] for stored in store.tasks()]
    made = select(
        folder / "pool_gold.spacy",
        model=str(project.folder(0) / "model-best"),
        labeled=[folder / "seed.spacy"],
        settings=project.settings,
        n=6,
    )
    assert asked == [task["text"] for task in made.tasks]

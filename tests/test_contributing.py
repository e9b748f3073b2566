"""The worked examples of docs/CONTRIBUTING.md, each run as it stands there."""

import re
from pathlib import Path
from types import SimpleNamespace

import catalogue
import numpy
import pytest
import spacy
from spacy.language import Language

from spacy_al.adapters.formats import FORMATS, read_format, write_format
from spacy_al.adapters.reading import Reading
from spacy_al.corpus.shard import write_shard
from spacy_al.kinds import FACTORIES
from spacy_al.posteriors.read import get_posteriors
from spacy_al.query.select import select
from spacy_al.registry import resolve
from tests.helpers.ner_oracle import make_ner

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "CONTRIBUTING.md").read_text("utf8")
PATTERN = r"^### (.+?)\n(?:(?!^###).)*?```python\n(.*?)```"
EXAMPLES = dict(re.findall(PATTERN, TEXT, flags=re.DOTALL | re.MULTILINE))
WORDS = ["Dr", "Smith", "gave", "him", "two", "mg", "of", "aspirin", "in", "Paris", "and", "rest"]
OURS = ("my-project.", "notes_ner", "tsv")
POOL, SEED = Path("corpus/pool.spacy"), "training/seed/model-best"


@pytest.fixture(autouse=True)
def as_they_were():
    """What an example registers is gone after its test. What was imported meanwhile stays, as it is imported once only."""
    yield
    for table in (catalogue.REGISTRY, FACTORIES, FORMATS, Language._factory_meta):
        # registries are keyed by ("spacy", "al_samplers", name), the others by name
        for key in [*table]:
            name = key[-1] if isinstance(key, tuple) else key
            if name.startswith(OURS):
                del table[key]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with a pool and places for models, where the examples look for them."""
    monkeypatch.chdir(tmp_path)
    nlp, rng = spacy.blank("en"), numpy.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, size=rng.integers(4, 12))) for _ in range(40)]
    for name in ("seed", "seed-textcat"):
        (tmp_path / "training" / name).mkdir(parents=True)
    write_shard([nlp.make_doc(text) for text in texts], tmp_path / "corpus" / "pool.spacy")
    return tmp_path


def run(title):
    """What an example leaves behind."""
    found = {"__name__": "example"}
    exec(compile(EXAMPLES[title], f"CONTRIBUTING.md, {title}", "exec"), found)
    return found


def test_five_examples_of_less_than_thirty_lines():
    assert list(EXAMPLES) == [
        "An acquisition",
        "A sampler",
        "A reader",
        "A factory",
        "A format",
    ]
    assert all(block.count("\n") < 30 for block in EXAMPLES.values())


@pytest.mark.slow
def test_an_acquisition(project):
    make_ner(updates=3).to_disk(SEED)
    found = run("An acquisition")
    assert "runner_up" in found["batch"].strategy
    scores = [task["meta"]["score"] for task in found["batch"].tasks]
    assert len(scores) == 5 and min(scores) > 0
    rows = [numpy.array([[1.0, 0.0], [0.6, 0.4]]), numpy.eye(3), numpy.zeros((0, 3))]
    posteriors = [SimpleNamespace(token_probs=probs) for probs in rows]
    assert found["runner_up"](posteriors).tolist() == [0.4, 0.0, 0.0]


@pytest.mark.slow
def test_a_sampler(project):
    make_ner(updates=3).to_disk(SEED)
    found = run("A sampler")
    best = [task["text"] for task in select(POOL, model=SEED, n=15, sampler="top_k").tasks]
    assert [task["text"] for task in found["batch"].tasks] == best[10:]
    scores, groups = numpy.array([5.0, 4.0, 4.0, 3.0, 2.0]), numpy.array([0, 1, 1, 2, 3])
    rows, propensities = found["below_top"](scores, 9, None, groups=groups, skip=1)
    assert rows.tolist() == [1, 3, 4, 0] and propensities.tolist() == [1] * 4


@pytest.mark.slow
def test_a_reader(project):
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("textcat")
    for label in ("telephone", "lease", "loan"):
        pipe.add_label(label)
    nlp.initialize()
    nlp.to_disk("training/seed-textcat/model-best")
    found = run("A reader")
    assert len(found["batch"].tasks) == 20
    docs = [nlp.make_doc(text) for text in ("aspirin in Paris", "two mg")]
    read = resolve(found["reader"])
    together = read(pipe, docs, 1.0)
    for shifted, plain, doc in zip(together, get_posteriors(nlp, docs), docs):
        assert shifted.probs.sum() == pytest.approx(1)
        assert shifted.probs == pytest.approx(read(pipe, [doc], 1.0)[0].probs, abs=1e-6)
        odds = (shifted.probs[0] / shifted.probs[1]) / (plain.probs[0] / plain.probs[1])
        assert odds == pytest.approx(4)


@pytest.mark.slow
def test_a_factory(project):
    found = run("A factory")
    assert 0 < found["posterior"].prob(1, 2, "DRUG") < 1
    found["nlp"].to_disk(SEED)
    batch = select(POOL, model=SEED, n=3)
    assert batch.component == "notes_ner"
    assert all(task["_view_id"] == "ner_manual" for task in batch.tasks)


def test_a_format(tmp_path):
    run("A format")
    nlp = spacy.blank("en")
    docs = [nlp.make_doc(text) for text in ("No sign of it.", "In two\nlines.", "Of both.")]
    for doc, cats in zip(docs, ({"A": 1, "B": 0}, {"A": 1, "B": 0}, {"A": 1, "B": 1})):
        doc.cats = {label: float(value) for label, value in cats.items()}
    path = tmp_path / "texts.tsv"
    counts = write_format("tsv", docs, path, kind="categories")
    assert counts == {"written": 1, "not one category and one line": 2}
    path.write_text(path.read_text("utf8") + "no tab here\n", "utf8")
    assert list(read_format("tsv", path, Reading("categories"))) == [
        {"where": "texts.tsv:1", "text": "No sign of it.", "cats": {"A": 1.0}},
        {"where": "texts.tsv:2", "problem": "no tab"},
    ]


def command(text, name):
    return re.search(rf"<!-- {name} -->\n```bash\n(.*?)```\n<!-- /{name} -->", text, re.DOTALL)[1]


def test_the_whole_test_command_is_that_of_the_readme():
    readme = (ROOT / "README.md").read_text("utf8")
    assert command(TEXT, "whole") == command(readme, "tests")


def test_the_quick_command_leaves_out_markers_that_exist(request):
    """Names of markers that pytest does not know would leave out nothing, and say nothing."""
    named = set(re.findall(r"not (\w+)", command(TEXT, "quick")))
    known = {marker.partition(":")[0] for marker in request.config.getini("markers")}
    assert "slow" in named and named <= known

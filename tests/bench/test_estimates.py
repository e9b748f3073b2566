"""The measurement of estimates: a pool of which all is known, read as a model reads it, and drawn from again and again."""

import json

import numpy
import pytest
import spacy
import typer
from spacy.tokens import Span
from typer.testing import CliRunner

from spacy_al.bench import estimates
from spacy_al.bench.estimates import RANDOM, KnownPool, designs_of, read_known, redraw
from spacy_al.corpus.shard import write_shard
from tests.helpers.ner_oracle import WORDS, make_ner


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("corpora")
    nlp = make_ner(updates=3)
    (made / "models" / "small").mkdir(parents=True)
    nlp.to_disk(made / "models" / "small" / "model-best")
    rng, docs = numpy.random.default_rng(0), []
    for k in range(90):
        doc = nlp(" ".join([*rng.permutation(WORDS)[: rng.integers(4, 9)], f"{k}x"]))
        kept = [ent for i, ent in enumerate(doc.ents) if i % 3 == 0]
        more = [Span(doc, t.i, t.i + 1, label="PER") for t in doc if t.text == "Paris"]
        doc.set_ents(spacy.util.filter_spans([*more, *kept]))
        docs.append(doc)
    (made / "small").mkdir()
    for name, part in (("train", docs[:40]), ("dev", docs[40:50]), ("test", docs[50:])):
        write_shard(part, made / "small" / f"{name}.spacy")
    return made


def test_a_pool_is_read_as_the_model_and_the_gold_have_it(folder):
    model = folder / "models" / "small" / "model-best"
    pool = read_known(folder / "small", model, 10)
    assert pool.labels == ("DRUG", "PER", "other") and len(pool.counts) == 30 + 40
    nlp, sums = spacy.load(model), numpy.zeros(3)
    for name, first in (("train", 10), ("test", 0)):
        docs = list(spacy.tokens.DocBin().from_disk(folder / "small" / f"{name}.spacy").get_docs(nlp.vocab))  # fmt: skip
        for doc in docs[first:]:
            said = {(s.start_char, s.end_char, s.label_) for s in nlp(doc.text).ents}
            wanted = {(s.start_char, s.end_char, s.label_) for s in doc.ents}
            sums += len(said & wanted), len(said), len(wanted)
    assert pool.counts.sum(axis=(0, 1)).tolist() == sums.tolist()
    # what it says is known
    assert pool.expected[:, 1].tolist() == pool.counts.sum(axis=1)[:, 1].tolist()


def test_of_a_pool_that_is_drawn_nearly_whole_nearly_all_is_known():
    rng = numpy.random.default_rng(0)
    right = rng.integers(0, 2, (20, 2))
    counts = numpy.stack([right, right + 1, right + rng.integers(0, 2, (20, 2))], axis=2)
    pool = KnownPool(counts.astype("f8"), numpy.ones((20, 6)), ("A", "B"))
    draw = designs_of(pool)[RANDOM]
    many = redraw(pool, draw, 19, 40, helped=False, naive=False)
    few = redraw(pool, draw, 10, 40, helped=False, naive=False)
    assert abs(many["bias"]) < 0.02 and 3 * many["sd"] < few["sd"]
    assert many["width"] < few["width"] and many["held"]["f"][1] == 40


@pytest.mark.slow
def test_the_command(folder, tmp_path):
    app = typer.Typer()
    app.command()(estimates.main)
    words = [str(folder / "small"), "--models", str(folder / "models"), "--texts", "10"]
    words += ["-n", "20", "--draws", "8", "-o", str(tmp_path / "found.json")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "small: 70 texts" in done.output and "active testing, helped" in done.output
    rows = json.loads((tmp_path / "found.json").read_text("utf8"))["corpora"][0]["rows"]
    assert len(rows) == 7 and all(row["n"] == 20 for row in rows)

"""The verbs as functions: they take what the commands take, and a notebook shows what they return as the reports do."""

import inspect
import re
import shutil
import warnings
from pathlib import Path

import numpy
import pytest
import spacy
import typer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from spacy.tokens import DocBin, Span

import spacy_al
from spacy_al.cli import app
from spacy_al.corpus.shard import write_shard
from spacy_al.errors import AlError, AlWarning, UsageError
from spacy_al.evaluation.evaluate import evaluate
from spacy_al.posteriors import estimator_posteriors
from spacy_al.public import corpora, functions
from spacy_al.public.results import RunResult, SimulationResult
from spacy_al.stream import load
from tests.helpers.ner_oracle import make_ner
from tests.helpers.report_facts import run_facts, simulation_facts
from tests.reporting.test_report import TAGS, Page

ROOT = Path(__file__).parents[2]
HOSTILE = "Dr <script>alert(1)</script> & <img src=x onerror=alert(2)> gave him aspirin \x1b[31m."
SHORT = {"training.max_steps": 10, "training.eval_frequency": 5, "al.batch_size": 5}
SHORT |= {"al.max_rounds": 1, "al.output": "training/al"}
# What only a terminal needs, or a person; as arguments others are `model` and `code`, which both have
TERMINAL = {"quiet", "verbose", "as_json", "once", "ctx", "words", "batch"}


@pytest.fixture
def pool(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_ner(updates=3).to_disk(tmp_path / "model")
    nlp = spacy.blank("en")
    texts = [HOSTILE, "No sign of it.", "He has two children in Paris."]
    return write_shard([nlp.make_doc(text) for text in texts], tmp_path / "pool.spacy")


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name in ("corpus", "configs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)


def shown(result):
    """The HTML of a result, which is whole, and in which nothing runs or is loaded."""
    html = result._repr_html_()
    page = Page(html)
    assert {tag for tag, _ in page.tags} <= TAGS
    assert not any(
        name.startswith("on") or name in ("src", "href") for _, a in page.tags for name in a
    )
    assert html == result._repr_html_() and len(set(page.ids)) == len(page.ids)
    return html


@pytest.mark.parametrize("name", functions.__all__)
def test_they_take_what_the_commands_take(name):
    command = typer.main.get_command(app).commands[name]
    function = getattr(spacy_al, name)
    taken = set(inspect.signature(function).parameters)
    # named in the docstring where they are handed on
    taken |= set((function.__doc__ or "").partition("how: ")[2].partition(", as")[0].split(", "))
    missing = {parameter.name for parameter in command.params} - taken - TERMINAL
    assert missing <= {"help", "arguments"}, missing


def test_what_they_hand_on_is_taken(pool):
    for name, handed in (("select", "select"), ("ingest", "ingest_texts")):
        said = (getattr(spacy_al, name).__doc__ or "").partition("how: ")[2].partition(", as")[0]
        known = set(inspect.signature(getattr(corpora, handed)).parameters)
        if name == "select":
            from spacy_al.loop.next_batch import select_next
            from spacy_al.query.select import select

            known = {
                *inspect.signature(select).parameters,
                *inspect.signature(select_next).parameters,
            }
        assert set(said.split(", ")) <= known


def test_a_selection_shows_hostile_texts_as_texts(pool):
    batch = spacy_al.select("pool.spacy", model="model", n=3, output="batch.jsonl")
    assert len(batch.tasks) == 3 and Path("batch.jsonl").read_text("utf8").count("\n") == 3
    html = shown(batch)
    assert "<script" not in html and "<img" not in html and "\x1b" not in html
    assert "&lt;" in html and "3 texts to label next, of 3" in html
    assert "<mark>" in html or "ORG" not in str(batch.tasks)


def test_of_a_large_batch_the_first_texts_are_shown(pool):
    nlp = spacy.blank("en")
    docs = [nlp.make_doc(f"Text number {'x' * n} of it.") for n in range(30)]
    batch = spacy_al.select(write_shard(docs, Path("more.spacy")), cold=True, n=25)
    html = shown(batch)
    assert html.count("<li>") == 20 and "And 5 more" in html


def test_what_they_refuse(pool):
    with pytest.raises(UsageError, match=r"AL089.*al\.seed"):
        spacy_al.select(pool, overrides={"al.seed": 1})
    with pytest.raises(UsageError, match="AL090"):
        spacy_al.select()
    with pytest.raises(AlError, match="AL080"):
        spacy_al.status("nowhere.cfg")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        spacy_al.nothing()


def test_ingest_takes_one_path_or_several(pool):
    Path("notes.txt").write_text("No sign of it.\n\nHe went home.\n", "utf8")
    one = spacy_al.ingest("notes.txt", "pool", dry_run=True)
    assert one.texts == 2 and not Path("pool").exists()
    assert spacy_al.ingest([Path("notes.txt"), "pool.spacy"], "pool", unit="doc").texts == 4
    assert Path("pool/00000.spacy").is_file()


def test_one_name_is_not_taken_apart_into_its_letters(pool):
    Path("notes.jsonl").write_text('{"text": "No sign.", "ward": "A", "w": 1}\n', "utf8")
    spacy_al.ingest("notes.jsonl", "other", meta_key="ward")
    [doc] = DocBin().from_disk("other/00000.spacy").get_docs(spacy.blank("en").vocab)
    assert doc.user_data["al_source"]["meta"] == {"ward": "A"}
    for labeled in ("pool.spacy", Path("pool.spacy"), ["pool.spacy"]):
        with pytest.raises(AlError, match="AL086"):
            spacy_al.select("pool.spacy", cold=True, labeled=labeled)
    plan = load("pool.spacy", None, labels="DRUG", labeled="pool.spacy")
    assert plan.settings.labels == ["DRUG"] and plan.labeled == (Path("pool.spacy"),)


def test_one_label_is_one_that_counts():
    nlp = make_ner(updates=3)
    doc = nlp.make_doc("He takes aspirin in Paris.")
    doc.set_ents([Span(doc, 2, 3, "DRUG"), Span(doc, 4, 5, "PER")])
    per_label = [
        evaluate(nlp, [doc.copy()], measured=measured)["per_label"]
        for measured in ("DRUG", ["DRUG"], "DRUG or PER")
    ]
    assert per_label[0] == per_label[1] and set(per_label[0]) == {"DRUG"}
    # what is part of a name is no label
    assert "PER" not in (per_label[2] or {})
    one = OneVsRestClassifier(LogisticRegression()).fit([[0.0], [1.0]], numpy.array([[0], [1]]))
    with pytest.raises(AlError, match=r"AL243.*: SPAM"):
        estimator_posteriors(one, numpy.array([[1.0]]), "SPAM", exclusive=False)


def test_results_are_shown_without_a_run():
    facts = run_facts()
    facts["state"] = {"state": "wait", "sentence": HOSTILE}
    status = {"best": {"load": 'nlp = spacy.load("<b>")', "package": "spacy package"}}
    run = RunResult("wait", "", [], status["best"], Path("out"), None, status, facts)
    html = shown(run)
    assert "<svg" in html and "<script" not in html and "spacy.load(&#34;&lt;b&gt;&#34;)" in html
    found = simulation_facts()
    html = shown(SimulationResult(Path("out"), Path("out/report.html"), found["strategies"], found))
    assert html.count("<figure") == 1 and "random choice" in html
    # a curve of another cell does not take its name
    assert set(Page(html).ids).isdisjoint(Page(shown(run)).ids)


@pytest.mark.slow
def test_a_run_and_its_calibration(project):
    gold = Path("corpus/pool_gold.spacy")
    lines: list[str] = []
    run = spacy_al.run("configs/ner.cfg", SHORT, oracle=gold, show=lines.append)
    assert (
        run.state == "stopped" and len(run.rounds) == 2 and any("Round 1" in line for line in lines)
    )
    assert run.report.read_text("utf8").startswith("<!DOCTYPE html>")
    again = spacy_al.status(Path("configs/ner.cfg"), SHORT)
    assert again.rounds == run.rounds and again.report is None
    assert "<svg" in shown(again)
    told = spacy_al.report("configs/ner.cfg", SHORT, output="told", target=0.9, mask="email")
    assert told.report == Path("told/report.html") and told.report.is_file()
    next_batch = spacy_al.select(config="configs/ner.cfg", overrides=SHORT)
    assert len(next_batch.tasks) == 5 and next_batch.model == run.best["model"]
    with warnings.catch_warnings():
        # after so few steps its probabilities say next to nothing, which is what it warns of
        warnings.simplefilter("ignore", AlWarning)
        fit = spacy_al.calibrate(run.best["model"], "corpus/test.spacy", max_docs=50, dry_run=True)
    assert (fit.component, fit.documents, fit.path) == ("ner", 50, None)
    assert fit.record["temperature"] == fit.temperature


@pytest.mark.slow
def test_a_simulation(project):
    pytest.importorskip("matplotlib")
    small = {**SHORT, "corpora.dev.limit": 20, "paths.test": Path("corpus/dev.spacy")}
    found = spacy_al.simulate(
        "configs/ner.cfg",
        "corpus/seed.spacy",
        small,
        output="found",
        strategy="mnlp",
        seeds=1,
        start=20,
        rounds=1,
        n_process=1,
    )
    assert [row["strategy"] for row in found.strategies] == ["mnlp", "random"]
    assert found.report.is_file() and "--strategy mnlp" in found.facts["command"]
    assert "<svg" in shown(found)


def test_the_example_of_its_page_runs(tmp_path, monkeypatch):
    text = (ROOT / "docs" / "python.md").read_text("utf8")
    listed = re.findall(r"^\| `(\w+)\(", text, flags=re.MULTILINE)
    assert sorted(listed) == functions.__all__
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("No sign of it.\n\nHe went home.\n", "utf8")
    monkeypatch.chdir(tmp_path)
    [example] = re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    exec(compile(example, "python.md", "exec"), {})
    assert Path("batch.jsonl").read_text("utf8").count("\n") == 2

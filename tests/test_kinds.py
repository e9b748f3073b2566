"""One row of kinds.FACTORIES is all that a factory of one's own needs: every verb then works with it."""

import json
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from typer.testing import CliRunner

import spacy_al
from spacy_al import registry
from spacy_al.acquisition.inputs import FITS
from spacy_al.cli import app
from spacy_al.config.project import open_project
from spacy_al.evaluation.gold import ANSWERS
from spacy_al.kinds import FACTORIES, USUAL
from spacy_al.loop.answers import merged_answers
from spacy_al.loop.rounds import run
from spacy_al.posteriors.component import load_code, open_component
from spacy_al.store.store import Store
from spacy_al.tasks.answer import KINDS
from tests.helpers.chaos import LABELS, ROOT, SIZES

# What somebody adds: a factory, what reads its posterior, and the row
TOY = """
from dataclasses import replace

import spacy
from spacy.language import Language
from spacy.pipeline import {base}

from spacy_al import registry
from spacy_al.kinds import FACTORIES

META = spacy.blank("en").get_factory_meta("{factory}")
USUAL_READER = registry.al_posteriors.get(FACTORIES["{factory}"].reader)


class Toy({base}):
    is_toy = True


@Language.factory("toy_{factory}", default_config=META.default_config, default_score_weights=META.default_score_weights)
def make_toy(nlp, name, {settings}):
    return Toy(nlp.vocab, model, name, {given})


@registry.al_posteriors("toy.{factory}.v1")
def make_reader():
    return read


def read(pipe, docs, temperature):
    assert pipe.is_toy
    return USUAL_READER()(pipe, docs, temperature)


FACTORIES["toy_{factory}"] = replace(FACTORIES["{factory}"], name="toy_{factory}", reader="toy.{factory}.v1")
"""
NER = ("moves", "update_with_oracle_cut_size", "incorrect_spans_key", "scorer")
TEXTCAT = ("threshold", "scorer")
TOYS = {"ner": ("EntityRecognizer", NER), "textcat": ("TextCategorizer", TEXTCAT)}
SHORT = {"training.max_steps": 12, "training.eval_frequency": 6}
SHORT |= {"al.batch_size": 6, "al.max_rounds": 1, "al.retrain": "resume"}
SMALL = {f"components.tok2vec.model.encode.{name}": n for name, n in (("width", 32), ("depth", 1))}


@pytest.fixture(params=TOYS)
def toy(request, tmp_path):
    """A config of a factory that nobody but the code beside it knows, and what overrides it."""
    base, settings = TOYS[request.param]
    code = tmp_path / "toy.py"
    given = ", ".join(f"{name}={name}" for name in settings)
    text = TOY.format(
        base=base, factory=request.param, settings=", ".join(("model", *settings)), given=given
    )
    code.write_text(text, "utf8")
    for name, count in SIZES.items():
        docs = list(DocBin().from_disk(ROOT / "corpus" / f"{name}.spacy").get_docs(Vocab()))
        DocBin(docs=docs[:count]).to_disk(tmp_path / f"{name}.spacy")
    text = (ROOT / "configs" / f"{request.param}.cfg").read_text("utf8")
    # what `init` writes is to be read as well
    text = text.partition("# --- Active learning")[0]
    text = text.replace(f"[components.{request.param}", "[components.mine")
    text = text.replace(f'factory = "{request.param}"', f'factory = "toy_{request.param}"')
    config = tmp_path / "mine.cfg"
    config.write_text(text.replace(f'"{request.param}"]', '"mine"]'), "utf8")
    paths = {"train": "seed", "dev": "dev", "pool": "pool_gold"}
    overrides = {f"paths.{key}": str(tmp_path / f"{name}.spacy") for key, name in paths.items()}
    overrides |= {"paths.test": None, "al.output": str(tmp_path / "al"), **SHORT}
    overrides |= SMALL if request.param == "ner" else {}
    try:
        yield request.param, code, config, overrides
    finally:
        FACTORIES.pop(f"toy_{request.param}", None)


def called(verb, *words, code, overrides=None):
    typed = [
        f"--{name}={json.dumps(v) if v is None else v}" for name, v in (overrides or {}).items()
    ]
    done = CliRunner().invoke(app, [verb, *map(str, words), "--code", str(code), *typed])
    assert done.exit_code == 0, done.output
    return done


@pytest.mark.slow
def test_one_row_is_all_that_a_factory_needs(toy, tmp_path):
    like, code, config, overrides = toy
    load_code(str(code))
    row = FACTORIES[f"toy_{like}"]
    assert CliRunner().invoke(app, ["init", str(config)]).exit_code == 0
    assert f"toy.{like}.v1" in config.read_text("utf8")
    gold = Path(overrides["paths.pool"])
    how = {"code": code, "overrides": overrides}
    # a batch without a model: the questions are of the form that the row says
    batch = tmp_path / "batch.jsonl"
    called("select", "--config", config, "--cold", "-n", 3, "-o", batch, **how)
    tasks = [json.loads(line) for line in batch.read_text("utf8").splitlines()]
    assert {task["_view_id"] for task in tasks} == {row.view_id} and len(tasks) == 3
    # the loop, and what it leaves: answers that teach, a score, a temperature, a report
    called("run", config, "--oracle", gold, "--once", **how)
    project = open_project(config, overrides, code=code)
    with Store(project.database, create=False) as store:
        metrics, merged = store.metrics(), merged_answers(store, project)
        assert {task.task["_view_id"] for task in store.tasks()} == {row.view_id}
    assert len(merged.docs) == 6 and merged.balance
    assert metrics[1]["texts"] == metrics[0]["texts"] + 6
    assert {"score", "score_name"} <= metrics[1]["dev"].keys() and "strategy" in metrics[0]
    assert metrics[1]["dev"]["score_name"] == row.score
    assert (project.output / "report.html").is_file()
    # the page asks it of people, and takes what they say
    pytest.importorskip("fastapi")
    from tests.web.test_app import ask, body, client_of

    people = {**overrides, "al.output": str(tmp_path / "people"), "paths.train": None}
    people |= {"al.labels": LABELS if like == "ner" else ["a", "b"]}
    waiting = open_project(config, people, code=code)
    assert run(waiting).state == "waiting"
    page = client_of(waiting.database)
    (one,) = ask(page)
    assert one["task"]["_view_id"] == row.view_id and one["kind"] == row.task
    said = {"answer": "accept", **({"spans": []} if like == "ner" else {"accept": ["a"]})}
    assert page.post("/api/answer", json=body(one, said)).json()["new"]
    with Store(waiting.database, create=False) as store:
        assert len(merged_answers(store, waiting).docs) == 1
    # with the model
    model = project.folder(1) / "model-best"
    called("select", "--config", config, "-m", model, "-n", 3, "-o", batch, **how)
    assert json.loads(batch.read_text("utf8").splitlines()[0])["meta"]["component"] == "mine"
    called("calibrate", model, gold, code=code)
    called("bench", model, gold, "-n", 5, "-r", 1, "-b", 0, "-o", tmp_path / "b.json", code=code)
    called("report", config, **how)
    called("status", config, **how)
    called("export", config, "-o", tmp_path / "out", **how)
    # a committee is read by the row too, whichever class the component has
    members = [str(project.folder(0) / "model-best")]
    together = {"@al_posteriors": "spacy-al.committee.v1", "members": members}
    opened = open_component(str(model), posterior=together, code=str(code))
    (posterior,) = opened.posteriors([opened.nlp.make_doc("He was given aspirin.")])
    assert len(posterior.members) == 2
    # and it is compared with chance
    called(
        "simulate",
        config,
        "--gold",
        gold,
        "-o",
        tmp_path / "sim",
        "--seeds",
        1,
        "--start",
        12,
        "--rounds",
        1,
        "--n-process",
        1,
        code=code,
        overrides={**overrides, "paths.test": overrides["paths.dev"]},
    )


@pytest.mark.parametrize("name", FACTORIES)
def test_every_row_fits_the_tables_that_its_columns_are_keys_of(name):
    row = FACTORIES[name]
    assert row.name == name and row.task in {"entities", "spans", "tags", "categories"}
    assert row.reader in registry.al_posteriors.get_all()
    assert row.posterior in FITS and f"committee of {row.posterior}" in FITS
    assert row.answers in ANSWERS
    assert KINDS[row.view_id] == row.task
    assert len(row.details) == 3 and row.pace >= 0
    assert row.asks_yes_no <= (row.task == "entities") and row.learns_rejected <= row.learns_partly
    assert ("exclusive" in row.posterior) <= row.is_exclusive


@pytest.mark.parametrize("name", FACTORIES)
def test_every_row_is_of_a_factory_that_spacy_has(name):
    assert spacy.blank("en").has_factory(name)


def test_the_page_draws_every_kind_of_question():
    """The page tells questions apart by what they hold: the interfaces of a yes or no it knows by name."""
    script = (Path(spacy_al.__file__).parent / "web" / "static" / "question.js").read_text("utf8")
    assert {row.view_id for row in FACTORIES.values()} | {"ner", "classification"} == set(KINDS)
    assert USUAL in FACTORIES and all(f'"{name}"' in script for name in ("ner", "classification"))

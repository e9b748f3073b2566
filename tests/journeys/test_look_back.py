"""A committee of the last rounds' models: read together in a run and in a simulation, and gone when nobody needs them."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import srsly
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.config.project import open_project, round_folder, round_number
from spacy_al.config.settings import Settings
from spacy_al.errors import AlError
from spacy_al.loop.rounds import run
from spacy_al.query.select import select
from spacy_al.simulation import SimulationPlan, simulate
from spacy_al.store.store import Store
from spacy_al.training.committee import earlier_models
from spacy_al.util import content_hash
from tests.helpers.chaos import LABELS, OVERRIDES, ROOT, corpus

CONFIG = ROOT / "configs" / "ner.cfg"
FLUCTUATION = {"@al_acquisitions": "spacy-al.fluctuation.v1"}
TOP = {"@al_samplers": "spacy-al.top_k.v1"}


# Which models


def model_of(folder, number, labels, component="ner"):
    path = round_folder(folder, number) / "model-best"
    path.mkdir(parents=True)
    srsly.write_json(path / "meta.json", {"labels": {component: labels}})
    return str(path)


def test_a_round_looks_back_as_far_as_labels_are_the_same(tmp_path):
    settings = Settings(component="ner", factory="ner", committee="rounds", committee_size=4)
    models = [model_of(tmp_path, i, ["A"] if i < 2 else ["A", "B"]) for i in range(6)]

    def found(number, **how):
        return earlier_models(replace(settings, **how), round_folder(tmp_path, number))

    assert found(5) == models[4:1:-1] and found(5, committee_size=2) == models[4:5]
    # before round 2 there was a label less
    assert found(4) == models[3:1:-1] and found(2) == []
    assert found(1) == models[:1] and found(0) == []
    # nor across one that is not there
    shutil.rmtree(models[3])
    assert found(5) == models[4:5]
    # the order of labels matters where they are columns
    for number, labels in enumerate((["A", "B"], ["B", "A"])):
        model_of(tmp_path / "two", number, labels)
    own = round_folder(tmp_path / "two", 1)
    assert len(earlier_models(settings, own)) == 1
    model_of(tmp_path / "cats", 0, ["A", "B"], "textcat")
    model_of(tmp_path / "cats", 1, ["B", "A"], "textcat")
    cats = replace(settings, component="textcat", factory="textcat")
    assert earlier_models(cats, round_folder(tmp_path / "cats", 1)) == []
    # a model of nobody's round has none before it
    assert earlier_models(settings, tmp_path / "seed") == []
    assert round_number(Path("al/round-1234")) == 1234 and round_number(Path("round-1x")) is None


# In a run


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    corpus(folder)
    docs = list(DocBin().from_disk(ROOT / "corpus" / "test.spacy").get_docs(Vocab()))[:20]
    DocBin(docs=docs).to_disk(folder / "test.spacy")
    return folder


@pytest.mark.slow
def test_a_run_reads_the_models_of_its_last_rounds(small, tmp_path):
    names = {"train": "seed", "dev": "dev", "pool": "pool_gold", "test": None}
    paths = {f"paths.{k}": str(small / f"{v}.spacy") if v else None for k, v in names.items()}
    own = {**paths, **OVERRIDES, "al.output": str(tmp_path / "al"), "al.labels": LABELS}
    own |= {"al.committee": "rounds", "al.committee_size": 3, "al.max_rounds": 3}
    own |= {"al.acquisition": FLUCTUATION, "al.sampler": TOP, "al.posterior": None}
    project = open_project(CONFIG, own, oracle=small / "pool_gold.spacy")
    assert run(project).state == "stopped"
    models = [str(project.folder(number) / "model-best") for number in range(3)]
    with Store(project.database, create=False) as store:
        tasks = list(store.tasks())
        told = store.metrics()
    batches = [[t.task for t in tasks if t.round == number] for number in range(3)]
    settings = replace(project.settings, committee="none")
    asked = set()
    for number, batch in enumerate(batches):
        members = models[max(0, number - 2) : number][::-1]
        block = {"@al_posteriors": "spacy-al.committee.v1", "members": members}
        made = select(
            small / "pool_gold.spacy",
            model=models[number],
            settings=replace(settings, blocks={**settings.blocks, "posterior": block}),
            asked=asked,
            trained_on=project.folder(number) / "train.spacy",
            round=number,
        )
        assert [task["text"] for task in made.tasks] == [task["text"] for task in batch]
        assert [task["meta"]["score"] for task in made.tasks] == [t["meta"]["score"] for t in batch]
        assert told[number]["strategy"] == made.strategy and "fluctuation" in made.strategy
        asked |= {content_hash(task["text"]) for task in batch}
    # and whoever chooses beside the run chooses as the run does
    words = ["select", "--config", str(project.folder(2) / "config.cfg"), "--round", "2"]
    out = tmp_path / "again.jsonl"
    result = CliRunner().invoke(app, [*words, "-m", models[2], "-o", str(out)])
    assert result.exit_code == 0, result.output
    again = [json.loads(line)["text"] for line in out.read_text("utf8").splitlines()]
    assert again == [task["text"] for task in batches[2]]


# In a simulation


def plan_of(small, **how):
    gold, dev, test = (small / f"{name}.spacy" for name in ("pool_gold", "dev", "test"))
    steps = {k: v for k, v in OVERRIDES.items() if k.startswith(("training.", "components."))}
    sections = {
        "back": {
            "committee": "rounds",
            "committee_size": 2,
            "acquisition": FLUCTUATION,
            "sampler": TOP,
        }
    }
    more = (steps, Settings(component="ner", factory="ner"), "ner", "ner", None, None, sections)
    return SimulationPlan(CONFIG, gold, dev, test, ("back",), (0,), 30, 8, 3, *more)


def fixed(rows):
    return [{k: v for k, v in row.items() if "seconds_" not in k} for row in rows]


@pytest.mark.slow
def test_a_simulation_keeps_the_models_that_it_looks_back_at(small, tmp_path):
    plan, output = plan_of(small), tmp_path / "out"
    rows = []
    for row in simulate(plan, output):
        rows.append(row)
        if row["round"] == 2:
            break
    assert [row["round"] for row in rows] == [0, 1, 2]
    [own] = (output / "history").iterdir()
    # as many as the next round needs, and not one more
    assert sorted(path.name for path in own.iterdir()) == ["round-001", "round-002"]
    settings = plan.settings_of("back")
    members = [str(own / "round-001" / "model-best")]
    block = {"@al_posteriors": "spacy-al.committee.v1", "members": members}
    blocks = {**settings.blocks, "posterior": block}
    made = select(
        output / "pool.spacy",
        model=str(own / "round-002" / "model-best"),
        settings=replace(settings, committee="none", blocks=blocks),
        labeled=[own / "round-002" / "train.spacy"],
        n=8,
        round=2,
    )
    assert [content_hash(task["text"]) for task in made.tasks] == rows[2]["batch"]
    alone = select(
        output / "pool.spacy",
        model=str(own / "round-002" / "model-best"),
        settings=replace(settings, committee="none", blocks={"sampler": TOP}),
        acquisition="token_least_confidence",
        labeled=[own / "round-002" / "train.spacy"],
        n=8,
        round=2,
    )
    # what the models of two rounds differ in comes on top of half of the doubt of the last
    doubts = {task["text"]: task["meta"]["score"] for task in alone.tasks}
    scores = {t["text"]: t["meta"]["score"] for t in made.tasks if t["text"] in doubts}
    assert scores and all(scores[text] > 0.5 * doubts[text] + 1e-9 for text in scores)
    shutil.copytree(output, tmp_path / "lost")
    shutil.copytree(output, tmp_path / "again")
    # it goes on where it was, to the same end as one that was never stopped
    rows = [*simulate(plan, output)]
    assert not (output / "history").exists() and [row["round"] for row in rows] == [0, 1, 2, 3]
    whole = [*simulate(plan, tmp_path / "whole")]
    assert fixed(whole) == fixed(rows)
    # also where a round is done again whose model was kept already
    results = tmp_path / "again" / "results.jsonl"
    results.write_text("".join(json.dumps(row) + "\n" for row in rows[:2]), "utf8")
    assert fixed(simulate(plan, tmp_path / "again")) == fixed(rows)
    # what is gone is not done without
    results = tmp_path / "lost" / "results.jsonl"
    results.write_text("".join(json.dumps(row) + "\n" for row in rows[:2]), "utf8")
    shutil.rmtree(tmp_path / "lost" / "history")
    with pytest.raises(AlError, match=r"AL209.*'back'.*round 1.*results\.jsonl"):
        list(simulate(plan, tmp_path / "lost"))

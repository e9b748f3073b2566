"""Batch sizes side by side: as many texts for all, in as many rounds as each takes, beside chance in batches of the same size."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.config.settings import Settings
from spacy_al.errors import UsageError
from spacy_al.loop.facts import _baseline
from spacy_al.measures.learning_curve import compare, is_random, split_size
from spacy_al.reporting import report
from spacy_al.simulation import SimulationPlan, make_plan
from spacy_al.simulation.facts import simulation_facts
from spacy_al.simulation.plan import check_plan, check_simulated
from spacy_al.simulation.results import read_results
from tests.helpers.report_facts import simulation_facts as made_up_facts

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs" / "ner.cfg"


def plan_of(folder, *strategies, batch=50, rounds=4, sections=None):
    gold, dev, test = (folder / f"{name}.spacy" for name in ("pool_gold", "dev", "test"))
    more = (
        strategies,
        (0,),
        20,
        batch,
        rounds,
        {},
        Settings(),
        "ner",
        "ner",
        None,
        None,
        sections or {},
    )
    return SimulationPlan(CONFIG, gold, dev, test, *more)


def test_a_name_may_have_a_size():
    assert split_size("mnlp+density@25") == ("mnlp+density", 25)
    for name in ("mnlp", "mnlp@", "mnlp@0", "mnlp@2x", "@5", "mnlp@-5"):
        assert split_size(name) == (name, None)
    assert is_random("random") and is_random("random@7") and not is_random("random_forest@7")


@given(st.integers(1, 60), st.integers(1, 8), st.integers(1, 500))
def test_every_strategy_asks_for_as_many_texts(batch, rounds, size):
    size = min(size, batch * rounds)
    plan = plan_of(ROOT, f"mnlp@{size}", batch=batch, rounds=rounds)
    sizes = [plan.batch_of(f"mnlp@{size}", i) for i in range(plan.rounds_of(f"mnlp@{size}"))]
    assert sum(sizes) == batch * rounds and set(sizes[:-1]) <= {size} and 0 < sizes[-1] <= size
    assert plan.settings_of(f"mnlp@{size}") == replace(plan.settings_of("mnlp"), batch_size=size)
    assert plan.baseline_of(f"mnlp@{size}") == ("random" if size == batch else f"random@{size}")
    # the start, and all of the corpus, are nobody's
    assert plan.rounds_of(None) == plan.rounds_of("mnlp") == plan.rounds_of("random") == rounds


def planned(tmp_path, file=None, **how):
    path = tmp_path / "strategies.cfg"
    path.write_text(file or "[plain]\ndensity_weight = 1.0\n[small]\nbatch_size = 5\n", "utf8")
    names = {name: str(ROOT / "corpus" / f"{name}.spacy") for name in ("dev", "test")}
    overrides = {"al.batch_size": 50, **{f"paths.{key}": path for key, path in names.items()}}
    gold = ROOT / "corpus" / "pool_gold.spacy"
    return make_plan(CONFIG, gold, overrides, rounds=4, strategies=path, **how)


def test_names_and_sizes_that_are_compared(tmp_path):
    def names(**how):
        return planned(tmp_path, **how).strategies

    assert names(strategy=["mnlp"]) == ("mnlp", "random")
    # a file says it of one strategy, and chance has the same
    plan = planned(tmp_path)
    assert plan.strategies == ("plain", "small", "random", "random@5")
    assert [plan.size_of(name) for name in plan.strategies] == [50, 5, 50, 5]
    assert plan.settings_of("small").batch_size == 5
    # each with each; the usual size has no name, so that what was found before goes on to count
    assert names(strategy=["mnlp", "plain"], batches=[25, 50]) == (
        "mnlp@25", "mnlp", "plain@25", "plain", "random@25", "random",
    )  # fmt: skip
    # of those that have a size of their own, only that
    assert names(strategy=["mnlp@10", "small"], batches=[25]) == (
        "mnlp@10", "small", "random@10", "random@5",
    )  # fmt: skip
    assert names(strategy=["mnlp@50", "mnlp"]) == ("mnlp", "random")
    assert names(strategy=["random"], batches=[25, 50]) == ("random@25", "random")
    assert names(strategy=["random"]) == ("random",)
    assert planned(tmp_path, strategy=["plain@10"]).settings_of("plain@10").density_weight == 1.0


@pytest.mark.parametrize(
    "file, names, code",
    [
        ("[s]\nbatch_size = 0\n", ["s"], r"AL083.*strategy 's'.*batch_size.*1 or more"),
        ('[s]\nbatch_size = "x"\n', ["s"], r"AL083.*whole number"),
        ("[s]\nbatch_size = 201\n", ["s"], r"AL087.*batch size of 's' is 201.*200 or less"),
        (None, ["mnlp@1000"], r"AL087.*'mnlp@1000' is 1000.*200 or less"),
        (None, ["mlp@10"], r"AL105.*'mlp'"),
        ('[random@5]\nseed = 1\n', ["mnlp"], r"AL083.*random@5.*chance"),
    ],
)  # fmt: skip
def test_sizes_that_cannot_be(tmp_path, file, names, code):
    plan = planned(tmp_path, file, strategy=names)
    with pytest.raises(UsageError, match=code):
        check_simulated(plan)


@pytest.mark.parametrize("given", ["x", "25,", "0", "-5", "2.5", ""])
def test_sizes_that_are_none(given, tmp_path):
    words = ["simulate", str(CONFIG), "--gold", str(tmp_path), "--batch", given]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2 and "whole numbers from 1" in " ".join(result.output.split())


def row(strategy, seed, number, texts, score, size):
    return {
        "strategy": strategy,
        "seed": seed,
        "round": number,
        "score": score,
        "score_name": "ents_f",
        "labels": {"A": texts},
        **dict.fromkeys(("words", "texts", "entities", "seconds"), texts),
        **dict.fromkeys(("seconds_train", "seconds_evaluate", "seconds_select"), 1.0),
        "batch": [str(i) for i in range(size)],
    }


def lines(strategy, size, scores):
    made = []
    for seed in (0, 1):
        for number, score in enumerate(scores):
            made.append(row(strategy, seed, number, 20 + size * number, score + 0.1 * seed, size))
    return made


ROWS = [
    *lines("random", 100, [0.2, 0.6]),
    *lines("random@50", 50, [0.2, 0.3, 0.6]),
    *lines("mnlp", 100, [0.2, 0.8]),
    *lines("mnlp@50", 50, [0.2, 0.6, 0.8]),
    *lines("own", 50, [0.2, 0.6, 0.8]),
]


def test_each_is_compared_with_chance_of_its_size():
    found = {r["strategy"]: r for r in compare(ROWS, "texts", baselines={"own": "random@50"})}
    # over the hundred texts: from .2 to .8 for from .2 to .6
    assert found["mnlp"]["gain"] == pytest.approx(0.1)
    # in halves: (.4 + .7) / 2 for (.25 + .45) / 2
    for name in ("mnlp@50", "own"):
        assert found[name]["gain"] == pytest.approx(0.2)
        assert found[name]["savings"] == pytest.approx(0.5 * (1 - 70 / 120) + 0.5 * (1 - 70 / 120))
    assert found["random"]["gain"] == found["random@50"]["gain"] == 0
    # without being told, one that has no size in its name is compared with the usual one
    alone = {r["strategy"]: r for r in compare(ROWS, "texts")}
    assert alone["own"]["gain"] == pytest.approx(0.15)


def test_what_is_told_of_sizes(tmp_path):
    for name in ("pool_gold", "dev", "test"):
        DocBin().to_disk(tmp_path / f"{name}.spacy")
    sections = {"own": {"batch_size": 50}}
    names = ("mnlp", "mnlp@50", "own", "random", "random@50")
    plan = replace(plan_of(tmp_path, *names, batch=100, rounds=1, sections=sections), seeds=(0, 1))
    corpus = {"texts": 500, "words": 5000, "labels": {"A": 5}, "dropped": {}}
    facts = simulation_facts(plan, ROWS, corpus)
    told = {row["strategy"]: row for row in facts["strategies"]}
    assert {name: (told[name]["batch_size"], told[name]["rounds"]) for name in names} == {
        "mnlp": (100, 1), "mnlp@50": (50, 2), "own": (50, 2), "random": (100, 1), "random@50": (50, 2),
    }  # fmt: skip
    assert told["own"]["gain"] == pytest.approx(0.2)
    assert [len(told[name]["by_cost"]["texts"]["curve"]) for name in names] == [2, 3, 3, 2, 3]
    assert any("random choice in batches of its own size" in note for note in facts["notes"])
    assert "3 strategies are compared" in " ".join(facts["notes"])
    page = report(facts)
    for text in ("random choice, 50 a round", "50 × 2", "100 × 1", "Batches"):
        assert text in page
    # chance is dashed, and no two lines look alike
    legend = page.split('<ul class="legend">')[1].split("</ul>")[0]
    keys = re.findall(r'<span class="key ([^"]+)".*?<bdi>(.*?)</bdi>', legend)
    assert len(keys) == len({look for look, _ in keys}) == 5
    assert all(("dashed" in look) == ("random choice" in name) for look, name in keys)
    # of batches of one size there is nothing to say
    assert "Batches" not in report(made_up_facts())


def test_sizes_can_be_added_to_what_is_there(tmp_path):
    for name in ("pool_gold", "dev", "test"):
        DocBin().to_disk(tmp_path / f"{name}.spacy")
    sections = {"own": {"density_weight": 1.0}}
    check_plan(plan_of(tmp_path, "mnlp", "random"), tmp_path)
    more = ("mnlp", "mnlp@25", "own@25", "random", "random@25")
    check_plan(plan_of(tmp_path, *more, sections=sections), tmp_path)
    told = json.loads((tmp_path / "plan.json").read_text("utf8"))
    assert told["sections"] == {"mnlp": None, "mnlp@25": None, "own@25": sections["own"]}
    # what a section says is what was run, whatever the size
    other = {"own": {"density_weight": 2.0}}
    with pytest.raises(Exception, match="AL101"):
        check_plan(plan_of(tmp_path, *more, sections=other), tmp_path)


def test_the_baseline_of_a_run_is_of_one_size(tmp_path):
    def points(*rows):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / "results.jsonl").write_text(text, "utf8")
        return [point["texts"] for point in _baseline(tmp_path)["points"]]

    assert points(*ROWS) == [20, 120]
    assert points(*(row for row in ROWS if row["strategy"] != "random")) == [20, 70, 120]


# In earnest


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder, vocab = tmp_path_factory.mktemp("sizes"), Vocab()
    for name, count in (("pool_gold", 60), ("dev", 20), ("test", 20)):
        docs = list(DocBin().from_disk(ROOT / "corpus" / f"{name}.spacy").get_docs(vocab))[:count]
        DocBin(docs=docs).to_disk(folder / f"{name}.spacy")
    return folder


def run(small, output, *more):
    words = ["simulate", str(CONFIG), "--gold", str(small / "pool_gold.spacy"), "-o", str(output)]
    words += ["--paths.dev", str(small / "dev.spacy"), "--paths.test", str(small / "test.spacy")]
    words += ["--seeds", "1", "--start", "20", "--rounds", "1", "--al.batch_size", "10"]
    words += ["--training.max_steps", "20", "--training.eval_frequency", "20", "--n-process", "1"]
    words += ["--components.tok2vec.model.encode.width", "32", "--strategy", "mnlp"]
    return CliRunner().invoke(app, [*words, *more])


@pytest.mark.slow
def test_a_simulation_with_two_sizes(small, tmp_path):
    output = tmp_path / "out"
    first = run(small, output)
    assert first.exit_code == 0, first.output
    before = read_results(output)
    # what was run before is kept, to the second that it took
    result = run(small, output, "--batch", "4,10")
    assert result.exit_code == 0, result.output
    rows = read_results(output)
    assert [row for row in rows if "@" not in row["strategy"]] == before
    assert [(r["strategy"], r["round"], r["texts"]) for r in rows] == [
        *[("mnlp", i, 20 + 10 * i) for i in range(2)],
        *[("mnlp@4", i, texts) for i, texts in enumerate((20, 24, 28, 30))],
        *[("random", i, 20 + 10 * i) for i in range(2)],
        *[("random@4", i, texts) for i, texts in enumerate((20, 24, 28, 30))],
    ]
    by_round = {(row["strategy"], row["round"]): row for row in rows}
    # all start from one model, and the first four of ten are the first four of four
    for name in ("mnlp", "random"):
        assert by_round[f"{name}@4", 0]["score"] == by_round[name, 0]["score"]
        assert by_round[f"{name}@4", 0]["batch"] == by_round[name, 0]["batch"][:4]
        chosen = [i for n in range(4) for i in by_round[f"{name}@4", n]["batch"]]
        assert len(chosen) == len(set(chosen)) == 10
        assert by_round[f"{name}@4", 3]["batch"] == []
    # killed within an arm of more rounds than the usual ones, it goes on there
    kept = [row for row in rows if (row["strategy"], row["round"]) != ("mnlp@4", 3)]
    (output / "results.jsonl").write_text("".join(json.dumps(row) + "\n" for row in kept), "utf8")
    assert run(small, output, "--batch", "4,10").exit_code == 0

    def fixed(rows):
        return [{k: v for k, v in row.items() if "seconds_" not in k} for row in rows]

    assert fixed(read_results(output)) == fixed(rows)
    summary = json.loads((output / "summary.json").read_text("utf8"))
    assert "--batch 4,10" in summary["command"]
    assert {row["strategy"]: row["rounds"] for row in summary["strategies"]} == {
        "mnlp": 1, "mnlp@4": 3, "random": 1, "random@4": 3,
    }  # fmt: skip
    assert (output / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert "random choice, 4 a round" in (output / "report.html").read_text("utf8")
    for name in ("mnlp@4", "random@4", "Batches differ"):
        assert name in result.output

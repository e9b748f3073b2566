"""Simulations: what they compare, that they go on where they were, and what a person reads when they cannot."""

import json
from pathlib import Path

import numpy
import pytest
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.curve import compare, curves, plot
from spacy_al.simulate import read_results

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "configs" / "ner.cfg"


def row(strategy, seed, number, words, score):
    return {"strategy": strategy, "seed": seed, "round": number, "words": words, "score": score}


def lines(strategy, seed, points):
    return [row(strategy, seed, i, *point) for i, point in enumerate(points)]


def test_compare_is_paired_by_seed_and_by_cost():
    rows = [
        *lines("random", 0, [(100, 0.2), (200, 0.4), (300, 0.6)]),
        *lines("random", 1, [(100, 0.1), (200, 0.3), (300, 0.5)]),
        # half the words for the same score
        *lines("half", 0, [(100, 0.2), (150, 0.4), (200, 0.6)]),
        *lines("half", 1, [(100, 0.1), (150, 0.3), (200, 0.5)]),
    ]
    found = {item["strategy"]: item for item in compare(rows)}
    # from 100 to 200 words the means are .4 and .3, and .3 and .2
    assert found["half"]["gain"] == pytest.approx(0.1)
    assert found["half"]["low"] == pytest.approx(0.1) == found["half"]["high"]
    assert found["half"]["savings"] == pytest.approx(1 / 3)
    assert found["random"]["gain"] == 0
    assert found["half"]["final"] == pytest.approx(0.55)


def test_the_interval_is_students():
    rows = []
    for seed, gain in enumerate((0.1, 0.2, 0.3)):
        rows += lines("random", seed, [(0, 0.0), (10, 0.0)])
        rows += lines("other", seed, [(0, gain), (10, gain)])
    other = next(item for item in compare(rows) if item["strategy"] == "other")
    # t(.975, 2) = 4.3027, standard error .1 / sqrt(3)
    assert other["high"] - other["gain"] == pytest.approx(4.302653 * 0.1 / numpy.sqrt(3), rel=1e-5)


def test_savings_are_left_out_where_the_target_is_not_reached():
    rows = lines("random", 0, [(0, 0.0), (10, 0.9)]) + lines("weak", 0, [(0, 0.0), (10, 0.5)])
    weak = next(item for item in compare(rows) if item["strategy"] == "weak")
    assert weak["savings"] is None and weak["low"] is None


def test_the_plot_is_a_picture(tmp_path):
    rows = lines("random", 0, [(0, 0.0), (10, 0.5)]) + lines("mnlp", 0, [(0, 0.0), (10, 0.6)])
    assert list(curves(rows)) == ["random", "mnlp"]
    path = tmp_path / "curve.png"
    plot(rows, path, title="t", score_name="F", full={"score": 0.7, "words": 100})
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_line_that_was_cut_off_is_run_again(tmp_path):
    whole = json.dumps(row("random", 0, 0, 1, 0.1))
    (tmp_path / "results.jsonl").write_text(f"{whole}\n{whole[:20]}", "utf8")
    assert len(read_results(tmp_path)) == 1


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Sixty sentences of the shipped corpus, and fewer to measure on."""
    folder = tmp_path_factory.mktemp("simulate")
    vocab = Vocab()
    for name, count in (("pool_gold", 60), ("dev", 20), ("test", 20)):
        docs = list(DocBin().from_disk(ROOT / "corpus" / f"{name}.spacy").get_docs(vocab))[:count]
        DocBin(docs=docs).to_disk(folder / f"{name}.spacy")
    return folder


def run(small, output, *more):
    words = ["simulate", str(CONFIG), "--gold", str(small / "pool_gold.spacy"), "-o", str(output)]
    words += ["--paths.dev", str(small / "dev.spacy"), "--paths.test", str(small / "test.spacy")]
    words += ["--seeds", "1", "--start", "20", "--rounds", "1", "--al.batch_size", "10"]
    words += ["--training.max_steps", "4", "--training.eval_frequency", "2"]
    return CliRunner().invoke(app, [*words, *more])


@pytest.mark.slow
def test_a_simulation_goes_on_where_it_was(small, tmp_path):
    result = run(small, tmp_path / "out")
    assert result.exit_code == 0, result.output
    path = tmp_path / "out" / "results.jsonl"
    rows = read_results(tmp_path / "out")
    assert [(r["strategy"], r["round"], r["texts"]) for r in rows] == [
        ("token_entropy", 0, 20),
        ("token_entropy", 1, 30),
        ("random", 0, 20),
        ("random", 1, 30),
    ]
    assert rows[0]["batch"] != rows[2]["batch"] and rows[0]["score"] == rows[2]["score"]
    # as if it had been stopped within the last round
    kept = path.read_text("utf8").splitlines()
    path.write_text("\n".join(kept[:3]) + "\n" + kept[3][:30], "utf8")
    assert run(small, tmp_path / "out").exit_code == 0
    again = read_results(tmp_path / "out")
    fixed = ("strategy", "seed", "round", "texts", "words", "entities", "score", "batch")
    assert [[r[key] for key in fixed] for r in again] == [[r[key] for key in fixed] for r in rows]
    other = run(small, tmp_path / "out", "--training.dropout", "0.5")
    assert other.exit_code == 1 and "AL101" in other.output


@pytest.mark.parametrize(
    "more,status,message",
    [
        (["--paths.dev", "no.spacy"], 1, "AL040"),
        (["--gold", "no.spacy"], 1, "AL040"),
        (["--start", "500"], 1, "AL100"),
        (["--al.sampling", "x"], 2, "AL083"),
        (["--seedz", "4"], 2, "No such option"),
        (["stray"], 2, "stray"),
        (["--seeds", "0"], 2, "seeds"),
    ],
)
def test_what_cannot_be_simulated_is_explained(small, tmp_path, more, status, message):
    result = run(small, tmp_path / "out", *more)
    assert result.exit_code == status, result.output
    assert message in result.output and "Traceback" not in result.output

"""Simulations: what they compare, that they go on where they were, and what a person reads when they cannot."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy
import pytest
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.curve import compare, curves, read_results
from spacy_al.plot import plot

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


# What is run: of each round the same, whoever runs it and however often it was disturbed

TIMES = ("seconds_train", "seconds_evaluate", "seconds_select")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Sixty sentences of the shipped corpus, and fewer to measure on, of which one is in the corpus as well."""
    folder = tmp_path_factory.mktemp("simulate")
    vocab = Vocab()
    for name, count in (("pool_gold", 60), ("dev", 20), ("test", 20)):
        docs = list(DocBin().from_disk(ROOT / "corpus" / f"{name}.spacy").get_docs(vocab))[:count]
        if name == "pool_gold":
            known = docs[0]
        if name == "test":
            docs.append(known)
        DocBin(docs=docs).to_disk(folder / f"{name}.spacy")
    return folder


def words_of(small, output, *more):
    words = ["simulate", str(CONFIG), "--gold", str(small / "pool_gold.spacy"), "-o", str(output)]
    words += ["--paths.dev", str(small / "dev.spacy"), "--paths.test", str(small / "test.spacy")]
    words += ["--seeds", "1", "--start", "20", "--rounds", "1", "--al.batch_size", "10"]
    words += ["--training.max_steps", "40", "--training.eval_frequency", "20"]
    return [*words, *more]


def run(small, output, *more):
    return CliRunner().invoke(app, words_of(small, output, *more))


def fixed(output):
    """The bytes of what does not depend on time."""
    rows = [{k: v for k, v in row.items() if k not in TIMES} for row in read_results(output)]
    return [json.dumps(row).encode() for row in rows]


@pytest.fixture(scope="module")
def whole(small, tmp_path_factory):
    """A simulation that was never disturbed, in one process."""
    output = tmp_path_factory.mktemp("whole")
    result = run(small, output, "--n-process", "1", "--full", "40", "--strategy", "mnlp+density")
    assert result.exit_code == 0, result.output
    return output, result


@pytest.mark.slow
def test_a_simulation_says_what_it_found(whole):
    output, result = whole
    rows = read_results(output)
    assert [(r["strategy"], r["round"], r["texts"]) for r in rows] == [
        ("mnlp+density", 0, 20),
        ("mnlp+density", 1, 30),
        ("random", 0, 20),
        ("random", 1, 30),
    ]
    # one start for all, and then each its own way
    assert rows[0]["score"] == rows[2]["score"] and rows[0]["words"] == rows[2]["words"]
    assert rows[0]["batch"] != rows[2]["batch"]
    for row in rows:
        assert row["entities"] == sum(row["labels"].values()) and row["seconds"] > 0
    summary = json.loads((output / "summary.json").read_text("utf8"))
    # the sentence that is in the test set too is never asked
    assert summary["corpus"]["texts"] == 59
    assert summary["corpus"]["dropped"] == {"in dev or test": 1}
    assert summary["full"]["texts"] == 59
    assert "1 texts of the corpus left out: in dev or test" in result.output
    assert (output / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert "<html" in (output / "report.html").read_text("utf8")
    assert json.loads((output / "metrics.json").read_text("utf8"))["kind"] == "simulation"
    for name in ("mnlp+density", "random", "One seed"):
        assert name in result.output


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks for children in /proc")
def test_killed_at_any_moment_it_ends_with_the_same_numbers(small, whole, tmp_path):
    output = tmp_path / "out"
    command = [sys.executable, "-m", "spacy_al"]
    command += words_of(small, output, "--full", "40", "--strategy", "mnlp+density")
    parent = subprocess.Popen([*command, "--n-process", "2"], cwd=ROOT)
    try:
        first = wait_for(lambda: len(children(parent.pid)) >= 3 and children(parent.pid))
        # one of the processes that train, which is replaced
        wait_for(lambda: (output / "work").is_dir())
        os.kill(first[-1], signal.SIGKILL)
        wait_for(lambda: len(read_results(output)) >= 2 or parent.poll() is not None)
        orphans = children(parent.pid)
        assert parent.poll() is None and orphans
    finally:
        parent.kill()
        parent.wait()
    wait_for(lambda: not any(alive(pid) for pid in orphans))
    # as if it had been killed while it wrote a line
    with (output / "results.jsonl").open("a", encoding="utf8") as file:
        file.write('{"strategy": "rand')
    result = run(small, output, "--n-process", "1", "--full", "40", "--strategy", "mnlp+density")
    assert result.exit_code == 0, result.output
    assert fixed(output) == fixed(whole[0])
    other = run(small, output, "--training.dropout", "0.5")
    assert other.exit_code == 1 and "AL101" in other.output


def children(pid):
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_for(happened, seconds=80):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := happened():
            return found
        time.sleep(0.02)
    pytest.fail("waited in vain")


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

"""Cells of an experiment: none is measured twice, whatever stops the command."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spacy_al.bench.cells import measure_cells, read_cells

ROOT = Path(__file__).parents[2]
KEY = ("corpus", "seed")
CELLS = [(name, seed) for seed in range(3) for name in ("a", "b")]
RUN = """
from pathlib import Path
from tests.bench.test_cells import CELLS, KEY, hangs
from spacy_al.bench.cells import measure_cells
measure_cells(Path("rows.jsonl"), KEY, CELLS, hangs, n_process=2)
"""


def hangs(name, seed):
    time.sleep(60 if seed else 0)
    return {"score": 0.5, "process": os.getpid()}


@pytest.mark.slow
def test_what_was_killed_goes_on(tmp_path):
    path, asked = tmp_path / "rows.jsonl", []
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-c", RUN]
    where = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": paths}}
    # what tidies up after it says that it had no time to
    run = subprocess.Popen(command, stderr=subprocess.DEVNULL, **where)
    try:
        until = time.monotonic() + 60
        while not (path.is_file() and path.read_text().count("\n") == 2):
            assert run.poll() is None and time.monotonic() < until
            time.sleep(0.05)
    finally:
        run.kill()
        run.wait()
    before = read_cells(path)
    assert {(row["corpus"], row["seed"]) for row in before} == {("a", 0), ("b", 0)}
    assert not {row["process"] for row in before} & {run.pid, os.getpid()}
    # it was killed while it wrote
    with path.open("a") as file:
        file.write('{"corpus": "a", "seed": 1, "sco')

    def measure(name, seed):
        asked.append((name, seed))
        return {"score": seed, "seconds": 7.0}

    rows = measure_cells(path, KEY, CELLS, measure)
    assert asked == CELLS[2:] and rows[:2] == before and read_cells(path) == rows
    assert rows[2] == {"corpus": "a", "seed": 1, "score": 1, "seconds": 7.0}
    assert all(json.loads(line) for line in path.read_text().splitlines())
    # all is there, and so is what another call measured
    assert measure_cells(path, KEY, CELLS[:1], measure) == rows and len(asked) == 4


def test_the_estimate_is_of_cells_that_are_alike(tmp_path, capsys):
    path = tmp_path / "new" / "rows.jsonl"
    took = {"a": 3600.0, "b": 36_000.0}
    measure_cells(path, KEY, CELLS[:2], lambda name, seed: {"seconds": took[name]})
    assert "hours" not in capsys.readouterr().out
    # the mean of all, for one of which nothing is known
    for cell, alike, said in (("a", KEY[:1], 1.0), ("c", KEY[:1], 5.5), ("a", (), 5.5)):
        measure_cells(path, KEY, [(cell, 1)], hangs, alike=alike, hours=1e-12)
        assert f"1 cells to do, about {said} hours" in capsys.readouterr().out
    # no hours were left to begin one
    assert len(read_cells(path)) == 2


def test_a_tuple_in_a_cell_is_known_again(tmp_path):
    path = tmp_path / "rows.jsonl"
    for _ in range(2):
        rows = measure_cells(path, ("asked",), [(("a", 1),)], lambda asked: {"n": len(asked)})
    assert len(rows) == 1 and rows[0]["n"] == 2


def fails_at_once(name, seed):
    if name == "a":
        raise ValueError("no such corpus")
    time.sleep(1)
    return {"score": 0.5}


@pytest.mark.slow
def test_a_cell_beside_one_that_fails_is_kept(tmp_path):
    path = tmp_path / "rows.jsonl"
    with pytest.raises(ValueError, match="no such corpus"):
        measure_cells(path, KEY, CELLS, fails_at_once, n_process=2)
    # and none was begun after it
    assert [(row["corpus"], row["seed"]) for row in read_cells(path)] == [("b", 0)]

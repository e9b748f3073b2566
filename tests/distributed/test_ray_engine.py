"""A cluster gives the batch of one machine, whatever happens to its workers."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.distributed.engines import open_engine
from spacy_al.distributed.ray_encoder import RayEncoder
from spacy_al.distributed.ray_engine import RayEngine
from spacy_al.embeddings.cache import open_cache
from spacy_al.embeddings.encode_pool import encode_pool
from spacy_al.embeddings.encoder import EncoderSettings, open_encoder
from spacy_al.errors import AlError, UsageError
from spacy_al.posteriors.component import load_pipeline
from spacy_al.public.functions import select as select_by_name
from spacy_al.query.select import select
from tests.helpers.ner_oracle import make_ner
from tests.query.test_select import TEXTS, write

SAMPLERS = ["top_k", "stochastic", "quotas", "cluster_margin"]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A pool of shards, one of which is damaged, and a model."""
    folder = tmp_path_factory.mktemp("project")
    make_ner(updates=3, vectors=True).to_disk(folder / "model")
    write(TEXTS, folder / "pool", 30)
    return folder


def texts_of(selection):
    return [task["text"] for task in selection.tasks]


@pytest.mark.slow
def test_the_batch_is_that_of_one_machine(cluster, project):
    for sampler in SAMPLERS:
        for density in (0, 1) if sampler == "top_k" else (0,):
            how = {"model": str(project / "model"), "n": 12, "sampler": sampler}
            how |= {"density_weight": density, "seed": 5}
            here = select(project / "pool", **how)
            there = select(project / "pool", **how, engine=RayEngine(2))
            assert texts_of(there) == texts_of(here), sampler
            assert there.report == here.report and there.n_tokens == here.n_tokens
            for one, other in zip(here.tasks, there.tasks):
                assert one["meta"]["propensity"] == pytest.approx(
                    other["meta"]["propensity"], rel=1e-4
                )


SLOW = """
import os, time
from pathlib import Path
import numpy
from spacy_al import registry

@registry.al_acquisitions("test.slow.v1")
def make_slow():
    return slow

def slow(posteriors):
    Path({folder!r}, f"{{os.getpid()}}-{{time.monotonic_ns()}}").touch()
    time.sleep(0.3)
    return numpy.array([posterior.entropy for posterior in posteriors])
"""


@pytest.mark.slow
def test_a_worker_that_is_killed_changes_nothing(cluster, project, tmp_path):
    code, beats = tmp_path / "slow.py", tmp_path / "beats"
    beats.mkdir()
    code.write_text(SLOW.format(folder=str(beats)))
    how = {"model": str(project / "model"), "n": 12, "acquisition": "test.slow.v1"}
    how["code"] = str(code)
    here = select(project / "pool", **how)
    for beat in beats.iterdir():
        beat.unlink()
    killed: list[int] = []

    def kill():
        end = time.monotonic() + 100
        while not killed and time.monotonic() < end:
            pids = [int(path.name.split("-")[0]) for path in beats.iterdir()]
            if pids:
                # it is in the middle of a shard
                os.kill(pids[0], signal.SIGKILL)
                killed.append(pids[0])
            time.sleep(0.02)

    thread = threading.Thread(target=kill)
    thread.start()
    there = select(project / "pool", **how, engine=RayEngine(2))
    thread.join()
    pids = {int(path.name.split("-")[0]) for path in beats.iterdir()}
    assert killed and killed[0] != os.getpid() and len(pids - {*killed}) >= 1
    assert texts_of(there) == texts_of(here) and there.report == here.report


@pytest.mark.slow
def test_what_is_wrong_is_said_as_on_one_machine(cluster, project, tmp_path):
    pool = tmp_path / "pool"
    write(TEXTS, pool, 50)
    (pool / "00001.spacy").write_bytes(b"damaged")
    with pytest.warns(match="ALW041"):
        there = select(pool, model=str(project / "model"), engine=RayEngine(2))
    with pytest.warns(match="ALW041"):
        here = select(pool, model=str(project / "model"))
    assert texts_of(there) == texts_of(here) and there.report == here.report
    with pytest.raises(AlError, match="AL020"):
        select(pool, model=str(project / "model"), acquisition="margin", engine=RayEngine(2))
    failing = tmp_path / "failing.py"
    failing.write_text(
        SLOW.format(folder=str(tmp_path)).replace("time.sleep(0.3)", "raise KeyError('mine')")
    )
    how = {"acquisition": "test.slow.v1", "code": str(failing)}
    with pytest.raises(AlError, match=r"AL092.*mine"):
        select(pool, model=str(project / "model"), **how, engine=RayEngine(2))


@pytest.mark.slow
def test_the_command_and_the_pool_in_a_bucket(cluster, s3, project, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for shard in sorted((project / "pool").iterdir()):
        s3.upload_file(str(shard), "notes", f"by-ray/{shard.name}")
    how = ["select", "-m", str(project / "model"), "-n", "7", "--quiet", "-o"]
    for name, words in (("here", []), ("there", ["--engine", "ray", "--workers", "2"])):
        where = "s3://notes/by-ray" if words else str(project / "pool")
        done = CliRunner().invoke(app, [*how, f"{name}.jsonl", where, *words])
        assert done.exit_code == 0, done.output
    there = Path("there.jsonl").read_text("utf8").splitlines()
    here = Path("here.jsonl").read_text("utf8").splitlines()
    assert len(here) == len(there) == 7
    by_name = select_by_name(project / "pool", model=project / "model", n=7, engine="ray")
    assert all(f'"{task["text"]}"' in line for task, line in zip(by_name.tasks, there))
    assert all(f'"{task["text"]}"' in line for task, line in zip(by_name.tasks, here))


@pytest.mark.slow
def test_a_pool_is_encoded_into_one_cache(cluster, project, tmp_path):
    settings, nlp = EncoderSettings(str(project / "model")), load_pipeline(str(project / "model"))
    pool, found = project / "pool", []
    for folder, engine in (("here", None), ("there", RayEncoder(2, None, "en", {}))):
        plan = encode_pool(pool, nlp, settings, tmp_path / folder, engine=engine)
        assert plan.new_texts == len(TEXTS)
        found.append(dict(open_cache(tmp_path / folder, open_encoder(settings))))
    here, there = found
    assert here.keys() == there.keys() and len(here) == len(TEXTS)
    assert all((here[key].tokens == there[key].tokens).all() for key in here)


@pytest.mark.parametrize(
    "name, workers, code",
    [("spark", None, "AL087"), ("local", 2, "AL087"), ("ray", 0, "AL087")],
)
def test_engines_that_are_none(name, workers, code):
    with pytest.raises(UsageError, match=code):
        open_engine(name, workers)


def test_without_ray_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(AlError, match=r"AL393.*spacy-al\[ray\]"):
        open_engine("ray")
    assert open_engine("local") is None


@pytest.mark.slow
def test_a_cluster_that_does_not_answer_is_said(project):
    pytest.importorskip("ray")
    command = ["-m", "spacy_al", "select", str(project / "pool"), "--engine", "ray", "-o", "-"]
    done = subprocess.run(
        [sys.executable, *command, "-m", str(project / "model")],
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "RAY_ADDRESS": "127.0.0.1:9"},
    )
    assert done.returncode == 1 and "AL394" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr

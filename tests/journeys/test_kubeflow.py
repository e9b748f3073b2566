"""`configs/kubeflow`: the pipeline of a config compiles, and run by kfp's own local runner it does what its commands do.

kfp needs protobuf 6, beside which other extras cannot stand: it gets an environment of its own, which sees this one's packages behind it.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest
from spacy.tokens import DocBin
from spacy.vocab import Vocab

ROOT = Path(__file__).parents[2]
KFP = ("kfp==2.17.3", "kfp-kubernetes==2.17.3")
SIZES = {"seed": 30, "pool_gold": 60, "dev": 20, "test": 10}
SMALL = {"max_steps": 6, "eval_frequency": 3, "width": 32, "depth": 1, "max_rounds": 3}


@pytest.fixture(scope="session")
def kubeflow(tmp_path_factory):
    """A Python with kfp."""
    folder = tmp_path_factory.mktemp("kubeflow")
    # to put a pip of its own into it takes seconds
    has_pip = find_spec("pip") is not None
    venv.create(folder, with_pip=not has_pip, symlinks=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python] if has_pip else [python, "-m", "pip"]
    done = subprocess.run([*pip, "install", "-q", *KFP], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"kfp cannot be installed: {done.stderr[-200:]}")
    [own] = folder.glob("lib/python*/site-packages")
    # behind its own
    paths = [str(ROOT), sysconfig.get_paths()["purelib"]]
    (own / "zz_beside.pth").write_text("\n".join(paths) + "\n")
    return python


@pytest.fixture
def project(tmp_path, monkeypatch):
    folder = tmp_path / "project"
    (folder / "corpus" / "pool").mkdir(parents=True)
    for name, count in SIZES.items():
        docs = list(DocBin().from_disk(ROOT / "corpus" / f"{name}.spacy").get_docs(Vocab()))[:count]
        place = "pool/00000" if name == "pool_gold" else name
        DocBin(docs=docs).to_disk(folder / "corpus" / f"{place}.spacy")
    (folder / "captured").mkdir()
    # as many as it takes to see whether they differ, and of the same kinds
    day = list(DocBin().from_disk(ROOT / "corpus" / "pool_gold.spacy").get_docs(Vocab()))[60:80]
    (folder / "captured" / "day.txt").write_text("".join(f"{doc.text}\n" for doc in day))
    text = (
        (ROOT / "configs" / "ner.cfg").read_text("utf8").replace("corpus/pool.spacy", "corpus/pool")
    )
    for name, value in SMALL.items():
        text = re.sub(rf"(?m)^{name} ?= ?\d+$", f"{name} = {value}", text)
    (folder / "my.cfg").write_text(text)
    shutil.copytree(ROOT / "configs" / "kubeflow", folder / "configs" / "kubeflow")
    monkeypatch.setenv("PYTHONPATH", os.fspath(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return folder


def run(words, folder, status=0):
    done = subprocess.run(
        [*map(str, words)], cwd=folder, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == status, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.mark.slow
def test_a_pipeline_is_what_its_config_says(kubeflow, project):
    script = ["configs/kubeflow/pipeline.py", "my.cfg", "-o", "night.yaml"]
    run(
        [kubeflow, *script, "--captured", "captured", "--gold", "held.spacy", "--claim", "al"],
        project,
    )
    made = (project / "night.yaml").read_text()
    for said in ("corpus/pool.tonight", "held.spacy", "mountPath: /project", "enableCache"):
        assert (said in made) == (said != "enableCache")
    titles = re.findall(r"name: (tonight|ingest|run|check|promote|alarm)$", made, re.M)
    assert {*titles} == {"tonight", "ingest", "run", "check", "promote", "alarm"}
    # without what was captured nothing is looked at
    run([kubeflow, *script], project)
    made = (project / "night.yaml").read_text()
    assert "tonight" not in made and "mountPath" not in made and "name: promote" in made


@pytest.mark.slow
def test_it_does_what_the_commands_do(kubeflow, project):
    beside = project.parent / "beside"
    shutil.copytree(project, beside)
    command = [sys.executable, "-m", "spacy_al"]

    def by_hand():
        run([*command, "ingest", "captured", "corpus/pool", "--add"], beside)
        run([*command, "run", "my.cfg", "--once"], beside, status=3)
        # what fails ends the pipeline
        (beside / "my.cfg").write_text("[al]\nbatch_size = nothing\n")
        return run([*local, "my.cfg", "--local"], beside, status=1)

    local = [kubeflow, "configs/kubeflow/pipeline.py"]
    # neither waits for the other
    with ThreadPoolExecutor(1) as others:
        failed = others.submit(by_hand)
        said = run([*local, "my.cfg", "--local", "--captured", "captured"], project)
        assert "AL083" in failed.result()
    assert said.count("SUCCESS") == 7 and "all is well" in said
    batches = [
        (folder / "training/al/round-000/tasks.jsonl").read_bytes() for folder in (project, beside)
    ]
    assert batches[0] == batches[1] and len(batches[0].splitlines()) > 3
    # the first model is put into use, as the command does
    assert "In use" in run([*command, "status", "my.cfg"], project)

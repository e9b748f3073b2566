"""The example for Spark gives the scores of `select`. Spark itself is in no extra: its test is skipped without pyspark and Java."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import spacy

from spacy_al.util import content_hash
from tests.helpers.ner_oracle import make_ner
from tests.query.test_select import TEXTS

EXAMPLE = Path(__file__).parents[2] / "configs" / "spark" / "score_pool.py"


def expected(model):
    nlp = spacy.load(model)
    nlp.add_pipe("al_scorer")
    return {content_hash(text): nlp(text)._.al.score for text in TEXTS[:40]}


def test_a_worker_scores_the_parts_of_a_table(tmp_path):
    pandas = pytest.importorskip("pandas")
    make_ner(updates=3).to_disk(tmp_path / "model")
    spec = importlib.util.spec_from_file_location("score_pool", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    parts = [TEXTS[:25], [*TEXTS[25:40], "", " ", None]]
    tables = [pandas.DataFrame({"text": texts}) for texts in parts]
    found = pandas.concat(module.score_tables(str(tmp_path / "model"), iter(tables)))
    scores = dict(zip(found["id"], found["score"]))
    assert scores == pytest.approx(expected(tmp_path / "model"), rel=1e-4)
    assert list(found.columns) == [word.split()[0] for word in module.SCHEMA.split(", ")]


# not among what the tests install
@pytest.mark.realdata
@pytest.mark.slow
def test_a_session_of_this_machine(tmp_path):
    pytest.importorskip("pyspark", reason="pyspark is in no extra: 450 MB, and it needs Java")
    pandas = pytest.importorskip("pandas")
    if not shutil.which("java"):
        pytest.skip("there is no Java")
    make_ner(updates=3).to_disk(tmp_path / "model")
    pandas.DataFrame({"text": TEXTS[:40]}).to_parquet(tmp_path / "texts.parquet")
    paths = [str(tmp_path / name) for name in ("model", "texts.parquet", "scores.parquet")]
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), *paths],
        capture_output=True,
        text=True,
        timeout=280,
        env=dict(os.environ),
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = pandas.read_parquet(tmp_path / "scores.parquet")
    scores = dict(zip(found["id"], found["score"]))
    assert scores == pytest.approx(expected(tmp_path / "model"), rel=1e-4)

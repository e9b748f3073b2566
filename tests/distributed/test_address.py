"""A pool at a URL is read as one on this machine is, and what is missing or forbidden is said."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.corpus.address import is_remote, pool_path
from spacy_al.corpus.forgotten import hashes_of
from spacy_al.corpus.pool import n_stored, shards
from spacy_al.corpus.removal import remove_from_shard
from spacy_al.corpus.shard import read_shard, write_shard
from spacy_al.errors import AlError
from spacy_al.loop.next_batch import select_next
from spacy_al.public.functions import select as select_by_name
from spacy_al.query.select import select
from tests.helpers.chaos import OVERRIDES, corpus
from tests.helpers.ner_oracle import make_ner
from tests.query.test_select import TEXTS, write

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    make_ner(updates=3).to_disk(folder)
    return str(folder)


@pytest.fixture
def bucket(s3, tmp_path):
    """A pool on this machine, and its copy in a bucket."""
    pool = write(TEXTS, tmp_path / "pool", 40)
    for shard in sorted(pool.iterdir()):
        s3.upload_file(str(shard), "notes", f"pool/{shard.name}")
    return "s3://notes/pool"


def test_the_batch_is_the_same(bucket, model, tmp_path):
    pool = tmp_path / "pool"
    assert n_stored(pool_path(bucket)) == len(TEXTS)
    assert [path.name for path in shards(pool_path(bucket))] == [p.name for p in shards(pool)]
    here = select(pool, model=model, n=12)
    assert select(bucket, model=model, n=12).tasks == here.tasks
    assert select_by_name(bucket, model=model, n=12).tasks == here.tasks
    # a URL that went through once goes through again, and into other processes
    two = select_next(pool_path(bucket), model=model, n=12, n_process=2)
    assert [task["text"] for task in two.tasks] == [task["text"] for task in here.tasks]
    assert select(bucket, n=5).tasks == select(pool, n=5).tasks
    one = f"{bucket}/00000.spacy"
    assert (
        select(one, model=model, n=5).tasks == select(pool / "00000.spacy", model=model, n=5).tasks
    )


def test_scores_are_kept_here(bucket, model, tmp_path):
    how = {"model": model, "score_cache": tmp_path / "cache"}
    first = select(bucket, **how)
    assert len(list((tmp_path / "cache").glob("*/*.alscores"))) == 4
    assert select(bucket, **how).tasks == first.tasks


def test_a_config_and_the_command(bucket, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(CONFIGS, tmp_path / "configs")
    how = ["--config", "configs/ner.cfg", "--paths.pool", bucket, "-m", model, "-q"]
    how += ["--paths.dev", "null", "--paths.test", "null", "--paths.train", "null"]
    done = CliRunner().invoke(app, ["select", *how, "-o", "there.jsonl"])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(app, ["select", *how, "-o", "here.jsonl", "pool"])
    assert done.exit_code == 0, done.output
    assert Path("there.jsonl").read_bytes() == Path("here.jsonl").read_bytes()


@pytest.mark.slow
def test_a_round_of_a_run_asks_what_it_asks_of_a_pool_here(s3, tmp_path, monkeypatch):
    corpus(tmp_path)
    docs = list(read_shard(tmp_path / "pool_gold.spacy", Vocab()))
    for number, start in enumerate(range(0, len(docs), 30)):
        name = f"{number:05}.spacy"
        shard = write_shard(docs[start : start + 30], tmp_path / "pool" / name)
        s3.upload_file(str(shard), "notes", f"run/{name}")
    monkeypatch.chdir(tmp_path)
    own = {"paths.train": "seed.spacy", "paths.dev": "dev.spacy", "paths.test": "null"}
    found = {}
    for output, pool in (("here", "pool"), ("there", "s3://notes/run")):
        cache = f"scores-{output}"
        own |= {"paths.pool": pool, "al.output": output, "al.pool.score_cache": cache}
        more = [
            word for name, value in {**OVERRIDES, **own}.items() for word in (f"--{name}", value)
        ]
        how = ["run", str(CONFIGS / "ner.cfg"), "--once", *map(str, more)]
        done = CliRunner().invoke(app, how)
        assert done.exit_code == 3, done.output
        found[output] = (Path(output) / "round-000" / "tasks.jsonl").read_text()
        # what the model said of each of the three shards is kept on this machine
        assert len(list(Path(cache).glob("*/*.alscores"))) == 3
    assert found["here"].count("\n") == 12 and found["there"] == found["here"]


def test_what_is_wrong_there_is_said(s3, model, monkeypatch):
    with pytest.raises(AlError, match="AL040"):
        select("s3://notes/nothing", model=model)
    with pytest.raises(AlError, match=r"AL040|AL391"):
        select("s3://no-such-bucket/pool", model=model)
    s3.put_object(Bucket="notes", Key="odd/00000.spacy", Body=b"damaged")
    with pytest.raises(AlError, match="AL044"):
        select("s3://notes/odd", model=model)
    for shard in ("00001", "00002"):
        s3.put_object(Bucket="notes", Key=f"odd/{shard}.spacy", Body=b"")
    with pytest.raises(AlError, match=r"AL04[34]"):
        select("s3://notes/odd", model=model)


def test_what_lies_there_is_only_read(bucket):
    shard = shards(pool_path(bucket))[0]
    before = shard.read_bytes()
    with pytest.raises(AlError, match="AL392"):
        remove_from_shard(shard, hashes_of(TEXTS[:3]))
    assert shard.read_bytes() == before


def command(*hidden, **variables):
    """`select` in a process of its own, since a store that was opened once stays open: its exit status, and what it says."""
    script = f"import sys; sys.modules.update(dict.fromkeys({hidden!r}))\n"
    script += "from spacy_al.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, "select", "s3://elsewhere/pool", "--cold"],
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, **variables},
    )
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def test_a_server_that_cannot_be_reached_is_said():
    pytest.importorskip("s3fs")
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    status, said = command(
        AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1", NO_PROXY="127.0.0.1", **keys
    )
    assert status == 1 and "AL391" in said and "127.0.0.1:9" in said, said
    assert "Traceback" not in said


@pytest.mark.parametrize("missing", ["upath", "s3fs"])
def test_what_opens_a_url_is_missing(missing):
    status, said = command(missing)
    assert status == 1 and "AL390" in said and "pip install 'spacy-al[s3]'" in said, said


def test_a_path_is_a_path():
    for path in ("corpus/pool", Path("corpus/pool"), "C:\\pool", "a:b//c"):
        assert pool_path(path) == Path(path) and not is_remote(pool_path(path))


def test_memory_urls_need_no_store(model):
    upath = pytest.importorskip("upath")
    from spacy_al.corpus.shard import write_shard

    pool = pool_path("memory://al/pool")
    pool.mkdir(parents=True)
    with pytest.raises(AlError, match="AL392"):
        write_shard([], pool / "00000.spacy")
    with pytest.raises(AlError, match="AL041"):
        shards(pool)
    assert isinstance(pool, upath.UPath) and pool_path(pool) is pool

"""Adding to a pool: what is not in it, whole or not at all, and nothing twice."""

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.corpus.add import UNFINISHED
from spacy_al.corpus.ingest import ingest
from spacy_al.corpus.pool import shards
from spacy_al.errors import AlError, UsageError
from tests.corpus.test_ingest import items, jsonl, texts

OLD = ({"text": "Aspirin was given. She slept well.", "id": "n1"},)
NEW = (
    {"text": "Aspirin was given. He woke in pain.", "id": "n2", "meta": {"date": "2026-01-02"}},
    {"text": "she SLEPT, well", "id": "n3"},
)
# The process is gone at the moment in which the new shard would appear
KILLED = """
import os, signal, sys
from pathlib import Path
from spacy_al.corpus import add, ingest
add.os.link = lambda *paths: os.kill(os.getpid(), signal.SIGKILL)
ingest.ingest([Path(sys.argv[1])], Path(sys.argv[2]), add=True)
"""


@pytest.fixture
def pool(tmp_path):
    ingest([jsonl(tmp_path / "old.jsonl", *OLD)], tmp_path / "pool")
    return tmp_path / "pool"


@pytest.fixture
def new(tmp_path):
    return jsonl(tmp_path / "new.jsonl", *NEW)


def bytes_of(pool):
    return {path.name: path.read_bytes() for path in pool.iterdir()}


def test_what_is_in_the_pool_is_counted_and_dropped(pool, new):
    before = bytes_of(pool)
    report = ingest([new], pool, add=True)
    assert report.dropped == {"in the pool already": 1, "near duplicate in the pool": 1}
    assert (report.texts, [path.name for path in report.shards]) == (1, ["00001.spacy"])
    assert before.items() < bytes_of(pool).items()
    assert texts(pool) == ["Aspirin was given.", "She slept well.", "He woke in pain."]
    source = items(pool)[-1].source
    assert source["meta"] == {"date": "2026-01-02"} and source["doc"] == "n2"
    # once more adds nothing
    now = bytes_of(pool)
    again = ingest([new], pool, add=True)
    assert (again.texts, again.shards, again.dropped["in the pool already"]) == (0, [], 2)
    assert bytes_of(pool) == now


@pytest.mark.parametrize("add", [True, False])
def test_a_preview_writes_nothing(pool, new, add):
    before = bytes_of(pool)
    options = ["--add"] if add else ["--force"]
    found = CliRunner().invoke(app, ["ingest", str(new), str(pool), *options, "--dry-run"])
    assert found.exit_code == 0 and "He woke in pain." in found.output
    assert "Nothing was written" in found.output
    assert bytes_of(pool) == before


def test_a_killed_add_leaves_the_pool(pool, new):
    before = shards(pool), texts(pool)
    ended = subprocess.run([sys.executable, "-c", KILLED, str(new), str(pool)], check=False)
    assert ended.returncode == -9
    assert (shards(pool), texts(pool)) == before
    # what it was about to add is still there, under a name that no reader looks at
    assert [name for name in os.listdir(pool) if name.startswith(UNFINISHED)]
    assert ingest([new], pool, add=True).texts == 1
    assert texts(pool) == [*before[1], "He woke in pain."]
    assert not [name for name in os.listdir(pool) if name.startswith(UNFINISHED)]


def test_two_adds_never_take_each_others_place(pool, new, monkeypatch):
    real = os.link

    def late(source, target):
        # another add was faster
        monkeypatch.setattr(os, "link", real)
        target.write_bytes(shards(pool)[0].read_bytes())
        real(source, target)

    monkeypatch.setattr(os, "link", late)
    assert ingest([new], pool, add=True).shards[0].name == "00002.spacy"
    assert len(shards(pool)) == 3


def test_what_cannot_be_added_to(pool, new, tmp_path):
    with pytest.raises(UsageError, match=r"AL053.*has to be sentence, as in"):
        ingest([new], pool, unit="doc", add=True)
    with pytest.raises(AlError, match="AL040"):
        ingest([new], tmp_path / "none", add=True)
    with pytest.raises(AlError, match="AL050"):
        ingest([new], shards(pool)[0], add=True)
    # a duplicate could stand in a shard that cannot be read
    (pool / "00000.spacy").write_bytes(b"torn")
    with pytest.raises(AlError, match="AL044"):
        ingest([new], pool, add=True)
    assert len(shards(pool)) == 1

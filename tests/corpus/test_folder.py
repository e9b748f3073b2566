"""A folder that is replaced as a whole: what killed processes leave behind is gone with the next one, and what lives is let alone."""

import json
import signal
import subprocess
import sys
import time

import pytest
import spacy

from spacy_al.corpus.folder import replacing_folder
from spacy_al.corpus.ingest import ingest
from spacy_al.corpus.pool import read_pool
from spacy_al.errors import AlError

NLP = spacy.blank("en")
LINES = [json.dumps({"text": f"Text number {number} of a pool."}) + "\n" for number in range(3000)]


def ingesting(pool):
    """A process that waits for more texts, with shards written already."""
    words = ["ingest", "-", str(pool), "--shard-size", "10", "--force", "--keep-near-duplicates"]
    process = subprocess.Popen(
        [sys.executable, "-m", "spacy_al", *words],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdin.writelines(LINES)
    process.stdin.flush()
    shard = pool.with_name(f".{pool.name}.part") / "new" / "00003.spacy"
    until = time.monotonic() + 60
    while not shard.is_file():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < until
        time.sleep(0.05)
    return process


def texts(pool):
    return [item.text for item in read_pool(pool, NLP)]


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "notes" / "a.txt"
    path.parent.mkdir()
    path.write_text("One text.\n\nAnother one.\n")
    return path


def test_what_a_killed_ingest_left_is_gone_with_the_next(tmp_path, source):
    folder = tmp_path / "corpus"
    process = ingesting(folder / "pool")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert [path.name for path in folder.iterdir()] == [".pool.part"]
    # another name has nothing to do with it
    ingest([source], folder / "pool.new")
    assert {path.name for path in folder.iterdir()} == {".pool.part", "pool.new"}
    ingest([source], folder / "pool")
    assert {path.name for path in folder.iterdir()} == {"pool", "pool.new"}
    assert texts(folder / "pool") == ["One text.", "Another one."]


def test_the_folder_of_a_living_process_is_let_alone(tmp_path, source):
    folder = tmp_path / "corpus"
    process = ingesting(folder / "pool")
    for _ in range(2):
        with pytest.raises(AlError, match=r"AL047.*corpus/pool'.*another process is writing it"):
            ingest([source], folder / "pool", force=True)
    process.communicate()
    assert process.returncode == 0
    assert [path.name for path in folder.iterdir()] == ["pool"]
    assert len(texts(folder / "pool")) == len(LINES)


def test_what_was_moved_away_comes_back(tmp_path):
    """Killed between the two renames: the old folder stands beside, and nothing under the name."""
    output, work = tmp_path / "pool", tmp_path / ".pool.part"
    for name in ("old", "new"):
        (work / name).mkdir(parents=True)
        (work / name / "file").write_text(name)
    with pytest.raises(KeyError), replacing_folder(output) as folder:
        assert [*folder.iterdir()] == [] and (output / "file").read_text() == "old"
        raise KeyError
    assert (output / "file").read_text() == "old" and [*tmp_path.iterdir()] == [output]
    with replacing_folder(output) as folder:
        (folder / "file").write_text("newest")
    assert (output / "file").read_text() == "newest" and [*tmp_path.iterdir()] == [output]

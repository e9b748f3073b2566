"""Files that several processes write at once: whole lines, none twice, and together within a size."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

from spacy_al.capture import shards
from spacy_al.capture.shards import FILES, ShardWriter, count_shard, is_written
from spacy_al.corpus.captured import capture_locked, lost_in
from tests.helpers.chaos import environment


def line(number, size=100):
    start = json.dumps({"al_capture": 1, "hash": str(number)})[:-1]
    return f'{start}, "text": "{"x" * (size - len(start) - 13)}"}}\n'.encode()


def read(folder):
    """The numbers that are there, what the marks say is not, and lines that are cut."""
    numbers, lost, cut = [], 0, 0
    for path in sorted(folder.glob("capture-*.jsonl")):
        for one in path.read_bytes().splitlines(keepends=True):
            if not one.endswith(b"\n"):
                cut += 1
                continue
            record = json.loads(one)
            lost += sum(lost_in(record).values())
            numbers += [] if "lost" in record else [record["hash"]]
    return numbers, lost, cut


def size_of(folder):
    return sum(path.stat().st_size for path in folder.glob("capture-*.jsonl"))


def test_the_oldest_goes_and_is_counted(tmp_path):
    writer = ShardWriter(tmp_path, FILES * 1000)
    for number in range(2000):
        assert writer.write(line(number)) is None
        assert size_of(tmp_path) <= FILES * 1000
    numbers, lost, cut = read(tmp_path)
    assert (len(numbers) + lost, cut) == (2000, 0) and writer.n_deleted > 100 and not writer.lost
    # the newest are there, and most of what may be
    assert [int(number) for number in numbers] == [*range(2000 - len(numbers), 2000)]
    assert len(numbers) * 100 > 0.8 * FILES * 1000


def test_what_is_larger_than_a_file(tmp_path):
    writer = ShardWriter(tmp_path, FILES * 1000)
    assert "a file may have 1,000" in writer.write(line(0, 2000))
    assert writer.write(line(1)) is None and read(tmp_path) == (["1"], 1, 0)


def test_files_that_others_write_are_left(tmp_path, monkeypatch):
    writers = [ShardWriter(tmp_path, FILES * 1000) for _ in range(FILES + 1)]
    for writer in writers[:-1]:
        assert writer.write(line(0)) is None
    assert "other processes write" in writers[-1].write(line(1))
    assert all(map(is_written, tmp_path.glob("capture-*")))
    writers[0].close()
    monkeypatch.setattr(shards, "RETRY_SECONDS", 0)
    assert writers[-1].write(line(2)) is None
    # one was written, and is deleted; one could not be
    assert read(tmp_path)[1] == 2


def test_other_files_are_left(tmp_path):
    (tmp_path / "capture-notes.jsonl").write_text("mine\n" * 100_000)
    writer = ShardWriter(tmp_path, FILES * 1000)
    for number in range(1000):
        writer.write(line(number))
    assert (tmp_path / "capture-notes.jsonl").stat().st_size == 500_000


def test_a_file_that_is_replaced_is_not_written_to_any_more(tmp_path):
    writer = ShardWriter(tmp_path, 10**7)
    writer.write(line(0))
    (path,) = tmp_path.glob("capture-*")
    waiting = threading.Thread(target=writer.write, args=(line(1),))
    with capture_locked(tmp_path):
        waiting.start()
        time.sleep(0.05)
        assert waiting.is_alive()
        (tmp_path / "new").write_bytes(b"")
        os.replace(tmp_path / "new", path)
    waiting.join()
    assert read(tmp_path) == (["1"], 0, 0) and len([*tmp_path.glob("capture-*")]) == 2


def test_losses_that_were_said_are_not_lost_with_their_file(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(shards.mark({"unwritten": 3, "deleted": 2}) + line(0) + line(1)[:50])
    assert count_shard(path) == {"unwritten": 3, "deleted": 4}


def test_threads_share_a_file(tmp_path):
    writer = ShardWriter(tmp_path, FILES * 50_000)
    threads = [
        threading.Thread(target=lambda k=k: [writer.write(line(k * 1000 + i)) for i in range(300)])
        for k in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers, lost, cut = read(tmp_path)
    assert len({*numbers}) == len(numbers) == 1200 and lost == cut == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_child_begins_its_own(tmp_path):
    writer = ShardWriter(tmp_path, 10**7)
    writer.write(line(0))
    writer.lost["unwritten"] += 5
    child = os.fork()
    if not child:
        os._exit(0 if writer.write(line(1)) is None and not writer.lost else 1)
    assert os.waitpid(child, 0)[1] == 0
    # what the parent lost is said once, by the parent
    assert writer.write(line(2)) is None and read(tmp_path) == (["0", "2", "1"], 5, 0)


WRITER = """
import sys
import spacy
from spacy_al.capture import al_capture
nlp = spacy.blank("xx")
nlp.add_pipe("al_capture", config={"folder": sys.argv[1], "max_mb": 50})
for number in range(1_000_000):
    nlp(f"{sys.argv[2]} {number} " + "word " * (number % 50))
    print(number, flush=True)
"""


@pytest.mark.slow
def test_four_processes_are_killed(tmp_path):
    """What a process said it had done is there, whenever it is killed, and nothing else but at most the one in flight."""
    draw, done = random.Random(3), {}
    for turn in range(2):
        started = [
            subprocess.Popen(
                [sys.executable, "-c", WRITER, str(tmp_path / "c"), f"{turn}-{k}"],
                stdout=subprocess.PIPE,
                text=True,
                env=environment(),
            )
            for k in range(4)
        ]
        for process in started:
            assert process.stdout.readline() == "0\n"
        time.sleep(draw.uniform(0.2, 0.6))
        for k, process in enumerate(started):
            os.kill(process.pid, signal.SIGKILL)
            said = process.stdout.read().splitlines()
            process.wait()
            process.stdout.close()
            done[f"{turn}-{k}"] = int(said[-1]) if said else 0
    texts, cut = {}, 0
    for path in sorted((tmp_path / "c").glob("capture-*.jsonl")):
        for one in path.read_bytes().splitlines(keepends=True):
            if not one.endswith(b"\n"):
                cut += 1
                continue
            name, number, *_ = json.loads(one)["text"].split()
            texts.setdefault(name, []).append(int(number))
    assert {*texts} == {*done} and cut <= 8
    for name, last in done.items():
        # in order, each once, and at most one more than was said
        assert texts[name] == [*range(len(texts[name]))] and last < len(texts[name]) <= last + 2
    # nobody holds what they left
    assert not any(map(is_written, (tmp_path / "c").glob("capture-*.jsonl")))

"""Files of lines that several processes write at once, each its own, which together never exceed a size."""

import errno
import json
import os
import secrets
import threading
import time
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path
from weakref import WeakSet

from spacy_al.corpus.captured import (
    FORMAT,
    LOCK,
    VERSION,
    capture_locked,
    hold,
    is_capture_shard,
    let_go,
    lost_in,
)

# The oldest file is deleted as a whole, so a file is a small part of all
FILES = 64
# A disk that was full is tried again after so long, and not for every text
RETRY_SECONDS = 1.0
# Records are of people: nobody but their owner reads them
MODE = 0o600
NOTHING_LEFT = "the folder has reached its size, and its files are those that other processes write"
# How a mark begins, so that records need not be read to be counted
MARK = f'{{"{FORMAT}":{VERSION},"lost":'.encode()


class ShardWriter:
    """Appends lines to a file of its own, and begins the next one when that is full.

    A line is handed to the system in one piece before the next is made: a process that is killed leaves whole lines, and at most one that
    is cut. A child of a fork begins a file of its own. The folder is held, shared with the other writers, while a line is
    written, so that whoever replaces a file (`forget`) loses none; a file that is gone is not written to any more.

    folder (Path): Made when the first line is written.
    max_bytes (int): Of all files together.
    n_deleted (int): Files that it has deleted.
    lost (Counter[str]): Lines that are not there, by reasons as in `captured.LOST`; they are said in the next line that can be written.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder, self.max_bytes = folder, max_bytes
        self.shard_bytes = max_bytes // FILES
        self._handles: list[int] = []
        self.begin()
        _WRITERS.add(self)

    def begin(self) -> None:
        """With nothing open, and nothing counted, as in the child of a fork: what was counted before is its parent's."""
        self._mutex, self.lost = threading.Lock(), Counter[str]()
        self._size, self._failed, self.n_deleted = 0, float("-inf"), 0
        self._close()

    def __getstate__(self) -> tuple[Path, int]:
        return self.folder, self.max_bytes

    def __setstate__(self, state: tuple[Path, int]) -> None:
        ShardWriter.__init__(self, *state)

    def write(self, line: bytes) -> str | None:
        """Append a line, and before it how many were lost.

        line (bytes): With its end.
        RETURNS (str | None): Why it is lost, for people; None if it is not. It is counted in `lost`.
        """
        with self._mutex:
            if len(line) > self.shard_bytes:
                self.lost["large"] += 1
                return f"it has {len(line):,} bytes, and a file may have {self.shard_bytes:,}"
            if time.monotonic() - self._failed < RETRY_SECONDS:
                self.lost["unwritten"] += 1
                return "the last one could not be written"
            try:
                self._append(line)
            except OSError as error:
                self._failed = time.monotonic()
                self.lost["unwritten"] += 1
                return error.strerror or str(error)
            return None

    def close(self) -> None:
        """End the file."""
        with self._mutex:
            self._close()

    def _append(self, line: bytes) -> None:
        marked = self._marked(line)
        if not self._handles or self._size + len(marked) > self.shard_bytes:
            self._begin_shard()
            marked = self._marked(line)
        hold(self._handles[0], shared=True)
        try:
            gone = os.fstat(self._handles[1]).st_nlink == 0
            if not gone:
                self._put(marked)
        finally:
            let_go(self._handles[0])
        if gone:
            # forgotten texts were taken out of it, or it was the oldest; nobody deletes what is begun here but after it
            self._begin_shard()
            self._put(marked)
        self.lost.clear()

    def _marked(self, line: bytes) -> bytes:
        return mark(self.lost) + line if self.lost else line

    def _put(self, line: bytes) -> None:
        """RAISES (OSError): Where not all of it could be written; the file is then as it was."""
        file = self._handles[1]
        if (written := os.write(file, line)) < len(line):
            try:
                os.ftruncate(file, self._size)
            except OSError:
                # nothing may come after half a line
                self._close()
                raise
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), written)
        self._size += written

    def _begin_shard(self) -> None:
        self._close()
        self.folder.mkdir(parents=True, exist_ok=True)
        with capture_locked(self.folder):
            self._make_room()
            now = datetime.now(timezone.utc)
            name = f"capture-{now:%Y%m%dT%H%M%S.%f}Z-{os.getpid()}-{secrets.token_hex(4)}.jsonl"
            how = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
            file = os.open(self.folder / name, how, MODE)
            # held as long as this process lives: so others know that it grows
            hold(file)
            self._handles = [file]
        self._handles = [os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT, MODE), file]
        self._size = 0

    def _make_room(self) -> None:
        """Delete the oldest files that nobody writes, until another one fits. RAISES (OSError): Where that is not enough."""
        total, closed = self.shard_bytes, list[tuple[Path, int]]()
        for path in sorted(filter(is_capture_shard, self.folder.iterdir())):
            size = path.stat().st_size
            if is_written(path):
                # may still grow up to that
                total += max(size, self.shard_bytes)
            else:
                total += size
                closed.append((path, size))
        while total > self.max_bytes and closed:
            path, size = closed.pop(0)
            self.lost.update(count_shard(path))
            path.unlink()
            self.n_deleted += 1
            total -= size
        if total > self.max_bytes:
            raise OSError(errno.ENOSPC, NOTHING_LEFT)

    def _close(self) -> None:
        for handle in self._handles:
            os.close(handle)
        self._handles = []


def mark(lost: Counter[str]) -> bytes:
    """The line that says how many records are not there."""
    return MARK + json.dumps(lost, separators=(",", ":")).encode() + b"}\n"


def count_shard(path: Path) -> Counter[str]:
    """What is lost with a file: its records, and those whose loss it says."""
    lost = Counter[str]()
    with path.open("rb") as file:
        for line in file:
            if line.startswith(MARK):
                lost += lost_in(json.loads(line))
            else:
                lost["deleted"] += 1
    return lost


def is_written(path: Path) -> bool:
    """Whether a process writes a file."""
    handle = os.open(path, os.O_RDWR)
    try:
        return not hold(handle, wait=False)
    finally:
        os.close(handle)


_WRITERS: WeakSet[ShardWriter] = WeakSet()


def _after_fork() -> None:
    for writer in [*_WRITERS]:
        writer.begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

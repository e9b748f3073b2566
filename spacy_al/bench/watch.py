"""A command, of ours or of spaCy's, watched from outside: the processor time and the memory of it and of all processes below it, as Linux tells them."""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy_al.processes.child import start_child

PROC = Path("/proc")
# Between two looks. A process that ends between them has its last part of a second uncounted
INTERVAL = 0.5
# Where the fields stand behind the name of a program: parent, user and system time, start
PARENT, USER, SYSTEM, START = 1, 11, 12, 19
# The name of a program may hold spaces and brackets, and ends with the last one
AFTER_NAME = b") "


@dataclass
class Watched:
    """What a command took so far.

    wall, cpu (float): Seconds by the clock, and of the cores: of the command and what it started.
    own, others (float): The most bytes of memory that it held, and that any one process below it did; shared memory is counted for each.
    """

    wall: float = 0.0
    cpu: float = 0.0
    own: float = 0.0
    others: float = 0.0
    _ticks: dict[tuple[int, bytes], int] = field(default_factory=dict, repr=False)

    def look(self, root: int) -> None:
        """Take the figures of a process and of all below it."""
        fields = _all_fields()
        family = {root}
        # by number a child may come before its parent
        while more := {pid for pid, own in fields.items() if int(own[PARENT]) in family} - family:
            family |= more
        for pid in family & fields.keys():
            own = fields[pid]
            self._ticks[pid, own[START]] = int(own[USER]) + int(own[SYSTEM])
            if pid == root:
                self.own = max(self.own, _peak(pid))
            else:
                self.others = max(self.others, _peak(pid))
        self.cpu = sum(self._ticks.values()) / os.sysconf("SC_CLK_TCK")


def watch_command(words: Sequence[str], package: str = "spacy_al", **how: Any) -> Iterator[Watched]:
    """Run a command, which ends with this process.

    words (Sequence[str]): As after `python -m spacy_al`.
    package (str): `spacy` for a command of spaCy's.
    how: As for `start_child`.
    YIELDS (Watched): The same object again and again, with the figures up to then; a last time when it has ended.
    RAISES (RuntimeError): It failed, or the system tells nothing of its processes.
    """
    if not (PROC / "self" / "stat").is_file():
        raise RuntimeError("memory and time of processes are read from /proc, which only Linux has")
    watched, begun = Watched(), time.perf_counter()
    with tempfile.TemporaryFile() as log:
        child = start_child(words, package=package, stdout=log, stderr=log, **how)
        try:
            while child.poll() is None:
                watched.look(child.pid)
                watched.wall = time.perf_counter() - begun
                yield watched
                time.sleep(INTERVAL)
        finally:
            child.kill()
            child.wait()
            if child.stdin is not None:
                child.stdin.close()
        if child.returncode:
            log.seek(0)
            raise RuntimeError(log.read()[-2000:].decode("utf8", "replace"))
    yield watched


def _all_fields() -> dict[int, list[bytes]]:
    """What the system says of each process, by its number."""
    found = {}
    for name in os.listdir(PROC):
        if name.isdigit():
            try:
                text = (PROC / name / "stat").read_bytes()
            except OSError:
                # it has ended
                continue
            found[int(name)] = text.rpartition(AFTER_NAME)[2].split()
    return found


def _peak(pid: int) -> float:
    """The most bytes of memory that a process held; 0 where it has ended."""
    try:
        for line in (PROC / str(pid) / "status").read_bytes().splitlines():
            if line.startswith(b"VmHWM:"):
                return float(line.split()[1]) * 1024
    except OSError:
        pass
    return 0.0

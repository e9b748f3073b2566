"""The files of `al_capture`: what a record in them says, who may write them, and what is read of them into a pool.

A line is a record of its own, so that of a process that is killed no more than the line it was writing is lost: a DocBin is
compressed as a whole, and would have to be written anew for every text.
"""

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

if sys.platform != "win32":
    import fcntl

# Its value is the version
FORMAT, VERSION = "al_capture", 1
SHARD = re.compile(r"capture-\d{8}T\d{6}\.\d{6}Z-\d+-[0-9a-f]{8}\.jsonl", re.ASCII)
LOCK = ".capture.lock"
# Why records are not there, as a mark among the records says, and what is said of it
LOST = {
    "unwritten": "lost at capture: could not be written",
    "deleted": "lost at capture: deleted, as the folder had reached its size",
    "large": "lost at capture: larger than a file may be",
    "failed": "lost at capture: could not be described",
}
NO_TEXT = "captured without its text"


def is_captured(record: Any) -> bool:
    """Whether a JSON value is a record of `al_capture`."""
    return isinstance(record, dict) and FORMAT in record


def is_capture_shard(path: Path) -> bool:
    """Whether a file has the name of one of `al_capture`."""
    return SHARD.fullmatch(path.name) is not None


def read_captures(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a file, with a text or without; lines that are none, such as one that was cut, are passed over."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        for line in file:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if (
                is_captured(record)
                and isinstance(record.get("text", ""), str)
                and "lost" not in record
            ):
                yield record


def captured_id(record: Mapping[str, Any]) -> str:
    """The id of the document: its own, if that is among the fields of its meta, else the hash of its text; "" for neither."""
    known = captured_meta(record).get("id")
    usable = isinstance(known, str | int) and str(known)
    return str(known if usable else record.get("hash") or "")


def captured_meta(record: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of its meta, and nothing where that is damaged."""
    meta = record.get("meta")
    return meta if isinstance(meta, dict) else {}


def pool_meta(record: Mapping[str, Any]) -> dict[str, Any]:
    """The meta of a text that comes into a pool: its date, which is when it was captured unless it has one of its own, its fields, and by
    which model it was scored. What the model predicted stays behind: a pool has no annotation."""
    captured = {name: record[name] for name in ("model", "version", "scores") if name in record}
    return {"date": record.get("time"), **captured_meta(record), "captured": captured}


def lost_in(record: Mapping[str, Any]) -> Counter[str]:
    """How many records are not there that a mark counts, by reasons as in LOST; nothing for a record that is none."""
    lost = record.get("lost")
    counts = lost.items() if isinstance(lost, dict) else ()
    return Counter({why: n for why, n in counts if why in LOST and isinstance(n, int) and n > 0})


@contextmanager
def capture_locked(folder: Path) -> Iterator[None]:
    """Hold a folder of captures: nobody writes a line, begins a file or deletes one meanwhile. Where the system has no such lock, on
    Windows, it cannot be replaced while it is written either."""
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if sys.platform != "win32":
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def hold(handle: int, *, shared: bool = False, wait: bool = True) -> bool:
    """Lock an open file until it is closed or let go; whether that worked.

    handle (int): Its descriptor.
    shared (bool): With others that share it.
    wait (bool): Or give up at once.
    """
    if sys.platform == "win32":
        return True
    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(handle, how if wait else how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def let_go(handle: int) -> None:
    """Unlock an open file."""
    if sys.platform != "win32":
        fcntl.flock(handle, fcntl.LOCK_UN)

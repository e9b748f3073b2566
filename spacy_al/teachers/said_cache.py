"""What a teacher said, on disk, so that no text is paid for twice; and what it has cost.

    FOLDER/HASH/XXXX.alsaid     a batch: how many calls it took, what was said of which texts, and on which the teacher failed

HASH is the teacher's. A text is known by its hash alone, and what is said of it has offsets and labels, and no words. A batch is written twice:
before the teacher is asked with its calls alone, so that one which is killed has been counted, and after it whole.
"""

import hashlib
import json
import uuid
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy_al.corpus.shard import writing
from spacy_al.errors import AlError, AlWarning, Errors, Warnings
from spacy_al.teachers.said import TeacherSaid
from spacy_al.util import why_not

SUFFIX, FORMAT = ".alsaid", 1


@dataclass(frozen=True)
class SaidBatch:
    """A batch of texts that a teacher was given.

    calls (int): Texts that it was given, those it was given again counted again.
    said (dict): Of texts by their ids.
    failed (dict): Ids of texts that it failed on, and with what kind of error; its message could have words of the text.
    """

    calls: int
    said: Mapping[str, TeacherSaid]
    failed: Mapping[str, str]


class SaidCache:
    """What one teacher said of texts.

    folder (Path): Of all teachers; made when something is added.
    teacher_hash (str): The teacher's.
    said (dict): By the ids of texts.
    failures (Counter): How often it has failed on texts of which it has said nothing since, by their ids.
    calls (int): That it has had, of texts that were forgotten since as well.
    RAISES (AlError): AL046 if the folder cannot be read.
    """

    def __init__(self, folder: Path | str, teacher_hash: str) -> None:
        self.folder = Path(folder) / teacher_hash
        self.said: dict[str, TeacherSaid] = {}
        self.failures: Counter[str] = Counter()
        self.calls = 0
        self._damaged: list[Path] = []
        self._known: set[str] = set()
        self.refresh()

    def refresh(self) -> None:
        """Take in what other processes have added. What is damaged is left out, and the teacher is asked again."""
        try:
            paths = sorted(path for path in self.folder.iterdir() if path.suffix == SUFFIX)
        except FileNotFoundError:
            return
        except OSError as error:
            raise AlError(Errors.AL046.format(path=self.folder, why=why_not(error))) from error
        for path in paths:
            if path.name not in self._known:
                self._known.add(path.name)
                try:
                    self._take(read_said_batch(path))
                except FileNotFoundError:
                    continue
                except (OSError, ValueError):
                    self._damaged.append(path)

    def mend(self) -> None:
        """Delete what is damaged, which is said in a warning. For who holds the lock."""
        if self._damaged:
            message = Warnings.W440.format(count=len(self._damaged), folder=self.folder)
            warnings.warn(message, AlWarning, stacklevel=2)
        for path in self._damaged:
            path.unlink(missing_ok=True)
        self._damaged = []

    def begin(self, calls: int) -> Path:
        """Count the calls that are about to be made. RAISES (AlError): AL047, and nothing is to be asked then."""
        path = self.folder / f"{uuid.uuid4().hex}{SUFFIX}"
        self._known.add(path.name)
        write_said_batch(path, SaidBatch(calls, {}, {}))
        return path

    def finish(self, path: Path, batch: SaidBatch) -> None:
        """Keep what came of them. RAISES (AlError): AL047, and the calls stay counted."""
        write_said_batch(path, batch)
        self._take(batch)

    def _take(self, batch: SaidBatch) -> None:
        self.calls += batch.calls
        self.said.update(batch.said)
        self.failures.update([*batch.failed])
        # in whatever order the files are read
        for id_ in self.said.keys() & self.failures.keys():
            del self.failures[id_]


def write_said_batch(path: Path, batch: SaidBatch) -> None:
    """Write a file that appears under its name only when whole and on disk. RAISES (AlError): AL047."""
    lines = [json.dumps({"id": id_, **said.to_json()}) for id_, said in batch.said.items()]
    lines += [json.dumps({"id": id_, "failed": why}) for id_, why in batch.failed.items()]
    body = "".join(f"{line}\n" for line in lines)
    head = {"format": FORMAT, "calls": batch.calls, "check": _digest(batch.calls, body)}
    with writing(path) as file:
        file.write(json.dumps(head) + "\n" + body)


def read_said_batch(path: Path) -> SaidBatch:
    """A file as it was written.

    RAISES (ValueError): It is damaged, or of another kind.
    RAISES (OSError): It cannot be read.
    """
    first, _, body = path.read_text("utf8").partition("\n")
    said, failed = dict[str, TeacherSaid](), dict[str, str]()
    try:
        head: dict[str, Any] = json.loads(first)
        calls = int(head["calls"])
        if head["format"] != FORMAT or head["check"] != _digest(calls, body):
            raise ValueError("it is damaged")
        for line in body.splitlines():
            record = json.loads(line)
            if "failed" in record:
                failed[record["id"]] = str(record["failed"])
            else:
                said[record["id"]] = TeacherSaid.from_json(record)
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError("it is no file of a teacher's") from error
    return SaidBatch(calls, said, failed)


def _digest(calls: int, body: str) -> str:
    return hashlib.blake2b(f"{FORMAT} {calls}\n{body}".encode(), digest_size=16).hexdigest()

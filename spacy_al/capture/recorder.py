"""What decides whether a document is kept, and keeps it; a pipeline goes on whatever happens here."""

import json
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from spacy_al.arrays.keyed_noise import chance_of
from spacy_al.capture.describe import PREDICTIONS, find_field, find_predictions, find_scores
from spacy_al.capture.shards import FILES, ShardWriter
from spacy_al.corpus.captured import FORMAT, VERSION
from spacy_al.errors import AlWarning, Errors, UsageError, Warnings
from spacy_al.util import content_hash

# After so many documents a field that none of them had is one that nobody has
ENOUGH = 100
MB = 10**6
# Other than that of any draw of a selection
KEY = "capture"


class Recorder:
    """Keeps documents as records in a folder: a keyed share of the texts, in files that several processes can write at once.

    folder (str | Path): Of nothing else.
    rate (float): The share of texts that are kept, from 0 to 1. Whether a text is kept depends on nothing but the text.
    texts (bool): Whether the texts are kept, or only their hashes.
    fields (Sequence[str]): What is kept of what is known of a document; see `find_field`.
    predictions (Sequence[str]): Which are kept: "ents", "spans", "cats", "tags".
    max_mb (float): The size of all files together; beyond it the oldest are deleted.
    RAISES (UsageError): AL351 for a setting that cannot be.
    """

    def __init__(
        self,
        folder: str | Path | None,
        *,
        rate: float = 1.0,
        texts: bool = True,
        fields: Sequence[str] = (),
        predictions: Sequence[str] = tuple(PREDICTIONS),
        max_mb: float = 1000.0,
    ) -> None:
        if not folder:
            _refuse("folder", folder, "a folder to keep records in")
        if not 0 <= rate <= 1:
            _refuse("rate", rate, "a share from 0 to 1")
        if isinstance(fields, str) or not all(isinstance(one, str) and one for one in fields):
            _refuse("fields", fields, "a list of names")
        if isinstance(predictions, str) or not {*predictions} <= {*PREDICTIONS}:
            _refuse("predictions", predictions, f"a list of {', '.join(PREDICTIONS)}")
        if not FILES / 1000 <= max_mb < float("inf"):
            _refuse("max_mb", max_mb, f"a number of megabytes, {FILES / 1000} or more")
        self.rate, self.texts, self.fields = rate, texts, tuple(fields)
        self.predictions = tuple(predictions)
        self.max_mb = max_mb
        self._writer = ShardWriter(Path(str(folder)), int(max_mb * MB))
        self._n_records, self._lacking = 0, {*self.fields}
        self._warned: set[str] = set()

    @property
    def lost(self) -> Counter[str]:
        """Records of this process that are not in the folder and that no line says so far, by reasons as in `captured.LOST`."""
        return Counter(self._writer.lost)

    def record(
        self,
        doc: Doc,
        *,
        meta: Mapping[str, Any] | None = None,
        model: str | None = None,
        version: str | None = None,
    ) -> bool:
        """Keep a document, if its text is of those that are. It never fails: what cannot be kept is counted.

        doc (Doc): As the pipeline left it.
        meta (Mapping | None): What is known of it beside what it carries; `fields` says what is kept.
        model, version (str | None): Of the pipeline.
        RETURNS (bool): Whether it was kept.
        WARNS (AlWarning): ALW352 for the first that cannot be kept, ALW353 once files were deleted, ALW354 once for fields that no document has.
        """
        try:
            text = doc.text
            id_ = content_hash(text)
            if self.rate < 1 and chance_of(id_, KEY) >= self.rate:
                return False
            line = self._line(doc, text, id_, meta or {}, model, version)
        except Exception as error:
            # whatever an extension or a user's data may raise: the answer of the pipeline is worth more than its record
            self._writer.lost["failed"] += 1
            message = Warnings.W352.format(folder=self._writer.folder, why=repr(error))
            self._say("failed", message)
            return False
        why = self._writer.write(line)
        if why is not None:
            self._say("unwritten", Warnings.W352.format(folder=self._writer.folder, why=why))
        if self._writer.n_deleted:
            message = Warnings.W353.format(
                folder=self._writer.folder, count=self._writer.n_deleted, size=self.max_mb
            )
            self._say("deleted", message)
        return why is None

    def close(self) -> None:
        """End the file; the next record begins another one."""
        self._writer.close()

    def _line(
        self,
        doc: Doc,
        text: str,
        id_: str,
        meta: Mapping[str, Any],
        model: str | None,
        version: str | None,
    ) -> bytes:
        now = datetime.now(timezone.utc)
        record: dict[str, Any] = {FORMAT: VERSION, "hash": id_}
        record["time"] = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        record |= {"model": model} if model else {}
        record |= {"version": version} if version else {}
        if self.texts:
            record["text"] = text
        if self.fields:
            record["meta"] = self._fields(doc, meta)
        if found := find_predictions(doc, self.predictions):
            record["predictions"] = found
        if scores := find_scores(doc):
            record["scores"] = scores
        # all of it ASCII, so that no text looks like the end of a line to anybody
        return _ENCODER.encode(record).encode() + b"\n"

    def _fields(self, doc: Doc, meta: Mapping[str, Any]) -> dict[str, Any]:
        known = ((name, find_field(doc, name, meta)) for name in self.fields)
        found = {name: value for name, value in known if value is not None}
        self._lacking -= {*found}
        self._n_records += 1
        if self._lacking and self._n_records == ENOUGH:
            names = ", ".join(sorted(self._lacking))
            self._say("lacking", Warnings.W354.format(count=ENOUGH, fields=names))
        return found

    def _say(self, what: str, message: str) -> None:
        """Warn once for each kind of trouble: a service that logs each text's would fill the disk once more."""
        if what not in self._warned:
            self._warned.add(what)
            warnings.warn(message, AlWarning, stacklevel=3)


def _plain(value: Any) -> Any:
    """What JSON has no form for, and metadata often is. RAISES (TypeError): For all else."""
    if isinstance(value, date):
        # a datetime is one as well
        return value.isoformat()
    if hasattr(value, "item"):
        # a number of numpy
        return value.item()
    raise TypeError(
        f"{type(value).__name__} cannot be kept: give text, numbers, dates, lists or dicts of them"
    )


_ENCODER = json.JSONEncoder(separators=(",", ":"), default=_plain)


def _refuse(name: str, value: Any, must: str) -> None:
    raise UsageError(Errors.AL351.format(name=name, value=repr(value), must=must))

"""Answers that were given in Prodigy or in another tool, and their way into the store."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy_al.adapters.formats import FORMATS, Format, onto, read_format
from spacy_al.adapters.known_tasks import Asked, payload_of
from spacy_al.adapters.reading import Reading
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.store.export import ANNOTATOR, SECONDS
from spacy_al.store.store import Store
from spacy_al.tasks.answer import check, check_name

PRODIGY = "prodigy"
# What Prodigy calls a session that nobody has named: whoever it was is to be able to correct what was said before
UNNAMED = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d")


@dataclass
class Imported:
    """Counts of what became of a file of answers.

    counts (Counter): Lines by what happened: "stored", "already there", "unanswered", "unknown task", "bad answer", "no task".
    first (str): Where and why the first answer was left out, or nothing.
    """

    counts: Counter[str] = field(default_factory=Counter)
    first: str = ""

    @property
    def taken(self) -> int:
        """Answers that are in the store now."""
        return self.counts["stored"] + self.counts["already there"]

    def __str__(self) -> str:
        return ", ".join(f"{count} {name}" for name, count in self.counts.items())

    def leave_out(self, why: str, where: str, what: object) -> None:
        self.counts[why] += 1
        self.first = self.first or f"{where}: {what}"


def import_answers(
    store: Store,
    path: Path,
    *,
    format: str = PRODIGY,
    annotator: str | None = None,
    add: bool = False,
) -> Imported:
    """Store the answers of a file that were not stored before; the same file twice changes nothing.

    store (Store): The run that asked.
    path (Path): JSONL, one answered task a line; or what another format has. A task is found by its round and text.
    format (str): "prodigy" or one of `formats.FORMATS`: there what is labelled is accepted.
    annotator (str | None): Whose answers they are where the file does not say; by default the format's name.
    add (bool): Take in as well what a recipe asked in Prodigy, and not the run: the latest round then has asked it. Nobody
        else may work on the run meanwhile, see `locked`.
    RETURNS (Imported): Counts; what cannot be used is left out, and the rest is taken.
    RAISES (AlError): AL040 or AL046 if the file cannot be read, AL122 for another kind of file; what the store raises when it
        cannot be written.
    """
    _refuse_other_kinds(path, format)
    form, result, said = FORMATS.get(format), Imported(), dict[tuple[str, Any], list[str]]()
    asked = Asked(store, form, add)
    for where, answered in _answered(
        path, form, format, Reading(asked.kind or (form.kinds[0] if form else "entities"))
    ):
        take(asked, answered, result, said, where, annotator or format)
    return result


def _refuse_other_kinds(path: Path, format: str) -> None:
    """RAISES (UsageError): AL122 for a corpus, and for a folder in place of a file or the other way round."""
    if path.is_file() and path.suffix.lower() == ".spacy":
        why = "it is a corpus. Name it in the config, as paths.train, to train on it."
    elif path.is_dir() and format != "brat":
        why = "it is a folder. Name a file, or say --format brat."
    elif path.is_file() and format == "brat":
        why = "it is a file. Name the folder with the .txt and .ann of each text."
    else:
        return
    raise UsageError(Errors.AL122.format(path=path, why=why))


def _answered(
    path: Path, form: Format | None, format: str, reading: Reading
) -> Iterator[tuple[str, Any]]:
    """Where each answered task of a file stands, and what it is; nothing for what cannot be read."""
    if form:
        for record in read_format(format, path, reading):
            said = (
                {"accept": [label for label, value in record.get("cats", {}).items() if value]}
                if "cats" in record
                else {}
            )
            yield record["where"], {"answer": "accept", **record, **said}
        return
    for number, line in enumerate(_lines(path), 1):
        if line.strip():
            try:
                answered = json.loads(line)
            except (ValueError, RecursionError):
                answered = None
            yield f"{path.name}:{number}", answered


def take(
    asked: Asked,
    answered: Any,
    result: Imported,
    said: dict[tuple[str, Any], list[str]],
    where: str,
    somebody: str,
    id: str | None = None,
) -> None:
    """Store one answered task, and count what became of it.

    asked (Asked): The run.
    answered (Any): As Prodigy has it.
    result (Imported): Gets the count.
    said (dict): What was answered before in the same source, by task and annotator.
    where (str): Where it stands, for messages.
    somebody (str): Whose it is where it does not say.
    id (str | None): Of the answer, where the source has one; else what is the same is the same answer.
    RAISES (AlError): What the store raises when it cannot be written.
    """
    try:
        if "problem" in answered:
            result.leave_out("bad answer", where, answered["problem"])
            return
        if asked.form and not asked.form.has_text:
            answered = onto(answered, asked.text(answered["text"]))
        stored = asked.task(answered)
    except AlError as error:
        result.leave_out("bad answer", where, error)
        return
    except (LookupError, TypeError, AttributeError):
        result.leave_out("no task", where, "it is no task with a 'text'")
        return
    if answered.get("answer") is None:
        result.counts["unanswered"] += 1
        return
    if stored is None:
        number = (answered.get("meta") or {}).get("round")
        which = "no round asked" if asked.form else f"round {number} did not ask"
        result.leave_out("unknown task", where, f"{which} about this text")
        return
    annotator = answered.get(ANNOTATOR) or answered.get("_session_id") or somebody
    if isinstance(annotator, str) and UNNAMED.fullmatch(annotator):
        annotator = somebody
    try:
        payload = check(stored.task, payload_of(answered, stored.task))
        check_name("annotator", annotator)
        identity = _identity(stored.id, annotator, payload)
        # who returns to an earlier answer within the file says something new
        own = said.setdefault((stored.id, annotator), [])
        if own[-1:] != [identity]:
            own.append(identity)
        again = own.count(identity)
        new = asked.store.add_answer(
            stored.id,
            payload,
            id=id or (identity if again == 1 else f"{identity}-{again}"),
            annotator=annotator,
            seconds=answered.get(SECONDS),
            at=answered.get("_timestamp"),
        )
    except AlError as error:
        if error.code != "AL115":
            raise
        result.leave_out("bad answer", where, error)
        return
    result.counts["stored" if new else "already there"] += 1


def _identity(task: str, annotator: Any, payload: Mapping[str, Any]) -> str:
    data = json.dumps([task, annotator, payload], sort_keys=True).encode("ascii")
    return "import-" + hashlib.blake2b(data, digest_size=16).hexdigest()


def _lines(path: Path) -> Iterable[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except FileNotFoundError:
        raise AlError(Errors.AL040.format(path=path)) from None
    except OSError as error:
        raise AlError(Errors.AL046.format(path=path, why=error.strerror)) from error

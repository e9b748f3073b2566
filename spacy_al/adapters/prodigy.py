"""Answers that were given in Prodigy or in another tool, and their way into the store."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy_al.adapters.files import read_json
from spacy_al.adapters.formats import FORMATS, Format, check_column, onto, read_format
from spacy_al.adapters.given import Given, settled
from spacy_al.adapters.known_tasks import Asked
from spacy_al.adapters.payloads import is_yes_no, payload_of, record_payload
from spacy_al.adapters.reading import SHOWN, BadSpans, LabelledRecord, Reading
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.store.export import ANNOTATOR, SECONDS
from spacy_al.store.store import Store
from spacy_al.tasks.answer import check, check_name
from spacy_al.util import arguments, command_line

PRODIGY = "prodigy"
SUPERSEDED = "superseded"
TAKEN = ("stored", "already there", SUPERSEDED)
# At the end of the id of an answer whose file does not say when it was given: the time that is stored with it is that of its arrival
UNTIMED = "-untimed"
# What Prodigy calls a session that nobody has named: whoever it was is to be able to correct what was said before
UNNAMED = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d")


@dataclass
class Imported:
    """Counts of what became of a file of answers.

    counts (Counter): Lines by what happened: "stored", "already there", "superseded" by what the same person said later, "unanswered",
        "unknown task", "bad answer", "no task", "contradiction".
    older (list[str]): The places of answers that are superseded.
    first (str): Where and why the first answer was left out, or nothing.
    contradictions (list[str]): The places of answers that one annotator gave to one text, and that cannot both be meant.
    reading (Reading | None): What was noticed in the file.
    """

    counts: Counter[str] = field(default_factory=Counter)
    older: list[str] = field(default_factory=list)
    first: str = ""
    contradictions: list[str] = field(default_factory=list)
    reading: Reading | None = None

    @property
    def taken(self) -> int:
        """Answers that are in the store now, or newer ones in their place."""
        return sum(self.counts[name] for name in TAKEN)

    def __str__(self) -> str:
        # what was taken comes first
        names = sorted(self.counts, key=lambda name: name not in TAKEN)
        return ", ".join(f"{self.counts[name]} {name}" for name in names)

    def leave_out(self, why: str, where: str, what: object) -> None:
        self.counts[why] += 1
        self.first = self.first or f"{where}: {what}"

    def remarks(self) -> list[str]:
        """What people are to know of the file, a sentence each."""
        found = self.reading.remarks() if self.reading else []
        if self.older:
            found.append(
                f"{len(self.older)} answers are older than what the same person has said since, which stays in force; the first: "
                f"{self.older[0]}."
            )
        if self.contradictions:
            more = " ..." if len(self.contradictions) > SHOWN else ""
            places = "; ".join(self.contradictions[:SHOWN])
            found.append(
                f"Different answers of one annotator to one text, none taken: {places}{more}."
            )
        return found


def import_answers(
    store: Store,
    path: Path,
    *,
    format: str = PRODIGY,
    annotator: str | None = None,
    add: bool = False,
    spans_key: str = "sc",
    column: str | None = None,
    bad_spans: BadSpans = "refuse",
) -> Imported:
    """Store the answers of a file that were not stored before; the same file twice changes nothing.

    store (Store): The run that asked.
    path (Path): JSONL, one answered task a line; or what another format has. A task is found by its round and text.
    format (str): "prodigy" or one of `formats.FORMATS`: there what is labelled is accepted.
    annotator (str | None): Whose answers they are where the file does not say; by default the format's name.
    add (bool): Take in as well what a recipe asked in Prodigy, and not the run: the latest round then has asked it. Nobody
        else may work on the run meanwhile, see `locked`.
    spans_key, column, bad_spans: As of a `Reading`.
    RETURNS (Imported): Counts; what cannot be used is left out, and the rest is taken.
    RAISES (AlError): AL040, AL046 or AL267 if the file cannot be read, AL122 for another kind of file; what the format's reader
        raises for what is not in it, and the store when it cannot be written.
    """
    _refuse_other_kinds(path, format)
    form, result = FORMATS.get(format), Imported()
    check_column([format], column)
    asked = Asked(store, form, add)
    kind = asked.kind or (form.kinds[0] if form else "entities")
    result.reading = reading = Reading(kind, spans_key, column, bad_spans)
    given = [
        one
        for where, value in _values(path, format, form, reading)
        if (one := _given(asked, value, result, where, annotator or format))
    ]
    for one, id in settled(given, result.leave_out, result.contradictions):
        _store(asked.store, one, id, result)
    if form and (others := result.counts["unknown task"]):
        words = [path, "-o", "corpus.spacy", "--format", format]
        command = command_line(arguments("convert", words, {}))
        reading.say(f"{others} texts of it were never asked. They make a corpus with: `{command}`.")
    return result


def _refuse_other_kinds(path: Path, format: str) -> None:
    """RAISES (UsageError): AL122 for a corpus, and for a folder in place of a file or the other way round."""
    form = FORMATS.get(format)
    if path.is_file() and path.suffix.lower() == ".spacy":
        why = "it is a corpus. Name it in the config, as paths.train, to train on it."
    elif path.is_dir() and not (form and form.of_folders):
        folders = ", ".join(name for name, one in FORMATS.items() if one.of_folders)
        why = f"it is a folder. Name a file, or a --format that has folders: {folders}."
    elif path.is_file() and form and not form.of_files:
        why = "it is a file. Name the folder with the .txt and .ann of each text."
    else:
        return
    raise UsageError(Errors.AL122.format(path=path, why=why))


def _values(
    path: Path, format: str, form: Format | None, reading: Reading
) -> Iterator[tuple[str, Any]]:
    """Where each answer of a file stands, and what it is: a record of a format, or what Prodigy wrote."""
    if form:
        for record in read_format(format, path, reading):
            yield record["where"], record
    else:
        yield from read_json(path, reading)


def take(
    asked: Asked,
    answered: Any,
    result: Imported,
    where: str,
    somebody: str,
    id: str,
) -> None:
    """Store one answered task, and count what became of it.

    asked (Asked): The run.
    answered (Any): As Prodigy has it.
    result (Imported): Gets the count.
    where (str): Where it stands, for messages.
    somebody (str): Whose it is where it does not say.
    id (str): Of the answer.
    RAISES (AlError): What the store raises when it cannot be written.
    """
    if given := _given(asked, answered, result, where, somebody):
        _store(asked.store, given, id, result)


def _given(asked: Asked, value: Any, result: Imported, where: str, somebody: str) -> Given | None:
    """An answer as it can be stored; None, and counted, if it cannot."""
    try:
        if asked.form:
            return _of_record(asked, value, result, somebody)
        return _of_prodigy(asked, value, result, where, somebody)
    except AlError as error:
        if error.code != "AL115":
            raise
        result.leave_out("bad answer", where, error)
    return None


def _of_record(
    asked: Asked, record: LabelledRecord, result: Imported, somebody: str
) -> Given | None:
    where, reading = record["where"], result.reading
    assert reading is not None
    if "problem" in record:
        result.leave_out("bad answer", where, record["problem"])
        return None
    text = asked.text(record["text"])
    if text != record["text"]:
        record = onto(record, text)
    stored = asked.task(record)
    if stored is None:
        result.leave_out("unknown task", where, "no round asked about this text")
        return None
    annotator = check_name("annotator", record.get("annotator") or somebody)
    payload = check(stored.task, record_payload(record, stored.task, reading))
    return Given(where, stored, annotator, payload)


def _of_prodigy(
    asked: Asked, answered: Any, result: Imported, where: str, somebody: str
) -> Given | None:
    try:
        stored = asked.task(answered)
    except (LookupError, TypeError, AttributeError):
        why = answered if isinstance(answered, ValueError) else "it is no task with a 'text'"
        result.leave_out("no task", where, why)
        return None
    if answered.get("answer") is None:
        result.counts["unanswered"] += 1
        return None
    if stored is None:
        number = (answered.get("meta") or {}).get("round")
        result.leave_out("unknown task", where, f"round {number} did not ask about this text")
        return None
    annotator = answered.get(ANNOTATOR) or answered.get("_session_id") or somebody
    session = ""
    if isinstance(annotator, str) and UNNAMED.fullmatch(annotator):
        annotator, session = somebody, annotator
    said = payload_of(answered, stored.task, result.reading, where)
    payload = check(stored.task, said)
    at = answered.get("_timestamp")
    return Given(
        where,
        stored,
        check_name("annotator", annotator),
        payload,
        when=(at, session) if isinstance(at, (int, float)) else None,
        at=at,
        seconds=answered.get(SECONDS),
        label=answered["label"] if is_yes_no(answered, stored.task) else "",
    )


def _store(store: Store, given: Given, id: str, result: Imported) -> None:
    before = store.answers_of(given.stored.id, given.annotator)
    known = {one.id for one in before}
    if given.at is None:
        # what has no time comes when it arrives
        id = id if id in known else f"{id}{UNTIMED}"
    elif before and given.when is not None:
        newest = max((one.at for one in before if not one.id.endswith(UNTIMED)), default=-math.inf)
        if id not in known and given.at < newest:
            result.counts[SUPERSEDED] += 1
            result.older.append(given.where)
            return
        if id in known and given.at > newest and before[-1].payload != given.payload:
            # who returns in a later file to what was said before
            id = f"{id}-{given.at!r}"
    try:
        new = store.add_answer(
            given.stored.id,
            given.payload,
            id=id,
            annotator=given.annotator,
            seconds=given.seconds,
            at=given.at,
        )
    except AlError as error:
        if error.code != "AL115":
            raise
        result.leave_out("bad answer", given.where, error)
        return
    result.counts["stored" if new else "already there"] += 1

"""Answers that were given in Prodigy or in another tool, and their way into the store."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy_al.adapters.files import read_json
from spacy_al.adapters.formats import FORMATS, check_column, onto, read_format
from spacy_al.adapters.given import Given, settled, was_taken
from spacy_al.adapters.known_tasks import Asked
from spacy_al.adapters.offset_units import CONVERT, offset_doubts
from spacy_al.adapters.payloads import is_yes_no, payload_of, record_payload
from spacy_al.adapters.reading import SHOWN, BadSpans, LabelledRecord, Reading
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.reporting.words import plural
from spacy_al.store.export import ANNOTATOR, SECONDS
from spacy_al.store.store import Store
from spacy_al.tasks.answer import YES_NO_FORMS, check, check_name
from spacy_al.util import arguments, command_line

PRODIGY = "prodigy"
SUPERSEDED = "superseded"
# What a line becomes whose answer stands in another line of the same file, or is a part of what that says
REPEATED, JOINED = "repeated", "joined to another"
TAKEN = ("stored", "already there", REPEATED, JOINED, SUPERSEDED)
UNANSWERED = "unanswered"
# At the end of the id of an answer whose file does not say when it was given: the time that is stored with it is that of its arrival
UNTIMED = "-untimed"
# What Prodigy calls a session that nobody has named: whoever it was is to be able to correct what was said before
UNNAMED = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d")


def listed(counts: Counter[str]) -> str:
    """Counts in a sentence: "3 unknown task, 1 bad answer"."""
    return ", ".join(f"{count:,} {what}" for what, count in counts.items())


@dataclass
class Imported:
    """Counts of what became of a file of answers.

    counts (Counter): What was read, each by the one thing that happened: "stored", "already there", "repeated" in the same file, a yes or
        no to a category that was "joined to another" of the text, "superseded" by what the same person said later, "unanswered", "unknown task",
        "bad answer", "no task", "contradiction".
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

    @property
    def left_out(self) -> Counter[str]:
        """What could not be taken, by reason."""
        return Counter({k: n for k, n in self.counts.items() if k not in (*TAKEN, UNANSWERED)})

    def __str__(self) -> str:
        """All that was read, so that the numbers add up."""
        said = [f"{self.counts[k]:,} {k}" for k in (*TAKEN, UNANSWERED) if self.counts[k]]
        if left_out := self.left_out:
            said.append(f"{left_out.total():,} left out ({listed(left_out)})")
        return f"{self.counts.total():,} read: {', '.join(said)}"

    def leave_out(self, why: str, where: str, what: object) -> None:
        self.counts[why] += 1
        self.first = self.first or f"{where}: {what}"

    def remarks(self) -> list[str]:
        """What people are to know of the file, a sentence each."""
        found = self.reading.remarks() if self.reading else []
        if self.older:
            found.append(
                f"Older than what the same person has said since, which stays in force: {plural(len(self.older), 'answer')}; the first: "
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
    result.reading = reading = Reading(
        kind, spans_key, column, bad_spans, run_labels=store.labels()
    )
    # all of them first: what is in one tells which labels were shown in the others
    source: Iterator[tuple[str, Any]] = read_json(path, reading)
    if form:
        source = ((one["where"], one) for one in read_format(format, path, reading))
    found = [(where, asked.named_now(value)) for where, value in source]
    wrong = {} if form or kind == "categories" else offset_doubts(value for _, value in found)
    given = [
        one
        for number, (where, value) in enumerate(found)
        if (one := _given(asked, value, result, where, annotator or format, wrong.get(number, "")))
    ]
    n_before, new = result.counts.total(), set[str]()
    for one, id in settled(given, result.leave_out, result.contradictions):
        _store(asked.store, one, id, result, new)
    result.counts[JOINED] += len(given) - (result.counts.total() - n_before)
    result.counts = +result.counts
    if form and (others := result.counts["unknown task"]):
        words = [path, "-o", "corpus.spacy", "--format", format]
        command = command_line(arguments("convert", words, {}))
        reading.say(
            f"Never asked: {plural(others, 'text')} of it. They make a corpus with: `{command}`."
        )
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


def take(asked: Asked, answered: Any, result: Imported, where: str, somebody: str, id: str) -> None:
    """Store one answered task, and count what became of it.

    asked (Asked): The run.
    answered (Any): As Prodigy has it.
    result (Imported): Gets the count.
    where (str): Where it stands, for messages.
    somebody (str): Whose it is where it does not say.
    id (str): Of the answer.
    RAISES (AlError): What the store raises when it cannot be written.
    """
    if given := _given(asked, asked.named_now(answered), result, where, somebody):
        _store(asked.store, given, id, result)


def _given(
    asked: Asked, value: Any, result: Imported, where: str, somebody: str, wrong: str = ""
) -> Given | None:
    """An answer as it can be stored; None, and counted, if it cannot. wrong: why its offsets are not those of its text."""
    try:
        if asked.form:
            return _of_record(asked, value, result, somebody)
        return _of_prodigy(asked, value, result, where, somebody, wrong)
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
    shown = asked.shown(stored.task)
    payload = check(stored.task, record_payload(record, stored.task, reading, shown))
    reading.added.update(set(shown or ()).difference(stored.task.get("labels", ())))
    return Given(where, stored, annotator, payload)


def _of_prodigy(
    asked: Asked, answered: Any, result: Imported, where: str, somebody: str, wrong: str
) -> Given | None:
    try:
        stored = asked.task(answered)
    except (LookupError, TypeError, AttributeError):
        why = answered if isinstance(answered, ValueError) else "it is no task with a 'text'"
        result.leave_out("no task", where, why)
        return None
    if answered.get("answer") is None:
        result.counts[UNANSWERED] += 1
        return None
    if stored is None:
        number = (answered.get("meta") or {}).get("round")
        view = answered.get("_view_id")
        what = f"a yes or no ('{view}') " if view in YES_NO_FORMS else ""
        result.leave_out("unknown task", where, f"round {number} did not ask {what}about this text")
        return None
    if wrong and answered["answer"] != "ignore":
        raise AlError(Errors.AL115.format(why=wrong, what=CONVERT))
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


def _store(
    store: Store, given: Given, id: str, result: Imported, new: set[str] | None = None
) -> None:
    """Store an answer, and count what became of it. new: the ids that this file has brought; gets this one."""
    new = set() if new is None else new
    before = store.answers_of(given.stored.id, given.annotator)
    known = {one.id for one in before}
    if known.isdisjoint((id, f"{id}{UNTIMED}")) and was_taken(before, given):
        result.counts["already there"] += 1
        return
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
        is_new = store.add_answer(
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
    result.counts["stored" if is_new else REPEATED if id in new else "already there"] += 1
    if is_new:
        new.add(id)

"""Answers that were given in Prodigy, or in another tool that writes its format, and their way into the store."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy_al.data.answers import check, check_name, kind_of
from spacy_al.data.export import ANNOTATOR, SECONDS, TASK
from spacy_al.data.store import Store, StoredTask
from spacy_al.data.tasks import Task
from spacy_al.errors import AlError, Errors
from spacy_al.util import content_hash

NOBODY = "prodigy"


@dataclass
class Imported:
    """What became of a file of answers.

    counts (Counter): Lines by what happened: "stored", "already there", "unanswered", "unknown task", "bad answer", "no task".
    first (str): Where and why the first answer was left out, or nothing.
    """

    counts: Counter[str] = field(default_factory=Counter)
    first: str = ""

    def leave_out(self, why: str, where: str, what: object) -> None:
        self.counts[why] += 1
        self.first = self.first or f"{where}: {what}"


def import_answers(store: Store, path: Path) -> Imported:
    """Store the answers of a file that were not stored before; the same file twice changes nothing.

    store (Store): The run that asked.
    path (Path): JSONL, one answered task a line. A task is found by its round and text.
    RETURNS (Imported): Counts; what cannot be used is left out, and the rest is taken.
    RAISES (AlError): AL040 or AL046 if the file cannot be read; what the store raises when it cannot be written.
    """
    found: dict[tuple[Any, str], list[StoredTask]] = {}
    for stored in store.tasks():
        found.setdefault((stored.round, stored.item), []).append(stored)
    result, said = Imported(), dict[tuple[str, Any], list[str]]()
    for number, line in enumerate(_lines(path), 1):
        if line.strip():
            _take(store, line, found, result, said, f"{path.name}:{number}")
    return result


def payload_of(answered: Mapping[str, Any], task: Task) -> dict[str, Any]:
    """The answer within an answered task.

    answered (Mapping): As Prodigy writes it.
    task (Task): As it was asked. Spans are put on its tokens by their characters, since another tool may have tokens of
        its own.
    RAISES (AlError): AL115 for a span that is not on the task's tokens.
    """
    payload = {"answer": answered["answer"]}
    for key in ("labels", "asked"):
        if key in answered and answered[key] != task.get(key):
            payload[key] = answered[key]
    if kind_of(task) == "categories":
        return {**payload, "accept": answered.get("accept") or []}
    spans = answered.get("spans") or []
    if isinstance(spans, list):
        spans = [_on_tokens(span, task) for span in spans]
    return {**payload, "spans": spans}


def _take(
    store: Store,
    line: bytes,
    found: Mapping[tuple[Any, str], list[StoredTask]],
    result: Imported,
    said: dict[tuple[str, Any], list[str]],
    where: str,
) -> None:
    try:
        answered = json.loads(line)
        text, meta = answered["text"], answered.get("meta") or {}
        key = (meta.get("round"), content_hash(text))
        candidates = found.get(key, [])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        result.leave_out("no task", where, "it is no task with a 'text'")
        return
    if answered.get("answer") is None:
        result.counts["unanswered"] += 1
        return
    if not candidates:
        result.leave_out("unknown task", where, f"round {key[0]} did not ask about this text")
        return
    named = [stored for stored in candidates if stored.id == answered.get(TASK)]
    stored = (named or candidates)[0]
    annotator = answered.get(ANNOTATOR) or answered.get("_session_id") or NOBODY
    try:
        payload = check(stored.task, payload_of(answered, stored.task))
        check_name("annotator", annotator)
        identity = _identity(stored.id, annotator, payload)
        # who returns to an earlier answer within the file says something new
        own = said.setdefault((stored.id, annotator), [])
        if own[-1:] != [identity]:
            own.append(identity)
        again = own.count(identity)
        new = store.add_answer(
            stored.id,
            payload,
            id=identity if again == 1 else f"{identity}-{again}",
            annotator=annotator,
            seconds=answered.get(SECONDS),
        )
    except AlError as error:
        if "[AL115]" not in str(error):
            raise
        result.leave_out("bad answer", where, error)
        return
    result.counts["stored" if new else "already there"] += 1


def _on_tokens(span: Any, task: Task) -> Any:
    """A span with the tokens of its characters; what is no span is left for the check of answers to refuse."""
    if not isinstance(span, dict) or "start" not in span or "end" not in span:
        return span
    tokens = task["tokens"]
    first = [token["id"] for token in tokens if token["start"] == span["start"]]
    last = [token["id"] for token in tokens if token["end"] == span["end"]]
    if not first or not last:
        why = f"characters {span['start']!r} to {span['end']!r} are not on its tokens"
        raise AlError(Errors.AL115.format(why=why, what="Begin and end spans with a token"))
    return {**span, "token_start": first[0], "token_end": last[-1]}


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

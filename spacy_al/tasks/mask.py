"""What is hidden of a text that leaves a run: named patterns and chosen labels, character by character, so that offsets stay right."""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.tasks.task import Task, with_hashes
from spacy_al.util import why_not

MASK = "X"
# English and German
MONTHS = (
    "jan(?:uary?)?|feb(?:ruary?)?|mar(?:ch)?|märz|apr(?:il)?|ma[iy]|jun[ei]?|jul[iy]?|aug(?:ust)?|sept?(?:ember)?|"
    "o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?"
)
# They rather hide a number too many than leave one
PATTERNS: dict[str, str] = {
    "email": r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    "phone": r"(?<!\w)(?:\+\d|\(?0\d)(?:[ ()/.-]{0,2}\d){5,13}(?!\w)|(?<!\w)\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?!\w)",
    "date": (
        # 5-Sep-26, as notes have it
        rf"(?<!\w)(?i:\d{{1,2}}[ ./-]{{1,2}}(?:{MONTHS})[ ./-]{{1,2}}(?:\d{{4}}|\d{{2}}))(?!\w)|"
        r"(?<!\w)(?:\d{4}[./-]\d{1,2}[./-]\d{1,2}|\d{1,2}[./-] ?\d{1,2}[./-] ?(?:\d{4}|\d{2}))(?!\w)"
        rf"|(?<!\w)(?i:\d{{1,2}}(?:\.|st|nd|rd|th)? (?:of )?(?:{MONTHS})\.?(?:,? \d{{4}})?)(?!\w)"
        rf"|(?<!\w)(?i:(?:{MONTHS})\.? \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?)(?!\w)"
    ),
    # five characters or more, of which four are digits: numbers of patients, contracts and accounts
    "id": r"(?<![\w-])(?:[A-Za-z]+/)?(?=(?:[A-Za-z-]*\d){4})[A-Za-z0-9][A-Za-z0-9-]{4,}(?![\w-])",
}
# What says how a question came about, and nothing of its text
SAID = {"component", "design", "model", "scored_by", "strategy"}
# Of the neighbours of a text nobody was asked, so that no label says what is to be hidden there
NEIGHBOURS = ("before", "after")


@dataclass(frozen=True)
class Mask:
    """What is hidden.

    patterns (dict): Regular expressions by name.
    labels (frozenset[str]): What is labelled with one of these, by a person or by the model, is hidden, and where the same words
        stand again in that text.
    known (dict[str, set]): Text -> its (start, end) in characters that have such a label in any task or answer.
    """

    patterns: dict[str, re.Pattern[str]]
    labels: frozenset[str] = frozenset()
    known: dict[str, set[tuple[int, int]]] = field(default_factory=dict)

    def learn(self, text: str, spans: Iterable[Mapping[str, Any]]) -> None:
        """Note what is labelled in a text, with spans as tasks and answers have them."""
        found = {(s["start"], s["end"]) for s in spans if s["label"] in self.labels}
        if found:
            self.known.setdefault(text, set()).update(found)

    def text(self, text: str, spans: Collection[tuple[int, int]] = ()) -> str:
        """A text of the same length in which all that is to be hidden is `MASK`, save white space."""
        spans = {*spans, *self.known.get(text, ())}
        return self._hidden(text, spans, {text[start:end] for start, end in spans})

    def task(self, task: Mapping[str, Any]) -> Task:
        """A question, or a line of an answer, with its text hidden wherever it stands in it. Its hashes are those of what is left."""
        text: str = task["text"]
        spans = {*_labelled(task, self.labels), *self.known.get(text, ())}
        words = {text[start:end] for start, end in spans}
        hidden = self._hidden(text, spans, words)
        made: dict[str, Any] = {k: v for k, v in task.items() if k not in ("text", "meta")}
        for name in ("tokens", "spans", "believed"):
            if name in made:
                made[name] = [_of(hidden, part) for part in made[name]]
        meta = dict(task.get("meta", {}))
        if self.labels:
            meta = {key: value for key, value in meta.items() if key not in NEIGHBOURS}
        made["meta"] = {
            key: value if key in SAID else self._inside(value, words) for key, value in meta.items()
        }
        # hashes, and ids that are made of them, tell who guesses a text that it is this one
        made = {key: value for key, value in made.items() if key not in HASHES}
        if "_input_hash" in task:
            return with_hashes({**made, "text": hidden})
        return {**made, "text": hidden}

    def _inside(self, value: Any, words: set[str]) -> Any:
        if isinstance(value, str):
            return self._hidden(value, (), words)
        if isinstance(value, Mapping):
            return {key: self._inside(part, words) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [self._inside(part, words) for part in value]
        return value

    def _hidden(self, text: str, spans: Iterable[tuple[int, int]], words: Iterable[str]) -> str:
        found = [*spans]
        for pattern in self.patterns.values():
            found += [match.span() for match in pattern.finditer(text)]
        for word in words:
            if len(word) > 1:
                again = re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", text)
                found += [match.span() for match in again]
        return cover(text, found)


HASHES = ("_input_hash", "_task_hash", "_al_task")


def cover(text: str, stretches: Iterable[tuple[int, int]]) -> str:
    """The text with every character of the stretches replaced but white space, by which words are told apart."""
    characters = list(text)
    for start, end in stretches:
        characters[start:end] = [c if c.isspace() else MASK for c in characters[start:end]]
    return "".join(characters)


def make_mask(names: Sequence[str], labels: Collection[str] = ()) -> Mask:
    """What is hidden by names, as `--mask` takes them.

    names (Sequence[str]): Each a name of `PATTERNS`, a label, or a file of patterns: JSONL of `name` and `pattern`, a regular expression of
        Python's. A label that is called like a pattern is both.
    labels (Collection[str]): The labels that can be named.
    RAISES (AlError): AL473 for a name that is none of them, AL474 for a line of a file that is no pattern.
    """
    patterns, chosen = dict[str, re.Pattern[str]](), set[str]()
    for name in names:
        known = name in PATTERNS or name in labels
        if name in PATTERNS:
            patterns[name] = re.compile(PATTERNS[name])
        if name in labels:
            chosen.add(name)
        if not known:
            if not Path(name).is_file():
                can = ", ".join([*PATTERNS, *sorted(labels)])
                raise UsageError(Errors.AL473.format(name=name, known=can))
            patterns |= _read(Path(name))
    return Mask(patterns, frozenset(chosen))


def _read(path: Path) -> dict[str, re.Pattern[str]]:
    found = dict[str, re.Pattern[str]]()
    try:
        lines = path.read_text("utf8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AlError(Errors.AL046.format(path=path, why=why_not(error))) from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            found[str(entry["name"])] = re.compile(entry["pattern"])
        except (ValueError, KeyError, TypeError, re.error) as error:
            message = Errors.AL474.format(path=path, line=number, why=error)
            raise AlError(message) from None
    if not found:
        # nothing would be hidden, and nobody would know
        raise AlError(Errors.AL474.format(path=path, line=1, why="the file has none"))
    return found


def _labelled(task: Mapping[str, Any], labels: Collection[str]) -> set[tuple[int, int]]:
    parts = [*task.get("spans", ()), *task.get("believed", ())]
    return {(part["start"], part["end"]) for part in parts if part["label"] in labels}


def _of(text: str, part: Mapping[str, Any]) -> dict[str, Any]:
    """A token or span, with the words that it has in this text, where it says them."""
    if "text" not in part:
        return dict(part)
    return {**part, "text": text[part["start"] : part["end"]]}

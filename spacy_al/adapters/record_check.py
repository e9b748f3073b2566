"""The check of what a reader gives: a mark says where it is, what stands there, and one thing."""

import unicodedata
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from spacy_al.adapters.reading import LabelledRecord, Mark, Reading

FLAT = ("entities", "tags")
# Kinds of characters that are in no name: control, halves, and the two ends of lines and paragraphs
UNNAMEABLE = ("Cc", "Cs", "Zl", "Zp")
HOW = "Mend it, or leave out such spans alone with --bad-spans missing"
# Names that tools have for the words of a span
WORDS = ("value", "word", "words", "surface", "mention", "phrase", "string", "covered_text")
NOWHERE = "its place is not within the text"
OTHERWISE = "another text stands there than the file says"


def checked(
    record: LabelledRecord, reading: Reading, *, flat: bool | None = None
) -> LabelledRecord:
    """A record that can be used as it is, or one with a "problem".

    record (LabelledRecord): As a reader gives it.
    reading (Reading): Gets the counts of what was left out or cut.
    flat (bool | None): Whether no two marks may share a character; by default as the kind has it.
    RETURNS (LabelledRecord): With marks that are within the text, agree with it, neither begin nor end with white space (tags may)
        and, where they are to be flat, share no character; with categories of 1 or 0. What a bad mark costs says
        `reading.bad_spans`; where the place of a mark that is left out cannot be known, all that no other mark decides is missing.
    """
    if "problem" in record:
        return record
    text = record.get("text")
    if not isinstance(text, str):
        return refused(record, "it has no text")
    if reading.kind == "categories":
        return _categories(record)
    if not isinstance(record.get("spans"), list):
        return refused(record, "it says nothing of its spans")
    good, bad = list[Mark](), list[tuple[Mark, str]]()
    for mark in record["spans"]:
        if why := _why_bad(mark, text):
            bad.append((mark, why))
        elif (cut := _cut(mark, text, reading)) is None:
            bad.append((mark, "it is white space alone"))
        else:
            good.append(cut)
    good = _once(good)
    if reading.kind in FLAT if flat is None else flat:
        good, overlapping = _apart(good)
        bad += overlapping
    if bad and reading.bad_spans == "refuse":
        mark, why = bad[0]
        said = f", {short(mark['text'])}" if why == OTHERWISE else ""
        return refused(record, f"{describe_mark(mark, text)}: {why}{said}. {HOW}", _place(mark))
    missing = list(record.get("missing", ()))
    if odd := [stretch for stretch in missing if not _within(*stretch, text)]:
        return refused(record, f"what is undecided is from {short(odd[0])}: {NOWHERE}")
    for mark, why in bad:
        reading.lose(why, _place(mark) or record["where"])
        missing += _stretches(mark, why, text, good)
    result: LabelledRecord = {**record, "spans": good}
    if missing:
        result["missing"] = sorted(set(missing))
    return result


def refused(record: LabelledRecord, why: str, where: str | None = None) -> LabelledRecord:
    """A record that cannot be used, and why.

    where (str | None): Of what is wrong, where that is another place than the record's.
    """
    result: LabelledRecord = {"where": where or record["where"], "problem": why}
    if isinstance(record.get("text"), str):
        result["text"] = record["text"]
    return result


def describe_mark(mark: Mark, text: str) -> str:
    """A mark, for a message of one line."""
    if not isinstance(mark, dict):
        return f"the span {short(mark)}"
    start, end = mark.get("start"), mark.get("end")
    shown = f"the span {short(mark.get('label'))} from {short(start)} to {short(end)}"
    return f"{shown} ({short(text[start:end])})" if _within(start, end, text) else shown


def short(value: Any) -> str:
    """A value from a file, for a message of one line."""
    try:
        shown = repr(value)
    except (ValueError, RecursionError):
        shown = f"a {type(value).__name__}"
    return shown if len(shown) <= 60 else shown[:60] + "…"


def said_words(span: Mapping[str, Any], text: str) -> dict[str, str]:
    """What a span of a file says stands there, as the `text` of a mark; nothing if it does not say.

    span (Mapping): Its words are under "text", or under another of the names that tools have for them; there they may be spelled
        otherwise than in the text, and are no words of it then.
    text (str): Of the record.
    """
    if isinstance(span.get("text"), str):
        return {"text": span["text"]}
    found = (span[key] for key in WORDS if isinstance(span.get(key), str))
    return next(({"text": words} for words in found if words.strip() and words in text), {})


def is_name(label: Any) -> bool:
    """Whether something can be a label: neither white space alone nor with line ends, control characters or halves of characters."""
    return (
        isinstance(label, str)
        and bool(label.strip())
        and not any(unicodedata.category(character) in UNNAMEABLE for character in label)
    )


def same_words(one: str, other: str) -> bool:
    """Whether two strings differ in white space alone: tools write a line end within a span as a blank, or not at all."""
    return "".join(one.split()) == "".join(other.split())


def _why_bad(mark: Mark, text: str) -> str:
    """Why a mark cannot be used, or nothing."""
    if not isinstance(mark, dict):
        return "it is no span"
    if not _within(mark.get("start"), mark.get("end"), text):
        return NOWHERE
    label = mark.get("label")
    if not is_name(label):
        return "its label is not a name"
    if "problem" in mark:
        return mark["problem"]
    if "text" in mark:
        stands = text[mark["start"] : mark["end"]]
        if not isinstance(mark["text"], str) or not same_words(mark["text"], stands):
            return OTHERWISE
    return ""


def _place(mark: Mark) -> str | None:
    return mark.get("where") if isinstance(mark, dict) else None


def _within(start: Any, end: Any, text: str) -> bool:
    return type(start) is int and type(end) is int and 0 <= start < end <= len(text)


def _cut(mark: Mark, text: str, reading: Reading) -> Mark | None:
    """The mark without white space at its edges; None if there is nothing else in it."""
    start, end = mark["start"], mark["end"]
    if reading.kind != "tags":
        words = text[start:end]
        start += len(words) - len(words.lstrip())
        end -= len(words) - len(words.rstrip())
        if start >= end:
            return None
        reading.trimmed += (start, end) != (mark["start"], mark["end"])
    # "PER " and "PER" look the same, and are two labels to a model
    found: Mark = {"start": start, "end": end, "label": mark["label"].strip()}
    if "where" in mark:
        found["where"] = mark["where"]
    return found


def _once(marks: Sequence[Mark]) -> list[Mark]:
    """Marks in order, each once."""
    found = {(mark["start"], mark["end"], mark["label"]): mark for mark in reversed(marks)}
    return [found[key] for key in sorted(found)]


def _apart(marks: Sequence[Mark]) -> tuple[list[Mark], list[tuple[Mark, str]]]:
    """The marks that share no character with another, and those that do."""
    shared = dict[int, str]()
    reach = 0  # the mark so far that ends last
    for (number, before), (other, after) in pairwise(enumerate(marks)):
        if before["end"] > marks[reach]["end"]:
            reach = number
        if after["start"] < marks[reach]["end"]:
            for one, another in ((reach, after), (other, marks[reach])):
                place = (another["start"], another["end"])
                same = place == (marks[one]["start"], marks[one]["end"])
                why = "the same characters have two labels" if same else "it overlaps another span"
                shared.setdefault(one, why)
    good = [mark for number, mark in enumerate(marks) if number not in shared]
    return good, [(marks[number], why) for number, why in sorted(shared.items())]


def _stretches(mark: Mark, why: str, text: str, good: Sequence[Mark]) -> list[tuple[int, int]]:
    """What is undecided without a mark: its characters or, if its place is in doubt, all that no other mark decides."""
    known = isinstance(mark, dict) and _within(mark.get("start"), mark.get("end"), text)
    if known and why != OTHERWISE:
        return [(mark["start"], mark["end"])]
    found, start = [], 0
    for other in good:
        found.append((start, other["start"]))
        start = max(start, other["end"])
    found.append((start, len(text)))
    return [(first, last) for first, last in found if first < last]


def _categories(record: LabelledRecord) -> LabelledRecord:
    cats = record.get("cats")
    if not isinstance(cats, dict):
        return refused(record, "it says nothing of its categories")
    for label, value in cats.items():
        if not is_name(label):
            return refused(record, f"the category {short(label)} is not a name")
        if value not in (0, 1):
            why = f"the category {short(label)} has the value {short(value)}, which is a score and no label"
            return refused(record, f"{why}. A label is 1 or 0")
    if not cats:
        return refused(record, "no category of it is decided")
    result: dict[str, float] = {}
    for label, value in cats.items():
        if result.setdefault(label.strip(), float(value)) != float(value):
            return refused(record, f"the category {short(label.strip())} is 1 and 0")
    return {**record, "cats": result}

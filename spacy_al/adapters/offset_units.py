r"""What the offsets of a file count, where it does not say the words of its spans: the evidence is where all of them begin and end.

JavaScript and Java count UTF-16 units, Go and Rust bytes, and a web page takes \r\n for one character. Such offsets are those of
characters up to the first character that counts otherwise, and point elsewhere behind it.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from spacy_al.adapters.reading import LabelledRecord, Reading
from spacy_al.adapters.record_check import checked, refused

KEYS = ("text", "spans")
# What is to be done; words beside a span are compared with its place, whatever the others are
CONVERT = "Convert them to characters; if they are that, write the words of each span beside it"
# Spans that are evidence
FEWEST = 2
# Scripts without blanks between words: there any character may begin one
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)


def _line_ends_as_one(text: str) -> list[int]:
    return [int(text[place : place + 2] != "\r\n") for place in range(len(text))]


def _line_ends_as_two(text: str) -> list[int]:
    return [
        1 + (character == "\n" and text[max(place - 1, 0)] != "\r")
        for place, character in enumerate(text)
    ]


# How else one may count: what counts otherwise then, and how much each character of a text counts
UNITS: Mapping[str, tuple[re.Pattern[str], Callable[[str], list[int]]]] = {
    "in UTF-16 units, not in characters": (
        re.compile("[\U00010000-\U0010ffff]"),
        lambda text: [1 + (character > "\uffff") for character in text],
    ),
    "in UTF-8 bytes, not in characters": (
        re.compile("[^\x00-\x7f]"),
        lambda text: [len(character.encode("utf-8", "surrogatepass")) for character in text],
    ),
    r"with each \r\n as one character, not as two": (re.compile("\r\n"), _line_ends_as_one),
    r"with each \n as two characters, not as one": (
        re.compile("(?<!\r)\n"),
        _line_ends_as_two,
    ),
}


@dataclass(frozen=True)
class _Place:
    """A span behind something that may count otherwise, with the number of its record, and whether it fits as it is."""

    record: int
    start: int
    end: int
    fits: bool


def checked_records(
    records: Iterable[LabelledRecord], reading: Reading
) -> Iterator[LabelledRecord]:
    """The records of a file, each checked, after their offsets were: those that count something else are refused.

    records (Iterable[LabelledRecord]): All of the file, as its reader gives them.
    reading (Reading): As for `checked`.
    YIELDS (LabelledRecord): In order.
    """
    if reading.kind == "categories":
        yield from (checked(record, reading) for record in records)
        return
    found = [*records]
    wrong = offset_doubts(found)
    for number, record in enumerate(found):
        if number in wrong and "problem" not in record:
            # --bad-spans cannot help: nobody knows which tokens are undecided
            yield refused(record, f"{wrong[number]}. {CONVERT}")
        else:
            yield checked(record, reading)


def offset_doubts(records: Iterable[Any]) -> dict[int, str]:
    """Which records of a file have spans that are elsewhere, as its offsets do not count characters.

    Of the spans behind what counts otherwise, two or more, nine in ten begin and end with words if counted so, and at most one in
    five as they are. Spans with words of their own are not looked at: these say more.

    records (Iterable): All of one file, with "text" and "spans"; what is not of this shape is passed over.
    RETURNS (dict[int, str]): By the number of the record, from 0, why.
    """
    texts = list[str]()
    behind: dict[str, list[_Place]] = {how: [] for how in UNITS}
    for number, record in enumerate(records):
        text, spans = (record.get(key) if isinstance(record, Mapping) else None for key in KEYS)
        text = text if isinstance(text, str) else ""
        spans = spans if isinstance(spans, list) else []
        texts.append(text)
        if text.isascii() and "\n" not in text:
            continue
        firsts = {how: found.start() for how in UNITS if (found := UNITS[how][0].search(text))}
        for start, end in _offsets(spans) if firsts else ():
            one = _Place(number, start, end, _fits_trimmed(text, start, end))
            for how, first in firsts.items():
                if end > first:
                    behind[how].append(one)
    best = 0.0
    result = dict[int, str]()
    for how, places in behind.items():
        # a text that is there twice shows nothing more
        shown = {(texts[one.record], one.start, one.end): one for one in places}.values()
        fit = sum(one.fits for one in shown)
        if len(shown) < FEWEST or 5 * fit > len(shown):
            continue
        otherwise = _fit_otherwise(shown, texts, UNITS[how][1])
        share = otherwise / len(shown)
        if share >= 0.9 and share > best:
            best = share
            shares = f"{otherwise} of {len(shown)} spans of the file behind such characters, {fit} as they are"
            why = f"its offsets fit when counted {how} ({shares})"
            result = dict.fromkeys((one.record for one in places), why)
    return result


def _offsets(spans: Any) -> Iterator[tuple[int, int]]:
    """The places of spans that have nothing else to tell where they are."""
    for span in spans:
        if isinstance(span, Mapping) and "text" not in span and "problem" not in span:
            start, end = span.get("start"), span.get("end")
            if type(start) is int and type(end) is int:
                yield start, end


def _fit_otherwise(
    places: Iterable[_Place], texts: Sequence[str], widths: Callable[[str], list[int]]
) -> int:
    """How many begin and end with words if characters count so much."""
    number, to_character, count = -1, dict[int, int](), 0
    for one in places:
        text = texts[one.record]
        if one.record != number:
            number = one.record
            counted = enumerate(accumulate(widths(text), initial=0))
            # of two places that count the same, before and within a line end, the first
            to_character = {after: place for place, after in reversed([*counted])}
        count += _fits(text, to_character.get(one.start, -1), to_character.get(one.end, -1))
    return count


def _fits_trimmed(text: str, start: int, end: int) -> bool:
    """Whether a place fits without the white space at its edges, which is cut off later."""
    if not 0 <= start < end <= len(text):
        return False
    words = text[start:end]
    start += len(words) - len(words.lstrip())
    return _fits(text, start, start + len(words.strip()))


def _fits(text: str, start: int, end: int) -> bool:
    """Whether there are words at a place, which begins and ends where they do."""
    if not 0 <= start < end <= len(text):
        return False
    words = text[start:end]
    has_words = any(map(str.isalnum, words)) and words == words.strip()
    return has_words and not _is_in_word(text, start) and not _is_in_word(text, end)


def _is_in_word(text: str, place: int) -> bool:
    """Whether a word goes on from the character before a place to the one after."""
    if not 0 < place < len(text):
        return False
    if _is_accent(text[place]):
        return True
    before = place - 1
    while before and _is_accent(text[before]):
        before -= 1
    pair = (text[before], text[place])
    return all(one.isalnum() and not UNSPACED.match(one) for one in pair)


def _is_accent(character: str) -> bool:
    """Whether it is a part of the character before."""
    return unicodedata.category(character)[0] == "M"

"""Where spans of labelling platforms are: some count UTF-16 units, as JavaScript does, and of some nobody has said what they count.

Both counts are the same until a character beyond U+FFFF comes, such as an emoji. A place is believed where the words of its span stand,
or where every way to count means the same; else the span is bad, and never moved.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from spacy_al.adapters.label_studio.regions import utf16_places
from spacy_al.adapters.reading import Mark
from spacy_al.adapters.record_check import same_words, short

Unit: TypeAlias = Literal["utf-16", "unknown"]
Place: TypeAlias = tuple[int, int] | None
UNCERTAIN = (
    "the file does not say whether places count characters or UTF-16 units, which differ here"
)


@dataclass(frozen=True)
class PlatformSpan:
    """A span as a platform has it.

    start, end (Any): As the file has them; the end is exclusive here.
    label (Any): Its label.
    words (Any): What the file says stands there; None if it does not say.
    """

    start: Any
    end: Any
    label: Any
    words: Any = None


def place_spans(spans: Sequence[PlatformSpan], text: str, unit: Unit) -> list[Mark]:
    """The spans of one annotation, in code points.

    spans (Sequence[PlatformSpan]): All of them, since a tool counts in one way.
    text (str): Where they are.
    unit (str): "utf-16" where the platform is known to count so: code points are tried only where that cannot be right. "unknown":
        only words tell, or the same place either way.
    RETURNS (list[Mark]): As many; a "problem" says why one cannot be used.
    """
    by_unit: list[Mapping[int, int] | range] = [utf16_places(text), range(len(text) + 1)]
    found = [[_place(span, places) for span in spans] for places in by_unit]
    wrong = [sum(_differs(*pair, text) for pair in zip(spans, places)) for places in found]
    if unit == "utf-16":
        # without words there is nothing that speaks against it
        best = 0 if wrong[0] <= wrong[1] or all(span.words is None for span in spans) else 1
    else:
        best = 1 if wrong[1] <= wrong[0] else 0
    is_tie = wrong[0] == wrong[1]
    marks = []
    for span, places in zip(spans, zip(*found)):
        mark = _mark(span, places[best], text)
        doubtful = unit == "unknown" and (span.words is None or is_tie)
        if doubtful and places[0] != places[1]:
            mark = _nowhere(span, text, UNCERTAIN)
        marks.append(mark)
    return marks


def utf16_length(text: str) -> int:
    """The length of a text in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def is_plain(text: str, end: int) -> bool:
    """Whether every way to count means the same up to a place in a text."""
    return all(ord(character) <= 0xFFFF for character in text[:end])


def _mark(span: PlatformSpan, place: Place, text: str) -> Mark:
    if place is None:
        return _nowhere(span, text, "that is not within its text")
    mark: Mark = {"start": place[0], "end": place[1], "label": span.label}
    if span.words is not None:
        mark["text"] = span.words
    return mark


def _nowhere(span: PlatformSpan, text: str, why: str) -> Mark:
    """A bad span; of the whole text nobody knows then what is labelled."""
    mark: Mark = {"start": 0, "end": len(text), "label": span.label}
    mark["problem"] = f"it is at {short(span.start)} to {short(span.end)}, and {why}"
    return mark


def _place(span: PlatformSpan, places: Mapping[int, int] | range) -> Place:
    """None where it is none, such as half a character."""
    if type(span.start) is not int or type(span.end) is not int:
        return None
    if not 0 <= span.start < span.end:
        return None
    try:
        return places[span.start], places[span.end]
    except LookupError:
        return None


def _differs(span: PlatformSpan, place: Place, text: str) -> int:
    """How far what stands at a place is from the words of a span: 0, 1 where white space differs, 2."""
    if place is None:
        return 2
    stands = text[slice(*place)]
    if span.words is None or span.words == stands:
        return 0
    return 1 if isinstance(span.words, str) and same_words(span.words, stands) else 2

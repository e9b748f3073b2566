"""Where the regions of an annotation are.

Label Studio counts code points, as Python does, and the two characters of a Windows line end as two; of emoji, accents made of two
characters and right-to-left text, marked with a mouse in its page (1.23), every region was where its text is. Versions before
2021, and tools that write by its API, may count UTF-16 units as JavaScript does. So a region's place is believed only where its
own text stands there.
"""

from collections.abc import Mapping, Sequence
from typing import Any


def place_regions(values: Sequence[Mapping[str, Any]], text: str) -> list[tuple[int, int, bool]]:
    """Where regions are: by code points if that is right for all of them, or else for as many as by UTF-16 units.

    values (Sequence[Mapping]): Of the regions of one annotation.
    text (str): Of the task.
    RETURNS (list[tuple[int, int, bool]]): Start and end in code points, and whether the region is not there by its own text.
    """
    tried = []
    for places in (range(len(text) + 1), utf16_places(text)):
        found = [_placed(value, places) for value in values]
        tried.append([(*p, not _stands(value, p, text)) for value, p in zip(values, found)])
    # the first of those with the fewest that are bad
    return min(tried, key=lambda found: sum(bad for *_, bad in found))


def utf16_places(text: str) -> Mapping[int, int]:
    """From each place in a text, counted in UTF-16 units to the same one in code points."""
    found, units = {0: 0}, 0
    for place, character in enumerate(text, 1):
        units += 1 + (ord(character) > 0xFFFF)
        found[units] = place
    return found


def _placed(value: Mapping[str, Any], places: Any) -> tuple[int, int]:
    try:
        start, end = (places[int(value[key])] for key in ("start", "end"))
    except (LookupError, TypeError, ValueError, ArithmeticError):
        return (0, 0)
    return (start, end)


def _stands(value: Mapping[str, Any], place: tuple[int, int], text: str) -> bool:
    """Whether a region's own text is there. Without one both ways to count have to mean the same."""
    start, end = place
    if value.get("text") is None:
        return 0 <= start < end and all(ord(character) <= 0xFFFF for character in text[:end])
    return 0 <= start < end and _same(str(value["text"]), text[start:end])


def _same(shown: str, text: str) -> bool:
    """Whether this is how Label Studio's page writes a text: it makes a backslash and an n of each line end, and one blank, or none, of
    several; the places are right all the same. At either end nothing may be missing."""
    if shown == text:
        return True
    return text == text.strip() and text.split() in (
        shown.split(),
        shown.replace("\\n", " ").split(),
    )

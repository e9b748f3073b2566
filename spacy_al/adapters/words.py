"""Texts of files that have words: put together, and what is said of words, by characters."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from spacy_al.adapters.reading import Mark, Reading
from spacy_al.adapters.record_check import short
from spacy_al.adapters.tag_scheme import ImpossibleError, entities, find_scheme, is_tag, parsed


def joined(words: Sequence[str], spaces: Sequence[bool] | None = None) -> tuple[str, list[int]]:
    """The text of words, and where each begins.

    words (Sequence[str]): In order.
    spaces (Sequence[bool] | None): Whether a blank follows each; by default one between all.
    RETURNS (tuple[str, list[int]]): The text, and a place a word.
    """
    if spaces is None:
        spaces = [True] * (len(words) - 1) + [False]
    starts, place = [], 0
    for word, space in zip(words, spaces):
        starts.append(place)
        place += len(word) + space
    return "".join(word + " " * space for word, space in zip(words, spaces)), starts


def word_marks(
    marks: Iterable[tuple[int, int, str]], words: Sequence[str], starts: Sequence[int]
) -> list[Mark]:
    """Labels on words, as labels on characters.

    marks (Iterable): First word, the one after the last, label.
    words (Sequence[str]): Of the text.
    starts (Sequence[int]): Where each begins.
    """
    return [
        {"start": starts[first], "end": starts[end - 1] + len(words[end - 1]), "label": label}
        for first, end, label in marks
    ]


def tag_scheme(texts: Iterable[Sequence[str]], path: Path, reading: Reading) -> str:
    """The scheme of the tags of a file, and a sentence on it; tags that are none are left to their text.

    texts (Iterable[Sequence[str]]): The tags of each text.
    path (Path): For messages.
    reading (Reading): Is told.
    RETURNS (str): As `find_scheme`.
    RAISES (AlError): AL268 for tags of several schemes.
    """
    found = [[parsed(tag, n) for tag in tags if is_tag(tag)] for n, tags in enumerate(texts, 1)]
    scheme = find_scheme(found, path)
    reading.say(f"The tags of {path.name} are in {scheme}.")
    return scheme


def tag_spans(tags: Sequence[str], scheme: str) -> list[tuple[int, int, str]]:
    """The entities of a text by the tags of its words: (first word, the one after the last, label).

    RAISES (ValueError): A tag that is none, or cannot stand there.
    """
    for word, tag in enumerate(tags, 1):
        if not is_tag(tag):
            raise ValueError(f"the tag of word {word} is {short(tag)}, and none such as O or B-PER")
    try:
        return entities([parsed(tag, 0) for tag in tags], scheme)
    except ImpossibleError as error:
        raise ValueError(f"the tag of word {error.row + 1}: {error}") from error

"""Schemes of tags on words: which one a column is in, and the entities that its tags say."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spacy_al.errors import AlError, Errors

# The letters of tags: first of an entity, further inside, last, alone
FIRST, INSIDE, LAST, ALONE = "B", "IM", "EL", "SUW"
TAG = re.compile(r"([BIMELSUW])-(\S.*)")
OUTSIDE, UNKNOWN = "O", "-"
# The letters that a scheme has beside O; the first that has all of a file's is the file's
SCHEMES = {
    "IOB": "BI",
    "BIOES": "BIES",
    "BILUO": "BILU",
    "BMES": "BMES",
    "BMEWO": "BMEW",
}
# Parts of sentences, as CoNLL's column of chunks has them
CHUNKS = frozenset(["NP", "VP", "PP", "ADVP", "ADJP", "SBAR", "PRT", "CONJP", "INTJ", "LST", "UCP"])


class ImpossibleError(ValueError):
    """A tag that cannot follow the one before; `row` is its place in the text."""

    def __init__(self, row: int, why: str) -> None:
        super().__init__(why)
        self.row = row


@dataclass(frozen=True)
class Tag:
    """A tag with the number of its line."""

    letter: str
    label: str
    line: int


def is_tag(value: str) -> bool:
    """Whether a value is a tag of an entity, or says that there is none."""
    return value in (OUTSIDE, UNKNOWN) or bool(TAG.fullmatch(value))


def are_tags(values: Iterable[str]) -> bool:
    """Whether a column holds tags."""
    found = set(values)
    return all(map(is_tag, found)) and found != {UNKNOWN}


def are_chunks(values: Iterable[str]) -> bool:
    """Whether the labels of a column of tags are parts of sentences."""
    labels = {match[2] for value in set(values) if (match := TAG.fullmatch(value))}
    return bool(labels) and labels <= CHUNKS


def parsed(value: str, line: int) -> Tag:
    """value (str): What `is_tag` is true of."""
    match = TAG.fullmatch(value)
    return Tag(match[1], match[2], line) if match else Tag(value, "", line)


def find_scheme(texts: Sequence[Sequence[Tag]], path: object) -> str:
    """The scheme of the tags of a file.

    texts (Sequence): The tags of each text.
    path (object): For the message.
    RETURNS (str): "IOB1", "IOB2", "BIOES", "BILUO", "BMES" or "BMEWO". IOB2 begins every entity with B, IOB1 those alone that
        follow one of their label; a file that has both is taken for IOB2.
    RAISES (AlError): AL268 for letters of several schemes.
    """
    first_line: dict[str, int] = {}
    for text in texts:
        for tag in text:
            if tag.label:
                first_line.setdefault(tag.letter, tag.line)
    for name, letters in SCHEMES.items():
        if set(first_line) <= set(letters):
            return name if name != "IOB" else _iob(texts)
    found = ", ".join(f"{letter}- in line {line}" for letter, line in first_line.items())
    how = "Name another column with --column, or mend the tags"
    why = f"its tags are of no single scheme: {found}"
    raise AlError(Errors.AL268.format(where=path, why=why, how=how))


def entities(tags: Sequence[Tag], scheme: str) -> list[tuple[int, int, str]]:
    """The entities of a text.

    tags (Sequence[Tag]): Of its words.
    scheme (str): As `find_scheme` says.
    RETURNS (list): (first word, word after the last, label).
    RAISES (ImpossibleError): A tag that cannot stand there.
    """
    closes = not scheme.startswith("IOB")
    found = list[tuple[int, int, str]]()
    start: int | None = None
    label = ""
    for row, tag in enumerate([*tags, Tag(OUTSIDE, "", 0)]):
        goes_on = tag.letter in INSIDE or tag.letter in LAST
        if start is not None:
            if goes_on and tag.label == label:
                if tag.letter in LAST:
                    found.append((start, row + 1, label))
                    start = None
                continue
            if closes:
                why = f"the tag before it leaves {label} open, and this one does not go on with it"
                raise ImpossibleError(min(row, len(tags) - 1), why)
            found.append((start, row, label))
            start = None
        if tag.letter in ALONE:
            found.append((row, row + 1, tag.label))
        elif tag.letter == FIRST or (goes_on and scheme == "IOB1"):
            start, label = row, tag.label
        elif goes_on:
            why = f"{tag.letter}-{tag.label} goes on with what has not begun, and the file is in {scheme}"
            raise ImpossibleError(row, why)
    return found


def open_edge(tags: Sequence[Tag], first: int, after: int, scheme: str) -> str:
    """Why it is not known where an entity begins or ends, or nothing: nothing is decided of the word beside it.

    tags (Sequence[Tag]): Of the words of its text.
    first, after (int): Its first word, and the one after its last.
    scheme (str): As `find_scheme` says.
    """
    if not scheme.startswith("IOB"):
        return ""
    if after < len(tags) and tags[after].letter == UNKNOWN:
        return f"the word after it has the tag {UNKNOWN}, so where it ends is not known"
    if first and tags[first - 1].letter == UNKNOWN and tags[first].letter != FIRST:
        return f"the word before it has the tag {UNKNOWN}, so where it begins is not known"
    return ""


def _iob(texts: Sequence[Sequence[Tag]]) -> str:
    begun, unbegun = False, False
    for text in texts:
        before = ""
        for tag in text:
            if tag.label and tag.label != before:
                begun |= tag.letter == FIRST
                unbegun |= tag.letter != FIRST
            before = tag.label
    return "IOB1" if unbegun and not begun else "IOB2"

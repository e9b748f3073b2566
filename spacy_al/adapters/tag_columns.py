"""The columns of a file of words: which one has the words, and which the tags."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from spacy_al.adapters.reading import Reading
from spacy_al.adapters.record_check import short
from spacy_al.adapters.tag_scheme import are_chunks, are_tags, is_tag
from spacy_al.errors import AlError, Errors, UsageError

CONLL_2003 = ("word", "pos", "chunk", "ner")
# Values of a column that a message shows
SHOWN = 4
# What a row that names the columns has in it, whatever else
NAMES = {"word", "words", "token", "tokens", "text", "form", "pos", "chunk"} | {
    *("tag", "tags", "ner", "ner_tag", "ner_tags", "ne", "label", "labels", "iob", "bio"),
    *("entity", "entities"),
}
NUMBER = re.compile(r"(?:[0-9]+-)?([0-9]+)")


class Row(NamedTuple):
    """A word: the number of its line, and its columns."""

    line: int
    columns: Sequence[str]


@dataclass(frozen=True)
class Layout:
    """Where what stands.

    texts (Sequence): Without the row of names, if there was one.
    width (int): How many columns a row has.
    word, tag (int): Which have the words and the tags, from 0.
    """

    texts: Sequence[Sequence[Row]]
    width: int
    word: int
    tag: int


def find_layout(
    texts: Sequence[Sequence[Row]], path: Path, reading: Reading, names: Sequence[str] | None
) -> Layout:
    """The columns of a file.

    texts (Sequence): Rows of each text.
    path (Path): For messages.
    reading (Reading): Its `column` is followed; it is told which one was chosen where there are several.
    names (Sequence[str] | None): What the file calls its columns.
    RAISES (AlError): AL268 if no column has tags, AL269 (UsageError) if several have, or the one that was named is not there.
    """
    rows = [row for text in texts for row in text]
    if not rows:
        return Layout((), 0, 0, 0)
    width = Counter(len(row.columns) for row in rows).most_common(1)[0][0]
    if width < 2:
        why = f"line {rows[0].line} has one column, and it needs a word and a tag"
        raise AlError(
            Errors.AL268.format(where=path, why=why, how="Columns are parted by tabs or blanks")
        )
    if names is None and _is_header(rows, width):
        reading.say(f"Line {rows[0].line} of {path.name} names its columns.")
        names, rows = rows[0].columns, rows[1:]
        texts = [texts[0][1:], *texts[1:]] if len(texts[0]) > 1 else texts[1:]
    whole = [row for row in rows if len(row.columns) == width]
    word = _word_column(texts, width)
    if names is None and width == len(CONLL_2003) and are_chunks(row.columns[2] for row in whole):
        names = CONLL_2003
    names = names if names and len(names) == width else [str(number + 1) for number in range(width)]
    if reading.column is not None:
        return Layout(texts, width, word, _named(reading.column, names, whole, word, path))
    good = {n: _mostly_tags([row.columns[n] for row in whole]) for n in range(word + 1, width)}
    found = [n for n, tags in good.items() if tags]
    if not found:
        values = _described(whole, range(word + 1, width), names)
        why = f"none of its columns has tags such as O and B-PER: {values}"
        raise AlError(Errors.AL268.format(where=path, why=why, how="Mend the tags"))
    tagged = [n for n in found if not are_chunks(row.columns[n] for row in whole)] or found
    first = [row.columns[tagged[0]] for row in whole]
    if any([row.columns[n] for row in whole] != first for n in tagged[1:]):
        shown = _described(whole, tagged, names)
        raise UsageError(Errors.AL269.format(path=path, columns=shown, example=tagged[-1] + 1))
    if width > 2:
        reading.say(
            f"Of the {width} columns of {path.name}, {word + 1} has the words and {tagged[-1] + 1} the tags."
        )
    return Layout(texts, width, word, tagged[-1])


def _is_header(rows: Sequence[Row], width: int) -> bool:
    """Whether the first row names the columns. A word whose tag is mistaken looks like one, too, but for its names."""
    first = rows[0].columns
    below = [row for row in rows[1:] if len(row.columns) == width]
    return (
        len(first) == width
        and not any(map(is_tag, first[1:]))
        and any(name.strip("# ").casefold() in NAMES for name in first)
        and any(are_tags(row.columns[n] for row in below) for n in range(1, width) if below)
    )


def _word_column(texts: Sequence[Sequence[Row]], width: int) -> int:
    """The first column that neither numbers words nor names their text; one for tags is left behind it."""
    column = 0
    while column < width - 2 and _is_place(texts, column):
        column += 1
    return column


def _is_place(texts: Sequence[Sequence[Row]], column: int) -> bool:
    """Whether a column says where words are: in each text it counts, or is the same throughout."""
    values = [[row.columns[column] for row in text if len(row.columns) > column] for text in texts]
    several = [cells for cells in values if len(cells) > 1]
    counted = all(map(_counts, values)) or all(len({*cells}) == 1 for cells in values if cells)
    return bool(several) and counted


def _counts(values: Sequence[str]) -> bool:
    """Whether values are numbers that follow each other, from any on; "2-1" is the first of a second sentence."""
    found = [NUMBER.fullmatch(value) for value in values]
    numbers = [int(match[1]) for match in found if match]
    return len(numbers) == len(values) and all(b == a + 1 for a, b in pairwise(numbers))


def _mostly_tags(values: Sequence[str]) -> bool:
    """Whether a column has tags: a slip costs its text, not the file."""
    tags = [value for value in values if is_tag(value)]
    return are_tags(tags) and len(tags) > 0.9 * len(values) if tags else False


def _named(column: str, names: Sequence[str], rows: Sequence[Row], word: int, path: Path) -> int:
    others = [n for n in range(len(names)) if n != word]
    for n in others:
        if column in (names[n], str(n + 1)):
            return n
    shown = f"no column {short(column)}, but {_described(rows, others, names)}"
    raise UsageError(Errors.AL269.format(path=path, columns=shown, example=others[-1] + 1))


def _described(rows: Sequence[Row], columns: Sequence[int] | range, names: Sequence[str]) -> str:
    """Columns with some of their values."""
    parts = []
    for n in columns:
        values = [value for value, _ in Counter(row.columns[n] for row in rows).most_common(SHOWN)]
        name = f"{n + 1}" + (f" {short(names[n])}" if names[n] != str(n + 1) else "")
        parts.append(f"{name} (e.g. {', '.join(map(short, values))})")
    return "; ".join(parts)

"""Words with IOB tags: a word a line (CoNLL), or a text a line (IOB), as `spacy convert` reads them.

The texts' white space is not in them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from spacy.tokens import Doc
from spacy.training import iob_to_biluo, tags_to_entities

from spacy_al.adapters.files import read_text
from spacy_al.corpus.shard import writing

MARKER = "-DOCSTART-"


def write_conll(texts: Iterable[tuple[Doc, Any]], path: Path) -> Counter[str]:
    """Write word, tab, tag; an empty line after each text. See `formats.write_format`."""
    return _write(texts, path, "\t", "\n", "\n\n")


def write_iob(texts: Iterable[tuple[Doc, Any]], path: Path) -> Counter[str]:
    """Write word|tag, a text a line. See `formats.write_format`."""
    return _write(texts, path, "|", " ", "\n")


def read_conll(path: Path) -> Iterator[dict[str, Any]]:
    """Read columns: the word first, the tag last. Texts end with an empty line; -DOCSTART- is passed over.

    YIELDS (dict): Records, with single blanks between words.
    RAISES (AlError): AL040 or AL046 if the file cannot be read.
    """
    rows = (line.split() for line in read_text(path).split("\n"))
    for filled, block in groupby(rows, key=bool):
        columns = list(block)
        # two columns are a word of a text, be it this one
        if filled and not (len(columns) == 1 and columns[0][0] == MARKER and len(columns[0]) != 2):
            yield _record(columns)


def read_iob(path: Path) -> Iterator[dict[str, Any]]:
    """Read word|tag or word|part of speech|tag, a text a line.

    YIELDS (dict): Records, with single blanks between words.
    RAISES (AlError): AL040 or AL046 if the file cannot be read.
    """
    for line in read_text(path).split("\n"):
        if columns := [word.split("|") for word in line.split()]:
            yield _record(columns)


def _write(
    texts: Iterable[tuple[Doc, Any]], path: Path, between: str, after: str, end: str
) -> Counter[str]:
    left_out: Counter[str] = Counter()
    with writing(path, "wb") as file:
        for doc, _ in texts:
            rows = list(_rows(doc))
            if why := _unfit(rows, between):
                left_out[why] += 1
                continue
            line = after.join(between.join(row) for row in rows) + end
            file.write(line.encode("utf8", "surrogatepass"))
    return left_out


def _rows(doc: Doc) -> Iterator[tuple[str, str]]:
    """Words and tags. White space that is a token of its own is no word; an entity may begin with it."""
    begun = False
    for token in doc:
        word = "".join(token.text.split())
        begun = begun and token.ent_iob_ == "I"
        if word and token.ent_iob_ in ("B", "I"):
            yield word, f"{'I' if begun else 'B'}-{token.ent_type_}"
            begun = True
        elif word:
            yield word, "O"


def _unfit(rows: Sequence[tuple[str, str]], between: str) -> str:
    """Why a text cannot be written, or nothing."""
    if not rows:
        return "without a word"
    if any("".join(tag.split()) != tag for _, tag in rows):
        return "with white space in a label"
    if between == "|" and any("|" in part for row in rows for part in row):
        return "with a | in it"
    return ""


def _record(columns: Sequence[Sequence[str]]) -> dict[str, Any]:
    words = [column[0] for column in columns]
    text = " ".join(words)
    if any(len(column) < 2 for column in columns):
        return {"text": text, "problem": "a word has no tag"}
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(word) + 1)
    try:
        entities = tags_to_entities(iob_to_biluo([column[-1] for column in columns]))
    except ValueError as error:
        return {"text": text, "problem": str(error)}
    spans = [
        {"start": starts[first], "end": starts[last + 1] - 1, "label": label}
        for label, first, last in entities
    ]
    return {"text": text, "spans": spans}

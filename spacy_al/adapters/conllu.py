"""CoNLL-U, of Universal Dependencies: ten columns a word. Its parts of speech, and entities where MISC has them.

The kept library `conllu` reads it too, but not where a word stands in the file, by which a person finds what is wrong.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from spacy_al.adapters.files import read_text, split_lines
from spacy_al.adapters.reading import LabelledRecord, Reading
from spacy_al.adapters.tag_scheme import UNKNOWN
from spacy_al.adapters.words import joined, tag_scheme, tag_spans, word_marks
from spacy_al.errors import Errors, UsageError

# Columns of tags, by the names that people give
TAGS = {"upos": 3, "xpos": 4, "4": 3, "5": 4}
MISC = 9
Row = tuple[int, list[str]]


def read_conllu(path: Path, reading: Reading) -> Iterator[LabelledRecord]:
    """Read sentences. `column` is "upos" or "xpos", or for entities the key in MISC (by default NER).

    A word that is written as one and analysed as several ("zum") stays one token, which has no tag of its own.

    YIELDS (LabelledRecord): With words, and the text that `# text` says where it is there.
    RAISES (AlError): AL330 (UsageError) where both columns have tags and none is named.
    """
    rows = [
        (n, line.rstrip("\r")) for n, line in enumerate(split_lines(read_text(path, reading)), 1)
    ]
    blocks = [
        [*block] for filled, block in groupby(rows, lambda row: bool(row[1].strip())) if filled
    ]
    column = _column(blocks, path, reading)
    scheme = ""
    if reading.kind == "entities":
        cells = ((line.split("\t") for _, line in block) for block in blocks)
        tags = ([_tag(c, column) or "O" for c in words if len(c) == 10] for words in cells)
        scheme = tag_scheme(tags, path, reading)
    for block in blocks:
        words = [(n, line.split("\t")) for n, line in block if not line.startswith("#")]
        if not words:
            continue
        where = f"{path.name}:{block[0][0]}"
        said = [line for _, line in block if line.startswith("#")]
        try:
            yield {"where": where, **_record(words, said, column, scheme, reading)}
        except ValueError as error:
            yield {"where": where, "problem": str(error)}


def _column(blocks: Sequence[Sequence[tuple[int, str]]], path: Path, reading: Reading) -> int | str:
    if reading.kind == "entities":
        return (reading.column or "NER").casefold()
    named = (reading.column or "").casefold()
    if named in TAGS:
        return TAGS[named]
    filled = {"upos": 0, "xpos": 0}
    for block in blocks:
        for _, line in block:
            cells = line.split("\t")
            if len(cells) == 10 and not line.startswith("#"):
                for name in filled:
                    filled[name] += cells[TAGS[name]] != "_"
    there = [name for name in filled if filled[name]]
    if reading.column is not None or len(there) > 1:
        found = ", ".join(there) or "none"
        raise UsageError(Errors.AL330.format(path=path, what="columns of tags", found=found))
    return TAGS[there[0]] if there else TAGS["upos"]


def _record(
    rows: Sequence[Row], said: Sequence[str], column: int | str, scheme: str, reading: Reading
) -> LabelledRecord:
    words, spaces, tags = [], [], list[str | None]()
    expected, covered = 1, 0
    parts = list[str | None]()
    for line, cells in rows:
        if len(cells) != 10 or not cells[1]:
            raise ValueError(
                f"line {line} has {len(cells)} columns, where CoNLL-U has 10, or no word"
            )
        number, form, misc = cells[0], cells[1], cells[MISC]
        if "." in number:
            reading.skip(["empty nodes"])
            continue
        first, dash, last = number.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ValueError(f"line {line} begins with {number!r}, which numbers no word")
        if int(first) != expected:
            raise ValueError(f"line {line} is word {number}, where {expected} is next")
        if dash:
            if int(last) < expected:
                raise ValueError(f"line {line}: the words {number} are in the wrong order")
            covered, parts = int(last), []
            reading.skip(["words that are analysed as several"])
        else:
            expected += 1
            if int(first) <= covered:
                parts.append(_tag(cells, column))
                if int(first) == covered and scheme:
                    tags[-1] = _together(parts)
                continue
        words.append(form)
        spaces.append("SpaceAfter=No" not in misc.split("|"))
        tags.append(None if dash else _tag(cells, column))
    if covered >= expected:
        raise ValueError(f"the words {expected} to {covered} are missing")
    if spaces:
        # what would follow is another text
        spaces[-1] = False
    text, starts = joined(words, spaces)
    for comment in said:
        key, equals, value = comment[1:].partition("=")
        if equals and key.strip() == "text" and value.split() != text.split():
            raise ValueError("its words are not those of '# text'")
    record: LabelledRecord = {"text": text, "words": words, "spaces": spaces}
    if all(tag is None for tag in tags):
        raise ValueError(f"nothing is said in {_name(column)}")
    if reading.kind == "tags":
        marks = [(k, k + 1, tag) for k, tag in enumerate(tags) if tag is not None]
    else:
        marks = tag_spans([tag or "O" for tag in tags], scheme)
    record["spans"] = word_marks(marks, words, starts)
    for mark, (_, end, _) in zip(record["spans"], marks):
        if reading.kind == "entities" and end < len(tags) and tags[end] is None:
            mark["problem"] = "nothing is said of the word after it, so where it ends is not known"
    record["missing"] = [
        (start, start + len(word)) for start, word, tag in zip(starts, words, tags) if tag is None
    ]
    return record


def _tag(cells: list[str], column: int | str) -> str | None:
    """What is said of a word; None if nothing is."""
    if isinstance(column, int):
        return None if cells[column] == "_" else cells[column]
    pairs = (pair.partition("=") for pair in cells[MISC].split("|"))
    found = next((value for key, _, value in pairs if key.casefold() == column), None)
    return None if found == UNKNOWN else found


def _together(tags: Sequence[str | None]) -> str | None:
    """The tag of a word that is analysed as several, if one can be."""
    first, *rest = tags
    inside = None if first is None or first == "O" else f"I-{first[2:]}"
    return first if all(tag == (inside or first) for tag in rest) else None


def _name(column: int | str) -> str:
    return f"column {column + 1}" if isinstance(column, int) else f"MISC by the key {column!r}"

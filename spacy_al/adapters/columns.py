"""Words with tags: a word a line (CoNLL), or a text a line (IOB), as `spacy convert` reads them.

The texts' white space is not in them.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from spacy_al.adapters.files import read_text, split_lines
from spacy_al.adapters.reading import LabelledRecord, Mark, Reading
from spacy_al.adapters.record_check import refused, short
from spacy_al.adapters.tag_columns import Layout, Row, find_layout
from spacy_al.adapters.tag_scheme import (
    UNKNOWN,
    ImpossibleError,
    entities,
    find_scheme,
    is_tag,
    open_edge,
    parsed,
)
from spacy_al.corpus.shard import writing
from spacy_al.reporting.words import plural

MARKER = "-DOCSTART-"
BLANK = re.compile("[ \t]+")
COLUMNS = "# global.columns ="


def write_conll(texts: Iterable[tuple[Doc, Any]], path: Path) -> Counter[str]:
    """Write word, tab, tag; an empty line after each text. See `formats.write_format`."""
    return _write(texts, path, "\t", "\n", "\n\n")


def write_iob(texts: Iterable[tuple[Doc, Any]], path: Path) -> Counter[str]:
    """Write word|tag, a text a line. See `formats.write_format`."""
    return _write(texts, path, "|", " ", "\n")


def read_conll(path: Path, reading: Reading) -> Iterator[LabelledRecord]:
    """Read columns, the word first. Texts end with an empty line or with -DOCSTART-, which is no word; comments are counted.

    YIELDS (LabelledRecord): With single blanks between words.
    RAISES (AlError): AL040, AL046 or AL267 if the file cannot be read; AL268 or AL269 if it is not clear which column has the
        tags, or in which scheme they are.
    """
    lines = split_lines(read_text(path, reading))
    filled = [line for line in lines if line.strip(" \t") and MARKER not in line]
    rows = [line for line in filled if not line.startswith("#")]
    # tabs are within no word, and blanks may be
    tabs = all("\t" in line for line in rows)
    widths = Counter(len(_cells(line, tabs)) for line in rows).most_common(1)
    width = widths[0][0] if widths else 0
    texts, names = [list[Row]()], None
    for number, line in enumerate(lines, 1):
        columns = _cells(line, tabs)
        if line.startswith(COLUMNS):
            names = line.removeprefix(COLUMNS).split()
        elif not line.strip(" \t") or BLANK.split(line.strip(" \t"))[0] == MARKER:
            texts.append([])
        elif line.startswith("#") and not _is_row(columns, width, tabs):
            reading.skip(["comments"])
        else:
            texts[-1].append(Row(number, columns))
    yield from _records([text for text in texts if text], path, reading, names)


def _cells(line: str, tabs: bool) -> list[str]:
    return (
        [cell.strip(" ") for cell in line.split("\t")] if tabs else BLANK.split(line.strip(" \t"))
    )


def _is_row(columns: Sequence[str], width: int, tabs: bool) -> bool:
    """Whether what begins with # is a word, such as a hashtag, and no comment."""
    tags = [cell for cell in columns[1:] if is_tag(cell)]
    if tags and tags[-1] == columns[-1]:
        return True
    # a word has no blank in it
    whole = tabs and " " not in columns[0]
    return len(columns) == width and (whole or any(tag != UNKNOWN for tag in tags))


def read_iob(path: Path, reading: Reading) -> Iterator[LabelledRecord]:
    """Read word|tag or word|part of speech|tag, a text a line.

    YIELDS (LabelledRecord): With single blanks between words.
    RAISES (AlError): As `read_conll`.
    """
    texts = [
        [Row(number, word.split("|")) for word in line.split() if word.split("|")[0] != MARKER]
        for number, line in enumerate(split_lines(read_text(path, reading)), 1)
    ]
    yield from _records([text for text in texts if text], path, reading, None)


def _records(
    texts: Sequence[Sequence[Row]], path: Path, reading: Reading, names: Sequence[str] | None
) -> Iterator[LabelledRecord]:
    layout = find_layout(texts, path, reading, names)
    usable = [text for text in layout.texts if not _problem(text, layout)]
    tags = [[parsed(row.columns[layout.tag], row.line) for row in text] for text in usable]
    scheme = find_scheme(tags, path)
    if any(tag.label for text in tags for tag in text):
        reading.say(f"The tags of {path.name} are in {scheme}.")
    if unknown := sum(tag.letter == UNKNOWN for text in tags for tag in text):
        reading.say(
            f"Nothing is decided of {plural(unknown, 'word')} of {path.name} with the tag {UNKNOWN}."
        )
    for text in layout.texts:
        yield _record(text, layout, scheme, path.name)


def _problem(text: Sequence[Row], layout: Layout) -> tuple[int, str] | None:
    """The line of what makes a text unusable, and why."""
    for row in text:
        if len(row.columns) != layout.width:
            return row.line, f"it has {len(row.columns)} columns, and others have {layout.width}"
        value = row.columns[layout.tag]
        if not is_tag(value):
            return row.line, f"{short(value)} is no tag: O, or a letter such as B, a - and a label"
        if not row.columns[layout.word].strip():
            return row.line, "it has no word"
    return None


def _record(text: Sequence[Row], layout: Layout, scheme: str, name: str) -> LabelledRecord:
    record: LabelledRecord = {"where": f"{name}:{text[0].line}"}
    if problem := _problem(text, layout):
        return refused(record, problem[1], f"{name}:{problem[0]}")
    words = [row.columns[layout.word] for row in text]
    record |= {"text": " ".join(words), "words": words}
    record["spaces"] = [True] * (len(words) - 1) + [False]
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(word) + 1)
    values = [row.columns[layout.tag] for row in text]
    tags = [parsed(value, row.line) for value, row in zip(values, text)]
    try:
        found = entities(tags, scheme)
    except ImpossibleError as error:
        row = text[error.row]
        why = f"{short(row.columns[layout.tag])} cannot stand here: {error}"
        return refused(record, why, f"{name}:{row.line}")
    spans: list[Mark] = [
        {
            "start": starts[first],
            "end": starts[after] - 1,
            "label": label,
            "where": f"{name}:{text[first].line}",
        }
        for first, after, label in found
    ]
    for mark, (first, after, _) in zip(spans, found):
        if why := open_edge(tags, first, after, scheme):
            mark["problem"] = why
    missing = [(starts[i], starts[i + 1] - 1) for i, value in enumerate(values) if value == UNKNOWN]
    if missing:
        record["missing"] = missing
    return {**record, "spans": spans}


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
    if any("\0" in word or word[0] == "\ufeff" or word == MARKER for word, _ in rows):
        return f"with a NUL, a mark of the order of bytes, or {MARKER} as a word"
    return ""

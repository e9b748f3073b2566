"""WebAnno TSV 3, which INCEpTION writes too: a token a line, layers and their features as columns, stacked annotations in one cell."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from spacy_al.adapters.files import read_text, split_lines
from spacy_al.adapters.label_studio.regions import utf16_places
from spacy_al.adapters.reading import LabelledRecord, Mark, Reading
from spacy_al.errors import AlError, Errors, UsageError

FORMAT = re.compile(r"#FORMAT=WebAnno TSV 3(\.\d+)?\s*$")
LAYER = re.compile(r"#T_(SP|RL|CH)=(.*)$")
# Of a layer's name all but its end is the place of a Java class
ENTITIES, TAGS = ("NamedEntity.value", "NamedEntity"), ("POS.PosValue", "POS")
ID = re.compile(r"(?s)(.*)\[(\d+)\]")
STRAY = re.compile(r"(?<!\\)[\[\]]")
ESCAPED = re.compile(r"\\(.)")
ROW = re.compile(r"(\d+)-(\d+)((?:\.\d+)?)\t(\d+)-(\d+)\t")


@dataclass(frozen=True)
class Column:
    """A feature of a span layer.

    name (str): "NamedEntity.value", or the layer's alone where it has no features.
    place (int): Its cell in a row.
    layer (tuple[int, ...]): The cells of all features of its layer, which have the same annotations.
    """

    name: str
    place: int
    layer: tuple[int, ...]


def read_webanno(path: Path, reading: Reading) -> Iterator[LabelledRecord]:
    """Read the annotations of one layer, a sentence a text. `column` is "layer.feature", or its end.

    YIELDS (LabelledRecord): With words. A span over several sentences is a bad one in each of them.
    RAISES (AlError): AL046 if it is no WebAnno TSV 3, AL330 (UsageError) where several layers could be meant.
    """
    lines = split_lines(read_text(path, reading))
    if not FORMAT.match(lines[0]):
        why = "it does not begin with #FORMAT=WebAnno TSV 3"
        raise AlError(Errors.AL046.format(path=path, why=why))
    columns, width = _columns(lines, reading)
    column = _chosen(columns, path, reading)
    blocks = _blocks(lines)
    crossing = _crossing(blocks, column)
    if odd := _nulls_are_blank(blocks, column):
        reading.say(f"{path.name} writes features without a value as _, and not as *.")
    for number, said, rows in blocks:
        where = f"{path.name}:{number}"
        try:
            yield {"where": where, **_record(said, rows, column, width, crossing, path.name, odd)}
        except ValueError as error:
            yield {"where": where, "problem": str(error)}


def _columns(lines: Sequence[str], reading: Reading) -> tuple[list[Column], int]:
    """The features of span layers, and the number of cells in a row."""
    found, place = [], 3
    for line in lines:
        if not (match := LAYER.match(line)):
            continue
        kind, (layer, *features) = match[1], match[2].split("|")
        short = layer.rsplit(".", 1)[-1]
        features = [feature for feature in features if feature]
        if kind == "SP":
            names = [f"{short}.{feature}" for feature in features] or [short]
            # links to others have cells of their own
            plain = [n for n, name in enumerate(names) if "ROLE_" not in name]
            own = tuple(place + n for n in plain or range(len(names)))
            found += [Column(name, place + n, own) for n, name in enumerate(names)]
            place += len(names)
        else:
            reading.skip([f"{short} (relations)"])
            # what it points to is a column too
            place += len(features) if kind == "RL" else 2
    return found, place


def _chosen(columns: Sequence[Column], path: Path, reading: Reading) -> Column:
    if reading.column is not None:
        wanted = reading.column.casefold()
        found = [
            column
            for column in columns
            if column.name.casefold() == wanted
            or column.name.casefold().endswith(f".{wanted}")
            or column.name.casefold().startswith(f"{wanted}.")
        ]
    else:
        usual = TAGS if reading.kind == "tags" else ENTITIES
        found = [column for column in columns if column.name in usual]
        if not found:
            others = [c for c in columns if c.name not in (*TAGS, "POS.coarseValue", "Lemma.value")]
            found = others if reading.kind != "tags" else []
    if len(found) != 1:
        names = ", ".join(column.name for column in columns) or "none"
        raise UsageError(Errors.AL330.format(path=path, what="layers of spans", found=names))
    reading.skip(column.name for column in columns if column != found[0])
    return found[0]


def _blocks(lines: Sequence[str]) -> list[tuple[int, str | None, list[tuple[int, str]]]]:
    """Sentences: line, text as it is said, rows."""
    blocks: list[tuple[int, str | None, list[tuple[int, str]]]] = []
    begun = False
    for number, line in enumerate(lines, 1):
        if line.startswith("#Text="):
            if begun and blocks and not blocks[-1][2]:
                # older versions write a text with line ends on several lines
                blocks[-1] = (blocks[-1][0], f"{blocks[-1][1]}\n{line[6:]}", [])
            else:
                blocks.append((number, line[6:], []))
            begun = True
        elif not line.strip():
            begun = False
        elif not line.startswith("#") or ROW.match(line):
            if not begun:
                blocks.append((number, None, []))
                begun = True
            blocks[-1][2].append((number, line))
    return blocks


def _crossing(
    blocks: Sequence[tuple[int, str | None, list[tuple[int, str]]]], column: Column
) -> set[str]:
    """The ids of annotations that are in several sentences."""
    seen: dict[str, int] = {}
    crossing = set[str]()
    for number, _, rows in blocks:
        for _, line in rows:
            cells = line.split("\t")
            cell = cells[column.place] if len(cells) > column.place else "_"
            for _, id in _values(cell):
                if id and seen.setdefault(id, number) != number:
                    crossing.add(id)
    return crossing


def _is_whole(cells: Sequence[str], column: Column) -> bool:
    """Whether all features of the layer have the same annotations."""
    ids = {tuple(id for _, id in _values(cells[place])) for place in column.layer}
    return len(ids) == 1


def _nulls_are_blank(
    blocks: Sequence[tuple[int, str | None, list[tuple[int, str]]]], column: Column
) -> bool:
    """Whether the file writes `_` for a feature without a value, as some tools do: then there is no telling it from nothing."""
    rows = [row.split("\t") for _, _, lines in blocks for _, row in lines]
    rows = [row for row in rows if len(row) > max(column.layer)]
    rows = [row for row in rows if any(row[place] != "_" for place in column.layer)]
    return 4 * sum(not _is_whole(row, column) for row in rows) > len(rows)


def _record(
    said: str | None,
    rows: Sequence[tuple[int, str]],
    column: Column,
    width: int,
    crossing: set[str],
    name: str,
    nulls_are_blank: bool,
) -> LabelledRecord:
    if said is None:
        raise ValueError("no #Text= stands before its tokens")
    if not rows:
        raise ValueError("it has no tokens")
    text = _unescaped(said)
    words, places, marks = [], list[tuple[int, int]](), list[Mark]()
    # annotations of several tokens, and the token that each has reached
    open_: dict[str, tuple[Mark, int]] = {}
    base: int | None = None
    sentence, expected = "", 1
    for line, row in rows:
        match = ROW.match(row)
        cells = row.split("\t")
        # a tab ends each row, in most versions
        if cells and cells[-1] == "":
            cells.pop()
        if not match or len(cells) != width:
            raise ValueError(
                f"line {line} has {len(cells)} columns, where its head says {width}, or no place"
            )
        sub = bool(match[3])
        sentence = sentence or match[1]
        if match[1] != sentence or (not sub and int(match[2]) != expected):
            raise ValueError(
                f"line {line} is token {match[1]}-{match[2]}, where {sentence}-{expected} is next"
            )
        expected += not sub
        word, first, last = _unescaped(cells[2]), int(match[4]), int(match[5])
        if base is None:
            base = first - (len(text) - len(text.lstrip()))
        start, end = first - base, last - base
        if text[start:end] != word or not 0 <= start < end:
            by_units = utf16_places(text)
            start, end = by_units.get(start, -1), by_units.get(end, -1)
            if start < 0 or text[start:end] != word:
                raise ValueError(
                    f"line {line} says {word!r}, and another text stands at {first} to {last}"
                )
        if not nulls_are_blank and not _is_whole(cells, column):
            raise ValueError(f"line {line}: the features of a layer have different annotations")
        if not sub:
            if places and start < places[-1][1]:
                raise ValueError(f"line {line} begins before the token above it ends")
            words.append(word)
            places.append((start, end))
        for raw, id in _values(cells[column.place]):
            # a star stands for an annotation without a value
            label = "" if raw == "*" else _unescaped(raw)
            if not label and "." not in column.name:
                label = column.name
            mark: Mark = {"start": start, "end": end, "label": label, "where": f"{name}:{line}"}
            if STRAY.search(raw):
                mark["problem"] = "a bracket in its cell is not escaped, and numbers nothing"
            if id is None or id not in open_:
                marks.append(mark)
            if id is None:
                continue
            if id not in open_:
                open_[id] = (mark, expected)
                if id in crossing:
                    mark["problem"] = "it goes on in another sentence"
                continue
            begun, reached = open_[id]
            begun["end"] = max(end, begun["end"])
            open_[id] = (begun, expected)
            if begun["label"] != label:
                begun["problem"] = "its parts have different labels"
            elif expected > reached + 1:
                begun["problem"] = "its parts have words between them"
    if expected == 1:
        raise ValueError("it has no tokens")
    if "".join(text.split()) != "".join("".join(words).split()):
        raise ValueError("its tokens are not all of its text")
    return {"text": text, **_tokens(text, words, places), "spans": marks}


def _tokens(text: str, words: Sequence[str], places: Sequence[tuple[int, int]]) -> LabelledRecord:
    """Words and spaces, where they make the text; other white space than single blanks is a token of its own."""
    found: list[str] = []
    spaces: list[bool] = []
    at = 0
    for start, end in [*places, (len(text), len(text))]:
        gap = text[at:start]
        if gap and found and gap[0] == " ":
            spaces[-1] = True
            gap = gap[1:]
        if gap:
            found.append(gap)
            spaces.append(False)
        if start < end:
            found.append(text[start:end])
            spaces.append(False)
        at = end
    return {"words": found, "spaces": spaces}


def _values(cell: str) -> Iterator[tuple[str, str | None]]:
    """The annotations of a cell: value as it is written, and the id of one over several tokens."""
    if cell == "_":
        return
    for part in re.split(r"(?<!\\)\|", cell):
        match = ID.fullmatch(part)
        value, id = (match[1], match[2]) if match and not match[1].endswith("\\") else (part, None)
        yield value, id


def _unescaped(text: str) -> str:
    ends = {"n": "\n", "r": "\r", "t": "\t"}
    return ESCAPED.sub(lambda match: ends.get(match[1], match[1]), text)

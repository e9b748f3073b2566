"""Text files of other tools, and the JSON in them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spacy_al.adapters.reading import Reading
from spacy_al.corpus.encoded import MARKS
from spacy_al.errors import AlError, Errors
from spacy_al.util import why_not

# How files begin that are no text, what they are, and what to do
OTHERS = {
    b"PK\x03\x04": ("an archive", "Unpack it"),
    b"\x1f\x8b": ("compressed", "Unpack it, e.g. with: gunzip"),
    b"PAR1": ("Parquet", "Write it as JSON lines, e.g. with pandas or datasets"),
    b"ARROW1": ("Arrow", "Write it as JSON lines, e.g. with datasets: to_json"),
    b"SQLite format 3": ("a database", "Export what is in it"),
    b"x\x9c": ("compressed, as a .spacy corpus is", "A corpus needs no conversion"),
    b"%PDF": ("a PDF", "Give what was annotated, not what was read"),
    b"\xd0\xcf\x11\xe0": ("of an old Office program", "Save it as CSV or XLSX"),
}


class TwiceError(ValueError):
    """A JSON object has one key twice."""


def read_text(path: Path, reading: Reading | None = None) -> str:
    """All of a file: UTF-8, or what the mark at its beginning says; line ends stay as they are, since offsets count them.

    path (Path): The file.
    reading (Reading | None): Gets a sentence where the file is not in UTF-8.
    RETURNS (str): Without the mark.
    RAISES (AlError): AL040 if it is missing, AL046 if it cannot be read, AL267 if it is in another encoding.
    """
    return decoded(_bytes(path), path, reading)


def decoded(data: bytes, path: Path, reading: Reading | None = None) -> str:
    """Bytes as text; see `read_text`."""
    for start, (what, how) in OTHERS.items():
        if data.startswith(start):
            raise AlError(Errors.AL267.format(path=path, why=f"it is {what}", how=how))
    encoding = next((name for mark, name in MARKS if data.startswith(mark)), "utf-8")
    if encoding.startswith("utf-8") and b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        why = f"line {line} holds a NUL, as UTF-16 without a mark at its beginning does"
        order = "BE" if data.startswith(b"\0") else "LE"
        how = f"Save it as UTF-8, e.g. with: iconv -f UTF-16{order} -t UTF-8"
        raise AlError(Errors.AL267.format(path=path, why=why, how=how))
    try:
        text = data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise _not_in(encoding, error, data, path) from error
    if reading and encoding not in ("utf-8", "utf-8-sig"):
        reading.say(f"{path.name} is in {encoding.upper()}, by the mark at its beginning.")
    return text


def split_lines(text: str) -> list[str]:
    """Lines without their ends; a text without a line feed may be of an old Mac, and end its lines with a carriage return."""
    if "\n" not in text:
        return text.split("\r")
    return [line.removesuffix("\r") for line in text.split("\n")]


def has_mark(path: Path) -> bool:
    """Whether a file that can be read begins with a mark of the order of bytes."""
    with path.open("rb") as file:
        return file.read(4).startswith(tuple(mark for mark, _ in MARKS))


def read_json(path: Path, reading: Reading | None = None) -> Iterator[tuple[str, Any]]:
    """The values of a file of JSON lines, or of one JSON array; a file that is one object has that alone.

    path (Path): The file.
    reading (Reading | None): As for `read_text`.
    YIELDS (tuple[str, Any]): Where it stands ("notes.jsonl:12") and what it is; a ValueError for what cannot be read, such as a
        line in another encoding than UTF-8.
    RAISES (AlError): As `read_text`, if no line can be read.
    """
    data = _bytes(path)
    try:
        text = decoded(data, path, reading)
    except AlError:
        yield from _readable(data, path)
        return
    whole = _whole(text)
    if isinstance(whole, list):
        yield from _items(text, path.name, text.index("[") + 1)
    elif isinstance(whole, dict):
        start = len(text) - len(text.lstrip())
        yield f"{path.name}:{text[:start].count(chr(10)) + 1}", parse_json(text)
    elif (first := _over_lines(text)) is not None:
        yield from _items(text, path.name, first)
    else:
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield f"{path.name}:{number}", parse_json(line)


def parse_json(line: str) -> Any:
    """The value of a JSON text; a ValueError, as a value, if it is none or says one thing twice."""
    try:
        return json.loads(line, object_pairs_hook=_once)
    except TwiceError as error:
        return error
    except (ValueError, RecursionError) as error:
        return ValueError(f"it is not JSON ({error})")


def _readable(data: bytes, path: Path) -> Iterator[tuple[str, Any]]:
    """The lines of a file that is not in UTF-8 as a whole. Raises as `read_text`, if there are none."""
    values = list[tuple[str, Any]]()
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            value: Any = parse_json(line.decode()) if line.strip() else None
        except UnicodeDecodeError as error:
            found = f"byte {error.start} of it is 0x{line[error.start]:02x}"
            value = ValueError(f"it is not UTF-8: {found}. {_guess(data)}")
        if value is not None:
            values.append((f"{path.name}:{number}", value))
    if all(isinstance(value, ValueError) for _, value in values):
        decoded(data, path)
    yield from values


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise AlError(Errors.AL040.format(path=path)) from None
    except OSError as error:
        raise AlError(Errors.AL046.format(path=path, why=why_not(error))) from error


def _not_in(encoding: str, error: UnicodeDecodeError, data: bytes, path: Path) -> AlError:
    line = data[: error.start].count(b"\n") + 1
    place = f"byte {error.start} (line {line}) is 0x{data[error.start]:02x}"
    if encoding != "utf-8":
        why = f"it begins as {encoding.upper()} does, and is not: {place}"
        return AlError(Errors.AL267.format(path=path, why=why, how="Save it as UTF-8"))
    return AlError(
        Errors.AL267.format(path=path, why=f"it is not UTF-8: {place}", how=_guess(data))
    )


def _guess(data: bytes) -> str:
    """The encoding that is likely, and how to leave it."""
    # Windows has letters and signs where latin-1 has control characters
    guess = "cp1252 (Windows)" if any(0x80 <= byte < 0xA0 for byte in data) else "latin-1 or cp1252"
    return f"If it is in {guess}, save it as UTF-8, e.g. with: iconv -f CP1252 -t UTF-8"


def _whole(text: str) -> Any:
    """The value of a text that is one JSON value; None if it is several, or none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _over_lines(text: str) -> int | None:
    """Where the values of a text begin that has several over lines of their own, or an array that is cut off; None for JSON lines."""
    start = len(text) - len(text.lstrip())
    line, *others = text[start:].split("\n")
    arrays = [one for one in others if one.startswith("[")]
    # an array a line, of which the first is damaged
    if any(not isinstance(parse_json(one), ValueError) for one in [line, *arrays]):
        return None
    if text[start : start + 1] == "[":
        start += 1
    try:
        _, end = json.JSONDecoder().raw_decode(text, len(text) - len(text[start:].lstrip()))
    except (ValueError, RecursionError):
        return None
    # a line that is cut off may begin with a value
    return start if end > text.index(line) + len(line) or text[start - 1 : start] == "[" else None


def _items(text: str, name: str, place: int) -> Iterator[tuple[str, Any]]:
    """Values that follow each other, with their lines, as far as they can be read; commas may be between them.

    place (int): Where the first begins, behind the bracket of an array.
    """
    decoder, line, seen = json.JSONDecoder(), 1, 0
    is_array = "[" in text[:place]
    while True:
        while text[place : place + 1] in tuple(" \t\r\n,"):
            place += 1
        if text[place : place + 1] == ("]" if is_array else ""):
            return
        line += text.count("\n", seen, place)
        seen = place
        try:
            _, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            why = "it is cut off, or not JSON, and what comes after it is not read"
            yield f"{name}:{line}", ValueError(f"{why} ({error})")
            return
        yield f"{name}:{line}", parse_json(text[place:end])
        place = end


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found and found[key] != value:
            raise TwiceError(f"it has the key {key[:60]!r} twice, with different values")
        found[key] = value
    return found

"""The encoding of a text file, by the mark at its beginning."""

import codecs
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

# Marks of the order of bytes; the longer ones first, as one begins like another
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def utf8_lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines in UTF-8, with their ends, and without the mark that may stand at the beginning.

    A file without a line feed may be of an old Mac, which ended lines with a carriage return.

    file (BinaryIO): In UTF-8, or in what its mark says.
    YIELDS (bytes): A line each; what is not UTF-8 in a file without another mark stays as it is.
    RAISES (UnicodeDecodeError): The file is not in what its mark says; the lines before have come.
    """
    lines = _lines(file)
    first = next(lines, b"")
    # where there is no other line, these are parted otherwise
    yield from first.splitlines(keepends=True) if b"\n" not in first else [first]
    yield from lines


def _lines(file: BinaryIO) -> Iterator[bytes]:
    lines = iter(file)
    first = next(lines, b"")
    encoding = next((name for mark, name in MARKS if first.startswith(mark)), "utf-8")
    if encoding in ("utf-8", "utf-8-sig"):
        yield from chain([first.removeprefix(codecs.BOM_UTF8)] if first else [], lines)
        return
    rest = ""
    for part in codecs.iterdecode(chain([first], lines), encoding):
        # these parts end at bytes, of which one in another character may look like a line end
        *whole, rest = (rest + part).split("\n")
        yield from (f"{line}\n".encode() for line in whole)
    if rest:
        yield rest.encode()

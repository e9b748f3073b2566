"""One file of a cache of encodings: written whole or not at all, checked when it is opened and where it is read.

8 bytes     which format this is
24 bytes    entries, rows, width: unsigned, 8 bytes each
16 bytes    a hash of the line above and the index
n x 32      the index, an entry a text
m x width   float16: for each entry the text's vector, then those of its tokens
"""

import hashlib
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy

from spacy_al.corpus.shard import writing
from spacy_al.embeddings.encoder import Encoding
from spacy_al.types import Floats

MAGIC = b"alenc\x00\x00\x01"
HEAD = 48
# What float16 can hold; nothing that an encoder says is near it
LARGEST = float(numpy.finfo("f2").max)
INDEX = numpy.dtype(
    [("text", "<u8"), ("tokens", "<u8"), ("row", "<u8"), ("length", "<u4"), ("check", "<u4")]
)


class Key(NamedTuple):
    """What an encoding is kept by.

    text (int): The hash of the text, as `content_hash` gives it.
    tokens (int): A hash of where its tokens begin and end; 0 where only the text's vector is kept.
    """

    text: int
    tokens: int


def write_cache_file(path: Path, encodings: Mapping[Key, Encoding]) -> None:
    """Write a file that appears under its name only when whole and on disk. RAISES (AlError): AL047."""
    index = numpy.zeros(len(encodings), INDEX)
    blocks, row = [], 0
    for number, (key, encoding) in enumerate(encodings.items()):
        rows = encoding.tokens if key.tokens else encoding.tokens[:0]
        block = numpy.vstack((encoding.text[None], rows)).clip(-LARGEST, LARGEST).astype("<f2")
        index[number] = (*key, row, len(rows), zlib.crc32(block.tobytes()))
        blocks.append(block)
        row += len(block)
    counts = numpy.array([len(index), row, blocks[0].shape[1]], "<u8").tobytes()
    with writing(path, "wb") as file:
        file.write(MAGIC + counts + _digest(counts, index))
        file.write(index.tobytes())
        for block in blocks:
            file.write(block.tobytes())


def open_cache_file(path: Path, width: int) -> tuple[numpy.ndarray, Floats]:
    """The index and the rows of a file, the rows memory-mapped.

    RAISES (ValueError): The file is torn, damaged, of another kind, or of another width.
    RAISES (OSError): It cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
        if len(head) < HEAD or head[:8] != MAGIC:
            raise ValueError("it is no file of encodings")
        n_entries, n_rows, found = numpy.frombuffer(head[8:32], "<u8").tolist()
        size = HEAD + n_entries * INDEX.itemsize + n_rows * found * 2
        if path.stat().st_size != size:
            raise ValueError(f"it has {path.stat().st_size} bytes, where {size} are needed")
        if found != width:
            raise ValueError(f"its vectors have {found} numbers, where {width} are needed")
        index = numpy.frombuffer(file.read(n_entries * INDEX.itemsize), INDEX)
    if _digest(head[8:32], index) != head[32:]:
        raise ValueError("its index is damaged")
    offset = HEAD + index.nbytes
    return index, numpy.memmap(path, "<f2", "r", offset, (n_rows, width))


def is_whole(rows: Floats, check: int) -> bool:
    """Whether an entry is what was written."""
    return zlib.crc32(rows.tobytes()) == check


def size_of(n_texts: int, n_tokens: int, width: int) -> int:
    """Bytes of so many texts with so many tokens, but for the heads of the files."""
    return n_texts * INDEX.itemsize + (n_texts + n_tokens) * width * 2


def _digest(counts: bytes, index: numpy.ndarray) -> bytes:
    return hashlib.blake2b(counts + index.tobytes(), digest_size=16).digest()

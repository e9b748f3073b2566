"""Texts taken out of a cache of encodings: what an encoder said of a text tells of it."""

from pathlib import Path

import numpy

from spacy_al.corpus.forgotten import Forgotten
from spacy_al.corpus.removal import Removed
from spacy_al.embeddings.cache_file import HEAD, Key, is_whole, open_cache_file, write_cache_file
from spacy_al.embeddings.encoder import Encoding


def remove_from_cache(path: Path, gone: Forgotten, *, dry: bool = False) -> Removed:
    """Take the encodings of texts out of one file of a cache, which goes if it has no other ones.

    A damaged file goes as a whole, and with others a damaged entry of one: what is there cannot be told, and is encoded anew when it is needed.
    """
    with path.open("rb") as file:
        width = int.from_bytes(file.read(HEAD)[24:32], "little")
    try:
        index, rows = open_cache_file(path, width)
    except ValueError:
        if not dry:
            path.unlink()
        return Removed(texts=1)
    ids = numpy.array([int(one, 16) for one in gone.ids], "u8")
    hit = numpy.isin(index["text"], ids)
    removed = Removed(texts=int(hit.sum()))
    if not removed or dry:
        return removed
    kept = {}
    for entry in index[~hit]:
        begin, length = int(entry["row"]), int(entry["length"])
        own = numpy.array(rows[begin : begin + 1 + length])
        # with a new checksum what is damaged would pass for whole
        if is_whole(own, int(entry["check"])):
            kept[Key(int(entry["text"]), int(entry["tokens"]))] = Encoding(own[0], own[1:])
    if kept:
        write_cache_file(path, kept)
    else:
        path.unlink()
    return removed

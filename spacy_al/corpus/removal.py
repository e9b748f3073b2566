"""Texts taken out of `.spacy` files, with the words that no other text of the file has, and out of what stands beside their neighbours."""

from pathlib import Path
from typing import NamedTuple

import numpy
import srsly
from spacy.strings import StringStore
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from spacy_al.corpus.forgotten import Forgotten
from spacy_al.corpus.shard import SOURCE_KEY, read_bare, read_docbin, writing

# What stands before and after a text in its document
AROUND = ("before", "after")


class Removed(NamedTuple):
    """Counts of what was taken out: texts, or records of one; and places where one stood beside another text."""

    texts: int = 0
    contexts: int = 0

    def __add__(self, other: object) -> "Removed":
        assert isinstance(other, Removed)
        return Removed(self.texts + other.texts, self.contexts + other.contexts)

    def __bool__(self) -> bool:
        return any(self)


def remove_from_shard(path: Path, gone: Forgotten, *, dry: bool = False) -> Removed:
    """Take texts out of a `.spacy` file, which is replaced as a whole, and only if it has any.

    path (Path): The file. All that it says of other texts stays as it is.
    gone (Forgotten): The texts.
    dry (bool): Count, and write nothing.
    RAISES (AlError): As `read_bare`; AL047 if it cannot be written.
    """
    keep, contexts = list[int](), list[int]()
    for number, stored in enumerate(read_bare(path)):
        if not gone.has(stored.text):
            keep.append(number)
            if any(gone.has_part(stored.source.get(name)) for name in AROUND):
                contexts.append(number)
    data = read_docbin(path)
    removed = Removed(len(data.tokens) - len(keep), len(contexts))
    if not removed or dry:
        return removed
    for number in contexts:
        data.user_data[number] = _without(data.user_data[number], gone)
    made = DocBin(store_user_data=any(one is not None for one in data.user_data))
    made.attrs = data.attrs
    for name in ("tokens", "spaces", "cats", "span_groups", "flags", "user_data"):
        setattr(made, name, [getattr(data, name)[number] for number in keep])
    made.strings = _strings(made, data.strings)
    with writing(path, "wb") as file:
        file.write(made.to_bytes())
    return removed


def _without(user_data: bytes | None, gone: Forgotten) -> bytes:
    """User data whose source says nothing any more of what stood around a text and is gone."""
    unpacker = srsly.msgpack.Unpacker(raw=False, use_list=False, strict_map_key=False)
    unpacker.feed(user_data)
    found = unpacker.unpack()
    source = found[SOURCE_KEY]
    clean = {name: "" for name in AROUND if gone.has_part(source.get(name))}
    packed: bytes = srsly.msgpack_dumps({**found, SOURCE_KEY: {**source, **clean}})
    return packed


def _strings(data: DocBin, strings: set[str]) -> set[str]:
    """The strings that what is left refers to."""
    store = StringStore()
    hashes = {store.add(string): string for string in strings}
    used: set[int] = set()
    if data.tokens:
        used |= {int(one) for one in numpy.unique(numpy.vstack(data.tokens))}
    found = {hashes[one] for one in used if one in hashes}
    # spans have labels that no token has
    data.strings = {*strings}
    for doc in data.get_docs(Vocab()) if any(len(one) > 1 for one in data.span_groups) else ():
        for group in doc.spans.values():
            for span in group:
                found |= {hashes[one] for one in (span.label, span.kb_id, span.id) if one in hashes}
    return found

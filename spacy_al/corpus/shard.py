"""One `.spacy` file: read whole or bare, written whole or not at all, and explained where it is damaged."""

import os
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import srsly
from spacy.attrs import ORTH, SENT_START
from spacy.strings import StringStore
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from spacy_al.corpus.address import is_remote, reaching
from spacy_al.errors import AlError, Errors
from spacy_al.util import replacing, why_not

# Real shards unpack to 3 to 50 times their size. One that claims far more is damaged, or made to fill the memory
MOST_UNPACKED, SMALL, CHUNK = 200, 2**18, 2**20
SOURCE_KEY = "al_source"
# Names the functions that labelled a doc, where no person did
WEAK_KEY = "al_weak"
# The same of a doc that a teacher labelled, and of one that was accepted as the teacher has it
TAUGHT, ACCEPTED = "teacher", "teacher, accepted"
# The share of the passes over a corpus that see a doc: by how likely its labels are right, as `audit` found, or how often such texts are in the pool
RATE_KEY = "al_rate"


@dataclass(slots=True)
class Stored:
    """A doc without its annotation.

    words (list[str]): The stored tokens.
    spaces (list[bool]): Whether white space follows.
    starts (list | None): Sentence starts, where more than one is stored.
    unknown_spaces (bool): The doc was made of words alone.
    source (dict): What `ingest` stored of where it came from, or nothing.
    """

    words: list[str]
    spaces: list[bool]
    starts: list[bool | int | None] | None
    unknown_spaces: bool
    source: dict[str, Any]

    @property
    def text(self) -> str:
        """As `doc.text`."""
        return "".join(
            word + " " if space else word for word, space in zip(self.words, self.spaces)
        )

    def to_doc(self, vocab: Vocab) -> Doc:
        """A doc with the stored tokens."""
        spaces = None if self.unknown_spaces else self.spaces
        return Doc(vocab, words=self.words, spaces=spaces, sent_starts=self.starts)


def read_shard(path: Path, vocab: Vocab) -> Iterator[Doc]:
    """The docs of one `.spacy` file as they were stored, annotation and all.

    path (Path): The file.
    vocab (Vocab): Gets the file's strings, labels too; `Vocab()` keeps them out of a pipeline.
    YIELDS (Doc): One at a time; spaCy itself holds the file's arrays in memory.
    RAISES (AlError): The file is missing (AL040), empty (AL043), torn, no DocBin or one that would fill the memory (AL044), unreadable (AL046).
    """
    with _damage(path):
        for doc in _load(path).get_docs(vocab):
            # what is no sequence of entities raises when they are asked for, which would be anywhere
            _ = doc.ents
            yield doc


def read_bare(path: Path) -> Iterator[Stored]:
    """The docs of one `.spacy` file without annotation, read past spaCy: whole docs take ten times as long.

    path (Path): The file.
    YIELDS (Stored): One at a time, in the order of the file.
    RAISES (AlError): As `read_shard`.
    """
    with _damage(path):
        data = _load(path)
        store = StringStore()
        strings = {store.add(string): string for string in data.strings}
        # One for all docs: srsly.msgpack_loads looks through all installed packages at every call
        unpacker = srsly.msgpack.Unpacker(raw=False, use_list=False)
        orth = data.attrs.index(ORTH)
        sent = data.attrs.index(SENT_START) if SENT_START in data.attrs else None
        for number, (tokens, spaces) in enumerate(zip(data.tokens, data.spaces, strict=True)):
            words = [strings[word] for word in tokens[:, orth].tolist()]
            unknown = bool(data.flags[number].get("has_unknown_spaces"))
            after = [True] * len(words) if unknown else spaces[:, 0].tolist()
            if len(after) != len(words):
                raise ValueError("words and spaces differ in number")
            # Every doc's first token starts a sentence, so one start says nothing
            starts = None if sent is None else [start == 1 for start in tokens[:, sent].tolist()]
            starts = starts if starts and starts.count(True) > 1 else None
            yield Stored(words, after, starts, unknown, _source(data.user_data[number], unpacker))


def read_docbin(path: Path) -> DocBin:
    """One `.spacy` file as spaCy holds it, its docs not made. RAISES (AlError): As `read_shard`."""
    with _damage(path):
        return _load(path)


def count_stored(path: Path) -> int:
    """How many docs one `.spacy` file holds, without looking at them.

    RAISES (AlError): As `read_shard`.
    """
    with _damage(path):
        return len(_load(path).tokens)


def write_shard(docs: Iterable[Doc], path: Path) -> Path:
    """Write one `.spacy` file with the docs' user data; it appears under its name only when whole."""
    # The user data is packed here, as DocBin would look through all installed packages for every doc
    packer = srsly.msgpack.Packer(use_bin_type=True)
    data = DocBin()
    for doc in docs:
        data.add(doc)
        data.user_data.append(packer.pack(doc.user_data))
    data.store_user_data = True
    with writing(path, "wb") as file:
        file.write(data.to_bytes())
    return path


@contextmanager
def writing(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file that is replaced only once the new one is whole; a device or a pipe is written to as it is.

    path (Path): The file, or `-` for standard output.
    mode (str): "w" or "wb".
    RAISES (AlError): The file cannot be written (AL047), or stands where nothing is changed in place (AL392).
    """
    if is_remote(path):
        raise AlError(Errors.AL392.format(path=path))
    if str(path) == "-":
        stdout = sys.stdout if mode == "w" else sys.stdout.buffer
        yield stdout
        # so that a reader who has gone is met here, and not when Python ends
        stdout.flush()
        return
    try:
        special = path.exists() and not path.is_file() and not path.is_dir()
        encoding = None if "b" in mode else "utf8"
        with path.open(mode, encoding=encoding) if special else replacing(path, mode) as file:
            yield file
    except OSError as error:
        raise AlError(Errors.AL047.format(path=path, why=why_not(error))) from error


def check_writable(path: Path) -> None:
    """Find out before long work whether a file can be written. RAISES (AlError): AL047."""
    if str(path) == "-":
        return
    parent = next(parent for parent in path.absolute().parents if parent.exists())
    why = "it is a folder. Name a file" if path.is_dir() else ""
    if not parent.is_dir():
        why = f"{parent} is not a folder"
    elif not why and not os.access(parent, os.W_OK):
        why = f"nothing may be written to {parent}"
    if why:
        raise AlError(Errors.AL047.format(path=path, why=why))


def _source(user_data: bytes | None, unpacker: Any) -> dict[str, Any]:
    if not user_data or SOURCE_KEY.encode() not in user_data:
        return {}
    unpacker.feed(user_data)
    source = unpacker.unpack().get(SOURCE_KEY)
    return source if isinstance(source, dict) else {}


def _load(path: Path) -> DocBin:
    try:
        with reaching(path):
            data = path.read_bytes()
    except FileNotFoundError:
        raise AlError(Errors.AL040.format(path=path)) from None
    except OSError as error:
        raise AlError(Errors.AL046.format(path=path, why=why_not(error))) from error
    if not data:
        raise AlError(Errors.AL043.format(path=path))
    _check_size(data)
    return DocBin().from_bytes(data)


def _check_size(data: bytes) -> None:
    """RAISES (ValueError): It would unpack to more than a shard does; looked at without keeping what is unpacked."""
    if len(data) <= SMALL:
        return
    unpacking, size, rest = zlib.decompressobj(), 0, data
    while rest and not unpacking.eof:
        size += len(unpacking.decompress(rest, CHUNK))
        rest = unpacking.unconsumed_tail
        if size > MOST_UNPACKED * len(data):
            raise ValueError(f"it unpacks to more than {MOST_UNPACKED} times its size")


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Damage shows anywhere between unzipping and the last doc, as any of a dozen exception types."""
    try:
        yield
    except AlError:
        raise
    except Exception as error:
        why = (str(error) or type(error).__name__).splitlines()[0]
        raise AlError(Errors.AL044.format(path=path, why=why)) from error

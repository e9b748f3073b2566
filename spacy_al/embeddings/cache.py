"""Encodings on disk, so that nothing is encoded twice: float16, memory-mapped, filled by any number of processes at once.

    CACHE/HASH/manifest.json    what the encoder is called, its settings and versions, for people to read
    CACHE/HASH/XXXX.alenc       encodings, see `cache_file`; each process writes files of its own and changes none

HASH is the encoder's, so what two encoders said never mixes. There is no index beside the files: it is made of theirs when
the cache is opened, and a file that is not whole is left out of it.
"""

import json
import mmap
import os
import time
import uuid
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy
from spacy.attrs import IDX, LENGTH
from spacy.tokens import Doc

from spacy_al.corpus.shard import writing
from spacy_al.embeddings.cache_file import (
    INDEX,
    Key,
    is_whole,
    open_cache_file,
    write_cache_file,
)
from spacy_al.embeddings.encoder import Encoder, Encoding, hash_parts
from spacy_al.errors import AlError, AlWarning, Errors, Warnings
from spacy_al.types import Floats, Ints
from spacy_al.util import content_hash, why_not

SUFFIX, MANIFEST, FORMAT = ".alenc", "manifest.json", 1
ENTRY = numpy.dtype([*INDEX.descr, ("file", "<u4")])
# Not on every system
DONTNEED: int | None = getattr(mmap, "MADV_DONTNEED", None)
# A file that was not finished by then never will be
STALE_SECONDS = 3600


class EncodingCache:
    """What one encoder said of texts.

    folder (Path): Of the cache; made when something is added.
    encoder_hash (str): The encoder's `hash`.
    width (int): Of its vectors.
    about (Mapping | None): What the manifest says of the encoder.
    RAISES (AlError): AL046 if the folder cannot be read.
    """

    def __init__(
        self,
        folder: Path | str,
        encoder_hash: str,
        width: int,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder, self.width, self.about = Path(folder) / encoder_hash, width, dict(about or {})
        self.n_bytes, self.damaged = 0, dict[str, str]()
        self._rows: list[Floats] = []
        self._touched: set[int] = set()
        self._known: set[str] = set()
        # texts and entries in order, each part at least twice as long as the next: one that is added is sorted with the short ones alone
        self._parts: list[tuple[Ints, numpy.ndarray]] = []
        self._sweep()
        self.refresh()

    def refresh(self) -> None:
        """Take in what other processes have added; what is not whole is left out, and a warning says so."""
        try:
            names = {name for name in os.listdir(self.folder) if name.endswith(SUFFIX)}
        except FileNotFoundError:
            return
        except OSError as error:
            raise AlError(Errors.AL046.format(path=self.folder, why=why_not(error))) from error
        damaged = len(self.damaged)
        self._take(sorted(names - self._known))
        if len(self.damaged) > damaged:
            name, why = next(iter(self.damaged.items()))
            message = Warnings.W300.format(
                count=len(self.damaged), folder=self.folder, name=name, why=why
            )
            warnings.warn(message, AlWarning, stacklevel=2)

    def get(self, keys: Iterable[Key]) -> dict[Key, Encoding]:
        """The encodings that are there, as float16 in memory-mapped files. Cast them before a sum.

        What an earlier call read counts no longer as this process's memory, or a pool that is read once would fill it with all of the cache.

        keys (Iterable[Key]): Where `tokens` is 0, any encoding of the text will do, and its tokens are left out.
        RETURNS (dict[Key, Encoding]): In the order of the keys. Each was checked; one that is damaged counts as not there.
        """
        wanted = list(dict.fromkeys(keys))
        found, broken = dict[Key, Encoding](), 0
        self._let_go()
        for key, entries in zip(wanted, self._entries(wanted)):
            for entry in entries:
                encoding = self._read(entry, key)
                if encoding is not None:
                    found[key] = encoding
                    break
                broken += 1
        if broken:
            message = Warnings.W301.format(count=broken, folder=self.folder)
            warnings.warn(message, AlWarning, stacklevel=2)
        return found

    def missing(self, keys: Iterable[Key]) -> list[Key]:
        """Those that `get` would not find, each once, without a look at the vectors."""
        wanted = list(dict.fromkeys(keys))
        return [key for key, entries in zip(wanted, self._entries(wanted)) if not entries]

    def add(self, encodings: Mapping[Key, Encoding]) -> None:
        """Write encodings to a file of their own, on disk when this returns. RAISES (AlError): AL047, and what is there stays."""
        if not encodings:
            return
        self._write_manifest()
        path = self.folder / f"{uuid.uuid4().hex}{SUFFIX}"
        write_cache_file(path, encodings)
        self._take([path.name])

    def __len__(self) -> int:
        """How many encodings there are; those of a text that is tokenised in two ways are two."""
        return len(self._keys())

    def __iter__(self) -> Iterator[tuple[Key, Encoding]]:
        """All that can be read, in the order of the keys."""
        return iter(self.get(sorted(self._keys())).items())

    def _keys(self) -> set[Key]:
        return {Key(*key) for _, part in self._parts for key in part[["text", "tokens"]].tolist()}

    def _entries(self, keys: Sequence[Key]) -> list[list[Any]]:
        """What the files have for each key, by tokens, and then in the order in which the files were taken in."""
        texts = numpy.array([key.text for key in keys], "u8")
        found: list[list[tuple[int, Any]]] = [[] for _ in keys]
        for known, part in self._parts:
            begins = numpy.searchsorted(known, texts, "left")
            ends = numpy.searchsorted(known, texts, "right")
            for row in numpy.flatnonzero(begins < ends).tolist():
                wanted, own = keys[row].tokens, part[begins[row] : ends[row]]
                those = zip(own["tokens"].tolist(), own)
                found[row] += [pair for pair in those if wanted in (0, pair[0])]
        return [[entry for _, entry in sorted(own, key=itemgetter(0))] for own in found]

    def _read(self, entry: Any, key: Key) -> Encoding | None:
        begin, length = int(entry["row"]), int(entry["length"])
        self._touched.add(int(entry["file"]))
        rows = self._rows[int(entry["file"])][begin : begin + 1 + length]
        if not is_whole(rows, int(entry["check"])):
            return None
        return Encoding(rows[0], rows[1:] if key.tokens else rows[1:1])

    def _let_go(self) -> None:
        """Unmap the pages that were read. Whoever still has encodings of them reads the same again, out of the file."""
        for number in self._touched:
            mapped: Any = self._rows[number].base
            if DONTNEED is not None and isinstance(mapped, mmap.mmap):
                mapped.madvise(DONTNEED)
        self._touched.clear()

    def _take(self, names: list[str]) -> None:
        new = []
        for name in names:
            self._known.add(name)
            path = self.folder / name
            try:
                index, rows = open_cache_file(path, self.width)
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                self.damaged[name] = str(error)
                continue
            part = numpy.zeros(len(index), ENTRY)
            for field in INDEX.names or ():
                part[field] = index[field]
            part["file"] = len(self._rows)
            self._rows.append(rows)
            self.n_bytes += path.stat().st_size
            new.append(part)
        if new:
            self._parts.append(_in_order(new))
        while len(self._parts) > 1 and len(self._parts[-2][0]) < 2 * len(self._parts[-1][0]):
            self._parts[-2:] = [_in_order([part for _, part in self._parts[-2:]])]

    def _write_manifest(self) -> None:
        path = self.folder / MANIFEST
        if not path.exists():
            about = {"format": FORMAT, "hash": self.folder.name, "width": self.width, **self.about}
            with writing(path) as file:
                file.write(json.dumps(about, indent=2, default=str) + "\n")

    def _sweep(self) -> None:
        """Delete what a process that was killed left half written."""
        for path in self.folder.glob(f".*{SUFFIX}.*"):
            # it may be another process's to finish, or gone by now
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > STALE_SECONDS:
                    path.unlink()


def _in_order(parts: Sequence[numpy.ndarray]) -> tuple[Ints, numpy.ndarray]:
    """Texts and entries by text and tokens, those of an earlier part first."""
    merged = numpy.concatenate(parts)
    merged = merged[numpy.lexsort((merged["tokens"], merged["text"]))]
    return merged["text"].copy(), merged


def open_cache(folder: Path | str, encoder: Encoder) -> EncodingCache:
    """The part of a cache that is this encoder's. A warning names what the same encoder left there when it had another hash.

    folder (Path): Of the cache.
    RAISES (AlError): AL046.
    """
    cache = EncodingCache(folder, encoder.hash, encoder.width, encoder.about)
    if not cache.folder.exists():
        name = encoder.about.get("name")
        before = [other for other, its_name, _ in other_encoders(cache) if its_name == name]
        if before:
            message = Warnings.W302.format(folder=folder, name=name, before=", ".join(before))
            warnings.warn(message, AlWarning, stacklevel=2)
    return cache


def known_encoder(folder: Path | str, identity: str) -> dict[str, Any] | None:
    """What the manifests of a cache say of an encoder of this identity: its hash and width among it; None if it was never used."""
    for manifest in sorted(Path(folder).glob(f"*/{MANIFEST}")):
        with suppress(OSError, ValueError, AttributeError):
            about: dict[str, Any] = json.loads(manifest.read_text("utf8"))
            if about.get("identity") == identity and about.get("hash") == manifest.parent.name:
                return about
    return None


def other_encoders(cache: EncodingCache) -> list[tuple[str, str, int]]:
    """What else lies beside: (folder, name of the encoder, bytes) for each other hash."""
    found = []
    for manifest in sorted(cache.folder.parent.glob(f"*/{MANIFEST}")):
        if manifest.parent == cache.folder:
            continue
        # a folder of something else, or one that is just being deleted
        with suppress(OSError, ValueError, AttributeError):
            name = str(json.loads(manifest.read_text("utf8")).get("name", "?"))
            size = sum(file.stat().st_size for file in manifest.parent.glob(f"*{SUFFIX}"))
            found.append((manifest.parent.name, name, size))
    return found


def cache_key(doc: Doc, *, tokens: bool = True) -> Key:
    """What the encoding of a doc is kept by. The same text with other tokens has other vectors of them.

    tokens (bool): Whether its tokens' vectors are wanted.
    """
    text = int(content_hash(doc.text), 16)
    if not tokens:
        return Key(text, 0)
    places = doc.to_array([IDX, LENGTH]).astype("<i8").tobytes()
    return Key(text, int(hash_parts(places), 16) or 1)

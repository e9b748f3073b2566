"""An encoder as all parts of a process use it: opened once, read through one cache, and what was read last kept in memory.

A model that learns from an encoder meets the same texts at every step, and a pool is scored again in every round. The encoder
itself is opened only when there is a text that the cache lacks: with all texts encoded neither torch nor the weights are loaded.
"""

import os
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy
from spacy.attrs import ORTH, SPACY
from spacy.tokens import Doc

from spacy_al.embeddings.cache import EncodingCache, known_encoder, open_cache
from spacy_al.embeddings.encode import encode_docs
from spacy_al.embeddings.encoder import Encoder, EncoderSettings, Encoding, identify, open_encoder
from spacy_al.types import Floats

# Names the cache for a process and for all that it starts
VARIABLE = "SPACY_AL_ENCODINGS"
# Of the vectors that stay in memory: some 170,000 tokens of 384 numbers
MOST_BYTES = 2**28


def use_cache(folder: Path | str | None) -> None:
    """Keep what encoders say in a folder, in this process and in those that it starts from now on; None for no cache."""
    if folder is None:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = str(Path(folder).absolute())


def shared_encoder(settings: EncoderSettings, cache: Path | str | None = None) -> "SharedEncoder":
    """The encoder of these settings, one a process.

    cache (Path | None): Folder in which all is kept that was encoded; None for the one of `use_cache`, if there is one.
    """
    folder = cache or os.environ.get(VARIABLE)
    return _shared(settings, Path(folder) if folder else None)


@lru_cache(maxsize=4)
def _shared(settings: EncoderSettings, folder: Path | None) -> "SharedEncoder":
    return SharedEncoder(settings, folder)


class SharedEncoder:
    """An encoder that is opened when it is needed. It has what `Encoder` has, and reads docs through a cache and a memory.

    settings (EncoderSettings): The encoder's.
    folder (Path | None): Of the cache; None for a memory only.
    """

    def __init__(self, settings: EncoderSettings, folder: Path | None = None) -> None:
        self.settings, self.folder = settings, folder
        self._memory: OrderedDict[bytes, Encoding] = OrderedDict()
        self._n_bytes = 0

    @cached_property
    def opened(self) -> Encoder:
        """The encoder itself. RAISES (AlError): As `open_encoder`."""
        return open_encoder(self.settings)

    @cached_property
    def identity(self) -> str:
        """A hash of its files and settings, which is known before it is opened. RAISES (AlError): AL300, AL303."""
        return identify(self.settings)

    @cached_property
    def about(self) -> dict[str, Any]:
        """As `Encoder.about`: out of the cache, where it was used before."""
        known = None if self.folder is None else known_encoder(self.folder, self.identity)
        if known is not None:
            return known
        return {**self.opened.about, "hash": self.opened.hash, "width": self.opened.width}

    @property
    def hash(self) -> str:
        return str(self.about["hash"])

    @property
    def width(self) -> int:
        return int(self.about["width"])

    def encode(self, docs: Sequence[Doc]) -> list[Encoding]:
        """As `Encoder.encode`: past the cache."""
        return self.opened.encode(docs)

    def token_vectors(self, docs: Sequence[Doc]) -> list[Floats]:
        """(n_tokens, width) a doc, float32. RAISES (AlError): As `open_encoder` and `encode_docs`."""
        return [encoding.tokens for encoding in self._encodings(docs, True)]

    def text_vectors(self, docs: Sequence[Doc], *, tokens: bool = False) -> Floats:
        """(n_docs, width) of unit length, float32; zeros for a doc that says nothing.

        tokens (bool): Keep the vectors of tokens as well, for a component that will read them.
        RAISES (AlError): As `token_vectors`.
        """
        rows = [encoding.text for encoding in self._encodings(docs, tokens)]
        return numpy.array(rows, dtype="f4").reshape(len(docs), self.width)

    @cached_property
    def _cache(self) -> EncodingCache | None:
        return None if self.folder is None else open_cache(self.folder, self)

    def _encodings(self, docs: Sequence[Doc], tokens: bool) -> list[Encoding]:
        # what is kept by its words and spaces is found in a fraction of the time of a hash of the text
        keys = [bytes([tokens]) + doc.to_array([ORTH, SPACY]).tobytes() for doc in docs]
        found = {key: self._memory[key] for key in keys if key in self._memory}
        for key in found:
            self._memory.move_to_end(key)
        rest = {key: doc for key, doc in zip(keys, docs) if key not in found}
        if rest:
            made = encode_docs(self, self._cache, list(rest.values()), tokens=tokens)
            found |= zip(rest, made)
            for key in rest:
                self._remember(key, found[key])
        return [found[key] for key in keys]

    def _remember(self, key: bytes, encoding: Encoding) -> None:
        self._memory[key] = encoding
        self._n_bytes += encoding.text.nbytes + encoding.tokens.nbytes
        while self._n_bytes > MOST_BYTES:
            _, gone = self._memory.popitem(last=False)
            self._n_bytes -= gone.text.nbytes + gone.tokens.nbytes

"""The static vectors of a spaCy pipeline as an encoder: fast, without torch, and blind to the words around."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy
import spacy
from spacy.tokens import Doc
from spacy.vectors import Mode
from spacy.vocab import Vocab
from thinc.api import to_numpy

from spacy_al.embeddings.encoder import (
    EncoderSettings,
    Encoding,
    check_vectors,
    hash_parts,
    unit_length,
)
from spacy_al.types import Floats

VERSION = 1


class VectorsEncoder:
    """The vector of each word; the text's is the mean over the words that have one. Layers, windows and pooling do not apply.

    vocab (Vocab): With vectors.
    settings (EncoderSettings): Of these only the name counts.
    weights (str): A hash of the vectors' files.
    """

    def __init__(self, vocab: Vocab, settings: EncoderSettings, weights: str) -> None:
        self.vectors, self.settings = vocab.vectors, settings
        self.width = int(vocab.vectors_length)
        self.hash = hash_parts("vectors", VERSION, weights)
        self.about: dict[str, Any] = {**asdict(settings), "versions": {"spacy": spacy.__version__}}

    def encode(self, docs: Sequence[Doc]) -> list[Encoding]:
        """As `Encoder.encode`."""
        return [check_vectors(doc, self.settings.name, self._encode(doc)) for doc in docs]

    def _encode(self, doc: Doc) -> Encoding:
        # vectors can be kept by lower-case words
        keys = doc.to_array([self.vectors.attr]).ravel()
        tokens = self._rows([doc.vocab.strings.as_string(int(key)) for key in keys])
        known = tokens.any(axis=1)
        mean = tokens[known].mean(axis=0) if known.any() else numpy.zeros(self.width, "f4")
        return Encoding(unit_length(mean), tokens)

    def _rows(self, words: list[str]) -> Floats:
        if not words:
            return numpy.zeros((0, self.width), "f4")
        if self.vectors.mode == Mode.floret:
            # no parts of a word are looked up by its key, and the key's string has to be there
            for word in words:
                self.vectors.strings.add(word)
            return to_numpy(self.vectors.get_batch(words)).astype("f4")
        # get_batch would give the last row for a word that is not there
        rows = numpy.asarray(self.vectors.find(keys=words))
        return numpy.where(rows[:, None] >= 0, to_numpy(self.vectors.data[rows]), 0).astype("f4")

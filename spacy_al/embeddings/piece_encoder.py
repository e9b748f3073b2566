"""Encoders that read pieces of words: windows, batches, and the vectors that come of them, whatever runs the model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar, TypeAlias

import numpy
from spacy.attrs import IDX, LENGTH
from spacy.tokens import Doc

from spacy_al.embeddings.encoder import (
    EncoderSettings,
    Encoding,
    check_vectors,
    hash_parts,
    unit_length,
)
from spacy_al.embeddings.windows import (
    best_windows,
    pieces_of_tokens,
    range_means,
    window_starts,
)
from spacy_al.types import Floats, Ints

# The number of its document, its first piece, and its pieces
Window: TypeAlias = tuple[int, int, list[int]]


class PieceEncoder:
    """What all models have in common that read pieces. A kind of model adds how it reads a batch.

    settings (EncoderSettings): How it is read.
    pieces (Any): A `tokenizers.Tokenizer`, which says what characters each piece stands for. It is told neither to cut nor to pad.
    width (int): Of the vectors.
    layers (tuple[int, ...]): Whose mean `read` gives.
    limit (int): How many pieces the model takes at once, special ones with them.
    padding (int): The piece that fills rows.
    weights (str): A hash of the model's files.
    packages (Mapping[str, str]): The versions of what it runs on.
    alone (bool): Each window goes through by itself, since what is in its batch would change what comes out.
    """

    kind: ClassVar[str]
    # goes up when the same files and settings give other vectors
    revision: ClassVar[int]

    def __init__(
        self,
        settings: EncoderSettings,
        pieces: Any,
        *,
        width: int,
        layers: tuple[int, ...],
        limit: int,
        padding: int,
        weights: str,
        packages: Mapping[str, str],
        alone: bool = False,
    ) -> None:
        self.settings, self.pieces, self.alone = settings, pieces, alone
        self.width, self.layers, self.limit, self.padding = width, layers, limit, padding
        self.batch_tokens = settings.batch_tokens
        pieces.no_truncation()
        pieces.no_padding()
        self.prefix, self.suffix = _special_pieces(pieces)
        room = limit - len(self.prefix) - len(self.suffix)
        self.window = max(1, min(settings.window, room))
        # the same share of a smaller window
        self.stride = max(1, settings.stride * self.window // settings.window)
        self.hash = hash_parts(
            self.kind,
            self.revision,
            weights,
            self.layers,
            settings.pooling,
            self.window,
            self.stride,
        )
        self.about: dict[str, Any] = {
            **asdict(settings),
            "layers": self.layers,
            "window": self.window,
            "stride": self.stride,
            "versions": dict(packages),
        }

    def read(self, ids: Ints, mask: Ints) -> tuple[Floats, Floats]:
        """The last layer, and the mean of the layers, each (n_windows, n_pieces, width), float32.

        ids, mask (Ints): (n_windows, n_pieces), int64: pieces, and 1 for each that is not padding.
        """
        raise NotImplementedError

    def encode(self, docs: Sequence[Doc]) -> list[Encoding]:
        """As `Encoder.encode`."""
        split = self.pieces.encode_batch([doc.text for doc in docs], add_special_tokens=False)
        windows = [
            (number, start, pieces.ids[start : start + self.window])
            for number, pieces in enumerate(split)
            if pieces.ids
            for start in window_starts(len(pieces.ids), self.window, self.stride)
        ]
        seen: list[dict[int, tuple[Floats, Floats]]] = [{} for _ in docs]
        for batch in self._batches(windows):
            for (number, start, _), states in zip(batch, self._states(batch)):
                seen[number][start] = states
        return [
            check_vectors(doc, self.settings.name, self._put_together(doc, pieces, states))
            for doc, pieces, states in zip(docs, split, seen)
        ]

    def _put_together(
        self, doc: Doc, pieces: Any, seen: dict[int, tuple[Floats, Floats]]
    ) -> Encoding:
        size = len(pieces.ids)
        if not size:
            return Encoding(
                numpy.zeros(self.width, "f4"), numpy.zeros((len(doc), self.width), "f4")
            )
        before, starts = len(self.prefix), sorted(seen)
        top, middle = (numpy.empty((size, self.width), "f4") for _ in range(2))
        best = best_windows(size, self.window, self.stride)
        for number, start in enumerate(starts):
            taken = numpy.flatnonzero(best == number)
            top[taken], middle[taken] = (rows[taken - start + before] for rows in seen[start])
        first, last = seen[starts[0]][0], seen[starts[-1]][0]
        whole = numpy.concatenate((first[:before], top, last[len(last) - len(self.suffix) :]))
        text = whole[0] if self.settings.pooling == "cls" else whole.mean(axis=0, dtype="f8")
        starts_at, ends_at = numpy.array(pieces.offsets).T
        places = doc.to_array([IDX, LENGTH]).astype("i8").reshape(len(doc), 2)
        begin, end = pieces_of_tokens(starts_at, ends_at, places[:, 0], places.sum(axis=1))
        return Encoding(unit_length(text), range_means(middle, begin, end))

    def _batches(self, windows: list[Window]) -> Iterator[list[Window]]:
        """Windows of like length together, so that little is padded."""
        if self.alone:
            yield from ([window] for window in windows)
            return
        batch: list[Window] = []
        more = len(self.prefix) + len(self.suffix)
        for window in sorted(windows, key=lambda window: len(window[2])):
            # the longest comes last
            if batch and (len(batch) + 1) * (len(window[2]) + more) > self.batch_tokens:
                yield batch
                batch = []
            batch.append(window)
        if batch:
            yield batch

    def _states(self, batch: list[Window]) -> Iterator[tuple[Floats, Floats]]:
        """For each window the last layer and the mean of the layers, with the special pieces."""
        rows = [[*self.prefix, *ids, *self.suffix] for _, _, ids in batch]
        sizes = [len(row) for row in rows]
        ids = numpy.full((len(rows), max(sizes)), self.padding, dtype="i8")
        mask = numpy.zeros_like(ids)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = row
            mask[number, : len(row)] = 1
        top, middle = self.read(ids, mask)
        for number, size in enumerate(sizes):
            yield top[number, :size], middle[number, :size]


def _special_pieces(pieces: Any) -> tuple[list[int], list[int]]:
    """What the tokenizer puts before and after a text."""
    probe = pieces.encode("a")
    ids, special = probe.ids, probe.special_tokens_mask
    if all(special):
        return ids, []
    first, last = special.index(0), len(special) - special[::-1].index(0)
    return ids[:first], ids[last:]

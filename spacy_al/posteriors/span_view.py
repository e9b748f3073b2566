"""Spans with probabilities: arrays inside, a sequence of small items outside."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy

from spacy_al.types import Floats, Ints

# Below this a span is left out of a view: of n^2 possible spans almost all are next to impossible
FLOOR = 1e-6


@dataclass(frozen=True, slots=True)
class SpanProb:
    """One span, one label, and how probable the two are together.

    start (int): First token.
    end (int): One past the last token.
    label (str): The label.
    prob (float): Probability in [0, 1].
    """

    start: int
    end: int
    label: str
    prob: float


class SpanView(Sequence[SpanProb]):
    """Spans, most probable first; ties are ordered by start, end and index of the label.

    Items are made when they are asked for, and a slice is a view of the same arrays.

    start (Ints): Shape (n,), first tokens.
    end (Ints): Shape (n,), one past the last tokens.
    label (Ints): Shape (n,), indices into `labels`.
    prob (Floats): Shape (n,), descending.
    labels (tuple[str, ...]): What the indices stand for.
    """

    __slots__ = ("end", "label", "labels", "prob", "start")

    def __init__(
        self, start: Ints, end: Ints, label: Ints, prob: Floats, labels: tuple[str, ...]
    ) -> None:
        """Take arrays that are in order already; `sorted` takes them in any order."""
        self.start, self.end, self.label, self.prob = start, end, label, prob
        self.labels = labels

    @classmethod
    def sorted(
        cls, start: Ints, end: Ints, label: Ints, prob: Floats, labels: tuple[str, ...]
    ) -> "SpanView":
        """Put arrays in order."""
        order = numpy.lexsort((label, end, start, -prob))
        return cls(start[order], end[order], label[order], prob[order], labels)

    def __len__(self) -> int:
        return len(self.prob)

    @overload
    def __getitem__(self, index: int) -> SpanProb: ...
    @overload
    def __getitem__(self, index: slice) -> "SpanView": ...
    def __getitem__(self, index: Any) -> "SpanProb | SpanView":
        start, end = self.start[index], self.end[index]
        label, prob = self.label[index], self.prob[index]
        if isinstance(index, slice):
            return SpanView(start, end, label, prob, self.labels)
        return SpanProb(int(start), int(end), self.labels[int(label)], float(prob))

    def __iter__(self) -> Iterator[SpanProb]:
        # One conversion of whole arrays is many times faster than one an item
        columns = (self.start.tolist(), self.end.tolist(), self.label.tolist(), self.prob.tolist())
        for start, end, label, prob in zip(*columns):
            yield SpanProb(start, end, self.labels[label], prob)

    def __repr__(self) -> str:
        shown = [f"{s.start}..{s.end} {s.label} {s.prob:.4g}" for s in self[:5]]
        more = [f"... {len(self) - 5} more"] if len(self) > 5 else []
        return f"SpanView([{', '.join(shown + more)}])"

"""Votes: what annotators said of items, as arrays that are sorted by item."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy

from spacy_al.types import Bools, Floats, Ints

# Of what is known to be right or wrong: more than any votes say
PIN = 60.0


@dataclass(frozen=True)
class Votes:
    """Votes for labels that exclude each other, one row a vote, by item and annotator.

    items, annotators, labels (Ints): Numbers into the names, shape (n_votes,).
    known (Ints | None): Of each item the label that is known to be right, -1 where none is, shape (n_items,); None where none is anywhere.
    item_names, annotator_names, label_names (list): Sorted by their text, apart from items, which keep the order in which they came.
    """

    items: Ints
    annotators: Ints
    labels: Ints
    item_names: list[Any]
    annotator_names: list[Any]
    label_names: list[Any]
    known: Ints | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """How many items, annotators and labels there are."""
        return len(self.item_names), len(self.annotator_names), len(self.label_names)

    @property
    def counts(self) -> Floats:
        """Votes for each label, shape (n_items, n_labels)."""
        n_items, _, n_labels = self.shape
        flat = sums(self.items * n_labels + self.labels, None, n_items * n_labels)
        return flat.reshape(n_items, n_labels)

    @property
    def n_shared(self) -> int:
        """Items that two annotators or more have voted on."""
        return int((numpy.bincount(self.items, minlength=len(self.item_names)) > 1).sum())

    @property
    def pins(self) -> Floats | float:
        """What is added to the logarithms of labels so that those which are known to be right are so, shape (n_items, n_labels), or 0."""
        if self.known is None:
            return 0.0
        other = numpy.arange(self.shape[2])[None] != self.known[:, None]
        found: Floats = numpy.where(other & (self.known >= 0)[:, None], -PIN, 0.0)
        return found

    def is_checked(self) -> Bools:
        """Whether each vote is on an item that others have voted on as well, or whose label is known, shape (n_votes,)."""
        shared: Bools = numpy.bincount(self.items, minlength=self.shape[0])[self.items] > 1
        return shared if self.known is None else shared | (self.known[self.items] >= 0)

    def by_annotator(self, weights: Floats | Bools | None = None) -> Floats:
        """Sums of a weight a vote, or counts, shape (n_annotators,)."""
        return sums(self.annotators, weights, self.shape[1])

    def by_annotator_and_label(self, weights: Floats | Bools | None = None) -> Floats:
        """The same by what was said, shape (n_annotators, n_labels)."""
        _, n, k = self.shape
        return sums(self.annotators * k + self.labels, weights, n * k).reshape(n, k)


def make_votes(
    rows: Iterable[tuple[Hashable, Hashable, Hashable]],
    labels: Iterable[Hashable] = (),
    known: Mapping[Hashable, Hashable] | None = None,
) -> Votes:
    """Votes of (item, annotator, label). Of two votes of one annotator on one item the last counts.

    labels (Iterable): Those that could be voted for; others that occur come after them.
    known (Mapping | None): Item -> the label that is right, where that is known.
    """
    said = {(item, who): label for item, who, label in rows}
    items = {item: number for number, item in enumerate(dict.fromkeys(item for item, _ in said))}
    people = {who: n for n, who in enumerate(sorted({who for _, who in said}, key=str))}
    given = dict.fromkeys(labels)
    right = known or {}
    more = sorted({*said.values(), *right.values()} - given.keys(), key=str)
    names = {label: number for number, label in enumerate([*given, *more])}
    table = numpy.array(
        sorted((items[item], people[who], names[label]) for (item, who), label in said.items()),
        dtype="i8",
    ).reshape(-1, 3)
    columns = table.T.copy()
    of_items = numpy.array([names[right[i]] if i in right else -1 for i in items], dtype="i8")
    pinned = of_items if right else None
    return Votes(columns[0], columns[1], columns[2], [*items], [*people], [*names], pinned)


def sums(numbers: Ints, weights: Floats | Bools | None, size: int) -> Floats:
    """The sum of the weights of each number, or how often it is there, shape (size,)."""
    found: Floats = numpy.bincount(numbers, weights, minlength=size).astype("f8")
    return found

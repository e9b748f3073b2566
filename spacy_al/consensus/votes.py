"""Votes: what annotators said of items, as arrays that are sorted by item."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy

from spacy_al.types import Bools, Floats, Ints


@dataclass(frozen=True)
class Votes:
    """Votes for labels that exclude each other, one row a vote, by item and annotator.

    items, annotators, labels (Ints): Numbers into the names, shape (n_votes,).
    item_names, annotator_names, label_names (list): Sorted by their text, apart from items, which keep the order in which they came.
    """

    items: Ints
    annotators: Ints
    labels: Ints
    item_names: list[Any]
    annotator_names: list[Any]
    label_names: list[Any]

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

    def by_annotator(self, weights: Floats | Bools | None = None) -> Floats:
        """Sums of a weight a vote, or counts, shape (n_annotators,)."""
        return sums(self.annotators, weights, self.shape[1])

    def by_annotator_and_label(self, weights: Floats | Bools | None = None) -> Floats:
        """The same by what was said, shape (n_annotators, n_labels)."""
        _, n, k = self.shape
        return sums(self.annotators * k + self.labels, weights, n * k).reshape(n, k)


def make_votes(
    rows: Iterable[tuple[Hashable, Hashable, Hashable]], labels: Iterable[Hashable] = ()
) -> Votes:
    """Votes of (item, annotator, label). Of two votes of one annotator on one item the last counts.

    labels (Iterable): Those that could be voted for; others that occur come after them.
    """
    said = {(item, who): label for item, who, label in rows}
    items = {item: number for number, item in enumerate(dict.fromkeys(item for item, _ in said))}
    people = {who: n for n, who in enumerate(sorted({who for _, who in said}, key=str))}
    given = dict.fromkeys(labels)
    more = sorted(set(said.values()) - given.keys(), key=str)
    names = {label: number for number, label in enumerate([*given, *more])}
    table = numpy.array(
        sorted((items[item], people[who], names[label]) for (item, who), label in said.items()),
        dtype="i8",
    ).reshape(-1, 3)
    columns = table.T.copy()
    return Votes(columns[0], columns[1], columns[2], [*items], [*people], [*names])


def sums(numbers: Ints, weights: Floats | Bools | None, size: int) -> Floats:
    """The sum of the weights of each number, or how often it is there, shape (size,)."""
    found: Floats = numpy.bincount(numbers, weights, minlength=size).astype("f8")
    return found

"""The labels of a run, and what became of them: added, renamed, merged, removed. Each change is recorded; answers stay as they were given.

Every label is made of parts: itself, or all labels that were merged into it. A question or an answer stands behind so many
changes, and what a name meant then is found by its parts, whatever bears the name today.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

START, ADD, RENAME, MERGE, REMOVE, UNDO = "start", "add", "rename", "merge", "remove", "undo"
# Those that take part in what a label is, as they were called when they came
Parts: TypeAlias = frozenset[str]


@dataclass(frozen=True)
class Operation:
    """A change of a run's labels.

    seq (int): In which order changes came, from 1; 0 for one that is not stored.
    kind (str): "start", "add", "rename", "merge", "remove" or "undo".
    labels (tuple): All labels of the run where it starts; else those that are changed.
    into (str | None): The new name.
    undoes (int | None): The change that is taken back, by its `seq`.
    at (float): When, in seconds since 1970.
    """

    seq: int
    kind: str
    labels: tuple[str, ...] = ()
    into: str | None = None
    undoes: int | None = None
    at: float = 0.0


@dataclass(frozen=True)
class Label:
    """A label at some time: its parts, and its place, which says its key and its colour."""

    parts: Parts
    place: int


@dataclass(frozen=True)
class RunLabels:
    """The labels of a run as they are now, and as they were.

    operations (tuple[Operation, ...]): All of them, in order. Without any the run's labels are those of its questions.
    """

    operations: tuple[Operation, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether it is recorded which labels the run has."""
        return bool(self.operations)

    @property
    def position(self) -> int:
        """The last change: what is asked or answered now is asked or answered behind it."""
        return self.operations[-1].seq if self.operations else 0

    @cached_property
    def now(self) -> dict[str, Label]:
        """The labels in their order."""
        return self._at(self.position)

    @property
    def names(self) -> list[str]:
        """The labels in their order."""
        return [*self.now]

    @property
    def first(self) -> list[str]:
        """The labels with which the run started, as they were called then."""
        return [*self._at(0)]

    @property
    def last(self) -> Operation | None:
        """The change that would be taken back."""
        undone = {one.undoes for one in self.operations}
        kept = [one for one in self.operations if one.kind not in (START, UNDO)]
        return next((one for one in reversed(kept) if one.seq not in undone), None)

    def changed(self, kind: str, labels: Sequence[str], into: str | None = None) -> "RunLabels":
        """As they would be after a change that is not stored."""
        undoes = self.last.seq if kind == UNDO and self.last else None
        made = Operation(self.position + 1, kind, tuple(labels), into, undoes)
        return replace(self, operations=(*self.operations, made))

    def is_same(self, at: int) -> bool:
        """Whether names mean what they meant behind a change."""
        return self._at(at) == self.now

    def today(self, name: str, at: int | None = None) -> str | None:
        """The label that a name is now; None for one that the run has no more, or not as one. What was never a label of it stays.

        name (str): A name.
        at (int | None): Behind which change it was given; None where nobody knows, as in a file: what it is now, or was last.
        """
        parts = self.parts(name, at)
        if parts is None:
            return name
        return next((label for label, one in self.now.items() if parts <= one.parts), None)

    def is_split(self, name: str, at: int) -> bool:
        """Whether what a name meant is now several labels, and nobody can say which: it was given while these were merged."""
        parts = self.parts(name, at) or frozenset()
        return sum(not parts.isdisjoint(one.parts) for one in self.now.values()) > 1

    def shown(self, names: Iterable[str], at: int | None) -> list[str]:
        """The labels of which all parts were among these names. Arguments as for `today`."""
        names = [*names]
        parts = frozenset[str]().union(*(self.parts(name, at) or () for name in names))
        unknown = [name for name in names if self.parts(name, at) is None]
        return [label for label, one in self.now.items() if one.parts <= parts] + unknown

    def later(self, at: int) -> list[str]:
        """The labels that the run had not, or not with all their parts, behind a change."""
        then = frozenset[str]().union(*(one.parts for one in self._at(at).values()))
        return [label for label, one in self.now.items() if not one.parts <= then]

    def meaning(self, labels: Iterable[str]) -> list[str]:
        """The labels by their parts: equal where only names are different."""
        parts = (self.now[label].parts if label in self.now else {label} for label in labels)
        return sorted("+".join(sorted(one)) for one in parts)

    def parts(self, name: str, at: int | None = None) -> Parts | None:
        """The parts of a name; None for what was never a label of the run. Arguments as for `today`."""
        if at is not None and name in self._at(at):
            return self._at(at)[name].parts
        places = [one.seq for one in reversed(self.operations)]
        known = (self._at(place) for place in places)
        return next((labels[name].parts for labels in known if name in labels), None)

    def _at(self, position: int) -> dict[str, Label]:
        if position not in self._states:
            self._states[position] = _replay(self.operations, position)
        return self._states[position]

    @cached_property
    def _states(self) -> dict[int, dict[str, Label]]:
        return {}


def _replay(operations: Sequence[Operation], position: int) -> dict[str, Label]:
    """The labels behind a change, in their order. What is older than the record was asked with the labels of the start."""
    done = [one for one in operations if one.seq <= position or one.kind == START]
    undone = {one.undoes for one in done}
    live, gone, parts = dict[str, Label](), dict[str, Label](), list[str]()
    for one in done:
        counts = one.seq not in undone
        if one.kind == START:
            parts = [*one.labels]
            live = {name: Label(frozenset([name]), place) for place, name in enumerate(parts)}
        elif one.kind == ADD:
            (name,) = one.labels
            if name not in gone:
                own = name if name not in parts else f"{name} {one.seq}"
                # a place that was given, if only for a while, is nobody else's
                gone[name] = Label(frozenset([own]), len(parts))
                parts.append(own)
            if counts:
                live[name] = gone.pop(name)
        elif counts and one.kind == REMOVE:
            gone[one.labels[0]] = live.pop(one.labels[0])
        elif counts and one.kind in (RENAME, MERGE):
            assert one.into is not None
            own_place = live[one.into if one.into in live else one.labels[0]].place
            merged = [live.pop(name) for name in {*one.labels, one.into} if name in live]
            live[one.into] = Label(frozenset().union(*(old.parts for old in merged)), own_place)
    return dict(sorted(live.items(), key=lambda pair: pair[1].place))


def describe_change(operation: Operation) -> str:
    """A change in a few words."""
    names = " and ".join(operation.labels)
    if operation.kind in (RENAME, MERGE):
        return f"{operation.kind} {names} into {operation.into}"
    return f"{operation.kind} {names}" if operation.kind != UNDO else UNDO


def places_of(labels: RunLabels) -> dict[str, int]:
    """The place of each label, from 0."""
    return {name: one.place for name, one in labels.now.items()}

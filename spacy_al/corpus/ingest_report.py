"""What came of an ingest: how many texts there are, and why the others are not."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spacy_al.errors import AlError, Errors

SHOWN_PROBLEMS = 20


@dataclass(slots=True)
class IngestReport:
    """Counts of a pool that was made: texts that came in and went out, and why the rest did not.

    documents (int): Records that were read.
    texts (int): Texts in the pool.
    shards (list[Path]): The files that were written.
    first (list[str]): The first texts.
    dropped (Counter[str]): Reason and count: `empty`, `white space only`, `sources.NO_VALUE`, `too short`, `too long`,
        `duplicate`, `near duplicate`, with `add` both of these in the pool, `forgotten`, `unreadable record`; of captures those of
        `captured.LOST` and `captured without its text`.
    numbers (int): Of the texts, near duplicates that differ in a number.
    problems (list[str]): The first unreadable records, as `file:line: why`.
    """

    documents: int = 0
    texts: int = 0
    shards: list[Path] = field(default_factory=list)
    first: list[str] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    numbers: int = 0
    problems: list[str] = field(default_factory=list)

    def unreadable(self, where: str, why: str) -> None:
        """Count a record that cannot be read."""
        self.dropped["unreadable record"] += 1
        if len(self.problems) < SHOWN_PROBLEMS:
            self.problems.append(f"{where}: {why}")

    def nothing_left(self, inputs: Sequence[Path]) -> AlError:
        """The error of inputs that hold no usable text."""
        names = ", ".join(str(path) for path in inputs)
        counts = ", ".join(f"{count} {why}" for why, count in sorted(self.dropped.items()) if count)
        first = f" The first that could not be read: {self.problems[0]}." if self.problems else ""
        return AlError(
            Errors.AL052.format(inputs=names, counts=counts or "no texts at all", first=first)
        )

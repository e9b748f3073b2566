"""What a reader of labelled files is asked for, what it says of the file, and the shape of what it gives."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypedDict

from spacy_al.reporting.words import plural
from spacy_al.tasks.labels import RunLabels

BadSpans: TypeAlias = Literal["refuse", "missing"]
# Places that a remark names
SHOWN = 5
# Sentences, and names of what is not read
MOST = 12


class Mark(TypedDict, total=False):
    """A label on a stretch of a text.

    start, end (int): Characters of the text, as code points; the end is exclusive.
    label (str): What it is called in the file.
    text (str): What the file says stands there, where it says so; the check of records compares it.
    where (str): Its place, where that is another than the record's.
    problem (str): Why it cannot be a span, where the reader knows, e.g. as its parts have words between them.
    """

    start: int
    end: int
    label: str
    text: str
    where: str
    problem: str


class LabelledRecord(TypedDict, total=False):
    """A labelled text of a file; only `where` is always there.

    where (str): Its place, "notes.jsonl:12".
    text (str): As it is in the file.
    words (list[str]), spaces (list[bool]): The file's own tokens and what follows them, where it has any; joined they are the text.
    spans (list[Mark]): Entities, spans or tags: those of the kind that was asked for. An empty list says that there are none,
        and is given only where the file says so by its own key.
    cats (dict[str, float]): Categories with 1 or 0; one that is not in it was not asked about.
    missing (list[tuple[int, int]]): Stretches of characters about which the file says nothing.
    annotator (str): Whose labels they are, where the file says so.
    problem (str): Why the record cannot be used.
    """

    where: str
    text: str
    words: list[str]
    spaces: list[bool]
    spans: list[Mark]
    cats: dict[str, float]
    missing: list[tuple[int, int]]
    annotator: str
    problem: str


@dataclass
class Reading:
    """A file that is read: what is wanted of it, and what was noticed in it.

    kind (str): "entities", "spans", "tags" or "categories".
    spans_key (str): Of the group of spans, where the format has groups.
    column (str | None): Which column has the tags, or the layer or feature, where a file has several: its name, or its number from 1.
    bad_spans (str): What a span that does not fit costs: "refuse" its text, "missing" itself alone, and its tokens are undecided.
    labels (tuple[str, ...]): The names of labels that are numbers in the file, from 0.
    text_key (str): The key or column of the text, in formats without one of their own.
    said (list[str]): Sentences about the file: its encoding, its scheme of tags. Each once.
    unused (Counter[str]): What is there and is not read, by its name in the file ("relations", "notes"), counted.
    lost (dict[str, list[str]]): The places of spans that were left out, by reason; see `bad_spans`.
    trimmed (int): Spans that had white space at an edge, which is no part of them now.
    run_labels (RunLabels): Those of the run that takes the file; without any nothing is known of them.
    added (Counter[str]): Labels that came after a question was asked, and count as shown in these answers to it.
    """

    kind: str
    spans_key: str = "sc"
    column: str | None = None
    bad_spans: BadSpans = "refuse"
    labels: tuple[str, ...] = ()
    text_key: str = "text"
    said: list[str] = field(default_factory=list)
    unused: Counter[str] = field(default_factory=Counter)
    lost: dict[str, list[str]] = field(default_factory=dict)
    trimmed: int = 0
    run_labels: RunLabels = field(default_factory=RunLabels)
    added: Counter[str] = field(default_factory=Counter)

    def say(self, sentence: str) -> None:
        """Note a sentence about the file, once."""
        if sentence not in self.said:
            self.said.append(sentence)

    def skip(self, keys: Any) -> None:
        """Count names of what is there and not read."""
        self.unused.update(keys)

    def lose(self, why: str, where: str) -> None:
        """Note a span that is left out."""
        self.lost.setdefault(why, []).append(where)

    def why_unshown(self, label: str) -> str:
        """What is wrong with a label that a question did not show, to stand behind its name."""
        if not self.run_labels.is_known or label in self.run_labels.now:
            return "was not shown"
        if self.run_labels.parts(label) is None:
            return "is none of the run's labels"
        return "is not among the run's labels any more"

    def remarks(self) -> list[str]:
        """What people are to know of the file, a sentence each."""
        found = self.said[:MOST]
        if len(self.said) > MOST:
            found.append(f"The like is to be said of {len(self.said) - MOST} more.")
        if self.unused:
            most = self.unused.most_common(MOST)
            # a key of a file may be of any length, and have line ends
            names = ", ".join(f"{count} {' '.join(name[:40].split())}" for name, count in most)
            found.append(f"Not read: {names}{' ...' if len(self.unused) > MOST else ''}.")
        if self.added:
            names = ", ".join(f"{name} in {plural(n, 'answer')}" for name, n in self.added.items())
            found.append(
                f"Added after these questions were asked, and taken for shown there: {names}."
            )
        if self.trimmed:
            found.append(f"White space at an edge was cut off of {plural(self.trimmed, 'span')}.")
        for why, places in self.lost.items():
            shown = ", ".join(places[:SHOWN]) + (" ..." if len(places) > SHOWN else "")
            found.append(
                f"{plural(len(places), 'span')} left out, undecided there: {why} ({shown})."
            )
        return found

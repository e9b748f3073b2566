"""How often, and how, annotators are wrong.

Each gold span, tag or category is missed, mislabelled or given a wrong boundary at its rate, m, l and b, and s spurious
ones are marked per gold one (a text without any counts as one). Against the gold, answers then have
F = 2 (1 - w) / (2 - m + s), where w = m + l + b; exactly so in expectation where s = 0.

On texts that were chosen, rather than drawn uniformly, people make more mistakes: F was 5 points lower in a study with
nine annotators (Wei et al., 2019). A drop by d takes further mistakes at a rate
e = (2 (1 - w) - (F - d) (2 - m + s)) / (2 - (F - d) q) per gold one, in the proportions of m, l and b; q is the share
that is missed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.random import Generator

from spacy_al.tasks.decision import Mark

# Further mistakes of annotators who make none elsewhere
USUAL = {
    "entities": ("missed", "mislabelled", "boundary"),
    "spans": ("missed", "mislabelled", "boundary"),
    "tags": ("mislabelled",),
    "categories": ("missed", "mislabelled"),
    "category": ("mislabelled",),
}
# Spurious spans have up to so many tokens
LONGEST = 3


@dataclass(frozen=True)
class Mistakes:
    """Rates per gold span, tag or category, from 0 to 1.

    missed, mislabelled, boundary (float): Each gold one suffers at most one of them. Where one cannot be (there is no
        other label, or no room to move a boundary) the gold one is missed.
    spurious (float): Marked where there is none.
    """

    missed: float = 0.0
    mislabelled: float = 0.0
    boundary: float = 0.0
    spurious: float = 0.0

    @property
    def wrong(self) -> float:
        """The rate at which gold ones do not come out right."""
        return self.missed + self.mislabelled + self.boundary

    @property
    def f(self) -> float:
        """Expected F of the answers against the gold."""
        return 2 * (1 - self.wrong) / (2 - self.missed + self.spurious)

    def fitting(self, form: str) -> "Mistakes":
        """Without mistakes that a form of question does not allow: tags and categories have no boundary, and no token
        and no text has two where they exclude each other."""
        spurious = 0.0 if form in ("tags", "category") else self.spurious
        boundary = self.boundary if form in ("entities", "spans") else 0.0
        return Mistakes(self.missed, self.mislabelled, boundary, spurious)

    def more(self, form: str, drop: float) -> "Mistakes":
        """Those to make besides, so that F is lower by `drop`."""
        rates = [getattr(self, name) for name in ("missed", "mislabelled", "boundary")]
        if not any(rates):
            usual = USUAL[form]
            rates = [float(name in usual) for name in ("missed", "mislabelled", "boundary")]
        shares = [rate / sum(rates) for rate in rates]
        aim = max(0.0, self.f - drop)
        lost = 2 * (1 - self.wrong) - aim * (2 - self.missed + self.spurious)
        rate = min(1 - self.wrong, lost / (2 - aim * shares[0]))
        return Mistakes(*(rate * share for share in shares))


def mistaken(
    marks: Collection[Mark],
    rates: Sequence[Mistakes],
    rng: Generator,
    *,
    form: str,
    labels: Sequence[str],
    spaces: Sequence[bool],
) -> set[Mark]:
    """The marks that a person makes instead of the right ones.

    marks (Collection[Mark]): What is right.
    rates (Sequence[Mistakes]): Of mistakes and of those to make besides.
    rng (Generator): The draws of this text. Those for the first rates do not depend on how many follow.
    form (str): A key of `USUAL`; "category" where exactly one applies.
    labels (Sequence[str]): The labels to choose from.
    spaces (Sequence[bool]): Which tokens are white space; no wrong span begins or ends there.
    """
    right = sorted(marks)
    draws = rng.random((len(right), 3))
    found: set[Mark] = set()
    for mark, (kind, which, _) in zip(right, draws):
        others = {*right, *found} - {mark}
        name = _drawn(kind, rates)
        if name == "mislabelled":
            possible = _relabelled(mark, labels, others, form)
        elif name == "boundary":
            possible = [new for new in _moved(mark, spaces) if _fits(new, others, form)]
        else:
            possible = [] if name == "missed" else [mark]
        if possible:
            found.add(possible[int(which * len(possible))])
    for draw in draws[:, 2] if right else rng.random(1):
        if draw < rates[0].spurious:
            found |= _spurious({*right, *found}, rng, form, labels, spaces)
    return found


def _drawn(draw: float, rates: Sequence[Mistakes]) -> str:
    """The kind of mistake that a number in [0, 1) stands for, or "" for none."""
    upto = 0.0
    for rate in rates:
        for name in ("missed", "mislabelled", "boundary"):
            upto += getattr(rate, name)
            if draw < upto:
                return name
    return ""


def _relabelled(
    mark: Mark, labels: Sequence[str], others: Collection[Mark], form: str
) -> list[Mark]:
    """The mark with each other label that does not stand there already."""
    start, end, own = mark
    new = [(start, end, label) for label in labels if label != own]
    return [mark for mark in new if mark not in others]


def _moved(mark: Mark, spaces: Sequence[bool]) -> list[Mark]:
    """The mark with one boundary one token further in or out."""
    start, end, label = mark
    moved = [(start - 1, end), (start + 1, end), (start, end - 1), (start, end + 1)]
    return [(first, last, label) for first, last in moved if _is_span(first, last, spaces)]


def _is_span(start: int, end: int, spaces: Sequence[bool]) -> bool:
    return 0 <= start < end <= len(spaces) and not (spaces[start] or spaces[end - 1])


def _fits(mark: Mark, others: Collection[Mark], form: str) -> bool:
    """Whether a span can stand beside others, which entities do not overlap."""
    if form == "entities":
        return all(mark[1] <= other[0] or other[1] <= mark[0] for other in others)
    return mark not in others


def _spurious(
    others: Collection[Mark],
    rng: Any,
    form: str,
    labels: Sequence[str],
    spaces: Sequence[bool],
) -> set[Mark]:
    """One mark where nothing is right, if there is room."""
    if not labels:
        return set()
    if form == "categories":
        possible = [(0, 0, label) for label in labels if (0, 0, label) not in others]
    else:
        label = labels[int(rng.integers(len(labels)))]
        possible = [
            (start, start + length, label)
            for start in range(len(spaces))
            for length in range(1, LONGEST + 1)
            if _is_span(start, start + length, spaces)
        ]
        possible = [mark for mark in possible if _fits(mark, others, form)]
    return {possible[int(rng.integers(len(possible)))]} if possible else set()

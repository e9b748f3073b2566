"""Mistakes planted into a corpus, each known by where it is and of what kind."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy
from spacy.tokens import Doc, Span

from spacy_al.measures.mark_errors import MISSING, mark_errors
from spacy_al.oracle.mistakes import Mistakes, mistaken
from spacy_al.tasks.decision import Mark

# Beside the kinds of `mark_errors`
DROPPED, SWAPPED = "dropped", "swapped"


@dataclass(frozen=True)
class Planted:
    """A mistake.

    row (int): Of the text.
    start, end (int): The tokens that it is about, the end exclusive: those of the right mark and of the wrong one.
    kind (str): One of the five.
    """

    row: int
    start: int
    end: int
    kind: str


def plant(docs: Sequence[Doc], rate: float, seed: int) -> tuple[list[Doc], list[Planted]]:
    """Copies of documents in which this share of the marks is wrong, the kinds alike often.

    docs (Sequence[Doc]): With entities, or with exactly one category each. Not changed.
    rate (float): Mistakes per right mark.
    seed (int): Of the draws.
    RETURNS (tuple): The copies, and what is wrong in them.
    """
    if any(doc.cats for doc in docs):
        return _swap(docs, rate, seed)
    labels = sorted({span.label_ for doc in docs for span in doc.ents})
    kinds = 3 if len(labels) == 1 else 4
    each = rate / kinds
    # of one label there is no other to take
    mistakes = Mistakes(each, each if kinds == 4 else 0.0, each, each)
    made, planted = [], []
    for row, doc in enumerate(docs):
        right = {(span.start, span.end, span.label_) for span in doc.ents}
        rng = numpy.random.default_rng([seed, row])
        spaces = [token.is_space for token in doc]
        # a text without entities counts as one, of which some would be marked too often
        rates = [mistakes] if right else [Mistakes()]
        wrong = mistaken(right, rates, rng, form="entities", labels=labels, spaces=spaces)
        copy = doc.copy()
        copy.set_ents([Span(copy, *mark) for mark in sorted(wrong)])
        made.append(copy)
        planted += differences(row, right, wrong)
    return made, planted


def differences(row: int, right: Collection[Mark], wrong: Collection[Mark]) -> list[Planted]:
    """What is wrong in a text, by what was done to it."""
    return [
        Planted(row, start, end, DROPPED if kind == MISSING else kind)
        for start, end, kind in mark_errors(wrong, right)
    ]


def _swap(docs: Sequence[Doc], rate: float, seed: int) -> tuple[list[Doc], list[Planted]]:
    labels = sorted({label for doc in docs for label in doc.cats})
    rng = numpy.random.default_rng(seed)
    rows = {*rng.permutation(len(docs))[: round(rate * len(docs))].tolist()}
    made = [doc.copy() for doc in docs]
    for row in sorted(rows):
        (own,) = [label for label, value in made[row].cats.items() if value >= 0.5]
        other = rng.choice([label for label in labels if label != own])
        made[row].cats = {label: float(label == other) for label in labels}
    return made, [Planted(row, 0, len(docs[row]), SWAPPED) for row in sorted(rows)]

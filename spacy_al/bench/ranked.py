"""How good a ranking of places is at finding planted mistakes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy

from spacy_al.types import Bools, Floats, Ints


@dataclass(frozen=True)
class Place:
    """Tokens of a text that a method doubts.

    row (int): Of the text.
    start, end (int): The tokens, the end exclusive.
    score (float): A higher one is looked at sooner.
    """

    row: int
    start: int
    end: int
    score: float


def hits(places: Iterable[Place], planted: Iterable[tuple[int, int, int]]) -> Bools:
    """(N,) whether each place, in order of scores, shows a mistake that none before it has shown.

    places (Iterable[Place]): In any order; of equal scores those of earlier texts come first.
    planted (Iterable): (row, start, end) of mistakes.
    """
    left: dict[int, list[tuple[int, int]]] = {}
    for row, start, end in planted:
        left.setdefault(row, []).append((start, end))
    found = []
    for place in sorted(places, key=lambda one: (-one.score, one.row, one.start)):
        own = left.get(place.row, [])
        over = next((one for one in own if one[0] < place.end and place.start < one[1]), None)
        if over is not None:
            own.remove(over)
        found.append(over is not None)
    return numpy.array(found, dtype=bool)


def ranking_figures(right: Bools, total: int, at: Sequence[int]) -> dict[str, float]:
    """Precision and recall at numbers of places that are looked at, and average precision.

    right (Bools): (N,) as `hits` gives it.
    total (int): Mistakes that there are.
    at (Sequence[int]): Numbers of places.
    """
    found = numpy.cumsum(right)
    looked: Ints = numpy.arange(1, len(right) + 1)
    figures = {"average precision": float((found / looked)[right].sum() / max(total, 1))}
    for k in at:
        seen = float(found[min(k, len(found)) - 1]) if len(found) else 0.0
        figures[f"precision at {k}"] = seen / k
        figures[f"recall at {k}"] = seen / max(total, 1)
    return figures


def join_tokens(scores: Sequence[Floats]) -> list[Place]:
    """Tokens with scores as places: beginning with the most doubtful token of all, one that stands beside a place of its text joins that.

    scores (Sequence[Floats]): Of each text (n_tokens,), higher for more doubtful ones.
    """
    flat = [(-score, row, i) for row, own in enumerate(scores) for i, score in enumerate(own)]
    owner: dict[tuple[int, int], int] = {}
    made: list[list[float]] = []
    for score, row, i in sorted(flat):
        beside = owner.get((row, i - 1), owner.get((row, i + 1)))
        if beside is None:
            beside = len(made)
            made.append([row, i, i + 1, -score])
        owner[row, i] = beside
        made[beside][1] = min(made[beside][1], i)
        made[beside][2] = max(made[beside][2], i + 1)
    return [Place(int(row), int(start), int(end), score) for row, start, end, score in made]

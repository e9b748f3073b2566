"""Marks against the right ones: how many are wrong, and how."""

from collections.abc import Collection
from typing import TypeAlias

Mark: TypeAlias = tuple[int, int, str]
LABEL, BOUNDARY, SPURIOUS, MISSING = "wrong label", "boundary", "spurious", "missing"


def mark_errors(given: Collection[Mark], right: Collection[Mark]) -> list[tuple[int, int, str]]:
    """The mistakes in marks: each given one pairs with at most one right one that shares a token with it.

    given, right (Collection): (start, end, label), the end exclusive; a category is (0, 0, label), and pairs with another category.
    RETURNS (list): (start, end, kind) in order, over the tokens of both marks of a pair.
    """
    wrong, left = sorted({*given} - {*right}), sorted({*right} - {*given})
    found = []
    # the same tokens first: a boundary is moved only where nothing stands on the very tokens
    for same in (True, False):
        for mark in [*wrong]:
            other = next((one for one in left if _pairs(mark, one, same)), None)
            if other is not None:
                wrong.remove(mark)
                left.remove(other)
                kind = LABEL if same else BOUNDARY
                found.append((min(mark[0], other[0]), max(mark[1], other[1]), kind))
    found += [(start, end, SPURIOUS) for start, end, _ in wrong]
    return sorted(found + [(start, end, MISSING) for start, end, _ in left])


def _pairs(one: Mark, other: Mark, same: bool) -> bool:
    if same:
        return one[:2] == other[:2]
    return one[0] < other[1] and other[0] < one[1]

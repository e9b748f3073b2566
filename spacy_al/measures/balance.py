"""Whether labels are among what was labelled as they are in the pool."""

from collections.abc import Mapping
from typing import TypedDict

# Times in the whole pool, below which an expectation is made of many small probabilities
LEAST = 5.0
# Of the share of the pool that a label has among what is labelled, below which it is short
SHORT = 0.5


class LabelShare(TypedDict):
    """A label in what was labelled and in the pool.

    label (str): Its name.
    labelled (int), share (float): How often it was given, and of all that was given.
    expected (float), pool_share (float): How often it is in the pool, by an estimate, and of all that is there.
    is_missing (bool): Whether it is in the pool and was never given.
    is_short (bool): Whether it was given surely less than half as often as it is there, or never.
    """

    label: str
    labelled: int
    share: float
    expected: float
    pool_share: float
    is_missing: bool
    is_short: bool


def label_shares(
    labelled: Mapping[str, int],
    expected: Mapping[str, float],
    at_least: Mapping[str, float] | None = None,
) -> list[LabelShare]:
    """Each label in what was labelled, beside the pool.

    labelled (Mapping): label -> times that it was given.
    expected (Mapping): label -> times that it is in the pool, estimated.
    at_least (Mapping | None): label -> the low end of the interval of that, where it has one. Only such a label is called short: what a model
        expects of a rare one is often several times what is there.
    RETURNS (list[LabelShare]): The labels that the pool has an estimate of, those first that are short of most. Of a label below five times in the pool
        nothing is claimed.
    """
    given = sum(labelled.get(label, 0) for label in expected)
    there = sum(expected.values())
    found = []
    for label, value in expected.items():
        times = labelled.get(label, 0)
        share = times / given if given else 0.0
        pool_share = value / there if there else 0.0
        is_missing = value >= LEAST and not times
        low = (at_least or {}).get(label, 0.0)
        is_short = is_missing or (low >= LEAST and share < SHORT * low / there)
        row: LabelShare = {
            "label": label,
            "labelled": times,
            "share": share,
            "expected": value,
            "pool_share": pool_share,
            "is_missing": is_missing,
            "is_short": bool(is_short),
        }
        found.append(row)
    return sorted(found, key=lambda row: (row["share"] - row["pool_share"], row["label"]))

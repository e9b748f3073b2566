"""Bars of a run: labels by the round that brought them, and rounds by what took their time."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from spacy_al.reporting.facts import RoundFacts
from spacy_al.reporting.words import is_number

SecondsOf: TypeAlias = Literal[
    "seconds_answers", "seconds_train", "seconds_evaluate", "seconds_select"
]
# Labels with a bar of their own
MOST_BARS = 8
TIMES: dict[SecondsOf, str] = {
    "seconds_answers": "people's answers",
    "seconds_train": "training",
    "seconds_evaluate": "measuring",
    "seconds_select": "choosing",
}
Row = RoundFacts


def balance_bars(rounds: Sequence[Row]) -> dict[str, Any] | None:
    """Labels by how often they were given, each bar in parts of the rounds that added them.

    rounds (Sequence): With `balance`: how often each label has been given so far.
    RETURNS (dict | None): rows: the most frequent labels, and all others as one; counts: all labels. None without labels.
    """
    if not rounds:
        return None
    final: Mapping[str, Any] = rounds[-1]["balance"]
    order = sorted(final, key=lambda label: (-final[label], label))
    own, others = order[:MOST_BARS], order[MOST_BARS:]
    if len(others) == 1:
        own, others = order, []
    groups = [(label, [label]) for label in own]
    if others:
        groups.append((f"{len(others)} other labels", others))
    totals = [sum(final[label] for label in labels) for _, labels in groups]
    longest = max(*totals, 1)
    rows = []
    for (name, labels), total in zip(groups, totals):
        so_far, parts = 0, []
        for i, row in enumerate(rounds):
            # a correction may take labels away again
            now = min(total, sum(row["balance"].get(label) or 0 for label in labels))
            if now > so_far:
                share = 100 * (now - so_far) / longest
                parts.append({"width": f"{share:.2f}", "shade": _shade(i, len(rounds))})
                so_far = now
        rows.append({"name": name, "total": total, "parts": parts, "other": labels is others})
    steps = [_shade(i, len(rounds)) for i in range(len(rounds))]
    numbers = [row.get("round") for row in rounds]
    return {
        "rows": rows,
        "counts": [(label, final[label]) for label in order],
        "none": [label for label in order if not final[label]],
        "steps": steps,
        "first": numbers[0],
        "last": numbers[-1],
    }


def time_bars(rounds: Sequence[Row]) -> dict[str, Any] | None:
    """Where the time of each round went, in seconds.

    RETURNS (dict | None): kinds: what takes time and is known; rows: for each round its parts and their numbers.
    """
    known = [row for row in rounds if any(is_number(row.get(key)) for key in TIMES)]
    kinds = [key for key in TIMES if any(row.get(key) for row in known)]
    if not kinds:
        return None
    totals = [sum(row.get(key) or 0.0 for key in kinds) for row in known]
    longest = max(totals) or 1.0
    rows = []
    for row, total in zip(known, totals):
        parts = [
            {"colour": colour, "width": f"{100 * row[key] / longest:.2f}"}
            for colour, key in enumerate(TIMES, 1)
            if row.get(key)
        ]
        rows.append(
            {
                "round": row.get("round"),
                "total": total,
                "parts": parts,
                "seconds": [row.get(key) for key in kinds],
            }
        )
    return {
        "kinds": [(list(TIMES).index(key) + 1, TIMES[key]) for key in kinds],
        "rows": rows,
        "people": sum(row.get("seconds_answers") or 0.0 for row in known),
        "all": sum(totals),
    }


def _shade(i: int, n: int) -> str:
    """Opacity of a round: the first is pale, the last full."""
    return f"{1.0 if n == 1 else 0.3 + 0.7 * i / (n - 1):.2f}"

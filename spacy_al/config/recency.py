"""What `[al.pool]` says beside its path: that recent texts are preferred."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from spacy_al.corpus.dates import parse_day

WINDOW = re.compile(r"(\d{1,6})d", re.ASCII)


@dataclass(frozen=True)
class Recency:
    """How recent texts are preferred.

    since (str | None): A date, before which texts are not asked, or a window such as "14d", which ends at the newest text of the pool.
    half_life_days (float | None): A score counts half for a text that is older than the newest one by so much, and so on.
    date (str): Where the meta of a text has its date, dotted where it is within another.
    """

    since: str | None = None
    half_life_days: float | None = None
    date: str = "date"

    def start(self, newest: float) -> float | None:
        """The day from which texts are asked, in days since 1970; None for all.

        newest (float): That of the pool's newest text.
        """
        if self.since is None:
            return None
        window = WINDOW.fullmatch(self.since)
        return newest - int(window[1]) if window else parse_day(self.since)


def read_recency(
    block: Mapping[str, Any], refuse: Callable[[str, str, list[str]], Any]
) -> Recency | None:
    """What a block says of it; None for nothing."""
    given = {name: value for name, value in block.items() if value is not None}
    for name, value in given.items():
        if name == "half_life_days":
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            # NaN is refused as well
            fits, known = is_number and 0 < value < float("inf"), "a number of days, more than 0"
        elif name == "since":
            fits = isinstance(value, str) and bool(
                WINDOW.fullmatch(value) or parse_day(value) is not None
            )
            known = 'a date ("2026-11-01"), or a number of days before the newest text ("14d")'
        else:
            fits, known = isinstance(value, str) and bool(value), "a field of meta"
        if not fits:
            refuse(f"al.pool.{name}", f"it is {value!r}", [known])
    return Recency(**given) if {"since", "half_life_days"} & {*given} else None

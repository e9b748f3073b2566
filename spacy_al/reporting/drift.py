"""Looks at recent texts in the report of a run: what was compared, look after look, and what differed in the last one."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from spacy_al.reporting import words
from spacy_al.reporting.charts import Line, small_chart

# Of the looks of many nights the last ones are shown
MOST = 30
# The comparison that has a number in words a text
WORDS = "words a text"
# (title, what stands on the vertical axis, how it reads, what it means)
CHARTS = (
    ("Score that the model expects", "score", words.format_score, "By its own probabilities, which is no measurement. Where recent texts lie below those that measure, the model doubts more of them."),
    ("Words a text", "words", words.count, "On average. It is one of the comparisons, and the one that is easiest to look into."),
)  # fmt: skip


def drift_part(looks: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What the template shows.

    looks (Sequence): As `DriftLook`, the last one last. Those of an older version say only what differed.
    RETURNS (dict | None): `charts` over the looks, `rows` of looks, the last one first, how many there are in all (`n_looks`), and what the last
        one compared (`compared`); None without a look.
    """
    if not looks:
        return None
    shown = looks[-MOST:]
    # what is no number is left out of a line
    numbers: list[list[tuple[Any, Any]]] = [
        [(look.get("expected_before"), look.get("expected_now")) for look in shown],
        [_means(look, WORDS) for look in shown],
    ]
    first = len(looks) - len(shown) + 1
    charts = []
    for (title, y_title, y_text, meaning), pairs in zip(CHARTS, numbers):
        before, now = ([(first + k, pair[side]) for k, pair in enumerate(pairs)] for side in (0, 1))
        lines = [
            Line("recent texts", now, colour=1),
            Line("texts that measure", before, dashed=True),
        ]
        made = small_chart(
            lines, title=title, x_title="look", y_title=y_title, y_text=y_text, meaning=meaning
        )
        charts += [made] if made else []
    rows = [_row(first + k, look) for k, look in enumerate(shown)]
    compared = sorted(looks[-1].get("compared") or [], key=lambda one: one["p"])
    differs = set(looks[-1]["alarms"])
    return {
        "charts": charts,
        "rows": rows[::-1],
        "n_looks": len(looks),
        "compared": [{**one, "differs": one["name"] in differs} for one in compared],
    }


def _row(number: int, look: Mapping[str, Any]) -> dict[str, Any]:
    compared = look.get("compared") or []
    return {
        "number": number,
        "day": time.strftime("%Y-%m-%d", time.gmtime(look["at"])),
        "texts": look["texts"],
        "before": look.get("expected_before"),
        "now": look.get("expected_now"),
        "p": min((one["p"] for one in compared), default=None),
        "differs": words.listing(look["alarms"]) or "nothing",
    }


def _means(look: Mapping[str, Any], name: str) -> tuple[float | None, float | None]:
    for one in look.get("compared") or []:
        if one["name"] == name:
            return one["before"], one["now"]
    return None, None

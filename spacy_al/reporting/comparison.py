"""The strategies of a simulation side by side: what is measured in a row, a strategy in a column."""

from collections.abc import Mapping, Sequence
from typing import Any

from spacy_al.measures.learning_curve import is_random
from spacy_al.reporting import words
from spacy_al.reporting.facts import SimulationFacts, StrategyFacts
from spacy_al.reporting.words import is_number

Row = StrategyFacts


def compared(facts: SimulationFacts, strategies: Sequence[Row], cost: str) -> list[dict[str, Any]]:
    """Rows of the table: what is measured, what that means, and a cell for each strategy."""
    full = facts.get("full")

    def cells(get: Any) -> list[str]:
        return [get(row) for row in strategies]

    def known(key: str) -> bool:
        return any(is_number(row.get(key)) for row in strategies)

    rows: list[dict[str, Any]] = []

    def add(name: str, meaning: str, values: list[str]) -> None:
        rows.append({"name": name, "meaning": meaning, "cells": values})

    add(
        "Runs",
        "each with another seed, that is, another beginning",
        cells(lambda r: words.count(r.get("seeds"))),
    )
    if len({row.get("batch_size") for row in strategies}) > 1:
        sizes = cells(
            lambda r: f"{words.count(r.get('batch_size'))} × {words.count(r.get('rounds'))}"
        )
        add("Batches", "texts that a round asks for, and how many rounds", sizes)
    add("Last score", "mean over the runs ± their spread", cells(_final))
    if known("gain"):
        add(
            "Gain over random",
            f"mean height above random choice's curve over the same {cost}, with its 95% interval",
            cells(_gain),
        )
    if known("p"):
        add(
            "p",
            "how probable such a difference would be if there were none",
            cells(lambda r: "" if is_random(r["strategy"]) else words.p_value(r.get("p"))),
        )
    if known("savings"):
        add(
            "Savings",
            f"{cost} saved in reaching random choice's last score",
            cells(lambda r: "" if is_random(r["strategy"]) else words.percent(r.get("savings"))),
        )
    for level in ("90", "95", "99"):
        if full and any(f"share_to_{level}" in row for row in strategies):
            add(
                f"{level}% of the full score",
                f"share of the corpus's {cost} that it took to get there",
                cells(lambda r, level=level: _reached(r, level)),
            )
    for key, name in (("train", "Training"), ("evaluate", "Measuring"), ("select", "Choosing")):
        if any(is_number((row.get("seconds_per_round") or {}).get(key)) for row in strategies):
            add(
                f"{name}, a round",
                "time of the machine",
                cells(
                    lambda r, key=key: words.duration((r.get("seconds_per_round") or {}).get(key))
                ),
            )
    return rows


def _final(row: Row) -> str:
    spread = f" ± {words.format_score(row['spread'])}" if is_number(row.get("spread")) else ""
    return words.format_score(row.get("final")) + spread


def _gain(row: Row) -> str:
    if is_random(row["strategy"]):
        return ""
    if not is_number(row.get("low")):
        return words.signed(row.get("gain"))
    return f"{words.signed(row.get('gain'))} ({words.signed(row['low'])} to {words.signed(row.get('high'))})"


def _reached(row: Row, level: str) -> str:
    share, seeds = row.get(f"share_to_{level}"), row.get("seeds")
    if is_number(share):
        return words.percent(share)
    reached = row.get(f"reached_{level}")
    if not reached:
        return "not reached"
    return f"in {words.count(reached)} of {words.count(seeds)} runs"


def rare_labels(facts: SimulationFacts, strategies: Sequence[Row]) -> dict[str, Any] | None:
    """How often the rarest labels were found, by strategy."""
    in_all = facts.get("rare_labels") or {}
    labels = [*in_all] or [
        *dict.fromkeys(key for row in strategies for key in row.get("rare") or {})
    ]
    if not labels:
        return None
    rows = []
    for label in labels:
        cells = []
        for row in strategies:
            found = (row.get("rare") or {}).get(label)
            is_pair = isinstance(found, Mapping)
            cell = words.count(found["found"] if is_pair else found)  # type: ignore[index]
            if isinstance(found, Mapping) and "reached_95" in found:
                texts, seeds = found["texts_to_95"], words.count(row.get("seeds"))
                reached = f"in {words.count(found['reached_95'])} of {seeds} runs"
                cell += f"; {reached if texts is None else words.count(texts)}"
            cells.append(cell)
        rows.append({"label": str(label), "cells": cells, "in_all": in_all.get(label)})
    learned = any(
        "reached_95" in found
        for row in strategies
        for found in (row.get("rare") or {}).values()
        if isinstance(found, Mapping)
    )
    return {"rows": rows, "totals": bool(in_all), "learned": learned}

"""The results of a simulation as plain data: for `summary.json`, the table and the report."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from typing import cast

import numpy

from spacy_al.measures.learning_curve import (
    COSTS,
    Curve,
    asks_parts,
    compare,
    cost_to,
    curves,
    is_random,
    mean_curve,
)
from spacy_al.measures.simulated import Cost, FullNumbers, ResultRow
from spacy_al.reporting.facts import (
    CorpusFacts,
    CostFacts,
    Found,
    OwnTexts,
    OwnWords,
    SimulationFacts,
    StrategyFacts,
)
from spacy_al.simulation.plan import SimulationPlan

# Labels whose finds are counted: those that the corpus has least of
N_RARE = 5
# Shares of a label's F with the whole corpus
LABEL_LEVELS = (0.80, 0.95)
# From so many on, an interval over seeds says something
ENOUGH_SEEDS = 10


def simulation_facts(
    plan: SimulationPlan,
    rows: Sequence[ResultRow],
    corpus: CorpusFacts,
    full: FullNumbers | None = None,
    *,
    title: str = "",
    command: str = "",
) -> SimulationFacts:
    """The facts that the report tells and `metrics.json` holds.

    plan (Plan): What was compared.
    rows (Sequence[dict]): Its results.
    corpus (dict): As `Corpus.describe` gives it.
    full (dict | None): Numbers of a model that was trained on all of it.
    title (str): Of the report.
    command (str): That runs it.
    RETURNS (dict): strategies: for each its numbers by words, and all of them under `by_cost`, see `curve.compare`; rare: how
        often the rarest labels were found in the texts that it chose (the first ones, which are chance's, left out), a mean
        over seeds, and for 100 texts, and after how many texts they were learned; seconds_per_round; self_labels and self_texts, where there are any.
    """
    counted: list[Cost] = [cost for cost in COSTS if cost != "words_decided" or asks_parts(rows)]
    baselines = {strategy: plan.baseline_of(strategy) for strategy in plan.strategies}
    by_cost = {
        cost: {r["strategy"]: r for r in compare(rows, cost, full, baselines)} for cost in counted
    }
    drawn = {cost: curves(rows, cost) for cost in counted}
    counts = corpus["labels"]
    # a single label is not rare among others
    rare = sorted(counts, key=lambda x: (counts[x], x))[:N_RARE] if len(counts) > 1 else []
    strategies: list[StrategyFacts] = []
    for strategy, row in by_cost[COSTS[0]].items():
        own = [r for r in rows if r["strategy"] == strategy]
        last = max(r["round"] for r in own)
        costs: dict[Cost, CostFacts] = {
            cost: {**by_cost[cost][strategy], "curve": mean_curve(drawn[cost][strategy])}
            for cost in counted
        }
        told: StrategyFacts = {
            **row,
            "by_cost": costs,
            "batch_size": plan.size_of(strategy),
            "rounds": plan.rounds_of(strategy),
            "rare": {label: found_of(own, label, full) for label in rare},
            "seconds_per_round": {
                "train": _seconds([r["seconds_train"] for r in own]),
                "evaluate": _seconds([r["seconds_evaluate"] for r in own]),
                # the last round of all chooses nothing
                "select": _seconds([r["seconds_select"] for r in own if r["round"] < last]),
            },
        }
        if words := self_labelled(own):
            told["self_labels"] = words
        if texts := self_trained(own):
            told["self_texts"] = texts
        strategies.append(told)
    return {
        "kind": "simulation",
        "command": command,
        "title": title,
        "plan": plan.describe(),
        "made_with": {
            "Python": platform.python_version(),
            **{name: version(name) for name in ("spacy", "spacy-al", "thinc", "numpy")},
        },
        "corpus": corpus,
        "score_name": next((r["score_name"] for r in rows if r.get("score_name")), "score"),
        "costs": counted,
        "full": full or None,
        "rare_labels": {label: counts[label] for label in rare},
        "notes": notes(plan),
        "strategies": strategies,
    }


def notes(plan: SimulationPlan) -> list[str]:
    """How the numbers are to be read."""
    n = len(plan.seeds)
    said = []
    if n == 1:
        said.append("One seed shows nothing of the spread between runs: no intervals, no tests.")
    elif n < ENOUGH_SEEDS:
        said.append(
            f"{n} seeds are few: intervals are wide, p is rough, and a gain whose interval holds 0 is not shown to "
            f"be one. {ENOUGH_SEEDS} or more are better."
        )
    if len({*map(plan.size_of, plan.strategies)}) > 1:
        said.append(
            "Batches differ in size, and all strategies ask for as many texts. Each is compared with random choice in batches of its "
            "own size."
        )
    others = len([s for s in plan.strategies if not is_random(s)])
    if others > 1 and n > 1:
        said.append(
            f"{others} strategies are compared with random choice, and p is not corrected for that."
        )
    rates = ("missed", "mislabelled", "boundary", "spurious", "ignored", "chosen_errors")
    errs = any((plan.oracle or {}).get(rate) for rate in rates)
    who = "annotators who err" if errs else "annotators who are never wrong"
    said.append(f"The answers are those of {who}; seconds are modelled, not measured.")
    return said


def found_of(rows: Sequence[ResultRow], label: str, full: FullNumbers | None = None) -> Found:
    """How often a label was found in the texts that were chosen, a mean over seeds; for 100 of those texts; and how soon it was learned."""
    found, texts, curves_of = [], [], list[Curve]()
    for seed in {row["seed"] for row in rows}:
        own = sorted((r for r in rows if r["seed"] == seed), key=lambda r: r["round"])
        first, last = own[0], own[-1]
        found.append(last["labels"].get(label, 0) - first["labels"].get(label, 0))
        texts.append(last["texts"] - first["texts"])
        # spaCy says nothing of a label that is neither there nor predicted
        scores = [row.get("f_by_label", {}).get(label, 0.0) for row in own]
        curves_of.append((numpy.array([float(r["texts"]) for r in own]), numpy.array(scores)))
    total = sum(texts)
    told: Found = {
        "found": float(numpy.mean(found)),
        "per_100_texts": 100 * sum(found) / total if total else 0.0,
    }
    whole = full.get("f_by_label", {}).get(label) if full else None
    # results of older versions lack the scores of labels
    if not whole or not all("f_by_label" in row for row in rows):
        return told
    for level in LABEL_LEVELS:
        costs = [cost_to(curve, level * whole) for curve in curves_of]
        known, name = [cost for cost in costs if cost is not None], f"{level:.0%}".rstrip("%")
        mean = float(numpy.mean(known)) if len(known) == len(costs) else None
        # the names are made of LABEL_LEVELS
        told |= cast(Found, {f"texts_to_{name}": mean, f"reached_{name}": len(known)})
    return told


def self_labelled(rows: Sequence[ResultRow]) -> OwnWords | None:
    """Words that models labelled themselves; None where a strategy has none."""
    own = [row for row in rows if row.get("self_labelled")]
    total = sum(row["self_labelled"] for row in own)
    if not total:
        return None
    return {
        "words": total / len(own),
        "wrong": sum(row["self_wrong"] for row in own) / total,
        "expected": sum(row["self_wrong_expected"] for row in own) / total,
    }


def self_trained(rows: Sequence[ResultRow]) -> OwnTexts | None:
    """The same of texts of which nobody was asked anything."""
    own = [row for row in rows if row.get("self_trained")]
    total = sum(row["self_trained"] for row in own)
    if not total:
        return None
    return {
        "texts": total / len(own),
        "wrong": sum(row["self_trained_wrong"] for row in own) / total,
        "expected": sum(row["self_trained_wrong_expected"] for row in own) / total,
    }


def _seconds(times: Sequence[float]) -> float:
    """Mean wall time of a round."""
    return round(float(numpy.mean(times)), 2) if times else 0.0

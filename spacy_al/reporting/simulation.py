"""The report of a simulation: whether asking by a strategy beat random choice, by how much, and how sure that is."""

from collections.abc import Mapping, Sequence
from typing import Any

from spacy_al.measures.learning_curve import RANDOM, is_random, split_size
from spacy_al.measures.simulated import Cost
from spacy_al.reporting import words
from spacy_al.reporting.charts import GREY, N_COLOURS, Chart, Level, Line, line_chart
from spacy_al.reporting.comparison import compared, rare_labels
from spacy_al.reporting.facts import CostFacts, SimulationFacts, StrategyFacts
from spacy_al.reporting.words import is_number

# Cost -> name of its axis
COSTS: dict[Cost, str] = {
    "words": "words labelled",
    "words_decided": "words asked about",
    "texts": "texts labelled",
    "entities": "labels given",
    "seconds": "hours of annotation, modelled",
}
# Sentences on strategies that are shown unfolded
MOST_VERDICTS = 3
SHORT: dict[Cost, str] = {
    "words": "By words",
    "words_decided": "By words asked about",
    "texts": "By texts",
    "entities": "By labels given",
    "seconds": "By modelled time",
}
Row = StrategyFacts


def simulation_page(facts: SimulationFacts) -> dict[str, Any]:
    """The values that the template shows; a section without data is None or empty."""
    strategies: Sequence[Row] = facts.get("strategies") or []
    counted = [str(cost) for cost in facts.get("costs") or COSTS]
    costs: list[Cost] = [cost for name in counted for cost in COSTS if cost == name]
    main: Cost = costs[0] if costs else "words"
    name, meaning = words.format_score_name(facts.get("score_name"))
    colours = _colours(strategies)
    charts = [_chart(facts, strategies, cost, name, colours, small=cost != main) for cost in costs]
    verdicts = [
        _verdict(row, main) for row in strategies if not is_random(str(row.get("strategy")))
    ]
    corpus = facts.get("corpus") or {}
    return {
        "title": str(facts.get("title") or "simulation"),
        "headline": _headline(strategies, main, name),
        "verdicts": verdicts[:MOST_VERDICTS],
        "more_verdicts": verdicts[MOST_VERDICTS:],
        "score_name": name,
        "meaning": meaning,
        "subject": _subject(facts, corpus),
        "chart": next((chart for chart in charts if chart), None),
        "others": [chart for chart in charts if chart][1:],
        "strategies": strategies,
        "rows": compared(facts, strategies, main),
        "rare": rare_labels(facts, strategies),
        "notes": [str(note) for note in facts.get("notes") or []],
        "dropped": {why: n for why, n in (corpus.get("dropped") or {}).items() if n},
        "made": _made(facts),
        "seeds": max((row.get("seeds") or 0 for row in strategies), default=0),
    }


def _subject(facts: SimulationFacts, corpus: Mapping[str, Any]) -> str:
    parts = []
    if is_number(corpus.get("texts")):
        parts.append(f"{words.count(corpus['texts'])} texts")
    if is_number(corpus.get("words")):
        parts.append(f"{words.count(corpus['words'])} words")
    if corpus.get("labels"):
        parts.append(f"{words.count(len(corpus['labels']))} labels")
    return f"on a corpus of {', '.join(parts)}" if parts else ""


def _colours(strategies: Sequence[Row]) -> dict[str, int]:
    """One colour for each strategy in all charts, by name, so that it stays when ranks change; grey for random choice."""
    names = {str(row.get("strategy")) for row in strategies} - {RANDOM}
    # with batches of other sizes chance has colours as well, or its lines could not be told apart
    ordered = sorted(names, key=lambda name: (is_random(name), name))
    return {RANDOM: GREY, **{name: 1 + i % N_COLOURS for i, name in enumerate(ordered)}}


def _of(row: Row, cost: Cost) -> CostFacts:
    """A strategy's numbers by a cost."""
    return (row.get("by_cost") or {}).get(cost) or {}


def _chart(
    facts: SimulationFacts,
    strategies: Sequence[Row],
    cost: Cost,
    name: str,
    colours: Mapping[str, int],
    small: bool,
) -> Chart | None:
    divisor = 3600 if cost == "seconds" else 1
    lines = []
    for row in strategies:
        curve = [
            (point[0] / divisor, *point[1:])
            for point in _of(row, cost).get("curve") or []
            if len(point) == 4 and all(map(is_number, point))
        ]
        # what was not counted is no axis
        if not any(point[0] for point in curve):
            continue
        strategy = str(row["strategy"])
        several = (row.get("seeds") or 1) > 1
        lines.append(
            Line(
                _called(strategy),
                [(x, y) for x, y, _, _ in curve],
                [(x, low, high) for x, _, low, high in curve] if several else [],
                colour=colours[strategy],
                dashed=is_random(strategy),
            )
        )
    full = facts.get("full")
    levels = []
    if full and is_number(full.get("score")):
        levels.append(
            Level(f"all of the corpus: {words.format_score(full['score'])}", full["score"])
        )
    return line_chart(
        lines,
        levels,
        title=SHORT[cost] if small else f"Score against {COSTS[cost]}",
        x_title=COSTS[cost],
        y_title=f"{name} on test",
        x_text=words.count,
        y_text=words.format_score,
        small=small,
    )


def _called(strategy: str) -> str:
    if not is_random(strategy):
        return strategy
    size = split_size(strategy)[1]
    return "random choice" if size is None else f"random choice, {size} a round"


def _headline(strategies: Sequence[Row], cost: str, name: str) -> str:
    others = [row for row in strategies if not is_random(str(row.get("strategy")))]
    if not others:
        return "There is no strategy to compare with random choice."
    better = [
        str(row["strategy"]) for row in others if is_number(low := row.get("low")) and low > 0
    ]
    if better:
        verb = "learns" if len(better) == 1 else "learn"
        return (
            f"{' and '.join(better)} {verb} more from the same number of {cost} than random choice."
        )
    if not any(is_number(row.get("low")) for row in others):
        return "Whether a strategy beats random choice cannot be told from this."
    return "No strategy is shown to be better than random choice."


def _verdict(row: Row, cost: str) -> dict[str, str]:
    """A strategy's result as a sentence, also when there is nothing to boast of."""
    gain, low, high = row.get("gain"), row.get("low"), row.get("high")
    if not is_number(gain):
        return {"strategy": str(row.get("strategy")), "said": "has nothing to be compared with."}
    size = (
        f"{words.format_score(abs(gain))} {'above' if gain >= 0 else 'below'} that of random choice"
    )
    measured = f"its curve runs on average {size} over the same {cost}"
    if not (is_number(low) and is_number(high)):
        said = f"is not proven better or worse: {measured}, but one run has no spread to judge by."
    else:
        interval = f"95% interval {words.signed(low)} to {words.signed(high)}"
        if is_number(row.get("p")):
            p = words.p_value(row["p"])
            interval += f", p {p}" if p.startswith("<") else f", p = {p}"
        if low > 0:
            said = f"is better than random choice: {measured} ({interval})."
        elif high < 0:
            said = f"is worse than random choice: {measured} ({interval})."
        else:
            said = (
                f"is not shown to be better than random choice: {measured}, and the uncertainty includes "
                f"no difference at all ({interval})."
            )
    savings = row.get("savings")
    if is_number(savings) and savings:
        more = "fewer" if savings > 0 else "more"
        said += (
            f" It needs {words.percent(abs(savings))} {more} {cost} for random choice's last score."
        )
    return {"strategy": str(row.get("strategy")), "said": said}


def _made(facts: SimulationFacts) -> list[tuple[str, str, bool]]:
    plan, made = facts.get("plan") or {}, facts.get("made_with") or {}
    names = {
        "config": "Config",
        "gold": "Labelled corpus",
        "dev": "Development set",
        "test": "Test set",
        "component": "Component",
    }
    rows = [("Command", facts.get("command"), True)]
    rows += [(name, plan.get(key), True) for key, name in names.items()]
    if is_number(plan.get("start")):
        rows.append(
            (
                "Plan",
                f"{words.count(plan['start'])} texts at random to begin with, then "
                f"{words.count(plan.get('rounds'))} rounds of {words.count(plan.get('batch'))}",
                False,
            )
        )
    overrides = plan.get("overrides") or {}
    rows.append(
        ("Changed in the config", ", ".join(f"{k} = {v}" for k, v in overrides.items()), True)
    )
    rows.append(("Seeds", ", ".join(map(str, plan.get("seeds") or [])), False))
    rows.append(("Made with", ", ".join(f"{name} {made[name]}" for name in made), False))
    return [(name, str(value), code) for name, value, code in rows if value]

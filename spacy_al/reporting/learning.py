"""The learning curve of a run: beside random choice and all labels where these are known, carried on to a target."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

from spacy_al.reporting import words
from spacy_al.reporting.charts import Chart, Level, Line, line_chart
from spacy_al.reporting.facts import RoundFacts, RunFacts
from spacy_al.reporting.words import is_number

Row = RoundFacts
# Models that a forecast takes, as `stopping.forecast` has it
FEWEST = 4


def cost_shown(facts: RunFacts, scored: Sequence[Row]) -> Literal["words", "texts"]:
    """The cost that the learning curve is drawn against: that of the forecast, else words, else texts."""
    named = (facts.get("forecast") or {}).get("cost")
    if named == "words" or named == "texts":
        return named
    return "words" if all(is_number(row.get("words")) for row in scored) else "texts"


def learning_curve(
    facts: RunFacts, scored: Sequence[Row], name: str, cost: Literal["words", "texts"]
) -> Chart | None:
    """Draw the scores of the rounds.

    facts (Mapping): With `baseline`, `full` and `forecast` where they are known.
    scored (Sequence): The rounds with a score.
    name (str): Of the score.
    cost (str): What it is drawn against.
    RETURNS (Chart | None): None of a single round.
    """
    parts = comparable(scored)
    own = [(row.get(cost), row["score"]) for row in parts[-1]] if parts else []
    lines = [
        Line(
            f"from round {part[0].get('round')}: other labels" if k else "this run",
            [(row.get(cost), row["score"]) for row in part],  # type: ignore[misc]
            [(row.get(cost), *interval) for row in part if (interval := interval_of(row))],  # type: ignore[misc]
            colour=1,
        )
        for k, part in enumerate(parts)
    ]
    levels = []
    baseline, full = facts.get("baseline") or {}, facts.get("full")
    forecast = facts.get("forecast") or {}
    points = baseline.get("points") or []
    if points:
        called = "random choice" if baseline.get("name") in (None, "random") else baseline["name"]
        band = [(point.get(cost), point.get("low"), point.get("high")) for point in points]
        drawn = [(point.get(cost), point.get("score")) for point in points]
        lines.append(Line(called, drawn, band, dashed=True))
    ahead = _ahead(forecast.get("curve") or [], [cost for cost, _ in own])
    if len(ahead) > 1:
        lines.append(
            Line(
                "forecast",
                [(x, y) for x, y, _, _ in ahead],
                [(x, low, high) for x, _, low, high in ahead],
                colour=2,
                dashed=True,
                dots=False,
            )
        )
    if full and is_number(full.get("score")):
        said = f"all {words.count(full.get(cost))} {cost} labelled: {words.format_score(full['score'])}"
        levels.append(Level(said, full["score"]))
    target = forecast.get("target")
    if is_number(target):
        levels.append(Level(f"target {words.format_score(target)}", target))
    return line_chart(
        lines,
        levels,
        title="Score against what was labelled",
        x_title=f"{cost} labelled",
        y_title=name + (f" on {facts['reported_on']}" if facts.get("reported_on") else ""),
        x_text=words.count,
        y_text=words.format_score,
    )


def interval_of(row: Row) -> tuple[float, float] | None:
    """Where a round's score on other texts probably lies; None where that is not known."""
    found = row.get("test") or row.get("dev")
    return found.get("interval") if found else None


def comparable(scored: Sequence[Row]) -> list[list[Row]]:
    """The rounds in parts within which a score counts the same labels; a curve is not drawn from one to the next."""
    parts: list[list[Row]] = []
    for row in scored:
        if row.get("breaks") or not parts:
            parts.append([])
        parts[-1].append(row)
    return parts


def _ahead(curve: Sequence[Sequence[float]], costs: Sequence[Any]) -> list[Sequence[float]]:
    """The part of a forecast that begins where what is known ends."""
    known = [cost for cost in costs if is_number(cost)]
    rows = [row for row in curve if len(row) == 4 and all(map(is_number, row))]
    if not known or not rows:
        return rows
    last = max(known)
    after = [row for row in rows if row[0] > last]
    before = [row for row in rows if row[0] <= last]
    if before and after:
        a, b = before[-1], after[0]
        t = (last - a[0]) / (b[0] - a[0])
        after.insert(0, [x + t * (y - x) for x, y in zip(a, b)])
    return after


def curve_notes(
    facts: RunFacts, scored: Sequence[Row], cost: Literal["words", "texts"]
) -> list[str]:
    """The curve in words: beside random choice, and on the way to the target."""
    parts = comparable(scored)
    notes = [_break_note(part[0], before[-1]) for before, part in pairwise(parts)]
    scored = parts[-1] if parts else []
    points = (facts.get("baseline") or {}).get("points") or []
    own = [
        (row[cost], score)
        for row in scored
        if is_number(row.get(cost)) and is_number(score := row.get("score"))
    ]
    others = [(p[cost], p["score"]) for p in points if is_number(p.get(cost))]
    if own and others:
        # as far as both go
        common = min(max(own)[0], max(others)[0])
        this, other = _at(own, common), _at(others, common)
        if this is not None and other is not None:
            notes.append(
                f"With {words.about(common)} {cost} this run comes to about {words.format_score(this)} and random choice "
                f"to {words.format_score(other)}: a difference of {words.signed(this - other)}."
            )
    seeds = (facts.get("baseline") or {}).get("seeds") or 1
    if points and seeds > 1:
        notes.append(
            f"Random choice is the mean of {words.count(seeds)} runs; its shade reaches from the worst to the best."
        )
    forecast = facts.get("forecast") or {}
    target = forecast.get("target")
    if is_number(target):
        needed = forecast.get("cost_to_target")
        band = forecast.get("cost_band") or (None, None)
        if is_number(needed):
            notes.append(
                f"If the curve goes on like this, it reaches {words.format_score(target)} at about "
                f"{words.about(needed)} {cost}{_between(band)}."
            )
        else:
            notes.append(
                f"If the curve goes on like this, it does not reach {words.format_score(target)}."
            )
    if not forecast.get("curve") and scored:
        notes.append(_no_forecast(scored))
    if forecast.get("curve"):
        notes.append("The forecast is a curve fitted to few rounds: a guess, as wide as its band.")
    return notes


def _no_forecast(scored: Sequence[Row]) -> str:
    """Why the curve is not carried on."""
    n = FEWEST - sum(bool(row.get("words")) for row in scored)
    if n > 0:
        return f"There is no forecast yet: it takes {FEWEST} models to see where a curve goes, {words.plural(n, 'model')} more than there are."
    return "There is no forecast: the scores do not follow a curve that rises ever more slowly, so where they go cannot be told."


def _break_note(row: Row, before: Row) -> str:
    """Which labels a score counts that the one before did not, and which no more."""
    now, then = _counted(row), _counted(before)
    came = [label for label in now if label not in then]
    went = [label for label in then if label not in now]
    said = [f"with {', '.join(came)}"] if came else []
    said += [f"without {', '.join(went)}"] if went else []
    return f"The curve breaks at round {row['round']}: from there on the score is {' and '.join(said) or 'of other labels'}, and cannot be compared with those before."


def _counted(row: Row) -> list[str]:
    found = row.get("test") or row.get("dev")
    return found.get("labels", []) if found else []


def _between(band: Sequence[Any]) -> str:
    low, high = (*band, None, None)[:2]
    if not is_number(low):
        return ", but that is little more than a guess"
    if not is_number(high):
        return f" (hardly before {words.about(low)}, and perhaps never)"
    return f" (nine times in ten between {words.about(low)} and {words.about(high)})"


def _at(points: Sequence[tuple[float, float]], cost: Any) -> float | None:
    """The height of a curve at a cost, None beyond its ends."""
    if not is_number(cost):
        return None
    for (x0, y0), (x1, y1) in pairwise(sorted(points)):
        if x0 <= cost <= x1:
            return y0 + (y1 - y0) * (cost - x0) / (x1 - x0) if x1 > x0 else y0
    return None

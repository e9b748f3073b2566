"""Hours and money: what a run has cost, and what random choice would have cost for the same score."""

import re
from collections.abc import Sequence
from typing import Any

from spacy_al.errors import AlError, Errors
from spacy_al.reporting import words
from spacy_al.reporting.facts import RoundFacts, RunFacts
from spacy_al.reporting.words import is_number

PRICE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([^\d\s][^\d]{0,9})?\s*")


def read_price(text: str) -> tuple[float, str]:
    """What an hour of an annotator costs: an amount and its currency, e.g. "90 EUR". RAISES (AlError): AL072 for what is none."""
    found = PRICE.fullmatch(text)
    if found is None:
        raise AlError(
            Errors.AL072.format(
                value=text, what="money an hour", must='a number and a currency, as "90 EUR"'
            )
        )
    return float(found[1]), (found[2] or "").strip()


def seconds_spent(facts: RunFacts) -> float:
    """The seconds that people took to answer."""
    return sum(row.get("seconds_answers") or 0.0 for row in facts.get("rounds") or [])


def money(facts: RunFacts, seconds: float) -> str:
    """What so much time costs; "" without a price."""
    price = facts.get("price")
    if not price:
        return ""
    amount, currency = price
    return f"{words.count(round(amount * seconds / 3600))} {currency}".strip()


def saved_note(facts: RunFacts, scored: Sequence[RoundFacts]) -> str:
    """The time that random choice would have taken more or less for the score of the last round, in a sentence; "" if it is not known."""
    points = (facts.get("baseline") or {}).get("points") or []
    rows = [row for row in scored if is_number(row.get("words")) and row.get("words")]
    time, shown = (
        seconds_spent(facts),
        sum(row.get("words_shown") or 0 for row in facts.get("rounds") or []),
    )
    if not points or not rows or not time or not shown:
        return ""
    last, pace = rows[-1], time / shown
    score, own = last["score"], last["words"]
    assert score is not None
    mean, least, most = (_needed(points, key, score) for key in ("score", "high", "low"))
    if mean is None:
        reached = max(point["words"] for point in points)
        more = (reached - own) * pace
        if reached < 1.05 * own:
            return ""
        return f"Random choice had not come so far with {words.about(reached)} words: at least {words.duration(more)} were saved{_cost(facts, more)}."
    more = (mean - own) * pace
    if more <= 0:
        return f"Random choice would have come as far with {words.about(mean)} words: nothing was saved."
    ends = [(end - own) * pace for end in (least, most) if end is not None]
    between = (
        f", from the best of its runs to the worst between {words.duration(max(0.0, ends[0]))} and {words.duration(max(0.0, ends[1]))}"
        if len(ends) == 2
        else ""
    )
    return f"Random choice needs about {words.about(mean)} words for the same score: {words.duration(more)} were saved{_cost(facts, more)}{between}."


def _cost(facts: RunFacts, seconds: float) -> str:
    amount = money(facts, seconds)
    return f" ({amount})" if amount else ""


def _needed(points: Sequence[Any], key: str, score: float) -> float | None:
    """The words at which a curve first reaches a score, on the line between its points."""
    before = None
    for point in points:
        if point[key] >= score:
            if before is None or point[key] == before[key]:
                return float(point["words"])
            share = (score - before[key]) / (point[key] - before[key])
            return float(before["words"] + share * (point["words"] - before["words"]))
        before = point
    return None

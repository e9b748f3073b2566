"""The input of a stopping criterion, and how it puts its reasons into words.

A history has one row a round that has been evaluated, the oldest first. Any number may be missing: a criterion
then says so and does not stop.
"""

import math
from collections.abc import Callable, Sequence
from numbers import Real
from typing import TypeAlias, TypedDict

from spacy_al.errors import Errors, UsageError


class HistoryRow(TypedDict, total=False):
    """A row of the history: what is known after a round; answers, words_asked, words_decided and seconds count from the start."""

    round: int
    score: float | None
    score_name: str
    texts: int | None
    words: int | None
    kappa: float | None
    span_f1: float | None
    expected_errors: float | None
    expected_answers: float | None
    n_pool: int | None
    answers: float
    words_asked: float
    words_decided: float
    seconds: float


History: TypeAlias = Sequence[HistoryRow]
Verdict: TypeAlias = tuple[bool, str]
Stopper: TypeAlias = Callable[[History], Verdict]

# What a number is called in front of people
NAMES = {
    "score": "score on dev",
    "answers": "number of answers",
    "texts": "number of texts labelled",
    "words": "number of words labelled",
    "words_asked": "number of words asked",
    "seconds": "time of the annotators",
    "kappa": "agreement (kappa) with the previous model",
    "span_f1": "agreement (span F) with the previous model",
    "expected_errors": "expected number of errors in the pool",
    "expected_answers": "expected number of entities or other answers in the pool",
}
# Digits beyond this are noise of the arithmetic
DIGITS = 6


def number(row: HistoryRow, key: str) -> float | None:
    """A number of a round, or None where it is missing, NaN, infinite or no number at all."""
    value = row.get(key)
    if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
        return None
    return round(float(value), DIGITS)


def round_numbers(history: History, key: str) -> list[float | None]:
    """The same of every round."""
    return [number(row, key) for row in history]


def name_of_score(history: History) -> str:
    """The name of the score: "entity F on dev"."""
    name = history[-1].get("score_name") if history else None
    return f"{name} on dev" if isinstance(name, str) and name else NAMES["score"]


def round_name(row: HistoryRow) -> str:
    """Which round a row is of, for a sentence."""
    return f"round {row['round']}" if isinstance(row.get("round"), int) else "the last round"


def stops(why: str) -> Verdict:
    """A criterion that is met, with its sentence."""
    return True, f"Stops: {why}."


def goes_on(why: str) -> Verdict:
    """A criterion that is not met, with its sentence."""
    return False, f"Goes on: {why}."


def number_missing(history: History, key: str, needed: str) -> Verdict:
    """The verdict where a number is missing.

    key (str): Which number.
    needed (str): What the criterion would compare it with, with a number: "the target is 0.850".
    """
    if not history:
        return goes_on(f"no round has been evaluated yet, and {needed}")
    return goes_on(
        f"the {NAMES.get(key, key)} of {round_name(history[-1])} is not known, and {needed}"
    )


def nothing_learned(history: History) -> bool:
    """Whether the last model scores 0: such a model is steady and sure of itself, which says nothing."""
    return bool(history) and number(history[-1], "score") == 0


def apart(*values: float, digits: int = 3) -> list[str]:
    """Numbers for a sentence: three decimals, or as many as it takes to tell different ones apart."""
    different = len({round(value, DIGITS) for value in values})
    shown = [f"{value:,.{digits}f}" for value in values]
    while len(set(shown)) < different and digits < DIGITS:
        digits += 1
        shown = [f"{value:,.{digits}f}" for value in values]
    return shown


def check_at_least(
    stopper: str, name: str, value: float, low: float, high: float = math.inf
) -> None:
    """RAISES (UsageError): AL140 unless the setting is a finite number from `low` to `high`."""
    # written so that NaN is refused as well
    if not (low <= value <= high and math.isfinite(value)):
        must = f"from {low:g} to {high:g}" if high < math.inf else f"{low:g} or more"
        raise UsageError(Errors.AL140.format(stopper=stopper, name=name, value=value, must=must))


def check_one_of(stopper: str, name: str, value: str, choices: Sequence[str]) -> None:
    """RAISES (UsageError): AL140 unless the setting is one of the choices."""
    if value not in choices:
        must = f"one of: {', '.join(choices)}"
        raise UsageError(Errors.AL140.format(stopper=stopper, name=name, value=value, must=must))

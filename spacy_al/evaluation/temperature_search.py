"""The temperatures that a component gets: those with the least loss, if halves of the documents say that they are worth it."""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import TypeAlias

from spacy_al.errors import AlWarning, Warnings
from spacy_al.evaluation.category_scaling import SURER
from spacy_al.measures.calibration import fit_temperature, fit_temperatures
from spacy_al.metrics import Temperature

# Temperature -> loss on gold documents
Loss: TypeAlias = Callable[[Temperature], float]

LOWEST = 0.05
# Of entities: where temperatures of 15 to 20 were found they were of no use
MOST = 20.0
# Of what a softmax or logistic units make. The logarithms of what float32 holds go down to -103, so here no answer is more than three times as probable as
# another: a model that is best at a higher one has nothing to say
MOST_OF_LABELS = 100.0


def find_temperature(
    loss: Loss, halves: Sequence[Loss], answers: int, name: str, *, greedy: bool, most: float = MOST
) -> Temperature | None:
    """The temperature with the least loss; of a greedy recogniser two, or four where these are better on halves that they were not fitted on.

    What is fitted on each half has to be no worse than none on the other, both together: of few mistakes one half may have most.

    loss (Callable): Mean loss of a right answer on all documents.
    halves (Sequence[Callable]): Likewise on each half, divided by the answers of both, so that they sum to `loss`; none for a single document.
    answers (int): Right answers on all documents: how much the loss weighs against a prior.
    name (str): The component, for warnings.
    greedy (bool): Whether its states have temperatures of their own.
    most (float): The highest temperature.
    RETURNS (Temperature | None): None, with a warning, if it is at a limit or is not worth it.
    """
    ways: list[Temperature] = _fewest(doubted(loss, answers), name, greedy=greedy, most=most)
    if not ways or not halves:
        return ways[0] if ways else None
    if isinstance(ways[0], dict):
        start = {**ways[0], "begin": ways[0]["closed"], "label": ways[0]["closed"]}
        ways += _inside(_like(start, doubted(loss, answers), most), most)
    held_out = [_held_out(way, halves, answers, most) for way in ways]
    best = held_out.index(min(held_out))
    if held_out[best] > sum(half(1.0) for half in halves):
        warnings.warn(Warnings.W072.format(name=name), AlWarning, stacklevel=3)
        return None
    return ways[best]


def doubted(loss: Loss, answers: int) -> Loss:
    """A loss by which a model is made surer than it is only as far as many answers say so.

    Where a model makes no mistake on a few texts, the least loss is that of certainty, which the next text belies. So each temperature below 1 costs
    as much as a normal prior on its logarithm.
    """

    def with_prior(temperature: Temperature) -> float:
        square = sum(min(math.log(value), 0.0) ** 2 for value in _values(temperature))
        return loss(temperature) + square / (2 * SURER**2 * answers)

    return with_prior


def _fewest(loss: Loss, name: str, *, greedy: bool, most: float) -> list[Temperature]:
    """Two temperatures if wanted and inside the limits, else one, else none, with a warning."""
    if greedy:
        two = _like({"closed": 1.0, "open": 1.0}, loss, most)
        if found := _inside(two, most):
            return found
        _warn_limit(name, two, "One temperature is fitted for all states in place of two.")
    one = _like(1.0, loss, most)
    found = _inside(one, most)
    if not found:
        _warn_limit(name, one, "It is not kept.")
    return found


def _like(start: Temperature, loss: Loss, most: float) -> Temperature:
    """The temperature of this form with the least loss."""
    if not isinstance(start, dict):
        return fit_temperature(loss, (LOWEST, most))
    found = fit_temperatures(
        lambda *values: loss(dict(zip(start, values))), tuple(start.values()), (LOWEST, most)
    )
    return dict(zip(start, found))


def _held_out(way: Temperature, halves: Sequence[Loss], answers: int, most: float) -> float:
    """The loss of both halves at what the other half gives, from here."""
    total = 0.0
    for half, other in (halves, halves[::-1]):
        found = _inside(_like(way, doubted(other, answers), most), most)
        total += half(found[0]) if found else math.inf
    return total


def _inside(temperature: Temperature, most: float) -> list[Temperature]:
    """It, unless it is at the limits, or a hair's breadth inside."""
    return (
        [temperature] if all(LOWEST * 1.02 < t < most / 1.02 for t in _values(temperature)) else []
    )


def _values(temperature: Temperature) -> list[float]:
    return [*temperature.values()] if isinstance(temperature, dict) else [temperature]  # type: ignore[list-item]


def _warn_limit(name: str, found: Temperature, then: str) -> None:
    shown = ", ".join(f"{value:.3g}" for value in _values(found))
    warnings.warn(Warnings.W071.format(name=name, found=shown, then=then), AlWarning, stacklevel=5)

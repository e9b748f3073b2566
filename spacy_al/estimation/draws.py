"""The draws that an estimate rests on: how probable each was, and whether all of the pool could come."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy

from spacy_al.errors import AlError, Errors
from spacy_al.types import Floats

# A share of uniform draws below which what is never drawn can hide too much
LEAST_EXPLORED = 0.05
# Fewer draws than these have no interval that holds
LEAST_DRAWS = 10
EQUAL = 1e-6


@dataclass(frozen=True)
class Draws:
    """Draws without replacement, one after the other.

    propensities (Floats): (n,) probability of each draw, given those before it.
    n_pool (int): Texts that could be drawn at the first.
    within (Floats): (n,) of the probability that a draw gave to all texts which it made ineligible, the share of the text itself: 1
        where it made no other so.
    """

    propensities: Floats
    n_pool: int
    within: Floats

    def __len__(self) -> int:
        return len(self.propensities)

    def first(self, n: int) -> "Draws":
        """The first n of them."""
        return Draws(self.propensities[:n], self.n_pool, self.within[:n])


def usable_draws(
    propensities: Sequence[float],
    eligible: Sequence[int | None],
    explore: float,
    within: Sequence[float | None],
    *,
    needed: int | None = None,
    wanted: float = 0.05,
) -> Draws:
    """The draws of a batch that stand for the pool: those by chance, in their order, before the first that nothing was left to.

    propensities (Sequence): Of each pick, in the order of the draws.
    eligible (Sequence): How many texts could be drawn at each; None where nothing was left to chance.
    explore (float): The share of uniform draws in the weights.
    within (Sequence): As for `Draws`; None where it was not kept.
    needed (int | None): Uniform draws that an interval of a wanted width takes, for the message.
    wanted (float): Half of that width.
    RETURNS (Draws): At least ten.
    RAISES (AlError): AL450 for a deterministic choice, AL451 where texts of some kind could next to never be drawn, AL452 for too few
        draws, AL453 for numbers that are no probabilities of draws.
    """
    chances, sizes = numpy.asarray(propensities, dtype="f8"), [*eligible]
    more = needed or LEAST_DRAWS
    by_chance = numpy.array(
        [e is not None and (q < 1 or e == 1) for q, e in zip(chances, sizes)], dtype=bool
    )
    n = len(chances) if by_chance.all() else int(by_chance.argmin())
    if n == 0:
        raise AlError(Errors.AL450.format(n=more, wanted=wanted))
    chances, left = chances[:n], numpy.array(sizes[:n], dtype="i8")
    fine = (chances > 0) & (chances <= 1) & numpy.isfinite(chances)
    if not fine.all() or (numpy.diff(left) >= 0).any() or left[-1] < 1:
        raise AlError(Errors.AL453.format(n=n))
    uneven = numpy.abs(chances * left - 1) > EQUAL
    if uneven.any() and explore < LEAST_EXPLORED:
        raise AlError(
            Errors.AL451.format(share=explore, least=LEAST_EXPLORED, n=more, wanted=wanted)
        )
    if n < LEAST_DRAWS:
        raise AlError(Errors.AL452.format(n=n, least=LEAST_DRAWS, more=more, wanted=wanted))
    known = [1.0 if share is None else share for share in within[:n]]
    # what the last draw took with it plays no part
    lost = [
        before - after > 1 and share is None
        for before, after, share in zip(left[:-1], left[1:], within)
    ]
    if any(lost):
        raise AlError(Errors.AL453.format(n=n))
    return Draws(chances, int(left[0]), numpy.array(known, dtype="f8"))


def needed_draws(spread: float, wanted: float) -> int:
    """How many uniform draws make an interval so wide. spread (float): Standard deviation of a text's part in the score. wanted (float):
    Half of the width."""
    return max(LEAST_DRAWS, int(numpy.ceil((1.96 * spread / wanted) ** 2)))

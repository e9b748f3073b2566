"""Whether one model is better than another on the same texts: differences of scores by a paired bootstrap over texts.

Both models are measured on the same drawn texts, so that what makes a text hard counts for neither (Efron & Tibshirani, 1993, chapter 16).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy

from spacy_al.types import Floats, Ints

DRAWS = 2000
LEVEL = 0.95
# Of what has to be computed anew for each draw
FEW_DRAWS = 500
# Draws that are held in memory at once
CHUNK = 250


@dataclass(frozen=True)
class Difference:
    """What one model has more than another.

    new, old (float): Their values.
    low, high (float): Bounds of the difference: each by itself holds at the level that was asked for.
    """

    new: float
    old: float
    low: float
    high: float

    @property
    def gain(self) -> float:
        """How much more the new one has; negative if less."""
        return self.new - self.old


def f_difference(
    new: Floats, old: Floats, *, level: float = LEVEL, seed: int = 0
) -> Difference | None:
    """The difference of two F scores: of one label, or the mean over several.

    new, old (Floats): Shape (N, L, 3): of each text and label, how many answers of a model were right, how many it gave, and how many were to
        be given.
    level (float): Of each of the two one-sided bounds.
    seed (int): Of the draws.
    RETURNS (Difference | None): None of fewer than two texts, or where neither a model nor the gold has an answer.
    """
    n = len(new)
    if n < 2:
        return None
    values = mean_f(new.sum(axis=0)), mean_f(old.sum(axis=0))
    flat = [one.reshape(n, -1) for one in (new, old)]
    shape = new.shape[1:]
    drawn = [
        mean_f((weights @ flat[0]).reshape(-1, *shape))
        - mean_f((weights @ flat[1]).reshape(-1, *shape))
        for weights in _draws(n, seed)
    ]
    return _difference(values, numpy.concatenate(drawn), level)


def statistic_difference(
    new: Callable[[Ints], float],
    old: Callable[[Ints], float],
    n: int,
    *,
    level: float = LEVEL,
    seed: int = 0,
) -> Difference | None:
    """The difference of any statistic of texts that has no sum over them, such as a calibration error.

    new, old (Callable): Of how often each text counts, shape (N,), to the value; NaN where it has none.
    n (int): N.
    level, seed: As for `f_difference`.
    """
    if n < 2:
        return None
    whole = numpy.ones(n, dtype="i8")
    drawn = [new(row) - old(row) for weights in _draws(n, seed, FEW_DRAWS) for row in weights]
    return _difference((new(whole), old(whole)), numpy.array(drawn), level)


def mean_f(counts: Floats) -> Floats:
    """F over the last axis but one: the mean over the labels that are said or wanted.

    counts (Floats): Shape (..., L, 3): right, said, wanted.
    RETURNS (Floats): Shape (...); NaN where no label is there.
    """
    total = counts[..., 1] + counts[..., 2]
    there = total > 0
    scores = numpy.divide(2 * counts[..., 0], total, out=numpy.zeros(total.shape), where=there)
    n_labels = there.sum(axis=-1)
    sums = scores.sum(axis=-1)
    means: Floats = numpy.full(sums.shape, numpy.nan)
    return numpy.divide(sums, n_labels, out=means, where=n_labels > 0)  # type: ignore[no-any-return]


def _draws(n: int, seed: int, draws: int = DRAWS) -> Iterator[Ints]:
    """How often each text was drawn: rows (k, N)."""
    rng = numpy.random.default_rng(seed)
    for begin in range(0, draws, CHUNK):
        yield rng.multinomial(n, numpy.full(n, 1 / n), size=min(CHUNK, draws - begin))


def _difference(
    values: tuple[float | Floats, float | Floats], drawn: Floats, level: float
) -> Difference | None:
    drawn = drawn[~numpy.isnan(drawn)]
    new, old = map(float, values)
    if not len(drawn) or numpy.isnan(new) or numpy.isnan(old):
        return None
    low, high = numpy.quantile(drawn, [1 - level, level])
    return Difference(new, old, float(low), float(high))

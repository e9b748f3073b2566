"""The alternative annotator test: may a model take the place of one of the people on a task?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy

from spacy_al.types import Floats

# What it may be worse by for being cheaper: the paper's for trained annotators
EPSILON = 0.15
# The share of annotators than whom it has to be no worse
SHARE = 0.5
LEVEL = 0.05
# Texts that an annotator has to have with two others, below which a t test says little
FEWEST = 30


@dataclass(frozen=True)
class AltTest:
    """What came of the test.

    annotators (list[int]): Those that it was compared with: the others have too few texts with two others.
    wins (list[bool]): Of each of them, whether the model is no worse, as good as surely.
    rate (float): The share of these; from `SHARE` on the model may take the place of a person.
    advantage (float): The probability that it is as near to the others as a person or nearer, mean over annotators.
    """

    annotators: list[int]
    wins: list[bool]
    rate: float
    advantage: float

    @property
    def is_passed(self) -> bool:
        return self.rate >= SHARE


def alt_test(
    model: Sequence[Floats], people: Sequence[Floats], *, epsilon: float = EPSILON
) -> AltTest | None:
    """Leave out one annotator at a time, and see who is nearer to the others: the model, or who was left out (Calderon et al., 2025).

    model, people (Sequence[Floats]): Of each annotator, of the texts that they and at least two others have answered, how near the
        model's answer, and their own, is on average to those of the others, shape (n_texts,).
    epsilon (float): How much worse the model may be, as a share of texts.
    RETURNS (AltTest | None): None where fewer than three annotators have 30 such texts.
    """
    from scipy.stats import ttest_1samp

    kept, tests, advantages = list[int](), list[float](), list[float]()
    for number, (ours, theirs) in enumerate(zip(model, people, strict=True)):
        if len(ours) < FEWEST:
            continue
        wins, losses = ours >= theirs, theirs >= ours
        lag = losses.astype("f8") - wins
        kept.append(number)
        advantages.append(float(wins.mean()))
        if lag.std() > 0:
            tests.append(float(ttest_1samp(lag, epsilon, alternative="less").pvalue))
        else:
            tests.append(float(lag.mean() >= epsilon))
    if len(kept) < 3:
        return None
    wins_over = benjamini_yekutieli(tests, LEVEL)
    return AltTest(kept, wins_over, float(numpy.mean(wins_over)), float(numpy.mean(advantages)))


def benjamini_yekutieli(p_values: Sequence[float], level: float) -> list[bool]:
    """Which hypotheses fall, so that of those that do a share of `level` at most falls wrongly, however they hang together
    (Benjamini and Yekutieli, 2001)."""
    p, n = numpy.asarray(p_values, dtype="f8"), len(p_values)
    order = numpy.argsort(p, kind="stable")
    limits = numpy.arange(1, n + 1) * level / (n * (1 / numpy.arange(1, n + 1)).sum())
    below = numpy.flatnonzero(p[order] <= limits)
    fallen = numpy.zeros(n, dtype=bool)
    fallen[order[: below[-1] + 1 if len(below) else 0]] = True
    return [bool(one) for one in fallen]

"""The scores of groups of labelled texts, each beside all other texts, and whether probabilities hold in it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy

from spacy_al.evaluation.text_counts import TextAnswers
from spacy_al.measures.interval import f_interval
from spacy_al.measures.parity import GroupTest, compare_groups

# Answers that a model gives, below which a calibration error would be that of chance
LEAST_ANSWERS = 100


@dataclass(frozen=True)
class GroupScore:
    """A group of labelled texts.

    texts (int): All of them, those without an answer among them.
    test (GroupTest): Its score beside that of the others.
    interval (tuple | None): Where its score on other texts probably lies.
    answers (int): That the model gives in it.
    calibration_error (float | None): Of these; None of fewer than 100.
    """

    texts: int
    test: GroupTest
    interval: tuple[float, float] | None
    answers: int
    calibration_error: float | None


def group_scores(
    found: TextAnswers, groups: Sequence[int], n_groups: int, *, seed: int = 0
) -> list[GroupScore]:
    """Scores over all answers alike, of categories too: a mean over labels would be one over others in each group.

    found (TextAnswers): What a model says of texts.
    groups (Sequence[int]): The group of each, from 0 on.
    n_groups (int): How many there are.
    seed (int): Of what is drawn.
    RETURNS (list[GroupScore]): By group.
    """
    counts = found.counts(sorted(found.labels())).sum(axis=1)
    rows = numpy.asarray(groups, dtype="i8")
    tests = compare_groups(counts, rows, n_groups=n_groups, seed=seed)
    made = []
    for k, test in enumerate(tests):
        inside = rows == k
        n_said = int(counts[inside, 1].sum())
        error = found.calibration_error(inside.astype("i8")) if n_said >= LEAST_ANSWERS else None
        interval = f_interval(*counts[inside].T, seed=seed) if test.texts else None
        made.append(GroupScore(int(inside.sum()), test, interval, n_said, error))
    return made

"""The score of a model over a pool: F, precision, recall and the number of each label, from draws and what the model expects."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy

from spacy_al.estimation.draws import Draws
from spacy_al.estimation.ratios import (
    PRECISION,
    RECALL,
    Estimate,
    F,
    estimate_count,
    estimate_ratio,
)
from spacy_al.estimation.totals import Totals, draw_shares, estimate_totals
from spacy_al.types import Floats

# Columns of what a model expects before those of the labels: means of right, said and wanted, and their variances and covariance
N_MOMENTS = 6


@dataclass(frozen=True)
class Expected:
    """What a model expects of a pool, before any answer.

    drawn (Floats): (n, 6 + 3 L) of the texts drawn: means of right, said and wanted; variance of right, covariance of right and wanted,
        variance of wanted; then right, said and wanted of each label, or of none (L = 0).
    pool (Floats): (6 + 3 L,) the sums over the pool.
    """

    drawn: Floats
    pool: Floats


@dataclass(frozen=True)
class PoolScore:
    """The score of a model over a pool.

    f, precision, recall (Estimate | None): Over all answers; None where there is nothing to count.
    naive (float | None): F over the texts drawn, as if they were any.
    expected (float | None): F that the model itself expects of the pool.
    confidence (float | None): The mean probability of what the model says over the pool: as high as `precision` where it can be taken
        at its word.
    overconfidence (Estimate | None): The calibration error in the whole: `confidence` less `precision`. Above 0 the model is too sure.
    labels (dict): F of each label.
    counts (dict): How often each label is in the pool.
    n_draws, n_pool (int): Texts that were drawn, and that could be.
    """

    f: Estimate | None
    precision: Estimate | None
    recall: Estimate | None
    naive: float | None
    expected: float | None
    confidence: float | None
    labels: dict[str, Estimate]
    counts: dict[str, Estimate]
    n_draws: int
    n_pool: int
    overconfidence: Estimate | None = None


def pool_score(
    draws: Draws, counts: Floats, labels: Sequence[str], expected: Expected | None = None
) -> PoolScore:
    """The score of the model that the texts were drawn by.

    draws (Draws): n of them.
    counts (Floats): (n, L, 3): of each text and label how many answers are right, are given, and were to be given. A text that nobody could
        answer has 0 everywhere: it is as if it was not in the pool.
    labels (Sequence[str]): Of the L labels.
    expected (Expected | None): What the model itself believes, by which intervals are narrower, and never wrong.
    """
    whole = counts.sum(axis=1)
    drawn = pool = None
    if expected is not None:
        drawn, pool = expected.drawn[:, :3], expected.pool[:3]
    totals = estimate_totals(draws, whole, drawn, pool)
    f, precision, recall = (
        estimate_ratio(totals, ratio, _believed(draws, totals, ratio, expected))
        for ratio in (F, PRECISION, RECALL)
    )
    by_label = {label: _label_totals(draws, counts, k, expected) for k, label in enumerate(labels)}
    found = {label: estimate_ratio(own, F) for label, own in by_label.items()}
    return PoolScore(
        f,
        precision,
        recall,
        _f_of(whole.sum(axis=0)),
        None if pool is None else _f_of(pool),
        None if pool is None or pool[1] <= 0 else float(pool[0] / pool[1]),
        {label: one for label, one in found.items() if one is not None},
        {
            label: estimate_count(own, 2, float(counts[:, k, 2].sum()))
            for k, (label, own) in enumerate(by_label.items())
        },
        len(draws),
        draws.n_pool,
        _overconfidence(pool, precision),
    )


def doubt(moments: Floats, score: float) -> Floats:
    """How far each text may move F, as its model sees it: the standard deviation of its part in F made linear, times the number of answers.

    moments (Floats): (N, 6) as in `Expected`.
    score (float): F, or what one takes for it.
    """
    right, both, wanted = moments[:, 3:N_MOMENTS].T
    spread = 4 * right - 4 * score * both + score**2 * wanted
    found: Floats = numpy.sqrt(numpy.maximum(spread, 0))
    return found


def expected_f(moments: Floats) -> float:
    """F that a model expects. moments (Floats): (N, 6), or (6,) of their sums."""
    return _f_of(moments.reshape(-1, moments.shape[-1])[:, :3].sum(axis=0)) or 0.0


def _overconfidence(pool: Floats | None, precision: Estimate | None) -> Estimate | None:
    if pool is None or precision is None or pool[1] <= 0:
        return None
    sure = float(pool[0] / pool[1])
    if precision.low is None or precision.high is None:
        return Estimate(sure - precision.value, None, None)
    return Estimate(sure - precision.value, sure - precision.high, sure - precision.low)


def _label_totals(draws: Draws, counts: Floats, k: int, expected: Expected | None) -> Totals:
    columns = slice(N_MOMENTS + 3 * k, N_MOMENTS + 3 * k + 3)
    if expected is None or len(expected.pool) < columns.stop:
        return estimate_totals(draws, counts[:, k])
    return estimate_totals(draws, counts[:, k], expected.drawn[:, columns], expected.pool[columns])


def _believed(
    draws: Draws, totals: Totals, ratio: Floats, expected: Expected | None
) -> float | None:
    """The variance of a ratio by what the model believes of each text drawn."""
    if expected is None:
        return None
    above, below = ratio @ totals.values
    if below <= 0:
        return None
    a, _, b = ratio[0] - min(max(above / below, 0.0), 1.0) * ratio[1]
    right, both, wanted = expected.drawn[:, 3:N_MOMENTS].T
    spread = a * a * right + 2 * a * b * both + b * b * wanted
    shares = draw_shares(len(draws), draws.n_pool)
    return float((shares**2 * spread / draws.propensities**2).sum())


def _f_of(sums: Floats) -> float | None:
    right, said, wanted = sums
    return None if said + wanted <= 0 else float(2 * right / (said + wanted))

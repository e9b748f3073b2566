"""Whether groups of texts are served alike: the score of each beside that of all other texts, and how often it was asked.

A difference of scores is tested by drawing the groups anew: which texts are in a group is permuted, and the difference is divided by what it varies by, so that the test holds where texts are alike whatever their
group, and nearly so where only the scores are (Janssen, 1997; Chung and Romano, 2013). Of several groups the p-values are multiplied as Holm (1979) has it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy

from spacy_al.arrays.checks import at_least, finite, same_length
from spacy_al.measures.several import holm
from spacy_al.types import Bools, Floats, Ints

# Groups that are alike raise an alarm in one of twenty looks
LEVEL = 0.05
# Texts, with anything to find or found in them, below which nothing is claimed of a group
FEWEST = 20
DRAWS = 2000
# Numbers that are held in memory at once
CHUNK = 500_000


@dataclass(frozen=True)
class GroupTest:
    """A group beside all other texts.

    texts (int): Its texts that have an answer, a right or a wrong one.
    score, rest (float | None): F over its answers, and over those of all other texts; None where there is no answer.
    p_value (float | None): How often chance alone makes such a difference; None where the group or the rest is too small.
    adjusted (float | None): After Holm (1979) over all groups that are large enough.
    """

    texts: int
    score: float | None
    rest: float | None
    p_value: float | None = None
    adjusted: float | None = None

    @property
    def is_alarm(self) -> bool:
        """Whether chance hardly explains the difference."""
        return self.adjusted is not None and self.adjusted < LEVEL


def compare_groups(
    counts: Floats,
    groups: Ints,
    *,
    n_groups: int | None = None,
    fewest: int = FEWEST,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[GroupTest]:
    """Each group beside all others.

    counts (Floats): (N, 3) of each text how many answers were right, were given, and were to be given.
    groups (Ints): (N,) the group of each, from 0 on.
    n_groups (int | None): How many there are; by default those that occur.
    fewest (int): Texts with an answer below which a group, or all that is not in it, is not tested.
    draws (int), seed (int): Of the permutations.
    RETURNS (list[GroupTest]): By group.
    RAISES (AlError): AL021 for NaN, AL023 for fewer than one draw, AL024 for unequal lengths.
    """
    counts = finite(counts, "The counts of answers").reshape(-1, 3)
    groups = numpy.asarray(groups, dtype="i8")
    same_length(len(counts), groups, "The groups")
    at_least(1, draws, "draws")
    if n_groups is None:
        n_groups = int(groups.max(initial=-1)) + 1
    # a text without an answer is in no sum
    told = counts[:, 1:].sum(axis=1) > 0
    moments, groups = _moments(counts[told]), groups[told]
    sizes = numpy.bincount(groups, minlength=n_groups)
    sums = _sums(moments[numpy.argsort(groups, kind="stable")][None], sizes)
    total = moments.sum(axis=0)
    scores, others = _f(sums[0]), _f(total - sums[0])
    found = [
        GroupTest(int(size), _known(score), _known(rest))
        for size, score, rest in zip(sizes, scores, others)
    ]
    large = (sizes >= max(2, fewest)) & (len(groups) - sizes >= max(2, fewest))
    rows = numpy.flatnonzero(large).tolist()
    if not rows:
        return found
    p_values = _permuted(moments, sizes, sums[0], large, draws, seed)
    # of two groups there is one difference
    tested = rows[:1] if (sizes > 0).sum() == 2 else rows
    adjusted = dict(zip(tested, holm(p_values[tested].tolist())))
    for row in rows:
        p = float(p_values[row if row in adjusted else tested[0]])
        found[row] = replace(found[row], p_value=p, adjusted=adjusted.get(row, p))
    return found


def asked_too_little(asked: Sequence[int], pool: Sequence[int]) -> list[float]:
    """How often a batch at random would hold no more of each group than was asked: the lower tail of the hypergeometric distribution, after
    Holm (1979) over all groups.

    asked (Sequence[int]): (G,) texts of each group that were asked.
    pool (Sequence[int]): (G,) those of the pool, asked ones among them.
    RETURNS (list[float]): (G,) p-values. That less was asked of a group is what choosing is for, as long as its score is not worse.
    RAISES (AlError): AL024 for unequal lengths.
    """
    from scipy.stats import hypergeom

    same_length(len(asked), numpy.asarray(pool), "The groups of the pool")
    n_pool, n_asked = sum(pool), sum(asked)
    return holm([float(hypergeom.cdf(k, n_pool, size, n_asked)) for k, size in zip(asked, pool)])


def _moments(counts: Floats) -> Floats:
    """(N, 5) of each text: right, given and to be given together, and the products of these two. What F and its variance are made of."""
    right, both = 2 * counts[:, 0], counts[:, 1] + counts[:, 2]
    return numpy.stack([right, both, right * right, right * both, both * both], axis=1)


def _sums(ordered: Floats, sizes: Ints) -> Floats:
    """(draws, G, 5) sums of each group, whose texts stand one after the other. ordered (Floats): (draws, N, 5)."""
    until = numpy.cumsum(sizes)
    running = numpy.concatenate(
        [numpy.zeros((len(ordered), 1, ordered.shape[2])), ordered.cumsum(axis=1)], axis=1
    )
    found: Floats = running[:, until] - running[:, until - sizes]
    return found


def _f(sums: Floats) -> Floats:
    with numpy.errstate(invalid="ignore", divide="ignore"):
        found: Floats = sums[..., 0] / sums[..., 1]
    return found


def _statistics(sums: Floats, total: Floats, sizes: Ints) -> Floats:
    """(draws, G) differences of the scores, divided by their standard errors: by linearisation, as F is a ratio of sums."""
    n = sizes.sum()
    parts = []
    for part, size in ((sums, sizes), (total - sums, n - sizes)):
        score = _f(part)
        spread = part[..., 2] - 2 * score * part[..., 3] + score**2 * part[..., 4]
        with numpy.errstate(invalid="ignore", divide="ignore"):
            # rounding leaves a little below 0
            parts.append((score, spread.clip(0) / part[..., 1] ** 2 * size / (size - 1)))
    gap = numpy.abs(parts[0][0] - parts[1][0])
    with numpy.errstate(invalid="ignore", divide="ignore"):
        found = gap / numpy.sqrt(parts[0][1] + parts[1][1])
    # alike without any variance is no difference
    apart: Floats = numpy.where(gap < 1e-12, 0.0, found)
    return apart


def _permuted(
    moments: Floats, sizes: Ints, observed: Floats, large: Bools, draws: int, seed: int
) -> Floats:
    """(G,) p-values; that of a group which is not tested says nothing."""
    total, n = moments.sum(axis=0), len(moments)
    rng = numpy.random.default_rng(seed)
    seen = _statistics(observed[None], total, sizes)[0]
    as_far = numpy.zeros(len(sizes))
    step = max(1, CHUNK // max(1, 5 * n))
    for begin in range(0, draws, step):
        size = min(step, draws - begin)
        order = rng.permuted(numpy.tile(numpy.arange(n), (size, 1)), axis=1)
        drawn = _statistics(_sums(moments[order], sizes), total, sizes)
        as_far += numpy.where(large, drawn >= seen * (1 - 1e-9), False).sum(axis=0)
    p_values: Floats = (1 + as_far) / (1 + draws)
    return p_values


def _known(value: float) -> float | None:
    return float(value) if numpy.isfinite(value) else None

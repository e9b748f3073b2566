"""How far a score would differ on other texts of the same kind: an interval by drawing the measured texts again."""

from collections.abc import Sequence

import numpy

from spacy_al.types import Floats, Ints

DRAWS = 1000
LEVEL = 0.95


def f_interval(
    right: Ints | Floats, said: Ints | Floats, wanted: Ints | Floats, *, seed: int = 0
) -> tuple[float, float] | None:
    """The interval of an F score, by the percentile bootstrap over texts (Efron, 1979). Of a few texts it is too narrow, if anything.

    right, said, wanted (Array): Of each text (N,) how many answers were right, were given, and were to be given; or (N, L) by label, for
        the mean of the labels' F scores.
    seed (int): Of the draws.
    RETURNS (tuple | None): Its ends, which hold 95 of 100 draws; None of fewer than two texts. Where all is right, or all wrong, the other end is the exact
        one for a share of texts (Clopper and Pearson, 1934).
    """
    counts = [_by_label(one) for one in (right, said, wanted)]
    n = len(counts[0])
    if n < 2:
        return None
    draws = numpy.random.default_rng(seed).multinomial(n, numpy.full(n, 1 / n), size=DRAWS)
    hits, given, gold = (draws @ one for one in counts)
    total = given + gold
    # a label that neither side has in a draw says nothing there
    with numpy.errstate(invalid="ignore"):
        scores = numpy.where(total > 0, 2 * hits / total, numpy.nan)
    seen = ~numpy.isnan(scores).all(axis=1)
    if not seen.any():
        return None
    means = numpy.nanmean(scores[seen], axis=1)
    low, high = numpy.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    # where no text differs from another, draws of them show nothing: what is left is how rare a mistake may be that nobody has seen
    told = int(((counts[1] + counts[2]).sum(axis=1) > 0).sum())
    rare = ((1 - LEVEL) / 2) ** (1 / max(1, told))
    if low >= 1:
        low = rare
    if high <= 0:
        high = 1 - rare
    return float(low), float(high)


def share_interval(hits: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """The exact interval of a share, from a sample by chance (Clopper and Pearson, 1934). It is never too narrow.

    hits (int): Of the sample those that count.
    n (int): The sample; of none nothing is known.
    level (float): How often such an interval holds the share.
    RETURNS (tuple): Its ends.
    """
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else float(betaincinv(hits, n - hits + 1, tail))
    high = 1.0 if hits == n else float(betaincinv(hits + 1, n - hits, 1 - tail))
    return low, high


def _by_label(counts: Ints | Floats | Sequence[float]) -> Floats:
    found: Floats = numpy.asarray(counts, dtype="f8")
    return found[:, None] if found.ndim == 1 else found

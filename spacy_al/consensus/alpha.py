"""Krippendorff's alpha: how far any number of annotators say the same beyond chance, whoever answered what."""

import numpy

from spacy_al.types import Floats, Ints

DRAWS = 1000
LEVEL = 0.95


def krippendorff_alpha(
    counts: Floats, groups: Ints | None = None, *, seed: int = 0
) -> tuple[float, float, float] | None:
    """Alpha of nominal labels (Krippendorff, 1970), with the interval of a bootstrap over texts (Efron, 1979).

    counts (Floats): How often each label was given to each unit, shape (n_units, n_labels). Units with fewer than two do not count.
    groups (Ints | None): The text of each unit, shape (n_units,); texts are drawn, and not units, where a text has many of them.
    seed (int): Of the draws.
    RETURNS (tuple | None): Alpha and the ends of an interval that holds 95 of 100 draws: 1 is agreement, 0 chance. None where
        only one label was ever given, as nothing can be told from chance then.
    """
    groups = numpy.arange(len(counts)) if groups is None else numpy.asarray(groups)
    totals = counts.sum(axis=1)
    kept = totals > 1
    counts, totals, groups = counts[kept], totals[kept], groups[kept]
    if not len(counts):
        return None
    _, groups = numpy.unique(groups, return_inverse=True)
    n_groups = int(groups.max()) + 1
    # pairs of one unit that differ, each value weighed by one over its partners
    differing = (totals**2 - (counts**2).sum(axis=1)) / (totals - 1)
    by_group = numpy.zeros((n_groups, counts.shape[1]))
    numpy.add.at(by_group, groups, counts)
    differ = numpy.bincount(groups, differing, minlength=n_groups)
    rng = numpy.random.default_rng(seed)
    draws = rng.multinomial(n_groups, numpy.full(n_groups, 1 / n_groups), size=DRAWS)
    weights = numpy.vstack([numpy.ones(n_groups), draws])
    given = weights @ by_group
    n = given.sum(axis=1)
    expected = n**2 - (given**2).sum(axis=1)
    with numpy.errstate(invalid="ignore", divide="ignore"):
        alphas = 1 - (n - 1) * (weights @ differ) / expected
    if not numpy.isfinite(alphas[0]):
        return None
    low, high = numpy.nanquantile(alphas[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(alphas[0]), float(low), float(high)

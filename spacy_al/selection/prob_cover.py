"""Rows whose surroundings hold the greatest part of the pool."""

from functools import partial
from typing import Any

import numpy

from spacy_al import registry
from spacy_al.arrays.checks import at_least, finite
from spacy_al.selection.clusters import FULL, centres, directions, nearest_centre
from spacy_al.selection.rows import products, taking_part
from spacy_al.types import Bools, Floats, Ints, Sampler

# Rows from which the radius is found
TRIAL = 2000
BLOCK = 1000


@registry.al_samplers("spacy-al.prob_cover.v1")
def make_prob_cover(kinds: int = 20, purity: float = 0.95) -> Sampler:
    """Rows that cover the pool with balls of one radius. For small budgets.

    kinds (int): About how many kinds of text there are, in the paper the number of classes; the fewer, the larger the
        radius.
    purity (float): Share of the balls that hold one kind of text only, from 0 to 1.
    RETURNS (Sampler): See `prob_cover`.
    """
    at_least(1, kinds, "kinds")
    finite(purity, "The purity of spacy-al.prob_cover.v1", 0.0, 1.0)
    return partial(prob_cover, kinds=kinds, purity=purity)


def prob_cover(
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    *,
    embeddings: Any = None,
    groups: Ints | None = None,
    labelled: Any = None,
    kinds: int = 20,
    purity: float = 0.95,
) -> tuple[Ints, Floats]:
    """Again and again the row with the most rows within a radius that no ball chosen before covers.

    ProbCover (Yehuda et al., 2022). The radius is the largest at which a share `purity` of the balls stay within one
    cluster of k-means, read off a sample of 2,000 rows. Balls are looked for, and counted, among at most 10,000 rows
    drawn from the pool, as all pairs are compared. Once all is covered, covering begins anew.

    scores (Floats): Shape (N,); only their number counts.
    n (int): Batch size; all that is eligible if there is less.
    rng (Generator): Draws the rows that stand for the pool, one draw a row, and seeds the clustering.
    embeddings (Any): Shape (N, d), dense, scipy sparse or `Factored`; only directions count.
    groups (Ints | None): Group of each row, shape (N,); only the row with the highest score of each takes part.
    labelled (Any): What lies around its `embeddings` (L, d) is covered from the start.
    kinds (int): Clusters, 1 or more.
    purity (float): From 0 to 1.
    RETURNS (tuple[Ints, Floats]): Rows, and their propensities, all 1.0 (design: deterministic given its seed).
    RAISES (AlError): AL021 for NaN, AL023 for a negative n, AL024 for unequal lengths, AL025 without embeddings.
    """
    rows = taking_part(scores, n, embeddings, groups, 0, "prob_cover")
    n = min(n, len(rows))
    if n == 0:
        return rows[:0], numpy.ones(0)
    noise = rng.random(len(scores))[rows]
    drawn = numpy.argsort(noise, kind="stable")[: max(FULL, n)]
    trial, rows = rows[drawn[:TRIAL]], rows[numpy.sort(drawn)]
    seed = int(rng.integers(2**31))
    radius = _radius(directions(embeddings, trial), kinds, purity, seed)
    vectors = directions(embeddings, rows)
    # the product of two rows of length 1 tells their distance
    least = 1.0 - radius**2 / 2.0
    near: Bools = numpy.zeros((len(rows), len(rows)), dtype=bool)
    for start in range(0, len(rows), BLOCK):
        part = slice(start, start + BLOCK)
        near[part] = products(vectors[part], vectors) > least
    numpy.fill_diagonal(near, True)
    known = getattr(labelled, "embeddings", None)
    open_: Bools = numpy.ones(len(rows), dtype=bool)
    n_known = 0 if known is None else known.shape[0]
    for start in range(0, n_known, BLOCK):
        around = directions(known, numpy.arange(start, min(start + BLOCK, n_known)))
        open_ &= ~(products(vectors, around) > least).any(axis=1)
    return rows[_cover(near, open_, n)], numpy.ones(n)


def _radius(vectors: Any, kinds: int, purity: float, seed: int) -> float:
    """The largest radius at which this share of the balls around rows hold rows of one cluster only."""
    size = vectors.shape[0]
    cluster, _ = nearest_centre(vectors, centres(vectors, min(kinds, size), seed))
    if (cluster == cluster[0]).all():
        return 0.0
    cosines = products(vectors, vectors)
    cosines[cluster[:, None] == cluster] = -1.0
    # a ball is pure until it reaches the nearest row of another cluster
    reach = numpy.sqrt(numpy.maximum(2.0 - 2.0 * cosines.max(axis=1), 0.0))
    impure = min(int(size * (1.0 - purity) + 1e-9), size - 1)
    return float(numpy.sort(reach)[impure])


def _cover(near: Bools, open_: Bools, n: int) -> Ints:
    """n rows, each the one near most open rows, which are then no longer open.

    near (Bools): Shape (N, N), symmetric, true on the diagonal.
    open_ (Bools): Shape (N,).
    """
    chosen: list[int] = []
    free, around = numpy.ones(len(near), dtype=bool), near.sum(axis=0)
    gains = around - near[~open_].sum(axis=0)
    while len(chosen) < n:
        row = int(numpy.where(free, gains, -1).argmax())
        if not gains[row]:
            # all is covered, or lies around rows that are chosen already
            open_, gains = free.copy(), around - near[~free].sum(axis=0)
            continue
        chosen.append(row)
        free[row] = False
        covered = open_ & near[row]
        open_, gains = open_ & ~covered, gains - near[covered].sum(axis=0)
    return numpy.array(chosen, dtype="i8")

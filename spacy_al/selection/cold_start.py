"""A first batch without a model: representative of the pool and unlike each other."""

from functools import partial
from typing import Any

import numpy

from spacy_al import registry
from spacy_al.arrays.checks import at_least, same_length
from spacy_al.errors import Errors, UsageError
from spacy_al.selection.clusters import centres, directions, in_turn, nearest_centre
from spacy_al.selection.rank import first_of_each
from spacy_al.types import Floats, Ints, Sampler


@registry.al_samplers("spacy-al.representative.v1")
def make_representative() -> Sampler:
    """One typical row from each of n clusters of the embeddings; deterministic given its seed.

    RETURNS (Sampler): See `representative`.
    """
    return partial(representative)


def representative(
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    *,
    embeddings: Any = None,
    groups: Ints | None = None,
) -> tuple[Ints, Floats]:
    """The row nearest to the centre of each of n clusters (the idea of TypiClust; Hacohen et al., 2022).

    They take the row with the nearest neighbours in each cluster; here it is the one nearest to the centre, and
    rows are compared by the directions of their embeddings. Rows of a large cluster come first.

    scores (Floats): Shape (N,); only their number counts.
    n (int): Batch size; all that is eligible if there is less.
    rng (Generator): Seeds the clustering.
    embeddings (Floats): Shape (N, d), dense or scipy sparse.
    groups (Ints | None): Group of each row, shape (N,); only the earliest row of each takes part.
    RETURNS (tuple[Ints, Floats]): Rows, and their propensities, all 1.0 (design: deterministic).
    RAISES (AlError): AL021 for NaN, AL023 for a negative n, AL024 for unequal lengths, AL025 without embeddings.
    """
    at_least(0, n, "n")
    if embeddings is None:
        raise UsageError(Errors.AL025.format(name="spacy-al.representative.v1"))
    same_length(len(scores), embeddings, "The embeddings")
    eligible: Ints = numpy.arange(len(scores))
    if groups is not None:
        same_length(len(scores), numpy.asarray(groups), "The groups")
        eligible = first_of_each(eligible, groups)
    n = min(n, len(eligible))
    if n == 0:
        return eligible[:0], numpy.ones(0)
    vectors = directions(embeddings, eligible)
    cluster, distance = nearest_centre(vectors, centres(vectors, n, int(rng.integers(2**31))))
    return eligible[in_turn(cluster, distance, -numpy.bincount(cluster))[:n]], numpy.ones(n)

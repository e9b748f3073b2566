"""What a sampler takes of a scored pool, looked at before it is used."""

from dataclasses import dataclass
from typing import Any

import numpy

from spacy_al.arrays.keyed_noise import KeyedGenerator
from spacy_al.errors import AlError, Errors
from spacy_al.posteriors.component import blamed_on
from spacy_al.query.pool_scores import PoolScores
from spacy_al.selection.copies import copies
from spacy_al.types import Floats, Ints, Sampler
from spacy_al.util import callable_name


@dataclass(frozen=True)
class Picks:
    """What a sampler chose: ids, weighted scores and propensities, in the order in which to ask."""

    ids: list[str]
    scores: Floats
    propensities: Floats


def pick(
    scores: PoolScores,
    weighted: Floats,
    take: Sampler,
    n: int,
    rng: KeyedGenerator,
    given: dict[str, Any],
) -> Picks:
    """Let the sampler take n rows, at most one of those that are copies of each other.

    scores (PoolScores): Of all that can be chosen.
    weighted (Floats): (N,) scores as the sampler sees them.
    take (Sampler): The sampler.
    n (int): How many.
    rng (KeyedGenerator): Its chance.
    given (dict): What else the sampler looks at, by the names of its arguments.
    RAISES (AlError): AL092 if the sampler fails, AL096 for rows or propensities that are none.
    """
    groups = copies(scores.near)
    with blamed_on(take):
        rows, propensities = take(weighted, n, rng, groups=groups, **given)
        rows, propensities = numpy.asarray(rows), numpy.asarray(propensities, dtype="f8")
        fine = _fits(rows, propensities, n, len(weighted))
    if not fine:
        found = f"{rows.shape} rows and {propensities.shape} propensities"
        name = callable_name(take)
        raise AlError(Errors.AL096.format(name=name, found=found, n=n, total=len(weighted)))
    return Picks([f"{scores.ids[row]:016x}" for row in rows], weighted[rows], propensities)


def _fits(rows: Ints, propensities: Floats, n: int, total: int) -> bool:
    return bool(
        rows.ndim == 1
        and rows.shape == propensities.shape
        and 0 < len(rows) <= n
        and numpy.issubdtype(rows.dtype, numpy.integer)
        and len(set(rows.tolist())) == len(rows)
        and 0 <= rows.min() <= rows.max() < total
        and ((propensities > 0) & (propensities <= 1)).all()
    )

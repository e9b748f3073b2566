"""The picks of a sampler from a scored pool, looked at before they are used."""

from dataclasses import dataclass

import numpy

from spacy_al.errors import AlError, Errors
from spacy_al.posteriors.component import blamed_on
from spacy_al.query.pool_scores import PoolScores
from spacy_al.query.ranking import Ranking
from spacy_al.query.strategy import COUNTS
from spacy_al.selection.chances import within_groups
from spacy_al.selection.templates import eligible_at
from spacy_al.types import Floats, Ints
from spacy_al.util import callable_name


@dataclass(frozen=True)
class Picks:
    """The choice of a sampler, in the order in which to ask.

    ids (list[str]): Of the texts.
    scores (Floats): What they were chosen by: the weighted scores, or the sampler's own.
    propensities (Floats): The probability of each draw.
    by_sampler (bool): Whether the scores are the sampler's own.
    eligible (Ints | None): How many texts could be drawn at each draw; None where nothing was left to chance.
    within (Floats | None): The share of each in the chance of all texts that its draw made ineligible; None where it made no others so, or it
        is not known.
    expected (dict | None): What the model expects, as `expected_counts` gives it for each text: "drawn" (n, m), "pool" (m,).
    n_near (int): How many texts that were not picked share a group with one that was.
    is_secret (bool): Whether propensities, which depend on all scores, are not to be said with the questions.
    """

    ids: list[str]
    scores: Floats
    propensities: Floats
    by_sampler: bool = False
    eligible: Ints | None = None
    within: Floats | None = None
    expected: dict[str, Floats] | None = None
    n_near: int = 0
    is_secret: bool = False


def pick(ranking: Ranking, n: int) -> Picks:
    """Let the sampler take n rows, at most one of each group.

    ranking (Ranking): All that can be chosen, and what takes of it.
    n (int): How many.
    RAISES (AlError): AL092 if the sampler fails, AL096 for rows, propensities or scores that are none.
    """
    scores, weighed, take = ranking.scores, ranking.weighed, ranking.take
    groups = ranking.groups
    with blamed_on(take):
        rows, propensities, *own = take(weighed, n, ranking.rng, groups=groups, **ranking.given)
        rows, propensities = numpy.asarray(rows), numpy.asarray(propensities, dtype="f8")
        own = [numpy.asarray(values, dtype="f8") for values in own]
        fine = _fits(rows, propensities, n, len(weighed)) and _are_scores(own, rows)
    if not fine:
        found = f"{rows.shape} rows and {propensities.shape} propensities"
        found += "".join(f" and {values.shape} scores" for values in own)
        name = callable_name(take)
        raise AlError(Errors.AL096.format(name=name, found=found, n=n, total=len(weighed)))
    by = own[0] if own else weighed[rows]
    by_chance = bool((propensities < 1).any())
    alone = (numpy.bincount(groups)[groups[rows]] == 1).all()
    return Picks(
        [f"{scores.ids[row]:016x}" for row in rows],
        by,
        propensities,
        bool(own),
        eligible_at(groups, rows) if by_chance else None,
        within_groups(take, weighed, groups, rows, ranking.given)
        if by_chance and not alone
        else None,
        _expected(scores, rows) if by_chance else None,
        int(numpy.isin(groups, groups[rows]).sum()) - len(rows),
    )


def _expected(scores: PoolScores, rows: Ints) -> dict[str, Floats] | None:
    """What the model expects of the texts drawn and of all that could be, where it was read."""
    counts = scores.columns.get(COUNTS)
    if counts is None or not counts.shape[1]:
        return None
    return {"drawn": counts[rows].astype("f8"), "pool": counts.sum(axis=0, dtype="f8")}


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


def _are_scores(own: list[Floats], rows: Ints) -> bool:
    """Whether a sampler gave no scores of its own, or one for each row, finite and not negative, as those of acquisitions."""
    if not own:
        return True
    return (
        len(own) == 1
        and own[0].shape == rows.shape
        and bool((own[0] < numpy.inf).all() and (own[0] >= 0).all())
    )

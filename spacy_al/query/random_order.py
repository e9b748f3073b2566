"""One random order of a pool, as plain data: made once, and asked in parts."""

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy

from spacy_al.config.settings import Settings
from spacy_al.corpus.pool import fetch, strata_in, stratum_of
from spacy_al.errors import AlError, AlWarning, Errors, Warnings
from spacy_al.query.picks import Picks, pick
from spacy_al.query.questions import make_questions
from spacy_al.query.ranking import rank_pool
from spacy_al.query.score_pool import score_usable
from spacy_al.query.scorer import Scorer
from spacy_al.query.select import batch_meta
from spacy_al.query.strategy import Strategy, make_strategy
from spacy_al.selection.strata import spread_over_strata
from spacy_al.tasks.task import Task
from spacy_al.util import content_hash


@dataclass(frozen=True)
class RandomOrder:
    """The first texts of a random order of a pool.

    ids (list[str]): Of the texts, in the order of their draws.
    propensities (list[float]): The probability of each draw, given those before.
    eligible (list[int] | None): How many texts could be drawn at each; None where nothing was left to chance.
    n_pool (int): Texts of the pool that could be drawn.
    n_strata, n_without (int): Strata of the pool, and texts of it that are in none and are drawn from as one more; 0 where there are none.
    """

    ids: list[str]
    propensities: list[float]
    eligible: list[int] | None
    n_pool: int
    n_strata: int = 0
    n_without: int = 0

    def first(self, n: int) -> "RandomOrder":
        """Its first texts."""
        eligible = None if self.eligible is None else self.eligible[:n]
        return replace(
            self,
            ids=self.ids[:n],
            propensities=self.propensities[:n],
            eligible=eligible,
        )

    def part(self, ids: Sequence[str]) -> Picks:
        """Some of its texts, in its order."""
        wanted = {*ids}
        rows = [row for row, identity in enumerate(self.ids) if identity in wanted]
        eligible = None if self.eligible is None else numpy.array(self.eligible)[rows]
        return Picks(
            [self.ids[row] for row in rows],
            numpy.ones(len(rows)),
            numpy.array(self.propensities)[rows],
            eligible=eligible,
        )


def random_order(
    pool: Path, settings: Settings, n: int, *, n_process: int = 1, code: str | None = None
) -> RandomOrder:
    """The first texts of one random order of what may be asked of a pool. It hangs on the seed and on each text alone: what else is in the
    pool only comes between. With `dev_strata` each beginning of it has its share of each stratum.

    pool (Path): A `.spacy` file or a folder of shards.
    settings (Settings): Whose seed draws, and which leave texts out.
    n (int): How many.
    n_process (int), code (str | None): As for `select`.
    RAISES (AlError): As `select`; AL166 if no text is in any stratum.
    WARNS (AlWarning): ALW160 if there are more strata than texts.
    """
    strategy = _uniform(settings, n, code)
    scorer = Scorer(strategy.job)
    scores = score_usable(pool, strategy, scorer, (), (), n_process=n_process)
    ranking = rank_pool(scores, strategy, scorer, pool, None)
    n_pool = len(ranking.scores.ids)
    if settings.dev_strata:
        return _in_strata(pool, settings, pick(ranking, n_pool).ids, n, n_pool)
    picks = pick(ranking, n)
    eligible = None if picks.eligible is None else picks.eligible.tolist()
    return RandomOrder(picks.ids, picks.propensities.tolist(), eligible, n_pool)


def ask_in_order(
    pool: Path,
    settings: Settings,
    order: RandomOrder,
    ids: Sequence[str],
    round: int,
    code: str | None = None,
) -> list[Task]:
    """The questions about some texts of an order. Of the pool only these are read, up to the last of them.

    ids (Sequence[str]): Of the texts.
    round (int): That asks.
    RAISES (AlError): AL097 if the pool lost some of them meanwhile.
    """
    if not ids:
        return []
    strategy = replace(_uniform(settings, len(ids), code), round=round)
    scorer, picks = Scorer(strategy.job), order.part(ids)
    meta = batch_meta(strategy, scorer, picks)
    field = settings.dev_strata if order.n_strata else None
    if field:
        meta |= {"design": "stratified", "strategy": f"{meta['strategy']} · {field}"}
    known = fetch(pool, scorer.nlp, picks.ids)
    # whoever sees a suggestion tends to leave it, and these are to measure by
    blind = replace(settings, teacher=None)
    tasks, _ = make_questions(pool, known, picks, scorer, blind, meta)
    places = {identity: rank for rank, identity in enumerate(order.ids, 1)}
    for task, identity in zip(tasks, picks.ids):
        # the number of its draw, and not its place among the questions
        task["meta"]["rank"] = places[identity]
        if field:
            task["meta"]["stratum"] = stratum_of(known[identity].source, field)
    return tasks


def _in_strata(
    pool: Path, settings: Settings, ids: Sequence[str], n: int, n_pool: int
) -> RandomOrder:
    """The order of texts that are in random order, with each stratum's share in each beginning."""
    assert settings.dev_strata is not None
    strata = strata_in(pool, settings.dev_strata)
    own = [strata.get(identity) for identity in ids]
    named = sorted({value for value in own if value is not None})
    if not named:
        raise AlError(Errors.AL166.format(path=pool, field=settings.dev_strata))
    if len(named) > n:
        message = Warnings.W160.format(field=settings.dev_strata, count=len(named), n=n)
        warnings.warn(message, AlWarning, stacklevel=2)
    # texts without the field come last, as a stratum like the others
    names = [*named, *([None] if None in own else [])]
    place = {value: k for k, value in enumerate(names)}
    starts = numpy.array([_start(settings, value) for value in names])
    rows, left = spread_over_strata(numpy.array([place[value] for value in own]), starts)
    rows, left = rows[:n], left[:n]
    return RandomOrder(
        [ids[row] for row in rows],
        (1.0 / left).tolist(),
        left.tolist(),
        n_pool,
        len(named),
        own.count(None),
    )


def _start(settings: Settings, value: str | None) -> float:
    """A number from 0 to 1 that belongs to a stratum, whatever others there are."""
    key = json.dumps([settings.seed, settings.dev_strata, value])
    return int(content_hash(key), 16) / 2.0**64


def _uniform(settings: Settings, n: int, code: str | None) -> Strategy:
    return make_strategy(settings, None, n=n, round=0, sampler="uniform", code=code, **NOTHING)


# What a draw by chance alone looks at of all that a strategy may
NOTHING: Mapping[str, Any] = {
    "labeled": (),
    "trained_on": None,
    "acquisition": None,
    "density_weight": None,
    "patterns": None,
    "component": None,
    "seconds": None,
    "seed": None,
    "lang": None,
    "keep_tokens": False,
    "gpu_id": -1,
}

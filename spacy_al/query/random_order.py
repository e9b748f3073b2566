"""One random order of a pool, as plain data: made once, and asked in parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy

from spacy_al.config.settings import Settings
from spacy_al.query.picks import Picks, pick
from spacy_al.query.questions import make_questions
from spacy_al.query.ranking import rank_pool
from spacy_al.query.score_pool import score_usable
from spacy_al.query.scorer import Scorer
from spacy_al.query.select import batch_meta
from spacy_al.query.strategy import Strategy, make_strategy
from spacy_al.tasks.task import Task


@dataclass(frozen=True)
class RandomOrder:
    """The first texts of a random order of a pool.

    ids (list[str]): Of the texts, in the order of their draws.
    propensities (list[float]): The probability of each draw, given those before.
    eligible (list[int] | None): How many texts could be drawn at each; None where nothing was left to chance.
    n_pool (int): Texts of the pool that could be drawn.
    """

    ids: list[str]
    propensities: list[float]
    eligible: list[int] | None
    n_pool: int

    def first(self, n: int) -> "RandomOrder":
        """Its first texts."""
        eligible = None if self.eligible is None else self.eligible[:n]
        return replace(
            self, ids=self.ids[:n], propensities=self.propensities[:n], eligible=eligible
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
    pool only comes between.

    pool (Path): A `.spacy` file or a folder of shards.
    settings (Settings): Whose seed draws, and which leave texts out.
    n (int): How many.
    n_process (int), code (str | None): As for `select`.
    RAISES (AlError): As `select`.
    """
    strategy = _uniform(settings, n, code)
    scorer = Scorer(strategy.job)
    scores = score_usable(pool, strategy, scorer, (), (), n_process=n_process)
    ranking = rank_pool(scores, strategy, scorer, pool, None)
    picks = pick(ranking, n)
    eligible = None if picks.eligible is None else picks.eligible.tolist()
    return RandomOrder(picks.ids, picks.propensities.tolist(), eligible, len(ranking.scores.ids))


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
    tasks, _ = make_questions(pool, {}, picks, scorer, settings, meta)
    places = {identity: rank for rank, identity in enumerate(order.ids, 1)}
    # the number of its draw, and not its place among the questions
    return [
        {**task, "meta": {**task["meta"], "rank": places[identity]}}
        for task, identity in zip(tasks, picks.ids)
    ]


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

"""Texts that score alike, put into an order that does not depend on how the pool is stored."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy

from spacy_al.corpus.pool import PoolItem, fetch
from spacy_al.query.pool_scores import PoolScores
from spacy_al.query.scorer import Scorer
from spacy_al.types import Floats, Ints

# More than a score differs when its text is scored among others
RELATIVE_NOISE, NOISE = 1e-5, 1e-6
# Where more texts than this are tied, none of them is worth the time
MOST = 1000


def settle_ties(
    scores: PoolScores, weigh: Callable[[Floats], Floats], n: int, scorer: Scorer, pool: Path
) -> tuple[PoolScores, dict[str, PoolItem]]:
    """Score those texts anew, each alone, whose order among the first would else be left to float noise.

    Equal scores are common, since a model sees a few words to each side only; and how they are rounded depends on
    which texts are scored together.

    scores (PoolScores): Of the pool.
    weigh (Callable): From the scores to what is ranked.
    n (int): Size of the batch.
    scorer (Scorer): Scores the texts, fetched from the pool.
    RETURNS (tuple): The scores, with those of these texts anew; and the texts that were fetched, the 2n highest with them, since a
        pool takes long to read.
    """
    values = weigh(scores.scores)
    rows = close_to_each_other(values, n)
    if not 0 < len(rows) <= MOST:
        return scores, {}
    highest = numpy.argsort(-values, kind="stable")[: 2 * n]
    ids = {row: f"{scores.ids[row]:016x}" for row in (*rows.tolist(), *highest.tolist())}
    found = fetch(pool, scorer.nlp, ids.values(), keep_tokens=scorer.job.keep_tokens)
    alone = scores.scores.copy()
    for row in rows.tolist():
        if ids[row] in found:
            alone[row] = scorer.score([found[ids[row]].doc.copy()])[0]
    return replace(scores, scores=alone), found


def close_to_each_other(values: Floats, n: int) -> Ints:
    """Rows among the 2n highest, and those tied with the last, that are within float noise of the next in rank."""
    order = numpy.argsort(-values, kind="stable")
    ranked = values[order]
    close = ranked[:-1] - ranked[1:] <= RELATIVE_NOISE * ranked[:-1] + NOISE
    end = min(2 * n, len(order))
    while end < len(order) and close[end - 1]:
        end += 1
    involved = numpy.append(close, False) | numpy.append(False, close)
    rows: Ints = order[:end][involved[:end]]
    return rows

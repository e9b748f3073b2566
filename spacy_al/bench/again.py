"""How many answers it takes to a consensus of the same worth, by whom is asked what again."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy
from spacy.tokens import Doc

from spacy_al.bench.crowd import PEOPLE, Crowd, make_crowd
from spacy_al.consensus.mace import mace
from spacy_al.consensus.reask import gain_of_answer, gain_of_check, whom_to_ask
from spacy_al.consensus.spans import span_consensus
from spacy_al.types import Floats

# Any text and anybody; texts with the fewest answers; texts by what an answer is worth, and anybody; text and person by that
ARMS = (
    "any text, anybody",
    "fewest answers, anybody",
    "worth most, anybody",
    "worth most, of whom",
)
# The share of texts that two have answered to begin with, how many answers are asked for at a time, and how many in all
BEGIN, STEP, MOST = 0.2, 0.05, 2.0


def labels_needed(
    docs: Sequence[Doc],
    n: int,
    seeds: int,
    score: Callable[[Crowd, Any], float],
    chosen: Callable[[Crowd, Any, Floats], Any],
) -> dict[str, list[float]]:
    """Answers beyond the first to each text that each arm takes to where the first arm is in the end; a number a seed.

    RETURNS (dict): By arm; `score` is where that is.
    """
    found: dict[str, list[float]] = {"score": []}
    for seed in range(seeds):
        crowd = make_crowd(docs, n, seed)
        curves = {arm: _curve(crowd, arm, seed, score, chosen) for arm in ARMS}
        # the last three, since one step alone goes up and down
        aim = float(numpy.mean([value for _, value in curves[ARMS[0]][-3:]]))
        found["score"].append(aim)
        for arm, curve in curves.items():
            reached = [used for used, value in curve if value >= aim]
            found.setdefault(arm, []).append(float(reached[0] if reached else curve[-1][0]))
    return found


def _curve(
    crowd: Crowd,
    arm: str,
    seed: int,
    score: Callable[[Crowd, Any], float],
    chosen: Callable[[Crowd, Any, Floats], Any],
) -> list[tuple[int, float]]:
    """Further answers, and the score of the consensus with them."""
    rng = numpy.random.default_rng(seed)
    n = len(crowd.gold)
    asked = [[int(rng.integers(PEOPLE))] for _ in range(n)]
    for text in rng.permutation(n)[: int(BEGIN * n)]:
        asked[text].append(_anybody(asked[text], rng))
    used, curve = 0, list[tuple[int, float]]()
    step = max(1, int(STEP * n))
    while True:
        votes, probs, gains = _fit(crowd, asked)
        curve.append((used, score(crowd, chosen(crowd, votes, probs))))
        if used >= MOST * n:
            return curve
        may = numpy.ones((n, PEOPLE))
        for text, people in enumerate(asked):
            may[text, people] = 0
        for text, who in _choose(arm, gains, may, asked, step, rng):
            asked[text].append(who)
            used += 1


def _choose(
    arm: str,
    gains: Floats,
    may: Floats,
    asked: Sequence[Sequence[int]],
    step: int,
    rng: numpy.random.Generator,
) -> list[tuple[int, int]]:
    open_ = numpy.flatnonzero(may.sum(axis=1) > 0)
    mixed = rng.permutation(open_)
    if arm == ARMS[3]:
        found = whom_to_ask(gains, numpy.ones(PEOPLE), may, step)
        # what is left is worth nothing, by what is known so far
        rest = [text for text in mixed.tolist() if text not in {one for one, _ in found}]
        return found + [(text, _anybody(asked[text], rng)) for text in rest[: step - len(found)]]
    if arm == ARMS[1]:
        mixed = mixed[numpy.argsort([len(asked[text]) for text in mixed], kind="stable")]
    if arm == ARMS[2]:
        worth = (gains * may).sum(axis=1) / numpy.maximum(may.sum(axis=1), 1)
        mixed = mixed[numpy.argsort(-worth[mixed], kind="stable")]
    return [(text, _anybody(asked[text], rng)) for text in mixed[:step].tolist()]


def _anybody(people: Sequence[int], rng: numpy.random.Generator) -> int:
    """Somebody who has not answered yet."""
    return int(rng.choice([who for who in range(PEOPLE) if who not in people]))


def _fit(crowd: Crowd, asked: Sequence[Sequence[int]]) -> tuple[Any, Floats, Floats]:
    """Votes, the consensus on them, and what an answer of each person to each text is worth, shape (n_texts, n_people)."""
    gains = numpy.zeros((len(crowd.gold), PEOPLE))
    if not crowd.is_spans:
        votes = crowd.votes(asked)
        fitted = mace(votes)
        for column, who in enumerate(votes.annotator_names):
            own = gain_of_answer(fitted.probs, float(fitted.knows[column]), fitted.guesses[column])
            gains[votes.item_names, who] = own
        return votes, fitted.probs, gains
    spans = crowd.span_votes(asked)
    model = span_consensus(spans)
    sure = numpy.clip(model.probs, 1e-9, 1 - 1e-9)
    odds = numpy.log(sure) - numpy.log1p(-sure)
    silent = numpy.log1p(-model.finds) - numpy.log1p(-model.spurious)
    base = numpy.log(model.base) - numpy.log1p(-model.base)
    columns = {who: column for column, who in enumerate(spans.annotator_names)}
    # of the places where nobody has marked anything yet, by text and label
    nothing = numpy.array([base + silent[[columns[w] for w in own]].sum(axis=0) for own in asked])
    places = numpy.array(crowd.lengths, dtype="f8")[:, None]
    texts = numpy.array(spans.text_names)[spans.texts] if len(odds) else numpy.zeros(0, dtype=int)
    for who, column in columns.items():
        finds, spurious = model.finds[column], model.spurious[column]
        checks = gain_of_check(odds, finds[spans.labels], spurious[spans.labels])
        gains[:, who] = numpy.bincount(texts, checks, minlength=len(crowd.gold))
        gains[:, who] += (places * gain_of_check(nothing, finds, spurious)).sum(axis=1)
    return spans, model.probs, gains

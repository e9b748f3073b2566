"""The stop set: a fixed sample of the pool on which one sees whether the model still changes, and how much is left to learn.

Texts are drawn uniformly once, whatever is asked later, so that they stay representative (Bloodgood and Vijay-Shanker, 2009).
"""

import heapq
import json
from collections import Counter
from pathlib import Path
from typing import Any, TypedDict

import numpy

from spacy_al.acquisition.answer_counts import expected_label_counts
from spacy_al.corpus.pool import fetch, shards
from spacy_al.corpus.shard import read_bare
from spacy_al.errors import AlError, Errors
from spacy_al.posteriors.component import BATCH, TrainedComponent
from spacy_al.tasks.suggestion import suggest
from spacy_al.util import batched, content_hash, replacing

# Texts: enough to see an expected share of wrong entities to a few per cent, in seconds
SIZE = 1000
FILE = "stop_set.json"


class StopSet(TypedDict):
    """The ids of its texts, and how many different texts the pool holds."""

    n_pool: int
    ids: list[str]


class StopSetReading(TypedDict):
    """A model's reading of it: what it says of each text, and how much of the whole pool it expects to be wrong."""

    predictions: dict[str, list[Any]]
    lengths: dict[str, int]
    expected_errors: float | None
    expected_answers: float | None
    expected_labels: dict[str, float]


def stop_set(pool: Path, output: Path, seed: int) -> StopSet:
    """Draw the stop set of a run, or read it back.

    pool (Path): The unlabelled texts.
    output (Path): Where the run is kept.
    seed (int): Of the draw, which does not depend on the order of the pool.
    RETURNS (StopSet): `ids` of the texts, `n_pool`: how many different texts the pool holds.
    RAISES (AlError): AL161 if what was drawn cannot be read back; as `shards`.
    """
    path = output / FILE
    if not path.is_file():
        keys: set[tuple[str, str]] = set()
        for shard in shards(pool):
            try:
                for stored in read_bare(shard):
                    if stored.text.strip():
                        identity = content_hash(stored.text)
                        keys.add((content_hash(f"{seed} {identity}"), identity))
            except AlError:
                # scoring leaves it out as well, and says so
                continue
        drawn = [identity for _, identity in heapq.nsmallest(SIZE, keys)]
        with replacing(path) as file:
            json.dump({"n_pool": len(keys), "ids": drawn}, file)
    try:
        kept: StopSet = json.loads(path.read_text("utf8"))
        if {type(kept["n_pool"]), *map(type, kept["ids"])} <= {int, str}:
            return kept
    except (ValueError, LookupError, TypeError):
        pass
    raise AlError(Errors.AL161.format(path=path))


def read_stop_set(component: TrainedComponent, pool: Path, drawn: StopSet) -> StopSetReading:
    """Predictions of a model on the stop set, and how much of them is probably wrong.

    component (TrainedComponent): Of the model.
    pool (Path): The pool.
    drawn (StopSet): What `stop_set` returned.
    RETURNS (StopSetReading): `predictions`: text id -> what the model would answer, without probabilities; `lengths`: of the
        same in tokens; `expected_errors`,
        `expected_answers`: wrong ones and all of them in the whole pool, in expectation, each the sample's mean
        times the size of the pool; `expected_labels`: the latter by label.
    """
    predictions: dict[str, list[Any]] = {}
    lengths: dict[str, int] = {}
    wrong = right = 0.0
    marks = Counter[str]()
    for batch in batched(drawn["ids"], BATCH):
        items = fetch(pool, component.nlp, batch)
        docs = [item.doc for item in items.values()]
        posteriors = list(component.posteriors(docs))
        marks.update(expected_label_counts(posteriors))
        for identity, doc, posterior in zip(items, docs, posteriors):
            predictions[identity] = _answer(posterior, doc, component.threshold)
            lengths[identity] = len(doc)
            errors, answers = expected_answers(posterior)
            wrong, right = wrong + errors, right + answers
    scale = drawn["n_pool"] / max(1, len(predictions))
    return {
        "predictions": predictions,
        "lengths": lengths,
        # of a pool that holds none of the texts any more nothing is known, least of all that nothing is wrong
        "expected_errors": wrong * scale if predictions else None,
        "expected_answers": right * scale if predictions else None,
        "expected_labels": {label: float(value * scale) for label, value in marks.items()},
    }


def _answer(posterior: Any, doc: Any, threshold: float) -> list[Any]:
    shown = suggest(posterior, doc, threshold)
    if shown.kind != "categories":
        return [list(item[:3]) for item in shown.items]
    if shown.exclusive:
        return [max(shown.items, key=lambda item: item[1])[0]]
    return [label for label, prob in shown.items if prob >= threshold]


def expected_answers(posterior: Any) -> tuple[float, float]:
    """How many answers about a text are wrong or missing, and how many there are to give, in expectation."""
    # of a committee what the model itself says: the members' arrays have an axis more
    posterior = getattr(posterior, "own", posterior)
    if hasattr(posterior, "expected_errors"):
        return posterior.expected_errors, float(posterior.span_probs.sum())
    if hasattr(posterior, "token_probs"):
        return float((1 - posterior.token_probs.max(axis=1)).sum()), len(posterior.token_probs)
    if hasattr(posterior, "spans"):
        probs = posterior.span_probs
    elif posterior.exclusive:
        return float(1 - posterior.probs.max()), 1.0
    else:
        probs = posterior.probs
    return float(numpy.minimum(probs, 1 - probs).sum()), float(probs.sum())

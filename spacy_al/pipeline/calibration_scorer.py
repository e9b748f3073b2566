"""The scorer that shows beside F how far probabilities are from what is right, in spaCy's own evaluation.

What it judges is what `calibrate` calls candidates: every entity, span or category of a probability of .01 or more. Of tags it is the
most probable one of each token.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy
from spacy import registry
from spacy.training import Example

from spacy_al.kinds import FACTORIES
from spacy_al.measures.calibration import (
    brier,
    calibration_error_interval,
    expected_calibration_error,
    log_loss,
)
from spacy_al.pipeline.extensions import scores_of

CALIBRATION = "spacy-al.calibration_scorer.v1"
FLOOR = 0.01
PREFIXES = {"entities": "ents", "categories": "cats", "spans": "spans", "tags": "tag"}
Scores = dict[str, Any]
Event = tuple[float, bool]


@registry.scorers(CALIBRATION)  # type: ignore[untyped-decorator]
def make_calibration_scorer(scorer: Callable[..., Scores] | None = None) -> Callable[..., Scores]:
    """For `[components.al_scorer.scorer]`, or that of a text classifier in a pipeline without one.

    scorer (Callable | None): Another scorer, whose scores are shown as well: a classifier's own.
    """
    return partial(score_calibration, own=scorer)


def score_calibration(
    examples: Iterable[Example],
    *,
    component: str | None = None,
    factory: str = "textcat",
    key: str = "",
    own: Callable[..., Scores] | None = None,
    **how: Any,
) -> Scores:
    """Calibration error with an interval, Brier score and log loss.

    examples (Iterable[Example]): Documents as they were predicted, and as they are right.
    component (str | None): Whose scores by `al_scorer` are read; None for `doc.cats`.
    factory (str): Of that component.
    key (str): Where a span categoriser keeps its spans.
    own (Callable | None): Another scorer, which gets `how`.
    RETURNS (dict): `ents_ece`, `ents_ece_low`, `ents_ece_high`, `ents_brier` and `ents_log_loss`, or with `cats`, `spans` or `tag`. None
        where nothing was predicted, or nothing is annotated.
    """
    found, events, texts = list(examples), list[Event](), list[int]()
    row = FACTORIES[factory]
    exclusive = row.is_exclusive if component is not None else _sums_to_one(found)
    for number, example in enumerate(found):
        for event in _events_of(example, component, row.answers, key, exclusive):
            events.append(event)
            texts.append(number)
    table = numpy.array(events, dtype="f8").reshape(-1, 2)
    probs, correct = table[:, 0].clip(0, 1), table[:, 1]
    low, high = calibration_error_interval(probs, correct, numpy.array(texts, dtype=int)) or (
        None,
        None,
    )
    name = PREFIXES[row.task]
    scores = {
        f"{name}_ece": expected_calibration_error(probs, correct),
        f"{name}_ece_low": low,
        f"{name}_ece_high": high,
        f"{name}_brier": brier(probs, correct),
        f"{name}_log_loss": log_loss(probs, correct),
    }
    return scores if own is None else {**own(found, **how), **scores}


def _events_of(
    example: Example, component: str | None, answers: str, key: str, exclusive: bool
) -> Iterator[Event]:
    if component is None:
        return _categories(example.predicted.cats, example.reference.cats, exclusive)
    said = scores_of(example.predicted, component)
    if said is None:
        return iter(())
    if said.probs is not None:
        return _categories(said.probs, example.reference.cats, exclusive)
    if said.spans is not None:
        return _spans(said.spans, example, answers, key)
    return _tags(said.tags or [], example) if answers == "tags" else iter(())


def _categories(
    probs: dict[str, float], right: dict[str, float], exclusive: bool
) -> Iterator[Event]:
    # of exclusive ones the right one says that the others are wrong
    told = exclusive and any(value >= 0.5 for value in right.values())
    for label, prob in probs.items():
        if prob >= FLOOR and (label in right or told):
            yield prob, right.get(label, 0.0) >= 0.5


def _spans(spans: Any, example: Example, answers: str, key: str) -> Iterator[Event]:
    known = numpy.ones(len(example.predicted), dtype=bool)
    if answers == "entities":
        right, tags = example.get_aligned_ents_and_ner()
        # what is not annotated, and what falls on no token
        known = numpy.array([tag not in (None, "-") for tag in tags], dtype=bool)
    elif key in example.reference.spans:
        right = example.get_aligned_spans_y2x(example.reference.spans[key], allow_overlap=True)
    else:
        return
    gold = {(span.start, span.end, span.label_) for span in right}
    for span in spans:
        if span.prob < FLOOR:
            # they fall
            break
        if known[span.start : span.end].all():
            yield span.prob, (span.start, span.end, span.label) in gold


def _tags(tags: list[tuple[str, float]], example: Example) -> Iterator[Event]:
    for (label, prob), right in zip(tags, example.get_aligned("TAG", as_string=True)):
        if right:
            yield prob, label == right


def _sums_to_one(examples: list[Example]) -> bool:
    """Whether the categories that are predicted exclude each other: their probabilities sum to 1 in each text."""
    sums = [sum(example.predicted.cats.values()) for example in examples if example.predicted.cats]
    return bool(sums) and bool(numpy.allclose(sums, 1, atol=1e-3))

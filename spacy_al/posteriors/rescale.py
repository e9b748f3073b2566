"""Posteriors at another temperature, without running the model again."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy

from spacy_al.arrays.scaling import Scaling
from spacy_al.metrics import Temperature
from spacy_al.posteriors.category import Categories
from spacy_al.posteriors.entities import EntityPosterior
from spacy_al.posteriors.outputs import exclusive_probs, independent_probs
from spacy_al.posteriors.spans import Spans
from spacy_al.posteriors.temperature import by_label, entity_temperatures, valid
from spacy_al.posteriors.tokens import Tokens

# Two kilobytes each while temperatures are tried: of so many tokens a hundred megabytes
KEPT_TOKENS = 50_000


def at_temperature(pipe: Any, posteriors: Sequence[Any], temperature: Temperature) -> list[Any]:
    """The posteriors that a reader would have returned at this temperature.

    pipe (Any): The component they are of.
    posteriors (Sequence): One component's posteriors, read at temperature 1, without answers.
    temperature (Temperature): Divides the scores, or has a scale and a bias for each category.
    RETURNS (list): One posterior each, in order.
    RAISES (AlError): AL010.
    """
    if not posteriors:
        return []
    if isinstance(posteriors[0], EntityPosterior):
        # what is normalised as a whole has no step at which an entity begins or does not
        most = 4 if posteriors[0].source.is_greedy else 2
        temperatures = entity_temperatures(temperature, most=most)
        sources: dict[int, Any] = {}
        keep = sum(map(len, posteriors)) <= KEPT_TOKENS
        for posterior in posteriors:
            source = posterior.source
            if id(source) not in sources:
                sources[id(source)] = source.at(temperatures, keep=keep)
        return [EntityPosterior(sources[id(p.source)], p.index) for p in posteriors]
    if isinstance(posteriors[0], Categories):
        scaling = by_label(temperature, posteriors[0].labels)
    else:
        scaling = valid(temperature)
    if not isinstance(scaling, Scaling) and scaling == 1.0:
        # through logits and back they would differ in their last digits
        return list(posteriors)
    return [_rescaled(pipe, posterior, scaling) for posterior in posteriors]


def _rescaled(pipe: Any, posterior: Any, temperature: float | Scaling) -> Any:
    """The probabilities are outputs of a softmax or of logistic units, whatever the model itself ends in."""
    if isinstance(posterior, Categories):
        rows = _probs(pipe, posterior.probs[None], temperature, posterior.exclusive)
        raw = posterior.probs if isinstance(temperature, Scaling) else None
        return replace(posterior, probs=rows[0], raw=raw)
    if isinstance(posterior, Tokens):
        return replace(posterior, token_probs=_probs(pipe, posterior.token_probs, temperature))
    assert isinstance(posterior, Spans), type(posterior)
    if posterior.negative is None:
        rows = _probs(pipe, posterior.probs, temperature, posterior.exclusive)
        return replace(posterior, probs=rows)
    rows = numpy.column_stack((posterior.probs, posterior.negative))
    rows = _probs(pipe, rows, temperature, posterior.exclusive)
    return replace(posterior, probs=rows[:, :-1], negative=rows[:, -1])


def _probs(pipe: Any, rows: Any, temperature: float | Scaling, exclusive: bool = True) -> Any:
    if not len(rows):
        return rows
    if exclusive:
        return exclusive_probs(rows, "softmax", temperature, pipe)
    return independent_probs(rows, "logistic", temperature, pipe)

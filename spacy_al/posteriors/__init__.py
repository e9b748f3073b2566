"""Readers of models: one a component type. The only floor that knows spaCy's models."""

from spacy_al.posteriors import (  # noqa: F401  (each registers its reader)
    beam_ner,
    category,
    committee,
    dropout,
    estimator,
    ner,
    spans,
    tokens,
)
from spacy_al.posteriors.estimator import estimator_posteriors
from spacy_al.posteriors.read import find_component, get_posteriors

__all__ = ["estimator_posteriors", "find_component", "get_posteriors"]

"""Readers of models: one a component type. The only floor that knows spaCy's models."""

from spacy_al.posteriors import beam_ner, category, ner, spans, tokens  # noqa: F401  (each registers its reader)
from spacy_al.posteriors.read import find_component, get_posteriors

__all__ = ["find_component", "get_posteriors"]

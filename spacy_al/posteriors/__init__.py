"""Readers of models: one a component type. The only floor that knows spaCy's models."""

from spacy_al.posteriors.read import find_component, get_posteriors

__all__ = ["find_component", "get_posteriors"]

"""Active learning as a native part of spaCy."""

from spacy_al import acquisition, registry, selection, stopping  # noqa: F401  (they register their functions)
from spacy_al.adapters import oracle  # noqa: F401
from spacy_al.errors import AlError, AlWarning
from spacy_al.posteriors import get_posteriors

__version__ = "0.1.0"
__all__ = ["AlError", "AlWarning", "get_posteriors", "registry"]

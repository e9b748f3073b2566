"""Active learning as a native part of spaCy."""

from spacy_al import acquisition, checkpoints, gradients, registry, selection, self_train, stopping  # noqa: F401  (they register their functions)
from spacy_al.adapters import oracle, peers  # noqa: F401
from spacy_al.errors import AlError, AlWarning
from spacy_al.posteriors import estimator_posteriors, get_posteriors

__version__ = "0.1.0"
__all__ = ["AlError", "AlWarning", "estimator_posteriors", "get_posteriors", "registry"]

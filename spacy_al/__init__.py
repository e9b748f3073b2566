"""Active learning as a native part of spaCy."""

from spacy_al import acquisition, registry, selection, stopping  # noqa: F401  (they register their functions)
from spacy_al.adapters import peers  # noqa: F401
from spacy_al.config import self_training as self_train  # noqa: F401  (they register their functions)
from spacy_al.embeddings import gradients  # noqa: F401  (they register their functions)
from spacy_al.errors import AlError, AlWarning
from spacy_al.oracle import annotator as oracle  # noqa: F401
from spacy_al.posteriors import estimator_posteriors, get_posteriors
from spacy_al.training import checkpoints  # noqa: F401  (they register their functions)

__version__ = "0.1.0"
__all__ = ["AlError", "AlWarning", "estimator_posteriors", "get_posteriors", "registry"]

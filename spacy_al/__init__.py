"""Active learning as a native part of spaCy."""

# what these register can be named in any config
from spacy_al import acquisition, registry, selection, stopping  # noqa: F401
from spacy_al.adapters import peers  # noqa: F401
from spacy_al.embeddings import documents, gradients, pretrained  # noqa: F401
from spacy_al.errors import AlError, AlWarning
from spacy_al.oracle import annotator  # noqa: F401
from spacy_al.posteriors import estimator_posteriors, get_posteriors
from spacy_al.training import checkpoints, measured_scorer, pseudo_batcher  # noqa: F401

__version__ = "0.1.0"
__all__ = ["AlError", "AlWarning", "estimator_posteriors", "get_posteriors", "registry"]

"""How much a label would teach the model: posteriors in, one score a document out; higher is sooner."""

from typing import Any

from spacy_al import registry
from spacy_al.acquisition.binary import make_binary_entropy
from spacy_al.acquisition.category import make_entropy, make_least_confidence, make_margin
from spacy_al.acquisition.combine import information_density, product, rank_fusion
from spacy_al.acquisition.inputs import FITS, kind_of, misfit
from spacy_al.acquisition.sequence import (
    make_expected_errors,
    make_mnlp,
    make_sequence_entropy,
    make_sequence_least_confidence,
)
from spacy_al.acquisition.token import (
    make_lowest_token_prob,
    make_token_entropy,
    make_token_least_confidence,
    make_token_margin,
)
from spacy_al.types import Acquisition

__all__ = [
    "default_acquisition",
    "information_density",
    "make_binary_entropy",
    "make_entropy",
    "make_expected_errors",
    "make_least_confidence",
    "make_lowest_token_prob",
    "make_margin",
    "make_mnlp",
    "make_sequence_entropy",
    "make_sequence_least_confidence",
    "make_token_entropy",
    "make_token_least_confidence",
    "make_token_margin",
    "product",
    "rank_fusion",
]


def default_acquisition(posterior: Any) -> Acquisition:
    """The acquisition for a component that names none.

    Entities and tokens: the entropy of the most uncertain token. Exclusive categories: breaking ties (Luo et
    al., 2005). Multilabel categories and spans: the entropy of the most uncertain label or candidate.

    posterior (Posterior): Any posterior of the component.
    RETURNS (Acquisition): Posteriors -> scores (n_docs,).
    RAISES (AlError): AL020 for a posterior of no known kind.
    """
    kind = kind_of(posterior)
    if kind not in FITS:
        misfit(posterior, FITS["tokens"][0], "token_probs, probs or span_probs")
    return registry.al_acquisitions.get(f"spacy-al.{FITS[kind][0]}.v1")()

"""How much a label would teach the model: posteriors in, one score a document out; higher is sooner."""

from typing import Any

from spacy_al import registry
from spacy_al.acquisition.answer_counts import answer_counts
from spacy_al.acquisition.binary import make_binary_entropy
from spacy_al.acquisition.category import make_entropy, make_least_confidence, make_margin
from spacy_al.acquisition.disagreement import (
    make_bald,
    make_consensus_entropy,
    make_vote_entropy,
    members_of,
)
from spacy_al.acquisition.disagreement_teacher import make_disagreement_teacher
from spacy_al.acquisition.fluctuation import make_fluctuation
from spacy_al.acquisition.fusion import (
    fuse,
    information_density,
    make_product,
    product,
    rank_fusion,
)
from spacy_al.acquisition.inputs import FITS, misfit
from spacy_al.acquisition.labels import expected_marks, label_probs
from spacy_al.acquisition.missed import make_missed_entities
from spacy_al.acquisition.model_change import make_expected_model_change
from spacy_al.acquisition.sequence import (
    make_expected_errors,
    make_mnlp,
    make_sequence_entropy,
    make_sequence_least_confidence,
)
from spacy_al.acquisition.tag_count import make_tag_count
from spacy_al.acquisition.token import (
    make_lowest_token_prob,
    make_token_entropy,
    make_token_least_confidence,
    make_token_margin,
)
from spacy_al.types import Acquisition, posterior_kind

__all__ = [
    "answer_counts",
    "default_acquisition",
    "expected_marks",
    "fuse",
    "information_density",
    "label_probs",
    "make_bald",
    "make_binary_entropy",
    "make_consensus_entropy",
    "make_disagreement_teacher",
    "make_entropy",
    "make_expected_errors",
    "make_expected_model_change",
    "make_fluctuation",
    "make_least_confidence",
    "make_lowest_token_prob",
    "make_margin",
    "make_missed_entities",
    "make_mnlp",
    "make_product",
    "make_sequence_entropy",
    "make_sequence_least_confidence",
    "make_tag_count",
    "make_token_entropy",
    "make_token_least_confidence",
    "make_token_margin",
    "make_vote_entropy",
    "members_of",
    "product",
    "rank_fusion",
]


def default_acquisition(posterior: Any) -> Acquisition:
    """The acquisition for a component that names none.

    Entities and tokens: the entropy of the most uncertain token. Exclusive categories: breaking ties (Luo et
    al., 2005). Multilabel categories and spans: the entropy of the most uncertain label or candidate.
    Committees and dropout: BALD (Houlsby et al., 2011); where they choose one category, the entropy of their consensus.

    posterior (Posterior): Any posterior of the component.
    RETURNS (Acquisition): Posteriors -> scores (n_docs,).
    RAISES (AlError): AL020 for a posterior of no known kind.
    """
    kind = posterior_kind(posterior)
    if kind not in FITS:
        misfit(posterior, FITS["tokens"][0], "token_probs, probs or span_probs")
    return registry.al_acquisitions.get(f"spacy-al.{FITS[kind][0]}.v1")()

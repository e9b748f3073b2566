"""What to ask next: scores and embeddings in, rows and the propensity of each pick out."""

from spacy_al.selection.cold_start import make_representative
from spacy_al.selection.density import cosine_to_pool, knn_density, mean_cosine, unit_sum
from spacy_al.selection.rank import make_top_k, make_uniform

# Samplers that do not look at embeddings, which then need not be made, and those that do not look at scores
BLIND = {"spacy-al.top_k.v1", "spacy-al.uniform.v1"}
UNRANKED = {"spacy-al.uniform.v1", "spacy-al.representative.v1"}

__all__ = [
    "cosine_to_pool",
    "knn_density",
    "make_representative",
    "make_top_k",
    "make_uniform",
    "mean_cosine",
    "unit_sum",
]

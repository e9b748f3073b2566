"""The choice of what to ask next: scores and embeddings in, rows and the propensity of each pick out."""

from spacy_al.selection.active_testing import make_active_testing
from spacy_al.selection.batch_bald import make_batch_bald
from spacy_al.selection.cluster_margin import make_cluster_margin
from spacy_al.selection.cold_start import make_representative
from spacy_al.selection.density import cosine_to_pool, knn_density, mean_cosine, unit_sum
from spacy_al.selection.error_reduction import (
    inverse_products,
    make_error_reduction,
    make_pool_information,
    shared_information,
)
from spacy_al.selection.facility_location import make_facility_location
from spacy_al.selection.k_centre import make_k_centre
from spacy_al.selection.kmeans_pp import make_kmeans_pp
from spacy_al.selection.mmr import make_mmr
from spacy_al.selection.near_positives import make_near_positives
from spacy_al.selection.private import make_private
from spacy_al.selection.prob_cover import make_prob_cover
from spacy_al.selection.quotas import make_quotas
from spacy_al.selection.rank import make_top_k, make_uniform
from spacy_al.selection.stochastic import make_stochastic
from spacy_al.selection.typiclust import make_typiclust

# The sampler whose batches tell little about any one text
PRIVATE = "spacy-al.private.v1"
# Samplers that do not look at embeddings, which then need not be made, and those that do not look at scores
BLIND = {
    "spacy-al.active_testing.v1",
    "spacy-al.batch_bald.v1",
    "spacy-al.pool_information.v1",
    PRIVATE,
    "spacy-al.quotas.v1",
    "spacy-al.stochastic.v1",
    "spacy-al.top_k.v1",
    "spacy-al.uniform.v1",
}
UNRANKED = {
    "spacy-al.active_testing.v1",
    "spacy-al.kmeans_pp.v1",
    "spacy-al.prob_cover.v1",
    "spacy-al.representative.v1",
    "spacy-al.typiclust.v1",
    "spacy-al.uniform.v1",
}

__all__ = [
    "PRIVATE",
    "cosine_to_pool",
    "inverse_products",
    "knn_density",
    "make_active_testing",
    "make_batch_bald",
    "make_cluster_margin",
    "make_error_reduction",
    "make_facility_location",
    "make_k_centre",
    "make_kmeans_pp",
    "make_mmr",
    "make_near_positives",
    "make_pool_information",
    "make_private",
    "make_prob_cover",
    "make_quotas",
    "make_representative",
    "make_stochastic",
    "make_top_k",
    "make_typiclust",
    "make_uniform",
    "mean_cosine",
    "shared_information",
    "unit_sum",
]

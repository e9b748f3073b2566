"""The majority: each annotator has one vote, whoever they are."""

from spacy_al.consensus.votes import Votes
from spacy_al.types import Floats


def majority(votes: Votes) -> Floats:
    """The share of the votes of each item that each label has.

    RETURNS (Floats): Shape (n_items, n_labels); rows sum to 1.
    """
    counts = votes.counts
    shares: Floats = counts / counts.sum(axis=1, keepdims=True)
    return shares

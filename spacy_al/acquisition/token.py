"""Uncertainty of the tokens of a document: any component with a label distribution for each token."""

from collections.abc import Sequence
from functools import partial

from spacy_al import registry
from spacy_al.acquisition.inputs import token_rows
from spacy_al.acquisition.reduce import check_reduce
from spacy_al.acquisition.reduce import reduce as reduce_tokens
from spacy_al.arrays import distribution
from spacy_al.types import Acquisition, Floats, TokenPosterior


@registry.al_acquisitions("spacy-al.token_entropy.v1")
def make_token_entropy(reduce: str = "max", k: int = 3) -> Acquisition:
    """Entropy of the tokens in nats, reduced to a score for the document.

    reduce (str): "max", "mean", "sum" or "topk".
    k (int): How many of the most uncertain tokens "topk" averages.
    RETURNS (Acquisition): Posteriors with token_probs -> scores (n_docs,).
    RAISES (UsageError): AL022, AL023.
    """
    check_reduce(reduce, k)
    return partial(token_entropy, reduce=reduce, k=k)


@registry.al_acquisitions("spacy-al.token_margin.v1")
def make_token_margin(reduce: str = "max", k: int = 3) -> Acquisition:
    """Closeness of the two most probable labels of the tokens (Scheffer et al., 2001), reduced.

    reduce (str): "max", "mean", "sum" or "topk".
    k (int): How many of the most uncertain tokens "topk" averages.
    RETURNS (Acquisition): Posteriors with token_probs -> scores (n_docs,).
    RAISES (UsageError): AL022, AL023.
    """
    check_reduce(reduce, k)
    return partial(token_margin, reduce=reduce, k=k)


@registry.al_acquisitions("spacy-al.token_least_confidence.v1")
def make_token_least_confidence(reduce: str = "max", k: int = 3) -> Acquisition:
    """Probability that the most probable label of a token is wrong (Lewis & Gale, 1994), reduced.

    reduce (str): "max", "mean", "sum" or "topk".
    k (int): How many of the most uncertain tokens "topk" averages.
    RETURNS (Acquisition): Posteriors with token_probs -> scores (n_docs,).
    RAISES (UsageError): AL022, AL023.
    """
    check_reduce(reduce, k)
    return partial(token_least_confidence, reduce=reduce, k=k)


@registry.al_acquisitions("spacy-al.lowest_token_prob.v1")
def make_lowest_token_prob() -> Acquisition:
    """1 - the lowest probability that any token's most probable label has (LTP; Liu et al., 2022).

    The paper reads the labels off the best path of a CRF; here each token's own best label is read.

    RETURNS (Acquisition): Posteriors with token_probs -> scores (n_docs,).
    """
    return partial(lowest_token_prob)


def token_entropy(posteriors: Sequence[TokenPosterior], reduce: str = "max", k: int = 3) -> Floats:
    """Reduced entropies of the tokens; see `make_token_entropy`."""
    rows, lengths = token_rows(posteriors, "token_entropy")
    return reduce_tokens(distribution.row_entropy(rows), lengths, reduce, k)


def token_margin(posteriors: Sequence[TokenPosterior], reduce: str = "max", k: int = 3) -> Floats:
    """Reduced margins of the tokens; see `make_token_margin`."""
    rows, lengths = token_rows(posteriors, "token_margin")
    return reduce_tokens(distribution.row_margin(rows), lengths, reduce, k)


def token_least_confidence(
    posteriors: Sequence[TokenPosterior], reduce: str = "max", k: int = 3
) -> Floats:
    """Reduced 1 - max p of the tokens; see `make_token_least_confidence`."""
    rows, lengths = token_rows(posteriors, "token_least_confidence")
    return reduce_tokens(distribution.row_least_confidence(rows), lengths, reduce, k)


def lowest_token_prob(posteriors: Sequence[TokenPosterior]) -> Floats:
    """The greatest 1 - max p of the tokens; see `make_lowest_token_prob`."""
    rows, lengths = token_rows(posteriors, "lowest_token_prob")
    return reduce_tokens(distribution.row_least_confidence(rows), lengths, "max")

"""Uncertainty of many yes or no questions about a document: its labels, or its candidate spans."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from spacy_al import registry
from spacy_al.acquisition.inputs import category_rows, span_rows
from spacy_al.acquisition.reduce import check_reduce
from spacy_al.acquisition.reduce import reduce as reduce_questions
from spacy_al.arrays import distribution
from spacy_al.types import Acquisition, Floats


@registry.al_acquisitions("spacy-al.binary_entropy.v1")
def make_binary_entropy(reduce: str = "max", k: int = 3) -> Acquisition:
    """Entropy in nats of each label or candidate span for itself, reduced to a score for the document.

    reduce (str): "max", "mean", "sum" or "topk".
    k (int): How many of the most uncertain questions "topk" averages.
    RETURNS (Acquisition): Posteriors with multilabel probs, or with span_probs -> scores (n_docs,).
    RAISES (UsageError): AL022, AL023.
    """
    check_reduce(reduce, k)
    return partial(binary_entropy, reduce=reduce, k=k)


def binary_entropy(posteriors: Sequence[Any], reduce: str = "max", k: int = 3) -> Floats:
    """Reduced entropies of the questions; see `make_binary_entropy`."""
    name = "binary_entropy"
    # a batch comes from one component; a stray posterior of another kind is refused where it is read
    if len(posteriors) and not hasattr(posteriors[0], "span_probs"):
        probs, lengths = category_rows(posteriors, name, exclusive=False)
    else:
        probs, lengths = span_rows(posteriors, name)
    return reduce_questions(distribution.bernoulli_entropy(probs.ravel()), lengths, reduce, k)

"""How far one answer would move the model: the expected gradient of its last layer."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy

from spacy_al import registry
from spacy_al.acquisition.inputs import category_rows, span_rows, token_rows
from spacy_al.acquisition.reduce import reduce
from spacy_al.types import Acquisition, Floats, Ints, posterior_kind

NAME = "expected_model_change"


@registry.al_acquisitions("spacy-al.expected_model_change.v1")
def make_expected_model_change() -> Acquisition:
    """Length of the gradient that training on the answer would begin with, in expectation (Settles et al., 2008).

    The gradient is that of the last layer alone, and the features it weighs count as of length 1: what is left are the
    errors of the outputs, p - y. Exclusive categories: the expected length, as in the paper. Else its root mean
    square, which has a closed form where the paper sums over the best analyses: tokens, labels and candidates count
    as independent, so that their errors are uncorrelated and the squares add up to the sum of p (1 - p). As the
    paper's, it favours long documents.

    RETURNS (Acquisition): Posteriors of any kind -> scores (n_docs,).
    """
    return partial(expected_model_change)


def expected_model_change(posteriors: Sequence[Any]) -> Floats:
    """Expected lengths of the gradient; see `make_expected_model_change`."""
    # a batch comes from one component; a stray posterior of another kind is refused where it is read
    kind = posterior_kind(posteriors[0]) if len(posteriors) else "tokens"
    if kind == "exclusive categories":
        return _expected_length(*category_rows(posteriors, NAME, exclusive=True))
    if kind == "multilabel categories":
        probs, lengths = category_rows(posteriors, NAME, exclusive=False)
    elif kind == "spans":
        probs, lengths = span_rows(posteriors, NAME)
    else:
        probs, lengths = token_rows(posteriors, NAME)
    # one row a token, or one number a label or candidate
    squares = (probs * (1.0 - probs)).sum(axis=tuple(range(1, probs.ndim)))
    return numpy.sqrt(reduce(squares, lengths, "sum"))


def _expected_length(probs: Floats, lengths: Ints) -> Floats:
    """The sum over k of p_k |p - e_k|, of each document."""
    probs = probs.ravel()
    norms = numpy.repeat(reduce(probs**2, lengths, "sum"), lengths)
    # |p - e_k|^2 = |p|^2 - 2 p_k + 1
    change = numpy.sqrt(numpy.maximum(norms - 2.0 * probs + 1.0, 0.0))
    return reduce(probs * change, lengths, "sum")

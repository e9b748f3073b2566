"""How much a model's doubt about a document has changed over the rounds, beside how much there is of it now."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy

from spacy_al import registry
from spacy_al.acquisition.inputs import FITS, category_rows, misfit, span_rows, token_rows
from spacy_al.acquisition.reduce import check_reduce
from spacy_al.acquisition.reduce import reduce as reduce_questions
from spacy_al.arrays.checks import at_least
from spacy_al.arrays.distribution import row_least_confidence
from spacy_al.errors import AlError, Errors
from spacy_al.types import Acquisition, Floats, posterior_kind

NAME = "fluctuation"


@registry.al_acquisitions("spacy-al.fluctuation.v1")
def make_fluctuation(weight: float = 0.5, reduce: str = "max", k: int = 3) -> Acquisition:
    """The least confidence now and its variance over the last rounds, weighed (Yao et al., 2020).

    weight * u + (1 - weight) * var(u, ...), where u is what the most probable answer lacks to 1, of the least sure word,
    label or candidate. For the committee "rounds", whose first member is this round's model and whose others are those
    before; with other committees the variance is that among their members. In the paper the model scores anything; that
    it is least confidence, and of the least sure word, is as Kohl et al. (2024) compared it.

    weight (float): Of the model's doubt now, from 0 to 1.
    reduce (str): "max", "mean", "sum" or "topk": from words, labels or candidates to a document.
    k (int): How many of the least sure "topk" averages.
    RETURNS (Acquisition): Posteriors of a committee -> scores (n_docs,).
    RAISES (UsageError): AL022, AL023.
    """
    check_reduce(reduce, k)
    at_least(0, weight, "weight")
    at_least(0, 1 - weight, "1 - weight")
    return partial(fluctuation, weight=weight, reduce=reduce, k=k)


def fluctuation(
    posteriors: Sequence[Any], weight: float = 0.5, reduce: str = "max", k: int = 3
) -> Floats:
    """Weighed doubts and variances; see `make_fluctuation`.

    RAISES (AlError): AL020 for no committee, AL021 for NaN or logits, AL024 if documents have different numbers of members.
    """
    if not len(posteriors):
        return numpy.zeros(0)
    for posterior in posteriors:
        kind = posterior_kind(posterior)
        if kind not in FITS or not kind.startswith("committee of "):
            misfit(
                posterior, NAME, "the posteriors of a committee, such as that of the last rounds"
            )
    sizes = [len(posterior.members) for posterior in posteriors]
    if len(set(sizes)) > 1:
        what, expected = f"A batch for spacy-al.{NAME}.v1", f"{sizes[0]} members of each document"
        raise AlError(Errors.AL024.format(what=what, expected=expected, found=tuple(sizes)))
    members = zip(*(posterior.members for posterior in posteriors))
    doubts = numpy.stack([_doubts(member, reduce, k) for member in members])
    return weight * doubts[0] + (1.0 - weight) * doubts.var(axis=0)


def _doubts(posteriors: Sequence[Any], how: str, k: int) -> Floats:
    """Least confidences of one member, (n_docs,)."""
    kind = posterior_kind(posteriors[0])
    if kind == "exclusive categories":
        probs, lengths = category_rows(posteriors, NAME, exclusive=True)
        # a document has one category, so there is nothing to reduce
        return 1.0 - reduce_questions(probs.ravel(), lengths, "max")
    if kind in ("entities", "tokens"):
        rows, lengths = token_rows(posteriors, NAME)
        return reduce_questions(row_least_confidence(rows), lengths, how, k)
    if kind == "multilabel categories":
        probs, lengths = category_rows(posteriors, NAME, exclusive=False)
    else:
        probs, lengths = span_rows(posteriors, NAME)
    probs = probs.reshape(lengths.sum())
    return reduce_questions(numpy.minimum(probs, 1.0 - probs), lengths, how, k)

"""Uncertainty of the whole analysis of a document: entities, or independent tokens where there is no more.

A posterior over analyses (entities) brings `entropy`, `best_logprob` and `expected_errors`. For one that has only
`token_probs` (a tagger) the tokens are independent, and the same quantities follow from them.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy

from spacy_al import registry
from spacy_al.acquisition.inputs import document_numbers, token_rows
from spacy_al.acquisition.reduce import reduce as reduce_tokens
from spacy_al.arrays import distribution
from spacy_al.arrays.checks import finite
from spacy_al.types import Acquisition, Floats


@registry.al_acquisitions("spacy-al.sequence_entropy.v1")
def make_sequence_entropy(normalize: bool = False) -> Acquisition:
    """Entropy over all analyses of a document, in nats (Settles & Craven, 2008).

    normalize (bool): Divide by the number of tokens.
    RETURNS (Acquisition): Posteriors with entropy or token_probs -> scores (n_docs,).
    """
    return partial(sequence_entropy, normalize=normalize)


@registry.al_acquisitions("spacy-al.sequence_least_confidence.v1")
def make_sequence_least_confidence() -> Acquisition:
    """1 - the probability of the best analysis (Culotta & McCallum, 2005).

    RETURNS (Acquisition): Posteriors with best_logprob or token_probs -> scores (n_docs,).
    """
    return partial(sequence_least_confidence)


@registry.al_acquisitions("spacy-al.mnlp.v1")
def make_mnlp() -> Acquisition:
    """Log-probability of the best analysis, a token and with its sign turned (MNLP; Shen et al., 2017).

    RETURNS (Acquisition): Posteriors with best_logprob or token_probs -> scores (n_docs,), 0 without tokens.
    """
    return partial(mnlp)


@registry.al_acquisitions("spacy-al.expected_errors.v1")
def make_expected_errors(normalize: bool = False) -> Acquisition:
    """How many errors one expects to correct if the model's own analysis is shown.

    normalize (bool): Divide by the number of tokens.
    RETURNS (Acquisition): Posteriors with expected_errors or token_probs -> scores (n_docs,).
    """
    return partial(expected_errors, normalize=normalize)


def sequence_entropy(posteriors: Sequence[Any], normalize: bool = False) -> Floats:
    """Entropies of the analyses; see `make_sequence_entropy`."""
    name = "sequence_entropy"
    if _has(posteriors, "entropy"):
        scores = document_numbers(posteriors, "entropy", name)
        return _per_token(scores, posteriors, name) if normalize else scores
    rows, lengths = token_rows(posteriors, name)
    return reduce_tokens(distribution.row_entropy(rows), lengths, "mean" if normalize else "sum")


def sequence_least_confidence(posteriors: Sequence[Any]) -> Floats:
    """1 - P(best); see `make_sequence_least_confidence`."""
    # -expm1 keeps the differences between documents that are nearly certain
    return -numpy.expm1(-_surprise(posteriors, "sequence_least_confidence"))


def mnlp(posteriors: Sequence[Any]) -> Floats:
    """-(1 / n) log P(best); see `make_mnlp`."""
    return _per_token(_surprise(posteriors, "mnlp"), posteriors, "mnlp")


def expected_errors(posteriors: Sequence[Any], normalize: bool = False) -> Floats:
    """Expected numbers of errors; see `make_expected_errors`."""
    name = "expected_errors"
    if _has(posteriors, name):
        scores = document_numbers(posteriors, name, name)
        return _per_token(scores, posteriors, name) if normalize else scores
    rows, lengths = token_rows(posteriors, name)
    ways = "mean" if normalize else "sum"
    return reduce_tokens(distribution.row_least_confidence(rows), lengths, ways)


def _surprise(posteriors: Sequence[Any], name: str) -> Floats:
    """-log P(best) of each document, in nats."""
    if _has(posteriors, "best_logprob"):
        # rounding may leave a certain analysis a little above 1
        surprise: Floats = numpy.abs(
            numpy.minimum([posterior.best_logprob for posterior in posteriors], 0.0)
        )
        # where everything was cut, nothing is known of the best analysis
        return finite(
            numpy.minimum(surprise, numpy.finfo("f8").max), f"The posteriors of '{name}'", 0.0
        )
    rows, lengths = token_rows(posteriors, name)
    best = numpy.maximum(rows.max(axis=-1), numpy.finfo("f8").tiny)
    return reduce_tokens(numpy.abs(numpy.log(best)), lengths, "sum")


def _per_token(scores: Floats, posteriors: Sequence[Any], name: str) -> Floats:
    _, lengths = token_rows(posteriors, name)
    return numpy.where(lengths > 0, scores / numpy.maximum(lengths, 1), 0.0)


def _has(posteriors: Sequence[Any], attribute: str) -> bool:
    # a batch comes from one component; a stray posterior of another kind is refused where it is read
    return len(posteriors) > 0 and hasattr(posteriors[0], attribute)

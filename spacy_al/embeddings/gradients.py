"""Embeddings by what the model's own answer would teach it: the gradient of the last layer (BADGE)."""

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import numpy
from spacy.attrs import IS_PUNCT, IS_SPACE, LOWER
from spacy.tokens import Doc
from thinc.api import to_numpy

from spacy_al import registry
from spacy_al.arrays.factored import WIDTH, Factored, sketch
from spacy_al.embeddings.windows import range_means
from spacy_al.errors import AlError, Errors
from spacy_al.types import Floats, posterior_kind

# Of random vectors of words, where no encoder gives better ones
N_WORDS, WORD_WIDTH = 2**13, 128


@registry.al_embeddings("spacy-al.gradient.v1")
def make_gradient() -> Any:
    """The gradient of the loss if the model's answer were right: long where it is unsure, alike where it errs alike."""
    return partial(gradient)


def gradient(docs: Sequence[Doc], posteriors: Sequence[Any]) -> Any:
    """The gradient of a linear last layer's loss, with the most probable label as the answer (BADGE; Ash et al., 2020).

    For a softmax that reads the features h it is (p - onehot(argmax p)) x h, for independent labels (p - [p >= 1/2]) x
    h. Of a committee it is the mean of its members' gradients.

    Features are what the shared encoder says of the document's tokens, so for a component with further layers of its
    own, as a recogniser has, the gradient is that of a linear layer in their place; where no encoder is shared, words
    as fixed random vectors (random indexing; Kanerva et al., 2000), punctuation and white space left out of means.

    - Categories: h is the mean over the tokens; kept as the factors, K + d numbers a document.
    - Entities and tags: the sum over the tokens, with exact token marginals. A sum of outer products has no two factors:
      it is kept as a sketch of 256 numbers that preserves distances in expectation. Spans: likewise the sum over
      all candidates, h the mean over the candidate's tokens.

    docs (Sequence[Doc]): Docs that have been through what comes before the component.
    posteriors (Sequence[Posterior]): One a doc.
    RETURNS (Factored | Floats): One row a doc; zeros for a doc without tokens.
    RAISES (AlError): AL210 for a posterior without labels of a known kind.
    """
    kinds = {_kind(posterior) for posterior in posteriors}
    if kinds <= {"exclusive categories", "multilabel categories"}:
        return _of_categories(docs, posteriors)
    rows = [_sketched(doc, posterior) for doc, posterior in zip(docs, posteriors)]
    return numpy.stack(rows)


def residual(probs: Any, *, exclusive: bool) -> Floats:
    """The derivative of the loss by the logits, if the most probable answer were right.

    probs (Any): Shape (..., K): rows that sum to 1 if exclusive, else one probability a label.
    RETURNS (Floats): Shape (..., K).
    """
    probs = numpy.asarray(probs, dtype="f8")
    if not exclusive:
        return probs - (probs >= 0.5)
    return probs - (numpy.arange(probs.shape[-1]) == probs.argmax(axis=-1)[..., None])


def _of_categories(docs: Sequence[Doc], posteriors: Sequence[Any]) -> Factored:
    left = [_mean(residual(p.probs, exclusive=p.exclusive), 1) for p in posteriors]
    right = [_document(doc) for doc in docs]
    width = max((len(row) for row in right), default=0)
    right = [row if len(row) else numpy.zeros(width) for row in right]
    return Factored(numpy.array(left, dtype="f4"), numpy.array(right, dtype="f4"))


def _sketched(doc: Doc, posterior: Any) -> Floats:
    """The sketch of the sum over the tokens or candidates of a document, shape (256,)."""
    kind = _kind(posterior)
    if kind in ("entities", "tokens"):
        left = _mean(residual(posterior.token_probs, exclusive=True), 2)
        return _sum(left, _tokens(doc))
    if kind != "spans":
        raise AlError(Errors.AL210.format(kind=kind))
    members = getattr(posterior, "members", None)
    if members is not None:
        return numpy.mean([_sketched(doc, member) for member in members], axis=0)
    probs = posterior.probs
    if posterior.negative is not None:
        probs = numpy.column_stack((probs, posterior.negative))
    means = range_means(_tokens(doc), posterior.start, posterior.end)
    return _sum(residual(probs, exclusive=posterior.exclusive), means)


def _kind(posterior: Any) -> str:
    return posterior_kind(posterior).removeprefix("committee of ")


def _sum(left: Floats, right: Floats) -> Floats:
    if not len(left):
        return numpy.zeros(WIDTH, dtype="f4")
    return sketch(left, right).sum(axis=0)


def _mean(values: Floats, ndim: int) -> Floats:
    """Over the members of a committee, which come as one axis more."""
    return values.mean(axis=0) if values.ndim > ndim else values


def _tokens(doc: Doc) -> Floats:
    """Features of the tokens, shape (n_tokens, d)."""
    if doc.tensor.size:
        return to_numpy(doc.tensor)
    return _word_vectors()[doc.to_array([LOWER]).reshape(-1) % N_WORDS]


def _document(doc: Doc) -> Floats:
    """The mean of the features of the tokens, shape (d,); of no length for a document without tokens."""
    if not len(doc):
        return numpy.zeros(0)
    if doc.tensor.size:
        return to_numpy(doc.tensor.mean(axis=0))
    words = ~doc.to_array([IS_PUNCT, IS_SPACE]).any(axis=1)
    return _tokens(doc)[words if words.any() else slice(None)].mean(axis=0)


@lru_cache(maxsize=1)
def _word_vectors() -> Floats:
    # the same in every process and every round
    signs = numpy.random.default_rng(0).integers(0, 2, (N_WORDS, WORD_WIDTH), dtype="i1")
    return (signs.astype("f4") * 2 - 1) / WORD_WIDTH**0.5

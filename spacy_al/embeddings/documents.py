"""Vectors of documents, for density, diversity and a start without a model."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy
from spacy.tokens import Doc
from thinc.api import to_numpy

from spacy_al import registry
from spacy_al.errors import AlError, Errors

# (n_docs, d), dense or scipy sparse
Embedding: TypeAlias = Callable[[Sequence[Doc]], Any]

N_BUCKETS = 2**18


@registry.al_embeddings("spacy-al.encoder.v1")
def make_encoder_mean() -> Embedding:
    """The mean of what a shared encoder says of a document's tokens: costs nothing where the pipeline has one."""
    return partial(encoder_mean)


@registry.al_embeddings("spacy-al.hashed_words.v1")
def make_hashed_words() -> Embedding:
    """Counts of hashed words: needs no model at all. See `weigh_rare` for the weights of a whole pool."""
    return partial(hashed_words)


def encoder_mean(docs: Sequence[Doc]) -> Any:
    """(n_docs, d) means of `doc.tensor`; zeros for a document without tokens.

    RAISES (AlError): AL013 if a document has not been through a shared encoder.
    """
    if any(len(doc) and not doc.tensor.size for doc in docs):
        raise AlError(Errors.AL013)
    width = next((doc.tensor.shape[1] for doc in docs if len(doc)), 0)
    rows = [to_numpy(doc.tensor.mean(axis=0)) if len(doc) else numpy.zeros(width) for doc in docs]
    return numpy.asarray(rows, dtype="f4").reshape(len(docs), width)


def hashed_words(docs: Sequence[Doc]) -> Any:
    """(n_docs, 2 ** 18) sparse counts of lower-case words by their hash (Weinberger et al., 2009)."""
    from scipy.sparse import csr_matrix
    from spacy.attrs import IS_PUNCT, IS_SPACE, LOWER

    tables = [doc.to_array([LOWER, IS_PUNCT, IS_SPACE]).reshape(len(doc), 3) for doc in docs]
    # punctuation and white space say nothing of the content
    kept = [table[(table[:, 1] == 0) & (table[:, 2] == 0), 0] for table in tables]
    columns = numpy.concatenate([*kept, numpy.zeros(0, dtype="u8")]) % N_BUCKETS
    ends = numpy.cumsum([0, *map(len, kept)])
    counts = csr_matrix(
        (numpy.ones(len(columns), "f4"), columns.astype("i4"), ends), (len(docs), N_BUCKETS)
    )
    counts.sum_duplicates()
    return counts


def weigh_rare(counts: Any) -> Any:
    """Sparse counts of a whole pool as tf-idf, so that words which all sentences share count little."""
    from sklearn.feature_extraction.text import TfidfTransformer

    return TfidfTransformer(sublinear_tf=True).fit_transform(counts)


def compress(vectors: Any, rng: numpy.random.Generator, width: int = 64) -> Any:
    """Sparse vectors as dense ones of a smaller width (latent semantic analysis; Deerwester et al., 1990)."""
    from sklearn.decomposition import TruncatedSVD

    used = numpy.flatnonzero(numpy.asarray(vectors.sum(axis=0)).ravel())
    width = min(width, len(used) - 1, vectors.shape[0] - 1)
    if width < 1:
        return vectors[:, used].toarray()
    svd = TruncatedSVD(width, random_state=int(rng.integers(2**31)))
    return svd.fit_transform(vectors[:, used]).astype("f4")

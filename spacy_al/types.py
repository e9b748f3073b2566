"""The contract between the floors: what a posterior, an acquisition and a sampler look like.

Readers of models make posteriors, the maths reads only these attributes, and neither imports the other.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[numpy.floating[Any]]
Ints: TypeAlias = NDArray[numpy.integer[Any]]
Bools: TypeAlias = NDArray[numpy.bool_]


@runtime_checkable
class Posterior(Protocol):
    """The belief of a model about one document."""

    labels: tuple[str, ...]


@runtime_checkable
class CategoryPosterior(Posterior, Protocol):
    """A distribution over the categories of a document (text classification).

    probs (Floats): Shape (n_labels,); sums to 1 if exclusive, else one probability per label.
    exclusive (bool): Whether exactly one label applies.
    """

    probs: Floats
    exclusive: bool


@runtime_checkable
class TokenPosterior(Posterior, Protocol):
    """A distribution over labels for every token.

    token_probs (Floats): Shape (n_tokens, n_labels), or one column more for "outside", the last, where
        the component finds entities. Rows sum to 1.
    """

    @property
    def token_probs(self) -> Floats: ...


@runtime_checkable
class SpanPosterior(Posterior, Protocol):
    """A probability for every candidate span and label.

    span_probs (Floats): Shape (n_candidates,), one Bernoulli probability for each (span, label).
    """

    @property
    def span_probs(self) -> Floats: ...


@runtime_checkable
class SequencePosterior(TokenPosterior, SpanPosterior, Protocol):
    """A distribution over whole analyses of a document (entity recognition).

    entropy (float): Entropy of the distribution over analyses, in nats.
    best_logprob (float): Log probability of the most probable analysis.
    expected_errors (float): Expected number of wrong entities if the greedy analysis were accepted:
        false positives plus false negatives.
    """

    @property
    def entropy(self) -> float: ...
    @property
    def best_logprob(self) -> float: ...
    @property
    def expected_errors(self) -> float: ...


Acquisition: TypeAlias = Callable[[Sequence[Any]], Floats]
# Rows and the propensity of each, and the number that each was chosen by, where that is not the score which was given
Sampler: TypeAlias = Callable[..., tuple[Ints, Floats] | tuple[Ints, Floats, Floats]]


def posterior_kind(posterior: Any) -> str:
    """The kind of a posterior, judged by its attributes: a key of FITS, or "unknown"."""
    if members := getattr(posterior, "members", ()):
        return f"committee of {posterior_kind(members[0])}"
    if hasattr(posterior, "token_probs"):
        return "entities" if hasattr(posterior, "best_logprob") else "tokens"
    # candidate spans may come with probs of another shape beside span_probs
    if hasattr(posterior, "span_probs"):
        return "spans"
    if hasattr(posterior, "probs") and hasattr(posterior, "exclusive"):
        return "exclusive categories" if posterior.exclusive else "multilabel categories"
    return "unknown"

"""The search around what was found: the neighbours of labelled texts that hold rare labels."""

from functools import partial
from typing import Any

import numpy

from spacy_al import registry
from spacy_al.arrays.checks import at_least, columns_of, finite, same_length
from spacy_al.arrays.factored import Factored
from spacy_al.errors import Errors, UsageError
from spacy_al.selection.density import nearest
from spacy_al.selection.parts import explored, extended, then_certain
from spacy_al.selection.rank import check_rows
from spacy_al.types import Floats, Ints, Sampler

NAME = "near_positives"


@registry.al_samplers("spacy-al.near_positives.v1")
def make_near_positives(
    labels: list[str] | None = None, k: int = 10, explore: float = 0.1
) -> Sampler:
    """The highest scores among the nearest neighbours of labelled texts with rare labels; a share from anywhere.

    labels (list[str] | None): The rare labels; by default all that are on fewer labelled texts than the average label.
    k (int): Neighbours in the pool of each such text.
    explore (float): Share of the batch that is drawn uniformly from the whole pool: what is unlike all that was found
        is found in no other way.
    RETURNS (Sampler): See `near_positives`.
    RAISES (AlError): AL021 for a share out of range, AL023 for a k below 1.
    """
    at_least(1, k, "k")
    finite(explore, f"explore of spacy-al.{NAME}.v1", 0.0, 1.0)
    return partial(near_positives, labels=labels, k=k, explore=explore)


def near_positives(
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    *,
    embeddings: Any = None,
    groups: Ints | None = None,
    labelled: Any = None,
    labels: list[str] | None = None,
    k: int = 10,
    explore: float = 0.1,
) -> tuple[Ints, Floats]:
    """Uniform draws first, then the highest scores among the neighbours of found positives, then those of all.

    Coleman et al. (2022) take the neighbours of every labelled text, Lesci and Vlachos (2024) those of a few anchors of
    each label; here the anchors are all texts with rare labels, and every pair is compared.

    scores (Floats): Acquisition scores, shape (N,).
    n (int): Batch size; all that is eligible if there is less.
    rng (Generator): The source of chance of the uniform draws.
    embeddings (Any): Shape (N, d), dense or scipy sparse.
    groups (Ints | None): Group of each row, shape (N,); at most one row of each is chosen.
    labelled (Any): With `embeddings` (L, d) of the same space, `counts` (L, K), how often each label is on each text,
        and `labels`, the names of the K labels. Where nothing is labelled, all goes by score.
    labels, k, explore: As for `make_near_positives`.
    RETURNS (tuple[Ints, Floats]): Rows in the order of the draws, and their propensities: of uniform draws the
        conditional probability; 1.0 for the rest, which is deterministic, so that only the former stand for the pool.
    RAISES (AlError): AL021 for NaN, AL023 for a negative n, AL024 for unequal lengths; UsageErrors AL025 without
        embeddings, AL230 for a label that the model lacks.
    """
    scores, n = check_rows(scores, n, groups)
    if embeddings is None:
        raise UsageError(Errors.AL025.format(name=f"spacy-al.{NAME}.v1"))
    same_length(len(scores), embeddings, "The embeddings")
    chosen, propensities = explored(scores, n, rng, groups, explore)
    anchors = _anchors(labelled, labels)
    if len(anchors) and len(scores):
        vectors, positives = _rows(embeddings), _rows(labelled.embeddings)[anchors]
        _, found = nearest(positives, vectors, min(k, len(scores)))
        chosen = extended(chosen, numpy.unique(found), scores, n, rng, groups)
    rows = extended(chosen, numpy.arange(len(scores)), scores, n, rng, groups)
    return then_certain(rows, propensities)


def _anchors(labelled: Any, labels: list[str] | None) -> Ints:
    """The labelled texts that hold a rare label."""
    if labelled is None or not labelled.counts.size:
        return numpy.zeros(0, dtype="i8")
    holds = labelled.counts > 0
    texts = holds.sum(axis=0)
    rare = columns_of(labels, labelled.labels, NAME) if labels else texts < texts.mean()
    return numpy.flatnonzero(holds[:, rare].any(axis=1))


def _rows(embeddings: Any) -> Any:
    """Embeddings whose rows can be taken and compared."""
    if isinstance(embeddings, Factored):
        return embeddings.sketch()
    return embeddings.tocsr() if hasattr(embeddings, "tocsr") else embeddings

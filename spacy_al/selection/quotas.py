"""A share of each batch for some labels: those that are named, or those that are seen least."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy

from spacy_al import registry
from spacy_al.arrays.checks import columns_of, finite, probabilities, round_significant, same_length
from spacy_al.errors import Errors, UsageError
from spacy_al.selection.parts import explored, extended, then_certain
from spacy_al.selection.rank import check_rows
from spacy_al.types import Floats, Ints, Sampler

NAME = "quotas"


@registry.al_samplers("spacy-al.quotas.v1")
def make_quotas(
    labels: dict[str, float] | None = None,
    share: float = 0.5,
    floor: float = 0.1,
    explore: float = 0.0,
) -> Sampler:
    """Shares of the batch for labels, by what is predicted and by what is possible; the rest by score.

    labels (dict[str, float] | None): Share of the batch for each of these labels, in all at most 1; by default the
        labels that the labelled corpus holds least are brought level with the others.
    share (float): Share of the batch that goes to this, where no labels are named.
    floor (float): Probability from which a text counts as a candidate of a label, far below that from which the label
        is predicted.
    explore (float): Share of the batch that is drawn uniformly from the whole pool.
    RETURNS (Sampler): See `quotas`.
    RAISES (AlError): AL021 for a share out of range.
    """
    shares = list((labels or {}).values())
    for what, values in (("labels", [*shares, sum(shares)]), ("share", share), ("floor", floor)):
        finite(values, f"{what} of spacy-al.{NAME}.v1", 0.0, 1.0 + 1e-9)
    finite(explore, f"explore of spacy-al.{NAME}.v1", 0.0, 1.0)
    return partial(quotas, labels=labels, share=share, floor=floor, explore=explore)


def quotas(
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    *,
    embeddings: Any = None,
    groups: Ints | None = None,
    label_probs: Floats | None = None,
    labelled: Any = None,
    labels: dict[str, float] | None = None,
    share: float = 0.5,
    floor: float = 0.1,
    explore: float = 0.0,
) -> tuple[Ints, Floats]:
    """Uniform draws first, then rows for the label that lacks most, one after the other, then the highest scores.

    A row for a label is, of the candidates that reach `floor`, the one with the highest score. Where none is left, a named
    label takes the row where it is most probable; one that is only rare takes none, since the model may not know it
    at all. A row counts for all labels of which it is a candidate.

    scores (Floats): Acquisition scores, shape (N,).
    n (int): Batch size; all that is eligible if there is less.
    rng (Generator): The source of chance of the uniform draws.
    embeddings (Any): Not used.
    groups (Ints | None): Group of each row, shape (N,); at most one row of each is chosen.
    label_probs (Floats | None): Probability of each label in each row, shape (N, K); without it (no model) and without
        named labels all goes by score.
    labelled (Any): With `labels`, the names of the K labels, and `counts` (L, K), how often each is on each labelled
        text. Needed where `labels` names some.
    labels, share, floor, explore: As for `make_quotas`.
    RETURNS (tuple[Ints, Floats]): Rows in the order of the draws, and their propensities: of uniform draws the
        conditional probability; 1.0 for the rest, which is deterministic, so that only the former stand for the pool.
    RAISES (AlError): AL021 for NaN, AL023 for a negative n, AL024 for unequal lengths; UsageErrors AL230 for a label
        that the model lacks, AL232 if labels are named and there are no probabilities of them.
    """
    scores, n = check_rows(scores, n, groups)
    chosen, propensities = explored(scores, n, rng, groups, explore)
    if labels and (label_probs is None or labelled is None):
        raise UsageError(Errors.AL232.format(name=f"spacy-al.{NAME}.v1", labels=", ".join(labels)))
    if label_probs is not None:
        same_length(len(scores), label_probs, "The probabilities of labels")
        probs = probabilities(label_probs, "The probabilities of labels")
        lacks = numpy.zeros(probs.shape[1])
        if labels:
            # as many rows of the batch; what is drawn uniformly may be of the label, but is not counted on
            lacks[columns_of(list(labels), labelled.labels, NAME)] = [*labels.values()]
            lacks = numpy.floor(lacks * n + 0.5)
            most = n
        else:
            counts = numpy.zeros(len(lacks)) if labelled is None else labelled.counts.sum(axis=0)
            lacks = lacks - counts
            most = int(share * n + 0.5)
        most = min(most, n - len(chosen))
        chosen = _fill(scores, probs, lacks, most, chosen, groups, floor, level=not labels)
    rows = extended(chosen, numpy.arange(len(scores)), scores, n, rng, groups)
    return then_certain(rows, propensities)


def _fill(
    scores: Floats,
    probs: Floats,
    lacks: Floats,
    most: int,
    chosen: Ints,
    groups: Ints | None,
    floor: float,
    *,
    level: bool,
) -> Ints:
    """The rows chosen, and up to `most` more for the labels that lack most.

    lacks (Floats): How many rows each label lacks, shape (K,); if `level`, only the differences count.
    """
    group = numpy.arange(len(scores)) if groups is None else numpy.asarray(groups)
    taken = set(group[chosen].tolist())
    candidates: dict[int, Iterator[int]] = {}
    rows = chosen.tolist()
    while most > 0 and len(lacks):
        label = int(lacks.argmax())
        if lacks[label] == -numpy.inf or (lacks[label] <= 0 and not level):
            break
        if label not in candidates:
            candidates[label] = _candidates(scores, probs[:, label], floor, none_left=not level)
        row = next((row for row in candidates[label] if group[row] not in taken), None)
        if row is None:
            lacks[label] = -numpy.inf
            continue
        rows.append(row)
        taken.add(group[row])
        of = round_significant(probs[row]) >= floor
        of[label] = True
        lacks = lacks - of
        most -= 1
    return numpy.array(rows, dtype="i8")


def _candidates(scores: Floats, probs: Floats, floor: float, *, none_left: bool) -> Iterator[int]:
    """The candidates of a label by score; once there are none left, the others by the label's probability, if so wanted."""
    probs = round_significant(probs)
    parts = [(probs >= floor, scores)] + [(probs < floor, probs)] * none_left
    for among, key in parts:
        rows = numpy.flatnonzero(among & (probs > 0))
        yield from rows[numpy.argsort(-round_significant(key[rows]), kind="stable")].tolist()

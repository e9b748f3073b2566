"""How much the members of a committee disagree: trained models, or samples of Monte Carlo dropout.

A committee's posterior has the arrays of an ordinary one with the members as a leading axis. Each measure is made of
distributions (n_members, ..., n_labels); yes or no questions (labels of several, candidate spans) are distributions over two.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy

from spacy_al import registry
from spacy_al.acquisition.inputs import misfit
from spacy_al.acquisition.reduce import check_reduce
from spacy_al.acquisition.reduce import reduce as reduce_questions
from spacy_al.arrays.checks import probabilities
from spacy_al.arrays.distribution import entropy_of_mean, entropy_of_votes, mutual_information
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.types import Acquisition, Floats, Ints, posterior_kind

Measure: TypeAlias = Callable[[Floats], Floats]

# Where members can disagree, by kind of posterior, the default first
LEVELS = {
    "committee of entities": ("token", "span", "sentence"),
    "committee of tokens": ("token", "sentence"),
    "committee of exclusive categories": (),
    "committee of multilabel categories": (),
    "committee of spans": ("span",),
}
ATTRIBUTES = {"token": "token_probs", "span": "span_probs", "sentence": "analysis_probs"}


@registry.al_acquisitions("spacy-al.bald.v1")
def make_bald(level: str | None = None, reduce: str = "max", k: int = 3) -> Acquisition:
    """Information that an answer would give of which member is right, in nats: BALD (Houlsby et al., 2011).

    It is the mutual information of answer and member, and the same number as the mean divergence of the members from
    their consensus (KL to the mean; McCallum & Nigam, 1998). Whole analyses are those that any member ranks high, and
    the rest as one, which makes it a lower bound.

    level (str | None): "token", "span" (each candidate entity a yes or no) or "sentence" (whole analyses); by default
        "token" where there are tokens. Categories have none.
    reduce (str): "max", "mean", "sum" or "topk", over tokens, spans or labels of several.
    k (int): How many of the greatest "topk" averages.
    RETURNS (Acquisition): Posteriors of a committee -> scores (n_docs,).
    RAISES (UsageError): AL022, AL023.
    """
    return partial(bald, **_checked(level, reduce, k))


@registry.al_acquisitions("spacy-al.consensus_entropy.v1")
def make_consensus_entropy(
    level: str | None = None, reduce: str = "max", k: int = 3
) -> Acquisition:
    """Entropy in nats of the mean of the members' distributions: soft vote entropy.

    Unlike BALD it is also high where all members are equally unsure.

    level, reduce, k: As for `make_bald`.
    RETURNS (Acquisition): Posteriors of a committee -> scores (n_docs,).
    RAISES (UsageError): AL022, AL023.
    """
    return partial(consensus_entropy, **_checked(level, reduce, k))


@registry.al_acquisitions("spacy-al.vote_entropy.v1")
def make_vote_entropy(level: str | None = None, reduce: str = "max", k: int = 3) -> Acquisition:
    """Entropy in nats of the members' votes, each for what it finds most probable (Dagan & Engelson, 1995).

    They divide by the logarithm of the committee's size; here it is nats. A yes or no is voted on at one half. Labels
    that are equally probable share the vote.

    level, reduce, k: As for `make_bald`; "sentence" votes for whole analyses.
    RETURNS (Acquisition): Posteriors of a committee -> scores (n_docs,).
    RAISES (UsageError): AL022, AL023.
    """
    return partial(vote_entropy, **_checked(level, reduce, k))


def bald(
    posteriors: Sequence[Any], level: str | None = None, reduce: str = "max", k: int = 3
) -> Floats:
    """Reduced mutual information; see `make_bald`."""
    return _score(posteriors, mutual_information, "bald", level, reduce, k)


def consensus_entropy(
    posteriors: Sequence[Any], level: str | None = None, reduce: str = "max", k: int = 3
) -> Floats:
    """Reduced entropies of the consensus; see `make_consensus_entropy`."""
    return _score(posteriors, entropy_of_mean, "consensus_entropy", level, reduce, k)


def vote_entropy(
    posteriors: Sequence[Any], level: str | None = None, reduce: str = "max", k: int = 3
) -> Floats:
    """Reduced entropies of the votes; see `make_vote_entropy`."""
    return _score(posteriors, entropy_of_votes, "vote_entropy", level, reduce, k)


def members_of(posteriors: Sequence[Any]) -> Floats | None:
    """Probabilities of exclusive categories by each member, for samplers that look at it: (n_docs, n_members, n_labels).

    RETURNS (Floats | None): None for posteriors of any other kind, or for none.
    """
    if not len(posteriors) or posterior_kind(posteriors[0]) != "committee of exclusive categories":
        return None
    return numpy.stack([posterior.probs for posterior in posteriors])


def _checked(level: str | None, reduce: str, k: int) -> dict[str, Any]:
    check_reduce(reduce, k)
    if level is not None and level not in ATTRIBUTES:
        choices = ", ".join(ATTRIBUTES)
        raise UsageError(Errors.AL022.format(name="level", value=level, choices=choices))
    return {"level": level, "reduce": reduce, "k": k}


def _score(
    posteriors: Sequence[Any], measure: Measure, name: str, level: str | None, reduce: str, k: int
) -> Floats:
    if not len(posteriors):
        return numpy.zeros(0)
    for posterior in posteriors:
        kind = posterior_kind(posterior)
        if kind not in LEVELS:
            misfit(posterior, name, "the posteriors of a committee or of Monte Carlo dropout")
    levels = LEVELS[kind]
    if level is not None and level not in levels:
        known = ", ".join(levels) or "none: leave it out"
        message = Errors.AL200.format(
            name=f"spacy-al.{name}.v1", level=level, kind=kind, known=known
        )
        raise UsageError(message)
    level = level or next(iter(levels), None)
    what = f"Input of spacy-al.{name}.v1"
    if level == "sentence":
        rows = [probabilities(posterior.analysis_probs, what) for posterior in posteriors]
        return numpy.array([_of_analyses(row, measure) for row in rows])
    rows = [_questions(posterior, level) for posterior in posteriors]
    stacked, lengths = _together(rows, what)
    return reduce_questions(measure(probabilities(stacked, what)), lengths, reduce, k)


def _of_analyses(probs: Floats, measure: Measure) -> float:
    """Of one document's analyses (n_members, n_analyses), rows of at most 1."""
    if not probs.shape[1]:
        return 0.0
    if measure is not entropy_of_votes:
        rest = numpy.maximum(1.0 - probs.sum(axis=1, keepdims=True), 0.0)
        probs = numpy.concatenate((probs, rest), axis=1)
    return float(measure(probs))


def _questions(posterior: Any, level: str | None) -> Floats:
    """(n_members, n_questions, n_answers) of one document."""
    probs = numpy.asarray(getattr(posterior, ATTRIBUTES.get(level or "", "probs")), dtype="f8")
    if level == "token":
        return probs
    if level is None and posterior.exclusive:
        return probs[:, None]
    return numpy.stack((probs, 1.0 - probs), axis=-1)


def _together(rows: Sequence[Floats], what: str) -> tuple[Floats, Ints]:
    """All documents after each other, and questions a document."""
    shape = rows[0].shape
    for row in rows:
        if row.ndim != 3 or (row.shape[0], row.shape[2]) != (shape[0], shape[2]):
            expected = f"({shape[0]}, n, {shape[-1]})"
            raise AlError(Errors.AL024.format(what=what, expected=expected, found=row.shape))
    return numpy.concatenate(rows, axis=1), numpy.array([row.shape[1] for row in rows])

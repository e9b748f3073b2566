"""How improbable a model holds what a teacher says of a document: where the two contradict each other, one of them is wrong.

A teacher is anything that labels beside people: rules, another pipeline, a large language model. The score is the self-information
of its analysis under the model's own posterior, so that it needs no probabilities from the teacher.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy

from spacy_al import registry
from spacy_al.acquisition.inputs import misfit
from spacy_al.arrays.checks import probabilities
from spacy_al.errors import Errors, UsageError
from spacy_al.types import Acquisition, Floats, posterior_kind

NAME = "disagreement_teacher"
LEVELS = ("sentence", "span")
# In nats: what the model holds to be impossible, a label among it that it does not know, has to have a score as well
CEILING = 700.0
# (start, end, label) over tokens, the end exclusive; a category that applies is (0, 0, label)
SaidMarks: TypeAlias = Iterable[tuple[int, int, str]]


@registry.al_acquisitions("spacy-al.disagreement_teacher.v1")
def make_disagreement_teacher(level: str = "sentence") -> Acquisition:
    """The negative log probability of a teacher's analysis under the model's posterior, in nats.

    level (str): "sentence", all of what the teacher says of a text, exactly; or "span": of its entities, spans, tags or categories, and of those
        that it leaves out, the one that the model holds to be least probable.
    RETURNS (Acquisition): Posteriors, and `said` -> scores (n_docs,), from 0 to 700.
    RAISES (UsageError): AL022.
    """
    if level not in LEVELS:
        choices = ", ".join(LEVELS)
        raise UsageError(Errors.AL022.format(name="level", value=level, choices=choices))
    return partial(disagreement_teacher, level=level)


def disagreement_teacher(
    posteriors: Sequence[Any],
    level: str = "sentence",
    said: Sequence[SaidMarks | None] | None = None,
) -> Floats:
    """Negative log probabilities; see `make_disagreement_teacher`.

    Of a committee it is what the model itself believes that counts.

    posteriors (Sequence[Any]): One a document.
    level (str): "sentence" or "span".
    said (Sequence): Of each document the teacher's entities or spans, tags, or categories that apply; None where it has said nothing,
        which scores 0.
    RETURNS (Floats): Shape (n_docs,), in nats.
    RAISES (AlError): AL440 (UsageError) without what a teacher says, AL020 for a posterior of no known kind, AL021 for NaN or logits.
    """
    if not len(posteriors):
        return numpy.zeros(0)
    if said is None:
        raise UsageError(Errors.AL440.format(name=f"spacy-al.{NAME}.v1"))
    parts = [
        numpy.zeros(0) if theirs is None else improbable_parts(posterior, theirs, level)
        for posterior, theirs in zip(posteriors, said, strict=True)
    ]
    whole = [part.sum() if level == "sentence" else part.max(initial=0.0) for part in parts]
    return numpy.clip(numpy.array(whole), 0.0, CEILING)


def improbable_parts(posterior: Any, said: SaidMarks, level: str = "sentence") -> Floats:
    """Negative log probabilities of the parts of an analysis, which add up to that of all of it; by span each part stands for itself.

    posterior (Any): Of any kind that spacy-al reads.
    said (SaidMarks): As the teacher says.
    level (str): "sentence" or "span", which differ for entities alone: of all others the parts are independent.
    RETURNS (Floats): (n,) in nats, infinite where it is impossible.
    RAISES (AlError): AL020 for a posterior of no known kind, AL021 for NaN or logits.
    """
    posterior = getattr(posterior, "own", posterior)
    kind, marks = posterior_kind(posterior), {*said}
    if kind == "entities":
        of_entities = _whole_analysis if level == "sentence" else _each_entity
        return of_entities(posterior, marks)
    if kind not in PARTS:
        misfit(posterior, NAME, "a posterior of entities, tokens, categories or spans")
    return _information(PARTS[kind](posterior, marks))


def _whole_analysis(posterior: Any, marks: set[tuple[int, int, str]]) -> Floats:
    return numpy.array([0.0 - posterior.logprob(marks)])


def _each_entity(posterior: Any, marks: set[tuple[int, int, str]]) -> Floats:
    """The marginal of each entity that the teacher has, and what each that it lacks leaves to 1."""
    there = [posterior.prob(*mark) for mark in sorted(marks)]
    lacks = [
        1.0 - one.prob for one in posterior.spans if (one.start, one.end, one.label) not in marks
    ]
    return _information(numpy.array([*there, *lacks]))


def _tokens(posterior: Any, marks: set[tuple[int, int, str]]) -> Floats:
    """Of tokens that the teacher says nothing of there is nothing to doubt."""
    place = {label: k for k, label in enumerate(posterior.labels)}
    probs = numpy.asarray(posterior.token_probs, dtype="f8")
    return numpy.array(
        [probs[i, place[tag]] if tag in place else 0.0 for i, _, tag in sorted(marks)]
    )


def _exclusive(posterior: Any, marks: set[tuple[int, int, str]]) -> Floats:
    place = {label: k for k, label in enumerate(posterior.labels)}
    probs = numpy.asarray(posterior.probs, dtype="f8")
    return numpy.array([probs[place[name]] if name in place else 0.0 for _, _, name in marks])


def _multilabel(posterior: Any, marks: set[tuple[int, int, str]]) -> Floats:
    probs, names = numpy.asarray(posterior.probs, dtype="f8"), {name for _, _, name in marks}
    is_said = numpy.array([label in names for label in posterior.labels], dtype=bool)
    unknown = numpy.zeros(len(names - {*posterior.labels}))
    return numpy.concatenate((numpy.where(is_said, probs, 1.0 - probs), unknown))


def _spans(posterior: Any, marks: set[tuple[int, int, str]]) -> Floats:
    """Each candidate and label a yes or no; where a candidate has one label at most, one of them or nothing."""
    probs = numpy.asarray(posterior.probs, dtype="f8")
    row = {
        place: i for i, place in enumerate(zip(posterior.start.tolist(), posterior.end.tolist()))
    }
    place = {label: k for k, label in enumerate(posterior.labels)}
    known = [(row[s, e], place[name]) for s, e, name in marks if (s, e) in row and name in place]
    is_said = numpy.zeros(probs.shape, dtype=bool)
    if known:
        is_said[tuple(numpy.array(known).T)] = True
    if not posterior.exclusive:
        answers = numpy.where(is_said, probs, 1.0 - probs).ravel()
    else:
        nothing = 1.0 - probs.sum(axis=1) if posterior.negative is None else posterior.negative
        chosen = numpy.where(is_said, probs, 0.0).sum(axis=1)
        answers = numpy.where(is_said.any(axis=1), chosen, nothing)
        # a candidate has one label at most, so that of two one is impossible
        answers = numpy.where(is_said.sum(axis=1) > 1, 0.0, answers)
    # what is no candidate, or a label that the model lacks
    return numpy.concatenate((answers, numpy.zeros(len(marks) - len(known))))


PARTS: Mapping[str, Callable[[Any, set[tuple[int, int, str]]], Floats]] = {
    "tokens": _tokens,
    "exclusive categories": _exclusive,
    "multilabel categories": _multilabel,
    "spans": _spans,
}


def _information(probs: Floats) -> Floats:
    with numpy.errstate(divide="ignore"):
        # and no negative zeros
        return 0.0 - numpy.log(probabilities(probs, f"Input of spacy-al.{NAME}.v1"))

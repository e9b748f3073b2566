"""The cost of an answer, learnt from those that were given, and scores by what they cost."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy

from spacy_al.arrays.checks import at_least, finite, same_length
from spacy_al.store.store import Store
from spacy_al.tasks.answer import task_kind
from spacy_al.tasks.records import StoredAnswer
from spacy_al.tasks.task import Task
from spacy_al.types import Floats, Ints

# Fewer answers say too little of three coefficients
FEWEST = 20
# An answer that took so many times the median is no work at first sight, but a break
BREAK = 10.0
# Nor is, once there is a fit, what lies so many robust standard deviations above it
FAR = 4.0
STEPS = 10


@dataclass(frozen=True)
class Seconds:
    """How long an annotator takes: a sum, as annotation time was found to depend on both (Settles et al., 2008).

    per_text, per_token, per_mark (float): Seconds for each text, token shown, and entity, span or category given; 0 or more.
    answers (int): How many answers it was fitted on.
    breaks (int): How many were left out as breaks.
    """

    per_text: float
    per_token: float
    per_mark: float
    answers: int = 0
    breaks: int = 0

    def predict(self, lengths: Ints, marks: Floats) -> Floats:
        """The seconds that texts will take.

        lengths (Ints): Tokens shown of each, shape (N,).
        marks (Floats): How many entities, spans or categories one expects of each, shape (N,).
        RETURNS (Floats): Shape (N,).
        """
        return self.per_text + self.per_token * numpy.asarray(lengths) + self.per_mark * marks


def per_cost(scores: Floats, costs: Floats, weight: float = 1.0) -> Floats:
    """Scores by what the answer costs, score / cost^weight.

    scores (Floats): Acquisition scores, shape (N,), at least 0.
    costs (Floats): Tokens or seconds of each row, shape (N,), at least 0; less than 1 counts as 1, so that an empty text
        is no bargain.
    weight (float): 1 for gain per token or second, 0 for the scores as they are, 1/2 for something between.
    RETURNS (Floats): Shape (N,).
    RAISES (AlError): AL021 for NaN or a negative number, AL023 for a negative weight, AL024 for unequal lengths.
    """
    at_least(0, weight, "weight")
    scores = finite(scores, "The acquisition scores", 0.0)
    costs = finite(costs, "The costs", 0.0)
    same_length(len(scores), costs, "The costs")
    return scores / numpy.maximum(costs, 1.0) ** weight


def fit_seconds(store: Store) -> Seconds | None:
    """The cost model of the annotators of a run, from the times of all their accepted answers.

    RETURNS (Seconds | None): None if fewer than 20 answers have a time.
    RAISES (AlError): What the store raises.
    """
    tasks = {stored.id: stored.task for stored in store.tasks()}
    timed = [
        (len(task.get("tokens", ())), _marks(task, answer), answer.seconds)
        for answer in store.answers()
        for task in (tasks[answer.task],)
        if answer.seconds and answer.payload.get("answer") == "accept"
    ]
    return fit_seconds_on(*numpy.array(timed, dtype="f8").reshape(-1, 3).T)


def fit_seconds_on(lengths: Floats, marks: Floats, seconds: Floats) -> Seconds | None:
    """Non-negative least squares on answers that are no breaks.

    Breaks are found as in least trimmed squares (Rousseeuw & Van Driessen, 1999), from above alone: at first whatever took
    10 times the median; then, until nothing changes, whatever lies more than 4 robust standard deviations above the fit.

    lengths (Floats): Tokens shown, shape (n,).
    marks (Floats): Entities, spans or categories given, shape (n,).
    seconds (Floats): Shape (n,).
    RETURNS (Seconds | None): None if fewer than 20 answers are left.
    """
    from sklearn.linear_model import LinearRegression

    if len(seconds) < FEWEST:
        return None
    work = numpy.stack([numpy.ones(len(seconds)), lengths, marks], axis=1)
    keep = seconds <= BREAK * numpy.median(seconds)
    for _ in range(STEPS):
        if keep.sum() < FEWEST:
            return None
        # with a column of ones, so that the intercept too is held at 0 or above
        model = LinearRegression(positive=True, fit_intercept=False).fit(work[keep], seconds[keep])
        excess = seconds - work @ model.coef_
        centre = numpy.median(excess[keep])
        spread = 1.4826 * numpy.median(numpy.abs(excess[keep] - centre))
        # people round: where most answers fit exactly, a tenth of the median is no break
        before, keep = keep, excess <= FAR * max(spread, 0.1 * numpy.median(seconds))
        if (keep == before).all():
            break
    per_text, per_token, per_mark = model.coef_.tolist()
    return Seconds(per_text, per_token, per_mark, int(before.sum()), int((~before).sum()))


def _marks(task: Task, answer: StoredAnswer) -> int:
    """How many entities, spans or categories were given; of tags, how many differ from those that were shown."""
    payload, kind = answer.payload, task_kind(task)
    if kind == "categories":
        return len(payload["accept"])
    given = _places(payload["spans"])
    return len(given - _places(task.get("spans", ()))) if kind == "tags" else len(given)


def _places(spans: Iterable[Mapping[str, Any]]) -> set[tuple[int, int, str]]:
    return {(span["token_start"], span["token_end"], span["label"]) for span in spans}

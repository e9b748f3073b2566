"""The sets of answers that `calibrate --coverage` promises to hold the right one, as documents carry them."""

from typing import Any, NamedTuple

import numpy

from spacy_al.measures.conformal import label_sets, least_prob
from spacy_al.posteriors.category import Categories
from spacy_al.posteriors.entities import EntityPosterior
from spacy_al.posteriors.spans import Spans
from spacy_al.posteriors.temperature import FittedSets
from spacy_al.posteriors.tokens import Tokens


class AnswerSet(NamedTuple):
    """Answers that hold what is right with a stated probability, on average over texts like those it was fitted on.

    answers (tuple): (answer, probability), most probable first. An answer is an analysis, a tuple of (start, end, label); or a category,
        and where several may apply all that do are in the set; or, of a span categoriser, one (start, end, label), and it is each right one
        that is in the set with that probability. Of tags a tuple for each token, which holds (tag, probability). Nothing where the set is not closed.
    coverage (float): The stated probability.
    closed (bool): Whether this is all of the set. If not, it holds more answers than are listed, and none is shown.
    """

    answers: tuple[Any, ...]
    coverage: float
    closed: bool


def packed_set(posterior: Any, fitted: FittedSets) -> dict[str, Any] | None:
    """The set of one document as plain data; None for a posterior that has none.

    posterior (Any): At the temperature that the sets were fitted at.
    fitted (FittedSets): What `calibrate` stored.
    """
    answers: Any
    threshold = fitted["threshold"]
    # a threshold of 1 was made by a right answer that the model holds impossible
    closed = threshold < 1
    if isinstance(posterior, EntityPosterior):
        probs, analyses = posterior.analyses(fitted["most"])
        inside = label_sets(probs, threshold)
        closed &= len(probs) < fitted["most"] or not inside.all()
        size = int(inside.sum())
        answers = [
            [[*map(list, analysis)], float(p)] for analysis, p in zip(analyses[:size], probs)
        ]
        kind = "analyses"
    elif isinstance(posterior, Categories):
        order = numpy.argsort(-posterior.probs, kind="stable")
        found = label_sets(posterior.probs[order], threshold)
        answers = [[posterior.labels[k], float(posterior.probs[k])] for k in order[found]]
        kind = "labels"
    elif isinstance(posterior, Spans):
        spans = posterior.above(least_prob(threshold))
        answers = [[[span.start, span.end, span.label], span.prob] for span in spans]
        kind = "spans"
    elif isinstance(posterior, Tokens):
        answers = [
            [
                [posterior.labels[k], float(row[k])]
                for k in numpy.argsort(-row, kind="stable")[: int(size)]
            ]
            for row, size in zip(
                posterior.token_probs, label_sets(posterior.token_probs, threshold).sum(axis=1)
            )
        ]
        kind = "tags"
    else:
        return None
    return {
        "kind": kind,
        "coverage": fitted["coverage"],
        "closed": closed,
        "answers": answers if closed else [],
    }


def unpacked_set(stored: dict[str, Any]) -> AnswerSet:
    """As `packed_set` had it, also from what a file made lists of."""
    answers = stored["answers"]
    found: tuple[Any, ...]
    if stored["kind"] == "analyses":
        found = tuple((tuple((i, j, name) for i, j, name in one), p) for one, p in answers)
    elif stored["kind"] == "labels":
        found = tuple((name, p) for name, p in answers)
    elif stored["kind"] == "spans":
        found = tuple(((i, j, name), p) for (i, j, name), p in answers)
    else:
        found = tuple(tuple((name, p) for name, p in row) for row in answers)
    return AnswerSet(found, stored["coverage"], stored["closed"])

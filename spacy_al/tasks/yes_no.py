"""Questions about a single entity each, to be answered with yes or no: the ones that are as likely right as wrong."""

from collections.abc import Sequence
from typing import Any

from spacy.tokens import Doc

from spacy_al.tasks.answer import YES_NO_ENTITIES
from spacy_al.tasks.decision import Annotation
from spacy_al.tasks.task import Task, make_task

# An entity of a lower probability is not asked about, nor one of a higher than 1 less this
LEAST = 0.05
# What the score of such a question is
PROBABILITY = "probability"


def yes_no_tasks(
    posterior: Any,
    doc: Doc,
    answers: Sequence[Annotation],
    k: int,
    *,
    meta: dict[str, Any] | None = None,
) -> list[Task]:
    """The entities of a text that are nearest to one half, given what was answered about it.

    A yes decides on the tokens of the entity and on nothing else, a no on that entity alone.

    posterior (EntityPosterior): The model's, without answers.
    doc (Doc): Its document.
    answers (Sequence[Annotation]): As `annotation` reads them, over the same tokens, which do not contradict each other.
    k (int): Questions at most. They are not conditioned on each other's answers.
    meta (dict | None): What is shown with all of them; each adds its `score`, which is the entity's own probability, and says so.
    RETURNS (list[Task]): The most doubtful first, then by place.
    RAISES (AlError): AL006 if the model holds what was answered to be impossible.
    """
    accepted = {mark for given in answers for mark in given.accepted}
    rejected = {mark for given in answers for mark in given.rejected}
    inside = {token for start, end, _ in accepted for token in range(start, end)}
    # every label has to have been shown, or an entity of another one could be there
    whole = [given for given in answers if given.complete and given.labels >= {*posterior.labels}]
    outside = {token for given in whole for token in given.asked} - inside
    given = posterior.condition(accepted, rejected, outside)
    open_spans = [
        span
        for span in given.above(LEAST)
        if span.prob <= 1 - LEAST and (span.start, span.end, span.label) not in accepted
    ]
    open_spans.sort(key=lambda s: (round(abs(s.prob - 0.5), 6), s.start, s.end, s.label))
    return [
        make_task(
            doc,
            suggestions=[(span.start, span.end, span.label, span.prob)],
            component_kind="entities",
            labels=posterior.labels,
            meta={**(meta or {}), "score": span.prob, "scored_by": PROBABILITY},
            view_id=YES_NO_ENTITIES,
            asked=[],
        )
        for span in open_spans[:k]
    ]

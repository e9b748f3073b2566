"""The questions that recipes make of a text that was ranked, out of what a model believes of it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from spacy.tokens import Doc

from spacy_al.errors import AlError
from spacy_al.tasks.answer import YES_NO_CATEGORY
from spacy_al.tasks.decision import Annotation
from spacy_al.tasks.task import Task, chosen_options, make_task
from spacy_al.tasks.yes_no import PROBABILITY, yes_no_tasks


class Answered(Protocol):
    """Whoever knows what was answered so far, such as `stream.Answers`."""

    def about(self, text: str, labels: Sequence[str]) -> list[Annotation]:
        """The answers about the entities of a text."""
        ...


def single_entities(
    task: Task, doc: Doc, posterior: Any, *, answers: Answered, most: int = 3
) -> Iterator[Task]:
    """Questions to be answered with yes or no, about the entities of a text that are as likely right as wrong.

    Each takes into account what was answered when it is asked for.

    task (Task): About the whole text.
    doc (Doc): Its document.
    posterior (EntityPosterior): The model's.
    answers (Answered): What was answered so far.
    most (int): Questions about one text.
    """
    seen: set[tuple[int, int, str]] = set()
    while len(seen) < most:
        given = answers.about(doc.text, posterior.labels)
        try:
            # who fetches tasks in advance is not to be asked the same twice
            found = yes_no_tasks(posterior, doc, given, len(seen) + 1, meta=task["meta"])
        except AlError as error:
            if error.code != "AL006":
                raise
            # the model holds the answers to be impossible, and has nothing left to ask
            return
        new = next((one for one in found if _entity(one) not in seen), None)
        if new is None:
            return
        seen.add(_entity(new))
        yield new


def single_category(task: Task, doc: Doc, posterior: Any) -> Iterator[Task]:
    """One question to be answered with yes or no, about the category whose probability is nearest to one half.

    task (Task): About the whole text.
    doc (Doc): Its document.
    posterior (CategoryPosterior): The model's.
    """
    pairs = zip(posterior.labels, posterior.probs.tolist())
    label, prob = min(pairs, key=lambda pair: abs(pair[1] - 0.5))
    made = make_task(
        doc,
        suggestions=[(label, prob)],
        component_kind="categories",
        labels=[label],
        meta={**task["meta"], "score": prob, "scored_by": PROBABILITY},
        view_id=YES_NO_CATEGORY,
        exclusive=posterior.exclusive,
    )
    yield {**made, "label": label}


def missed_entities(task: Task, doc: Doc, posterior: Any, *, most: int = 3) -> Iterator[Task]:
    """The whole text, with the entities that are most probably missing named beside it.

    task (Task): About the whole text.
    doc (Doc): Its document.
    posterior (EntityPosterior): The model's.
    most (int): Entities that are named.
    """
    there = {(span.start, span.end, span.label) for span in posterior.greedy}
    gaps = [s for s in posterior.spans if (s.start, s.end, s.label) not in there][:most]
    named = [f"“{doc[s.start : s.end].text}” {s.label} {s.prob:.2f}" for s in gaps]
    yield {**task, "meta": {**task["meta"], "why": ", ".join(named)}}


def preselected(stream: Iterable[Task]) -> Iterator[Task]:
    """Tasks with the categories chosen that the model would choose."""
    for task in stream:
        yield {**task, "accept": [option["id"] for option in chosen_options(task)]}


def _entity(task: Task) -> tuple[int, int, str]:
    """The single entity of a question."""
    (span,) = task["spans"]
    return span["token_start"], span["token_end"], span["label"]

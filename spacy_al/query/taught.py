"""What a teacher says of the texts of a batch: in place of a model's suggestions as long as there is none, and in words beside them after that."""

from collections.abc import Sequence
from dataclasses import replace

from spacy.tokens import Doc

from spacy_al.config.settings import Settings
from spacy_al.tasks.decision import Mark
from spacy_al.tasks.suggestion import Suggestion
from spacy_al.tasks.task import Task
from spacy_al.teachers.ask import ask_texts
from spacy_al.teachers.marks import in_words, teacher_marks
from spacy_al.util import content_hash

# Whose a mark is that no model and no person made
SOURCE = "teacher"


def taught_batch(
    settings: Settings, docs: Sequence[Doc], code: str | None = None
) -> list[list[Mark] | None]:
    """What the teacher says of the texts of a batch, of which it is asked about those that it has not seen; None where it says nothing, or none is
    to suggest. Raises and warns as `ask_texts`."""
    block, marks = settings.teacher, teacher_marks(settings)
    if block is None or marks is None or not block.suggest:
        return [None] * len(docs)
    ask_texts(settings, {content_hash(doc.text): doc.text for doc in docs}, code=code)
    return marks.of_docs(docs)


def taught_labels(settings: Settings) -> list[str]:
    """The labels to ask for, where no config and no model names any: those that the teacher's lead to."""
    return settings.teacher.named_labels if settings.teacher else []


def suggest_taught(form: Suggestion, theirs: Sequence[Mark], labels: Sequence[str]) -> Suggestion:
    """The teacher's marks in the place of a model's suggestions.

    form (Suggestion): That of the component, without suggestions.
    theirs (Sequence[Mark]): As `taught_batch` gives them.
    labels (Sequence[str]): Those that are asked about.
    """
    if form.kind == "categories":
        applies = {label for _, _, label in theirs}
        # it is sure of all that it says; there is no other number
        return replace(form, items=[(label, float(label in applies)) for label in labels])
    items = [(start, end, label, None) for start, end, label in theirs if label in labels]
    return replace(form, items=items)


def mark_source(task: Task) -> Task:
    """A task whose suggestions are a teacher's, with that said of each of them."""
    for name in ("spans", "options"):
        for one in task.get(name, ()):
            one["source"] = SOURCE
    return task


def in_a_sentence(
    settings: Settings, doc: Doc, theirs: Sequence[Mark], shown: Suggestion | None
) -> str:
    """What a teacher says, for whoever answers.

    shown (Suggestion | None): The model's own; None where the teacher's marks are what is shown.
    """
    assert settings.teacher is not None
    name = f"the teacher {settings.teacher.describes}"
    if shown is None:
        return f"What is marked or chosen is what {name} says"
    if shown.kind == "categories":
        order = sorted(shown.items, key=lambda item: -item[1])
        chosen = order[:1] if shown.exclusive else [item for item in order if item[1] >= 0.5]
        marks = [(0, 0, label) for label, _ in chosen]
    else:
        marks = [(start, end, label) for start, end, label, _ in shown.items]
    words = in_words(doc, theirs, marks)
    return f"{name[0].upper()}{name[1:]} says " + (f"otherwise: {words}" if words else "the same")

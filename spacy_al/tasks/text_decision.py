"""What all that was asked and answered about one text comes to, and whether answers contradict each other."""

from collections import Counter
from collections.abc import Sequence

from spacy_al.tasks.answer import YES_NO_FORMS
from spacy_al.tasks.decision import Annotation, annotation, consistent, is_exclusive, moved
from spacy_al.tasks.later import yield_to
from spacy_al.tasks.records import SECOND, StoredAnswer, StoredTask
from spacy_al.tasks.relabel import AGAIN, ASKED_ANEW

# No two marks of these share a token
FLAT = ("entities", "tags")


def decide_text(
    tasks: Sequence[StoredTask],
    given: dict[str, list[StoredAnswer]],
    report: Counter[str],
    *,
    kind: str,
    labels: Sequence[str],
    settled: Annotation | None = None,
) -> tuple[list[Annotation], str]:
    """The annotations of one text, over the tokens of its first task; and the task to be reviewed, or "".

    tasks (Sequence[StoredTask]): All that was asked about the text, reviews last, as `group_tasks` has it.
    given (dict): Task -> answers, as `last_answers` has it.
    report (Counter): As of `Merged`; changed.
    kind, labels: As for `merge`.
    settled (Annotation | None): The consensus on the text, which takes the place of a review where nobody has made one.
    """
    flat = kind in FLAT
    said: dict[str, list[Annotation]] = {}
    for task in tasks:
        decisions = {
            annotation(task.task, answer.payload, kind=kind, labels=labels)
            for answer in given.get(task.id, ())
            if answer.payload["answer"] != "ignore"
        }
        said[task.id] = []
        for decision in decisions:
            decision, unaligned = moved(decision, task.task, tasks[0].task)
            report["unaligned"] += unaligned
            said[task.id].append(decision)
    again = [task.id for task in tasks if AGAIN in task.task and _agree(said[task.id], flat)]
    exclusive = kind == "categories" and is_exclusive(tasks[0].task)
    if flat or exclusive:
        yield_to(again, said, exclusive=exclusive)
    asked = [task for task in tasks if task.purpose != "review"]
    # there can be many questions to be answered with yes or no about a text
    whole = [
        task
        for task in asked
        if task.task.get("_view_id") not in YES_NO_FORMS
        and AGAIN not in task.task
        and ASKED_ANEW not in task.task
        and SECOND not in task.task
    ]
    report["duplicate text"] += max(0, len(whole) - 1)
    reviews = [task for task in tasks if task.purpose == "review" and task.id in given]
    if reviews:
        last = reviews[-1].id
        if not _agree(said[last], flat):
            return [], last
        report["settled by review"] += 1
        if not said[last]:
            return [], ""  # ignored: nobody is to train on it
        # what else was said still counts where it fits
        reviewed = list(said[last])
        for task in asked:
            fits = _agree(said[task.id], flat) and consistent(
                [*reviewed, *said[task.id]], flat=flat
            )
            reviewed += said[task.id] if fits else []
        return reviewed, ""
    everything = [one for task in asked for one in said[task.id]]
    contradicting = next((task.id for task in asked if not _agree(said[task.id], flat)), "")
    if not contradicting and not consistent(everything, flat=flat):
        # the question that decides most
        answered = [task for task in asked if said[task.id]]
        most = max(answered, key=lambda task: max(len(a.asked) for a in said[task.id]))
        contradicting = most.id
    if not contradicting:
        return everything, ""
    if settled is None:
        return [], contradicting
    report["settled by consensus"] += 1
    return [settled], ""


def opinions(
    tasks: Sequence[StoredTask],
    given: dict[str, list[StoredAnswer]],
    *,
    kind: str,
    labels: Sequence[str],
) -> dict[str, list[tuple[StoredAnswer, Annotation]]]:
    """What each annotator said of a text in all, over the tokens of its first task: annotator -> answers and what they decide.

    What was ignored is no opinion, and a review is no further one: it settles what others said. Arguments as of `decide_text`.
    """
    found: dict[str, list[tuple[StoredAnswer, Annotation]]] = {}
    for task in tasks:
        for answer in given.get(task.id, ()) if task.purpose != "review" else ():
            if answer.payload["answer"] != "ignore":
                decision = annotation(task.task, answer.payload, kind=kind, labels=labels)
                decision, _ = moved(decision, task.task, tasks[0].task)
                found.setdefault(answer.annotator, []).append((answer, decision))
    return found


def _agree(annotations: Sequence[Annotation], flat: bool) -> bool:
    """Whether annotators said the same wherever they were asked the same, and nothing that contradicts it elsewhere."""
    questions = {(one.labels, one.asked) for one in annotations}
    return len(questions) == len(annotations) and consistent(annotations, flat=flat)

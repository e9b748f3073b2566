"""The gold questions of a round: texts whose answers are known, asked like the rest of its batch."""

from collections.abc import Sequence
from typing import Any

from spacy_al.config.project import Project
from spacy_al.errors import AlError, Errors
from spacy_al.loop.measured import labels_of_gold
from spacy_al.oracle.gold_texts import check_gold, read_gold_texts
from spacy_al.query.questions import SOURCE
from spacy_al.query.select import select
from spacy_al.registry import named, resolve
from spacy_al.store.gold import gold_answers
from spacy_al.store.store import Store
from spacy_al.tasks.answer import YES_NO_FORMS
from spacy_al.tasks.records import question_id
from spacy_al.tasks.relabel import relabel_doc, task_of_model
from spacy_al.tasks.task import EXPECTED, Task
from spacy_al.util import content_hash

# What a question says of its own text; all else it says as another question of the batch does
OWN = ("score", "rank", "why", "teacher", *SOURCE)


def n_gold(store: Store, project: Project, number: int) -> int:
    """How many gold questions a round asks: so many that all rounds together have the share of the questions that the config wants."""
    consensus, batch = project.settings.consensus, project.settings.batch_size
    # gold that answers for people is not put to the test, and a recipe asks as it likes
    if consensus.gold is None or project.oracle or project.at_least:
        return 0
    wanted = round(consensus.gold_share * batch * (number + 1)) - len(gold_answers(store))
    return max(0, min(wanted, batch - 1))


def gold_questions(
    store: Store, project: Project, number: int, n: int, batch: Sequence[Task], **how: Any
) -> tuple[list[Task], dict[str, Any]]:
    """Texts of the gold that were not asked yet, chosen as the batch is, with what its model suggests.

    n (int): How many.
    batch (Sequence[Task]): The other questions; without any there is nothing to hide among.
    how: As for `select`, as the batch was chosen; where its sampler is private, with the seed of the config, not the run's secret one:
        what is known of the gold, which is no part of the pool, would tell of the noise.
    RETURNS (tuple): The questions, and the right answer to each by its id. Fewer where the gold has no more.
    RAISES (AlError): As `read_gold_texts` and `select`; AL432 if the gold has no answers of the kind that is asked for.
    """
    path, settings = project.settings.consensus.gold, project.settings
    if path is None or not n or not batch:
        return [], {}
    gold = read_gold_texts(path)
    try:
        check_gold([], gold, kind=project.kind, spans_key=settings.spans_key)
    except AlError as error:
        raise AlError(Errors.AL432.format(path=path, kind=project.kind)) from error
    try:
        # gold that is in the pool as well may have been chosen there
        asked = {*how.pop("asked"), *(content_hash(task["text"]) for task in batch)}
        chosen = select(path, n=n, asked=asked, **how)
    except AlError as error:
        # nothing is left of it
        if error.code != "AL086":
            raise
        return [], {}
    oracle, labels = resolve(named("al_adapters", "oracle")), store.labels()
    # a label that came later, and that the gold has nowhere, is not decided by it
    decided, _ = labels_of_gold(project, labels, [*gold.values()], str(path))
    tasks, answers = list[Task](), dict[str, Any]()
    for k, (task, values) in enumerate(zip(chosen.tasks, chosen.uncertainty)):
        task = task_of_model(_hidden(task, batch[k % len(batch)]), labels)
        if "uncertainty" in batch[0]:
            task["uncertainty"] = [round(float(value), 4) for value in values]
        doc = gold[content_hash(task["text"])].copy()
        relabel_doc(doc, labels, project.kind, settings.spans_key)
        payload, _ = oracle(task, doc, kind=project.kind, spans_key=settings.spans_key, seed=0)
        # what it leaves open nobody can be measured by; a no is an answer where that is what was asked for
        if payload["answer"] == "accept" or task["_view_id"] in YES_NO_FORMS:
            shown = payload.get("labels", task["labels"])
            known = [label for label in shown if label in decided or label not in labels.names]
            tasks.append(task)
            answers[question_id(number, task, "train")] = {**payload, "labels": known}
    return tasks, answers


def _hidden(task: Task, other: Task) -> Task:
    """A question that says how it came about as another one does, which comes from the pool."""
    meta = {name: value for name, value in other["meta"].items() if name not in OWN}
    made: Task = {**task, "meta": meta | {n: v for n, v in task["meta"].items() if n in OWN}}
    made.pop(EXPECTED, None)
    if EXPECTED in other and EXPECTED in task:
        made[EXPECTED] = {**task[EXPECTED], "pool": other[EXPECTED]["pool"]}
    return made

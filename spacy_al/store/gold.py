"""Gold questions: those whose right answers are known, among others, so that one sees how good a person is. Which they are stands in the numbers of
the round and not in the question, so that nobody who answers it can tell."""

from collections.abc import Iterable
from typing import Any

from spacy_al.store.store import Store
from spacy_al.tasks.records import StoredTask
from spacy_al.tasks.relabel import as_named_now


def gold_answers(store: Store) -> dict[str, Any]:
    """Question -> the right answer, in the labels of now, of all gold questions that were asked."""
    labels, found = store.labels(), dict[str, Any]()
    for metrics in store.metrics().values():
        found |= metrics.get("gold", {})
    return {task: as_named_now(payload, labels) for task, payload in found.items()}


def without_gold(store: Store, tasks: Iterable[StoredTask]) -> list[StoredTask]:
    """The questions about other texts: those that train, measure, or are reviewed."""
    tasks, known = list(tasks), gold_answers(store)
    items = {one.item for one in tasks if one.id in known}
    return [one for one in tasks if one.item not in items]

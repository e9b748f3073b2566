"""Categories that a run got after a question was asked, in answers to it."""

import pytest
import spacy

from spacy_al.adapters.payloads import payload_of
from spacy_al.adapters.reading import Reading
from spacy_al.errors import AlError
from spacy_al.tasks.labels import RunLabels
from spacy_al.tasks.relabel import LATER, task_now
from spacy_al.tasks.task import make_task

LABELS = RunLabels().changed("start", ["A", "B", "GONE"])
LABELS = LABELS.changed("add", ["NEW"]).changed("remove", ["GONE"])


def question(exclusive):
    task = make_task(
        spacy.blank("en").make_doc("So it is."),
        suggestions=[],
        component_kind="categories",
        labels=["A", "B", "GONE"],
        meta={"round": 0},
        view_id="choice",
        exclusive=exclusive,
    )
    task = task_now(task, LABELS, 1)
    assert task["labels"] == ["A", "B"] and task[LATER] == ["NEW"]
    return task


@pytest.mark.parametrize(
    "said, labels",
    [
        ({"accept": ["NEW"]}, ["A", "B", "NEW"]),
        ({"accept": ["A"]}, None),
        ({"accept": ["A"], "options": [{"id": x} for x in ("A", "B", "NEW")]}, ["A", "B", "NEW"]),
        ({"label": "NEW"}, ["NEW"]),
        ({"label": "A"}, ["A"]),
    ],
)
def test_a_category_that_came_later(said, labels):
    reading = Reading("categories", run_labels=LABELS)
    payload = payload_of({"answer": "accept", **said}, question(False), reading)
    assert payload.get("labels") == labels
    assert payload["accept"] == said.get("accept", [said.get("label")])
    assert bool(reading.added) == ("NEW" in (labels or ()) and "options" not in said)


def test_a_yes_to_a_category_that_came_later_and_excludes_others():
    payload = payload_of({"answer": "accept", "label": "NEW"}, question(True))
    assert payload == {"answer": "accept", "accept": ["NEW"], "labels": ["A", "B", "NEW"]}


@pytest.mark.parametrize(
    "said, why",
    [
        ({"accept": ["GONE"]}, "'GONE' is not among the run's labels any more"),
        ({"label": "GONE"}, "'GONE' is not among the run's labels any more"),
        ({"accept": ["FOO"]}, "'FOO' is none of the run's labels"),
        ({"accept": ["NEW"], "options": [{"id": "A"}, {"id": "B"}]}, "'NEW' was not shown"),
    ],
)
def test_a_category_that_cannot_be_chosen(said, why):
    with pytest.raises(AlError, match=why):
        payload_of({"answer": "accept", **said}, question(False), Reading("", run_labels=LABELS))

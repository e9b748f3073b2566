"""Answers that are older than a label: they count as they were given, but where a model holds the label to be likely."""

from functools import partial

import pytest
from spacy.vocab import Vocab

from spacy_al.tasks.labels import ADD, MERGE, START, UNDO, Operation, RunLabels
from spacy_al.tasks.merge import merge
from spacy_al.tasks.records import StoredAnswer
from spacy_al.tasks.relabel import AGAIN, payload_now, task_now
from tests.tasks.test_merge import answer, iob, stored, task

# Ann gave Bob Brown aspirin today .
ANN = {"token_start": 0, "token_end": 0, "label": "PERSON"}
BOB = {"token_start": 2, "token_end": 3, "label": "PERSON"}
OLD = ["DRUG", "PERSON"]
ADDED = RunLabels((Operation(1, START, tuple(OLD)), Operation(2, ADD, ("TIME",))))


def old(kind="entities", at=1, labels=ADDED, made=None, **how):
    """A question of before the label, and its answer, in the labels of now."""
    asked = stored(task_now(made or task(kind=kind, labels=OLD, **how), labels, at))
    return asked


def again(names=("TIME",), kind="entities", number=1, **how):
    return stored({**task(kind=kind, labels=[*names], **how), AGAIN: ["TIME"]}, number, rank=2)


def merged(asked, answers, kind="entities", likely=None, labels=ADDED):
    how = {"kind": kind, "labels": labels.names, "vocab": Vocab()}
    return merge(asked, answers, likely=likely, **how)


def test_what_was_nothing_stays_nothing():
    one = old()
    found = merged([one], [answer(one, spans=[ANN, BOB])])
    assert iob(found.docs[0]) == "B-PERSON O B-PERSON I-PERSON O O O"
    assert found.lacking == {one.item: ["TIME"]}


def test_without_the_record_a_label_that_nobody_was_asked_about_is_missing():
    one = stored(task(labels=OLD))
    found = merged([one], [answer(one, spans=[ANN])])
    assert iob(found.docs[0]) == "B-PERSON ? ? ? ? ? ?"


def test_likely_places_are_open_until_they_are_asked_about():
    one = old()
    likely = {one.item: {"TIME": [4, 5]}, "another": {"TIME": [0]}}
    first = answer(one, spans=[ANN, BOB])
    found = merged([one], [first], likely=likely)
    assert iob(found.docs[0]) == "B-PERSON O B-PERSON I-PERSON ? ? O"
    assert found.report["open for a label"] == found.report["partial"] == 1
    two = again()
    said = answer(two, spans=[{"token_start": 5, "token_end": 5, "label": "TIME"}])
    found = merged([one, two], [first, said], likely=likely)
    assert iob(found.docs[0]) == "B-PERSON O B-PERSON I-PERSON O B-TIME O"
    assert not found.lacking and not found.review and "duplicate text" not in found.report
    # what is ignored says nothing, and stays open
    found = merged([one, two], [first, answer(two, verdict="ignore")], likely=likely)
    assert iob(found.docs[0]) == "B-PERSON O B-PERSON I-PERSON ? ? O"


def test_a_mark_of_the_new_label_takes_the_place_of_what_it_lies_on():
    one, two = old(), again()
    said = answer(two, spans=[{"token_start": 3, "token_end": 4, "label": "TIME"}])
    found = merged([one, two], [answer(one, spans=[ANN, BOB]), said])
    # of the rest of Bob Brown nobody has said anything that still holds
    assert iob(found.docs[0]) == "B-PERSON O ? B-TIME I-TIME O O"
    assert not found.review


def test_two_people_who_are_asked_again_can_contradict_each_other():
    one, two = old(), again()
    time = [{"token_start": 5, "token_end": 5, "label": "TIME"}]
    said = [answer(two, spans=time), answer(two, "bob", 2)]
    assert merged([one, two], [answer(one, spans=[ANN]), *said]).review == [two.id]


def test_tags_stay_but_where_the_new_one_is_likely():
    words = {"words": ["a", "b", "c"], "kind": "tags"}
    one = old(**words)
    tags = [{"token_start": k, "token_end": k, "label": "DRUG"} for k in range(3)]
    first, likely = answer(one, spans=tags), {one.item: {"TIME": [1]}}
    assert [t.tag_ for t in merged([one], [first], "tags").docs[0]] == ["DRUG"] * 3
    found = merged([one], [first], "tags", likely)
    assert [t.tag_ for t in found.docs[0]] == ["DRUG", "", "DRUG"]
    two = again(**words)
    said = answer(two, spans=[{"token_start": 2, "token_end": 2, "label": "TIME"}])
    found = merged([one, two], [first, said], "tags", likely)
    assert [t.tag_ for t in found.docs[0]] == ["DRUG", "DRUG", "TIME"] and not found.review


def test_spans_know_nothing_missing_so_that_a_likely_text_waits():
    one, likely = old("spans"), {stored(task()).item: {"TIME": [4]}}
    first = answer(one, spans=[BOB])
    assert len(merged([one], [first], "spans").docs[0].spans["sc"]) == 1
    found = merged([one], [first], "spans", likely)
    assert not found.docs and found.report["waits for a label"] == 1
    two = again(kind="spans")
    time = {"token_start": 2, "token_end": 5, "label": "TIME"}
    found = merged([one, two], [first, answer(two, spans=[time])], "spans", likely)
    assert [s.label_ for s in found.docs[0].spans["sc"]] == ["PERSON", "TIME"]


def test_of_categories_that_exclude_each_other_the_later_choice_counts():
    one = old("categories")
    first, likely = answer(one, accept=["DRUG"]), {one.item: {"TIME": []}}
    cats = {"DRUG": 1.0, "PERSON": 0.0, "TIME": 0.0}
    assert merged([one], [first], "categories").docs[0].cats == cats
    assert merged([one], [first], "categories", likely).report["waits for a label"] == 1
    two = again(["DRUG", "TIME"], "categories")
    for chosen in ("DRUG", "TIME"):
        found = merged([one, two], [first, answer(two, accept=[chosen])], "categories", likely)
        assert [label for label, value in found.docs[0].cats.items() if value] == [chosen]
        assert not found.review and not found.lacking


def test_a_text_that_no_category_was_right_for_waits_for_the_new_one():
    one = old("categories")
    found = merged([one], [answer(one, verdict="reject")], "categories")
    assert found.waiting == [one.item] and not found.docs
    assert not merged([one], [answer(one, accept=["DRUG"])], "categories").waiting


def test_of_several_categories_the_new_one_is_missing_as_it_is():
    how = {"kind": "categories", "exclusive": False}
    one = old(**how)
    first, likely = answer(one, accept=["DRUG"]), {one.item: {"TIME": []}}
    found = merged([one], [first], "categories", likely)
    assert found.docs[0].cats == {"DRUG": 1.0, "PERSON": 0.0} and found.lacking
    two = again(**how)
    found = merged([one, two], [first, answer(two, accept=["TIME"])], "categories", likely)
    assert found.docs[0].cats == {"DRUG": 1.0, "PERSON": 0.0, "TIME": 1.0}


@pytest.mark.parametrize("kind", ["entities", "tags", "spans"])
def test_merging_and_taking_it_back_leaves_the_answers_of_before(kind):
    """Those that were given in between are of a label that is no more."""
    labels = RunLabels((Operation(1, START, tuple(OLD)),)).changed(MERGE, OLD, "THING")
    labels = labels.changed(UNDO, ())
    before, between = task(["a", "b"], kind=kind, labels=OLD), task(["c", "d"], kind=kind)
    between["labels"] = ["THING"]
    tasks = [stored(before), stored(between, rank=2)]
    spans = [{"token_start": 0, "token_end": 0, "label": "DRUG"}]
    given = [
        answer(tasks[0], spans=spans),
        answer(tasks[1], spans=[{**spans[0], "label": "THING"}]),
    ]
    asked = [stored(task_now(one.task, labels, at), rank=at) for one, at in zip(tasks, (1, 2))]
    said = []
    for k, (one, a, at) in enumerate(zip(asked, given, (1, 2))):
        payload = payload_now(a.payload, labels, at, partial(getattr, one, "task"))
        said.append(StoredAnswer(k, f"{k}", one.id, "ann", payload, 1.0, 1.0))
    found = merged(asked, said, kind, labels=labels)
    assert [doc.text.strip() for doc in found.docs] == (
        ["a b", "c d"] if kind == "entities" else ["a b"]
    )
    if kind == "entities":
        assert [iob(doc) for doc in found.docs] == ["B-DRUG O", "? O"]

"""The labels of a run through its changes: what a name meant when it was said is found, whatever bears the name today."""

from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from spacy_al.tasks.answer import check
from spacy_al.tasks.labels import ADD, MERGE, REMOVE, RENAME, START, UNDO, Operation, RunLabels
from spacy_al.tasks.relabel import (
    as_named_now,
    categories_named_now,
    keep_labels,
    open_task,
    payload_now,
    relabel_doc,
    task_now,
    task_of_model,
)
from spacy_al.tasks.task import make_task

WORDS = ["Ann", "takes", "aspirin", "orally", "."]


def run_of(*changes, start=("DRUG", "PERSON", "DOSE")):
    labels = RunLabels((Operation(1, START, tuple(start)),))
    for kind, names, *into in changes:
        labels = labels.changed(kind, names, *into)
    return labels


def task(labels, marks=(), **more):
    doc = Doc(Vocab(), words=WORDS)
    how = {"component_kind": "entities", "meta": {}, "view_id": "ner_manual", **more}
    return make_task(doc, suggestions=[(*mark, 0.5) for mark in marks], labels=labels, **how)


def span(label, first, last=None):
    return {"token_start": first, "token_end": first if last is None else last, "label": label}


def test_without_a_record_all_stays_as_it_is():
    labels = RunLabels()
    made = task(["A"], [(0, 1, "A")])
    assert task_now(made, labels, 0) is made and not labels.is_known and labels.last is None
    assert open_task(made, labels) is made and task_of_model(made, labels) is made


def test_names_places_and_last_change():
    labels = run_of((ADD, ["ROUTE"]), (RENAME, ["PERSON"], "NAME"), (REMOVE, ["DRUG"]))
    assert labels.names == ["NAME", "DOSE", "ROUTE"]
    # keys and colours stay those of before, and nobody gets the place of what was removed
    assert [one.place for one in labels.now.values()] == [1, 2, 3]
    assert labels.changed(ADD, ["NEW"]).now["NEW"].place == 4
    assert labels.today("PERSON", 1) == "NAME" and labels.today("DRUG", 1) is None
    assert labels.today("NEVER SEEN") == "NEVER SEEN"
    assert labels.later(1) == ["ROUTE"] and labels.later(2) == []
    back = labels.changed(UNDO, ())
    assert back.names == ["DRUG", "NAME", "DOSE", "ROUTE"] and back.last.kind == RENAME
    assert back.changed(UNDO, ()).names == ["DRUG", "PERSON", "DOSE", "ROUTE"]
    assert back.changed(UNDO, ()).changed(UNDO, ()).names == ["DRUG", "PERSON", "DOSE"]


def test_a_merged_label_keeps_its_place_and_was_shown_if_all_its_parts_were():
    labels = run_of((ADD, ["MED"]), (MERGE, ["MED"], "DRUG"))
    assert labels.names == ["DRUG", "PERSON", "DOSE"] and labels.now["DRUG"].place == 0
    # DRUG alone was shown before there was MED: nobody was asked about all that DRUG is now
    assert labels.shown(["DRUG", "PERSON"], 1) == ["PERSON"] and labels.later(1) == ["DRUG"]
    assert labels.shown(["DRUG", "MED"], 2) == ["DRUG"] and labels.later(2) == []
    assert labels.shown(["DRUG"], 3) == ["DRUG"]
    assert labels.meaning(["DRUG"]) == ["DRUG+MED"] != run_of().meaning(["DRUG"])


def test_a_name_that_is_given_anew_is_another_label():
    labels = run_of((RENAME, ["PERSON"], "NAME"), (ADD, ["PERSON"]))
    assert labels.names == ["DRUG", "NAME", "DOSE", "PERSON"]
    assert labels.today("PERSON", 1) == "NAME" and labels.today("PERSON", 3) == "PERSON"
    assert labels.later(1) == ["PERSON"]


def test_a_label_that_comes_back_is_the_old_one():
    labels = run_of((REMOVE, ["DOSE"]), (ADD, ["DOSE"]))
    assert labels.names == ["DRUG", "PERSON", "DOSE"] and labels.today("DOSE", 1) == "DOSE"
    # what was asked while it was away was not asked about it
    assert labels.later(2) == ["DOSE"] and labels.later(1) == []
    undone = run_of((ADD, ["ROUTE"]), (UNDO, ()), (ADD, ["X"]), (ADD, ["ROUTE"]))
    assert [one.place for one in undone.now.values()] == [0, 1, 2, 3, 4]
    assert undone.names[-2:] == ["ROUTE", "X"] and undone.today("ROUTE", 2) == "ROUTE"


def test_questions_and_answers_in_the_labels_of_now():
    labels = run_of((RENAME, ["PERSON"], "NAME"), (REMOVE, ["DOSE"]), (ADD, ["ROUTE"]))
    asked = task(["DRUG", "PERSON", "DOSE"], [(0, 1, "PERSON"), (2, 3, "DOSE")])
    said = check(asked, {"answer": "accept", "spans": [span("PERSON", 0), span("DOSE", 3)]})
    now = task_now(asked, labels, 1)
    assert now["labels"] == ["DRUG", "NAME"] and now["later"] == ["ROUTE"]
    assert [one["label"] for one in now["spans"]] == ["NAME"]
    payload = payload_now(said, labels, 1, lambda: now)
    assert [one["label"] for one in payload["spans"]] == ["NAME"] and "asked" not in payload
    # as long as nobody has answered, it shows the new one as well, and the answer says so
    shown = open_task(now, labels)
    assert shown["labels"] == ["DRUG", "NAME", "ROUTE"] and shown["extended"]
    assert asked["labels"] == ["DRUG", "PERSON", "DOSE"] and asked["spans"][0]["label"] == "PERSON"


def test_what_was_said_while_two_were_one_is_open_once_they_are_two_again():
    labels = run_of((MERGE, ["PERSON", "DOSE"], "THING"), (UNDO, ()))
    asked = task(["DRUG", "THING"])
    said = check(asked, {"answer": "accept", "spans": [span("THING", 0, 1), span("DRUG", 2)]})
    now = task_now(asked, labels, 2)
    # where THING was not marked, neither is one of its parts
    assert now["labels"] == ["DRUG", "PERSON", "DOSE"] and "later" not in now
    payload = payload_now(said, labels, 2, lambda: now)
    assert [one["label"] for one in payload["spans"]] == ["DRUG"] and payload["asked"] == [2, 3, 4]
    several = make_task(
        Doc(Vocab(), words=WORDS),
        suggestions=[],
        component_kind="categories",
        labels=["DRUG", "THING"],
        meta={},
        view_id="choice",
        exclusive=False,
    )
    chosen = check(several, {"answer": "accept", "accept": ["THING"]})
    found = payload_now(chosen, labels, 2, lambda: task_now(several, labels, 2))
    assert found == {"answer": "accept", "accept": [], "labels": ["DRUG"]}


def test_a_page_that_is_older_than_a_change_is_understood():
    labels = run_of((RENAME, ["PERSON"], "NAME"))
    found = as_named_now({"answer": "accept", "spans": [span("PERSON", 0)]}, labels)
    assert found["spans"][0]["label"] == "NAME"
    assert as_named_now("nonsense", labels) == "nonsense"
    odd = {"answer": "accept", "spans": [3, {}], "accept": [4], "labels": None}
    assert as_named_now(odd, labels)["accept"] == [4]


def test_questions_of_a_model_have_the_labels_of_the_run_in_their_order():
    labels = run_of((MERGE, ["DRUG", "DOSE"], "MED"), (ADD, ["ROUTE"]))
    made = task(["DOSE", "DRUG", "PERSON"], [(0, 1, "PERSON"), (2, 3, "DOSE")])
    now = task_of_model(made, labels)
    assert now["labels"] == ["MED", "PERSON", "ROUTE"]
    assert [one["label"] for one in now["spans"]] == ["PERSON", "MED"]
    few = task_of_model(task(["PERSON"]), labels, whole=False)
    assert few["labels"] == ["PERSON"]


def test_options_are_renamed_merged_and_added():
    labels = run_of((MERGE, ["A", "B"], "AB"), (ADD, ["D"]), start=("A", "B", "C"))
    made = make_task(
        Doc(Vocab(), words=WORDS),
        suggestions=[("A", 0.5), ("B", 0.3), ("C", 0.2)],
        component_kind="categories",
        labels=["A", "B", "C"],
        meta={},
        view_id="choice",
    )
    now = open_task(task_now(made, labels, 1), labels)
    assert [option["id"] for option in now["options"]] == now["labels"] == ["AB", "C", "D"]
    assert [option.get("score") for option in now["options"]] == [0.5, 0.2, None]


def test_categories_of_files_get_the_names_of_now():
    labels = run_of((RENAME, ["PERSON"], "NAME"), (MERGE, ["DRUG", "DOSE"], "X"))
    named = partial(categories_named_now, labels=labels)
    assert named({"PERSON": 1, "DRUG": 0, "DOSE": 0}) == {"NAME": 1, "X": 0}
    assert named({"DRUG": 1, "DOSE": 0}) == named({"DRUG": 1}) == named({"X": 1}) == {"X": 1}
    # of a part that is not right nothing follows for the whole
    assert named({"PERSON": 0, "DRUG": 0}) == {"NAME": 0}
    gone = run_of((REMOVE, ["DRUG"]))
    assert categories_named_now({"DRUG": 1, "DOSE": 0}, gone) == {"DRUG": 1, "DOSE": 0}


def test_texts_of_files_get_the_names_of_now():
    labels = run_of((RENAME, ["PERSON"], "NAME"), (REMOVE, ["DOSE"]))
    doc = Doc(Vocab(), words=WORDS, tags=["PERSON", "DOSE", "DRUG", "X", "X"])
    spans = [Span(doc, 0, 1, "PERSON"), Span(doc, 2, 3, "DOSE")]
    doc.set_ents(spans, missing=[doc[4:5]], default="outside")
    doc.spans["sc"] = spans
    doc.cats = {"PERSON": 1.0, "DOSE": 0.0, "DRUG": 0.0}
    for kind in ("entities", "spans", "tags", "categories"):
        relabel_doc(doc, labels, kind, "sc")
    assert [(e.text, e.label_) for e in doc.ents] == [("Ann", "NAME")]
    assert [token.ent_iob_ for token in doc] == ["B", "O", "O", "O", ""]
    assert [s.label_ for s in doc.spans["sc"]] == ["NAME"]
    assert [token.tag_ for token in doc] == ["NAME", "", "DRUG", "X", "X"]
    assert doc.cats == {"NAME": 1.0, "DRUG": 0.0}
    for kind in ("entities", "spans", "tags", "categories"):
        keep_labels(doc, ["DRUG"], kind, "sc")
    assert not doc.ents and not doc.spans["sc"] and doc.cats == {"DRUG": 0.0}
    assert [token.tag_ for token in doc] == ["", "", "DRUG", "", ""]


NAMES = st.sampled_from("ABCDEF")


@st.composite
def histories(draw):
    labels = run_of(start=("A", "B"))
    for _ in range(draw(st.integers(0, 8))):
        kind = draw(st.sampled_from([ADD, RENAME, MERGE, REMOVE, UNDO]))
        names, live = draw(st.permutations("ABCDEF")), draw(st.permutations(labels.names))
        free = [name for name in names if name not in labels.now]
        if kind == ADD and free:
            labels = labels.changed(ADD, free[:1])
        elif kind == RENAME and free:
            labels = labels.changed(RENAME, live[:1], free[0])
        elif kind == MERGE and len(live) > 1:
            labels = labels.changed(MERGE, live[:2], draw(st.sampled_from([*live[:2], *free[:1]])))
        elif kind == REMOVE and len(live) > 1:
            labels = labels.changed(REMOVE, live[:1])
        elif kind == UNDO and labels.last:
            labels = labels.changed(UNDO, ())
    return labels


@settings(max_examples=300)
@given(histories())
def test_any_history_can_be_taken_back(labels):
    assert len({one.place for one in labels.now.values()}) == len(labels.now)
    parts = [part for one in labels.now.values() for part in one.parts]
    assert len(parts) == len({*parts})
    for at in range(1, labels.position + 1):
        # what was there and is there whole is still itself, and nothing else is
        for name in labels._at(at):
            today = labels.today(name, at)
            assert today is None or labels.parts(name, at) <= labels.now[today].parts
        assert {*labels.shown(labels._at(at), at)} == {*labels.now} - {*labels.later(at)}
    while labels.last:
        labels = labels.changed(UNDO, ())
    assert labels.now == run_of(start=("A", "B")).now

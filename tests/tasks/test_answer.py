"""Answers: one form for what means the same, and a refusal in words for everything else."""

import json
import math

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_al.errors import AlError
from spacy_al.kinds import FACTORIES
from spacy_al.tasks.answer import check, check_name, check_number, task_kind
from spacy_al.tasks.task import make_task

NLP = spacy.blank("en")
TEXT = "Ada took 5 mg aspirin in Rome."
VIEWS = {row.task: row.view_id for row in FACTORIES.values()}
LABELS = ["DRUG", "DOSE", "\ud800"]


def task(kind="entities", exclusive=True):
    return make_task(
        NLP.make_doc(TEXT),
        suggestions=[],
        component_kind=kind,
        labels=LABELS,
        meta={},
        view_id=VIEWS[kind],
        exclusive=exclusive,
    )


def span(first, last, label="DRUG", **more):
    return {"token_start": first, "token_end": last, "label": label, **more}


def accept(*spans, **more):
    return {"answer": "accept", "spans": list(spans), **more}


def refused(payload, of=None):
    with pytest.raises(AlError, match=r"^\[AL115\] ") as error:
        check(of or task(), payload)
    return str(error.value)


@pytest.mark.parametrize("kind", VIEWS)
def test_kinds_come_from_the_interface(kind):
    assert task_kind(task(kind)) == kind


@pytest.mark.parametrize("view_id", [None, "html", ["ner_manual"]])
def test_an_interface_that_nobody_makes(view_id):
    assert "ner_manual" in refused(accept(), {**task(), "_view_id": view_id})


def test_spans_get_both_ends_and_an_order():
    found = check(task(), accept(span(4, 4, score=0.5, source="x"), span(2, 3, "DOSE")))
    assert found == {
        "answer": "accept",
        "spans": [
            {"start": 9, "end": 13, "token_start": 2, "token_end": 3, "label": "DOSE"},
            {"start": 14, "end": 21, "token_start": 4, "token_end": 4, "label": "DRUG"},
        ],
    }
    assert check(task(), accept(span(2, 3, "DOSE"), span(4, 4), span(4, 4))) == found


def test_an_answer_without_spans_says_that_there_are_none():
    assert check(task(), {"answer": "accept"}) == {"answer": "accept", "spans": []}


def test_what_is_ignored_may_be_half_done():
    payload = {"answer": "ignore", "spans": [span(3, 99)], "labels": ["DRUG"]}
    assert check(task(), payload) == {"answer": "ignore", "labels": ["DRUG"]}


def test_labels_that_were_shown_instead():
    payload = accept(span(0, 0, "PERSON"), labels=["PERSON", "CITY", "PERSON"], asked=[3, 0, 3])
    found = check(task(), payload)
    assert found["labels"] == ["PERSON", "CITY"] and found["asked"] == [0, 3]
    assert "'DRUG'" in refused(accept(span(0, 0, "DRUG"), labels=["PERSON"]))


def test_labels_of_half_characters_are_labels():
    assert check(task(), accept(span(0, 0, "\ud800")))["spans"][0]["label"] == "\ud800"


def test_entities_lie_apart_and_spans_need_not():
    both = accept(span(1, 3), span(3, 4, "DOSE"))
    assert "share token 3" in refused(both)
    assert len(check(task("spans"), both)["spans"]) == 2
    # what is wrong may be several readings of the same words
    assert len(check(task(), {**both, "answer": "reject"})["spans"]) == 2


def test_tags():
    assert "one token" in refused(accept(span(1, 2)), task("tags"))
    assert "share token 1" in refused(accept(span(1, 1), span(1, 1, "DOSE")), task("tags"))
    assert len(check(task("tags"), accept(span(1, 1), span(2, 2, "DOSE")))["spans"]) == 2


def test_categories():
    one, many = task("categories"), task("categories", exclusive=False)
    both = {"answer": "accept", "accept": ["DOSE", "DRUG", "DOSE"]}
    assert check(many, both)["accept"] == ["DRUG", "DOSE"]
    assert "exclude each other" in refused(both, one)
    assert check(one, {**both, "answer": "reject"})["accept"] == ["DRUG", "DOSE"]
    assert check(one, {"answer": "accept"}) == {"answer": "accept", "accept": []}
    assert "'CITY' was not shown" in refused({"answer": "accept", "accept": ["CITY"]}, one)


@pytest.mark.parametrize(
    "payload, word",
    [
        (None, "None"),
        ([], "JSON object"),
        ({}, "'answer' is None"),
        ({"answer": "ACCEPT"}, "'ACCEPT'"),
        ({"answer": ["accept"]}, "one of"),
        ({"answer": "accept", "span": []}, "'span'"),
        ({"answer": "accept", "accept": ["DRUG"]}, "Give 'spans'"),
        ({"answer": "accept", "spans": None}, "a list"),
        (accept("DRUG"), "JSON object"),
        (accept(span(0, 8)), "to 8"),
        (accept(span(0, -1)), "to -1"),
        (accept(span(3, 2)), "from token 3 to 2"),
        (accept(span(True, 1)), "token True"),
        (accept(span(0.0, 1.0)), "token 0.0"),
        (accept({"start": 0, "end": 3, "label": "DRUG"}), "token None"),
        (accept(span(0, 0, "CITY")), "'CITY'"),
        (accept(span(0, 0, ["DRUG"])), "['DRUG']"),
        (accept(span(0, 0, None)), "None"),
        # an end that is exclusive by mistake
        (accept(span(2, 4, "DOSE", start=9, end=13)), "not 21"),
        (accept(asked=[99]), "token 99"),
        (accept(asked="all"), "a list"),
        (accept(labels=[1]), "labels"),
        (accept(labels="DRUG"), "a list"),
    ],
)
def test_what_is_wrong_is_said(payload, word):
    assert word in refused(payload)


def test_messages_stay_short():
    assert len(refused(accept(span(0, 0, "x" * 10**6)))) < 300
    assert len(refused(accept(span(10**5000, 0)))) < 300


def test_a_task_without_tokens_takes_no_spans():
    bare = {key: value for key, value in task().items() if key != "tokens"}
    assert check(bare, accept()) == accept()
    refused(accept(span(0, 0)), bare)


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 12)
    | st.integers()
    | st.floats()
    | st.sampled_from(["accept", "DRUG", "DOSE", "\ud800", ""])
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
TOKEN = st.integers(-1, 9) | JUNK
SPANS = st.lists(
    st.fixed_dictionaries(
        {"token_start": TOKEN, "token_end": TOKEN, "label": st.sampled_from(LABELS) | JUNK},
        optional={"start": JUNK, "end": JUNK, "score": JUNK},
    )
    | JUNK,
    max_size=3,
)
# Well-formed ones apart, or nearly all that is drawn would be refused at once
SENSIBLE = st.fixed_dictionaries(
    {"answer": st.sampled_from(["accept", "reject", "ignore"])},
    optional={
        "spans": st.lists(
            st.builds(
                lambda start, length, label: span(start, start + length, label),
                *(st.integers(0, 5), st.integers(0, 2), st.sampled_from(LABELS)),
            ),
            max_size=4,
        ),
        "accept": st.lists(st.sampled_from(LABELS), max_size=3),
        "labels": st.just(LABELS),
        "asked": st.lists(st.integers(0, 7)),
    },
)
HOSTILE = st.fixed_dictionaries(
    {"answer": st.sampled_from(["accept", "reject", "ignore"]) | JUNK},
    optional={
        "spans": SPANS | JUNK,
        "accept": st.lists(st.sampled_from(LABELS) | JUNK) | JUNK,
        "labels": st.lists(st.sampled_from(LABELS) | JUNK) | JUNK,
        "asked": st.lists(TOKEN) | JUNK,
        "other": JUNK,
    },
)


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(payload=HOSTILE | SENSIBLE | JUNK, kind=st.sampled_from([*VIEWS]), exclusive=st.booleans())
def test_an_answer_is_normal_or_refused(payload, kind, exclusive):
    asked = task(kind, exclusive)
    try:
        found = check(asked, payload)
    except AlError as error:
        assert "[AL115]" in str(error) and "\n" not in str(error)
        return
    assert check(asked, found) == found
    assert check(asked, json.loads(json.dumps(found))) == found
    assert set(found) <= {"answer", "spans", "accept", "labels", "asked"}
    taken = [False] * len(asked["tokens"])
    for one in found.get("spans", []):
        first, last = one["token_start"], one["token_end"]
        assert 0 <= first <= last < len(taken)
        assert TEXT[one["start"] : one["end"]].strip()
        assert one["label"] in found.get("labels", LABELS)
        if kind in ("entities", "tags") and found["answer"] == "accept":
            assert not any(taken[first : last + 1])
            taken[first : last + 1] = [True] * (last + 1 - first)
    if kind == "categories" and exclusive and found["answer"] == "accept":
        assert len(found["accept"]) <= 1


@pytest.mark.parametrize("value", ["", "  ", None, 3, "a\0b", "\ud800", ["a"]])
def test_names_that_cannot_be_kept(value):
    with pytest.raises(AlError, match="AL115"):
        check_name("annotator", value)
    assert check_name("annotator", "Zoë 😀") == "Zoë 😀"


@pytest.mark.parametrize("value", [-1, math.nan, math.inf, True, "3", None, 10**400])
def test_seconds_that_are_none(value):
    with pytest.raises(AlError, match="AL115"):
        check_number("seconds", value)
    assert check_number("seconds", 3) == 3.0

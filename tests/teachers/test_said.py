"""What a teacher says, read off its documents and put onto the same text in other tokens."""

import json

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

from spacy_al.teachers.marks import in_words
from spacy_al.teachers.said import TeacherSaid, marks_on, read_said

NLP = spacy.blank("en")
TEXT = "Dr Ada gave him 5mg aspirin."


def doc_of(words, spaces):
    return Doc(NLP.vocab, words=words, spaces=spaces)


OTHER = doc_of(
    ["Dr Ada", "gave", "him", "5", "mg", "aspirin", "."],
    [True, True, True, False, True, False, False],
)


def test_each_kind_is_read_and_comes_back():
    doc = NLP(TEXT)
    assert doc.text == OTHER.text == TEXT
    doc.ents = [Span(doc, 1, 2, "PER"), Span(doc, len(doc) - 2, len(doc) - 1, "DRUG")]
    doc.spans["mine"] = [Span(doc, 0, 2, "NAME"), Span(doc, 1, 2, "NAME")]
    doc.cats = {"a": 0.2, "b": 0.7, "c": 0.6}
    doc[2].tag_ = "VB"
    entities = read_said(doc, "entities")
    assert entities.marks == ((3, 6, "PER"), (20, 27, "DRUG")) and entities.labels == {
        "PER",
        "DRUG",
    }
    # the only group of spans there is, whatever it is called
    spans = read_said(doc, "spans")
    assert spans.marks == ((0, 6, "NAME"), (3, 6, "NAME"))
    assert read_said(doc, "tags").marks == ((7, 11, "VB"),)
    categories = read_said(doc, "categories")
    assert categories.labels == {"b", "c"}
    for said in (entities, spans, categories):
        assert TeacherSaid.from_json(json.loads(json.dumps(said.to_json()))) == said
    doc.spans["sc"] = []
    assert read_said(doc, "spans").marks == ()


def test_other_tokens_are_taken_whole():
    said = TeacherSaid(((3, 6, "PER"), (16, 19, "DOSE"), (20, 27, "DRUG")))
    assert marks_on(OTHER, said, "entities") == [(0, 1, "PER"), (3, 5, "DOSE"), (5, 6, "DRUG")]
    names = {"PER": "PERSON"}
    assert marks_on(OTHER, said, "entities", names=names) == [(0, 1, "PERSON")]
    # one word there, two here
    assert marks_on(OTHER, TeacherSaid(((16, 19, "NN"), (20, 27, "NN"))), "tags") == [(5, 6, "NN")]


def test_entities_that_come_to_overlap_and_white_space():
    doc = doc_of(["Ada", " ", "Byron"], [False, False, False])
    assert doc.text == "Ada Byron"
    said = TeacherSaid(((0, 9, "PER"), (0, 4, "LOC"), (3, 4, "GAP")))
    assert marks_on(doc, said, "entities") == [(0, 3, "PER")]
    assert marks_on(doc, said, "spans") == [(0, 1, "LOC"), (0, 3, "PER")]


@given(st.dictionaries(st.sampled_from("abcd"), st.floats(0, 1)))
def test_one_category_or_several(cats):
    said, doc = TeacherSaid(cats=cats), NLP("x")
    several = marks_on(doc, said, "categories", exclusive=False)
    assert several == sorted((0, 0, name) for name, value in cats.items() if value >= 0.5)
    one = marks_on(doc, said, "categories")
    if not any(cats.values()):
        assert one == []
    else:
        [(_, _, name)] = one
        assert cats[name] == max(cats.values())


def test_a_record_of_another_kind_is_none():
    for record in ({}, {"marks": 3}, {"marks": [[1, 2]]}, {"cats": {"a": "high"}}):
        with pytest.raises((ValueError, TypeError, LookupError)):
            TeacherSaid.from_json(record)


def test_what_differs_in_words():
    doc = NLP("Ada took aspirin and ibuprofen")
    drug, per = (2, 3, "DRUG"), (0, 1, "PER")
    assert in_words(doc, [drug], [drug]) == ""
    assert (
        in_words(doc, [drug, per], [(4, 5, "DRUG"), per])
        == "also “aspirin” DRUG; not “ibuprofen” DRUG"
    )
    assert in_words(doc, [(0, 0, "a")], [(0, 0, "b")]) == "also a; not b"
    many = [(i, i + 1, "X") for i in range(5)]
    assert in_words(doc, many, []).endswith("“aspirin” X and 2 more")

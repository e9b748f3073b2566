"""The check of records: whatever a file says, what is left is right, and what is lost is not taken for nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_al.adapters.formats import onto
from spacy_al.adapters.reading import Mark, Reading
from spacy_al.adapters.record_check import checked

TEXT = "Ada  saw Bob\n in Rome. "
PLACE = st.integers(-2, len(TEXT) + 2)
LABEL = st.sampled_from(["PER", "LOC", "", 3, None])
WORDS = st.sampled_from(["Ada", "saw", "Bob in", "Rome."])
MARK = st.fixed_dictionaries(
    {"start": PLACE, "end": PLACE, "label": LABEL}, optional={"text": WORDS}
)
MARKS = st.lists(MARK | st.sampled_from([None, 3, {}, "PER"]), max_size=5)


def characters(marks):
    return {i for start, end in marks for i in range(start, end) if not TEXT[i].isspace()}


def places(record):
    return [(mark["start"], mark["end"]) for mark in record["spans"]]


@given(MARKS, st.sampled_from(["entities", "spans", "tags"]))
def test_what_is_left_is_right(marks, kind):
    reading = Reading(kind, bad_spans="missing")
    record = checked({"where": "x:1", "text": TEXT, "spans": marks}, reading)
    found = places(record)
    for (start, end), mark in zip(found, record["spans"]):
        assert 0 <= start < end <= len(TEXT) and mark["label"] in ("PER", "LOC")
        assert kind == "tags" or TEXT[start:end] == TEXT[start:end].strip()
        assert {"text", "problem"}.isdisjoint(mark)
    if kind != "spans":
        assert len(characters(found)) == sum(len(characters([place])) for place in found)
    # nothing that the file has marked is left as if it had marked nothing there
    within = [
        (mark["start"], mark["end"])
        for mark in marks
        if isinstance(mark, dict) and mark and 0 <= mark["start"] < mark["end"] <= len(TEXT)
    ]
    open_ = characters(record.get("missing", ()))
    assert characters(within) <= characters(found) | open_
    assert bool(reading.lost) == ("missing" in record)
    # and where a mark cannot be placed, nothing else is said of the text
    if "its place is not within the text" in reading.lost:
        assert characters([(0, len(TEXT))]) <= characters(found) | open_


@given(MARKS, st.sampled_from(["entities", "spans", "tags"]))
def test_a_record_is_refused_if_and_only_if_a_span_would_be_lost(marks, kind):
    record = {"where": "x:1", "text": TEXT, "spans": marks}
    missing = Reading(kind, bad_spans="missing")
    left = checked(record, missing)
    strict = checked(record, Reading(kind))
    assert ("problem" in strict) == bool(missing.lost)
    assert "problem" in strict or strict == left
    assert checked(left, Reading(kind)) == left


@given(MARKS)
def test_a_record_moves_onto_other_white_space(marks):
    record = checked(
        {"where": "x:1", "text": TEXT, "spans": marks}, Reading("entities", bad_spans="missing")
    )
    other = "\n" + TEXT.replace(" ", "\t \r\n")
    moved = onto(record, other)
    assert moved["text"] == other
    for old, new in zip(record["spans"], moved["spans"], strict=True):
        words = [TEXT[old["start"] : old["end"]], other[new["start"] : new["end"]]]
        assert words[0].split() == words[1].split() and words[1] == words[1].strip()
    assert onto(moved, TEXT)["spans"] == record["spans"]


@pytest.mark.parametrize(
    "label", ["P\x1b[31mER", "P\nER", "\0", "P\x85R", "P\u2028R", "\ud800", " "]
)
def test_a_label_is_a_name(label):
    mark: Mark = {"start": 0, "end": 3, "label": label}
    record = checked({"where": "x:1", "text": TEXT, "spans": [mark]}, Reading("entities"))
    assert "its label is not a name" in record["problem"] and record["problem"].isprintable()
    record = checked({"where": "x:1", "text": TEXT, "cats": {label: 1}}, Reading("categories"))
    assert "is not a name" in record["problem"] and record["problem"].isprintable()


@pytest.mark.parametrize("label", ["Straße", "C#", "a b", "می\u200cخواهم", "👩‍⚕️", "a\u00a0b"])
def test_names_of_all_languages(label):
    record = checked({"where": "x:1", "text": TEXT, "cats": {label: 1}}, Reading("categories"))
    assert record["cats"] == {label: 1.0}

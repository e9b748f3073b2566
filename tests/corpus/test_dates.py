"""What is a date of a text, and what is none."""

import math

import pytest

from spacy_al.corpus.dates import Since, day_of, meta_value, parse_day, show_day


@pytest.mark.parametrize(
    "said, day",
    [
        ("1970-01-02", 1.0),
        (" 1970-01-02 ", 1.0),
        ("1970-01-02T12:00", 1.5),
        ("1970-01-02 12:00:00", 1.5),
        ("1970-01-02T12:00:00Z", 1.5),
        ("1970-01-02T13:00:00+01:00", 1.5),
        ("1970-01-02T13:00:00+0100", 1.5),
        ("1970-01-02T12:00:00.864Z", 1.50001),
        ("1970-01-02T12:00:00.864000000Z", 1.50001),
    ],
)
def test_a_date(said, day):
    assert parse_day(said) == pytest.approx(day, abs=1e-12)


@pytest.mark.parametrize(
    "said",
    [
        *("", "yesterday", "30.11.2026", "2026-13-01", "2026-02-30", "20261130"),
        *(
            "2026-11-30T25:00",
            "2026-11-30T08",
            "２０２６-11-30",
            "0001-01-01T00:00+23:59",
            "9999-12-31T23:59-01:00",
        ),
        *(20261130, None, ["2026-11-30"]),
    ],
)
def test_what_is_none(said):
    assert parse_day(said) is None


def test_where_a_text_has_it():
    source = {"meta": {"date": "1970-01-03", "note": {"written": "1970-01-04"}, "a.b": 1}}
    assert day_of(source, "date") == 2 and day_of(source, "note.written") == 3
    assert math.isnan(day_of({}, "date")) and math.isnan(day_of({"meta": "x"}, "date"))
    assert meta_value(source["meta"], "a.b") == 1 and meta_value(source["meta"], "note.x") is None
    since = Since("note.written", 3.0)
    assert since.leaves_out(source) is None
    assert Since("date", 2.5).leaves_out(source) == "older than since"
    assert since.leaves_out({"meta": {}}) == "without a date"
    assert show_day(2.9) == "1970-01-03"

"""Labelled files as people have them: what is in them comes in, and what is not clear is refused with its place."""

import json

import pytest

from spacy_al.adapters.formats import read_format
from spacy_al.adapters.reading import Reading
from spacy_al.errors import AlError, UsageError


def read(name, path, kind="entities", **how):
    reading = Reading(kind, **how)
    return list(read_format(name, path, reading)), reading


def words(record):
    """The marks of a record as words and labels."""
    return [
        (record["text"][mark["start"] : mark["end"]], mark["label"]) for mark in record["spans"]
    ]


def lines(path, *values):
    path.write_text(
        "\n".join(value if isinstance(value, str) else json.dumps(value) for value in values)
    )
    return path


# Columns


def test_columns_of_others(tmp_path):
    """CoNLL-2003, with IOB tags of the first kind, and words with parts of speech."""
    path = tmp_path / "x"
    path.write_bytes(
        b"-DOCSTART- -X- O O\r\n\r\nNew NNP B-NP I-LOC\r\nYork NNP I-NP I-LOC\r\n. . O O\r\n\r\n\r\nAda NNP O I-PER"
    )
    found, reading = read("conll", path)
    assert [(record["text"], words(record)) for record in found] == [
        ("New York .", [("New York", "LOC")]),
        ("Ada", [("Ada", "PER")]),
    ]
    assert [record["where"] for record in found] == ["x:3", "x:8"]
    assert any("IOB1" in said for said in reading.said)
    path.write_text("I|PRP|O like|VBP|O London|NNP|I-GPE\n\nyes\n")
    (one, other), _ = read("iob", path)
    assert words(one) == [("London", "GPE")]
    assert other["where"] == "x:3" and "1 columns, and others have 3" in other["problem"]


# doccano


def test_doccano_of_others(tmp_path):
    path = tmp_path / "x.jsonl"
    values = [
        {"id": 1, "data": "Ada 😀 x", "label": [[4, 5, "E"], [0, 3, "P"]]},
        {
            "text": "Ada",
            "entities": [{"id": 3, "label": "P", "start_offset": 0, "end_offset": 3}],
            "relations": [],
        },
    ]
    path.write_text("\ufeff" + "\n".join(map(json.dumps, values)) + "\n\n{\n[1]\n", encoding="utf8")
    found, _ = read("doccano", path)
    assert [words(record) for record in found[:2]] == [[("Ada", "P"), ("😀", "E")], [("Ada", "P")]]
    assert [record["where"] for record in found[2:]] == ["x.jsonl:4", "x.jsonl:5"]
    assert all("problem" in record for record in found[2:])
    found, _ = read(
        "doccano",
        lines(path, {"text": "Ada", "label": ["A", "B"]}, {"text": "Ada", "label": "A"}),
        "categories",
    )
    assert [record["cats"] for record in found] == [{"A": 1, "B": 1}, {"A": 1, "B": 0}]


# brat


def brat(folder, text, *notes):
    folder.mkdir(exist_ok=True)
    (folder / "a.txt").write_bytes(text.encode() if isinstance(text, str) else text)
    (folder / "a.ann").write_bytes("\n".join(notes).encode())
    return folder


def test_brat_of_others(tmp_path):
    notes = ["T1\tDRUG 10 17\taspirin", "R1\tx Arg1:T1 Arg2:T1", "#1\tNote T1\tx"]
    brat(tmp_path, "Ada took\r\naspirin 😀 twice", *notes, "T2\tSIGN 18 19\t😀")
    (record,), reading = read("brat", tmp_path)
    assert words(record) == [("aspirin", "DRUG"), ("😀", "SIGN")]
    assert reading.unused == {"relations": 1, "notes": 1}
    brat(tmp_path, "Ada took\r\naspirin 😀 twice", *notes, "T2\tBOTH 0 3;10 17\tAda aspirin")
    (record,), _ = read("brat", tmp_path)
    assert "words between" in record["problem"] and record["where"] == "a.ann:4"
    (record,), reading = read("brat", tmp_path, bad_spans="missing")
    assert words(record) == [("aspirin", "DRUG")] and record["missing"] == [(0, 17)]
    assert reading.lost == {"it has several parts with words between them": ["a.ann:4"]}
    for note in ("T2\tX 4 99\tx", "T3\tX", "T3\tX 0 3", "T3\tX 0\tAda", "1\tPER 0 3\tAda"):
        brat(tmp_path, "Ada took", note)
        (record,), _ = read("brat", tmp_path)
        assert "problem" in record and record["where"] == "a.ann:1"
    with pytest.raises(AlError, match="AL040"):
        read("brat", tmp_path / "nowhere")


def test_a_format_is_asked_for_what_it_holds(tmp_path):
    with pytest.raises(UsageError, match="AL266"):
        read("conll", tmp_path / "x", "categories")

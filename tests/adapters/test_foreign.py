"""Files as other tools write them, each from `convert` to gold: what the file says, or a refusal that gives its reason."""

import json

import pytest

from spacy_al.adapters.convert import convert
from spacy_al.errors import AlError


def gold(tmp_path, name, content, **how):
    """What became of a file."""
    path = tmp_path / name
    if not isinstance(content, str):
        content = "\n".join(map(json.dumps, content))
    path.write_text(content, newline="")
    return convert([path], None, **how)


def ents(result):
    return [[(ent.text, ent.label_) for ent in doc.ents] for doc in result.docs]


def cats(result):
    return [doc.cats for doc in result.docs]


def reasons(result):
    return [where for places in result.refused.values() for where in places]


COLUMNS = {
    "numbered from 0": "0\tAnna\tB-PER\n1\tlives\tO\n\n0\tBob\tB-PER\n1\tran\tO\n",
    "numbered through": "1\tAnna\tB-PER\n2\tlives\tO\n\n3\tBob\tB-PER\n4\tran\tO\n",
    "numbered with its sentence": "1-1\tAnna\tB-PER\n1-2\tlives\tO\n\n2-1\tBob\tB-PER\n2-2\tran\tO\n",
    "id of its text": "s1 Anna B-PER\ns1 lives O\n\ns2 Bob B-PER\ns2 ran O\n",
    "id, part and number": "d 0 0 Anna B-PER\nd 0 1 lives O\n\nd 1 0 Bob B-PER\nd 1 1 ran O\n",
    "blanks behind tags": "Anna\tB-PER \nlives\tO \n\nBob\tB-PER\nran\tO\n",
    "ends of lines of an old Mac": "Anna\tB-PER\rlives\tO\r\rBob\tB-PER\rran\tO\r",
    "names of columns": "Word Tag\nAnna B-PER\nlives O\n\nBob B-PER\nran O\n",
}


@pytest.mark.parametrize("case", COLUMNS)
def test_words_are_in_the_column_of_words(tmp_path, case):
    result = gold(tmp_path, "x.conll", COLUMNS[case], format="conll", kind="ner")
    assert [doc.text for doc in result.docs] == ["Anna lives", "Bob ran"]
    assert ents(result) == [[("Anna", "PER")], [("Bob", "PER")]]


@pytest.mark.parametrize("between", "\t ")
def test_a_word_may_begin_as_a_comment_does(tmp_path, between):
    rows = ("# a comment here", "see O VB", "#here B-MISC NN", "# O SYM", "Bob B-PER NN")
    content = "\n".join(rows[:1] + tuple(row.replace(" ", between) for row in rows[1:]))
    result = gold(tmp_path, "x.conll", content, format="conll", kind="ner")
    assert [doc.text for doc in result.docs] == ["see #here # Bob"]
    assert ents(result) == [[("#here", "MISC"), ("Bob", "PER")]]
    assert "Not read: 1 comments." in result.remarks


@pytest.mark.parametrize("tag", ["B-", "PER", "B_PER", "b-per"])
def test_a_first_word_with_a_mistaken_tag_names_no_columns(tmp_path, tag):
    content = f"Ada\t{tag}\nran\tO\n\n" + "Bob\tB-PER\nran\tO\n\n" * 12
    result = gold(tmp_path, "x.conll", content, format="conll", kind="ner")
    assert reasons(result)[0].startswith(f"x.conll:1: {tag!r} is no tag")


def test_a_1_or_0_for_each_label_is_no_number_of_a_label(tmp_path):
    how = {"format": "hugging-face", "kind": "textcat_multilabel", "labels": ["A", "B", "C"]}
    rows = [{"text": "a", "labels": [0, 1, 0]}, {"text": "b", "labels": [0.0, 0.0, 0.0]}]
    assert cats(gold(tmp_path, "x.jsonl", rows, **how)) == [
        {"A": 0, "B": 1, "C": 0},
        {"A": 0, "B": 0, "C": 0},
    ]
    rows.append({"text": "c", "labels": [0, 2]})
    assert "x.jsonl:3: its 'labels' is [0, 2]" in reasons(gold(tmp_path, "x.jsonl", rows, **how))[0]
    numbers = [{"text": "a", "labels": [0, 1]}, {"text": "b", "labels": [2.0]}]
    assert cats(gold(tmp_path, "x.jsonl", numbers, **how)) == [
        {"A": 1, "B": 1, "C": 0},
        {"A": 0, "B": 0, "C": 1},
    ]


def test_a_text_that_the_viewer_has_cut_off(tmp_path):
    rows = [{"row": {"text": "cut he", "label": 1}, "truncated_cells": ["text"]}]
    rows += [{"row": {"text": text, "label": 0}, "truncated_cells": []} for text in "ab"]
    names = {"name": "label", "type": {"names": ["n", "p"]}}
    whole = json.dumps({"features": [names], "rows": rows})
    result = gold(tmp_path, "x.json", whole, kind="textcat")
    assert [doc.text for doc in result.docs] == ["a", "b"]
    assert "row 0: the viewer has cut it off: ['text']" in reasons(result)[0]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("c,0.93", "a score and no label"),
        ('c,"{""choices"": [""x"", ""y""]}"', "several labels"),
        ("c,x|y", "several labels"),
        ('"c", "x"', "a blank before a quote"),
        ("text,label", "the header again"),
        ('"yes,x\nno,y\nso",x', "each line of it is a row"),
    ],
)
def test_a_row_that_is_refused_names_no_category(tmp_path, row, why):
    result = gold(tmp_path, "x.csv", f"text,label\na,x\nb,y\n{row}\n", kind="textcat")
    assert cats(result) == [{"x": 1, "y": 0}, {"x": 0, "y": 1}]
    assert reasons(result)[0].startswith("x.csv:4: ") and why in reasons(result)[0]


@pytest.mark.parametrize("numbers", ["-1 1", "1 2", "0 1.0"])
def test_numbers_are_no_names(tmp_path, numbers):
    first, second = numbers.split()
    with pytest.raises(AlError, match="AL331"):
        gold(tmp_path, "x.csv", f"text,label\na,{first}\nb,{second}\n")


def test_white_space_at_the_edge_of_a_label_makes_no_other_label(tmp_path):
    rows = [
        {"text": "Anna x", "label": [[0, 4, "PER "]]},
        {"text": "Bob", "label": [[0, 3, "PER"]]},
    ]
    assert gold(tmp_path, "x.jsonl", rows).labels == {"PER": 2}
    rows = [{"text": "a", "label": ["pos "]}, {"text": "b", "label": ["pos"]}]
    assert cats(gold(tmp_path, "x.jsonl", rows)) == [{"pos": 1}] * 2
    rows = [{"text": "a", "cats": {"A": 1, "A ": 0}}]
    with pytest.raises(AlError, match="'A' is 1 and 0"):
        gold(tmp_path, "x.jsonl", rows, format="jsonl", kind="textcat_multilabel")


@pytest.mark.parametrize(
    ("format", "key", "suffix"),
    [("train-data", "entities", ""), ("jsonl", "ents", ""), ("doccano", "entities", "_offset")],
)
@pytest.mark.parametrize("name", ["text", "value", "word", "surface"])
def test_the_words_of_a_span_are_compared_whatever_they_are_called(
    tmp_path, format, key, suffix, name
):
    start, end = f"start{suffix}", f"end{suffix}"
    # the end is that of the last character, so the span would lose a word and its blank
    span = {start: 0, end: 2, "label": "PER", name: "A B"}
    with pytest.raises(AlError, match="another text stands there"):
        gold(tmp_path, "x.jsonl", [{"text": "A B x", key: [span]}], format=format, kind="ner")
    span[end] = 3
    rows = [{"text": "A B x", key: [span]}]
    assert ents(gold(tmp_path, "x.jsonl", rows, format=format, kind="ner")) == [[("A B", "PER")]]


def test_words_that_the_text_lacks_are_stale(tmp_path):
    span = {"start": 0, "end": 4, "label": "PER", "text": "Bobby"}
    with pytest.raises(AlError, match="another text stands there"):
        gold(tmp_path, "x.jsonl", [{"text": "Anna x", "entities": [span]}])


@pytest.mark.parametrize("place", [("0", "4"), (None, 4), (-4, 99), (0.5, 4)])
def test_a_token_without_a_tag_is_somewhere(tmp_path, place):
    tokens = [{"id": 0, "start": place[0], "end": place[1]}]
    tokens += [{"id": 1, "start": 5, "end": 10, "tag": "VBZ"}]
    with pytest.raises(AlError, match="not within the text"):
        gold(tmp_path, "x.jsonl", [{"text": "Anna lives", "tokens": tokens}], kind="tagger")


SPAN = '"ents": [{"start": 0, "end": 3, "label": "PER"}]'


@pytest.mark.parametrize(
    ("content", "texts", "line"),
    [
        # as jq writes it
        (f'{{\n"text": "Bob x",\n{SPAN}\n}}\n{{\n"text": "y",\n"ents": []\n}}\n', 2, None),
        (f'[{{"text": "Bob x", {SPAN}}},\n{{"text": "Bob y", {SPAN[:20]}', 1, 2),
        (f'[\n{{"text": "Bob x", {SPAN}}},\n\n{{"text": "Bob y"', 1, 4),
        (f'{{"text": "Bob y", {SPAN[:20]}\n{{"text": "Bob x", {SPAN}}}\n', 1, 1),
    ],
    ids=["over several lines", "cut off", "cut off below a bracket", "lines, the first cut off"],
)
def test_json_is_read_as_far_as_it_goes(tmp_path, content, texts, line):
    result = gold(tmp_path, "x.json", content)
    assert len(result.docs) == texts and ents(result)[0] == [("Bob", "PER")]
    assert [why.split(": ")[0] for why in reasons(result)] == [f"x.json:{line}"] * bool(line)


def test_pairs_a_line_of_which_the_first_is_cut_off(tmp_path):
    pair = '["Bob x", {"entities": [[0, 3, "PER"]]}]'
    result = gold(tmp_path, "x.jsonl", f"{pair[:-4]}\n{pair}\n{pair.replace('x', 'y')}\n")
    assert len(result.docs) == 2 and reasons(result)[0].startswith("x.jsonl:1: it is not JSON")


def test_the_first_word_may_be_a_bracket(tmp_path):
    result = gold(tmp_path, "x.conll", "[ O\nAn B-PER\n] O\n")
    assert result.docs[0].text == "[ An ]" and ents(result) == [[("An", "PER")]]


def test_the_reason_is_that_of_what_the_file_has(tmp_path):
    rows = [{"text": "a", "label": 0.7}]
    with pytest.raises(AlError, match=r"as categories, x\.jsonl:1: a label is 0\.7"):
        gold(tmp_path, "x.jsonl", rows, format="hugging-face", labels=["n", "p"])


@pytest.mark.parametrize("text", ["s3://bucket/1.txt", "/data/upload/1.txt"])
def test_a_text_that_is_elsewhere_is_not_its_address(tmp_path, text):
    value = {"from_name": "s", "type": "choices", "value": {"choices": ["pos"]}}
    tasks = [{"data": {"text": text}, "annotations": [{"result": [value]}]}]
    with pytest.raises(AlError, match=f"its text is elsewhere, at '{text}'"):
        gold(tmp_path, "x.jsonl", tasks, kind="textcat_multilabel")

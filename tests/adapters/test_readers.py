"""Labelled files as people have them: what is in them comes in, and what is not clear is refused with its place."""

import json
from collections import Counter

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


def test_remarks_stay_few_and_short():
    reading = Reading("entities")
    for number in range(20):
        reading.say(f"{number} is in UTF-16.")
    reading.unused = Counter({f"key {number}\n" * 100: 20 - number for number in range(20)})
    remarks = reading.remarks()
    assert len(remarks) == 14 and "of 8 more" in remarks[12] and remarks[13].endswith(" ....")
    assert "20 key 0 key 0" in remarks[13] and len(remarks[13]) < 700 and "\n" not in remarks[13]


# Each is a file, and what it says: words and labels of each text, or where and why it is refused

IN_COLUMNS = {
    # one scheme after another, each found from the file
    "BIOES": ("Mr O\nJohn B-PER\nSmith E-PER\nmet O\nBob S-PER\n. O\n\n", [["John Smith", "Bob"]]),
    "BILUO": (
        "Mr O\nJohn B-PER\nvan I-PER\nDam L-PER\nmet O\nBob U-PER",
        [["John van Dam", "Bob"]],
    ),
    "BMES": ("Wu B-PER\nde M-PER\nHan E-PER\nLi S-PER", [["Wu de Han", "Li"]]),
    "BMEWO": ("Wu B-PER\nHan E-PER\nLi W-PER\nin O", [["Wu Han", "Li"]]),
    "IOB1": ("U.N. I-ORG\nNATO B-ORG\nin O\nParis I-LOC", [["U.N.", "NATO", "Paris"]]),
    "IOB2": ("U.N. B-ORG\nNATO B-ORG\nForce I-ORG\nin O", [["U.N.", "NATO Force"]]),
    "IOB2, labels beside each other": (
        "Ada B-PER\nParis B-LOC\nTexas I-LOC",
        [["Ada", "Paris Texas"]],
    ),
    # what no scheme has
    "goes on with what has not begun": (
        "Ada B-PER\nsaw O\nBob I-PER",
        "x:3: 'I-PER' cannot stand here",
    ),
    "goes on with another label": ("Ada B-PER\nsaw O\nBob B-PER\nLoo I-LOC", "x:4: 'I-LOC' cannot"),
    "never ends": ("John B-PER\nSmith I-PER\nmet O\nBob S-PER", "x:3: 'O' cannot stand here"),
    "never ends, and the text does": ("Bob S-PER\n\nJohn B-PER\n", "x:3: 'B-PER' cannot"),
    "ends with another label": ("Bob S-PER\nJohn B-PER\nSmith E-ORG", "x:3: 'E-ORG' cannot"),
    "ends what has not begun": ("Bob S-PER\nin O\nSmith E-ORG", "x:3: 'E-ORG' cannot"),
    "two schemes": (
        "Ann B-PER\nLee E-PER\nBob U-PER\nDam L-PER",
        "AL268.*E- in line 2, U- in line 3",
    ),
    "no scheme": ("Ann PER\nsaw O\nBob PER", "AL268.*none of its columns has tags.*'PER'"),
    "suffixes": ("Ann PER_B\nsaw O\nBob PER_B", "AL268"),
    "brackets of 2012": ("Ann (PER*\nLee *)\nran *", "AL268"),
    # rows
    "no tag": ("Ada B-PER\nis O\nof O\nit\n", "x:4: it has 1 columns, and others have 2"),
    "a column more": ("Ada B-PER\nis O\nof x O\nit O", "x:3: it has 3 columns"),
    "one column": ("Ada\nis", "AL268.*line 1 has one column"),
    "a slip in a tag": ("a O\n" * 12 + "\nAda B-PER\nLee I_PER", "x:15: 'I_PER' is no tag"),
    "no word": ("Ada\tB-PER\n\tO\nran\tO", "x:2: it has no word"),
    "unknown": ("Ada -\nsaw O\nBob B-PER", [["Bob"]]),
    # texts and what is between them
    "-DOCSTART- at once": ("-DOCSTART- -X- O O\nAda NN B-NP I-PER\n. . O O", [["Ada"]]),
    "-DOCSTART- of two columns": ("-DOCSTART- O\n\nAda B-PER\n", [["Ada"]]),
    "-DOCSTART- alone": ("-DOCSTART-\nAda B-PER\n", [["Ada"]]),
    "-DOCSTART- with a number": ("-DOCSTART- (1 a)\n\nAda B-PER\n", [["Ada"]]),
    "-DOCSTART- with tabs": ("-DOCSTART-\t-X-\tO\nAda\tNN\tB-PER\n", [["Ada"]]),
    "-DOCSTART- after a text": ("Ada B-PER\n-DOCSTART- O\nBob B-PER", [["Ada"], ["Bob"]]),
    "blanks between texts": ("Ada B-PER\n \t\nBob B-PER", [["Ada"], ["Bob"]]),
    "comments": ("# id 52 domain=en\nAda _ _ B-PER\nran _ _ O\n", [["Ada"]]),
    "a number sign as a word": ("# O\n1 O\nAda B-PER", [["Ada"]]),
    "a word with a blank": ("New York\tB-LOC\nis\tO", [["New York"]]),
    "a word with a hard blank": ("10\u00a0mg B-DOSE\nis O", [["10\u00a0mg"]]),
    "a header": ("word\ttag\nAda\tB-PER\nran\tO", [["Ada"]]),
    "old line ends": ("Ada B-PER\r\nran O\r\n\r\nBob B-PER\r\n", [["Ada"], ["Bob"]]),
    "a mark of the order of bytes": ("\ufeffAda B-PER\nran O", [["Ada"]]),
    # columns
    "chunks": ("Ada NN B-NP B-PER\nran VB B-VP O", [["Ada"]]),
    "chunks, and nothing named": ("it NN B-NP O\nran VB B-VP O", [[]]),
    "tags first": ("Ada B-PER NN\nran O VB", [["Ada"]]),
    "numbered words": ("1 Ada NN B-PER\n2 ran VB O\n\n1 Bob NN B-PER", [["Ada"], ["Bob"]]),
    "GermEval": (
        "1 FC B-ORG O\n2 Bonn I-ORG B-LOC",
        "AL269.*3 .e.g. 'B-ORG'.*4 .e.g. 'O', 'B-LOC'.*--column 4",
    ),
    "twice the same": ("Ada B-PER B-PER\nran O O", [["Ada"]]),
}


def said(found, cats=False):
    """What records say, or why the first that cannot be used is refused."""
    for record in found:
        if "problem" in record:
            return f"{record['where']}: {record['problem']}"
    if cats:
        return [record["cats"] for record in found]
    return [[word for word, _ in words(record)] for record in found]


def agrees(expected, name, path, kind="entities", **how):
    if isinstance(expected, str) and expected.startswith("AL"):
        with pytest.raises(AlError, match=expected):
            read(name, path, kind, **how)
    elif isinstance(expected, str):
        assert expected in said(read(name, path, kind, **how)[0])
    else:
        assert said(read(name, path, kind, **how)[0], kind == "categories") == expected


@pytest.mark.parametrize("case", IN_COLUMNS)
def test_columns(tmp_path, case):
    content, expected = IN_COLUMNS[case]
    (tmp_path / "x").write_bytes(content.encode())
    agrees(expected, "conll", tmp_path / "x")


def test_the_scheme_is_said(tmp_path):
    for name in ("BIOES", "BILUO", "BMES", "BMEWO", "IOB1", "IOB2"):
        (tmp_path / "x").write_text(IN_COLUMNS[name][0])
        _, reading = read("conll", tmp_path / "x")
        assert f"The tags of x are in {name}." in reading.said
    (tmp_path / "x").write_text(IN_COLUMNS["comments"][0])
    assert read("conll", tmp_path / "x")[1].unused == {"comments": 1}


def test_what_the_file_says_nothing_of_is_missing(tmp_path):
    (tmp_path / "x").write_text(IN_COLUMNS["unknown"][0])
    (record,), reading = read("conll", tmp_path / "x")
    assert "Nothing is decided of 1 word of x with the tag -." in reading.said
    assert record["missing"] == [(0, 3)] and record["words"] == ["Ada", "saw", "Bob"]


def test_a_column_is_named(tmp_path):
    path = tmp_path / "x"
    path.write_text(IN_COLUMNS["GermEval"][0])
    for column, expected in (("3", ["FC Bonn"]), ("4", ["Bonn"])):
        assert said(read("conll", path, column=column)[0]) == [expected]
    path.write_text(IN_COLUMNS["chunks"][0])
    for column, expected in (("chunk", ["Ada", "ran"]), ("ner", ["Ada"]), ("4", ["Ada"])):
        assert said(read("conll", path, column=column)[0]) == [expected]
    assert any("4 the tags" in sentence for sentence in read("conll", path)[1].said)
    with pytest.raises(UsageError, match=r"AL269.*no column 'tag', but 2 'pos'.*'NN', 'VB'"):
        read("conll", path, column="tag")
    assert "x:1: 'NN' is no tag" in said(read("conll", path, column="pos")[0])
    path.write_text("# global.columns = FORM outer inner\nFC B-ORG O\nBonn I-ORG B-LOC")
    assert said(read("conll", path, column="inner")[0]) == [["Bonn"]]
    path.write_text("word\touter\tinner\nFC\tB-ORG\tO\nBonn\tI-ORG\tB-LOC")
    assert said(read("conll", path, column="outer")[0]) == [["FC Bonn"]]


# Bytes

ENCODED = {
    "UTF-8": ("utf-8", b"", None),
    "UTF-8 with its mark": ("utf-8", b"\xef\xbb\xbf", None),
    "UTF-16, little end first": ("utf-16-le", b"\xff\xfe", None),
    "UTF-16, big end first": ("utf-16-be", b"\xfe\xff", None),
    "UTF-32": ("utf-32-le", b"\xff\xfe\x00\x00", None),
    "UTF-16 without its mark": ("utf-16-le", b"", "AL267.*line 1 holds a NUL.*UTF-16LE"),
    "Windows": ("cp1252", b"", r"AL267.*byte \d+ \(line \d\) is 0x93.*cp1252 \(Windows\)"),
    "latin-1": ("latin-1", b"", "AL267.*is 0xeb.*latin-1 or cp1252"),
}


@pytest.mark.parametrize("case", ENCODED)
@pytest.mark.parametrize("name", ["conll", "iob", "doccano", "jsonl", "brat"])
def test_encodings(tmp_path, name, case):
    encoding, mark, refusal = ENCODED[case]
    quote = "\u201c" if case == "Windows" else ""
    text = f"{quote}Zo\u00eb ran"
    place = [len(quote), len(quote) + 3, "PER"]
    span = dict(zip(("start", "end", "label"), place))
    content = {
        "conll": f"{text.split()[0]} B-PER\nran O\n",
        "iob": f"{text.split()[0]}|B-PER ran|O\n",
        "doccano": json.dumps({"text": text, "label": [place]}, ensure_ascii=False) + "\n",
        "jsonl": json.dumps({"text": text, "ents": [span]}, ensure_ascii=False) + "\n",
        "brat": text,
    }[name]
    path = tmp_path / "x"
    data = mark + content.encode(encoding)
    if name == "brat":
        path = brat(tmp_path, data, f"T1\tPER {place[0]} {place[1]}\tZo\u00eb")
    else:
        path.write_bytes(data)
    word = text.split()[0] if name in ("conll", "iob") else "Zo\u00eb"
    agrees(refusal or [[word]], name, path)
    if not refusal and "UTF-8" not in case:
        assert "by the mark at its beginning" in read(name, path)[1].said[0]


def test_a_mark_that_is_not_followed(tmp_path):
    (tmp_path / "x").write_bytes(b"\xff\xfea")
    with pytest.raises(AlError, match=r"AL267.*begins as UTF-16 does, and is not"):
        read("conll", tmp_path / "x")


def test_a_line_in_another_encoding_costs_its_line(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(
        b'{"text": "Ada", "label": [[0, 3, "PER"]]}\n{"text": "Zo\xeb", "label": []}\n'
    )
    (one, other), _ = read("doccano", path)
    assert words(one) == [("Ada", "PER")] and other["where"] == "x.jsonl:2"
    assert "not UTF-8: byte 12 of it is 0xeb. If it is in latin-1" in other["problem"]


# doccano


def ada(**keys):
    return {"text": "Ada saw Bob in Rome.", **keys}


PLACES = [[0, 3, "PER"], [15, 19, "LOC"]]
OBJECTS = [
    {"id": 1, "label": "PER", "start_offset": 0, "end_offset": 3},
    {"id": 2, "label": "LOC", "start_offset": 15, "end_offset": 19},
]
NUMBERED = [{**one, "label": number, "user": 1} for number, one in enumerate(OBJECTS)]
BOTH = [["Ada", "Rome"]]
IN_DOCCANO = {
    # its versions, as they have written spans
    "label": ([ada(label=PLACES)], BOTH),
    "labels": ([ada(id=7, labels=PLACES, meta={}, annotation_approver=None)], BOTH),
    "data": ([{"data": "Ada saw Bob in Rome.", "label": PLACES}], BOTH),
    "entities": ([ada(entities=OBJECTS, relations=[], Comments=[])], BOTH),
    "the first version": ([ada(doc_id=20, entities=PLACES, username="admin")], BOTH),
    "slots": ([ada(entities=PLACES, cats=["travel"])], BOTH),
    "annotations with names": ([ada(annotations=OBJECTS)], BOTH),
    "with words": ([ada(label=[[0, 3, "PER", "Ada"], [15, 19, "LOC", "Rome"]])], BOTH),
    "an array": (json.dumps([ada(label=PLACES), ada(label=[])], indent=1), [*BOTH, []]),
    "an array on one line": (json.dumps([ada(label=PLACES)]), BOTH),
    "one object on many lines": (json.dumps(ada(label=PLACES), indent=2), BOTH),
    "nothing in it": ([ada(label=[])], [[]]),
    "twice": ([ada(label=PLACES, labels=PLACES)], BOTH),
    "the same span twice": ([ada(label=[*PLACES, PLACES[0]])], BOTH),
    # what is no label of a span
    "label ids": (
        [ada(annotations=NUMBERED)],
        "x.jsonl:1: the labels in 'annotations' are numbers, such as 0, and not names. It needs names in 'entities' or 'label' or 'labels' or 'annotations', and has ['text', 'annotations']",
    ),
    "label ids in a list": (
        [ada(label=[[0, 3, 7]])],
        "the labels in 'label' are numbers, such as 7",
    ),
    "unlabelled": (
        [ada()],
        "it needs 'entities' or 'label' or 'labels' or 'annotations', and has ['text']",
    ),
    "a key of another name": ([ada(labelz=PLACES)], "and has ['text', 'labelz']"),
    "text of another name": ([{"txt": "Ada", "label": []}], "it needs 'text' or 'data'"),
    "null": ([ada(label=None)], "'label' holds no list of spans, but None"),
    "a known fault of 1.6": ([ada(label=["entities"])], "'label' holds 'entities'"),
    "categories": (
        [ada(label=["travel"])],
        "'label' holds 'travel', which is no [start, end, label]",
    ),
    "places alone": ([ada(label=[[0, 3]])], "'label' holds [0, 3]"),
    "words that stand elsewhere": (
        [ada(label=[[4, 7, "PER", "Ada"]])],
        "('saw'): another text stands there",
    ),
    "two keys that differ": (
        [ada(label=PLACES, entities=[])],
        "it has both 'entities' and 'label'",
    ),
    "a key twice": (
        '{"text": "Ada", "label": [[0, 3, "PER"]], "label": []}',
        "the key 'label' twice",
    ),
    "torn": ('{"text": "Ada", "label": [[0, 3', "x.jsonl:1: it is not JSON"),
    "a list": (json.dumps([ada(label=[]), [1]]), "x.jsonl:1: [1] is not an object"),
    "no text": ([{"text": "", "label": []}], "its 'text' is ''"),
    "a number for a text": ([{"text": 3, "label": []}], "its 'text' is 3"),
    # places
    "beyond the end": (
        [ada(label=[[15, 21, "LOC"]])],
        "x.jsonl:1: the span 'LOC' from 15 to 21: its place is not",
    ),
    "turned round": ([ada(label=[[3, 0, "PER"]])], "its place is not within the text"),
    "empty": ([ada(label=[[3, 3, "PER"]])], "its place is not within the text"),
    "negative": ([ada(label=[[-4, 3, "PER"]])], "its place is not within the text"),
    "half": ([ada(label=[[0, 3.5, "PER"]])], "its place is not within the text"),
    "strings": ([ada(label=[["0", "3", "PER"]])], "its place is not within the text"),
    "truth": ([ada(label=[[False, 3, "PER"]])], "its place is not within the text"),
    "no name": ([ada(label=[[0, 3, " "]])], "its label is not a name"),
    "overlapping": ([ada(label=[[0, 7, "PER"], [4, 11, "PER"]])], "it overlaps another span"),
    "two labels": (
        [ada(label=[[0, 3, "PER"], [0, 3, "LOC"]])],
        "the same characters have two labels",
    ),
    "within": ([ada(label=[[0, 11, "PER"], [4, 7, "LOC"], [8, 11, "PER"]])], "it overlaps"),
    "white space at its edges": ([ada(label=[[0, 4, "PER"], [14, 19, "LOC"]])], BOTH),
    "white space alone": ([ada(label=[[3, 4, "PER"]])], "it is white space alone"),
}


def file_of(path, content):
    path.write_text(content if isinstance(content, str) else "\n".join(map(json.dumps, content)))
    return path


@pytest.mark.parametrize("case", IN_DOCCANO)
def test_doccano(tmp_path, case):
    content, expected = IN_DOCCANO[case]
    agrees(expected, "doccano", file_of(tmp_path / "x.jsonl", content))


def test_spans_may_overlap_where_the_kind_does(tmp_path):
    for case, expected in (("overlapping", ["Ada saw", "saw Bob"]), ("two labels", ["Ada", "Ada"])):
        path = file_of(tmp_path / "x.jsonl", IN_DOCCANO[case][0])
        assert said(read("doccano", path, "spans")[0]) == [expected]


def test_what_is_not_read_is_counted(tmp_path):
    relations = [{"id": 1, "from_id": 1, "to_id": 2, "type": "in"}]
    content = [
        ada(entities=OBJECTS, relations=relations, Comments=["?"], meta={"a": 1}),
        ada(entities=[]),
    ]
    _, reading = read("doccano", file_of(tmp_path / "x.jsonl", content))
    assert reading.unused == {"relations": 1, "Comments": 1, "meta": 1}
    assert "1 texts have an empty label" in reading.said[0]
    _, reading = read("doccano", file_of(tmp_path / "x.jsonl", IN_DOCCANO["slots"][0]))
    assert reading.unused == {"cats": 1}
    path = file_of(tmp_path / "x.jsonl", IN_DOCCANO["white space at its edges"][0])
    assert read("doccano", path)[1].trimmed == 2


CATEGORIES = {
    "label": ([ada(label=["A"]), ada(label=["B"])], [{"A": 1, "B": 0}, {"A": 0, "B": 1}]),
    "one": ([ada(label="A"), ada(labels=["A", "B"])], [{"A": 1, "B": 0}, {"A": 1, "B": 1}]),
    "cats": ([ada(cats=["A"], entities=PLACES)], [{"A": 1}]),
    "annotations": ([ada(annotations=[{"label": "A", "user": 1}])], [{"A": 1}]),
    "none, and others have": ([ada(label=[]), ada(label=["A"])], [{"A": 0}, {"A": 1}]),
    "nothing anywhere": ([ada(label=[])], "no category of it is decided"),
    "label ids": (
        [ada(annotations=[{"label": 2, "user": 1}])],
        "'annotations' holds no names of categories",
    ),
    "spans": ([ada(label=PLACES)], "'label' holds no names of categories"),
    "unlabelled": ([ada()], "it needs 'cats' or 'label'"),
}


@pytest.mark.parametrize("case", CATEGORIES)
def test_categories_of_doccano(tmp_path, case):
    content, expected = CATEGORIES[case]
    agrees(expected, "doccano", file_of(tmp_path / "x.jsonl", content), "categories")


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


MARY = "John loves Mary.\r\nHe married her."
IN_BRAT = {
    # a mark of the order of bytes, and line ends, that are characters or none
    "mark in the notes": (
        "John loves Mary.",
        ["\ufeffT1\tPER 0 4\tJohn", "T2\tPER 11 15\tMary"],
        [["John", "Mary"]],
    ),
    "mark in the text": ("\ufeffJohn ran.", ["T1\tPER 0 4\tJohn"], [["John"]]),
    "mark in the text, counted": ("\ufeffJohn ran.", ["T1\tPER 1 5\tJohn"], [["John"]]),
    "marks in both": ("\ufeffJohn ran.", ["\ufeffT1\tPER 0 4\tJohn"], [["John"]]),
    "two characters at line ends": (
        MARY,
        ["T1\tPER 0 4\tJohn", "T2\tPER 18 20\tHe"],
        [["John", "He"]],
    ),
    "one character at line ends": (
        MARY,
        ["T1\tPER 0 4\tJohn", "T2\tPER 17 19\tHe"],
        [["John", "He"]],
    ),
    "both at once": (MARY, ["T1\tPER 17 19\tHe", "T2\tPER 29 32\ther"], "a.ann:1"),
    "line ends of the notes": (
        "John ran.",
        ["T1\tPER 0 4\tJohn\r", "T2\tDO 5 8\tran\r", ""],
        [["John", "ran"]],
    ),
    # over line ends
    "a part a line": ("New\nYork", ["T1\tLOC 0 3;4 8\tNew York"], [["New\nYork"]]),
    "a blank for a line end": ("New\nYork", ["T1\tLOC 0 8\tNew York"], [["New\nYork"]]),
    "a part a line, old line ends": (
        "New\r\nYork",
        ["T1\tLOC 0 4;5 9\tNew\r York"],
        [["New\r\nYork"]],
    ),
    "parts in another order": ("New\nYork", ["T1\tLOC 4 8;0 3\tNew York"], [["New\nYork"]]),
    "words between": (
        "left and right arm",
        ["T1\tARM 0 4;15 18\tleft arm"],
        "a.ann:1: the span 'ARM' from 0 to 18",
    ),
    # what stands there
    "stale": (
        "We saw Mr Bean and Mr Pitt.",
        ["T1\tPER 10 14\tPitt"],
        "a.ann:1: the span 'PER' from 10 to 14 ('Bean'): another text",
    ),
    "a dash less": (
        "insulin-like one",
        ["T1\tGENE 0 12\tinsulin like"],
        "another text stands there",
    ),
    "one character on": (
        "Ada ran",
        ["T1\tPER 1 4\tAda"],
        "('da '): another text stands there than the file says, 'Ada'",
    ),
    "beyond the end": ("Ada", ["T1\tPER 0 9\tAda"], "its place is not within the text"),
    "no words": ("Ada ran", ["T1\tPER 0 3"], "a.ann:1: 'T1\\tPER 0 3' is no annotation of brat"),
    "blanks for tabs": ("Ada ran", ["T1 PER 0 3 Ada"], "is no annotation of brat"),
    "no label": ("Ada ran", ["T1\t0 3\tAda"], "is no annotation of brat"),
    "letters for numbers": ("Ada ran", ["T1\tPER O 3\tAda"], "is no annotation of brat"),
    "no id": ("Ada ran", ["T2\tDO 4 7\tran", "PER 0 3\tAda"], "a.ann:2"),
    "an id twice": (
        "Ada ran",
        ["T1\tPER 0 3\tAda", "T1\tDO 4 7\tran"],
        "a.ann:2: T1 is there twice",
    ),
    "nested": ("Bank of Rome", ["T1\tORG 0 12\tBank of Rome", "T2\tLOC 8 12\tRome"], "it overlaps"),
    "nothing": ("Ada ran", [""], [[]]),
    "in Devanagari": (
        "\u0930\u093e\u092e \u0917\u092f\u093e",
        ["T1\tPER 0 3\t\u0930\u093e\u092e"],
        [["\u0930\u093e\u092e"]],
    ),
}


@pytest.mark.parametrize("case", IN_BRAT)
def test_brat(tmp_path, case):
    text, notes, expected = IN_BRAT[case]
    agrees(expected, "brat", brat(tmp_path / "x", text, *notes))


def test_the_folder_of_brat(tmp_path):
    with pytest.raises(AlError, match=r"AL268.*no .ann in this folder, and 0 .txt"):
        read("brat", tmp_path)
    brat(
        tmp_path / "one",
        "Ada ran",
        "T1\tPER 0 3\tAda",
        "E1\tDO:T1",
        "A1\tNeg E1",
        "N1\tReference T1 W:1\tAda",
        "*\tEquiv T1 T1",
    )
    brat(tmp_path / "two", "Ada ran", "T1\tPER 0 3\tAda")
    (tmp_path / "two" / "a.txt").unlink()
    (tmp_path / "two" / "b.txt").write_text("Bob ran")
    brat(tmp_path / "three", "Bob ran")
    found, reading = read("brat", tmp_path)
    assert [record["where"] for record in found] == ["one/a.ann", "three/a.ann", "two/a.ann"]
    assert words(found[0]) == [("Ada", "PER")] and found[1]["spans"] == []
    assert "no a.txt beside it" in found[2]["problem"]
    assert reading.unused == {"events": 1, "attributes": 1, "normalizations": 1, "equivalences": 1}
    assert any("1 .txt have no .ann" in sentence for sentence in reading.said)
    assert any("1 .ann are empty" in sentence for sentence in reading.said)


# Doc.to_json

TOKENS = [
    (0, 4, "NNP"),
    (5, 10, "VBZ"),
    (11, 13, "IN"),
    (14, 17, "NNP"),
    (18, 25, "NNP"),
    (25, 26, "."),
]
BARE = [{"id": i, "start": start, "end": end} for i, (start, end, _) in enumerate(TOKENS)]
TAGGED = [{**token, "tag": tag} for token, (*_, tag) in zip(BARE, TOKENS)]
ANNA = {"start": 0, "end": 4, "label": "PER"}
HOMBURG = {"start": 14, "end": 25, "label": "LOC"}


def anna(**keys):
    return {"text": "Anna lives in Bad Homburg.", **keys}


IN_JSON = {
    "entities": ("entities", anna(ents=[ANNA, HOMBURG], tokens=BARE), ["Anna", "Bad Homburg"]),
    "no entities": ("entities", anna(ents=[]), []),
    "entities beside spans": ("entities", anna(ents=[ANNA], spans={"sc": [HOMBURG]}), ["Anna"]),
    "of doccano": (
        "entities",
        {"text": "EU", "label": [[0, 2, "ORG"]]},
        "x.jsonl:1: it needs 'ents', and has ['text', 'label']. Is it of doccano? Say --format doccano",
    ),
    "unlabelled": (
        "entities",
        {"text": "EU rejects German call."},
        "it needs 'ents', and has ['text']",
    ),
    "never annotated": (
        "entities",
        anna(tokens=BARE),
        "it needs 'ents', and has ['text', 'tokens']",
    ),
    "spans alone": (
        "entities",
        anna(spans={"sc": [ANNA]}),
        "it needs 'ents', and has ['text', 'spans']",
    ),
    "null": ("entities", anna(ents=None), "'ents' holds no list, but None"),
    "lists": (
        "entities",
        anna(ents=[[0, 4, "PER"]]),
        "'ents' holds [0, 4, 'PER'], which lacks one of",
    ),
    "no label": (
        "entities",
        anna(ents=[{"start": 0, "end": 4}]),
        "lacks one of: start, end, label",
    ),
    "with its words": (
        "entities",
        anna(ents=[{**ANNA, "text": "Anne"}]),
        "another text stands there",
    ),
    "spans": (
        "spans",
        anna(ents=[], tokens=BARE, spans={"sc": [ANNA, HOMBURG]}),
        ["Anna", "Bad Homburg"],
    ),
    "no spans": ("spans", anna(spans={"sc": []}), []),
    "spans of another key": (
        "spans",
        anna(spans={"ruler": [ANNA]}),
        "it needs \"spans['sc']\", and has [\"spans['ruler']\"]",
    ),
    "spans of several keys": ("spans", anna(spans={"sc": [ANNA], "ruler": [HOMBURG]}), ["Anna"]),
    "entities for spans": (
        "spans",
        anna(ents=[ANNA]),
        "it needs 'spans', and has ['text', 'ents']",
    ),
    "a list of spans": ("spans", anna(spans=[ANNA]), "it needs \"spans['sc']\""),
    "tags": ("tags", anna(ents=[], tokens=TAGGED), ["Anna", "lives", "in", "Bad", "Homburg", "."]),
    "tags, some": ("tags", anna(tokens=[TAGGED[0], {**BARE[1], "tag": ""}]), ["Anna"]),
    "no tags": ("tags", anna(tokens=BARE), "no token of it has a 'tag'"),
    "no tokens": ("tags", anna(ents=[ANNA]), "it needs 'tokens'"),
    "two tags": (
        "tags",
        anna(tokens=[TAGGED[0], {**TAGGED[0], "tag": "X"}]),
        "the same characters have two labels",
    ),
    "categories": ("categories", anna(cats={"A": 1.0, "B": 0.0}), {"A": 1, "B": 0}),
    "no categories": ("categories", anna(ents=[]), "it needs 'cats', and has ['text', 'ents']"),
    "none of them": ("categories", anna(cats={}), "no category of it is decided"),
    "scores": (
        "categories",
        anna(cats={"A": 0.93}),
        "the category 'A' has the value 0.93, which is a score",
    ),
    "a list of categories": ("categories", anna(cats=["A"]), "'cats' is ['A'] and no object"),
    "a word for a value": ("categories", anna(cats={"A": "yes"}), "has the value 'yes'"),
}


@pytest.mark.parametrize("case", IN_JSON)
def test_json(tmp_path, case):
    kind, value, expected = IN_JSON[case]
    path = file_of(tmp_path / "x.jsonl", [value])
    agrees(expected if isinstance(expected, str) else [expected], "jsonl", path, kind)


def test_json_has_tokens_and_groups(tmp_path):
    value = anna(
        ents=[ANNA], tokens=TAGGED, cats={"A": 1.0}, spans={"sc": [], "incorrect_spans": []}
    )
    path = file_of(tmp_path / "x.json", json.dumps([value, value], indent=2))
    (record, _), reading = read("jsonl", path)
    assert record["words"] == ["Anna", "lives", "in", "Bad", "Homburg", "."]
    assert record["spaces"] == [True, True, True, True, False, False]
    assert reading.unused == {"cats": 2, "spans['sc']": 2}
    (record, _), _ = read("jsonl", path, "spans", spans_key="incorrect_spans")
    assert record["spans"] == []
    value["tokens"] = [TAGGED[0], {**BARE[1], "tag": ""}]
    ((record,), _) = read("jsonl", file_of(path, [value]), "tags")
    assert record["missing"] == [(5, 10)] and "words" not in record


# One bad span costs its span, where that is asked for

LOST = {
    "beyond the end": ([[0, 3, "PER"], [15, 99, "LOC"]], ["Ada"], [(3, 20)]),
    "turned round": ([[3, 0, "PER"], [15, 19, "LOC"]], ["Rome"], [(0, 15), (19, 20)]),
    "words that stand elsewhere": (
        [[4, 7, "PER", "Bob"], [15, 19, "LOC"]],
        ["Rome"],
        [(0, 15), (19, 20)],
    ),
    "white space alone": ([[3, 4, "PER"], [15, 19, "LOC"]], ["Rome"], [(3, 4)]),
    "overlapping": ([[0, 7, "PER"], [4, 11, "PER"], [15, 19, "LOC"]], ["Rome"], [(0, 7), (4, 11)]),
    "two labels": ([[0, 3, "PER"], [0, 3, "LOC"]], [], [(0, 3)]),
    "no name": ([[0, 3, ""], [15, 19, "LOC"]], ["Rome"], [(0, 3)]),
}


@pytest.mark.parametrize("case", LOST)
def test_a_bad_span_costs_its_span(tmp_path, case):
    marks, left, missing = LOST[case]
    path = file_of(tmp_path / "x.jsonl", [ada(label=marks)])
    (record,), _ = read("doccano", path)
    assert record["problem"].endswith("--bad-spans missing")
    (record,), reading = read("doccano", path, bad_spans="missing")
    assert said([record]) == [left] and record["missing"] == missing
    assert {place for places in reading.lost.values() for place in places} == {"x.jsonl:1"}
    assert any("left out, undecided there" in remark for remark in reading.remarks())


def test_a_format_is_asked_for_what_it_holds(tmp_path):
    with pytest.raises(UsageError, match="AL266"):
        read("conll", tmp_path / "x", "categories")

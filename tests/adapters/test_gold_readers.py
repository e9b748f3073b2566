"""Formats that are read as gold, in the shapes in which people have them; wrong shapes are refused with their place."""

import json
import sys

import pytest

from spacy_al.adapters.convert_inputs import READERS, read_checked
from spacy_al.adapters.reading import Reading
from spacy_al.errors import AlError, UsageError


def read(format, path, kind="entities", **how):
    reading = Reading(kind, **how)
    return list(read_checked(READERS[format], path, reading)), reading


def words(record):
    text = record["text"]
    return [(text[mark["start"] : mark["end"]], mark["label"]) for mark in record["spans"]]


def wrong(format, path, kind="entities", **how):
    """Where, and why, for each record that is refused; the others are right."""
    found, _ = read(format, path, kind, **how)
    return {r["where"]: r["problem"] for r in found if "problem" in r}


def put(path, *values):
    path.write_text("\n".join(v if isinstance(v, str) else json.dumps(v) for v in values), "utf8")
    return path


# Label Studio


def region(start, end, label, text=None, control="label"):
    value = {"start": start, "end": end, "labels": [label], **({"text": text} if text else {})}
    return {"from_name": control, "to_name": "text", "type": "labels", "value": value}


def choice(*chosen, control="mood"):
    return {
        "from_name": control,
        "to_name": "text",
        "type": "choices",
        "value": {"choices": [*chosen]},
    }


def task(*results, text="Ada met Bob.", **more):
    annotation = {"id": 1, "result": [*results], "was_cancelled": False, "completed_by": 2}
    return {"id": 1, "data": {"text": text}, "annotations": [annotation], "predictions": [], **more}


def test_label_studio(tmp_path):
    path = tmp_path / "x.json"
    relation = {"from_id": "a", "to_id": "b", "type": "relation", "direction": "right"}
    skipped = {"id": 2, "result": [region(0, 3, "ORG")], "was_cancelled": True}
    tasks = [
        task(region(0, 3, "PER", "Ada"), relation, choice("glad")),
        task(text="Nobody."),
        task(region(3, 6, "PER", "Ada"), text="😀 Ada", predictions=[{"result": []}]),
        {**task(text="Skipped."), "annotations": [skipped], "drafts": [{"result": []}]},
    ]
    path.write_text(json.dumps(tasks, indent=2))
    found, reading = read("label-studio", path)
    assert [(r["text"], words(r)) for r in found] == [
        ("Ada met Bob.", [("Ada", "PER")]),
        ("Nobody.", []),
        # counted in UTF-16 units by an old version
        ("😀 Ada", [("Ada", "PER")]),
    ]
    assert found[0]["where"] == "x.json:2"
    unused = {"relation": 1, "choices mood": 1, "predictions": 1, "drafts": 1, "skipped": 1}
    assert reading.unused == unused
    found, _ = read("label-studio", path, "categories")
    assert [r.get("cats") for r in found] == [{"glad": 1.0}, None, None]
    # the spans of a category
    with pytest.raises(UsageError, match=r"AL330.*label, other"):
        read("label-studio", put(path, task(region(0, 3, "A"), region(4, 7, "B", control="other"))))
    [one], _ = read("label-studio", path, column="other")
    assert words(one) == [("met", "B")]
    with pytest.raises(UsageError, match="AL330"):
        read("label-studio", path, column="none")


def test_label_studio_with_several_annotators_and_a_ground_truth(tmp_path):
    one = {"id": 1, "result": [region(0, 3, "PER")]}
    other = {"id": 2, "result": [region(0, 3, "ORG")], "ground_truth": True}
    both = {**task(), "annotations": [one, other]}
    found, reading = read("label-studio", put(tmp_path / "x.json", [both]))
    assert [words(r) for r in found] == [[("Ada", "ORG")]]
    assert reading.unused == {"annotations beside a ground truth": 1}
    del other["ground_truth"]
    found, _ = read("label-studio", put(tmp_path / "x.json", [both]))
    assert [words(r) for r in found] == [[("Ada", "PER")], [("Ada", "ORG")]]


def test_label_studio_that_cannot_be_used(tmp_path):
    path = tmp_path / "x.jsonl"
    named = {**task(), "data": {"title": "a", "body": "b"}}
    lines = [
        task(region(0, 3, "PER", "Eve")),
        {"id": 1, "data": {"text": "Ada"}},
        named,
        {**task(), "annotations": [{"id": 1}]},
        task({**region(0, 3, "PER"), "value": {"start": 0, "end": 3}}),
        task(region(0, 99, "PER")),
        "{no JSON",
    ]
    problems = wrong("label-studio", put(path, *lines))
    parts = [
        "own text",
        "no 'annotations'",
        "--text-key",
        "no 'result'",
        "no label",
        "not within the text",
        "not JSON",
    ]
    assert [*problems] == [f"x.jsonl:{n}" for n in range(1, 8)]
    assert all(part in why for part, why in zip(parts, problems.values(), strict=True)), problems
    [one], _ = read(
        "label-studio",
        put(path, {**named, "annotations": [{"result": [region(0, 1, "X")]}]}),
        text_key="body",
    )
    assert words(one) == [("b", "X")]
    # a control that nobody used says nothing of its labels
    assert (
        "nothing in the file is marked"
        in wrong("label-studio", put(path, task(choice("a"))))["x.jsonl:1"]
    )


def test_label_studio_min(tmp_path):
    path = tmp_path / "x.json"
    end = {
        "annotator": 1,
        "annotation_id": 3,
        "created_at": "now",
        "updated_at": "now",
        "lead_time": 4.0,
    }
    spans = [{"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]}]
    tasks = [
        {"source": "web", "text": "Ada met Bob.", "id": 1, "label": spans, "mood": "glad", **end},
        {"source": "web", "text": "Nobody.", "id": 2, "mood": {"choices": ["sad", "cross"]}, **end},
    ]
    found, _ = read("label-studio-min", put(path, json.dumps(tasks, indent=1)))
    assert words(found[0]) == [("Ada", "PER")]
    assert "leaves out" in found[1]["problem"] and found[1]["where"] == "x.json:23"
    found, _ = read("label-studio-min", path, "categories")
    assert [r["cats"] for r in found] == [
        {"cross": 0.0, "glad": 1.0, "sad": 0.0},
        {"cross": 1.0, "glad": 0.0, "sad": 1.0},
    ]
    spans[0]["text"] = "Eve"
    assert "own text" in wrong("label-studio-min", put(path, json.dumps(tasks[:1])))["x.json:1"]


# Prodigy


def answer(**more):
    task = {"text": "Ada met Bob.", "_view_id": "ner_manual", "answer": "accept", "spans": []}
    return {key: value for key, value in {**task, **more}.items() if value is not None}


SPAN = {"start": 0, "end": 3, "label": "PER", "token_start": 0, "token_end": 0}
TOKENS = [
    {"text": t, "start": s, "end": s + len(t), "id": n, "ws": n < 1}
    for n, (t, s) in enumerate([("Ada", 0), ("met", 4), ("Bob", 8), (".", 11)])
]


def test_prodigy(tmp_path):
    path = put(
        tmp_path / "x.jsonl",
        answer(spans=[SPAN], tokens=TOKENS),
        answer(answer="reject"),
        answer(answer="ignore"),
        answer(_view_id="spans_manual", spans=[SPAN]),
        # asked with a recipe of one's own that does not name its interface
        answer(_view_id=None, spans=[SPAN], tokens=TOKENS),
    )
    found, reading = read("prodigy", path)
    assert [words(r) for r in found] == 3 * [[("Ada", "PER")]]
    assert (
        "".join(w + " " * s for w, s in zip(found[0]["words"], found[0]["spaces"]))
        == "Ada met Bob."
    )
    assert reading.unused == {"answers 'reject'": 1, "answers 'ignore'": 1}
    found, _ = read("prodigy", path, "spans")
    assert [words(r) for r in found] == 3 * [[("Ada", "PER")]]


def test_prodigy_with_one_span_and_no_word_on_how_it_was_asked(tmp_path):
    """A hand-made line is no yes or no; what is one says so, or has what a model suggested."""
    one = answer(_view_id=None, spans=[{"start": 0, "end": 3, "label": "PER"}])
    path = put(tmp_path / "x.jsonl", one, one)
    problems = wrong("prodigy", path)
    assert [*problems] == ["x.jsonl:1", "x.jsonl:2"] and "'_view_id'" in problems["x.jsonl:1"]
    for other in ([], [SPAN, {"start": 8, "end": 11, "label": "PER"}]):
        found, reading = read("prodigy", put(path, one, answer(_view_id=None, spans=other), one))
        assert words(found[0]) == [("Ada", "PER")] and "missing" not in found[0]
        assert any("whole: 2 texts with one span" in said for said in reading.said)
    suggested = [{"start": 0, "end": 3, "label": "PER", "score": 0.4}]
    for more in ({"spans": suggested}, {"_is_binary": True}, {"_view_id": "ner"}):
        found, reading = read("prodigy", put(path, {**one, **more}, answer(_view_id=None)))
        assert found[0]["missing"] == [(3, 12)] and not any("whole" in s for s in reading.said)
    found, reading = read("prodigy", put(path, {**one, "_is_binary": False}))
    assert "missing" not in found[0] and reading.said == []


def test_prodigy_tags_and_choices(tmp_path):
    tag = {**SPAN, "label": "PROPN"}
    path = put(tmp_path / "x.jsonl", answer(_view_id="pos_manual", spans=[tag], tokens=TOKENS))
    [one], _ = read("prodigy", path, "tags")
    assert words(one) == [("Ada", "PROPN")] and one["missing"] == [(4, 7), (8, 11), (11, 12)]
    options = [{"id": "A", "text": "a"}, {"id": "B", "text": "b"}]
    asked = {"_view_id": "choice", "options": options, "spans": None}
    several = {"config": {"choice_style": "multiple"}}
    path = put(
        tmp_path / "x.jsonl",
        answer(**asked, accept=["A"]),
        answer(**asked, accept=[], **several),
        answer(**asked, accept=[]),
        answer(**asked, accept=["C"]),
        answer(**asked),
    )
    found, _ = read("prodigy", path, "categories")
    assert [r["cats"] for r in found[:2]] == [{"A": 1.0, "B": 0.0}, {"A": 0.0, "B": 0.0}]
    assert [
        part
        for part, r in zip(["nothing is chosen", "'C'", "'accept'"], found[2:])
        if part in r["problem"]
    ] == ["nothing is chosen", "'C'", "'accept'"]


def test_prodigy_that_cannot_be_used(tmp_path):
    moved = [{**token, "start": int(str(token["start"])) + 1} for token in TOKENS]
    lines = [
        answer(answer=None),
        answer(answer="yes"),
        answer(text=None),
        answer(spans=None),
        answer(_view_id="image_manual"),
        answer(_view_id="choice", options=[], accept=[]),
        answer(spans=[{**SPAN, "text": "Eve"}]),
        answer(spans=[{**SPAN, "start": 4, "end": 7}], tokens=TOKENS),
        answer(tokens=moved),
        answer(spans=[{"start": 0, "end": 3}]),
        answer(_view_id="ner"),
        [1],
    ]
    problems = wrong("prodigy", put(tmp_path / "x.jsonl", *lines))
    assert [*problems] == [f"x.jsonl:{n}" for n in range(1, len(lines) + 1)], problems


# spaCy's training data


def test_training_data_of_spacy_2(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(
        "# made by hand\nimport spacy\nTRAIN_DATA = [\n"
        "    ('Ada isn\\'t here.', {'entities': [(0, 3, 'PER')]}),\n"
        '    ("Who?", {"entities": []}),\n    ("Odd", {"entities": [(0, 3)]}),\n'
        "    ('Ran', {'entities': [(0, 3, print(1))]}),\n]\nprint('never')\n"
    )
    found, _ = read("train-data", path)
    assert [words(r) for r in found[:2]] == [[("Ada", "PER")], []]
    assert [r["where"] for r in found] == [f"train.py:{n}" for n in (4, 5, 6, 7)]
    assert "(start, end, label)" in found[2]["problem"] and "no plain value" in found[3]["problem"]
    path.write_text("A = [('Ada', {'entities': []})]\nB = [('Bob', {'entities': []})]\n")
    with pytest.raises(UsageError, match=r"AL330.*A, B"):
        read("train-data", path)
    [one], _ = read("train-data", path, column="B")
    assert one["text"] == "Bob"
    path.write_text("TRAIN_DATA = [('Ada', {'entities': [(0, 3,\n")
    with pytest.raises(AlError, match=r"AL268.*:1: it is neither JSON nor Python \('\(' was never"):
        read("train-data", path)


@pytest.mark.parametrize(
    "content",
    [
        '[["Ada", {"entities": [[0, 3, "PER"]]}]]',
        '["Ada", {"entities": [[0, 3, "PER"]]}]\n["Ada", {"entities": [[0, 3, "PER"]]}]',
        '["Ada", {"entities": [[0, 3, "PER"]]}]',
        '{"text": "Ada", "entities": [[0, 3, "PER"]]}',
        '[{"text": "Ada", "entities": [{"start": 0, "end": 3, "label": "PER"}]}]',
        '{"classes": ["PER"], "annotations": [["Ada", {"entities": [[0, 3, "PER"]]}], null]}',
        '[("Ada", {"entities": [(0, 3, "PER")], "cats": {"X": 1.0}})]',
        "('Ada', {'entities': [(0, 3, 'PER')]}),",
    ],
)
def test_training_data_in_its_other_shapes(tmp_path, content):
    path = tmp_path / "x.json"
    path.write_text(content)
    found, reading = read("train-data", path)
    good = [r for r in found if "problem" not in r]
    assert good and all(words(r) == [("Ada", "PER")] for r in good)
    assert [r["problem"] for r in found if "problem" in r] == ["it is null, which is no text"] * (
        "null" in content
    )
    assert reading.unused == ({"cats": 1} if "cats" in content else {})
    if "cats" in content:
        [one], _ = read("train-data", path, "categories")
        assert one["cats"] == {"X": 1.0}
    else:
        assert all(
            "no 'cats'" in r.get("problem", "no 'cats' is null")
            for r in read("train-data", path, "categories")[0]
            if "null" not in r["problem"]
        )


def test_training_data_that_cannot_be_used(tmp_path):
    lines = [
        ["Ada"],
        ["Ada", {"entity": [[0, 3, "PER"]]}],
        ["Ada", {"entities": ["B-PER"]}],
        ["Ada", {"entities": [["0", "3", "PER"]]}],
        ["Ada", {"entities": [[0, 9, "PER"]]}],
        [3, {"entities": []}],
        {"text": "Ada"},
        ["Ada", {"entities": [[0, 3, "PER"], [0, 2, "ORG"]]}],
    ]
    problems = wrong("train-data", put(tmp_path / "x.jsonl", *lines))
    assert [*problems] == [f"x.jsonl:{n}" for n in range(1, len(lines) + 1)], problems


# Hugging Face


NAMES = ["O", "B-PER", "I-PER"]


def test_hugging_face(tmp_path):
    path = tmp_path / "train.jsonl"
    put(path, {"id": "0", "tokens": ["Ada", "Lovelace", "."], "ner_tags": [1, 2, 0]})
    with pytest.raises(UsageError, match=r"AL331.*ner_tags"):
        read("hugging-face", path)
    wanted = [("Ada Lovelace", "PER")]
    [one], _ = read("hugging-face", path, labels=tuple(NAMES))
    assert words(one) == wanted and one["words"] == ["Ada", "Lovelace", "."]
    feature = {"feature": {"names": NAMES, "_type": "ClassLabel"}, "_type": "Sequence"}
    beside = tmp_path / "dataset_info.json"
    beside.write_text(json.dumps({"features": {"ner_tags": feature}}))
    [one], reading = read("hugging-face", path)
    assert words(one) == wanted and any("dataset_info.json" in said for said in reading.said)
    beside.unlink()
    ids = {str(number): name for number, name in enumerate(NAMES)}
    (tmp_path / "config.json").write_text(json.dumps({"id2label": ids}))
    assert words(read("hugging-face", path)[0][0]) == wanted
    (tmp_path / "config.json").unlink()
    # as the data set viewer gives it
    feature = {"feature": {"names": NAMES}}
    rows = [{"row_idx": 0, "row": {"tokens": ["Ada", "Lovelace"], "ner_tags": [1, 2]}}]
    viewed = {"features": [{"name": "ner_tags", "type": feature}], "rows": rows}
    assert words(read("hugging-face", put(path, viewed))[0][0]) == wanted
    # names, and parts of speech beside them
    row = {"tokens": ["Ada", "ran"], "ner_tags": ["S-PER", "O"], "pos_tags": ["NNP", "VBD"]}
    [one], reading = read("hugging-face", put(path, row))
    assert words(one) == [("Ada", "PER")] and reading.unused == {"pos_tags": 1}
    [one], _ = read("hugging-face", path, "tags")
    assert words(one) == [("Ada", "NNP"), ("ran", "VBD")]


def test_hugging_face_categories(tmp_path):
    path = put(
        tmp_path / "x.jsonl",
        {"text": "a", "label": 1},
        {"text": "b", "label": 0},
        {"text": "c", "label": -1},
    )
    with pytest.raises(UsageError, match="AL331"):
        read("hugging-face", path, "categories")
    found, _ = read("hugging-face", path, "categories", labels=("ham", "spam"))
    assert [r.get("cats") for r in found] == [
        {"ham": 0.0, "spam": 1.0},
        {"ham": 1.0, "spam": 0.0},
        None,
    ]


def test_hugging_face_that_cannot_be_used(tmp_path):
    lines = [
        {"tokens": ["Ada", "."], "ner_tags": [1]},
        {"tokens": ["Ada"], "ner_tags": [9]},
        {"tokens": ["Ada"], "tags": [1]},
        {"tokens": "Ada", "ner_tags": [1]},
        {"tokens": ["Ada"], "ner_tags": ["B-PER"]},
        {"tokens": [""], "ner_tags": [0]},
        {"tokens": [], "ner_tags": []},
    ]
    path = put(tmp_path / "x.jsonl", *lines)
    problems = wrong("hugging-face", path, labels=tuple(NAMES), column="ner_tags")
    assert [*problems] == [f"x.jsonl:{n}" for n in range(1, len(lines) + 1)], problems
    with pytest.raises(UsageError, match=r"AL330.*ner_tags, tags"):
        read("hugging-face", path)


# Tables


def test_a_column_of_labels(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text('id,text,label\n1,"Good, very",pos\n2,"two\nlines",neg\n3,bad, \n4,a,b,c\n')
    found, _ = read("table", path, "categories")
    assert [(r["where"], r["text"], r["cats"]) for r in found[:2]] == [
        ("x.csv:2", "Good, very", {"neg": 0.0, "pos": 1.0}),
        ("x.csv:3", "two\nlines", {"neg": 1.0, "pos": 0.0}),
    ]
    assert [(r["where"], r["problem"][:12]) for r in found[2:]] == [
        ("x.csv:5", "its cell in "),
        ("x.csv:6", "it has 4 cel"),
    ]


def test_columns_of_yes_and_no(tmp_path):
    path = tmp_path / "x.tsv"
    path.write_text('comment\ttoxic\tthreat\nsay "no\t1\t0\nyes\t\t1.0\nmaybe\t\t\nno\t0\t2\n')
    with pytest.raises(UsageError, match=r"AL332.*comment, toxic, threat.*--text-key"):
        read("table", path, "categories")
    found, _ = read("table", path, "categories", text_key="comment")
    assert [r["cats"] for r in found[:2]] == [{"toxic": 1.0, "threat": 0.0}, {"threat": 1.0}]
    assert [r["where"] for r in found[2:]] == ["x.tsv:4", "x.tsv:5"] and "'2'" in found[3][
        "problem"
    ]
    found, reading = read("table", path, "categories", text_key="comment", column="toxic")
    assert found[1]["problem"] and reading.unused == {"threat": 1}


def test_tables_that_cannot_be_told(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("text;topic;author\na;b;c\nd;e;f\n")
    with pytest.raises(UsageError, match=r"AL330.*topic, author"):
        read("table", path, "categories")
    found, reading = read("table", path, "categories", column="topic")
    assert found[0]["cats"] == {"b": 1.0, "e": 0.0} and any("';'" in said for said in reading.said)
    with pytest.raises(UsageError, match="AL332"):
        read("table", path, "categories", column="none")
    path.write_text("text,label\na,0\nb,1\n")
    with pytest.raises(UsageError, match="AL331"):
        read("table", path, "categories")
    found, _ = read("table", path, "categories", labels=("ham", "spam"))
    assert found[1]["cats"] == {"ham": 0.0, "spam": 1.0}
    path.write_text("text,text\na,0\n")
    with pytest.raises(AlError, match=r"AL268.*two columns"):
        read("table", path, "categories")
    path.write_text('text,label\n"a,0\nb,1\n')
    with pytest.raises(AlError, match=r"AL268.*:2: it is not CSV"):
        read("table", path, "categories")


def test_a_workbook(tmp_path, monkeypatch):
    openpyxl = pytest.importorskip("openpyxl")
    path = tmp_path / "x.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ["text", "spam", None],
        ["Buy now", 1, None],
        [None, None, None],
        ["Hello", 0, None],
        ["Odd", 1, "more"],
    ):
        sheet.append(row)
    book.create_sheet("notes").append(["read me"])
    book.save(path)
    found, reading = read("table", path, "categories")
    assert [(r["where"], r["cats"]) for r in found[:2]] == [
        ("x.xlsx:2", {"spam": 1.0}),
        ("x.xlsx:4", {"spam": 0.0}),
    ]
    assert "3 cells" in found[2]["problem"] and reading.unused["sheet notes"] == 1
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(AlError, match=r"AL268.*a damaged one"):
        read("table", path, "categories")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(AlError, match=r"AL333.*spacy-al\[xlsx\]"):
        read("table", path, "categories")


# CoNLL-U


def unit(*rows, text=None):
    lines = [f"# text = {text}"] if text else []
    return "\n".join([*lines, *("\t".join(row) for row in rows)]) + "\n\n"


def row(number, form, upos="_", xpos="_", misc="_"):
    return [number, form, "_", upos, xpos, "_", "_", "_", "_", misc]


ZUM = [
    row("1", "Ada", "PROPN", misc="NER=B-PER"),
    row("2-3", "zum"),
    row("2", "zu", "ADP", misc="NER=O"),
    row("3", "dem", "DET", misc="NER=O"),
    row("3.1", "ging"),
    row("4", "See", "NOUN", misc="NER=O|SpaceAfter=No"),
    row("5", ".", "PUNCT", misc="NER=O"),
]


def test_conllu(tmp_path):
    path = tmp_path / "x.conllu"
    path.write_text(unit(*ZUM, text="Ada zum See."))
    [one], reading = read("conllu", path, "tags")
    assert one["text"] == "Ada zum See."
    assert words(one) == [("Ada", "PROPN"), ("See", "NOUN"), (".", "PUNCT")]
    # what is written as one word is one token, and has two tags
    assert one["missing"] == [(4, 7)]
    assert reading.unused == {"words that are analysed as several": 1, "empty nodes": 1}
    [one], _ = read("conllu", path)
    assert words(one) == [("Ada", "PER")] and one.get("missing", []) == []
    # where an entity ends is not known, if nothing is said of the next word
    open_ = [row("1", "Ada", misc="NER=B-PER"), row("2", "Byron"), row("3", "ran", misc="NER=O")]
    path.write_text(unit(*open_))
    assert "where it ends" in wrong("conllu", path)["x.conllu:1"]
    [one], _ = read("conllu", path, bad_spans="missing")
    assert words(one) == [] and one["missing"] == [(0, 3), (4, 9)]
    path.write_text(unit(row("1", "Ada", "PROPN", "NNP"), row("2", "ran", "VERB", "VBD")))
    with pytest.raises(UsageError, match=r"AL330.*upos, xpos"):
        read("conllu", path, "tags")
    [one], _ = read("conllu", path, "tags", column="xpos")
    assert words(one) == [("Ada", "NNP"), ("ran", "VBD")]
    assert "nothing is said in MISC" in wrong("conllu", path)["x.conllu:1"]


def test_conllu_that_cannot_be_used(tmp_path):
    path = tmp_path / "x.conllu"
    blocks = [
        unit(row("1", "Ada", "X"), text="Eve"),
        unit(row("1", "Ada", "X"), row("3", "ran", "X")),
        unit(row("1", "Ada", "X")[:9]),
        unit(row("x", "Ada", "X")),
        unit(row("1-2", "zum"), row("1", "zu", "X")),
    ]
    path.write_text("".join(blocks))
    assert [*wrong("conllu", path, "tags")] == [f"x.conllu:{n}" for n in (1, 4, 7, 9, 11)]


# WebAnno


HEAD = (
    "#FORMAT=WebAnno TSV 3.3\n"
    "#T_SP=de.tudarmstadt.ukp.dkpro.core.api.lexmorph.type.pos.POS|PosValue|coarseValue\n"
    "#T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value\n"
    "#T_RL=webanno.custom.Coref|type|BT_de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity\n\n\n"
)


def anno(text, *rows):
    return f"#Text={text}\n" + "".join("\t".join([*row, ""]) + "\n" for row in rows) + "\n"


def cells(number, place, word, entity="_", identifier="_"):
    return [number, place, word, "X", "_", identifier, entity, "_", "_"]


def test_webanno(tmp_path):
    path = tmp_path / "x.tsv"
    first = anno(
        "Ada Byron of Acme-Works",
        cells("1-1", "0-3", "Ada", "PER[1]"),
        cells("1-2", "4-9", "Byron", r"PER[1]|NAME\_2[2]"),
        cells("1-3", "10-12", "of"),
        cells("1-4", "13-23", "Acme-Works"),
        cells("1-4.1", "13-17", "Acme", "ORG"),
    )
    second = anno("😀 Bob ", cells("2-1", "24-26", "😀"), cells("2-2", "27-30", "Bob", "PER"))
    path.write_text(HEAD + first + second)
    found, reading = read("webanno", path, "spans")
    assert words(found[0]) == [("Ada Byron", "PER"), ("Byron", "NAME_2"), ("Acme", "ORG")]
    # places are counted in UTF-16 units
    assert words(found[1]) == [("Bob", "PER")]
    assert [r["where"] for r in found] == ["x.tsv:7", "x.tsv:14"]
    assert found[0]["words"] == ["Ada", "Byron", "of", "Acme-Works"]
    assert reading.unused["Coref (relations)"] == 1
    found, _ = read("webanno", path)
    assert "overlaps" in found[0]["problem"]
    found, _ = read("webanno", path, "tags")
    assert words(found[1]) == [("😀", "X"), ("Bob", "X")]
    with pytest.raises(UsageError, match=r"AL330.*NamedEntity\.value"):
        read("webanno", path, column="none")
    found, _ = read("webanno", path, "spans", column="identifier")
    assert [words(r) for r in found] == [[], []]
    assert any("as _, and not as *" in said for said in reading.said)
    # as it is meant: a feature without a value is a star, and what has a value in one alone is damaged
    rows = [
        cells(f"1-{n}", f"{4 * n - 4}-{4 * n - 1}", "Ada", "PER", identifier="*")
        for n in range(1, 6)
    ]
    path.write_text(HEAD + anno("Ada Ada Ada Ada Ada", *rows))
    [one], reading = read("webanno", path)
    assert words(one) == 5 * [("Ada", "PER")] and not reading.said
    path.write_text(path.read_text().replace("4-7\tAda\tX\t_\t*", "4-7\tAda\tX\t_\t_"))
    assert "different annotations" in wrong("webanno", path)["x.tsv:7"]


def test_webanno_that_cannot_be_used(tmp_path):
    path = tmp_path / "x.tsv"
    one, two = cells("1-1", "0-3", "Ada", "PER[1]"), cells("1-2", "4-9", "Byron", "PER[1]")
    three = cells("1-3", "10-12", "of", "PER[1]")
    blocks = [
        anno("Ada Byron", one),
        anno("Ada Byron", one[:-1], two),
        anno("Eva Byron", one, two),
        anno("Ada Byron of", one, cells("1-2", "4-9", "Byron"), three),
        anno("Ada Byron", one, cells("1-2", "4-9", "Byron", "ORG[1]")),
        anno("Ada Byron", one, cells("1-3", "4-9", "Byron")),
        anno("Ada Byron", cells("1-1", "0-3", "Ada", "*"), cells("1-2", "4-9", "Byron")),
    ]
    for block in blocks:
        path.write_text(HEAD + block)
        [(where, why)] = wrong("webanno", path).items()
        assert where.startswith("x.tsv:"), why
    # over two sentences
    path.write_text(HEAD + anno("Ada", one) + anno("Byron", cells("2-1", "4-9", "Byron", "PER[1]")))
    assert len(wrong("webanno", path)) == 2
    path.write_text("#FORMAT=WebAnno TSV 2\n")
    with pytest.raises(AlError, match="AL046"):
        read("webanno", path)


# What beside it is open, or of something else


OPEN = "has the tag -, so where it {} is not known"


@pytest.mark.parametrize(
    ("format", "content", "why"),
    [
        ("conll", "Ada B-PER\nByron -\nslept O\n", OPEN.format("ends")),
        ("conll", "Ada I-PER\nByron -\nslept O\n", OPEN.format("ends")),
        ("conll", "Ada -\nByron I-PER\nslept O\n\nBo I-PER\nsat O\n", OPEN.format("begins")),
        ("iob", "Ada|B-PER Byron|- slept|O\n", OPEN.format("ends")),
        (
            "hugging-face",
            '{"tokens": ["Ada", "Byron", "slept"], "ner_tags": ["B-PER", "-", "O"]}',
            OPEN.format("ends"),
        ),
        (
            "conllu",
            "1\tAda\t_\t_\t_\t_\t_\t_\t_\tNER=B-PER\n2\tByron\t_\t_\t_\t_\t_\t_\t_\tNER=-\n",
            "nothing is said of the word after it, so where it ends is not known",
        ),
    ],
)
def test_an_entity_beside_a_word_of_which_nothing_is_decided(tmp_path, format, content, why):
    path = put(tmp_path / "x", content)
    found, _ = read(format, path)
    assert why in found[0]["problem"]
    # left out alone, all of it is open, and the words beside it
    found, _ = read(format, path, bad_spans="missing")
    text = found[0]["text"]
    assert found[0]["spans"] == []
    assert [text[start:end] for start, end in found[0]["missing"]] == ["Ada", "Byron"]


def test_an_entity_that_is_closed_may_stand_beside_one(tmp_path):
    path = put(tmp_path / "x", "Ada B-PER\nByron E-PER\nmaybe -\nBo S-PER\n")
    [found], _ = read("conll", path)
    assert words(found) == [("Ada Byron", "PER"), ("Bo", "PER")]
    path = put(
        tmp_path / "x", '{"tokens": ["Ada", "maybe", "slept"], "ner_tags": ["S-PER", "-", "O"]}'
    )
    [found], _ = read("hugging-face", path)
    assert words(found) == [("Ada", "PER")] and found["missing"] == [(4, 9)]


def test_choices_of_regions_are_not_of_the_text(tmp_path):
    sure = choice("sure", control="sure")
    sure["value"] |= {"start": 0, "end": 3, "text": "Ada"}
    path = put(tmp_path / "x.json", [task(region(0, 3, "PER", "Ada"), sure)])
    assert words(read("label-studio", path)[0][0]) == [("Ada", "PER")]
    why = "nothing in the file is marked with a control of the type choices"
    assert wrong("label-studio", path, "categories") == {"x.json:1": why}
    mixed = choice("good", control="sure")
    path = put(tmp_path / "x.json", [task(mixed), task(sure, text="Ada ran.")])
    assert wrong("label-studio", path, "categories") == {
        "x.json:1": "a choice of 'sure' is about a region, and not the text"
    }


def test_regions_of_several_texts(tmp_path):
    title = {**region(0, 3, "PER", "Ada"), "to_name": "title"}
    path = put(tmp_path / "x.json", [task(region(0, 3, "PER", "Ada"), title)])
    assert wrong("label-studio", path) == {"x.json:1": "it is marked in several texts: text, title"}


def test_what_was_reviewed_in_prodigy(tmp_path):
    reviewed = {"text": "Ada ran.", "_view_id": "review", "answer": "accept", "versions": []}
    spans = [{"start": 0, "end": 3, "label": "PER"}]
    path = put(tmp_path / "x", {**reviewed, "view_id": "ner_manual", "spans": spans})
    assert words(read("prodigy", path)[0][0]) == [("Ada", "PER")]
    path = put(tmp_path / "x", {**reviewed, "view_id": "image_manual", "spans": spans})
    assert "the interface 'image_manual'" in wrong("prodigy", path)["x:1"]


@pytest.mark.parametrize(
    "cell",
    ["news#sport", "news|sport", '"news, sport"', "\"['news', 'sport']\"", '"{""choices"": []}"'],
)
def test_several_labels_in_a_cell(tmp_path, cell):
    path = put(tmp_path / "x.csv", f"text,label\nAda,news\nBo,sport\nBoth,{cell}\nC,C#")
    [(where, why)] = wrong("table", path, "categories").items()
    assert where == "x.csv:4" and "looks like several labels" in why


def test_a_tsv_with_quotes_below_a_header_without(tmp_path):
    path = put(tmp_path / "x.tsv", 'text\tlabel\n"say ""no"""\tnews\n')
    with pytest.raises(AlError, match=r"AL268.*:2: it has quotes as CSV has them"):
        read("table", path, "categories")


def test_a_list_that_is_not_there(tmp_path):
    path = put(tmp_path / "x.py", 'TRAIN = [("Ada", {"entities": [(0, 3, "PER")]})]')
    with pytest.raises(UsageError, match=r"AL330.*lists.*TRAIN"):
        read("train-data", path, column="DEV")


@pytest.mark.parametrize(
    "entity", ['{"start": 4, "end": 7, "label": "PER", "text": "Ada"}', '[4, 7, "PER", "Ada"]']
)
def test_entities_with_words_that_stand_elsewhere(tmp_path, entity):
    path = put(tmp_path / "x", f'{{"text": "Ada met Bob", "entities": [{entity}]}}')
    assert "another text stands there than the file says, 'Ada'" in wrong("train-data", path)["x:1"]
    path = put(tmp_path / "x", '{"text": "Ada met Bob", "entities": [[0, 3, "PER", "Q7259"]]}')
    assert words(read("train-data", path)[0][0]) == [("Ada", "PER")]


@pytest.mark.parametrize("cell", ["nan", "NaN", "null", "<NA>", "#N/A"])
def test_what_is_written_for_nothing_is_no_label(tmp_path, cell):
    path = put(tmp_path / "x.csv", f"text,label\nAda,news\nBo,{cell}")
    found, _ = read("table", path, "categories")
    assert found[0]["cats"] == {"news": 1.0}
    assert found[1]["problem"] == f"its cell in 'label' is '{cell}', which is written for nothing"


def test_tags_of_entities_are_not_those_of_words(tmp_path):
    path = put(tmp_path / "x", {"tokens": ["Ada", "ran"], "labels": ["B-PER", "O"]})
    assert "are tags of entities" in wrong("hugging-face", path, "tags")["x:1"]


def test_json_min_without_what_is_wanted(tmp_path):
    data, own = {"text": "a", "id": 1}, {"annotator": 1, "annotation_id": 1}
    path = put(tmp_path / "x.json", [{**data, "rating": [{"rating": 4}], **own}])
    why = "nothing in the file is marked with a control of the type labels"
    assert wrong("label-studio-min", path) == {"x.json:1": why}
    path = put(tmp_path / "x.json", [{**data, "mood": "good", "why": "so", **own}])
    with pytest.raises(UsageError, match=r"controls \(choices\).*mood, why"):
        read("label-studio-min", path, "categories")

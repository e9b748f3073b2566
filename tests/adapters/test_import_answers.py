"""What a run stores of a file: what the file says, or nothing, and then it is said why."""

import json

import pytest
import spacy
from typer.testing import CliRunner

from spacy_al.adapters.answer_files import import_
from spacy_al.adapters.prodigy import import_answers
from spacy_al.cli import app
from spacy_al.config.project import Project
from spacy_al.config.settings import Settings
from spacy_al.errors import AlError, AlWarning
from spacy_al.loop.answers import merged_answers
from spacy_al.store.store import Store
from spacy_al.tasks.task import make_task

NLP = spacy.blank("en")
TEXT = "Anna lives in Bad Homburg."
VIEWS = {
    "ner": ("entities", "ner_manual"),
    "spancat": ("spans", "spans_manual"),
    "tagger": ("tags", "pos_manual"),
    "textcat": ("categories", "choice"),
    "textcat_multilabel": ("categories", "choice"),
}


@pytest.fixture
def run(tmp_path):
    """Opens a run that asks about texts, imports a file, and gives what is stored and what is taught."""

    class Run:
        def __init__(self):
            self.result = None

        def __call__(self, content, labels, factory="ner", texts=(TEXT,), format="prodigy", **how):
            kind, view = VIEWS[factory]
            path = tmp_path / "x.jsonl"
            if isinstance(content, (str, bytes)):
                path.write_bytes(content.encode() if isinstance(content, str) else content)
            else:
                path.write_text("\n".join(map(json.dumps, content)))
            self.database = tmp_path / f"{len(list(tmp_path.iterdir()))}" / "al.db"
            self.database.parent.mkdir()
            with Store(self.database) as store:
                store.open_round(0)
                tasks = [
                    make_task(
                        NLP.make_doc(text),
                        suggestions=[],
                        component_kind=kind,
                        labels=labels,
                        meta={"round": 0, "component": "x"},
                        view_id=view,
                        exclusive=factory == "textcat",
                    )
                    for text in texts
                ]
                store.advance(0, "wait", tasks=[("train", task) for task in tasks])
                self.result = import_answers(store, path, format=format, **how)
                self.payloads = [answer.payload for answer in store.answers()]
                settings = Settings(output=self.database.parent, factory=factory, labels=labels)
                self.docs = merged_answers(store, Project(tmp_path / "x.cfg", {}, settings)).docs
            return self

        def ents(self):
            return [[(ent.text, ent.label_) for ent in doc.ents] for doc in self.docs]

    return Run()


def refused(run, why, bad="bad answer"):
    assert run.payloads == [] and why in run.result.first
    assert set(run.result.counts) == {bad}
    return run


def line(**keys):
    return {"text": TEXT, "meta": {"round": 0}, "answer": "accept", **keys}


# Offsets that count something else than characters


@pytest.mark.parametrize("format", ["prodigy", "doccano", "jsonl"])
@pytest.mark.parametrize("unit", ["UTF-16 units", "UTF-8 bytes", "characters"])
def test_offsets_in_other_units(run, format, unit):
    texts = ("😀 Anna met Bob.", "So 😀 I met Eve", TEXT)
    encoding = {"UTF-16 units": "utf-16-le", "UTF-8 bytes": "utf-8", "characters": "utf-32-le"}[
        unit
    ]
    size = len("a".encode(encoding))
    content = []
    for text, names in zip(texts, [("Anna", "Bob"), ("I", "Eve"), ("Anna",)]):
        starts = [len(text[: text.index(name)].encode(encoding)) // size for name in names]
        spans = [(start, start + len(name), "PER") for start, name in zip(starts, names)]
        objects = [dict(zip(("start", "end", "label"), span)) for span in spans]
        given = {"prodigy": line(text=text, spans=objects), "doccano": {"label": spans}}
        content.append({"text": text, **given.get(format, {"ents": objects})})
    found = run(content, ["PER"], format=format, texts=texts)
    if unit == "characters":
        assert found.ents() == [
            [("Anna", "PER"), ("Bob", "PER")],
            [("I", "PER"), ("Eve", "PER")],
            [("Anna", "PER")],
        ]
    else:
        assert found.ents() == [[("Anna", "PER")]] and found.result.counts["bad answer"] == 2
        assert found.result.first.startswith("x.jsonl:1: ")
        assert f"its offsets fit when counted in {unit}, not in characters" in found.result.first
        assert "Convert them to characters" in found.result.first
    # what is not taken as an answer has no spans that could be wrong
    if format == "prodigy":
        ignored = [{**one, "answer": "ignore"} for one in content]
        assert len(run(ignored, ["PER"], texts=texts).payloads) == 3


# Formats, one of each from file to corpus


def test_doccano_with_label_ids(run):
    span = {"label": 7, "start_offset": 0, "end_offset": 4, "user": 1}
    content = [{"id": 15, "text": TEXT, "annotations": [span], "meta": {}}]
    refused(
        run(content, ["PER"], format="doccano"),
        "the labels in 'annotations' are numbers, such as 7",
    )


def test_doccano_called_jsonl(run):
    content = [{"text": TEXT, "label": [[0, 4, "PER"]]}]
    refused(run(content, ["PER"], format="jsonl"), "x.jsonl:1: it needs 'ents'")
    assert run(content, ["PER"], format="doccano").ents() == [[("Anna", "PER")]]


@pytest.mark.parametrize("factory", ["ner", "spancat", "tagger", "textcat"])
def test_texts_without_labels(run, factory):
    refused(run([{"text": TEXT}], ["A", "B"], factory, format="jsonl"), "it needs")


def test_the_part_of_the_component(run):
    doc = NLP.make_doc(TEXT)
    for token, tag in zip(doc, ("NNP", "VBZ", "IN", "NNP", "NNP", ".")):
        token.tag_ = tag
    doc.set_ents([], default="outside")
    doc.spans["sc"] = [doc.char_span(0, 4, "PER"), doc.char_span(14, 25, "LOC")]
    doc.spans["ruler"] = [doc.char_span(18, 25, "LOC")]
    content = [doc.to_json()]
    found = run(content, ["LOC", "PER"], "spancat", format="jsonl").docs[0].spans["sc"]
    assert [(span.text, span.label_) for span in found] == [("Anna", "PER"), ("Bad Homburg", "LOC")]
    assert run.result.reading.unused == {"spans['ruler']": 1}
    labels = ["NNP", "VBZ", "IN", "."]
    (tagged,) = run(content, labels, "tagger", format="jsonl").docs
    assert [token.tag_ for token in tagged] == [token.tag_ for token in doc]
    (empty,) = run(content, ["PER"], format="jsonl").docs
    assert [token.ent_iob_ for token in empty] == ["O"] * 6
    refused(run(content, ["A", "B"], "textcat", format="jsonl"), "it needs 'cats'")


def test_another_key_of_spans(run):
    doc = NLP.make_doc(TEXT)
    doc.spans["mine"] = [doc.char_span(0, 4, "PER")]
    refused(run([doc.to_json()], ["PER"], "spancat", format="jsonl"), "spans['sc']")
    run([doc.to_json()], ["PER"], "spancat", format="jsonl", spans_key="mine")
    assert run.payloads[0]["spans"][0]["label"] == "PER"


def test_tags_some_of_which_are_known(run):
    doc = NLP.make_doc(TEXT)
    doc[0].tag_ = "NNP"
    (tagged,) = run([doc.to_json()], ["NNP"], "tagger", format="jsonl").docs
    assert [token.tag_ for token in tagged] == ["NNP", "", "", "", "", ""]
    assert run.payloads[0]["asked"] == [0]


# Several records of one text


def doccano(*labels, **keys):
    return [{"text": TEXT, "label": marks, **keys} for marks in labels]


PER, LOC = [0, 4, "PER"], [14, 25, "LOC"]
TWICE = {
    "different": (doccano([PER], [LOC]), {"contradiction": 2}),
    "a span more": (doccano([PER], [PER, LOC]), {"contradiction": 2}),
    "another label": (doccano([PER], [[0, 4, "LOC"]]), {"contradiction": 2}),
    "nothing, and something": (doccano([], [PER]), {"contradiction": 2}),
    "three, and two agree": (doccano([PER], [LOC], [PER]), {"contradiction": 3}),
    "the same": (doccano([PER], [PER]), {"stored": 1, "repeated": 1}),
    "the same in another order": (
        doccano([PER, LOC], [LOC, PER]),
        {"stored": 1, "repeated": 1},
    ),
    "two people": (
        [*doccano([PER], username="ada"), *doccano([LOC], username="bob")],
        {"stored": 2},
    ),
    "one of two people twice": (
        [*doccano([PER], [LOC], username="ada"), *doccano([LOC], username="bob")],
        {"contradiction": 2, "stored": 1},
    ),
}


@pytest.mark.parametrize("case", TWICE)
def test_a_text_that_is_there_twice(run, case):
    content, counts = TWICE[case]
    result = run(content, ["PER", "LOC"], format="doccano").result
    assert result.counts == counts
    assert bool(result.contradictions) == ("contradiction" in counts)
    if result.contradictions:
        assert "x.jsonl:1 and x.jsonl:2" in result.first
        assert "x.jsonl:1 and x.jsonl:2" in result.remarks()[-1]


def test_all_that_was_read_adds_up(run, tmp_path):
    other = {"text": "Nobody asked.", "label": []}
    content = [*doccano([PER], [PER]), other, {"text": TEXT}]
    said = "4 read: 1 stored, 1 repeated, 2 left out (1 unknown task, 1 bad answer)"
    assert str(run(content, ["PER"], format="doccano").result) == said
    with Store(run.database) as store, pytest.warns(AlWarning, match="2 of 4 answers.*out: 1 "):
        again = import_(store, tmp_path / "x.jsonl", format="doccano")
    assert str(again).startswith("4 read: 2 already there, 2 left out")


def test_what_nobody_has_labelled_or_the_run_has_not_asked_so(run, tmp_path):
    tasks = json.dumps([{"id": 1, "data": {"text": TEXT}, "annotations": []}])
    run(tasks, ["PER"], format="label-studio")
    with (
        Store(run.database) as store,
        pytest.raises(
            AlError, match=r"AL119.*nothing is labelled in it, not read: 1 tasks without"
        ),
    ):
        import_(store, tmp_path / "x.jsonl", format="label-studio")
    yes = line(spans=[{"start": 0, "end": 4, "label": "PER"}], _view_id="ner")
    refused(run([yes], ["PER"]), "round 0 did not ask a yes or no ('ner')", "unknown task")


def test_a_mark_between_documents_may_have_columns_of_its_own(run):
    lines = "-DOCSTART- -X- O\n\nAda\tB-PER\nran\tO\n"
    found = run(lines, ["PER"], texts=["Ada ran"], format="conll")
    assert found.ents() == [[("Ada", "PER")]] and found.result.counts == {"stored": 1}


def test_words_apart_by_other_blanks_are_one_text(run):
    result = run("Ada B-PER\n\nAda O\n", ["PER"], texts=["Ada"], format="conll").result
    assert result.counts == {"contradiction": 2} and "x.jsonl:1 and x.jsonl:3" in result.first


def manual(marks, **keys):
    spans = [{"start": start, "end": end, "label": label} for start, end, label in marks]
    return line(spans=spans, **keys)


PRODIGY = {
    "no times": ([manual([PER]), manual([LOC])], {"contradiction": 2}, None),
    "one time": ([manual([PER], _timestamp=5), manual([LOC])], {"contradiction": 2}, None),
    "the same time": (
        [manual([PER], _timestamp=5), manual([LOC], _timestamp=5)],
        {"contradiction": 2},
        None,
    ),
    "corrected": (
        [manual([PER], _timestamp=5), manual([LOC], _timestamp=6)],
        {"stored": 2},
        "Bad Homburg",
    ),
    "corrected, the later first": (
        [manual([PER], _timestamp=6), manual([LOC], _timestamp=5)],
        {"stored": 2},
        "Anna",
    ),
    "taken back": (
        [manual([PER], _timestamp=5), manual([LOC], _timestamp=6), manual([PER], _timestamp=7)],
        {"stored": 3},
        "Anna",
    ),
    "a later session": (
        [
            manual([PER], _session_id="2024-02-06_10-17-19", _timestamp=5),
            manual([LOC], _session_id="2024-02-07_08-00-00", _timestamp=5),
        ],
        {"stored": 2},
        "Bad Homburg",
    ),
    "verdicts": ([manual([PER]), manual([PER], answer="reject")], {"contradiction": 2}, None),
    "times that are none": (
        [manual([PER], _timestamp="5"), manual([LOC], _timestamp="6")],
        {"contradiction": 2},
        None,
    ),
    "sessions": (
        [manual([PER], _session_id="a"), manual([LOC], _session_id="b")],
        {"stored": 2},
        None,
    ),
}


@pytest.mark.parametrize("case", PRODIGY)
def test_a_task_that_is_answered_twice(run, case):
    content, counts, word = PRODIGY[case]
    assert run(content, ["PER", "LOC"]).result.counts == counts
    if word:
        assert [text for ((text, _),) in run.ents()] == [word]


# From file to file: (time or None, what is marked, what becomes of it), and what is in force at the end
FILES = {
    "in time": ([(5, PER, "stored"), (6, LOC, "stored")], "Bad Homburg"),
    "the later first": ([(6, PER, "stored"), (5, LOC, "superseded")], "Anna"),
    "the same, the later first": ([(6, PER, "stored"), (5, PER, "already there")], "Anna"),
    "the last file again": (
        [(6, PER, "stored"), (5, LOC, "superseded"), (6, PER, "already there")],
        "Anna",
    ),
    "back again": ([(5, PER, "stored"), (6, LOC, "stored"), (7, PER, "stored")], "Anna"),
    "between": ([(5, PER, "stored"), (9, LOC, "stored"), (7, PER, "already there")], "Bad Homburg"),
    "at one time": ([(5, PER, "stored"), (5, LOC, "stored")], "Bad Homburg"),
    "no times": ([(None, PER, "stored"), (None, LOC, "stored")], "Bad Homburg"),
    "no times, again": (
        [(None, PER, "stored"), (None, LOC, "stored"), (None, PER, "already there")],
        "Bad Homburg",
    ),
    "a time after none": ([(None, PER, "stored"), (5, LOC, "stored")], "Bad Homburg"),
    "none after a time": ([(5, PER, "stored"), (None, LOC, "stored")], "Bad Homburg"),
    "a time, none, a later time": (
        [(5, PER, "stored"), (None, LOC, "stored"), (6, PER, "stored")],
        "Anna",
    ),
    "a time, none, an earlier time": (
        [(5, PER, "stored"), (None, LOC, "stored"), (4, LOC, "superseded")],
        "Bad Homburg",
    ),
}


@pytest.mark.parametrize("case", FILES)
def test_one_annotator_in_several_files(run, tmp_path, case):
    files, word = FILES[case]
    run([], ["PER", "LOC"])
    with Store(run.database) as store:
        for at, mark, outcome in files:
            path = tmp_path / "file.jsonl"
            time = {} if at is None else {"_timestamp": at}
            path.write_text(json.dumps(manual([mark], **time)))
            result = import_(store, path)
            assert result.counts == {outcome: 1}
            older = outcome == "superseded"
            assert older == any("said since" in one for one in result.remarks())
        (answer,) = store.answers()
        (span,) = answer.payload["spans"]
        assert TEXT[span["start"] : span["end"]] == word


# Prodigy's spans


def span(start, end, label="PER", **keys):
    return {"start": start, "end": end, "label": label, **keys}


OWN_TOKENS = [{"id": 0, "start": 0, "end": 4, "text": "Anna"}, {"id": 1, "start": 5, "end": 10}]
SPANS = {
    "another text": (
        [span(11, 13, text="Anna", token_start=0, token_end=0)],
        "its tokens 0 to 0 are at 0 to 4",
    ),
    "another text alone": (
        [span(11, 13, text="Anna")],
        "another text stands there than the file says, 'Anna'",
    ),
    "other tokens": ([span(0, 4, token_start=1, token_end=1)], "its tokens 1 to 1 are at 5 to 10"),
    "an end that is exclusive": (
        [span(0, 4, token_start=0, token_end=1)],
        "its tokens 0 to 1 are at 0 to 10",
    ),
    "tokens that are none": ([span(0, 4, token_start=99, token_end=99)], "are at nowhere"),
    "tokens turned round": ([span(0, 4, token_start=1, token_end=0)], "are at nowhere"),
    "half of its tokens": ([span(0, 4, token_start=0)], "its tokens 0 to None are at nowhere"),
    "in tokens alone": ([{"token_start": 3, "token_end": 4, "label": "LOC"}], ["Bad Homburg"]),
    "in characters alone": ([span(14, 25, "LOC")], ["Bad Homburg"]),
    "in all": (
        [span(14, 25, "LOC", text="Bad Homburg", token_start=3, token_end=4)],
        ["Bad Homburg"],
    ),
    "within a token": ([span(0, 2)], "('An'): it does not begin and end with a token"),
    "white space at its edges": ([span(0, 5), span(13, 25, "LOC")], ["Anna", "Bad Homburg"]),
    "white space alone": ([span(4, 5)], "it is white space alone"),
    "beyond the end": ([span(0, 99)], "its place is not within the text"),
    "overlapping": ([span(0, 4), span(0, 10)], "it overlaps another span"),
    "a label that was not shown": ([span(0, 4, "CITY")], "its label was not shown"),
    "no label": ([{"start": 0, "end": 4}], "its label is not a name"),
}


@pytest.mark.parametrize("case", SPANS)
def test_a_span_of_prodigy(run, case):
    spans, expected = SPANS[case]
    run([line(spans=spans)], ["PER", "LOC"])
    if isinstance(expected, str):
        refused(run, expected)
    else:
        assert [[text for text, _ in ents] for ents in run.ents()] == [expected]


def test_spans_on_tokens_of_their_own(run):
    own = [{"id": 0, "start": 0, "end": 10}, {"id": 1, "start": 11, "end": 25}]
    marked = span(0, 10, token_start=0, token_end=0)
    assert run([line(tokens=own, spans=[marked])], ["PER"]).ents() == [[("Anna lives", "PER")]]
    alone = {"token_start": 0, "token_end": 0, "label": "PER"}
    assert run([line(tokens=own, spans=[alone])], ["PER"]).ents() == [[("Anna lives", "PER")]]
    marked = span(0, 4, token_start=0, token_end=0)
    refused(run([line(tokens=own, spans=[marked])], ["PER"]), "its tokens 0 to 0 are at 0 to 10")


@pytest.mark.parametrize("factory", ["ner", "spancat", "tagger"])
def test_accepted_without_spans(run, factory):
    refused(
        run([line()], ["PER"], factory), "it is accepted without a 'spans', and has ['text', 'meta'"
    )
    refused(run([line(spanz=[span(0, 4)])], ["PER"], factory), "'spanz'")
    assert run([line(spans=[])], ["PER"], factory).result.counts == {"stored": 1}
    assert run([line(answer="ignore")], ["PER"], factory).result.counts == {"stored": 1}


def test_a_yes_to_one_span_is_no_answer_about_a_text(run):
    taught = span(0, 4, score=0.5, rank=0, source="x")
    for keys in ({"spans": [taught]}, {"spans": [span(0, 4)], "_is_binary": True}):
        for answer in ("accept", "reject"):
            content = [line(**keys, answer=answer)]
            refused(run(content, ["PER"]), "it is a yes or no to one span")
    content = [line(spans=[taught], _view_id="ner")]
    refused(run(content, ["PER"]), "round 0 did not ask", "unknown task")


def test_an_array_of_prodigy(run):
    content = json.dumps([line(spans=[span(0, 4)])], indent=2)
    assert run(content, ["PER"]).ents() == [[("Anna", "PER")]]
    assert run("\ufeff" + content, ["PER"]).ents() == [[("Anna", "PER")]]
    assert run(content.encode("utf-16"), ["PER"]).ents() == [[("Anna", "PER")]]


# Prodigy's categories

LABELS = ["BUG", "DOCUMENTATION", "OTHER"]
OPTIONS = [{"id": "BUG", "text": "a bug"}, {"id": "OTHER", "text": "something else"}]
YES, NO = {"answer": "accept"}, {"answer": "reject"}
MULTI = {
    "yes": ([{"label": "DOCUMENTATION", **YES}], {"DOCUMENTATION": 1}),
    "no": ([{"label": "DOCUMENTATION", **NO}], {"DOCUMENTATION": 0}),
    "yes, as Prodigy shows it": (
        [{"label": "BUG", "_view_id": "classification", **YES}],
        {"BUG": 1},
    ),
    "one after another": (
        [
            {"label": "BUG", **YES},
            {"label": "OTHER", **NO},
            {"label": "DOCUMENTATION", "answer": "ignore"},
        ],
        {"BUG": 1, "OTHER": 0},
    ),
    "two of them": ([{"label": "BUG", **YES}, {"label": "OTHER", **YES}], {"BUG": 1, "OTHER": 1}),
    "corrected": (
        [{"label": "BUG", "_timestamp": 5, **YES}, {"label": "BUG", "_timestamp": 6, **NO}],
        {"BUG": 0},
    ),
    "yes and no": ([{"label": "BUG", **YES}, {"label": "BUG", **NO}], "contradiction"),
    "a label that was not shown": ([{"label": "SPAM", **YES}], "'SPAM' was not shown"),
    "choice": ([{"accept": ["BUG"], **YES}], {"BUG": 1, "DOCUMENTATION": 0, "OTHER": 0}),
    "choice of some": ([{"options": OPTIONS, "accept": ["BUG"], **YES}], {"BUG": 1, "OTHER": 0}),
    "choice of some, none taken": (
        [{"options": OPTIONS, "accept": [], **YES}],
        {"BUG": 0, "OTHER": 0},
    ),
    "choice of others": (
        [{"options": [{"id": "X"}], "accept": ["X"], **YES}],
        "none of its options was shown",
    ),
    "more than the choice": (
        [{"options": OPTIONS, "accept": ["DOCUMENTATION"], **YES}],
        "was not shown",
    ),
    "nothing that was accepted": ([{**YES}], "it is accepted without a 'accept' or 'label'"),
    "options, and no choice": ([{"options": OPTIONS, **YES}], "it is accepted without a 'accept'"),
    "options that are none": (
        [{"options": ["BUG"], "accept": ["BUG"], **YES}],
        "its 'options' are ['BUG']",
    ),
    "yes to one, and another is chosen": (
        [{"label": "BUG", "accept": ["OTHER"], **YES}],
        "its 'label' is 'BUG', its 'accept' ['OTHER']",
    ),
    "yes to one, and nothing is chosen": (
        [{"label": "BUG", "accept": [], **YES}],
        "its 'accept' []",
    ),
    "yes to one, which is chosen too": (
        [{"label": "BUG", "accept": ["BUG"], **YES}],
        {"BUG": 1, "DOCUMENTATION": 0, "OTHER": 0},
    ),
    "a label that the source had, and a choice": (
        [{"label": "BUG", "options": OPTIONS, "accept": ["OTHER"], **YES}],
        {"BUG": 0, "OTHER": 1},
    ),
    "another verdict": ([{"label": "BUG", "answer": "yes"}], "its 'answer' is 'yes'"),
    "a number of a label": ([{"label": 3, **YES}], "it is accepted without a 'accept'"),
}
ONE = {
    "yes": ([{"label": "BUG", **YES}], {"BUG": 1, "DOCUMENTATION": 0, "OTHER": 0}),
    "no": ([{"label": "BUG", **NO}], None),
    "yes, and no to another": (
        [{"label": "BUG", **YES}, {"label": "OTHER", **NO}],
        {"BUG": 1, "DOCUMENTATION": 0, "OTHER": 0},
    ),
    "no to two": ([{"label": "BUG", **NO}, {"label": "OTHER", **NO}], None),
    "two of them": ([{"label": "BUG", **YES}, {"label": "OTHER", **YES}], "contradiction"),
}


@pytest.mark.parametrize(
    "factory, case",
    [("textcat_multilabel", case) for case in MULTI] + [("textcat", case) for case in ONE],
)
def test_categories_of_prodigy(run, factory, case):
    content, expected = (MULTI if factory == "textcat_multilabel" else ONE)[case]
    run([{"text": TEXT, "meta": {"round": 0}, **keys} for keys in content], LABELS, factory)
    if expected == "contradiction":
        assert run.payloads == [] and run.result.counts == {expected: len(content)}
    elif isinstance(expected, str):
        refused(run, expected)
    else:
        assert [doc.cats for doc in run.docs] == ([] if expected is None else [expected])
    assert run.result.counts.total() == len(content)


def test_categories_that_a_file_does_not_decide(run):
    content = [{"text": TEXT, "cats": {"BUG": 1.0, "OTHER": 0.0}}]
    run(content, LABELS, "textcat_multilabel", format="jsonl")
    assert run.docs[0].cats == {"BUG": 1, "OTHER": 0} and run.payloads[0]["labels"] == [
        "BUG",
        "OTHER",
    ]
    run(content, LABELS, "textcat", format="jsonl")
    assert run.docs[0].cats == {"BUG": 1, "DOCUMENTATION": 0, "OTHER": 0}
    none = [{"text": TEXT, "cats": {"BUG": 0.0}}]
    refused(run(none, LABELS, "textcat", format="jsonl"), "no category of it is chosen")
    other = [{"text": TEXT, "cats": {"SPAM": 0.0}}]
    refused(
        run(other, LABELS, "textcat_multilabel", format="jsonl"), "none of its categories was shown"
    )
    other = [{"text": TEXT, "cats": {"SPAM": 1.0, "BUG": 1.0}}]
    refused(run(other, LABELS, "textcat_multilabel", format="jsonl"), "'SPAM' was not shown")


# A bad span costs its text, or itself alone

BAD = {
    "within a token": [[0, 2, "PER"], LOC],
    "a label that was not shown": [[0, 4, "CITY"], LOC],
    "over half of a token": [[0, 7, "PER"], LOC],
    "white space alone": [[4, 5, "PER"], LOC],
}


@pytest.mark.parametrize("case", BAD)
def test_bad_spans(run, case):
    content = doccano(BAD[case])
    refused(run(content, ["PER", "LOC"], format="doccano"), "--bad-spans missing")
    (doc,) = run(content, ["PER", "LOC"], format="doccano", bad_spans="missing").docs
    assert run.ents() == [[("Bad Homburg", "LOC")]]
    tokens = {"over half of a token": 2, "white space alone": 0}.get(case, 1)
    assert [token.ent_iob_ for token in doc] == [""] * tokens + ["O"] * (3 - tokens) + [
        "B",
        "I",
        "O",
    ]
    (places,) = run.result.reading.lost.values()
    assert places == ["x.jsonl:1"]


def test_bad_spans_of_prodigy(run):
    content = [manual([[0, 2, "PER"], LOC])]
    refused(run(content, ["PER", "LOC"]), "--bad-spans missing")
    (doc,) = run(content, ["PER", "LOC"], bad_spans="missing").docs
    assert [token.ent_iob_ for token in doc] == ["", "O", "O", "B", "I", "O"]


def test_bad_spans_where_nothing_can_be_missing(run):
    content = doccano([[0, 2, "PER"], LOC])
    run(content, ["PER", "LOC"], "spancat", format="doccano", bad_spans="missing")
    refused(run, "a span categoriser takes what is undecided for wrong")


def test_a_span_in_no_known_place_decides_nothing_but_the_others(run):
    content = doccano([[0, 4, "PER", "Otto"], [*LOC, "Bad Homburg"]])
    (doc,) = run(content, ["PER", "LOC"], format="doccano", bad_spans="missing").docs
    assert [token.ent_iob_ for token in doc] == ["", "", "", "B", "I", ""]
    content = doccano([[0, 4, "PER", "Otto"]])
    run(content, ["PER", "LOC"], format="doccano", bad_spans="missing")
    refused(run, "nothing of it is decided")


def test_line_ends_of_the_file_and_of_the_run(run):
    """The run read the text with one character at a line end; the file counts two."""
    text = "Anna left.\nBob stayed."
    content = [{"text": text.replace("\n", "\r\n"), "label": [[12, 15, "PER"]]}]
    assert run(content, ["PER"], texts=[text], format="doccano").ents() == [[("Bob", "PER")]]


def test_texts_that_were_not_asked_are_offered_to_convert(run):
    content = [*doccano([PER]), {"text": "another", "label": []}]
    remarks = run(content, ["PER"], format="doccano").result.remarks()
    assert any(
        "Never asked: 1 text of it." in remark and " convert " in remark for remark in remarks
    )


# The command


@pytest.fixture
def project(run, tmp_path):
    run(doccano([PER]), ["PER", "LOC"], texts=[TEXT, "FC Bonn"])
    config = tmp_path / "x.cfg"
    output = json.dumps(str(run.database.parent))
    config.write_text(f'[nlp]\nlang = "en"\npipeline = []\n[al]\noutput = {output}\n')
    return config


def typed(*words):
    return CliRunner().invoke(app, ["import", *map(str, words)])


def test_the_command_says_what_it_saw(project, tmp_path):
    path = tmp_path / "y.jsonl"
    path.write_text(
        json.dumps(
            {
                "text": TEXT,
                "label": [[0, 5, "PER"], [14, 17, "LOC"], [18, 20, "LOC"]],
                "Comments": ["\x1b[31m"],
            }
        )
    )
    done = typed(project, path, "--format", "doccano")
    assert done.exit_code == 1 and "AL119" in done.stderr and "--bad-spans missing" in done.stderr
    done = typed(project, path, "--format", "doccano", "--bad-spans", "missing")
    assert done.exit_code == 0 and "1 stored" in done.stderr
    for remark in (
        "Not read: 1 Comments.",
        "White space at an edge was cut off of 1 span",
        "1 span left out, undecided there: it does not begin and end with a token of the task (y.jsonl:1)",
    ):
        assert remark in done.stderr
    assert typed(project, path, "--format", "doccano", "--bad-spans", "guess").exit_code == 2


def test_the_command_takes_a_column(project, tmp_path):
    path = tmp_path / "y.conll"
    path.write_text("1 FC B-PER O\n2 Bonn I-PER B-LOC\n")
    done = typed(project, path, "--format", "conll")
    assert done.exit_code == 2 and "AL269" in done.stderr
    done = typed(project, path, "--format", "conll", "--column", "4")
    assert done.exit_code == 0 and "The tags of y.conll are in IOB2." in done.stderr
    with Store(next(tmp_path.glob("*/al.db"))) as store:
        (answer,) = store.answers()
        assert [one["label"] for one in answer.payload["spans"]] == ["LOC"]


def test_contradictions_are_a_warning(run, tmp_path):
    run([], ["PER", "LOC"], texts=[TEXT, "Bob"])
    path = tmp_path / "y.jsonl"
    lines = [*doccano([PER], [LOC]), {"text": "Bob", "label": []}]
    path.write_text("\n".join(map(json.dumps, lines)))
    with Store(run.database) as store:
        with pytest.warns(AlWarning, match=r"ALW110.*2 of 3.*2 contradiction.*y\.jsonl:1 and"):
            import_(store, path, format="doccano")
        path.write_text("\n".join(map(json.dumps, doccano([PER], [LOC]))))
        with pytest.raises(AlError, match=r"AL119.*2 contradiction"):
            import_(store, path, format="doccano")

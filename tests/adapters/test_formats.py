"""What goes out to other tools comes back the same, to the character, and nothing else comes in."""

import json
import shutil
from itertools import compress
from typing import Any

import pytest
import spacy
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span
from spacy.training.converters import conll_ner_to_docs, iob_to_docs
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_al.adapters.formats import (
    FORMATS,
    WRITTEN,
    onto,
    read_format,
    record_of,
    squeezed,
    write_format,
)
from spacy_al.adapters.label_studio.regions import utf16_places
from spacy_al.adapters.offset_units import offset_doubts
from spacy_al.adapters.prodigy import import_answers
from spacy_al.adapters.reading import Reading
from spacy_al.cli import app
from spacy_al.cli.export import ExportFormat
from spacy_al.cli.import_ import ImportFormat
from spacy_al.config.project import Project
from spacy_al.config.settings import Settings
from spacy_al.errors import AlWarning, UsageError
from spacy_al.loop.answers import merged_answers
from spacy_al.loop.export import export
from spacy_al.store.annotators import annotators
from spacy_al.store.store import Store
from spacy_al.tasks.answer import check
from spacy_al.tasks.task import make_task
from tests.helpers.labelled_files import MARKED, UNPLACED, comes_back

NLP = spacy.blank("xx")
WORD = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)
ODD = st.sampled_from(
    ["\n", " ", "\r\n", "\u2028", "é", "e\u0301", "😀", "👩‍🔬", "|", "\t", "T1", "-", '"']
)
LABEL = st.text(st.characters(exclude_categories=["Cs", "Z", "C"]), min_size=1, max_size=4)


@st.composite
def docs(draw, kind):
    words = draw(st.lists(WORD | ODD, min_size=1, max_size=8))
    doc = Doc(
        NLP.vocab,
        words=words,
        spaces=draw(st.lists(st.booleans(), min_size=len(words), max_size=len(words))),
    )
    n = len(doc)
    if kind == "categories":
        doc.cats = draw(st.dictionaries(LABEL, st.sampled_from([0.0, 1.0]), max_size=3))
    elif kind == "tags":
        for token in doc:
            token.tag_ = draw(LABEL)
    else:
        marks = draw(
            st.sets(st.tuples(st.integers(0, n - 1), st.integers(1, 3), LABEL), max_size=5)
        )
        spans = [Span(doc, i, min(i + k, n), label) for i, k, label in sorted(marks)]
        if kind == "spans":
            doc.spans["sc"] = spans
        else:
            doc.set_ents(spacy.util.filter_spans(spans), default="outside")
    return doc


def trimmed(record, strip=None):
    """A record as it is without such characters at either end of its spans."""
    found = []
    for span in record["spans"]:
        words = record["text"][span["start"] : span["end"]]
        start = span["start"] + len(words) - len(words.lstrip(strip))
        end = start + len(words.strip(strip))
        if start < end:
            found.append({**span, "start": start, "end": end})
    return {**record, "spans": found}


def plain(record):
    """What a record says, however it says it."""
    if "problem" in record:
        return {"problem": True}
    if "cats" in record or "accept" in record:
        cats = record.get("cats") or dict.fromkeys(record.get("accept"), 1)
        return {"text": record["text"], "accept": {label for label in cats if cats[label]}}
    marks = {(mark["start"], mark["end"], mark["label"]) for mark in record["spans"]}
    return {"text": record["text"], "spans": marks}


def fits(name, kind, doc):
    """Whether a format has this text at all."""
    odd = "\0" in doc.text or doc.text.startswith("\ufeff")
    if kind == "categories":
        return bool(doc.cats) and not (name == "superannotate" and odd)
    if name in ("conll", "iob"):
        words = ["".join(token.text.split()) for token in doc]
        odd = "\0" in doc.text or any(word.startswith("\ufeff") for word in words)
        tags = "".join(ent.label_ for ent in doc.ents)
        return any(words) and not odd and not (name == "iob" and "|" in doc.text + tags)
    if name in UNPLACED:
        ends = [span["end"] for span in record_of(doc, kind)["spans"]]
        plain = all(ord(character) <= 0xFFFF for character in doc.text[: max(ends, default=0)])
        return plain and not (name == "superannotate" and odd)
    return not (name == "brat" and odd)


def reads_two_ways(record):
    """Whether all spans have the same words when they are counted in UTF-16 units, some of them at another place."""
    text, places = record["text"], utf16_places(record["text"])
    both = [
        ((m["start"], m["end"]), (places.get(m["start"]), places.get(m["end"])))
        for m in record["spans"]
    ]
    same = all(
        None not in other and text[slice(*one)] == text[slice(*other)] for one, other in both
    )
    return same and any(one != other for one, other in both)


CASES = [(name, kind) for name in WRITTEN for kind in FORMATS[name].kinds]
QUICK = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.slow
@pytest.mark.parametrize("name, kind", CASES)
def test_the_round_trip_is_the_identity(tmp_path, name, kind):
    path = tmp_path / f"x{FORMATS[name].suffix}"

    @QUICK
    @given(st.lists(docs(kind), min_size=1, max_size=3))
    def there_and_back(given_docs):
        if path.is_dir():
            shutil.rmtree(path)
        # of parts of words, which chance puts on whole ones by another count, nobody can tell what they count
        records = [record_of(doc, kind) for doc in given_docs]
        assume(not offset_doubts(records))
        # of Scale's files nobody knows what they count, and such a span is refused
        is_marked = name == "scale" and kind != "categories"
        assume(not (is_marked and any(map(reads_two_ways, records))))
        report = write_format(name, given_docs, path, kind=kind)
        kept = [doc for doc in given_docs if fits(name, kind, doc)]
        if name == "labelbox":
            # the first of each text
            texts = [doc.text for doc in kept]
            kept = [doc for number, doc in enumerate(kept) if doc.text not in texts[:number]]
        assert report["written"] == len(kept) and report.total() == len(given_docs)
        if name in ("brat", "superannotate") and not kept:
            return
        if name in MARKED and kind != "categories":
            kept = [doc for doc in kept if record_of(doc, kind)["spans"]]
        back = list(read_format(name, path, Reading(kind, bad_spans="missing")))
        if name in ("conll", "iob"):
            assert [squeezed(record["text"]) for record in back] == [squeezed(d.text) for d in kept]
            back = [onto(record, doc.text) for record, doc in zip(back, kept)]
        expected = [record_of(doc, kind) for doc in kept]
        if kind in ("entities", "spans"):
            expected = [trimmed(record) for record in expected]
        elif name == "brat":
            expected = [trimmed(record, "\n") for record in expected]
        if name in ("doccano", "ground-truth") and not any(
            record.get("accept", True) for record in expected
        ):
            # no category is named anywhere
            expected = [{"problem": True} for _ in expected]
        assert [plain(r) for r in back] == [r if "problem" in r else plain(r) for r in expected]

    there_and_back()


DOCS = [
    ("Ada took aspirin .", [(0, 1, "PER"), (2, 3, "DRUG")]),
    ("New York New York", [(0, 2, "LOC"), (2, 4, "LOC")]),
    ("nothing here", []),
]


def labelled():
    for text, spans in DOCS:
        doc = Doc(Vocab(), words=text.split())
        doc.set_ents([Span(doc, *span) for span in spans], default="outside")
        yield doc


@pytest.mark.parametrize("name, convert", [("conll", conll_ner_to_docs), ("iob", iob_to_docs)])
def test_spacy_convert_reads_what_is_written(tmp_path, name, convert):
    path = tmp_path / "x"
    write_format(name, labelled(), path, kind="entities")
    texts = path.read_text("utf8")
    blocks = texts.split("\n\n") if name == "conll" else texts.splitlines()
    for block, (text, spans) in zip(blocks, DOCS):
        (doc,) = convert(block, n_sents=1 if name == "iob" else 0, no_print=True)
        assert [token.text for token in doc] == text.split()
        assert [(e.start, e.end, e.label_) for e in doc.ents] == spans


def test_brat_writes_line_ends_as_fragments(tmp_path):
    doc = Doc(NLP.vocab, words=["New", "\n", "York", "."], spaces=[False] * 4)
    doc.set_ents([Span(doc, 0, 3, "LOC")], default="outside")
    write_format("brat", [doc], tmp_path, kind="entities")
    assert (tmp_path / "000000.ann").read_text() == "T1\tLOC 0 3;4 8\tNew York\n"
    assert "LOC\n" in (tmp_path / "annotation.conf").read_text()


def test_what_a_format_cannot_hold(tmp_path):
    doc = Doc(NLP.vocab, words=["a", "b"])
    doc.set_ents([Span(doc, 0, 1, "A B")], default="outside")
    part = Doc(NLP.vocab, words=["a", "b"])
    part.set_ents([Span(part, 0, 1, "A")], default="missing")
    for name in ("conll", "iob", "brat"):
        report = write_format(name, [doc, part], tmp_path / name, kind="entities")
        assert report == {"written": 0, "labelled in part": 1, "with white space in a label": 1}
    assert write_format("jsonl", [doc, part], tmp_path / "j", kind="entities")["written"] == 1
    for kind in ("spans", "tags", "categories"):
        with pytest.raises(UsageError, match=rf"AL266.*conll.*{kind}"):
            write_format("conll", [], tmp_path / "x", kind=kind)


def test_rejected_spans_are_no_answers(tmp_path):
    doc = Doc(NLP.vocab, words=["a", "b"])
    doc.set_ents([], default="outside")
    doc.spans["incorrect_spans"] = [Span(doc, 0, 1, "A")]
    write_format("jsonl", [doc], tmp_path / "x", kind="entities")
    reading = Reading("entities")
    (record,) = read_format("jsonl", tmp_path / "x", reading)
    assert record["spans"] == [] and not reading.unused


# Into a run

TEXTS = ["Ada  took 5 mg\naspirin 😀.", "Nothing here.", "Bob took ibuprofen."]
DRUG = {"token_start": 6, "token_end": 6, "label": "DRUG"}
FORM = {
    "entities": "ner_manual",
    "spans": "spans_manual",
    "tags": "pos_manual",
    "categories": "choice",
}


def asks(text, kind="entities", number=0, view=None, **how):
    return make_task(
        NLP.make_doc(text),
        suggestions=[],
        component_kind=kind,
        labels=["DRUG", "PER"],
        meta={"round": number, "component": "x"},
        view_id=view or FORM[kind],
        **how,
    )


def open_store(path, kind="entities", texts=TEXTS, **how):
    store = Store(path)
    store.open_round(0)
    store.advance(0, "wait", tasks=[("train", asks(text, kind, **how)) for text in texts])
    return store


PAYLOADS: dict[str, Any] = {
    "entities": [[DRUG, {"token_start": 0, "token_end": 0, "label": "PER"}], [], []],
    "spans": [
        [DRUG, {"token_start": 4, "token_end": 7, "label": "PER"}],
        [],
        [DRUG | {"token_start": 0, "token_end": 2}],
    ],
    "categories": [["DRUG", "PER"], [], ["PER"]],
}


@pytest.mark.parametrize("name, kind", [case for case in CASES if case[1] != "tags"])
def test_answers_of_another_tool_are_taken_in(tmp_path, name, kind):
    def docs():
        for text, payload in zip(TEXTS, PAYLOADS[kind]):
            doc = NLP.make_doc(text)
            if kind == "categories":
                doc.cats = {label: float(label in payload) for label in ("DRUG", "PER")}
            else:
                spans = [
                    Span(doc, s["token_start"], s["token_end"] + 1, s["label"]) for s in payload
                ]
                if kind == "spans":
                    doc.spans["sc"] = spans
                else:
                    doc.set_ents(spans, default="outside")
            yield doc

    path = tmp_path / "out"
    report = write_format(name, docs(), path, kind=kind)
    back = [
        kind == "categories"
        or comes_back(
            name, text, [(s["start"], s["end"], s["label"]) for s in record_of(doc, kind)["spans"]]
        )
        for text, doc in zip(TEXTS, docs())
    ]
    assert report["written"] == (3 if name in MARKED else sum(back))
    exclusive = {"exclusive": False} if kind == "categories" else {}
    with open_store(tmp_path / "al.db", kind, **exclusive) as store:
        for counts in ({"stored": sum(back)}, {"already there": sum(back)}):
            assert import_answers(store, path, format=name, annotator="ada").counts == counts
        used = "accept" if kind == "categories" else "spans"
        asked = compress(zip(store.tasks(), PAYLOADS[kind]), back)
        for answer, (stored, payload) in zip(store.answers(), asked, strict=True):
            assert answer.payload == check(stored.task, {"answer": "accept", used: payload})
            assert answer.annotator == "ada"


def test_what_cannot_be_taken_is_left_out(tmp_path):
    lines = [
        {"text": TEXTS[0], "label": [[0, 2, "PER"]]},  # within a word
        {"text": TEXTS[1], "label": [[0, 7, "NEW"]]},  # a label that was not shown
        {"text": TEXTS[2], "label": [[0, 3, "PER"], [0, 3, "DRUG"]]},  # entities that overlap
        {"text": "unknown", "label": []},
        {"label": []},
        3,
    ]
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    with open_store(tmp_path / "al.db") as store:
        result = import_answers(store, path, format="doccano")
        assert result.counts == {"bad answer": 5, "unknown task": 1}
        assert store.n_answers() == 0


def test_words_alone_do_not_tell_some_texts_apart(tmp_path):
    path = tmp_path / "x.iob"
    path.write_text("a|O b|B-PER\nc|B-PER\n")
    with open_store(tmp_path / "al.db", texts=["a b", "a  b", " c"]) as store:
        result = import_answers(store, path, format="iob")
        assert result.counts == {"bad answer": 1, "stored": 1}
        assert "white space alone" in result.first
        (answer,) = store.answers()
        assert answer.payload["spans"][0]["start"] == 1


def test_what_comes_without_a_round_answers_what_was_asked_last(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"text": TEXTS[1], "label": []}))
    with open_store(tmp_path / "al.db") as store:
        store.open_round(1)
        store.advance(1, "wait", tasks=[("train", asks(TEXTS[1], number=1))])
        import_answers(store, path, format="doccano")
        (answer,) = store.answers()
        assert answer.task.startswith("r001")


# Prodigy's db-out


def db_out(task, **said):
    """A line as Prodigy writes it."""
    session = {"_timestamp": 1707211049, "_annotator_id": "mine-ada", "_session_id": "mine-ada"}
    return {**task, **session, **said}


def test_what_prodigy_writes(tmp_path):
    tasks = [asks(text) for text in TEXTS]
    spans = check(tasks[0], {"answer": "accept", "spans": [DRUG]})["spans"]
    unnamed = {"_annotator_id": "2024-02-06_10-17-19", "_session_id": "2024-02-06_10-17-19"}
    lines = [
        db_out(tasks[0], answer="accept", spans=spans),
        db_out(
            tasks[0], answer="accept", spans=spans
        ),  # the same input again, from another dataset
        db_out(tasks[0], answer="reject", _annotator_id="mine-bob", _session_id="mine-bob"),
        db_out(tasks[1], answer="ignore"),
        db_out(tasks[2], answer="accept", spans=[], **unnamed),
        db_out(tasks[2], answer="ignore", **dict.fromkeys(unnamed, "2024-02-07_08-00-00")),
        db_out({**tasks[2], "text": "another"}, answer="accept"),
    ]
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    with open_store(tmp_path / "al.db") as store:
        result = import_answers(store, path)
        assert result.counts == {"stored": 5, "repeated": 1, "unknown task": 1}
        found = [(a.annotator, a.payload["answer"], a.at) for a in store.answers()]
        assert found == [
            ("mine-ada", "accept", 1707211049),
            ("mine-bob", "reject", 1707211049),
            ("mine-ada", "ignore", 1707211049),
            # sessions that nobody named are one person, who may correct what was said
            ("prodigy", "ignore", 1707211049),
        ]
        assert import_answers(store, path).counts["stored"] == 0


def test_the_task_of_a_hash_comes_first(tmp_path):
    """A text that is asked about in two ways: for training, and again as a review."""
    first, other = asks(TEXTS[0]), {**asks(TEXTS[0], asked=[1, 2]), "review": []}
    with open_store(tmp_path / "al.db", texts=TEXTS[:1]) as store:
        store.advance(0, "wait", tasks=[("review", other)])
        path = tmp_path / "x.jsonl"
        path.write_text(json.dumps(db_out(other, answer="accept", spans=[])))
        import_answers(store, path)
        (answer,) = store.answers()
        assert answer.task.endswith("-review") and first["_task_hash"] != other["_task_hash"]


def test_yes_or_no_to_a_category(tmp_path):
    task = {
        **asks(TEXTS[0], "categories", view="classification"),
        "label": "DRUG",
        "labels": ["DRUG"],
    }
    with Store(tmp_path / "al.db") as store:
        store.open_round(0)
        store.advance(0, "wait", tasks=[("train", task)])
        for verdict, accepted in (("accept", ["DRUG"]), ("reject", [])):
            path = tmp_path / "x.jsonl"
            line = db_out({k: v for k, v in task.items() if k != "accept"}, answer=verdict)
            path.write_text(json.dumps(line))
            assert import_answers(store, path).counts == {"stored": 1}
            (answer,) = store.answers()
            assert answer.payload == {"answer": verdict, "accept": accepted}


# What recipes asked in Prodigy, and the run did not


def recipe_lines():
    """Answers to two questions about one text, and to a whole text."""
    mark = {"token_start": 0, "token_end": 0}
    for label in ("PER", "DRUG"):
        (span,) = check(
            asks("Eve came."), {"answer": "accept", "spans": [{**mark, "label": label}]}
        )["spans"]
        task = make_task(
            NLP.make_doc("Eve came."),
            suggestions=[(0, 1, label, 0.5)],
            component_kind="entities",
            labels=["DRUG", "PER"],
            meta={"round": 0, "score": 0.5},
            view_id="ner",
            asked=[],
        )
        yield db_out(task, answer="accept" if label == "PER" else "reject", spans=[span])
    whole = asks("She took aspirin.")
    yield db_out(whole, answer="accept", spans=[{"start": 9, "end": 16, "label": "DRUG"}])


def test_what_a_recipe_asked_can_be_taken_in(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(map(json.dumps, recipe_lines())))
    with open_store(tmp_path / "al.db") as store:
        assert import_answers(store, path).counts == {"unknown task": 3}
        assert import_answers(store, path, add=True).counts == {"stored": 3}
        for again in (False, True):
            assert import_answers(store, path, add=again).counts == {"already there": 3}
        store.advance(0, "done")
        store.open_round(1)
        assert import_answers(store, path, add=True).counts == {"already there": 3}
        assert store.rounds()[0].state == "done" and store.round().state == "train"
        assert len(store.unanswered()) == 3 and store.n_answers() == 3
    project = Project(tmp_path / "x.cfg", {}, Settings(output=tmp_path, factory="ner"))
    with Store(tmp_path / "al.db") as store:
        merged = {doc.text: doc for doc in merged_answers(store, project).docs}
    eve = merged["Eve came."]
    assert [(e.text, e.label_) for e in eve.ents] == [("Eve", "PER")]
    assert eve[1].ent_iob_ == ""  # nobody was asked about it
    assert [(e.text, e.label_) for e in merged["She took aspirin."].ents] == [("aspirin", "DRUG")]
    assert merged["She took aspirin."][0].ent_iob_ == "O"


def test_only_what_a_recipe_asked_is_added(tmp_path):
    task = asks("Eve came.")
    lines = [
        {key: value for key, value in task.items() if key != "tokens"},
        {**task, "tokens": asks("Eve cane.")["tokens"]},
        {**task, "labels": "DRUG"},
        {**task, "labels": [1]},
        {**task, "meta": None},
        {**task, "_view_id": "html"},
        {**task, "spans": [{"start": 0, "end": 2, "label": "PER"}]},
        asks("Eve came.", "categories"),
    ]
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(json.dumps({**line, "answer": "accept"}) for line in lines))
    with Store(tmp_path / "new.db") as store:
        assert import_answers(store, path, add=True).counts == {"bad answer": len(lines)}
    with open_store(tmp_path / "al.db") as store:
        assert import_answers(store, path, add=True).counts == {"bad answer": len(lines)}
        assert len(list(store.tasks())) == 3


# Commands


def test_the_commands_know_every_format():
    assert {one.value for one in ImportFormat} == {"prodigy", *FORMATS}
    assert {one.value for one in ExportFormat} == {"prodigy", "spacy", "spacy-llm", *WRITTEN}


def run_of(tmp_path, **how):
    store = open_store(tmp_path / "al.db")
    return store, Project(tmp_path / "x.cfg", {}, Settings(output=tmp_path, factory="ner", **how))


def test_export_to_another_tool(tmp_path):
    store, project = run_of(tmp_path)
    with store:
        ids = [stored.id for stored in store.tasks()]
        store.add_answer(ids[0], {"answer": "accept", "spans": [DRUG]}, id="1", annotator="ada")
        store.add_answer(ids[1], {"answer": "accept", "asked": [0]}, id="2", annotator="ada")
    with pytest.warns(AlWarning, match=r"ALW260.*1 texts.*1 labelled in part"):
        counts = export(project, tmp_path / "out", "doccano")
    assert counts["train.spacy"] == 2 and counts["train.jsonl"] == 1
    line = json.loads((tmp_path / "out" / "train.jsonl").read_text())
    (span,) = line["label"]
    assert line["text"] == TEXTS[0] and TEXTS[0][span[0] : span[1]] == "aspirin"
    assert len(list(DocBin().from_disk(tmp_path / "out" / "train.spacy").get_docs(Vocab()))) == 2
    assert set(export(project, tmp_path / "plain", "prodigy")) == {
        "tasks.jsonl",
        "answers.jsonl",
        "train.spacy",
    }


def test_import_on_the_command_line(tmp_path):
    config = tmp_path / "x.cfg"
    config.write_text(
        f'[nlp]\nlang = "en"\npipeline = []\n[al]\noutput = {json.dumps(str(tmp_path))}\n'
    )
    store, _ = run_of(tmp_path)
    store.__exit__()
    path = tmp_path / "admin.jsonl"
    path.write_text(json.dumps({"text": TEXTS[1], "label": []}))
    words = ["import", str(config), str(path), "--format", "doccano", "--annotator", "Zoë"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0 and "1 stored" in done.stderr
    with Store(tmp_path / "al.db") as store:
        assert [answer.annotator for answer in store.answers()] == ["Zoë"]
    assert CliRunner().invoke(app, [*words[:4], "excel"]).exit_code == 2
    path.write_text("\n".join(map(json.dumps, recipe_lines())))
    assert CliRunner().invoke(app, words[:3]).exit_code == 1
    done = CliRunner().invoke(app, [*words[:3], "--add"])
    assert done.exit_code == 0 and "3 stored" in done.stderr


# Annotators


def test_annotators(tmp_path):
    with open_store(tmp_path / "al.db") as store:
        assert annotators(store) == {"annotators": [], "agreement": []}
        ids = [stored.id for stored in store.tasks()]
        per = {"token_start": 0, "token_end": 0, "label": "PER"}
        said = [
            ("ada", 0, {"answer": "accept", "spans": [DRUG, per]}, 10.0),
            ("ada", 1, {"answer": "reject"}, 2.0),
            ("ada", 2, {"answer": "accept", "spans": [per]}, None),
            ("bob", 0, {"answer": "accept", "spans": [DRUG]}, None),
            ("bob", 1, {"answer": "reject"}, None),
            ("bob", 2, {"answer": "ignore"}, None),
            ("cy", 2, {"answer": "ignore"}, 1.0),
        ]
        for number, (who, task, payload, seconds) in enumerate(said):
            store.add_answer(ids[task], payload, id=str(number), annotator=who, seconds=seconds)
        found = annotators(store)
        tokens = [len(stored.task["tokens"]) for stored in store.tasks()]
    ada, bob, cy = found["annotators"]
    assert ada == {
        "held": [],
        "name": "ada",
        "answers": 3,
        "accept": 2,
        "reject": 1,
        "ignore": 0,
        "seconds": 6.0,
        "words_per_minute": pytest.approx((tokens[0] + tokens[1]) / 12 * 60),
    }
    assert bob["seconds"] is None and bob["words_per_minute"] is None and cy["ignore"] == 1
    (pair,) = found["agreement"]  # nobody has answered what Cy ignored
    # two verdicts that agree, neither of them all there is: kappa 1; one entity of three on both sides
    assert pair["pair"] == ["ada", "bob"] and pair["tasks"] == 2 and pair["verdicts"] == 1
    assert pair["span_f1"] == pytest.approx(2 / 3)
    n = tokens[0]
    same, chance = n - 1, (n - 2) * (n - 1) + 1
    assert pair["kappa"] == pytest.approx((same * n - chance) / (n * n - chance))


def test_a_mere_yes_is_a_verdict_and_no_more(tmp_path):
    with Store(tmp_path / "al.db") as store:
        store.open_round(0)
        task = {**asks(TEXTS[0], view="ner", asked=[])}
        store.advance(0, "wait", tasks=[("train", task)])
        (stored,) = store.tasks()
        for who in ("ada", "bob"):
            store.add_answer(
                stored.id, {"answer": "accept", "spans": [DRUG]}, id=who, annotator=who
            )
        (pair,) = annotators(store)["agreement"]
        assert pair["tasks"] == 1 and pair["span_f1"] is None and pair["verdicts"] is None

"""What is hidden of a text: patterns, labels, and all that says it again."""

import json
import re

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from spacy_al.errors import AlError, UsageError
from spacy_al.tasks.mask import PATTERNS, make_mask
from spacy_al.tasks.mask_doc import mask_doc
from spacy_al.tasks.task import make_task

HIDDEN = {
    "email": ["ann.lee+x@mail.example.org", "a@b.io", "Jörg_1@klinik-süd.de"],
    "phone": ["+49 30 901820", "030/90 18 20", "(030) 901820", "555-123-4567", "0049-30-901820"],
    "date": [
        "2024-03-01",
        "1.3.2024",
        "03/01/24",
        "1. März 2024",
        "Oct. 5, 2024",
        "March 1st, 2024",
        "1 March",
        "12 of May 1999",
    ],
    "id": ["P-20391", "4711-0815", "AB123456", "20391004", "MRN/00123"],
}
LEFT = [
    "37.2",
    "5 mg",
    "two weeks",
    "section 12",
    "120/80",
    "May I come?",
    "1,000",
    "COVID-19",
    "B12",
]


@pytest.mark.parametrize("name, text", [(n, t) for n, texts in HIDDEN.items() for t in texts])
def test_each_pattern_hides_what_it_is_for(name, text):
    hidden = make_mask([name]).text(f"See {text}, or not.")
    assert hidden == f"See {re.sub(r'[^ ]', 'X', text)}, or not."


@pytest.mark.parametrize("text", LEFT)
def test_what_is_none_of_them_stays(text):
    sentence = f"It says {text} there"
    assert make_mask([*PATTERNS]).text(sentence) == sentence


@given(st.text(st.sampled_from("ab1@. -+/\n\U0001f600é"), max_size=60))
def test_length_and_white_space_stay(text):
    hidden = make_mask([*PATTERNS]).text(text)
    assert len(hidden) == len(text)
    assert [c.isspace() for c in hidden] == [c.isspace() for c in text]
    assert all(new in (old, "X") for old, new in zip(text, hidden))


def task_of(text, spans, **meta):
    doc = spacy.blank("en").make_doc(text)
    suggestions = [
        (span.start, span.end, label, 0.9)
        for start, end, label in spans
        for span in [doc.char_span(start, end)]
    ]
    return make_task(
        doc,
        suggestions=suggestions,
        component_kind="entities",
        labels=["PERSON", "DRUG"],
        meta={"round": 0, "component": "ner", **meta},
        view_id="ner_manual",
    )


TEXT = "Smith got aspirin. Ask Smith on +49 30 901820."
META = {
    "why": "“Smith” PERSON 0.52",
    "doc": "note-Smith.txt",
    "before": "Mr Miller came.",
    "model": "m",
}


def test_a_label_is_hidden_wherever_the_question_says_it():
    task = {**task_of(TEXT, [(0, 5, "PERSON"), (10, 17, "DRUG")], **META), "_al_task": "r000-abc"}
    made = make_mask(["PERSON", "phone"], ["PERSON", "DRUG"]).task(task)
    assert made["text"] == "XXXXX got aspirin. Ask XXXXX on XXX XX XXXXXX."
    for token in made["tokens"]:
        assert token["text"] == made["text"][token["start"] : token["end"]]
    assert [(s["start"], s["end"], s["label"]) for s in made["spans"]] == [
        (0, 5, "PERSON"),
        (10, 17, "DRUG"),
    ]
    said = json.dumps(made)
    assert "Smith" not in said and "901820" not in said and "Miller" not in said
    # who guesses the text finds no hash of it
    assert not {task["_input_hash"], task["_task_hash"]} & {made["_input_hash"], made["_task_hash"]}
    assert "_al_task" not in made and made["meta"]["model"] == "m"
    # the question itself stays as it was
    assert task["text"] == TEXT and task["meta"]["why"] == META["why"]


def test_what_another_question_or_answer_labelled_is_hidden_too():
    mask = make_mask(["PERSON"], ["PERSON"])
    mask.learn(
        TEXT, [{"start": 0, "end": 5, "label": "PERSON"}, {"start": 6, "end": 9, "label": "X"}]
    )
    assert mask.task(task_of(TEXT, []))["text"].startswith("XXXXX got")
    assert mask.text(TEXT).count("XXXXX") == 2
    assert "Smith" in mask.text("Smith and nobody else")


def test_without_labels_the_neighbours_stay_but_for_patterns():
    made = make_mask(["phone"]).task(task_of(TEXT, [], before="Call 030 901820."))
    assert made["meta"]["before"] == "Call XXX XXXXXX."


def test_a_doc_keeps_all_labels_and_no_words():
    vocab = Vocab()
    words = ["Ann", "Lee", "took", "\n ", "aspirin", "on", "2024-03-01"]
    doc = Doc(vocab, words=words, spaces=[True, True, False, False, True, True, False])
    doc.set_ents([Span(doc, 0, 2, "PERSON")], missing=[Span(doc, 5, 7)], default="outside")
    doc.spans["sc"] = [Span(doc, 4, 5, "DRUG"), Span(doc, 0, 1, "PERSON")]
    doc.cats, doc.user_data["al_source"] = {"A": 1.0}, {"doc": "Lee.txt"}
    for token in doc:
        token.tag_, token.lemma_ = "NN", token.text.lower()
    made = mask_doc(doc, make_mask(["PERSON", "date"], ["PERSON"]))
    assert made.text == "XXX XXX took\n aspirin on XXXXXXXXXX"
    assert [token.idx for token in made] == [token.idx for token in doc]
    assert [token.ent_iob for token in made] == [token.ent_iob for token in doc]
    assert [(e.start, e.end, e.label_) for e in made.ents] == [(0, 2, "PERSON")]
    assert [(s.start, s.end, s.label_) for s in made.spans["sc"]] == [
        (4, 5, "DRUG"),
        (0, 1, "PERSON"),
    ]
    assert made.cats == doc.cats and [t.tag_ for t in made] == ["NN"] * 7 and not made.user_data
    strings = DocBin(docs=[made], store_user_data=True).strings
    assert not {"Ann", "Lee", "lee", "2024-03-01"} & set(strings)
    assert doc.text.startswith("Ann Lee")


def test_a_file_of_patterns(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text('{"name": "ward", "pattern": "[Ww]ard \\\\d+"}\n\n', encoding="utf8")
    assert make_mask([str(path), "date"]).text("On ward 7, 1.2.2024") == "On XXXX X, XXXXXXXX"
    for bad in ('{"name": "a", "pattern": "("}', '{"pattern": "a"}', "[]", "{"):
        path.write_text(f"\n{bad}\n", encoding="utf8")
        with pytest.raises(AlError, match=r"AL474.*Line 2"):
            make_mask([str(path)])


def test_a_file_without_a_pattern_is_refused(tmp_path):
    (tmp_path / "none.jsonl").write_text("\n", encoding="utf8")
    with pytest.raises(AlError, match=r"AL474.*the file has none"):
        make_mask([str(tmp_path / "none.jsonl")])


def test_dates_as_notes_have_them():
    hidden = make_mask(["date"]).text("Seen 5-Sep-26 and 19 Dec 16, on 5/Dec/2026; may 5-6 follow.")
    assert hidden == "Seen XXXXXXXX and XX XXX XX, on XXXXXXXXXX; XXX XXX follow." or not any(
        part in hidden for part in ("Sep", "Dec", "16")
    )


def test_what_cannot_be_masked_is_said():
    with pytest.raises(UsageError, match=r"AL473.*'PERSN'.*email, phone, date, id, PERSON"):
        make_mask(["PERSN"], ["PERSON"])

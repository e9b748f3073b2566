"""Tasks: Prodigy's shape, Label Studio's offsets, and files that are whole or not there."""

import json
import os

import numpy
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import DocBin

from spacy_al.errors import AlError, UsageError
from spacy_al.tasks.task import make_task, read_tasks, to_docbin, write_tasks

NLP = spacy.blank("en")
META = {
    "score": numpy.float32(0.5),
    "rank": numpy.int64(1),
    "component": "ner",
    "propensity": 1e-12,
}
ENTITIES = {"component_kind": "entities", "labels": ["DRUG", "DOSE"], "view_id": "ner_manual"}


def task(
    text="Take 😀 aspirin 5 mg.", suggestions=((4, 6, "DOSE", 0.25), (2, 3, "DRUG", 0.75)), **kw
):
    settings = {**ENTITIES, "meta": META, **kw}
    return make_task(NLP.make_doc(text), suggestions=suggestions, **settings)


def test_entities():
    # The tokeniser makes: Take | 😀 | aspirin | 5 | mg | .
    made = task(suggestions=[(3, 5, "DOSE", numpy.float32(0.25)), (2, 3, "DRUG", 0.75)])
    assert made["tokens"][:2] == [
        {"text": "Take", "start": 0, "end": 4, "id": 0, "ws": True},
        {"text": "😀", "start": 5, "end": 6, "id": 1, "ws": True},
    ]
    assert made["spans"] == [
        {
            "start": 7,
            "end": 14,
            "token_start": 2,
            "token_end": 2,
            "label": "DRUG",
            "score": 0.75,
        },
        {
            "start": 15,
            "end": 19,
            "token_start": 3,
            "token_end": 4,
            "label": "DOSE",
            "score": 0.25,
        },
    ]
    assert made["meta"] == {"score": 0.5, "rank": 1, "component": "ner", "propensity": 1e-12}
    assert {type(value) for value in made["meta"].values()} == {float, int, str}
    assert made["labels"] == ["DRUG", "DOSE"] and made["_view_id"] == "ner_manual"


def test_hashes_follow_the_question_and_not_the_scores():
    made = task()
    assert all(-(2**31) <= made[key] < 2**31 for key in ("_input_hash", "_task_hash"))
    other = [(4, 6, "DOSE", 0.9), (2, 3, "DRUG", None)]
    same = task(suggestions=other[::-1], meta={"component": "ner", "rank": 9})
    assert (same["_input_hash"], same["_task_hash"]) == (made["_input_hash"], made["_task_hash"])
    for changed in (
        task(suggestions=other[:1]),
        task(labels=["DRUG", "DOSE", "OTHER"]),
        task(meta={"component": "ner2"}),
    ):
        assert changed["_input_hash"] == made["_input_hash"]
        assert changed["_task_hash"] != made["_task_hash"]
    assert task("Other text entirely, you see.")["_input_hash"] != made["_input_hash"]


def test_hashes_are_the_same_on_every_machine():
    made = task("A b.", [(0, 1, "DRUG", 0.5)])
    assert (made["_input_hash"], made["_task_hash"]) == (-1554962894, -1681301950)


def test_categories():
    kw = {"component_kind": "categories", "labels": ["HAM", "SPAM"], "view_id": "choice"}
    made = task("buy now", [("SPAM", 0.9), ("HAM", 0.1)], **kw)
    assert made["options"] == [
        {"id": "HAM", "text": "HAM", "score": 0.1},
        {"id": "SPAM", "text": "SPAM", "score": 0.9},
    ]
    assert made["accept"] == [] and "spans" not in made
    assert made["config"] == {"choice_style": "single"}
    bare = task("buy now", [], exclusive=False, **kw)
    assert bare["options"] == [{"id": "HAM", "text": "HAM"}, {"id": "SPAM", "text": "SPAM"}]
    assert bare["config"] == {"choice_style": "multiple"}


def test_tags():
    kw = {"component_kind": "tags", "labels": ["NOUN", "VERB"], "view_id": "pos_manual"}
    made = task("dogs bark", [(0, 1, "NOUN", 0.9), (1, 2, "VERB", 0.6)], **kw)
    assert [(span["token_start"], span["token_end"], span["label"]) for span in made["spans"]] == [
        (0, 0, "NOUN"),
        (1, 1, "VERB"),
    ]
    with pytest.raises(AlError, match="a tag is on one token"):
        task("dogs bark", [(0, 2, "NOUN", 0.9)], **kw)


@pytest.mark.parametrize(
    "suggestion, why",
    [
        ((0, 0, "DRUG", 0.5), "it is not within the document"),
        ((0, 3, "DRUG", 0.5), "it is not within the document"),
        ((-1, 1, "DRUG", 0.5), "it is not within the document"),
        ((0, 1, "GONE", 0.5), "its label is not shown"),
        ((0, 1, "DRUG", float("nan")), "its probability is not finite"),
        ((0, 1, "DRUG"), "it has not four parts"),
    ],
)
def test_suggestions_that_do_not_fit(suggestion, why):
    with pytest.raises(AlError) as caught:
        task("two tokens", [suggestion])
    assert str(caught.value) == (
        f"[AL058] The suggestion {suggestion} does not fit a document of 2 tokens and the labels DRUG, DOSE: "
        f"{why}. Suggestions are (start, end, label, prob) with exclusive ends, or (label, prob) for categories."
    )


def test_unknown_kind():
    with pytest.raises(
        UsageError, match=r"AL059.*'ner' is not a kind of task.*entities, spans, tags"
    ):
        task(component_kind="ner")
    with pytest.raises(AlError, match="it has not two parts"):
        task("a", [(0, 1, "DRUG", 0.5)], component_kind="categories")


def test_files_round_trip_to_the_last_decimal(tmp_path, capsys):
    tasks = [task(), task("line\u2028separator", [])]
    path = tmp_path / "new" / "batch.jsonl"
    assert write_tasks(tasks, path) == 2
    assert list(read_tasks(path)) == tasks
    assert len(path.read_text().splitlines()) == 2
    assert write_tasks(tasks, type(path)("-")) == 2
    assert capsys.readouterr().out == path.read_text()


def test_a_failure_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "batch.jsonl"
    write_tasks([task()], path)
    before = path.read_bytes()

    def broken():
        yield task()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_tasks(broken(), path)
    with pytest.raises(AlError, match=r"\[AL061\] Task 2 cannot be written as JSON"):
        write_tasks([task(), task(meta={"score": float("nan")})], path)

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(AlError, match=r"\[AL047\].*No space left on device"):
        write_tasks([task()], path)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "line, why",
    [
        ("{", "not JSON"),
        ("[1]", "it is not an object"),
        ("{}", "it has no 'text'"),
        ('{"text": 1}', "it has no 'text'"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_lines_that_are_no_tasks(tmp_path, line, why):
    path = tmp_path / "tasks.jsonl"
    path.write_text('{"text": "a"}\n\n' + line + "\n")
    with pytest.raises(AlError) as caught:
        list(read_tasks(path))
    assert str(caught.value).startswith(f"[AL057] tasks.jsonl:3 is not a task: {why}")
    with pytest.raises(AlError, match="AL040"):
        list(read_tasks(tmp_path / "gone.jsonl"))


def test_docbin_has_the_texts_and_no_annotation():
    tasks = [task(), task("  odd  spaces ", [])]
    data = to_docbin([*tasks, {"text": "no tokens"}], NLP.vocab).to_bytes()
    docs = list(DocBin().from_bytes(data).get_docs(spacy.blank("en").vocab))
    assert [doc.text for doc in docs] == [tasks[0]["text"], "  odd  spaces ", "no tokens"]
    assert [token.text for token in docs[0]] == [token["text"] for token in tasks[0]["tokens"]]
    assert not any(doc.ents or doc.spans or doc.cats for doc in docs)
    assert docs[0].user_data["al_task"]["meta"] == tasks[0]["meta"]
    assert docs[0].user_data["al_task"]["spans"][0]["label"] == "DRUG"


@pytest.mark.slow
@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40), st.data())
def test_every_task_holds_together(text, data):
    doc = NLP.make_doc(text)
    bounds = st.tuples(st.integers(0, len(doc) - 1), st.integers(0, len(doc) - 1)).map(sorted)
    span = st.tuples(bounds, st.sampled_from(["A", "B"]), st.floats(0, 1))
    drawn = data.draw(st.lists(span, max_size=4))
    suggestions = [(first, last + 1, label, prob) for (first, last), label, prob in drawn]
    made = make_task(
        doc,
        suggestions=suggestions,
        component_kind="spans",
        labels=["A", "B"],
        meta={},
        view_id="spans_manual",
    )
    assert "".join(t["text"] + " " * t["ws"] for t in made["tokens"]) == text
    for span in made["spans"]:
        assert span["start"] == made["tokens"][span["token_start"]]["start"]
        assert span["end"] == made["tokens"][span["token_end"]]["end"]
    exclusive = [
        (s["token_start"], s["token_end"] + 1, s["label"], s["score"]) for s in made["spans"]
    ]
    shown = [one for one in suggestions if not doc[one[0] : one[1]].text.isspace()]
    assert sorted(exclusive) == sorted(shown)
    assert json.loads(json.dumps(made)) == made
    assert next(to_docbin([made], NLP.vocab).get_docs(NLP.vocab)).text == text

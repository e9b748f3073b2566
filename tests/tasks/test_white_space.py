"""White space in spans, at every door: page, files, Label Studio, gold and `paths.train`."""

import json

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from spacy_al.adapters.prodigy import import_answers
from spacy_al.errors import AlError
from spacy_al.kinds import FACTORIES
from spacy_al.oracle.annotator import make_oracle
from spacy_al.store.store import Store
from spacy_al.tasks.answer import check
from spacy_al.tasks.decision import annotation
from spacy_al.tasks.merge import merge, write_round_corpus
from spacy_al.tasks.records import StoredAnswer, StoredTask, task_id
from spacy_al.tasks.task import make_task
from spacy_al.tasks.white_space import BLANK, TRIMMED, trim_doc, trimmed
from spacy_al.util import content_hash

NLP = spacy.blank("en")
# "Gamma Ltd" and behind it the token "  \n "
TEXT = "Gamma Ltd  \n owes \n it"
VIEWS = {row.task: row.view_id for row in FACTORIES.values()}


def task(kind="entities", suggestions=()):
    return make_task(
        NLP.make_doc(TEXT),
        suggestions=suggestions,
        component_kind=kind,
        labels=["ORG"],
        meta={"round": 0},
        view_id=VIEWS[kind],
    )


def accept(*spans, **more):
    marks = [{"token_start": a, "token_end": b, "label": "ORG"} for a, b in spans]
    return {"answer": "accept", "spans": marks, **more}


def where(payload):
    return [(span["token_start"], span["token_end"]) for span in payload["spans"]]


BLANKS = [i for i, token in enumerate(NLP.make_doc(TEXT)) if token.is_space]


def test_the_text_has_white_space_tokens():
    assert BLANKS == [2, 4]


@pytest.mark.parametrize("kind", ["entities", "spans"])
def test_edges_are_cut_off_and_counted(kind):
    found = check(task(kind), accept((0, 2), (3, 4)))
    assert where(found) == [(0, 1), (3, 3)] and found["trimmed"] == 2
    assert TEXT[found["spans"][0]["start"] : found["spans"][0]["end"]] == "Gamma Ltd"
    # what is said twice is said once, and what was checked stays as it is
    assert where(check(task(kind), accept((0, 2), (0, 1)))) == [(0, 1)]
    assert check(task(kind), found) == found
    assert "trimmed" not in check(task(kind), accept((0, 1)))
    # between words it stays
    assert where(check(task(kind), accept((1, 3)))) == [(1, 3)]


def test_white_space_alone_is_refused():
    for kind in ("entities", "spans"):
        with pytest.raises(AlError, match=r"AL115.*white space alone, from token 2 to 2"):
            check(task(kind), accept((2, 2)))
    # but has a tag like any token
    assert where(check(task("tags"), accept((2, 2)))) == [(2, 2)]
    with pytest.raises(AlError, match=r"AL115.*'trimmed'"):
        check(task(), accept((0, 1), trimmed="x"))


def test_what_nobody_could_accept_is_not_suggested():
    made = task("spans", suggestions=[(2, 3, "ORG", 0.9), (0, 2, "ORG", 0.9)])
    assert where(made) == [(0, 1)]
    assert len(task("tags", suggestions=[(2, 3, "ORG", 0.9)])["spans"]) == 1


def test_answers_of_earlier_versions():
    made = task()
    old = {"answer": "accept", "spans": accept((0, 2), (4, 4))["spans"]}
    decided = annotation(made, old, kind="entities", labels=["ORG"])
    assert decided.accepted == {(0, 2, "ORG")}
    # a suggestion that was taken up as it was is not thereby rejected
    made["spans"] = accept((0, 2))["spans"]
    new = check(made, accept((0, 2)))
    decided = annotation(made, new, kind="entities", labels=["ORG"])
    assert decided.accepted == {(0, 2, "ORG")} and not decided.rejected


def merged_of(made, payload, kind="entities"):
    item = content_hash(made["text"])
    to = StoredTask(task_id(0, made["text"], "train"), 0, item, "train", 1, made)
    given = [StoredAnswer(1, "a", to.id, "ann", check(made, payload), 1.0, 1.0)]
    return merge([to], given, kind=kind, labels=["ORG"], vocab=Vocab())


def test_the_report_counts_them():
    found = merged_of(task(), accept((0, 2)))
    assert found.report[TRIMMED] == 1 and [e.text for e in found.docs[0].ents] == ["Gamma Ltd"]


def test_files(tmp_path):
    with Store(tmp_path / "al.db") as store:
        store.open_round(0)
        store.advance(0, "wait", tasks=[("train", task())])
        (stored,) = store.tasks()
        path = tmp_path / "answers.jsonl"
        line = {**stored.task, **accept((0, 2))}
        path.write_text(json.dumps(line) + "\n", "utf8")
        assert import_answers(store, path).counts["stored"] == 1
        (given,) = store.answers()
        assert where(given.payload) == [(0, 1)] and given.payload["trimmed"] == 1
        # and what is exported comes in again as the same answer
        path.write_text(json.dumps({**line, **accept((0, 1))}) + "\n", "utf8")
        assert import_answers(store, path).counts["already there"] == 1
        path.write_text(json.dumps({**line, **accept((2, 2))}) + "\n", "utf8")
        result = import_answers(store, path)
        assert not result.taken and "white space alone" in result.first


def test_the_page(tmp_path):
    """What it posts goes the same way."""
    with Store(tmp_path / "al.db") as store:
        store.open_round(0)
        store.advance(0, "wait", tasks=[("train", task())])
        (stored,) = store.tasks()
        store.add_answer(stored.id, accept((0, 2)), id="a", annotator="ann")
        (given,) = store.answers()
        assert where(given.payload) == [(0, 1)]
        with pytest.raises(AlError, match="AL115"):
            store.add_answer(stored.id, accept((2, 2)), id="b", annotator="ann")


def test_gold_that_nobody_could_give():
    gold = NLP.make_doc(TEXT)
    gold.set_ents([Span(gold, 0, 3, label="ORG"), Span(gold, 4, 5, label="ORG")])
    payload, _ = make_oracle()(task(), gold, kind="entities")
    assert where(check(task(), payload)) == [(0, 1)]


def test_paths_train(tmp_path):
    docs = [NLP.make_doc(TEXT) for _ in range(2)]
    docs[0].set_ents(
        [Span(docs[0], 0, 3, label="ORG", span_id="x"), Span(docs[0], 4, 5, label="ORG")],
        default="missing",
    )
    docs[1] = NLP.make_doc("Delta Inc pays")
    docs[1].ents = [Span(docs[1], 0, 2, label="ORG")]
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "train.spacy")
    nothing = merge([], [], kind="entities", labels=["ORG"], vocab=Vocab())
    counts = write_round_corpus(
        tmp_path / "train.spacy", nothing, tmp_path / "round.spacy", Vocab()
    )
    assert (counts[TRIMMED], counts[BLANK]) == (1, 1)
    first, second = DocBin().from_disk(tmp_path / "round.spacy").get_docs(Vocab())
    assert [(e.text, e.label_, e.ent_id_) for e in first.ents] == [("Gamma Ltd", "ORG", "x")]
    # white space is nothing, and what was missing is missing
    assert [t.ent_iob_ for t in first] == ["B", "I", "O", "", "O", ""]
    assert [e.text for e in second.ents] == ["Delta Inc"]


def test_spans_of_a_span_categoriser():
    doc = NLP.make_doc(TEXT)
    doc.spans["sc"] = [Span(doc, 0, 3, label="ORG"), Span(doc, 2, 3, label="ORG")]
    doc.spans["other"] = [Span(doc, 0, 3, label="ORG")]
    assert trim_doc(doc, "spans", "sc") == {TRIMMED: 1, BLANK: 1}
    assert [s.text for s in doc.spans["sc"]] == ["Gamma Ltd"] and len(doc.spans["other"][0]) == 3
    assert not trim_doc(doc, "tags", "sc") and not trim_doc(doc, "spans", "none")


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.data())
def test_whatever_is_marked(blank, data):
    start = data.draw(st.integers(0, len(blank) - 1))
    end = data.draw(st.integers(start + 1, len(blank)))
    doc = Doc(Vocab(), words=["\n" if one else "w" for one in blank], spaces=[False] * len(blank))
    doc.ents = [Span(doc, start, end, label="X")]
    text = doc.ents[0].text.strip()
    trim_doc(doc, "entities", "sc")
    assert [ent.text for ent in doc.ents] == ([text] if text else [])
    assert (trimmed(blank, start, end) is None) == (not text)

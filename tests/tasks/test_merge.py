"""From answers to a corpus: what trains, what stays missing, what waits for a person."""

import random
import time
from collections import Counter
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_al.kinds import FACTORIES
from spacy_al.oracle.annotator import make_oracle
from spacy_al.posteriors import get_posteriors
from spacy_al.tasks.answer import YES_NO_CATEGORY, YES_NO_ENTITIES, check
from spacy_al.tasks.merge import count_labels, merge, write_round_corpus
from spacy_al.tasks.records import StoredAnswer, StoredTask, task_id
from spacy_al.tasks.task import make_task
from spacy_al.util import content_hash

CORPUS = Path(__file__).parents[2] / "corpus"
LABELS = ["DRUG", "PERSON"]
VIEWS = {"entities": "ner", "spans": "spancat", "tags": "tagger", "categories": "textcat"}
WORDS = ["Ann", "gave", "Bob", "Brown", "aspirin", "today", "."]
BOB = {"token_start": 2, "token_end": 3, "label": "PERSON"}
ANN = {"token_start": 0, "token_end": 0, "label": "PERSON"}
ASPIRIN = {"token_start": 4, "token_end": 4, "label": "DRUG"}
# what Bob is not
BROWN = {"token_start": 3, "token_end": 3, "label": "DRUG"}


def task(words=WORDS, *, kind="entities", labels=LABELS, suggestions=(), exclusive=True, **more):
    doc = Doc(Vocab(), words=words)
    view_id = FACTORIES[VIEWS[kind]].view_id
    made = make_task(
        doc,
        suggestions=suggestions,
        component_kind=kind,
        labels=labels,
        meta={},
        view_id=view_id,
        exclusive=exclusive,
    )
    return {**made, **more}


def stored(made, number=0, rank=1, purpose="train"):
    item = content_hash(made["text"])
    return StoredTask(task_id(number, made["text"], purpose), number, item, purpose, rank, made)


def answer(to, annotator="ann", seq=1, verdict="accept", **payload):
    given = check(to.task, {"answer": verdict, **payload})
    return StoredAnswer(seq, f"{to.id}/{annotator}/{seq}", to.id, annotator, given, 1.0, float(seq))


def merged(tasks, answers, *, kind="entities", labels=LABELS, **more):
    return merge(tasks, answers, kind=kind, labels=labels, vocab=Vocab(), **more)


def one(made, verdict="accept", *, kind="entities", labels=LABELS, **payload):
    """What a single answer makes."""
    to = stored(made)
    return merged([to], [answer(to, verdict=verdict, **payload)], kind=kind, labels=labels)


def iob(doc):
    return " ".join(
        f"{token.ent_iob_}-{token.ent_type_}" if token.ent_type_ else token.ent_iob_ or "?"
        for token in doc
    )


def spans(doc, key="incorrect_spans"):
    return [(span.start, span.end, span.label_) for span in doc.spans.get(key, ())]


def stored_again(docs):
    return list(DocBin().from_bytes(DocBin(docs=docs).to_bytes()).get_docs(Vocab()))


# Entities


def test_an_accepted_text_is_decided_whole():
    found = one(task(), spans=[BOB, ASPIRIN])
    (doc,) = stored_again(found.docs)
    assert doc.text == "Ann gave Bob Brown aspirin today . "
    assert iob(doc) == "O O B-PERSON I-PERSON B-DRUG O O"
    assert found.report == {"accepted": 1, "texts": 1}
    assert found.balance == {"DRUG": 1, "PERSON": 1}
    assert found.review == []


def test_no_entities_is_an_answer():
    found = one(task(), spans=[])
    assert iob(found.docs[0]) == "O O O O O O O"
    assert found.report == {"accepted": 1, "texts": 1, "texts without any": 1}
    assert found.balance == {"DRUG": 0, "PERSON": 0}
    assert "DRUG" in found.balance


def test_labels_that_were_not_shown_leave_their_tokens_missing():
    made = task(labels=["PERSON"], suggestions=[(3, 4, "PERSON", 0.6), (2, 4, "PERSON", 0.3)])
    found = one(made, spans=[BOB])
    (doc,) = stored_again(found.docs)
    assert iob(doc) == "? ? B-PERSON I-PERSON ? ? ?"
    # on decided tokens a rejection says nothing new
    assert spans(doc) == []
    assert found.report["partial"] == 1
    (doc,) = stored_again(one(made, spans=[]).docs)
    assert iob(doc) == "? ? ? ? ? ? ?"
    assert spans(doc) == [(2, 4, "PERSON"), (3, 4, "PERSON")]
    # the answer's own labels come before the task's
    (doc,) = one(task(), labels=["PERSON"], spans=[BOB]).docs
    assert iob(doc) == "O O B-PERSON I-PERSON O O O"
    given = {"token_start": 2, "token_end": 3, "label": "PERSON"}
    to = stored(task())
    (doc,) = merged([to], [answer(to, spans=[given], labels=["PERSON"])]).docs
    assert iob(doc) == "? ? B-PERSON I-PERSON ? ? ?"


def test_candidates_that_were_not_accepted_are_rejected_above_one_percent():
    candidates = [
        {"token_start": 0, "token_end": 0, "label": "PERSON", "score": 0.02},
        {"token_start": 5, "token_end": 5, "label": "PERSON", "score": 0.01},
        {"token_start": 4, "token_end": 4, "label": "DRUG", "score": 0.9},
    ]
    (doc,) = one(task(candidates=candidates), labels=["PERSON", "DRUG", "NEW"], spans=[BOB]).docs
    # DRUG was shown as well
    assert spans(doc) == [(0, 1, "PERSON"), (4, 5, "DRUG")]
    (doc,) = one(task(labels=["PERSON"], candidates=candidates), spans=[BOB]).docs
    assert spans(doc) == [(0, 1, "PERSON")]


def test_a_label_that_comes_later_opens_what_was_decided():
    to = stored(task())
    given = [answer(to, spans=[BOB])]
    assert "?" not in iob(merged([to], given).docs[0])
    later = merged([to], given, labels=[*LABELS, "DOSE"])
    assert iob(later.docs[0]) == "? ? B-PERSON I-PERSON ? ? ?"
    assert later.balance == {"PERSON": 1, "DRUG": 0, "DOSE": 0}


def test_a_label_that_is_no_longer_taught_is_left_out():
    found = one(task(), labels=["DRUG"], spans=[BOB, ASPIRIN])
    assert iob(found.docs[0]) == "O O O O B-DRUG O O"


def test_a_partial_question_decides_what_it_asked():
    made = task(asked=[2, 3], suggestions=[(2, 3, "DRUG", 0.5), (4, 5, "DRUG", 0.5)])
    (doc,) = stored_again(one(made, spans=[BOB]).docs)
    assert iob(doc) == "? ? B-PERSON I-PERSON ? ? ?"
    assert spans(doc) == []
    found = one(made, spans=[])
    assert iob(found.docs[0]) == "? ? O O ? ? ?"
    assert found.report["partial"] == 1
    # an entity that goes beyond is taken whole, and the answer may ask for less than the task
    (doc,) = one(made, spans=[BOB], asked=[3]).docs
    assert iob(doc) == "? ? B-PERSON I-PERSON ? ? ?"
    (doc,) = one(made, spans=[], asked=[3]).docs
    assert iob(doc) == "? ? ? O ? ? ?"
    # nothing asked, nothing said
    assert one(made, spans=[], asked=[]).report == {"accepted": 1, "nothing decided": 1}


def test_partial_questions_of_one_text_add_up():
    first, second = stored(task(asked=[0, 1, 2, 3])), stored(task(asked=[3, 4, 5, 6]), 1)
    found = merged([second, first], [answer(second, spans=[ASPIRIN]), answer(first, spans=[BOB])])
    # the second was asked about token 3, and said that nothing is there
    assert found.review == [first.id] and not found.docs
    second = stored(task(asked=[4, 5, 6]), 1)
    found = merged([second, first], [answer(second, spans=[ASPIRIN]), answer(first, spans=[BOB])])
    assert iob(found.docs[0]) == "O O B-PERSON I-PERSON B-DRUG O O"
    assert found.report["duplicate text"] == 1 and "partial" not in found.report


def test_labels_of_several_questions_add_up():
    first, second = stored(task(labels=["PERSON"])), stored(task(labels=["DRUG"]), 1)
    found = merged([first, second], [answer(second, spans=[ASPIRIN]), answer(first, spans=[BOB])])
    assert iob(found.docs[0]) == "O O B-PERSON I-PERSON B-DRUG O O"


def yes_no(**how):
    """A question whether one entity is there."""
    return {**task(**how), "_view_id": YES_NO_ENTITIES, "asked": []}


def test_a_single_rejected_span_is_kept_as_wrong():
    made = yes_no(suggestions=[(3, 4, "DRUG", 0.7)])
    found = one(made, "reject")
    (doc,) = stored_again(found.docs)
    assert iob(doc) == "? ? ? ? ? ? ?" and spans(doc) == [(3, 4, "DRUG")]
    assert found.report == {"rejected": 1, "texts": 1, "texts without any": 1, "partial": 1} | {
        "rejected spans": 1
    }
    # a span of the answer comes before what was suggested
    (doc,) = one(yes_no(suggestions=[(0, 1, "DRUG", 0.7)]), "reject", spans=[BROWN]).docs
    assert spans(doc) == [(3, 4, "DRUG")]


ONE, TWO = (3, 4, "DRUG", 0.7), (0, 1, "DRUG", 0.1)


@pytest.mark.parametrize("suggestions", [[], [ONE], [ONE, TWO]])
def test_a_rejected_text_teaches_nothing(suggestions):
    """One was asked to correct what is marked: a no to it all does not say what is wrong, be it one mark."""
    found = one(task(suggestions=suggestions), "reject")
    assert not found.docs and not found.review
    assert found.report == {"rejected": 1, "rejected whole": 1}


def test_what_is_ignored_never_trains():
    found = one(task(suggestions=[(3, 4, "DRUG", 0.7)]), "ignore")
    assert not found.docs and found.report == {"ignored": 1}


def test_accepted_and_rejected_is_a_contradiction():
    accepted = stored(task(suggestions=[(2, 4, "PERSON", 0.9)]))
    rejected = stored(yes_no(suggestions=[(2, 4, "PERSON", 0.9)]), 1)
    given = [answer(accepted, spans=[BOB]), answer(rejected, verdict="reject")]
    found = merged([accepted, rejected], given)
    assert not found.docs and found.review == [accepted.id]
    assert found.report["contradiction"] == 1


def test_rejected_spans_remain_beside_other_answers_where_these_leave_tokens_open():
    some = stored(task(labels=["PERSON"]))
    no = stored(yes_no(suggestions=[(4, 5, "DRUG", 0.9)]), 1)
    found = merged([some, no], [answer(some, spans=[BOB]), answer(no, verdict="reject")])
    assert iob(found.docs[0]) == "? ? B-PERSON I-PERSON ? ? ?"
    assert spans(found.docs[0]) == [(4, 5, "DRUG")]


# Annotators


def test_annotators_who_agree_count_once():
    to = stored(task())
    given = [answer(to, "ann", 1, spans=[BOB, ASPIRIN]), answer(to, "bob", 2, spans=[ASPIRIN, BOB])]
    found = merged([to], given)
    assert len(found.docs) == 1 and found.report == {"accepted": 2, "texts": 1}


@pytest.mark.parametrize(
    "other",
    [
        {"spans": [BOB]},
        {"spans": [BOB, ASPIRIN, ANN]},
        {"spans": [{**BOB, "token_end": 2}, ASPIRIN]},
        {"spans": [{**BOB, "label": "DRUG"}, ASPIRIN]},
        {"verdict": "reject"},
    ],
)
def test_annotators_who_do_not_agree_wait_for_a_review(other):
    to = stored(task())
    given = [answer(to, "ann", 1, spans=[BOB, ASPIRIN]), answer(to, "bob", 2, **other)]
    found = merged([to], given)
    assert not found.docs and found.review == [to.id]
    assert found.report["contradiction"] == 1
    # one who passes contradicts nobody
    found = merged([to], [given[0], answer(to, "eve", 3, "ignore")])
    assert len(found.docs) == 1 and found.report["ignored"] == 1


def test_a_later_answer_of_the_same_annotator_counts():
    to = stored(task())
    given = [answer(to, "ann", 1, spans=[BOB]), answer(to, "ann", 5, spans=[ASPIRIN])]
    for answers in (given, given[::-1]):
        found = merged([to], answers)
        assert iob(found.docs[0]) == "O O O O B-DRUG O O"
        assert found.report == {"accepted": 1, "corrected": 1, "texts": 1}
    assert not merged([to], [*given, answer(to, "ann", 6, "ignore")]).docs


def test_a_review_settles_it():
    to, review = stored(task()), stored(task(), 1, purpose="review")
    given = [answer(to, "ann", 1, spans=[BOB]), answer(to, "bob", 2, spans=[ASPIRIN])]
    found = merged([to, review], given)
    assert found.review == [to.id]
    found = merged([to, review], [*given, answer(review, "eve", 3, spans=[BOB, ASPIRIN])])
    assert not found.review and iob(found.docs[0]) == "O O B-PERSON I-PERSON B-DRUG O O"
    assert found.report["settled by review"] == 1 and "contradiction" not in found.report
    # ignored in review: out for good
    found = merged([to, review], [*given, answer(review, "eve", 3, "ignore")])
    assert not found.review and not found.docs
    # reviewers who do not agree either
    two = [answer(review, "eve", 3, spans=[BOB]), answer(review, "max", 4, spans=[])]
    found = merged([to, review], [*given, *two])
    assert found.review == [review.id] and not found.docs


def test_a_review_of_a_part_leaves_the_rest_to_others():
    part, rest = stored(task(asked=[4, 5, 6])), stored(task(asked=[0, 1, 2, 3]), 1)
    review = stored(task(asked=[4, 5, 6]), 2, purpose="review")
    given = [
        answer(part, "ann", 1, spans=[]),
        answer(part, "bob", 2, spans=[ASPIRIN]),
        answer(rest, "ann", 3, spans=[BOB]),
    ]
    assert merged([part, rest, review], given).review == [part.id]
    found = merged([part, rest, review], [*given, answer(review, "eve", 4, spans=[ASPIRIN])])
    assert iob(found.docs[0]) == "O O B-PERSON I-PERSON B-DRUG O O"


def test_texts_asked_to_measure_on_never_train():
    dev, again = stored(task(), purpose="dev"), stored(task(), 1)
    other = stored(task(["Bob", "left"]), rank=2)
    tasks = [dev, again, other]
    given = [answer(to, spans=[]) for to in (dev, again, other)]
    assert [doc.text for doc in merged(tasks, given).docs] == ["Bob left "]
    found = merged(tasks, given, purpose="dev")
    assert len(found.docs) == 1 and iob(found.docs[0]) == "O O O O O O O"
    assert found.report["accepted"] == 2


def test_order_is_that_in_which_texts_were_first_asked():
    words = [["one", "x"], ["two", "x"], ["three", "x"], ["four", "x"]]
    places = [(1, 2), (0, 9), (1, 1), (0, 3)]
    tasks = [stored(task(w), number, rank) for w, (number, rank) in zip(words, places)]
    # asked again later on
    tasks.append(stored(task(words[0]), 2, 1))
    found = merged(tasks, [answer(to, spans=[]) for to in tasks])
    assert [doc[0].text for doc in found.docs] == ["four", "two", "three", "one"]


def test_an_answer_to_other_tokens_is_carried_over_by_characters():
    words, spaces = ["Ann", "saw", "St.John"], [True, True, False]
    finer, finer_spaces = ["Ann", "saw", "St", ".", "John"], [True, True, False, False, False]
    made = []
    for w, s in ((words, spaces), (finer, finer_spaces)):
        doc = Doc(Vocab(), words=w, spaces=s)
        how = {"suggestions": [], "component_kind": "entities", "labels": ["PERSON"], "meta": {}}
        made.append(make_task(doc, **how, view_id="ner_manual"))
    first, second = stored(made[0]), stored(made[1], 1)
    label = {"label": "PERSON"}
    ann = {"token_start": 0, "token_end": 0, **label}
    fits = [ann, {"token_start": 2, "token_end": 4, **label}]
    found = merged([first, second], [answer(second, spans=fits)], labels=["PERSON"])
    assert iob(found.docs[0]) == "B-PERSON O B-PERSON"
    off = [ann, {"token_start": 4, "token_end": 4, **label}]
    found = merged([first, second], [answer(second, spans=off)], labels=["PERSON"])
    assert iob(found.docs[0]) == "B-PERSON O ?" and found.report["unaligned"] == 1
    found = merged([second, first], [answer(first, spans=[ann])], labels=["PERSON"])
    assert iob(found.docs[0]) == "B-PERSON O O"


# Other kinds


def test_spans_train_where_they_were_asked_whole():
    made = task(kind="spans")
    nested = [BOB, {**BOB, "token_start": 3}, {**BOB, "label": "DRUG"}]
    (doc,) = stored_again(one(made, kind="spans", spans=nested).docs)
    assert spans(doc, "sc") == [(2, 4, "DRUG"), (2, 4, "PERSON"), (3, 4, "PERSON")]
    (doc,) = stored_again(one(made, kind="spans", spans=[]).docs)
    assert spans(doc, "sc") == [] and "sc" in doc.spans
    found = one(made, kind="spans", labels=[*LABELS, "NEW"], spans=[BOB])
    assert not found.docs and found.report["not asked whole"] == 1
    assert not one(task(kind="spans", asked=[1]), kind="spans", spans=[]).docs
    found = one(task(kind="spans", suggestions=[(2, 4, "DRUG", 0.9)]), "reject", kind="spans")
    assert not found.docs and found.report["rejected whole"] == 1


def test_an_exclusive_category_trains_once_it_is_chosen():
    labels = ["A", "B", "C"]
    made = task(kind="categories", labels=labels)
    how = {"kind": "categories", "labels": labels}
    (doc,) = stored_again(one(made, **how, accept=["B"]).docs)
    assert doc.cats == {"A": 0.0, "B": 1.0, "C": 0.0}
    assert one(made, **how, accept=["B"]).balance == {"A": 0, "B": 1, "C": 0}
    found = one(made, **how, accept=[])
    assert not found.docs and found.report["no category"] == 1
    found = one(made, "reject", **how, accept=["B"])
    assert not found.docs and found.report["waits for a category"] == 1
    # what waits gets its category in another round
    first, second = stored(made), stored(made, 1)
    given = [answer(first, verdict="reject"), answer(second, accept=["C"])]
    (doc,) = merged([first, second], given, **how).docs
    assert doc.cats == {"A": 0.0, "B": 0.0, "C": 1.0}
    given = [answer(first, accept=["A"]), answer(second, accept=["C"])]
    assert merged([first, second], given, **how).review == [first.id]


def test_of_several_categories_those_that_were_not_shown_stay_missing():
    labels = ["A", "B", "C"]
    made = task(kind="categories", labels=["A", "C"], exclusive=False)
    how = {"kind": "categories", "labels": labels}
    found = one(made, **how, accept=["C"])
    (doc,) = stored_again(found.docs)
    assert doc.cats == {"A": 0.0, "C": 1.0} and found.report["partial"] == 1
    assert not one(made, "reject", **how).docs
    single = task(kind="categories", labels=["B"], exclusive=False)
    # of a choice among one
    assert one(single, "reject", **how).report["rejected whole"] == 1
    single["_view_id"] = YES_NO_CATEGORY
    found = one(single, "reject", **how)
    assert found.docs[0].cats == {"B": 0.0} and found.report["texts without any"] == 1
    first, second = stored(made), stored(single, 1)
    found = merged(
        [first, second], [answer(first, accept=["A"]), answer(second, verdict="reject")], **how
    )
    assert found.docs[0].cats == {"A": 1.0, "B": 0.0, "C": 0.0} and "partial" not in found.report
    again = stored(single, 2)
    given = [answer(second, verdict="reject"), answer(again, accept=["B"])]
    assert merged([second, again], given, **how).report["contradiction"] == 1


def test_tags_that_are_not_given_stay_missing():
    made = task(["a", "b", "c"], kind="tags", labels=["N", "V"])
    given = [{"token_start": 1, "token_end": 1, "label": "V"}]
    found = one(made, kind="tags", labels=["N", "V"], spans=given)
    (doc,) = stored_again(found.docs)
    assert [token.tag_ for token in doc] == ["", "V", ""]
    assert found.balance == {"N": 0, "V": 1} and found.report["partial"] == 1
    assert not one(made, kind="tags", labels=["N", "V"], spans=[]).docs
    assert not one(made, "reject", kind="tags", labels=["N", "V"], spans=given).docs
    first, second = stored(made), stored(made, 1)
    other = [{"token_start": i, "token_end": i, "label": "N"} for i in (0, 1)]
    both = [answer(first, spans=given), answer(second, spans=other)]
    assert merged([first, second], both, kind="tags", labels=["N", "V"]).review == [first.id]


# The grown corpus


def test_grown_keeps_what_was_there_and_lets_answers_win(tmp_path):
    nlp = spacy.blank("en")
    docs = [nlp("Bob left"), nlp("Ann gave Bob Brown aspirin today . "), nlp("Ann left")]
    docs[0].ents = [Span(docs[0], 0, 1, label="PERSON")]
    docs[2].cats = {"X": 1.0}
    docs[2].user_data["kept"] = [1, 2]
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "train.spacy")
    before = (tmp_path / "train.spacy").read_bytes()
    found = one(task(), spans=[BOB, ASPIRIN])
    path = tmp_path / "round-000" / "train.spacy"
    path.parent.mkdir()
    counts = write_round_corpus(tmp_path / "train.spacy", found, path, Vocab())
    assert counts == {"texts": 3, "words": 11, "answered": 1, "given": 2, "both": 1} | {
        # nobody has said anything of the entities of one
        "words decided": 9,
        "label PERSON": 2,
        "label DRUG": 1,
    }
    again = list(DocBin().from_disk(path).get_docs(Vocab()))
    assert [doc.text.strip() for doc in again] == ["Bob left", "Ann left", docs[1].text.strip()]
    assert iob(again[0]) == "B-PERSON O" and again[1].cats == {"X": 1.0}
    assert list(again[1].user_data["kept"]) == [1, 2]
    assert iob(again[2]) == "O O B-PERSON I-PERSON B-DRUG O O"
    assert (tmp_path / "train.spacy").read_bytes() == before
    first = path.read_bytes()
    write_round_corpus(tmp_path / "train.spacy", found, path, Vocab())
    assert path.read_bytes() == first


def test_nothing_at_all_is_no_file(tmp_path):
    found = one(task(), "ignore")
    path = tmp_path / "train.spacy"
    path.write_bytes(b"of an earlier attempt")
    assert not write_round_corpus(None, found, path, Vocab())["texts"]
    assert not path.exists()


# Whatever is answered


@lru_cache
def gold_docs():
    """Some of the shipped gold, with spans, tags and categories added by rule."""
    vocab = Vocab()
    docs = list(islice(DocBin().from_disk(CORPUS / "pool_gold.spacy").get_docs(vocab), 120))
    for doc in docs:
        doc.spans["sc"] = [*doc.ents, *(Span(doc, e.start, e.end, "ANY") for e in doc.ents)]
        for token in doc:
            token.tag_ = (
                "NUM" if token.text[0].isdigit() else "TITLE" if token.text.istitle() else "X"
            )
    return docs


ENTS = sorted({ent.label_ for doc in gold_docs() for ent in doc.ents})
LABELS_OF = {
    "entities": ENTS,
    "spans": [*ENTS, "ANY"],
    "tags": ["NUM", "TITLE", "X"],
    "categories": ENTS,
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", VIEWS)
@pytest.mark.parametrize("exclusive", [True, False])
def test_a_perfect_oracle_gives_back_the_gold(kind, exclusive):
    labels, tasks, answers, gold = LABELS_OF[kind], [], [], []
    for number, doc in enumerate(gold_docs()):
        found = {ent.label_ for ent in doc.ents}
        if kind == "categories":
            if exclusive and not found:
                continue
            found = {min(found)} if exclusive else found
            doc.cats = {label: float(label in found) for label in labels}
        made = make_task(
            doc,
            suggestions=[],
            component_kind=kind,
            labels=labels,
            meta={},
            view_id=FACTORIES[VIEWS[kind]].view_id,
            exclusive=exclusive,
        )
        tasks.append(stored(made, rank=number))
        payload, _ = make_oracle()(made, doc, kind=kind, spans_key="sc", seed=0)
        answers.append(answer(tasks[-1], verdict=payload.pop("answer"), **payload))
        gold.append(doc)
    found = merged(tasks, answers, kind=kind, labels=labels)
    assert len(found.docs) == len(gold) > 60
    again = stored_again(found.docs)
    for doc, right in zip(again, gold):
        assert doc.text == right.text and [t.text for t in doc] == [t.text for t in right]
        if kind == "entities":
            assert iob(doc) == iob(right)
        elif kind == "spans":
            assert spans(doc, "sc") == sorted(spans(right, "sc"))
        elif kind == "tags":
            assert [t.tag_ for t in doc] == [t.tag_ for t in right]
        else:
            assert doc.cats == right.cats
    total = sum((count_labels(doc, kind) for doc in gold), Counter())
    assert +found.balance == total


@st.composite
def asked(draw):
    """Tasks about three texts in several rounds, and random answers of three annotators to them."""
    labels = ["A", "B"]
    n, tasks, answers = 4, {}, []

    def some_spans(most):
        number = draw(st.integers(0, most))
        ends = [
            sorted(draw(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))))
            for _ in range(number)
        ]
        return [(a, b, draw(st.sampled_from(labels))) for a, b in ends]

    for rank in range(draw(st.integers(1, 5))):
        words = [draw(st.sampled_from("uvw")), *"xyz"]
        shown = draw(st.sampled_from([["A"], ["B"], labels, labels]))
        made = task(
            words,
            labels=shown,
            suggestions=[(a, b + 1, label, 0.5) for a, b, label in some_spans(3) if label in shown],
        )
        if draw(st.integers(0, 3)) == 3 and len(made["spans"]) == 1:
            made |= {"_view_id": YES_NO_ENTITIES, "asked": []}
        elif draw(st.booleans()):
            made["asked"] = draw(st.lists(st.integers(0, n - 1), unique=True))
        purpose = draw(st.sampled_from(["train", "train", "train", "review", "dev"]))
        to = stored(made, draw(st.integers(0, 3)), rank, purpose)
        tasks[to.id] = to
    for to in tasks.values():
        for annotator in draw(st.lists(st.sampled_from("pqr"), max_size=3)):
            verdict = draw(st.sampled_from(["accept", "accept", "accept", "reject", "ignore"]))
            marks, free = [], set(range(n))
            for a, b, label in some_spans(3):
                if label in to.task["labels"] and free >= set(range(a, b + 1)):
                    free -= set(range(a, b + 1))
                    marks.append({"token_start": a, "token_end": b, "label": label})
            payload = {} if verdict == "ignore" else {"spans": marks}
            answers.append(answer(to, annotator, len(answers) + 1, verdict, **payload))
    return list(tasks.values()), answers, draw(st.integers(0, 1000))


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(asked())
def test_whatever_is_answered(case):
    tasks, answers, seed = case
    how = {"labels": ["A", "B"]}
    found = merged(tasks, answers, **how)
    # nothing that spaCy refuses
    ids = [content_hash(doc.text) for doc in found.docs]
    for doc in found.docs:
        entities = {(ent.start, ent.end, ent.label_) for ent in doc.ents}
        assert not entities & set(spans(doc))
        assert doc.user_data == {}
    assert len(ids) == len(set(ids))
    # what nobody but those who passed has seen, and what is kept for measuring, does not train
    last = {}
    for one in sorted(answers, key=lambda a: a.seq):
        last[one.task, one.annotator] = one
    said = {one.task for one in last.values() if one.payload["answer"] != "ignore"}
    teaching = {to.item for to in tasks if to.id in said}
    kept = {to.item for to in tasks if to.purpose == "dev"}
    assert set(ids) <= teaching - kept
    reviewed = {to.item for to in tasks if to.id in found.review}
    assert not reviewed & set(ids) and len(reviewed) == len(found.review)
    assert found.report["contradiction"] == len(found.review)
    dev = {content_hash(doc.text) for doc in merged(tasks, answers, purpose="dev", **how).docs}
    assert dev <= kept
    # nor does the order in which things are handed in make a difference
    random.Random(seed).shuffle(tasks)
    random.Random(seed).shuffle(answers)
    again = merged(tasks, answers, **how)
    assert DocBin(docs=again.docs).to_bytes() == DocBin(docs=found.docs).to_bytes()
    assert again.review == found.review and again.report == found.report
    # nor who says it, or when
    renamed = [
        StoredAnswer(a.seq, a.id, a.task, f"z{a.annotator}", a.payload, None, 0.0) for a in answers
    ]
    assert (
        DocBin(docs=merged(tasks, renamed, **how).docs).to_bytes()
        == DocBin(docs=found.docs).to_bytes()
    )


@pytest.mark.slow
def test_ten_thousand_answers_in_seconds():
    docs = gold_docs()
    tasks, answers = [], []
    for number in range(10_000):
        words = [*(token.text for token in docs[number % len(docs)]), str(number)]
        to = stored(task(words, labels=ENTS), rank=number)
        entities = [
            {"token_start": e.start, "token_end": e.end - 1, "label": e.label_}
            for e in docs[number % len(docs)].ents
        ]
        tasks.append(to)
        answers.append(answer(to, seq=number, spans=entities))
    started = time.process_time()
    found = merged(tasks, answers, labels=ENTS)
    # about two seconds of the processor; time spent waiting for it does not count
    assert time.process_time() - started < 15
    assert len(found.docs) == 10_000


# What spaCy makes of it


def test_spacy_leaves_missing_tags_and_categories_alone():
    nlp = spacy.blank("en")
    tagger = nlp.add_pipe("tagger")
    textcat = nlp.add_pipe("textcat_multilabel")
    made = task(["a", "b"], kind="tags", labels=["N", "V"])
    (doc,) = one(
        made,
        kind="tags",
        labels=["N", "V"],
        spans=[{"token_start": 0, "token_end": 0, "label": "V"}],
    ).docs
    whole = Doc(nlp.vocab, words=["a", "b"], tags=["N", "V"])
    whole.cats = {"A": 1.0, "B": 0.0}
    nlp.initialize(lambda: [Example(nlp.make_doc("a b"), whole)])
    (gradient,) = tagger.get_loss(
        [Example(Doc(nlp.vocab, words=["a", "b"]), doc)], [numpy.zeros((2, 2), "f")]
    )[1]
    assert gradient[0].any() and not gradient[1].any()
    made = task(["a", "b"], kind="categories", labels=["A"], exclusive=False)
    (doc,) = one(made, kind="categories", labels=["A", "B"], accept=[]).docs
    scores = numpy.full((1, 2), 0.5, "f")
    _, gradient = textcat.get_loss([Example(nlp.make_doc("a b "), doc)], scores)
    assert gradient[0, 0] and not gradient[0, 1]


@pytest.mark.slow
def test_ner_learns_from_rejected_spans():
    """Training on rejections alone lowers the probability of what was rejected, and of nothing else at its place."""
    nlp = spacy.blank("en")
    ner = nlp.add_pipe("ner", config={"incorrect_spans_key": "incorrect_spans"})
    made = task(suggestions=[(2, 4, "PERSON", 0.9)])
    right = one(made, spans=[BOB, ASPIRIN]).docs
    examples = [Example(Doc(nlp.vocab, words=WORDS), doc) for doc in right]
    with nlp.select_pipes(enable=["ner"]):
        optimizer = nlp.initialize(lambda: examples)
        for _ in range(40):
            nlp.update(examples, sgd=optimizer)

    def prob(start, end, label):
        (posterior,) = get_posteriors(nlp, [Doc(nlp.vocab, words=WORDS)], component="ner")
        found = {(s.start, s.end, s.label): s.prob for s in posterior.spans}
        return found.get((start, end, label), 0.0)

    before = prob(2, 4, "PERSON")
    assert before > 0.5 and ner.incorrect_spans_key == "incorrect_spans"
    found = one(yes_no(suggestions=[(2, 4, "PERSON", 0.9)]), "reject").docs
    (doc,) = stored_again(found)
    wrong = [Example(Doc(nlp.vocab, words=WORDS), doc)]
    for _ in range(15):
        losses = nlp.update(wrong, sgd=optimizer)
        assert numpy.isfinite(losses["ner"])
    assert prob(2, 4, "PERSON") < before / 2
    # and beside accepted spans of the same text it does not stop training (E868)
    some = stored(task(labels=["PERSON"]))
    no = stored(yes_no(suggestions=[(4, 5, "DRUG", 0.9)]), 1)
    (doc,) = merged([some, no], [answer(some, spans=[BOB]), answer(no, verdict="reject")]).docs
    assert spans(doc)
    nlp.update([Example(Doc(nlp.vocab, words=WORDS), doc)], sgd=optimizer)


@pytest.mark.slow
def test_spacy_stops_at_what_merge_keeps_apart():
    """The rule that a span is never both: what happens without it."""
    nlp = spacy.blank("en")
    nlp.add_pipe("ner", config={"incorrect_spans_key": "incorrect_spans"})
    doc = one(task(), spans=[BOB]).docs[0]
    nlp.initialize(lambda: [Example(Doc(nlp.vocab, words=WORDS), doc)])
    doc.spans["incorrect_spans"] = [Span(doc, 2, 4, label="PERSON")]
    with pytest.raises(ValueError, match="E868"):
        nlp.update([Example(Doc(nlp.vocab, words=WORDS), doc)])

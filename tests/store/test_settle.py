"""Answers that contradict each other, settled by a consensus: what trains, what is overruled, and what is left to a review."""

import numpy
import pytest
import spacy
from spacy.vocab import Vocab

from spacy_al.consensus.setting import Consensus
from spacy_al.kinds import FACTORIES
from spacy_al.store.reliability import judge_people
from spacy_al.store.settle import settle
from spacy_al.store.votes import shared_texts
from spacy_al.tasks.answer import YES_NO_ENTITIES, check
from spacy_al.tasks.merge import merge
from spacy_al.tasks.records import StoredAnswer, StoredTask, task_id
from spacy_al.tasks.task import make_task
from spacy_al.util import content_hash

LABELS = ["DRUG", "PERSON"]
VIEWS = {"entities": "ner", "spans": "spancat", "tags": "tagger", "categories": "textcat"}
PEOPLE = ("ann", "bob", "cleo")


def task(
    text, kind="entities", *, labels=LABELS, number=0, purpose="train", exclusive=True, **more
):
    made = make_task(
        spacy.blank("en").make_doc(text),
        suggestions=more.pop("suggestions", ()),
        component_kind=kind,
        labels=labels,
        meta=more.pop("meta", {}),
        view_id=FACTORIES[VIEWS[kind]].view_id,
        exclusive=exclusive,
    )
    item = content_hash(text)
    return StoredTask(task_id(number, text, purpose), number, item, purpose, 1, {**made, **more})


def answer(to, who, payload, seq):
    said = check(to.task, {"answer": "accept", **payload})
    return StoredAnswer(seq, f"{to.id}-{who}", to.id, who, said, 3.0, 0.0)


def marks(*spans):
    return {
        "spans": [{"token_start": a, "token_end": b - 1, "label": label} for a, b, label in spans]
    }


def said(tasks, payloads, start=0):
    """Answers: of each task what each of the people says; None for nothing."""
    found = []
    for one, row in zip(tasks, payloads):
        for who, payload in zip(PEOPLE, row):
            if payload is not None:
                found.append(answer(one, who, payload, start + len(found) + 1))
    return found


def merged(tasks, answers, consensus, kind="entities", labels=LABELS):
    settled = settle(tasks, answers, consensus, kind, labels)
    how = {"kind": kind, "labels": labels, "vocab": Vocab()}
    return settled, merge(tasks, answers, settled=settled.texts, **how)


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """So that a dozen of texts will do."""
    monkeypatch.setattr("spacy_al.store.settle.FEWEST_TEXTS", 1)


MANY = [f"Doctor Brown gave aspirin to patient {n} today" for n in range(12)]
RIGHT = marks((1, 2, "PERSON"), (3, 4, "DRUG"))
WRONG = marks((1, 2, "DRUG"))


def test_the_majority_trains_and_who_was_overruled_is_known():
    [one] = tasks = [task(MANY[0])]
    answers = said(tasks, [(RIGHT, RIGHT, WRONG)])
    settled, found = merged(tasks, answers, Consensus("majority"))
    [doc] = found.docs
    assert {(ent.text, ent.label_) for ent in doc.ents} == {
        ("Brown", "PERSON"),
        ("aspirin", "DRUG"),
    }
    assert found.review == [] and found.report["settled by consensus"] == 1
    assert settled.overruled == {
        one.id: {
            "cleo": {
                "answer": 3,
                "left_out": [[1, 2, "DRUG"]],
                "put_in": [[1, 2, "PERSON"], [3, 4, "DRUG"]],
            }
        }
    }
    assert settled.probs == {one.item: pytest.approx(2 / 3)}
    # as ever, where nothing is set
    none, before = merged(tasks, answers, Consensus())
    assert not before.docs and before.review == [one.id] and not none.texts


def test_ties_and_what_is_not_sure_enough_go_to_review():
    tasks = [task(MANY[0])]
    for answers in (said(tasks, [(RIGHT, WRONG)]), said(tasks, [(RIGHT, marks())])):
        settled, found = merged(tasks, answers, Consensus("majority"))
        assert not found.docs and found.review == [tasks[0].id] and settled.left == 1
    answers = said(tasks, [(RIGHT, RIGHT, WRONG)])
    assert merged(tasks, answers, Consensus("majority", least=0.7))[1].review == [tasks[0].id]


def test_of_few_texts_nobody_is_told_to_be_right_more_often(monkeypatch):
    monkeypatch.undo()
    tasks = [task(text) for text in MANY]
    rows = [(RIGHT, marks((4, 6, "DRUG")), marks((4, 6, "DRUG"))) for _ in MANY]
    answers = said(tasks, rows)
    found = settle(tasks, answers, Consensus("dawid_skene"), "entities", LABELS)
    assert not found.texts and found.left == 12 and "12 texts" in found.why and "50" in found.why
    assert settle(tasks, answers, Consensus("majority"), "entities", LABELS).texts


def test_whose_answers_are_mostly_right_counts_for_more_than_two_who_are_not():
    tasks = [task(text) for text in MANY]
    rng = numpy.random.default_rng(0)
    rows = []
    for n in range(12):
        # cleo agrees with whoever is right; the two others are wrong by turns
        wrong = marks((int(rng.integers(4, 6)), 6, "DRUG"))
        rows.append((RIGHT, wrong, RIGHT) if n % 2 else (wrong, RIGHT, RIGHT))
    rows[0] = (RIGHT, marks((1, 2, "PERSON")), RIGHT)
    for method in ("majority", "dawid_skene"):
        settled, found = merged(tasks, said(tasks, rows), Consensus(method))
        assert len(found.docs) == 12 and "cleo" not in {
            who for by in settled.overruled.values() for who in by
        }
    by_model = settle(tasks, said(tasks, rows), Consensus("dawid_skene"), "entities", LABELS)
    again = settle(
        tasks[::-1], said(tasks, rows)[::-1], Consensus("dawid_skene"), "entities", LABELS
    )
    assert by_model.texts == again.texts and by_model.overruled == again.overruled


def test_two_people_cannot_be_told_apart():
    tasks = [task(MANY[0])]
    settled, found = merged(tasks, said(tasks, [(RIGHT, WRONG)]), Consensus("dawid_skene"))
    assert "2 people" in settled.why and found.review == [tasks[0].id]


def test_a_review_settles_more_than_a_consensus():
    one = task(MANY[0])
    review = task(MANY[0], number=1, purpose="review")
    answers = [*said([one], [(RIGHT, RIGHT, WRONG)]), answer(review, "dora", WRONG, 9)]
    settled, found = merged([one, review], answers, Consensus("majority"))
    assert not settled.texts and [ent.label_ for ent in found.docs[0].ents] == ["DRUG"]


def test_who_rejects_a_text_whole_gives_no_vote_and_many_such_leave_it_to_a_review():
    tasks, no = [task(MANY[0])], {"answer": "reject"}
    settled, found = merged(tasks, said(tasks, [(RIGHT, no, no)]), Consensus("majority"))
    assert not settled.texts and found.review == [tasks[0].id]


@pytest.mark.parametrize("method", ["majority", "dawid_skene", "mace"])
def test_categories_that_exclude_each_other(method):
    tasks = [task(text, "categories") for text in MANY]
    yes, no = {"accept": ["DRUG"]}, {"accept": ["PERSON"]}
    rows = [(yes, yes, yes) if n % 2 else (no, no, no) for n in range(12)]
    rows[0] = (no, no, yes)
    settled, found = merged(tasks, said(tasks, rows), Consensus(method), "categories")
    assert len(found.docs) == 12 and found.docs[0].cats == {"DRUG": 0.0, "PERSON": 1.0}
    assert settled.overruled[tasks[0].id]["cleo"]["left_out"] == [[0, 0, "DRUG"]]
    rows[0] = (no, yes, None)
    settled, found = merged(tasks, said(tasks, rows), Consensus("majority"), "categories")
    assert settled.left == 1 and len(found.docs) == 11


def test_any_number_of_categories_and_tags():
    tasks = [task(text, "categories", exclusive=False) for text in MANY]
    both, one = {"accept": LABELS}, {"accept": ["DRUG"]}
    rows = [(both, both, both) if n % 2 else (one, one, one) for n in range(12)]
    rows[0] = (one, one, both)
    for method in ("majority", "dawid_skene"):
        _, found = merged(tasks, said(tasks, rows), Consensus(method), "categories")
        assert found.docs[0].cats == {"DRUG": 1.0, "PERSON": 0.0} and len(found.docs) == 12
    tasks = [task("aspirin helps", "tags")]
    tagged = marks((0, 1, "DRUG"), (1, 2, "PERSON"))
    other = marks((0, 1, "DRUG"), (1, 2, "DRUG"))
    answers = said(tasks, [(tagged, tagged, other)])
    for method in ("majority", "mace"):
        settled, found = merged(tasks, answers, Consensus(method), "tags")
        assert [token.tag_ for token in found.docs[0]] == ["DRUG", "PERSON"]
        assert settled.overruled[tasks[0].id]["cleo"]["left_out"] == [[1, 2, "DRUG"]]


def test_a_yes_and_a_no_to_one_entity():
    span = {"token_start": 3, "token_end": 3, "start": 18, "end": 25, "label": "DRUG"}
    one = task(MANY[0], _view_id=YES_NO_ENTITIES, spans=[span], asked=[])
    span = {"spans": [{"token_start": 3, "token_end": 3, "label": "DRUG"}]}
    answers = [
        answer(one, "ann", span, 1),
        answer(one, "bob", span, 2),
        answer(one, "cleo", {**span, "answer": "reject"}, 3),
    ]
    settled, found = merged([one], answers, Consensus("majority"))
    assert found.review == [] and [ent.text for ent in found.docs[0].ents] == ["aspirin"]
    assert settled.overruled[one.id]["cleo"]["put_in"] == [[3, 4, "DRUG"]]


def test_the_models_belief_breaks_a_tie_where_the_config_says_so():
    tasks = [task(text, "categories") for text in MANY]
    yes, no = {"accept": ["DRUG"]}, {"accept": ["PERSON"]}
    rows = [(yes, yes, yes) if n % 2 else (no, no, no) for n in range(12)]
    rows[0] = (yes, no, None)
    for prob, wins in ((0.95, "DRUG"), (0.05, "PERSON")):
        tasks[0] = task(MANY[0], "categories", suggestions=[("DRUG", prob), ("PERSON", 1 - prob)])
        consensus = Consensus("mace", prior="model")
        settled, _ = merged(tasks, said(tasks, rows), consensus, "categories")
        assert settled.texts[tasks[0].item].accepted == {(0, 0, wins)}


def crowd(n=60, spam=True, models=True):
    """Three people who are mostly right, and one who marks anything."""
    rng = numpy.random.default_rng(1)
    tasks, answers = [], []
    for number in range(n):
        text = f"Doctor Brown gave aspirin to patient {number} today"
        guess = [(1, 2, "PERSON", 0.9), (3, 4, "DRUG", 0.8)][: 2 if rng.random() < 0.8 else 1]
        made = task(text, suggestions=guess, meta={"model": "x"} if models else {})
        tasks.append(made)
        for who, right in (("ann", 0.95), ("bob", 0.85), ("cleo", 0.8), ("spam", None)):
            if right is None:
                place = int(rng.integers(0, 7))
                payload = marks((place, place + 1, LABELS[rng.integers(2)]))
            else:
                payload = marks(
                    *(m for m in ((1, 2, "PERSON"), (3, 4, "DRUG")) if rng.random() < right)
                )
            if spam or right is not None:
                answers.append(answer(made, who, payload, len(answers) + 1))
    return tasks, answers


def test_who_is_how_good():
    tasks, answers = crowd()
    found = judge_people(tasks, answers, LABELS)
    rows = {one["name"]: one for one in found["skills"]}
    assert [name for name, one in rows.items() if one["is_spammer"]] == ["spam"]
    for name in PEOPLE:
        own = [len(one.payload["spans"]) for one in answers if one.annotator == name]
        share = sum(own) / (2 * len(own))
        assert rows[name]["finds"]["low"] <= share <= rows[name]["finds"]["high"]
        assert abs(rows[name]["finds"]["value"] - share) < 0.03
        assert rows[name]["right"]["value"] > 0.9 and rows[name]["shared"] > 50
        assert set(rows[name]["labels"]) == set(LABELS)
    assert 0 < found["alpha"]["low"] < found["alpha"]["value"] < found["alpha"]["high"] < 0.9
    # a model as good as they are could stand in for one of them
    assert found["replacement"]["is_passed"] and len(found["replacement"]["annotators"]) == 4


def test_two_people_or_few_texts_say_nothing_about_anybody():
    tasks, answers = crowd(spam=False, models=False)
    two = [one for one in answers if one.annotator != "cleo"]
    assert judge_people(tasks, two, LABELS)["skills"] == []
    found = judge_people(tasks[:4], answers[:12], LABELS)
    assert found["skills"] == [] and found["replacement"] is None
    assert judge_people(tasks, answers, LABELS)["replacement"] is None


def test_a_text_that_one_person_has_answered_is_shared_by_nobody():
    tasks = [task(MANY[0]), task(MANY[1])]
    answers = said(tasks, [(RIGHT, None, None), (RIGHT, RIGHT, None)])
    [shared] = shared_texts(tasks, answers, kind="entities", labels=LABELS)
    assert shared.item == tasks[1].item and set(shared.opinions) == {"ann", "bob"}
    assert sum(n for *_, n in shared.places()) == 2 * len(tasks[1].task["tokens"])

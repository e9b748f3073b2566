"""An annotator's own work: their part of a round, and what they did since they sat down."""

import time

import pytest

from spacy_al.errors import AlError
from spacy_al.store.desk import annotator_progress, next_tasks
from spacy_al.store.own_work import PAUSE, own_session, own_share
from spacy_al.store.store import Store
from tests.helpers.web_tasks import entities, make_run, many_categories

NOW = time.time()
MARKS = [{"token_start": 3, "token_end": 5, "label": "CONDITION"}]
MARKS += [{"token_start": 10, "token_end": 10, "label": "DRUG"}]


@pytest.fixture
def store(tmp_path):
    with Store(make_run(tmp_path / "al.db", [entities(k) for k in range(6)])) as opened:
        yield opened


def say(store, k, who="ann", payload=None, **more):
    task = [*store.tasks()][k].id
    id = f"{who}-{k}-{store.read('SELECT count(*) FROM answers')[0][0]}"
    store.add_answer(task, payload or {"answer": "ignore"}, id=id, annotator=who, **more)


def share(store, who, **how):
    overlap = how.get("overlap", 1)
    return own_share(store, who, annotator_progress(store, who, 0, overlap), **how)


def test_who_is_alone_has_all_of_the_round(store):
    assert share(store, "ann") == {"today": 0, "part": 6}
    say(store, 0)
    assert share(store, "ann") == {"today": 1, "part": 6}


@pytest.mark.parametrize(
    "team, of_ann, of_bob", [(None, 3, 6), (("ann", "bob"), 3, 4), ("abcde", 1, 2)]
)
def test_what_is_left_is_shared_by_those_who_are_there(store, team, of_ann, of_bob):
    say(store, 5, "bob")
    # of 6, 5 are left; where nobody is named bob has seen nobody else yet
    assert share(store, "ann", team=team)["part"] == of_ann
    assert share(store, "bob", team=team)["part"] == of_bob


def test_who_holds_a_task_shares_the_round(store):
    next_tasks(store, "bob", n=1)
    assert share(store, "ann")["part"] == 3


def test_nobody_has_more_than_can_be_asked_of_them(store):
    """With an overlap of two, one of whom has done all."""
    for k in range(6):
        say(store, k)
    assert share(store, "ann", overlap=2) == {"today": 6, "part": 6}
    assert share(store, "bob", overlap=2) == {"today": 0, "part": 3}
    assert share(store, "bob", overlap=2, team=["bob"])["part"] == 6


def test_today_is_what_counts_since_midnight(store):
    say(store, 0, at=NOW - 3 * 86400)
    say(store, 1, at=NOW)
    say(store, 1, payload={"answer": "reject", "spans": []}, at=NOW)
    assert share(store, "ann")["today"] == 1 and share(store, "bob")["today"] == 0
    # of a round that was opened today, what was answered before
    store.advance(0, "done")
    store.open_round(1)
    assert share(store, "ann")["today"] == 1


def test_a_session_begins_after_a_pause(store):
    say(store, 0, payload={"answer": "accept", "spans": MARKS}, seconds=9, at=NOW - 3 * PAUSE)
    say(store, 1, payload={"answer": "accept", "spans": MARKS}, seconds=4, at=NOW - 1.5 * PAUSE)
    say(store, 2, payload={"answer": "reject", "spans": MARKS}, seconds=10, at=NOW - PAUSE)
    say(store, 3, payload={"answer": "accept", "spans": MARKS[1:]}, seconds=90, at=NOW - 5)
    found = own_session(store, "ann", NOW)
    assert found["answers"] == 3 and found["verdicts"] == {"accept": 2, "reject": 1, "ignore": 0}
    assert found["since"] == pytest.approx(NOW - 1.5 * PAUSE - 4)
    assert found["minutes"] == pytest.approx(104 / 60) and found["median"] == 10
    # what was rejected is no label that was given
    assert found["labels"] == [("DRUG", 2), ("CONDITION", 1)]
    later = own_session(store, "ann", NOW + 2 * PAUSE)
    assert (later["answers"], later["since"], later["median"], later["labels"]) == (
        0,
        None,
        None,
        [],
    )
    assert own_session(store, "bob")["answers"] == 0


def test_categories_are_labels_that_were_given(tmp_path):
    with Store(make_run(tmp_path / "al.db", [many_categories()])) as store:
        say(store, 0, payload={"answer": "accept", "accept": ["oncology", "surgery"]})
        found = own_session(store, "ann")
        assert found["labels"] == [("oncology", 1), ("surgery", 1)] and found["minutes"] is None


def dev(score, measures=None, texts=40):
    return {"dev": {"score": score, "score_name": "ents_f", "texts": texts, "measures": measures}}


def test_scores_are_those_of_models_without_and_with_the_answers(store):
    assert own_session(store, "ann")["scores"]["name"] is None
    store.advance(0, "wait", metrics=dev(0.5, ["A"]))
    say(store, 0)
    first = {"round": 0, "score": 0.5, "texts": 40}
    scores = own_session(store, "ann")["scores"]
    assert scores == {"before": first, "after": None, "name": "ents_f", "comparable": True}
    store.advance(0, "done")
    store.open_round(1)
    store.advance(1, "select", metrics=dev(0.6, ["A"], 50))
    scores = own_session(store, "ann")["scores"]
    after = {"round": 1, "score": 0.6, "texts": 50}
    assert scores == {"before": first, "after": after, "name": "ents_f", "comparable": True}
    store.open_round(2)
    store.advance(2, "select", metrics=dev(0.4, ["A", "B"]))
    scores = own_session(store, "ann")["scores"]
    assert scores["after"]["round"] == 2 and not scores["comparable"]
    store.open_round(3)
    store.advance(3, "select", metrics=dev(None))
    assert own_session(store, "ann")["scores"] == scores


def test_a_name_that_cannot_be_kept_is_refused(store):
    with pytest.raises(AlError, match="AL115"):
        own_session(store, "\ud800")

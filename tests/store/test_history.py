"""Answers that are corrected, taken back and deleted: what counts, against a model of a few lines, whatever is killed in between."""

import json
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_al.errors import AlError
from spacy_al.store.answer_list import Filters, list_answers, trained_with
from spacy_al.store.desk import n_left, next_tasks, own_task
from spacy_al.store.history import all_said, asked_anew, withdraw
from spacy_al.store.store import Store
from spacy_al.store.withdrawal import preview_withdrawal
from tests.helpers.web_tasks import entities, make_run

PEOPLE = ["ann", "bob", "cleo"]
SAID = {"answer": "accept", "spans": [{"token_start": 10, "token_end": 10, "label": "DRUG"}]}
NONE = {"answer": "accept", "spans": []}
MODEL = {"hash": "x", "path": "x", "versions": {}}


@pytest.fixture
def store(tmp_path):
    with Store(make_run(tmp_path / "al" / "al.db", [entities(k) for k in range(3)])) as store:
        yield store


def say(store, task, payload=NONE, who="ann", **more):
    """The number of the answer that this becomes."""
    ids = [stored.id for stored in store.tasks()]
    seq = store.read("SELECT coalesce(max(seq), 0) FROM answers")[0][0]
    store.add_answer(ids[task], payload, id=f"{seq}-{who}", annotator=who, **more)
    return store.read("SELECT max(seq) FROM answers")[0][0]


def take(store, number, kind="undo", **more):
    assert withdraw(store, number, kind, id=f"{kind}-{number}-{time.time_ns()}", **more)


class Model:
    """Of each person and text what they said, the last one last."""

    def __init__(self):
        self.stacks = {}

    def do(self, what, who, task, verdict):
        stack = self.stacks.setdefault((who, task), [])
        if what == "answer":
            stack.append(verdict)
        elif not stack:
            return False
        elif what == "undo":
            stack.pop()
        else:
            stack.clear()
        return True

    def counts(self):
        return {key: stack[-1] for key, stack in self.stacks.items() if stack}


def do(store, ids, step, name):
    """One step in the store, or False where there is nothing to take back."""
    what, who, task, verdict = step
    if what == "answer":
        store.add_answer(ids[task], {"answer": verdict}, id=name, annotator=who)
        return True
    last = [
        one.answer.seq
        for one in all_said(store, ids[task])
        if (one.answer.annotator, one.state) == (who, "counts")
    ]
    return bool(last) and withdraw(store, last[0], what, id=name)


def found(store, ids, upto=None):
    return {
        (one.annotator, ids.index(one.task)): one.payload["answer"]
        for one in store.answers(upto=upto)
    }


STEP = st.tuples(
    st.sampled_from(["answer", "answer", "undo", "delete"]),
    st.sampled_from(PEOPLE),
    st.integers(0, 2),
    st.sampled_from(["accept", "reject", "ignore"]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, max_size=25))
def test_what_counts_is_what_a_model_says(tmp_path_factory, steps):
    folder, model, before = tmp_path_factory.mktemp("run"), Model(), [{}]
    tasks = [entities(k) for k in range(3)]
    with Store(make_run(folder / "al.db", tasks)) as store:
        ids = [stored.id for stored in store.tasks()]
        for number, step in enumerate(steps):
            rows = store.read("SELECT count(*) FROM answers")[0][0]
            assert do(store, ids, step, f"step-{number}") == model.do(*step)
            if store.read("SELECT count(*) FROM answers")[0][0] > rows:
                before.append(model.counts())
            assert found(store, ids) == model.counts()
            per_task = Counter(task for _, task in model.counts())
            for overlap in (1, 2):
                assert n_left(store, overlap) == sum(per_task[k] < overlap for k in range(3))
        # every state of before can be told, and nothing has vanished
        for seq, counted in enumerate(before):
            assert found(store, ids, seq) == counted
            stood = [one.answer for one in all_said(store) if one.stands_at(seq)]
            assert len(stood) == len(counted)
        assert len(all_said(store)) == sum(what == "answer" for what, *_ in steps)
        assert store.n_answers() == len(model.counts()) == len(list_answers(store))
        unanswered = {stored.id for stored in store.unanswered()}
        assert unanswered == {ids[k] for k in range(3)} - {ids[k] for _, k in model.counts()}


def _change_until_killed(path, seed, acknowledged):
    rng = random.Random(seed)
    with Store(path) as store:
        ids = [stored.id for stored in store.tasks()]
        for number in range(10_000):
            step: list[Any] = [rng.choice(["answer", "answer", "undo", "delete"])]
            step += [rng.choice(PEOPLE)]
            step += [rng.randrange(3), rng.choice(["accept", "reject", "ignore"])]
            if do(store, ids, step, f"{seed}-{number:06}"):
                os.write(acknowledged, f"{json.dumps(step)}\n".encode())


@pytest.mark.slow
def test_what_was_acknowledged_survives_a_kill(tmp_path):
    path, model, total = make_run(tmp_path / "al.db", [entities(k) for k in range(3)]), Model(), 0
    rng = random.Random(1)
    for seed in range(12):
        read, write = os.pipe()
        child = os.fork()
        if not child:
            try:
                _change_until_killed(path, seed, write)
            finally:
                os._exit(1)
        os.close(write)
        first = os.read(read, 1)
        time.sleep(rng.uniform(0, 0.1))
        os.kill(child, signal.SIGKILL)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1]), "the writer failed by itself"
        with open(read, "rb") as pipe:
            lines = (first + pipe.read()).decode().splitlines()
        steps = [json.loads(line) for line in lines]
        total += len(steps)
        for step in steps:
            assert model.do(*step)
        with Store(path) as store:
            ids = [stored.id for stored in store.tasks()]
            now, rows = found(store, ids), store.read("SELECT count(*) FROM answers")[0][0]
            # the last one may be stored and not acknowledged
            assert rows - total in (0, 1)
            if rows - total:
                differs = {*now.items()} ^ {*model.counts().items()}
                assert len({key for key, _ in differs}) <= 1
                total, model.stacks = rows, _stacks(store, ids)
            assert now == model.counts()
    assert total > 24


def _stacks(store, ids):
    """What each person said that still could count, told by the rows themselves."""
    stacks = {}
    rows = store.read("SELECT seq, task, annotator, stands FROM answers ORDER BY seq")
    said = {one.answer.seq: one.answer.payload["answer"] for one in all_said(store)}
    for seq, task, who, stands in rows:
        stack = stacks.setdefault((who, ids.index(task)), [])
        if stands is None:
            stack.append(said[seq])
        elif stands:
            stack.pop()
        else:
            stack.clear()
    return stacks


def test_undo_goes_back_and_delete_does_not(store):
    first, second = say(store, 0, SAID), say(store, 0, NONE)
    with pytest.raises(AlError, match=r"AL126.*1.*2 counts"):
        withdraw(store, first, "undo", id="undo-1")
    take(store, second)
    task = next(store.tasks()).id
    assert own_task(store, "ann", task)[1]["spans"][0]["label"] == "DRUG"
    third = say(store, 0, {"answer": "ignore"})
    take(store, third, "delete", by="lead")
    assert own_task(store, "ann", task)[1] is None and store.n_answers() == 0
    rows = list_answers(store, Filters(all=True))
    assert [row.said.state for row in rows] == ["deleted", "undone", "corrected"]
    assert rows[0].said.changed_by == "lead" and rows[1].said.changed_by == "ann"
    assert next_tasks(store, "bob", n=1)[0].id == task
    for number, code in ((third, "AL126"), (99, "AL125"), (third + 1, "AL125")):
        with pytest.raises(AlError, match=code):
            preview_withdrawal(store, number, "undo")
        with pytest.raises(AlError, match=code):
            withdraw(store, number, "undo", id="another")


def test_the_same_change_sent_again_is_one(store):
    number = say(store, 0)
    assert withdraw(store, number, "undo", id="undo-one")
    assert not withdraw(store, number, "undo", id="undo-one")
    for how in ((number, "delete", "undo-one"), (say(store, 1), "undo", "undo-one")):
        with pytest.raises(AlError, match="AL116"):
            withdraw(store, how[0], how[1], id=how[2])
    with pytest.raises(AlError, match="AL116"):
        store.add_answer(next(store.tasks()).id, NONE, id="undo-one", annotator="ann")


def test_a_row_that_was_changed_by_others_is_damage(store):
    take(store, say(store, 0))
    with sqlite3.connect(store.path) as other:
        other.execute("UPDATE answers SET entered_by = 'eve' WHERE stands IS NOT NULL")
    other.close()
    with pytest.raises(AlError, match="AL112"):
        all_said(store)


def test_models_that_saw_it_and_the_question_once_more(store):
    number, other = say(store, 0, SAID), say(store, 1)
    ignored = say(store, 2, {"answer": "ignore"})
    store.advance(0, "done")
    for k in (1, 2):
        store.open_round(k)
        store.advance(k, "wait", model=MODEL)
    said = "The models of rounds 1, 2 were trained with it and stay as they are"
    assert any(said in one for one in preview_withdrawal(store, number, "delete"))
    take(store, number, "delete")
    store.open_round(3)
    store.advance(3, "stopped", model=MODEL)
    assert trained_with(store, all_said(store)) == {number: [1, 2], other: [1, 2, 3], ignored: []}
    assert any("has stopped" in one for one in preview_withdrawal(store, other, "undo"))
    # a text of an earlier round is asked by the next one, once
    ((purpose, task),) = asked_anew(store, 3)
    assert purpose == "train" and task["text"].endswith(" 0") and task["meta"]["round"] == 3
    store.advance(3, "wait", tasks=[(purpose, task)])
    assert asked_anew(store, 4) == []
    assert next_tasks(store, "ann", n=1)[0].task["text"] == task["text"]
    again = [stored.id for stored in store.tasks(3)]
    store.add_answer(again[0], NONE, id="once-more", annotator="ann")
    take(store, store.read("SELECT max(seq) FROM answers")[0][0])
    assert [task["asked_anew"] for _, task in asked_anew(store, 4)] == again


def test_filters(store):
    say(store, 0, SAID, at=100.0)
    say(store, 0, NONE, "bob", at=200.0)
    say(store, 1, {"answer": "ignore"}, at=300.0, by="lead")
    store.log("flag", annotator="bob", task=[one.id for one in store.tasks()][1], flagged=True)

    def numbers(**how):
        return [row.said.answer.seq for row in list_answers(store, Filters(**how))]

    assert numbers() == [3, 2, 1]
    assert numbers(label="DRUG") == [1] and numbers(annotator="bob") == [2]
    assert numbers(answer="ignore") == [3] and numbers(text="DAILY. 1") == [3]
    assert numbers(since=200.0) == [3, 2] and numbers(until=200.0) == [1]
    assert numbers(flagged=True) == [3] and numbers(disagreement=True) == [2, 1]
    assert numbers(round=0) == [3, 2, 1]
    assert list_answers(store)[0].said.answer.by == "lead"
    for how in ({"label": "DRUGS"}, {"annotator": "an"}, {"round": 7}, {"answer": "yes"}):
        with pytest.raises(AlError, match="AL128"):
            numbers(**how)
    # a review settles it
    store.open_round(1)
    review = {**entities(0), "review": []}
    store.advance(1, "wait", tasks=[("review", review)])
    store.add_answer(next(store.tasks(1)).id, NONE, id="review", annotator="cleo")
    assert {row.disagreement for row in list_answers(store, Filters(text="daily. 0"))} == {
        "settled"
    }


def test_who_disagreed_reviews_only_where_nobody_else_can(store):
    say(store, 0, SAID, "ann")
    say(store, 0, NONE, "bob")
    store.open_round(1)
    store.advance(1, "wait", tasks=[("review", {**entities(0), "review": []})])
    team = ["ann", "bob", "cleo"]
    for who in ("ann", "bob"):
        assert next_tasks(store, who, team=team) == []
        # nobody else is known, or is there
        assert [one.purpose for one in next_tasks(store, who, team=team[:2])] == ["review"]
        store.read("DELETE FROM assignments")
    # who has answered of late counts where nobody is named
    say(store, 1, NONE, "cleo")
    assert next_tasks(store, "ann") == []
    assert [one.purpose for one in next_tasks(store, "cleo", team=team)] == ["review"]
    # whose answer was taken back is of no opinion any more
    take(store, 1)
    store.read("DELETE FROM assignments")
    assert [one.purpose for one in next_tasks(store, "ann", team=team)] == ["review"]

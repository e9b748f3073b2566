"""What a run has cost and learned, as stopping criteria see it: every answer counts once, and before the model it taught."""

from dataclasses import replace
from pathlib import Path

import pytest

from spacy_al.config.project import Project
from spacy_al.config.settings import Settings
from spacy_al.loop.history import _too_few, breaks, round_history, spent, stopping
from spacy_al.store.store import Store
from tests.helpers.web_tasks import entities, partial, yes_no

DEV = {"score": 0.5, "score_name": "entity F", "per_label": {}}
# What the answers of a round cost
COST = {"answers": 10, "words_shown": 200, "words_decided": 150, "seconds_answers": 60.0}
NONE = {"answer": "accept", "spans": []}


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "al.db") as made:
        yield made


def add_rounds(store, *metrics):
    for number, found in enumerate(metrics):
        store.open_round(number)
        store.advance(number, "done", metrics=found)


def add_tasks(store, number, *tasks):
    store.open_round(number)
    store.advance(number, "wait", tasks=[("train", task) for task in tasks])
    return [stored.id for stored in store.tasks(number)]


def answer(store, task, who="ann", payload=NONE, **more):
    count = sum(1 for _ in store.answers())
    store.add_answer(task, payload, id=f"{task}-{who}-{count}-{more}", annotator=who, **more)


def costs(rows):
    names = ("round", "answers", "words_asked", "words_decided", "seconds")
    return [tuple(row[name] for name in names) for row in rows]


def project_of(max_rounds=10, **stopper):
    blocks = {"stopper": stopper} if stopper else {}
    return Project(Path("none.cfg"), {}, Settings(max_rounds=max_rounds, blocks=blocks))


def budget(**limits):
    return {"@al_stoppers": "spacy-al.budget.v1", **limits}


# what criteria are given


def test_a_model_has_cost_what_was_answered_before_it(store):
    add_rounds(store, {"dev": DEV, **COST}, {"dev": DEV, **COST}, {"dev": DEV})
    assert costs(round_history(store, 2, {})) == [
        (0, 0, 0, 0, 0),
        (1, 10, 200, 150, 60.0),
        (2, 20, 400, 300, 120.0),
    ]


def test_a_row_has_what_criteria_look_at_and_nothing_else(store):
    seen = {"kappa": 0.9, "span_f1": 0.8, "expected_errors": 7.0, "expected_answers": 70.0}
    kept = {**seen, "texts": 30, "words": 600, "n_pool": 5000}
    add_rounds(store, {"dev": DEV, **kept, "test": DEV, "seconds_train": 3.0})
    assert round_history(store, 0, {}) == [
        {
            **kept,
            "round": 0,
            "score": 0.5,
            "score_name": "entity F",
            "answers": 0.0,
            "words_asked": 0.0,
            "words_decided": 0.0,
            "seconds": 0.0,
        }
    ]


def test_what_a_round_has_not_measured_is_none(store):
    add_rounds(store, {"dev": DEV})
    (row,) = round_history(store, 0, {})
    assert row["kappa"] is row["span_f1"] is row["expected_errors"] is row["texts"] is None


def test_the_round_that_is_evaluated_need_not_be_stored_yet(store):
    add_rounds(store, {"dev": DEV, **COST}, {"texts": 40, "words": 800})
    rows = round_history(store, 1, {"dev": {**DEV, "score": 0.6}, "kappa": 0.7})
    assert [row["score"] for row in rows] == [0.5, 0.6]
    assert (rows[1]["texts"], rows[1]["kappa"], rows[1]["answers"]) == (40, 0.7, 10)


def test_what_is_measured_anew_replaces_what_is_stored(store):
    add_rounds(store, {"dev": DEV, "texts": 40})
    (row,) = round_history(store, 0, {"dev": {**DEV, "score": 0.75}})
    assert (row["score"], row["texts"]) == (0.75, 40)


def test_rounds_without_a_model_cost_and_have_no_row(store):
    add_rounds(store, COST, {"dev": DEV, **COST}, COST, {"dev": DEV})
    assert [(row[0], row[1]) for row in costs(round_history(store, 3, {}))] == [(1, 10), (3, 30)]


def test_later_rounds_are_not_looked_at(store):
    add_rounds(store, {"dev": DEV, **COST}, {"dev": DEV, **COST}, {"dev": DEV, **COST})
    assert [row["round"] for row in round_history(store, 1, {})] == [0, 1]
    assert [row["round"] for row in round_history(store, 2, {})] == [0, 1, 2]


def test_a_round_between_two_that_are_stored_has_cost_what_the_first_did(store):
    for number in (0, 2):
        store.open_round(number)
        store.advance(number, "done", metrics=COST)
    assert costs(round_history(store, 1, {"dev": DEV})) == [(1, 10, 200, 150, 60.0)]


def test_a_round_that_was_not_answered_costs_nothing(store):
    add_rounds(store, {"dev": DEV}, {"dev": DEV, **COST}, {"dev": DEV})
    assert [row["answers"] for row in round_history(store, 2, {})] == [0, 0, 10]


def test_rounds_are_in_the_order_of_their_numbers(store):
    for number in (10, 9, 2):
        store.open_round(number)
        store.advance(number, "done", metrics={"dev": DEV, "answers": number})
    rows = round_history(store, 11, {"dev": DEV})
    assert [(row["round"], row["answers"]) for row in rows] == [(2, 0), (9, 2), (10, 11), (11, 21)]


def test_nothing_was_evaluated(store):
    assert round_history(store, 0, {}) == []
    add_rounds(store, COST)
    assert round_history(store, 0, {"texts": 3}) == []


# what answers cost


def test_each_answer_of_a_round_is_counted_once(store):
    one, two, _ = add_tasks(store, 0, entities(0), entities(1), entities(2))
    answer(store, one, seconds=2.5)
    answer(store, two, seconds=4.0)
    n_words = len(entities(0)["tokens"])
    assert spent(store, 0) == {
        "answers": 2,
        "seconds_answers": 6.5,
        "words_shown": 2 * n_words,
        "words_decided": 2 * n_words,
    }


def test_a_correction_takes_the_place_of_what_it_corrects(store):
    (task,) = add_tasks(store, 0, entities(0))
    answer(store, task, seconds=2.0)
    answer(store, task, seconds=5.0, payload={"answer": "ignore"})
    assert (spent(store, 0)["answers"], spent(store, 0)["seconds_answers"]) == (1, 5.0)


def test_two_people_who_answer_the_same_cost_twice(store):
    (task,) = add_tasks(store, 0, entities(0))
    answer(store, task, "ann", seconds=2.0)
    answer(store, task, "bob", seconds=3.0)
    found = spent(store, 0)
    assert (found["answers"], found["seconds_answers"]) == (2, 5.0)
    assert found["words_shown"] == 2 * len(entities(0)["tokens"])


def test_answers_of_other_rounds_are_theirs(store):
    (first,) = add_tasks(store, 0, entities(0))
    second, third = add_tasks(store, 1, entities(1), entities(2))
    for task in (first, second, third):
        answer(store, task, seconds=1.0)
    assert (spent(store, 0)["answers"], spent(store, 1)["answers"]) == (1, 2)
    assert (spent(store, 0)["seconds_answers"], spent(store, 1)["seconds_answers"]) == (1.0, 2.0)


def test_an_answer_without_a_time_takes_none(store):
    one, two = add_tasks(store, 0, entities(0), entities(1))
    answer(store, one)
    answer(store, two, seconds=3.0)
    assert spent(store, 0)["seconds_answers"] == 3.0


def test_of_a_part_all_words_are_shown_and_those_asked_about_decided(store):
    part, single = partial(0), yes_no(1)
    for task in add_tasks(store, 0, part, single):
        answer(store, task, payload={"answer": "reject"})
    found = spent(store, 0)
    assert found["words_shown"] == len(part["tokens"]) + len(single["tokens"])
    # tokens 9 to 11 of the one, and of the other the three of the entity in question
    assert found["words_decided"] == 3 + 3


def test_a_round_without_answers_costs_nothing(store):
    add_tasks(store, 0, entities(0))
    assert set(spent(store, 0).values()) == {0}


# whether a round is the last


@pytest.mark.parametrize("number, stop", [(2, False), (3, True), (4, True)])
def test_max_rounds(store, number, stop):
    verb = "Stops" if stop else "Goes on"
    assert stopping(store, project_of(3), number, {"dev": DEV}) == (
        stop,
        [f"{verb}: {number} of at most 3 batches have been answered (max_rounds)."],
    )


def test_a_budget_lasts_for_as_many_answers_as_it_says(store):
    """From people's answers to the verdict, so that none of them is counted twice on the way."""
    project = project_of(**budget(answers=6))
    for number in range(4):
        expected = number == 3
        store.open_round(number)
        found = stopping(store, project, number, {"dev": DEV})
        assert found[0] == expected, found
        assert f"({2 * number})" in found[1][1] or f"{2 * number} of 6" in found[1][1]
        store.advance(number, "select", metrics={"dev": DEV})
        for task in add_tasks(store, number, entities(2 * number), entities(2 * number + 1)):
            answer(store, task, seconds=30.0)
        store.advance(number, "done", metrics=spent(store, number))


@pytest.mark.parametrize(
    "limits",
    [
        {"answers": 20},
        {"words": 400},
        {"seconds": 120},
        {"money": 1, "price_per_hour": 30},
    ],
)
def test_every_budget_ends_at_its_limit_and_not_at_half_of_it(store, limits):
    add_rounds(store, *[{"dev": DEV, **COST}] * 3)
    project = project_of(**budget(**limits))
    found = [stopping(store, project, number, {"dev": DEV})[0] for number in range(3)]
    assert found == [False, False, True]


def test_a_criterion_among_several_gives_a_sentence_of_its_own(store):
    target = {"@al_stoppers": "spacy-al.target_score.v1", "score": 0.4}
    project = project_of(
        3,
        **{"@al_stoppers": "spacy-al.any_of.v1"},
        stoppers={"good": target, "spent": budget(answers=100)},
    )
    assert stopping(store, project, 1, {"dev": DEV}) == (
        True,
        [
            "Goes on: 1 of at most 3 batches have been answered (max_rounds).",
            "Stops: the entity F on dev, 0.500, has reached the target of 0.400 (good).",
            "Goes on: 0 of 100 answers are spent (spent).",
        ],
    )


def test_a_single_criterion_gives_one(store):
    project = project_of(3, **budget(answers=100))
    assert stopping(store, project, 3, {"dev": DEV}) == (
        True,
        [
            "Stops: 3 of at most 3 batches have been answered (max_rounds).",
            "Goes on: 0 of 100 answers are spent.",
        ],
    )


def test_criteria_that_have_to_agree_give_one_sentence(store):
    target = {"@al_stoppers": "spacy-al.target_score.v1", "score": 0.4}
    project = project_of(
        **{"@al_stoppers": "spacy-al.all_of.v1"},
        stoppers={"good": target, "spent": budget(answers=100)},
    )
    stop, (_, reason) = stopping(store, project, 1, {"dev": DEV})
    assert not stop and reason.startswith("Goes on: 1 of 2 criteria are met, but not spent (")


def test_a_score_of_other_labels_is_not_compared_with(store):
    measured = [None, ["A", "B"], ["A", "B"], ["A", "B", "C"], ["A", "B", "C"]]
    rows = [{"dev": {**DEV, **({"measures": one} if one else {})}} for one in measured]
    add_rounds(store, *rows)
    # what an earlier version measured is what the run started with
    assert breaks(store.metrics()) == [3]
    assert [row["score"] for row in round_history(store, 2, {})] == [0.5] * 3
    scores = [row["score"] for row in round_history(store, 4, {})]
    assert scores == [None, None, None, 0.5, 0.5]


@pytest.mark.parametrize(("texts", "dev_size", "few"), [(24, 100, 24), (50, 100, 0), (20, 20, 0)])
def test_a_score_of_few_texts_stops_nothing(tmp_path, texts, dev_size, few):
    settings = Settings(dev_size=dev_size, output=tmp_path)
    project = Project(tmp_path / "my.cfg", {}, settings)
    metrics = {"dev": {"texts": texts, "score": 0.5}}
    assert _too_few(project, metrics) == few
    given = Project(tmp_path / "my.cfg", {}, replace(settings, dev=tmp_path / "dev.spacy"))
    assert _too_few(given, metrics) == 0

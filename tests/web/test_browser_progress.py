"""The page in a real browser: one's own part of a round, what goes on while one waits, and what one has done."""

from types import SimpleNamespace

import pytest

from spacy_al.store.store import Store
from tests.helpers import web_tasks as made
from tests.helpers.web_page import (
    Mouse,
    answers,
    browser,
    context,
    open_page,
    press,
    saved,
    serve,
    shown,
)

pytestmark = pytest.mark.browser


def counts(page, text):
    page.wait_for_selector(f"#count:text-is('{text}')")


def test_who_is_alone_sees_the_round_and_who_shares_it_their_part(context, serve):
    server = serve([made.entities(k) for k in range(8)])
    ann = open_page(context, server.url)
    shown(ann, 0)
    counts(ann, "Round 0 · 0 of 8")
    press(ann, "a")
    counts(ann, "Round 0 · 1 of 8")
    shown(ann, 1)
    bob = open_page(context, f"{server.url}?annotator=bob")
    bob.wait_for_selector("main article")
    # 7 are left for two
    counts(bob, "Round 0 · 1 of 8 · you: 0 of 4")
    press(ann, "a")
    counts(ann, "Round 0 · 2 of 8 · you: 2 of 5")
    assert ann.errors == bob.errors == []


def test_with_overlap_ones_part_is_what_one_can_be_asked(context, serve):
    server = serve([made.entities(k) for k in range(3)], overlap=2, team=["ann", "bob"])
    page = open_page(context, server.url)
    shown(page, 0)
    counts(page, "Round 0 · 0 of 6 · you: 0 of 3")
    press(page, "a")
    counts(page, "Round 0 · 1 of 6 · you: 1 of 3")


def test_what_was_answered_today_is_counted_beyond_the_round(context, serve):
    server = serve([made.entities(k) for k in range(2)])
    page = open_page(context, server.url)
    for k in range(2):
        shown(page, k)
        press(page, "a")
    page.wait_for_selector("text=All is answered")
    counts(page, "Round 0 · 2 of 2")
    with Store(server.database) as store:
        store.advance(0, "done")
        store.open_round(1)
        store.advance(
            1, "wait", tasks=[("train", made.entities(k) | {"meta": {"round": 1}}) for k in (2, 3)]
        )
    shown(page, 2)
    counts(page, "Round 1 · 0 of 2 · 2 today")


def working(*, beside=()):
    """A step that says of itself what it is told to."""
    left = [*beside]
    steps = SimpleNamespace(said=None, wake=lambda: None, state=lambda: "working")
    steps.wait = lambda store: steps.said
    steps.beside = lambda: left.pop(0) if left else None
    return steps


def at(stage, seconds, left=None, is_late=False):
    return {"stage": stage, "seconds": seconds, "left": left, "is_late": is_late}


WAITS = [
    (
        at("starting", 1.2),
        "Getting ready: 1 s so far, how long it takes is known once it was done.",
    ),
    (at("training", 12.3, 41.0), "Training the model: 12 s so far, about 40 s left."),
    (at("measuring", 200.0, 4.2), "Measuring the model: 3 min so far, about 4 s left."),
    (at("choosing", 61.0, 130.0), "Choosing the next texts: 61 s so far, about 2 min left."),
    (
        at("training", 80.0, is_late=True),
        "Training the model: 80 s so far, longer than the last time.",
    ),
]


def test_a_wait_says_what_goes_on_for_how_long_and_how_long_it_will(context, serve):
    steps = working()
    server = serve([made.entities()], steps=steps)
    page = open_page(context, server.url)
    shown(page, 0)
    press(page, "a")
    page.wait_for_selector("main .rest")
    page.locator("main .rest button").focus()
    for number, (wait, sentence) in enumerate(WAITS):
        steps.said = wait
        with Store(server.database) as store:
            store.advance(0, ["wait", "train", "evaluate", "select", "train"][number])
        page.wait_for_selector(f"main .rest p:has-text('{sentence}')")
    # whoever was at the button is there still, and nothing is said aloud each second
    assert page.evaluate("document.activeElement.textContent").startswith("Back to your last")
    assert page.locator("#said").inner_text() == "The model is learning from your answers"
    assert page.errors == []


def test_whoever_answers_meanwhile_sees_the_time_to_go_count_down(context, serve):
    steps = working(beside=[made.entities(k) for k in range(1, 4)])
    server = serve([made.entities()], steps=steps)
    page = open_page(context, server.url)
    shown(page, 0)
    with Store(server.database) as store:
        store.advance(0, "train")
    steps.said = at("training", 3.0, 58.0)
    press(page, "a")
    shown(page, 1)
    counts(page, "Round 0 · 1 answered while the model learns · about 60 s left")
    # nobody does anything
    steps.said = at("training", 44.0, 17.0)
    counts(page, "Round 0 · 1 answered while the model learns · about 20 s left")
    shown(page, 1)
    steps.said = at("training", 70.0, is_late=True)
    counts(page, "Round 0 · 1 answered while the model learns · longer than the last time")
    assert page.errors == []


def rows(page, place):
    names = page.locator(f"{place} .summary dt").all_inner_texts()
    return dict(zip(names, page.locator(f"{place} .summary dd").all_inner_texts()))


def dev(score):
    return {"dev": {"score": score, "score_name": "ents_f", "texts": 40, "measures": ["DRUG"]}}


@pytest.mark.parametrize("by", ["keyboard", "mouse"])
def test_a_summary_is_there_on_demand(context, serve, by):
    server = serve([made.entities(k) for k in range(4)])
    with Store(server.database) as store:
        store.advance(0, "wait", metrics=dev(0.512))
    page = open_page(context, server.url)
    shown(page, 0)
    press(page, "p") if by == "keyboard" else Mouse(page).button("Progress")
    page.wait_for_selector("#summary .summary")
    assert rows(page, "#summary") == {
        "Answers": "None in the last half hour.",
        "Score on dev": "entity F-score 0.512 (round 0, on 40 texts) so far; the model that learns from these answers is still to come.",
        "Next": "4 answers of this round are missing; then the model learns.",
    }
    # keys do nothing to the question behind it
    press(page, "x", "Escape")
    page.wait_for_selector("#summary", state="hidden")
    shown(page, 0)
    press(page, "a")
    shown(page, 1)
    press(page, "x")
    shown(page, 2)
    saved(page)
    press(page, "p") if by == "keyboard" else Mouse(page).button("Progress")
    page.wait_for_selector("#summary dd:has-text('2 since')")
    found = rows(page, "#summary")
    assert found["Answers"].endswith(": 1 accepted, 1 rejected")
    # of what was rejected nothing was given
    assert found["Labels"] == "CONDITION 1 · DRUG 1"
    assert " s a text (median)" in found["Time"]
    assert found["Next"] == "2 answers of this round are missing; then the model learns."
    page.locator("#summary button").click()
    page.wait_for_selector("#summary", state="hidden")
    assert len(answers(server)) == 2 and page.errors == []


def test_a_batch_that_is_done_ends_with_a_summary_and_a_new_score_comes_into_it(context, serve):
    steps = working()
    server = serve([made.entities(k) for k in range(2)], steps=steps)
    with Store(server.database) as store:
        store.advance(0, "wait", metrics=dev(0.512))
    page = open_page(context, server.url)
    for k in range(2):
        shown(page, k)
        press(page, "a")
    # the second answer may come into it after it is shown
    page.wait_for_selector("main .rest .summary dd:has-text('CONDITION 2 · DRUG 2')")
    found = rows(page, "main .rest")
    assert "so far" in found["Score on dev"]
    with Store(server.database) as store:
        store.advance(0, "done")
        store.open_round(1)
        store.advance(1, "select", metrics=dev(0.6))
    page.wait_for_selector("main .rest dd:has-text('then 0.600 (round 1, on 40 texts).')")
    assert (
        rows(page, "main .rest")["Next"] == "New texts, once the model has learned and chosen them."
    )
    assert page.errors == []


def test_labels_in_a_summary_are_never_markup(context, serve):
    evil = "<img src=x onerror=document.title='owned'>"
    server = serve([made.task(labels=[evil], suggestions=[(0, 1, evil, 0.5)])])
    page = open_page(context, server.url)
    page.wait_for_selector(".mark")
    press(page, "a")
    page.wait_for_selector("main .rest .summary")
    assert rows(page, "main .rest")["Labels"] == f"{evil} 1"
    assert page.locator("main img").count() == 0 and page.title() == "clinical notes"

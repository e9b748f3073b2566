"""The page in a real browser: what is in the store is what was clicked, or typed."""

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


def decided(server):
    """Of each text by its rank: which words its answer is about; None for those that were asked."""
    with Store(server.database) as store:
        ranks = {task.id: task.rank for task in store.tasks()}
        return {ranks[answer.task]: answer.payload.get("asked") for answer in store.answers()}


ENTITIES = {
    (1, "ann"): ("accept", [(7, 8, "DOSAGE"), (10, 10, "DRUG")]),
    (2, "ann"): ("accept", [(3, 4, "CONDITION"), (10, 10, "CONDITION")]),
    (3, "ann"): ("ignore", []),
}


def test_entities_by_keyboard(context, serve):
    server = serve([made.entities(k) for k in range(3)])
    page = open_page(context, server.url)
    shown(page, 0)
    press(page, ".", "d", *["ArrowRight"] * 4, "Shift+ArrowRight", "3", "a")
    shown(page, 1)
    press(page, ".", "-", ".", "1", "Enter")
    shown(page, 2)
    press(page, ".", "ArrowRight", "s", "a")
    page.wait_for_selector("text=All is answered")
    saved(page)
    split = ("accept", [(3, 3, "CONDITION"), (4, 5, "CONDITION"), (10, 10, "DRUG")])
    assert answers(server) == {**ENTITIES, (3, "ann"): split}
    press(page, "u")
    shown(page, 2)
    press(page, "i")
    page.wait_for_selector("text=All is answered")
    saved(page)
    assert answers(server) == ENTITIES and page.errors == []


def test_entities_by_mouse(context, serve):
    server = serve([made.entities(k) for k in range(3)])
    page = open_page(context, server.url)
    mouse = Mouse(page)
    shown(page, 0)
    mouse.word(3)
    mouse.button("Delete")
    mouse.drag(7, 8)
    mouse.button("DOSAGE", "Accept")
    shown(page, 1)
    mouse.word(3)
    mouse.button("Shorter")
    mouse.word(10)
    mouse.button("CONDITION", "Accept")
    shown(page, 2)
    mouse.word(4)
    mouse.button("Split here", "Accept", "Back to your last answer")
    shown(page, 2)
    mouse.button("Ignore")
    page.wait_for_selector("text=All is answered")
    saved(page)
    assert answers(server) == ENTITIES and page.errors == []


SPANS = [(3, 3, "DRUG"), (3, 5, "CONDITION"), (3, 8, "DOSAGE"), (7, 10, "DOSAGE")]


@pytest.mark.parametrize("by", ["keyboard", "mouse"])
def test_overlapping_spans(context, serve, by):
    server = serve([made.spans()])
    page = open_page(context, server.url)
    mouse = Mouse(page)
    shown(page, 0)
    if by == "keyboard":
        # of two marks the shorter one is chosen first: made shorter by a word
        press(page, ".", "-", *["Shift+ArrowRight"] * 5, "3", "a")
    else:
        mouse.word(3)
        mouse.button("Shorter")
        mouse.drag(3, 8)
        mouse.button("DOSAGE", "Accept")
    page.wait_for_selector("text=All is answered")
    saved(page)
    assert answers(server) == {(1, "ann"): ("accept", SPANS)} and page.errors == []


@pytest.mark.parametrize("by", ["keyboard", "mouse"])
def test_categories(context, serve, by):
    server = serve([made.one_category(0), made.many_categories(1)])
    page = open_page(context, server.url)
    mouse = Mouse(page)
    shown(page, 0)
    if by == "keyboard":
        # nothing is chosen yet, so that there is nothing to accept
        press(page, "a")
        shown(page, 0)
        press(page, "1", "2", "a")
        shown(page, 1)
        press(page, "1", "3", "4", "4", "a")
    else:
        mouse.button("Accept")
        shown(page, 0)
        page.click("text=cardiology")
        page.click("text=oncology")
        mouse.button("Accept")
        shown(page, 1)
        page.click("text=cardiology")
        page.click("text=neurology")
        mouse.button("Accept")
    page.wait_for_selector("text=All is answered")
    saved(page)
    assert answers(server) == {
        (1, "ann"): ("accept", ["oncology"]),
        (2, "ann"): ("accept", ["cardiology", "neurology"]),
    }
    assert page.errors == []


def test_one_of_many_categories_is_found_by_typing(context, serve):
    labels = [f"topic_{k}" for k in range(77)]
    server = serve([made.one_category(0, labels=labels)])
    page = open_page(context, server.url)
    shown(page, 0)
    press(page, "/")
    page.keyboard.type("TOPIC_7")
    assert page.locator(".option:visible").count() == 8
    page.keyboard.type("3")
    press(page, "Enter", "a")
    page.wait_for_selector("text=All is answered")
    saved(page)
    assert answers(server) == {(1, "ann"): ("accept", ["topic_73"])}


@pytest.mark.parametrize("by", ["keyboard", "mouse"])
def test_tags(context, serve, by):
    server = serve([made.tags(asked=[3, 4])])
    page = open_page(context, server.url)
    mouse = Mouse(page)
    page.wait_for_selector(".tagged")
    if by == "keyboard":
        # the first word that is asked about is where one begins, and a tag leads to the next
        press(page, "4", "/")
        page.keyboard.type("adj")
        press(page, "Enter", "a")
    else:
        mouse.word(3)
        mouse.button("PROPN")
        mouse.word(4)
        mouse.button("ADJ", "Accept")
    page.wait_for_selector("text=All is answered")
    saved(page)
    given = [(3, 3, "PROPN"), (4, 4, "ADJ")]
    assert answers(server) == {(1, "ann"): ("accept", given)} and page.errors == []


@pytest.mark.parametrize("by", ["keyboard", "mouse"])
def test_yes_no_and_parts(context, serve, by):
    server = serve([made.yes_no(0), made.yes_no(1), made.partial(2), made.partial(3)])
    page = open_page(context, server.url)
    mouse = Mouse(page)
    shown(page, 0)
    assert page.inner_text("h2") == "Is “Crohn's disease” CONDITION?"
    assert page.locator(".labels").count() == 0
    if by == "keyboard":
        press(page, "a")
        shown(page, 1)
        press(page, "x")
        shown(page, 2)
        # what is asked about begins here
        press(page, "ArrowRight", "d", "a")
        shown(page, 3)
        press(page, "w", "ArrowLeft", "ArrowLeft", "Shift+ArrowLeft", "3", "a")
    else:
        mouse.button("Yes")
        shown(page, 1)
        mouse.button("No ")
        shown(page, 2)
        mouse.word(10)
        mouse.button("Delete", "Accept")
        shown(page, 3)
        mouse.button("Decide on all of it")
        mouse.drag(7, 6)
        mouse.button("DOSAGE", "Accept")
    page.wait_for_selector("text=All is answered")
    saved(page)
    found = answers(server)
    assert found[1, "ann"] == ("accept", [(3, 5, "CONDITION")])
    assert found[2, "ann"] == ("reject", [(3, 5, "CONDITION")])
    assert found[3, "ann"] == ("accept", [])
    # what the model believed of the rest is now the person's as well
    given = [(3, 5, "CONDITION"), (6, 7, "DOSAGE"), (10, 10, "DRUG")]
    assert found[4, "ann"] == ("accept", given)
    assert decided(server) == {1: None, 2: None, 3: None, 4: [*range(14)]} and page.errors == []


@pytest.mark.parametrize("by", ["keyboard", "mouse"])
def test_what_the_model_takes_for_granted_is_an_answer_only_once_it_is_touched(context, serve, by):
    server = serve([made.partial(k) for k in range(4)])
    page = open_page(context, server.url)
    mouse = Mouse(page)
    shown(page, 0)
    assert page.inner_text(".mark.quiet small") == "CONDITION 96%"
    if by == "keyboard":
        press(page, "a")
        shown(page, 1)
        press(page, ",", "d", "a")
        shown(page, 2)
        press(page, ",", "2", "a")
        shown(page, 3)
        press(page, "w", "a")
    else:
        mouse.button("Accept")
        shown(page, 1)
        mouse.word(4)
        mouse.button("Delete", "Accept")
        shown(page, 2)
        mouse.word(4)
        mouse.button("DRUG", "Accept")
        shown(page, 3)
        mouse.button("Decide on all of it", "Accept")
    page.wait_for_selector("text=All is answered")
    saved(page)
    drug = (10, 10, "DRUG")
    assert answers(server) == {
        (1, "ann"): ("accept", [drug]),
        (2, "ann"): ("accept", [drug]),
        (3, "ann"): ("accept", [(3, 5, "DRUG"), drug]),
        (4, "ann"): ("accept", [(3, 5, "CONDITION"), drug]),
    }
    more = [3, 4, 5, 9, 10, 11]
    assert decided(server) == {1: None, 2: more, 3: more, 4: [*range(14)]} and page.errors == []


def said(*marks, verdict="accept"):
    spans = [{"token_start": a, "token_end": b, "label": label} for a, b, label in marks]
    return {"answer": verdict, "spans": spans}


DRUG = (10, 10, "DRUG")
DIFFER = [said((3, 5, "CONDITION"), DRUG), said((4, 5, "CONDITION"), DRUG)]


@pytest.mark.parametrize("by", ["keyboard", "mouse"])
def test_a_review_shows_what_was_answered_and_begins_with_one_of_it(context, serve, by):
    topics = [{"answer": "accept", "accept": [topic]} for topic in ("oncology", "surgery")]
    server = serve(
        [
            made.entities(0, review=[DIFFER[0], *DIFFER, {"answer": "ignore"}]),
            made.entities(1, review=DIFFER),
            {**made.one_category(2), "review": topics},
            made.yes_no(3) | {"review": [said((3, 5, "CONDITION"), verdict="reject"), said()]},
        ],
        "review",
    )
    page = open_page(context, server.url)
    mouse = Mouse(page)
    shown(page, 0)
    heads = page.locator(".others h3")
    assert heads.all_inner_texts() == ["Answer 1 · 2 people", "Answer 2"]
    # what both say is where one begins, and stands back beside what they differ in
    assert page.locator(".others .mark.quiet").count() == 2
    assert page.locator(".editor .mark").count() == 1
    if by == "keyboard":
        press(page, "t", "t")
    else:
        page.click(".others section:nth-child(2) button")
    assert page.locator(".others [aria-pressed=true]").count() == 1
    press(page, "a") if by == "keyboard" else mouse.button("Accept")
    shown(page, 1)
    press(page, "a") if by == "keyboard" else mouse.button("Accept")
    shown(page, 2)
    if by == "keyboard":
        press(page, "t", "a")
    else:
        page.click(".others section:nth-child(1) button")
        mouse.button("Accept")
    shown(page, 3)
    assert heads.all_inner_texts() == ["Answer 1 · no", "Answer 2 · yes"]
    press(page, "x") if by == "keyboard" else mouse.button("No ")
    page.wait_for_selector("text=All is answered")
    saved(page)
    assert answers(server) == {
        (1, "ann"): ("accept", [(4, 5, "CONDITION"), DRUG]),
        (2, "ann"): ("accept", [DRUG]),
        (3, "ann"): ("accept", ["oncology"]),
        (4, "ann"): ("reject", [(3, 5, "CONDITION")]),
    }
    assert page.errors == []

"""The list of one's own answers in a real browser: searched, opened and corrected, taken back, deleted."""

import pytest

from spacy_al.store.history import all_said
from spacy_al.store.store import Store
from tests.helpers import web_tasks as made
from tests.helpers.web_page import (
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
BOTH = [(3, 5, "CONDITION"), (10, 10, "DRUG")]
EVIL = "<img src=x onerror=document.title='owned'> & \u202e"


def listed(page, count):
    page.wait_for_selector(f".answers [role=status]:has-text('{count} answer')")


def states(server):
    with Store(server.database) as store:
        return [(one.answer.seq, one.state) for one in all_said(store)]


def answered(context, server, n):
    page = open_page(context, server.url)
    for k in range(n):
        shown(page, k)
        press(page, "a")
    saved(page)
    return page


def test_an_answer_is_found_corrected_and_is_an_answer_like_others(context, serve):
    server = serve([made.entities(k) for k in range(4)])
    page = answered(context, server, 3)
    shown(page, 3)
    # what was begun waits meanwhile
    press(page, ".", "d", "l")
    listed(page, 3)
    assert "daily. 2" in page.locator(":focus").inner_text()
    press(page, "/")
    page.keyboard.type("DAILY. 1")
    listed(page, 1)
    press(page, "ArrowDown", "Enter")
    shown(page, 1)
    assert page.locator(".before").inner_text() == "You said: accept"
    press(page, ".", "d", "a")
    listed(page, 1)
    assert page.locator(".rows .what").inner_text() == "accepted · prednisolone DRUG"
    assert answers(server)[2, "ann"] == ("accept", BOTH[1:])
    assert states(server) == [(1, "counts"), (2, "corrected"), (3, "counts"), (4, "counts")]
    press(page, "l")
    shown(page, 3)
    assert page.locator(".mark").count() == 1
    assert page.errors == []


def test_what_is_taken_back_or_deleted_is_asked_again(context, serve):
    server = serve([made.entities(k) for k in range(2)])
    page = answered(context, server, 2)
    page.wait_for_selector("text=All is answered")
    press(page, "l")
    listed(page, 2)
    press(page, "Enter")
    shown(page, 1)
    press(page, "x")
    listed(page, 2)
    page.wait_for_selector(".rows .what:has-text('rejected')")
    # the correction, which is not confirmed at first
    press(page, "z")
    page.wait_for_selector("#confirm-text:has-text('What ann said before counts again: accept.')")
    press(page, "Escape")
    page.wait_for_selector("#confirm", state="hidden")
    assert states(server) == [(1, "counts"), (2, "corrected"), (3, "counts")]
    press(page, "z")
    page.wait_for_selector("#confirm[open]")
    press(page, "Enter")
    page.wait_for_selector(".rows .what:has-text('rejected')", state="detached")
    assert states(server) == [(1, "counts"), (2, "counts"), (3, "undone")]
    press(page, "d")
    page.wait_for_selector("#confirm-text:has-text('asked again, in this round')")
    # one Enter more leaves it
    press(page, "Enter")
    page.wait_for_selector("#confirm", state="hidden")
    assert states(server) == [(1, "counts"), (2, "counts"), (3, "undone")]
    press(page, "d")
    page.wait_for_selector("#confirm[open]")
    press(page, "Shift+Tab", "Enter")
    listed(page, 1)
    assert states(server) == [(1, "counts"), (2, "deleted"), (3, "undone")]
    assert page.locator("#count").inner_text() == "Round 0 · 1 of 2"
    page.get_by_label("also what counts no more").check()
    listed(page, 3)
    assert page.locator(".rows .gone").count() == 2
    press(page, "l")
    shown(page, 1)
    press(page, "i")
    page.wait_for_selector("text=All is answered")
    assert answers(server)[2, "ann"] == ("ignore", [])
    assert page.errors == []


def test_filters_and_hostile_texts(context, serve):
    hostile = made.task(EVIL, suggestions=[(0, 1, "DRUG", 0.5)])
    server = serve([hostile, *(made.entities(k) for k in range(1, 6))])
    page = open_page(context, server.url)
    page.wait_for_selector("main article .text:has-text('onerror')")
    press(page, "f")
    page.wait_for_selector("footer [aria-pressed=true]")
    press(page, "a")
    shown(page, 1)
    press(page, "x")
    shown(page, 2)
    saved(page)
    press(page, "l")
    listed(page, 2)
    page.get_by_label("flagged").check()
    listed(page, 1)
    assert "onerror" in page.locator(".rows .words").inner_text()
    assert page.locator(".rows img").count() == 0 and page.title() == "clinical notes"
    page.get_by_label("flagged").uncheck()
    page.locator(".filters select[aria-label=Answer]").select_option("reject")
    listed(page, 1)
    page.locator(".filters select[aria-label=Answer]").select_option("")
    page.get_by_label("Label").select_option("CONDITION")
    listed(page, 1)
    # another person has said nothing yet, and sees nothing of this
    other = open_page(context, f"{server.url}?annotator=bob")
    other.wait_for_selector("main article .text")
    press(other, "l")
    listed(other, 0)
    assert page.errors == [] and other.errors == []

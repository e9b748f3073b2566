"""What a browser keeps of texts that are forgotten: gone when the page is opened next, and what is kept of others stays."""

import json

import pytest

from spacy_al.corpus.forgotten import hashes_of
from spacy_al.store.removal import remove_from_store
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


def kept(context, url):
    """All that a browser keeps for an address, whatever is served there."""
    states = context.storage_state()["origins"]
    return json.dumps([one for one in states if url.startswith(one["origin"])])


def forget(server, *numbers):
    tasks = [made.entities(k) for k in numbers]
    gone = hashes_of(task["text"] for task in tasks)
    with Store(server.database) as store:
        remove_from_store(store, gone)
        store.examine()
    return gone


def test_drafts_and_answers_of_forgotten_texts_leave_the_browser(context, serve):
    server = serve([made.entities(k) for k in range(3)])
    page = open_page(context, server.url)
    shown(page, 0)
    # one answer waits, as there is no connection, and the next one is begun
    context.set_offline(True)
    press(page, "a")
    shown(page, 1)
    press(page, ".", "d")
    page.close()
    ids = [task.id for task in Store(server.database).tasks()]
    assert ids[0] in kept(context, server.url) and ids[1] in kept(context, server.url)
    gone = forget(server, 0)
    context.set_offline(False)
    page = open_page(context, server.url)
    shown(page, 1)
    # the draft of a text that stays is where it was
    assert page.locator(".mark").count() == 1
    assert not [one for one in gone.ids if one in kept(context, server.url)]
    press(page, "a")
    saved(page)
    shown(page, 2)
    assert [*answers(server)] == [(2, "ann")] and page.errors == []


def test_a_text_that_is_forgotten_while_it_is_shown(context, serve):
    server = serve([made.entities(k) for k in range(3)])
    page = open_page(context, server.url)
    shown(page, 0)
    press(page, ".")
    gone = forget(server, 0, 1)
    press(page, "a")
    shown(page, 1)
    press(page, "a")
    shown(page, 2)
    press(page, "a")
    page.wait_for_selector("text=All is answered")
    assert [*answers(server)] == [(3, "ann")]
    assert not [one for one in gone.ids if one in kept(context, server.url)]
    # 410 is what the browser itself complains of
    assert all("410" in error for error in page.errors)

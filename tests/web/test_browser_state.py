"""The page in a real browser: what survives a reload, a lost connection, other tabs, other people and hostile texts."""

import time

import pytest

from spacy_al.store.desk import flags
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
    serving,
    shown,
)

pytestmark = pytest.mark.browser
# What is suggested of the first text
MARKED = [(3, 5, "CONDITION"), (10, 10, "DRUG")]
EVIL = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"


def test_a_reload_keeps_what_was_begun(context, serve):
    server = serve([made.entities(k) for k in range(2)])
    page = open_page(context, server.url)
    shown(page, 0)
    press(page, ".", "d")
    page.reload()
    shown(page, 0)
    assert page.locator(".mark").count() == 1
    press(page, "a")
    shown(page, 1)
    saved(page)
    page.reload()
    shown(page, 1)
    # the history is the server's
    press(page, "u")
    shown(page, 0)
    assert page.locator(".before").inner_text() == "You said: accept"
    assert page.locator(".mark").count() == 1
    assert answers(server) == {(1, "ann"): ("accept", [(10, 10, "DRUG")])}


def test_what_is_answered_offline_is_sent_later(context, serve):
    server = serve([made.entities(k) for k in range(4)])
    page = open_page(context, server.url)
    shown(page, 0)
    context.set_offline(True)
    press(page, "a")
    # what comes next is at hand
    shown(page, 1)
    saved(page, "1 answer waits")
    assert answers(server) == {} and page.locator("#said").inner_text() == "accept"
    press(page, "x")
    saved(page, "2 answers wait")
    # not even closing the page loses them
    page.close()
    context.set_offline(False)
    page = open_page(context, server.url)
    shown(page, 2)
    press(page, "i", "i")
    page.wait_for_selector("text=All is answered")
    saved(page)
    assert [verdict for verdict, _ in answers(server).values()] == [
        *("accept", "reject", "ignore", "ignore")
    ]
    assert page.errors == []


def test_what_waits_in_the_browser_is_for_its_own_run_alone(context, tmp_path):
    tasks = [made.entities(k) for k in range(2)]
    with serving(tmp_path / "own", tasks) as server:
        page = open_page(context, server.url)
        shown(page, 0)
    press(page, "x")
    saved(page, "1 answer waits")
    shown(page, 1)
    # the same texts at the same address, but of another run
    with serving(tmp_path / "other", tasks, port=server.port) as other:
        saved(page, "of another run")
        fresh = open_page(context, other.url)
        shown(fresh, 0)
        press(fresh, "a")
        saved(fresh)
        assert answers(other) == {(1, "ann"): ("accept", MARKED)}
        fresh.close()
    # its own one, which does not listen to this name
    with serving(tmp_path / "own", (), port=server.port, hosts=["notes.example"]):
        saved(page, "not reached by that name")
    assert answers(server) == {}
    with serving(tmp_path / "own", (), port=server.port):
        saved(page)
        assert answers(server) == {(1, "ann"): ("reject", MARKED)}


def test_a_browser_that_keeps_nothing(context, serve):
    server = serve([made.entities(k) for k in range(2)])
    denied = "Object.defineProperty(window, 'localStorage', {get() { throw new Error('denied') }})"
    context.add_init_script(denied)
    page = open_page(context, server.url)
    for k, key in enumerate("ai"):
        shown(page, k)
        press(page, key)
    page.wait_for_selector("text=All is answered")
    assert [verdict for verdict, _ in answers(server).values()] == ["accept", "ignore"]
    assert page.errors == []


def test_two_annotators_and_two_tabs(context, serve):
    tokens = {"token-of-ann": "ann", "token-of-bob": "bob"}
    server = serve([made.entities(k) for k in range(6)], tokens=tokens)
    first, second = (open_page(context, f"{server.url}#token-of-ann") for _ in range(2))
    shown(first, 0)
    shown(second, 0)
    # what ann's pages hold is not asked of bob
    other = open_page(context, f"{server.url}#token-of-bob")
    shown(other, 2)
    press(first, "a")
    # the same person's other tab goes on as well
    shown(second, 1)
    press(second, "x")
    press(other, "i", "i")
    # the first tab hears of it, and shows that text no more
    first.wait_for_selector("main article .text:has-text('daily. 1')", state="detached")
    # whoever holds the last ones answers them; the other has nothing to show meanwhile
    deadline = time.monotonic() + 120
    while len(answers(server)) < 6 and time.monotonic() < deadline:
        for page in (first, other):
            press(page, "a")
            page.wait_for_timeout(300)
    found = answers(server)
    assert sorted(rank for rank, _ in found) == [1, 2, 3, 4, 5, 6]
    assert found[1, "ann"][0] == "accept" and found[2, "ann"][0] == "reject"
    stranger = open_page(context, server.url)
    stranger.wait_for_selector("text=This page cannot be used")


def test_text_is_never_markup(context, serve):
    task = made.task(EVIL, labels=[EVIL, "DRUG"], suggestions=[(0, 2, EVIL, 0.5)])
    task["meta"] |= {"doc": EVIL, "why": EVIL, "before": EVIL, "after": EVIL}
    category = made.one_category(1, labels=[EVIL, "other"])
    server = serve([task, category], guidelines=EVIL)
    page = open_page(context, f"{server.url}?annotator=%3Cscript%3Ealert(1)%3C/script%3E")
    page.wait_for_selector("article")
    press(page, "g", ".", "1", "a")
    shown(page, 1)
    press(page, "1", "a")
    page.wait_for_selector("text=All is answered")
    saved(page)
    assert page.title() == "clinical notes" and page.locator("img, main script").count() == 0
    assert page.inner_text("#who") == "<script>alert(1)</script>"
    assert {who for _, who in answers(server)} == {"<script>alert(1)</script>"}
    assert answers(server)[2, "<script>alert(1)</script>"] == ("accept", [EVIL])


TAGGED = [(i, i, tag) for i, tag in enumerate(["DET", "PROPN", "ADP", "NOUN", "ADV", "PUNCT"])]
BEGUN = {
    "spans": ([".", "-"], [(3, 3, "DRUG"), (3, 5, "CONDITION"), (7, 10, "DOSAGE")]),
    "tags": ([".", "4"], TAGGED),
    "partial": (["w", ",", "2"], [(3, 5, "DRUG"), (10, 10, "DRUG")]),
    "one_category": (["2"], ["oncology"]),
    "many_categories": (["2", "3"], ["oncology", "neurology"]),
}


@pytest.mark.parametrize("kind", BEGUN)
def test_a_reload_keeps_every_kind(context, serve, kind):
    keys, expected = BEGUN[kind]
    server = serve([getattr(made, kind)()])
    page = open_page(context, server.url)
    page.wait_for_selector("article")
    press(page, *keys)
    page.reload()
    page.wait_for_selector("article")
    press(page, "a")
    page.wait_for_selector("text=All is answered")
    saved(page)
    assert answers(server) == {(1, "ann"): ("accept", expected)} and page.errors == []


def test_the_time_at_a_text_is_the_time_it_was_looked_at(context, serve):
    server = serve([made.entities(k) for k in range(2)])
    hide = "on => { Object.defineProperty(document, 'hidden', { value: on, configurable: true }); document.dispatchEvent(new Event('visibilitychange')) }"
    began = time.monotonic()
    page = open_page(context, server.url)
    shown(page, 0)
    page.wait_for_timeout(1500)
    page.reload()
    shown(page, 0)
    page.evaluate(hide, True)
    page.wait_for_timeout(3000)
    page.evaluate(hide, False)
    press(page, "a")
    shown(page, 1)
    saved(page)
    took = time.monotonic() - began
    with Store(server.database) as store:
        (answer,) = store.answers()
    # with what came before the reload, without what was hidden
    assert 1.4 <= answer.seconds <= took - 2.9


@pytest.mark.parametrize("by", ["keyboard", "mouse"])
def test_a_change_is_taken_back_and_a_text_flagged(context, serve, by):
    server = serve([made.entities(k) for k in range(2)])
    page = open_page(context, server.url)
    mouse = Mouse(page)
    shown(page, 0)
    if by == "keyboard":
        press(page, ".", "d", "ArrowRight", "1", "Control+z", "Control+z", "Control+z", "f")
    else:
        mouse.word(3)
        mouse.button("Delete")
        mouse.drag(7, 8)
        mouse.button("DOSAGE", "Undo", "Undo", "Flag")
        assert not page.locator("button", has_text="Undo").is_visible()
    page.wait_for_selector("#verdicts [aria-pressed=true]:has-text('Flagged')")
    press(page, "a") if by == "keyboard" else mouse.button("Accept")
    shown(page, 1)
    saved(page)
    given = [(3, 5, "CONDITION"), (10, 10, "DRUG")]
    assert answers(server) == {(1, "ann"): ("accept", given)} and page.errors == []
    with Store(server.database) as store:
        (first, _) = store.tasks()
        assert flags(store) == {first.id: ["ann"]}
    press(page, "u")
    shown(page, 0)
    page.reload()
    shown(page, 1)
    press(page, "u")
    shown(page, 0)
    page.wait_for_selector("#verdicts [aria-pressed=true]:has-text('Flagged')")
    press(page, "f")
    page.wait_for_selector("#verdicts [aria-pressed=false]:has-text('Flag')")
    with Store(server.database) as store:
        assert flags(store) == {}


def test_the_keys_are_listed(context, serve):
    server = serve([made.entities(), made.many_categories(1)], guidelines="Mark all of them.")
    page = open_page(context, server.url)
    shown(page, 0)
    press(page, "?")
    # each is named once, and does nothing else while the list is open
    page.wait_for_selector("dialog[open]")
    keys = page.locator("dialog dt kbd").all_inner_texts()
    assert len(keys) == len({*keys}) and {"1 – 9", "D", "S", "U", "F", "?"} <= {*keys}
    press(page, "a", "Escape")
    page.wait_for_selector("dialog", state="hidden")
    shown(page, 0)
    press(page, "a")
    shown(page, 1)
    press(page, "?")
    assert "S" not in page.locator("dialog dt kbd").all_inner_texts()
    press(page, "Escape", "g")
    assert not page.locator("#guidelines").is_visible()
    press(page, "g")
    assert page.inner_text("#rules") == "Mark all of them."
    saved(page)
    assert len(answers(server)) == 1 and page.errors == []


def test_an_answer_that_was_refused_stays_in_the_browser(context, serve):
    server = serve([made.entities(k) for k in range(3)])
    page = open_page(context, server.url)
    shown(page, 0)
    # as where the database was put back from a backup: the task was never given to anybody
    with Store(server.database) as store, store.transaction() as connection:
        gone = connection.execute("SELECT * FROM assignments").fetchall()
        connection.execute("DELETE FROM assignments")
    # nobody is asked meanwhile, so that it is not given again
    page.route("**/api/next", lambda route: route.abort())
    press(page, "x")
    saved(page, "One answer was not taken and stays in this browser")
    assert answers(server) == {}
    page.unroute("**/api/next")
    with Store(server.database) as store, store.transaction() as connection:
        connection.executemany("INSERT INTO assignments VALUES (?, ?, ?)", gone)
    page.reload()
    shown(page, 1)
    assert [verdict for verdict, _ in answers(server).values()] == ["reject"]
    assert "not taken" not in page.locator("#saved").inner_text()
    assert not page.evaluate(
        "Object.keys(localStorage).filter((key) => key.includes('refused')).length"
    )


def test_whoever_answers_again_what_was_refused_is_done_with_it(context, serve):
    server = serve([made.entities(k) for k in range(3)])
    page = open_page(context, server.url)
    shown(page, 0)
    with Store(server.database) as store, store.transaction() as connection:
        connection.execute("DELETE FROM assignments")
    press(page, "x")
    saved(page, "One answer was not taken")
    shown(page, 1)
    press(page, "a")
    # it is asked again, and answered otherwise
    shown(page, 0)
    press(page, "i")
    shown(page, 2)
    saved(page, "Saved")
    assert answers(server)[1, "ann"][0] == "ignore"
    page.reload()
    saved(page, "Saved")
    assert answers(server)[1, "ann"][0] == "ignore"

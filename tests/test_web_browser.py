"""The page in a real browser: what is in the store is what was clicked, or typed."""

import threading
import time
from types import SimpleNamespace

import pytest
import web_tasks as made
from test_report_browser import browser  # noqa: F401  (a fixture)

from spacy_al.data.store import Store

uvicorn = pytest.importorskip("uvicorn")
pytest.importorskip("fastapi")

from spacy_al.web.app import Desk, make_app  # noqa: E402
from spacy_al.web.guard import guarded  # noqa: E402

pytestmark = pytest.mark.browser
EVIL = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
RTL = "לחולה אין היסטוריה של מחלת קרוהן 👩🏽‍⚕️ e\u0301 aspirin."


@pytest.fixture
def serve(tmp_path):
    """Serves tasks: serve(tasks, ...) -> address and database."""
    servers = []

    def start(tasks, purpose="train", tokens=None, **desk):
        database = made.make_run(tmp_path / str(len(servers)) / "al.db", tasks, purpose)
        app = make_app(Desk(database, "clinical notes", **desk))
        page = guarded(app, hosts={"127.0.0.1"}, tokens=tokens, nobody="ann")
        config = uvicorn.Config(page, host="127.0.0.1", port=0, log_level="error", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        servers.append((server, thread))
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        return SimpleNamespace(url=f"http://127.0.0.1:{port}/", database=database)

    yield start
    for server, thread in servers:
        server.should_exit = True
        thread.join(timeout=10)


@pytest.fixture
def context(browser):  # noqa: F811
    opened = browser.new_context(
        viewport={"width": 1280, "height": 800}, reduced_motion="reduce", locale="en"
    )
    opened.set_default_timeout(60_000)
    yield opened
    opened.close()


def open_page(context, url):
    page = context.new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on(
        "console",
        lambda message: (
            message.type == "error"
            and "ERR_INTERNET_DISCONNECTED" not in message.text
            and page.errors.append(message.text)
        ),
    )
    page.goto(url)
    return page


def shown(page, k):
    """Wait for the text of this number."""
    page.wait_for_selector(f"main article .text:has-text('daily. {k}')")


def saved(page, text="Saved"):
    # not by a function: the page's policy forbids what Playwright would do with one
    page.wait_for_selector(f"#saved:has-text('{text}')")


def answers(server):
    """Of each text by its rank: verdict and marks, or categories."""
    with Store(server.database) as store:
        ranks = {task.id: task.rank for task in store.tasks()}
        found = {}
        for answer in store.answers():
            payload = answer.payload
            marks = [
                (s["token_start"], s["token_end"], s["label"]) for s in payload.get("spans", ())
            ]
            found[ranks[answer.task], answer.annotator] = (
                payload["answer"],
                payload.get("accept", marks),
            )
            assert answer.seconds >= 0
    return found


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


class Mouse:
    """Nothing but a pointer."""

    def __init__(self, page):
        self.page = page

    def _at(self, i):
        box = self.page.locator(f"#t{i}").bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + min(box["height"], 24) / 2

    def word(self, i):
        self.page.mouse.click(*self._at(i))

    def drag(self, i, j):
        self.page.mouse.move(*self._at(i))
        self.page.mouse.down()
        self.page.mouse.move(*self._at(j), steps=4)
        self.page.mouse.up()

    def button(self, *names):
        for name in names:
            self.page.locator("button:visible", has_text=name).first.click()


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
    tags = ["DET", "NOUN", "ADP", "PROPN", "ADJ", "PUNCT"]
    found = answers(server)[1, "ann"]
    assert [label for _, _, label in found[1]][:5] == tags[:5] and page.errors == []


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
    assert found[4, "ann"] == ("accept", [(6, 7, "DOSAGE"), (10, 10, "DRUG")])
    with Store(server.database) as store:
        asked = {
            answer.payload.get("asked") and len(answer.payload["asked"])
            for answer in store.answers()
        }
    assert asked == {None, 14} and page.errors == []


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
    assert answers(server) == {}
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


def test_two_annotators_and_two_tabs(context, serve):
    tokens = {"token-of-ann": "ann", "token-of-bob": "bob"}
    server = serve([made.entities(k) for k in range(6)], tokens=tokens)
    first, second = (open_page(context, f"{server.url}#token-of-ann") for _ in range(2))
    other = open_page(context, f"{server.url}#token-of-bob")
    shown(first, 0)
    shown(second, 0)
    shown(other, 2)
    press(first, "a")
    # the same person's other tab goes on as well
    shown(second, 1)
    press(second, "x")
    press(other, "i", "i")
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
    assert {who for _, who in answers(server)} == {"<script>alert(1)</script>"}
    assert answers(server)[2, "<script>alert(1)</script>"] == ("accept", [EVIL])


def test_a_review_takes_over_an_answer(context, serve):
    given = [
        {"answer": "accept", "spans": [{"token_start": k, "token_end": 5, "label": "CONDITION"}]}
        for k in (3, 4)
    ]
    server = serve([made.entities(review=given)], "review")
    page = open_page(context, server.url)
    page.wait_for_selector(".others")
    page.click(".others section:nth-child(2) button")
    press(page, "a")
    page.wait_for_selector("text=All is answered")
    saved(page)
    assert answers(server) == {(1, "ann"): ("accept", [(4, 5, "CONDITION")])}


def test_long_and_right_to_left_texts(context, serve):
    long = made.NLP.make_doc(" ".join(["word"] * 1999) + " end")
    server = serve([made.task(RTL), made.task(long)])
    page = open_page(context, server.url)
    page.wait_for_selector("#t0")
    assert page.evaluate("getComputedStyle(document.querySelector('.text')).direction") == "rtl"
    # to the left is onward
    press(page, "ArrowLeft", "ArrowLeft", "Shift+ArrowLeft", "1", "a")
    page.wait_for_selector("#t1999")
    press(page, "End", "2", "a")
    page.wait_for_selector("text=All is answered")
    saved(page)
    assert answers(server) == {
        (1, "ann"): ("accept", [(2, 3, "CONDITION")]),
        (2, "ann"): ("accept", [(1999, 1999, "DRUG")]),
    }

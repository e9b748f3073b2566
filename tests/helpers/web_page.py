"""The page in a real browser, for the tests that drive it: a server of tasks, a keyboard, a mouse, and what the store then holds."""

import threading
import time
from contextlib import ExitStack, contextmanager
from itertools import count
from types import SimpleNamespace

import pytest

from spacy_al.store.store import Store
from tests.helpers import web_tasks as made
from tests.reporting.test_report_browser import browser

uvicorn = pytest.importorskip("uvicorn")
pytest.importorskip("fastapi")

from spacy_al.web.app import Desk, make_app  # noqa: E402
from spacy_al.web.guard import guarded  # noqa: E402


@contextmanager
def serving(folder, tasks, purpose="train", tokens=None, port=0, hosts=("127.0.0.1",), **desk):
    """A server of tasks while the block lasts: its address and database."""
    database = made.make_run(folder / "al.db", tasks, purpose)
    app = make_app(Desk(database, "clinical notes", **desk))
    page = guarded(app, hosts=hosts, tokens=tokens, nobody="ann")
    config = uvicorn.Config(page, host="127.0.0.1", port=port, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield SimpleNamespace(url=f"http://127.0.0.1:{port}/", database=database, port=port)
    server.should_exit = True
    thread.join(timeout=300)
    assert not thread.is_alive()


@pytest.fixture
def serve(tmp_path):
    """Serves tasks: serve(tasks, ...) -> address and database."""
    numbers = count()
    with ExitStack() as stack:
        yield lambda *args, **more: stack.enter_context(
            serving(tmp_path / str(next(numbers)), *args, **more)
        )


@pytest.fixture
def context(browser):
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

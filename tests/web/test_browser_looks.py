"""The page in a real browser: how it looks, for whom it can be used, and by touch."""

from importlib.resources import files

import pytest

from spacy_al.store.store import Store
from tests.helpers import web_tasks as made
from tests.helpers.web_page import answers, browser, context, open_page, press, saved, serve, shown
from tests.reporting.test_report_browser import WIDE

pytestmark = pytest.mark.browser
RTL = "לחולה אין היסטוריה של מחלת קרוהן 👩🏽‍⚕️ e\u0301 aspirin."
PAGES = {
    "entities": (made.entities(), [".", "ArrowRight"]),
    "partial": (made.partial(), [","]),
    "spans": (made.spans(), ["."]),
    "tags": (made.tags(asked=[3]), []),
    "one": (made.one_category(labels=[f"balance_not_updated_{k}" for k in range(40)]), ["1"]),
    "many": (made.many_categories(), ["2"]),
    "yes or no": (made.yes_no(), []),
    "right to left": (made.task(RTL, suggestions=[(2, 4, "DRUG", 0.7)]), ["ArrowLeft"]),
    "labels": (made.task(labels=["N" * 90, *(f"LABEL_{k}" for k in range(30))]), ["ArrowRight"]),
    "review": (made.entities(review=[{"answer": "accept", "spans": []}] * 2), ["t"]),
    "review of categories": (
        {**made.many_categories(), "review": [{"answer": "accept", "accept": made.TOPICS}] * 2},
        ["t"],
    ),
    "labels of spans": (
        made.task(kind="spans", view="spans_manual", labels=[f"LABEL_{k}" for k in range(30)]),
        ["ArrowRight", "0", "e", "/"],
    ),
    "keys": (made.entities(), ["?"]),
    "summary": (made.entities(), ["p"]),
    "nothing left": (made.entities(), ["a"]),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_every_view_fits_is_legible_and_accessible(browser, serve, name, scheme):
    task, keys = PAGES[name]
    purpose = "review" if name.startswith("review") else "train"
    server = serve([task], purpose, guidelines="Mark all of them.")
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf8")
    found = []
    for width in (1280, 360):
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
        )
        page = open_page(context, server.url)
        page.wait_for_selector("main :is(article, .rest p)")
        if name == "nothing left" and width == 360:
            press(page, "u")
        press(page, "h", *keys)
        if name == "nothing left":
            page.wait_for_selector("text=All is answered")
        found += [f"wide: {item}" for item in page.evaluate(WIDE)]
        page.evaluate(axe)
        found += [
            f"{fault['impact']} {fault['id']}: {fault['nodes'][0]['html']}"
            for fault in page.evaluate("axe.run()")["violations"]
            if fault["impact"] in ("serious", "critical")
        ]
        found += page.errors
        context.close()
    assert found == []


def test_what_the_audit_looks_for_is_found(browser):
    """A page with faults, so that silence means something."""
    page = browser.new_page()
    page.set_content("<button></button><p style='color:#999;background:#fff'>pale</p>")
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf8"))
    found = {fault["id"] for fault in page.evaluate("axe.run()")["violations"]}
    assert {"button-name", "color-contrast"} <= found
    page.close()


@pytest.fixture
def tablet(browser):
    opened = browser.new_context(
        viewport={"width": 820, "height": 1180}, has_touch=True, is_mobile=True, locale="en"
    )
    opened.set_default_timeout(60_000)
    yield opened
    opened.close()


def tap(page, *selectors):
    for selector in selectors:
        page.locator(selector).first.tap()


def test_everything_is_done_by_touch(tablet, serve):
    server = serve([made.entities(), made.spans(1), made.one_category(2), made.yes_no(3)])
    page = open_page(tablet, server.url)
    shown(page, 0)
    tap(page, "#t3", "button:has-text('Delete')", "#t7", "#t8", "button:has-text('DOSAGE')")
    small = page.evaluate(
        "[...document.querySelectorAll('button, .option')].filter((e) => {"
        " const box = e.getBoundingClientRect(); return box.height && Math.min(box.height, box.width) < 44 })"
        ".map((e) => e.textContent)"
    )
    assert small == []
    tap(page, "button:has-text('Accept')")
    shown(page, 1)
    # a label first, and then what it is about
    tap(page, "button:has-text('DRUG')", "#t11")
    tap(page, "button:has-text('Accept')")
    shown(page, 2)
    tap(page, ".option:has-text('oncology')", "button:has-text('Accept')")
    shown(page, 3)
    tap(page, "button:has-text('No')")
    page.wait_for_selector("text=All is answered")
    saved(page)
    given = [(3, 4, "DRUG"), (3, 5, "CONDITION"), (7, 10, "DOSAGE"), (11, 11, "DRUG")]
    assert answers(server) == {
        (1, "ann"): ("accept", [(7, 8, "DOSAGE"), (10, 10, "DRUG")]),
        (2, "ann"): ("accept", given),
        (3, "ann"): ("accept", ["oncology"]),
        (4, "ann"): ("reject", [(3, 5, "CONDITION")]),
    }
    assert page.errors == []


def test_a_finger_that_scrolls_selects_nothing(tablet, serve):
    server = serve([made.task(made.NLP.make_doc("word " * 2000))])
    page = open_page(tablet, server.url)
    page.wait_for_selector("#t0")
    tap(page, "#t1")
    touch = tablet.new_cdp_session(page)
    box = page.locator("#t300").bounding_box()
    for k in range(12):
        point = {"x": box["x"] + 5, "y": box["y"] + 5 - 40 * k}
        kind = "touchMove" if k else "touchStart"
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") > 100
    assert page.locator(".chosen").count() == 1
    # what labels it is still in view
    assert page.locator(".labels button").first.bounding_box()["y"] >= 0
    tap(page, "#t400", "button:has-text('DRUG')", "button:has-text('Accept')")
    page.wait_for_selector("text=All is answered")
    saved(page)
    assert answers(server) == {(1, "ann"): ("accept", [(1, 400, "DRUG")])}


@pytest.mark.parametrize("marked", ["👩🏽‍⚕️ é", "é aspirin", "קרוהן 👩🏽‍⚕️"])
def test_what_is_stored_has_the_characters_that_were_marked(context, serve, marked):
    task = made.task(RTL)
    start = RTL.index(marked)
    inside = [t["id"] for t in task["tokens"] if start <= t["start"] < start + len(marked)]
    server = serve([task])
    page = open_page(context, server.url)
    page.wait_for_selector("#t0")
    page.locator(f"#t{inside[0]}").click()
    # an emoji is several words to the pipeline, some of which cannot be seen
    seen = [i for i in inside if page.locator(f"#t{i}").bounding_box()["width"]]
    page.locator(f"#t{seen[-1]}").click(modifiers=["Shift"])
    press(page, "2", "a")
    page.wait_for_selector("text=All is answered")
    saved(page)
    with Store(server.database) as store:
        (answer,) = store.answers()
    (span,) = answer.payload["spans"]
    assert RTL[span["start"] : span["end"]] == marked and span["label"] == "DRUG"


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

"""The page in a real browser, on tablets and a phone: whatever can be done is done with a finger."""

import pytest

from tests.helpers import web_tasks as made
from tests.helpers.web_page import answers, browser, open_page, saved, serve, shown
from tests.reporting.test_report_browser import WIDE

pytestmark = pytest.mark.browser
LABELS = [f"LABEL_{k:02}" for k in range(29)] + ["DRUG"]
SIZES = {"portrait": (768, 1024), "landscape": (1024, 768), "phone": (390, 844)}
# Whatever a finger is to hit; a box or a circle is hit by its name as well
SMALL = """
() => [...document.querySelectorAll('button, select, input, .option, .filters label')].filter((one) => {
  const hit = one.matches('input[type=radio], input[type=checkbox]') ? one.closest('label') : one
  const box = hit.getBoundingClientRect()
  return box.height && Math.min(box.height, box.width) < 44
}).map((one) => `${one.tagName} ${one.textContent || one.getAttribute('aria-label')}`)
"""
# What is there, but under something else where a finger would touch it
COVERED = """
() => [...document.querySelectorAll('footer button, header button, .edit button')].filter((one) => {
  const box = one.getBoundingClientRect()
  if (!box.height) return false
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)
  return !one.contains(top)
}).map((one) => one.textContent)
"""


@pytest.fixture(params=SIZES)
def finger(browser, request):
    """A page that is touched."""
    width, height = SIZES[request.param]
    opened = browser.new_context(
        viewport={"width": width, "height": height},
        has_touch=True,
        is_mobile=True,
        reduced_motion="reduce",
        locale="en",
    )
    opened.set_default_timeout(60_000)
    yield opened
    opened.close()


def tap(page, *selectors):
    for selector in selectors:
        page.locator(f"{selector} >> visible=true").first.tap()


def check(page):
    """Nothing is wider than the screen, too small for a finger, or under something else."""
    assert page.evaluate(WIDE) == []
    assert page.evaluate(SMALL) == []
    assert page.evaluate(COVERED) == []


def test_every_kind_is_answered_with_a_finger(finger, serve):
    many = made.task(
        f"{made.TEXT} 2",
        kind="categories",
        view="choice",
        labels=LABELS,
        suggestions=[(label, 0.1) for label in LABELS],
        exclusive=False,
    )
    server = serve(
        [
            made.task(f"{made.TEXT} 0", labels=LABELS, uncertainty=[0.5] * 14),
            made.task(f"{made.TEXT} 1", kind="spans", view="spans_manual", labels=LABELS),
            many,
            made.one_category(3, labels=LABELS),
            made.tags(4),
            made.yes_no(5),
        ],
        guidelines="Mark all of them.",
    )
    page = open_page(finger, server.url)
    shown(page, 0)
    check(page)
    # the first and the last word, and a label that is looked for
    tap(page, "#t3", "#t5")
    page.locator("main input[type=search]").tap()
    page.keyboard.type("dru")
    check(page)
    tap(page, ".label:has-text('DRUG')")
    check(page)
    assert page.locator(".mark small").inner_text() == "DRUG"
    tap(
        page,
        "button:has-text('Shorter')",
        "button:has-text('Undo')",
        "#t10",
        ".label:has-text('LABEL_01')",
    )
    tap(page, "button:has-text('Accept')")
    shown(page, 1)
    tap(
        page,
        "#t7",
        "#t8",
        ".label:has-text('LABEL_00')",
        "#t8",
        "button:has-text('Select from here')",
        "#t10",
        ".label:has-text('LABEL_02')",
    )
    check(page)
    tap(page, "button:has-text('Accept')")
    shown(page, 2)
    check(page)
    tap(
        page,
        ".option:has-text('LABEL_00')",
        ".option:has-text('DRUG')",
        "button:has-text('Accept')",
    )
    shown(page, 3)
    check(page)
    tap(page, ".option:has-text('DRUG')", "button:has-text('Accept')")
    page.wait_for_selector(".tagged")
    check(page)
    tap(page, "#t4", ".label:has-text('ADJ')", "button:has-text('Accept')")
    shown(page, 5)
    check(page)
    tap(page, "button:has-text('Yes')")
    page.wait_for_selector("main .rest .summary")
    check(page)
    saved(page)
    found = answers(server)
    assert found[1, "ann"] == ("accept", [(3, 5, "DRUG"), (10, 10, "LABEL_01")])
    assert found[2, "ann"] == ("accept", [(7, 8, "LABEL_00"), (8, 10, "LABEL_02")])
    assert found[3, "ann"] == ("accept", ["LABEL_00", "DRUG"])
    assert found[4, "ann"] == ("accept", ["DRUG"])
    assert (4, 4, "ADJ") in found[5, "ann"][1]
    assert found[6, "ann"] == ("accept", [(3, 5, "CONDITION")])
    assert page.errors == []


def test_all_that_is_around_the_question_is_in_reach_of_a_finger(finger, serve):
    server = serve([made.entities(k) for k in range(3)], guidelines="Mark all of them.")
    page = open_page(finger, server.url)
    shown(page, 0)
    tap(page, "button:has-text('Unsure words')")
    assert page.locator("body.shaded").count() == 1
    guidelines = page.locator("#guidelines")
    before = guidelines.is_visible()
    tap(page, "button:has-text('Guidelines')")
    assert guidelines.is_visible() != before
    check(page)
    tap(page, "button:has-text('Flag')")
    page.wait_for_selector("#verdicts [aria-pressed=true]")
    tap(page, "button:has-text('Accept')")
    shown(page, 1)
    saved(page)
    tap(page, "header button:has-text('Progress')")
    page.wait_for_selector("#summary .summary")
    check_dialog(page)
    tap(page, "#summary button")
    tap(page, "footer button:has-text('Back')")
    shown(page, 0)
    tap(page, "header button:has-text('Answers')")
    page.wait_for_selector(".rows .row")
    check(page)
    tap(page, ".rows button:has-text('Undo')")
    page.wait_for_selector("#confirm[open]")
    check_dialog(page)
    tap(page, "#confirm-do")
    page.wait_for_selector(".rows .row", state="detached")
    tap(page, "button:has-text('Back to the questions')")
    page.wait_for_selector("article")
    assert answers(server) == {} and page.errors == []


def check_dialog(page):
    assert page.evaluate(WIDE) == [] and page.evaluate(SMALL) == []

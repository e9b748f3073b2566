"""The page in a real browser: more labels than digits, each found by its code, by its name or by pointing, and with a colour of its own."""

import math

import pytest

from tests.helpers import web_tasks as made
from tests.helpers.web_page import answers, browser, context, open_page, press, saved, serve, shown

pytestmark = pytest.mark.browser
LABELS = [f"LABEL_{k:02}" for k in range(28)] + ["ADVERSE_DRUG", "DRUG"]
TOPICS = [label.lower() for label in LABELS]
KINDS = {
    "entities": lambda k: made.task(f"{made.TEXT} {k}", labels=LABELS),
    "spans": lambda k: made.task(
        f"{made.TEXT} {k}", kind="spans", view="spans_manual", labels=LABELS
    ),
    "one": lambda k: made.one_category(k, labels=LABELS),
    "several": lambda k: made.task(
        f"{made.TEXT} {k}",
        kind="categories",
        view="choice",
        labels=LABELS,
        suggestions=[(label, 0.1) for label in LABELS],
        exclusive=False,
    ),
}


def given(kind, *labels):
    """What an answer has of these labels, at the words 1, 2 and so on where they are marks."""
    if kind in ("one", "several"):
        return ("accept", [*labels])
    return ("accept", [(k, k, label) for k, label in enumerate(labels, 1)])


@pytest.mark.parametrize("kind", KINDS)
def test_codes_of_two_keys(context, serve, kind):
    server = serve([KINDS[kind](0)])
    page = open_page(context, server.url)
    shown(page, 0)
    chips = page.locator(".label, .option")
    assert page.locator(":is(.label, .option) kbd").all_inner_texts() == [
        *"123456789", *(f"0{key}" for key in "ABCDEFGHJKMNPQRSTUVWX"),
    ]  # fmt: skip
    last = chips.nth(29)
    spoken = last if kind in ("entities", "spans") else last.locator("input")
    assert spoken.get_attribute("aria-description") == "keys 0 x"
    if kind in ("entities", "spans"):
        press(page, "ArrowRight")
    # second keys that mean something else elsewhere: A accepts, X rejects, and I, which is no code, ignores
    press(page, "0", "i", "0", "Escape")
    shown(page, 0)
    expected = given(kind, "DRUG")
    if kind == "one":
        press(page, "0", "a", "0", "x", "a")
    elif kind == "several":
        press(page, "0", "a", "0", "x", "3", "a")
        expected = given(kind, "LABEL_02", "LABEL_09", "DRUG")
    else:
        press(page, "0", "x", "ArrowRight", "0", "a", "ArrowRight", "3", "a")
        expected = given(kind, "DRUG", "LABEL_09", "LABEL_02")
    page.wait_for_selector("text=All is answered")
    saved(page)
    assert answers(server) == {(1, "ann"): expected} and page.errors == []


def test_a_code_that_was_begun_ends_with_the_question_or_a_click(context, serve):
    server = serve([KINDS["entities"](k) for k in range(2)])
    page = open_page(context, server.url)
    shown(page, 0)
    press(page, "0")
    page.wait_for_selector("body.code")
    assert page.locator("#said").inner_text() == "0, and the second key of a label"
    page.locator("#t3").click()
    page.wait_for_selector("body:not(.code)")
    press(page, "0", "o")
    assert page.locator("#said").inner_text() == "No label has 0 o."
    press(page, "0")
    page.locator("button:has-text('Accept')").click()
    shown(page, 1)
    press(page, "x")
    page.wait_for_selector("text=All is answered")
    saved(page)
    assert answers(server) == {(1, "ann"): ("accept", []), (2, "ann"): ("reject", [])}


def test_nine_labels_have_no_codes_and_no_field(context, serve):
    server = serve([made.task(f"{made.TEXT} 0", labels=LABELS[:9])])
    page = open_page(context, server.url)
    shown(page, 0)
    assert page.locator("main input").count() == 0
    press(page, "ArrowRight", "0", "9", "a")
    page.wait_for_selector("text=All is answered")
    saved(page)
    assert answers(server) == {(1, "ann"): given("entities", "LABEL_08")}


@pytest.mark.parametrize("by", ["keyboard", "mouse"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_label_is_found_by_its_name(context, serve, kind, by):
    server = serve([KINDS[kind](0)])
    page = open_page(context, server.url)
    shown(page, 0)
    visible = page.locator(":is(.label, .option):visible")
    if kind in ("entities", "spans"):
        page.locator("#t1").click()
    press(page, "/") if by == "keyboard" else page.locator("main input[type=search]").click()
    # with nothing typed nothing is taken
    press(page, "Enter", "/")
    page.keyboard.type("dr")
    assert visible.count() == 2
    # what begins so comes before what has it inside
    assert page.locator("main .first").inner_text().startswith("DRUG")
    assert page.locator("#said").inner_text() == "DRUG, 1 of 2"
    if by == "keyboard":
        press(page, "ArrowDown")
        assert page.locator("#said").inner_text() == "ADVERSE_DRUG, 2 of 2"
        press(page, "Enter")
    else:
        visible.filter(has_text="ADVERSE_DRUG").click()
        page.locator("main input[type=search]").press("Escape")
    assert visible.count() == 30
    press(page, "a")
    page.wait_for_selector("text=All is answered")
    saved(page)
    assert answers(server) == {(1, "ann"): given(kind, "ADVERSE_DRUG")} and page.errors == []


def test_a_name_that_is_not_there_takes_nothing(context, serve):
    server = serve([KINDS["entities"](0)])
    page = open_page(context, server.url)
    shown(page, 0)
    press(page, "ArrowRight", "/")
    page.keyboard.type("nowhere")
    assert page.locator(".label:visible").count() == 0
    assert page.locator("#said").inner_text() == "Nothing has this name."
    press(page, "Enter", "Escape")
    assert page.locator(".label:visible").count() == 30 and page.locator(".mark").count() == 0


# Of each label: the colour of its swatch, the ground of its mark, and all that is written on that; as a screen has them
COLOURS = """
() => {
  const dot = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const seen = (colour) => { dot.clearRect(0, 0, 1, 1); dot.fillStyle = colour; dot.fillRect(0, 0, 1, 1); return [...dot.getImageData(0, 0, 1, 1).data].slice(0, 3) }
  const style = (element) => getComputedStyle(element)
  return {
    page: seen(style(document.querySelector('.label')).backgroundColor),
    swatches: [...document.querySelectorAll('.swatch')].map((one) => seen(style(one).backgroundColor)),
    marks: [...document.querySelectorAll('.mark')].map((one) => ({
      ground: seen(style(one).backgroundColor), edge: seen(style(one).borderBottomColor),
      inks: ['.token', 'small', 'small i'].map((part) => seen(style(one.querySelector(part)).color)),
    })),
  }
}
"""


def linear(rgb):
    return [c / 3294.6 if c <= 10.31 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]


def contrast(first, second):
    weights = (0.2126, 0.7152, 0.0722)
    low, high = sorted(sum(w * c for w, c in zip(weights, linear(rgb))) for rgb in (first, second))
    return (high + 0.05) / (low + 0.05)


def oklab(rgb):
    """After Ottosson (2020)."""
    r, g, b = linear(rgb)
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    middle = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def marked(count):
    doc = made.NLP.make_doc(" ".join(f"word{k}" for k in range(30)))
    labels = LABELS[:count]
    marks = [(k, k + 1, label, 0.5) for k, label in enumerate(labels)]
    return made.task(doc, suggestions=marks, labels=labels)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_thirty_labels_have_thirty_legible_colours_that_stay(browser, serve, scheme):
    found = []
    for count in (12, 30):
        server = serve([marked(count)])
        context = browser.new_context(color_scheme=scheme, reduced_motion="reduce")
        page = open_page(context, server.url)
        page.wait_for_selector(".mark")
        found.append(page.evaluate(COLOURS))
        context.close()
    few, all_of_them = found
    swatches, marks = all_of_them["swatches"], all_of_them["marks"]
    assert len(swatches) == len(marks) == 30
    assert few["swatches"] == swatches[:12]
    assert [mark["edge"] for mark in marks] == swatches
    labs = [oklab(rgb) for rgb in swatches]
    nearest = min(math.dist(a, b) for k, a in enumerate(labs) for b in labs[:k])
    # a difference that is just seen is about 0.02
    assert nearest > 0.05
    assert min(contrast(rgb, all_of_them["page"]) for rgb in swatches) >= 3
    assert min(contrast(ink, mark["ground"]) for mark in marks for ink in mark["inks"]) >= 4.5

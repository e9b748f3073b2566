"""The report in a real browser: nothing wider than the screen, nothing on top of anything else, everything legible."""

import os
import shutil

import pytest

from spacy_al.reporting import report
from tests.helpers.report_facts import beside_the_pool, drift_looks, run_facts, simulation_facts

NAMES = (
    "chromium",
    "chromium-browser",
    "chromium-headless-shell",
    "google-chrome",
    "chrome-headless-shell",
)
LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen" * 4
HEBREW = "לחולה אין היסטוריה של מחלת קרוהן"
STRATEGIES = (
    *("mnlp+density", "token_entropy", "expected_errors", "lowest_token_prob"),
    *("sequence_least_confidence", "representative", "random"),
)
CONTRAST = """
(selectors) => {
  const numbers = (text) => (text.match(/[\\d.]+/g) || []).map(Number)
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = numbers(getComputedStyle(at).backgroundColor)
      if (found.length === 3 || found[3] === 1) return found.slice(0, 3)
    }
    return [255, 255, 255]
  }
  const worst = {}
  for (const selector of selectors) {
    for (const element of document.querySelectorAll(selector)) {
      const style = getComputedStyle(element)
      const ink = numbers(element.closest('svg') ? style.fill : style.color).slice(0, 3)
      const [a, b] = [light(ink), light(ground(element))].sort((x, y) => y - x)
      worst[selector] = Math.min(worst[selector] ?? 99, (a + 0.05) / (b + 0.05))
    }
  }
  return worst
}
"""
OVERLAPS = """
() => {
  const found = []
  for (const svg of document.querySelectorAll('.plot > svg')) {
    const card = svg.closest('figure').getBoundingClientRect()
    const texts = [...svg.querySelectorAll('text')].map((t) => [t.textContent, t.getBoundingClientRect()])
    texts.forEach(([a, p], i) => {
      if (p.left < card.left || p.right > card.right || p.bottom > card.bottom) found.push(a + ' leaves its chart')
      texts.slice(i + 1).forEach(([b, q]) => {
        const wide = Math.min(p.right, q.right) - Math.max(p.left, q.left)
        const high = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top)
        if (wide > 0 && high > 0) found.push(a + ' over ' + b)
      })
    })
  }
  return found
}
"""
WIDE = """
() => [...document.querySelectorAll('body *')]
  .filter((e) => !e.closest('.scroll > *') && e.getBoundingClientRect().right > innerWidth + 0.5)
  .map((e) => e.tagName + '.' + e.getAttribute('class'))
"""
TEXTS = [
    *(
        ".headline",
        ".eyebrow",
        ".about",
        ".note",
        "nav a",
        "summary",
        "summary small",
        "caption",
        "td",
        "th",
    ),
    *(
        "th small",
        ".tiles dt",
        ".tiles small",
        ".legend li",
        ".axis",
        ".plot text",
        ".text",
        ".meta",
    ),
    *(
        "mark",
        "mark small",
        ".u1",
        ".u3",
        ".u5",
        "mark .u5",
        ".chip",
        ".chip .label",
        ".made dt",
        "code",
        "footer",
    ),
]


def cases():
    """Pages that are hard to fit: name -> facts."""
    hard = run_facts(labels=[*(f"balance_not_updated_after_cheque_{i}" for i in range(30)), LONG])
    question = hard["rounds"][3]["batch"][0]
    question["tokens"] += [{"text": LONG * 50, "ws": True, "u": 0.9}]
    question["tokens"] += [{"text": word, "ws": True, "u": 0.2} for word in HEBREW.split()]
    question["spans"] += [{"start": 0, "end": 1, "label": LONG, "score": 0.99}]
    hard["title"] = hard["config"] = LONG
    hard["merged"] = {LONG: 3}
    hard |= beside_the_pool([LONG, "A"], (LONG, HEBREW, "C" * 300))
    hard["drift"] = drift_looks([LONG, HEBREW])
    hard["drift"][-1]["alarms"] = [f"texts with {LONG}", f"texts with {HEBREW}"]
    large = run_facts(rounds=12)
    for row in large["rounds"]:
        row["words"] *= 1000
        row["expected_errors"] *= 100
    large |= {"forecast": None, "baseline": None}
    return {
        "run": run_facts(),
        "hard": hard,
        "large": large,
        "one round": run_facts(rounds=1),
        "no round": run_facts(rounds=0),
        "simulation": simulation_facts(),
        "seven strategies": simulation_facts(STRATEGIES),
    }


def launch(playwright):
    """The Chromium of this machine."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium here: on Debian, apt-get install chromium; or CHROMIUM names it")
    # a container's root has no sandbox to be put in; the pages are our own
    return playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        opened = launch(playwright)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    for name, facts in cases().items():
        (folder / f"{name}.html").write_text(report(facts), "utf8")
    return folder


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize(
    "name",
    ["run", "hard", "large", "one round", "no round", "simulation", "seven strategies"],
)
def test_every_page_fits_and_is_legible(browser, pages, name, width, scheme):
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    page, said, asked = context.new_page(), [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((pages / f"{name}.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true })")
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [page.url]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(WIDE) == []
    assert page.evaluate(OVERLAPS) == []
    contrasts = page.evaluate(CONTRAST, TEXTS)
    assert len(contrasts) > 5
    assert {selector: c for selector, c in contrasts.items() if c < 4.5} == {}
    context.close()


@pytest.mark.browser
def test_what_the_checks_look_for_is_found(browser):
    """A page with each of the faults, so that silence means something."""
    page = browser.new_page(viewport={"width": 360, "height": 800})
    page.set_content(
        "<figure><div class='plot'><svg><text y='20'>one</text><text x='5' y='20'>two</text></svg></div></figure>"
        "<p class='note' style='color:#999;background:#fff'>pale</p><div style='width:500px' class='far'>wide</div>"
    )
    assert page.evaluate(OVERLAPS) == ["one over two"]
    assert page.evaluate(CONTRAST, [".note"])[".note"] < 3
    assert page.evaluate(WIDE) == ["DIV.far"]
    page.close()

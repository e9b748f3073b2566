"""Somebody has to convince: a strategy is compared with chance on gold, and the report is opened as a manager would open it."""

import pytest

from tests.helpers.clone import copy_clone
from tests.helpers.newcomer import followed, package
from tests.helpers.web_page import browser, context

pytestmark = [pytest.mark.browser, pytest.mark.slow]
FEW = ["--training.max_steps", "20", "--training.eval_frequency", "20"]
FEW += ["--al.batch_size", "15", "--al.max_rounds", "2"]


def read(page, path, scheme, width):
    """Everything that stands on it; nothing is wider than the window, or loaded from elsewhere."""
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(path.as_uri())
    assert asked == [path.as_uri()]
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, (scheme, width, wide)
    return page.inner_text("body")


def test_a_corpus_becomes_a_report_for_who_pays(package, tmp_path, context):
    with followed("convince-my-boss", tmp_path, package) as tutorial:
        copy_clone(tutorial.folder)
        tutorial.install()
        # two seeds are enough for an interval
        tutorial.run("python -m spacy_al simulate", *FEW, swaps={"--seeds 3": "--seeds 2"})
        tutorial.run("python -m spacy_al run", *FEW)
        tutorial.run("python -m spacy_al report", *FEW)

    page = context.new_page()
    reports = tutorial.folder / "training"
    for scheme, width in (("light", 1200), ("dark", 1200), ("light", 390)):
        simulated = read(page, reports / "boss/report.html", scheme, width)
        # the first line is the answer, and below it stands how sure it is
        assert "random choice" in page.inner_text(".headline")
        assert "95% interval" in simulated and "token_entropy" in simulated
        ours = read(page, reports / "pilot/report.html", scheme, width)
        assert (
            "EUR" in ours and "labelled texts" in ours.lower() and "random choice" in ours.lower()
        )

"""Somebody has to convince: a strategy is compared with chance on gold, and the report is opened as a manager would open it."""

import shutil
import sys

import pytest

from tests.helpers.person import run_command
from tests.helpers.web_page import browser, context
from tests.journeys.test_annotate import HERE

pytestmark = [pytest.mark.browser, pytest.mark.slow]


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


def test_a_corpus_becomes_a_report_for_who_pays(tmp_path, context):
    pytest.importorskip("matplotlib")
    for name in ("configs", "corpus"):
        shutil.copytree(HERE / name, tmp_path / name)
    few = ["--training.max_steps", "20", "--training.eval_frequency", "20"]
    few += ["--al.batch_size", "15", "--al.max_rounds", "2"]
    words = [sys.executable, "-m", "spacy_al"]
    gold = ["--gold", "corpus/pool_gold.spacy", "--strategy", "token_entropy", "--seeds", "2"]
    own = ["--output", "training/boss"]
    run_command(tmp_path, *words, "simulate", "configs/ner.cfg", *gold, *own, *few)
    pilot = ["--al.output", "training/pilot", *few]
    oracle = ["--oracle", "corpus/pool_gold.spacy"]
    run_command(tmp_path, *words, "run", "configs/ner.cfg", *oracle, *pilot)
    price = ["--simulation", "training/boss", "--price", "80 EUR"]
    run_command(tmp_path, *words, "report", "configs/ner.cfg", *price, *pilot)

    page = context.new_page()
    for scheme, width in (("light", 1200), ("dark", 1200), ("light", 390)):
        simulated = read(page, tmp_path / "training/boss/report.html", scheme, width)
        assert "token_entropy" in simulated and "random" in simulated.lower()
        ours = read(page, tmp_path / "training/pilot/report.html", scheme, width)
        assert "EUR" in ours and "labelled texts" in ours.lower()

"""From nothing to the second round, as the README says: a terminal, a browser, a person who answers, and a power cut."""

import os
import re
import signal
import sys
import time
from pathlib import Path

import pytest

from spacy_al.store.store import Store
from tests.helpers.clone import copy_clone
from tests.helpers.terminal import terminals, wait_for
from tests.helpers.web_page import browser, context, open_page, press, saved

pytestmark = [pytest.mark.browser, pytest.mark.slow]
HERE = Path(__file__).parents[2]
FEW = ["--al.batch_size", "3", "--training.max_steps", "20", "--training.eval_frequency", "20"]


@pytest.fixture
def terminal(tmp_path, terminals):
    """Runs one of our commands as on a terminal, in a folder with what a clone has: terminal(*words) -> process and what it says."""
    copy_clone(tmp_path)
    paths = filter(None, (os.environ.get("PYTHONPATH"), str(HERE)))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "spacy_al"]
    return lambda *words: terminals([*command, *words], tmp_path, environment)


def state(folder):
    """Number and state of the latest round, texts asked in it, and answers of all rounds."""
    with Store(folder / "training/al/al.db") as store:
        current = store.round()
        tasks = [task for task in store.tasks() if current and task.round == current.number]
        answers = [*store.answers()]
    return (current.number, current.state) if current else None, tasks, answers


def answer_one(page):
    """Mark the first word and accept, as whoever sits there might; what was shown."""
    page.wait_for_selector("main article .text")
    text = page.inner_text("main article .text")
    press(page, "1", "a")
    # until it is gone, or it could be taken for the next one; labels stand among the words, above all at the beginning
    rest, deadline = text[len(text) // 2 :], time.monotonic() + 300
    while any(rest in shown for shown in page.locator("main article .text").all_inner_texts()):
        assert time.monotonic() < deadline, text
        page.wait_for_timeout(20)
    return text


def test_a_newcomer_comes_from_nothing_to_the_second_round(terminal, tmp_path, context):
    began = time.monotonic()
    # with as many steps as the config has, so that the first model is still training when the first text is there
    process, said = terminal("run", "configs/ner.cfg", *FEW[:2])
    port = int(wait_for(said, r"http://127\.0\.0\.1:(\d+)/")[1])
    url = f"http://127.0.0.1:{port}/"
    # the person's browser is sent there
    opened = tmp_path / "opened"
    while not (opened.is_file() and opened.read_text().endswith("\n")):
        time.sleep(0.1)
    assert (tmp_path / "opened").read_text().split() == [url]
    context.set_default_timeout(300_000)
    page = open_page(context, url)
    page.evaluate("window.stayed = true")
    page.wait_for_selector("main article")
    print(f"the first text after {time.monotonic() - began:.1f} s")
    # nobody waits for the first model
    assert state(tmp_path)[0] == (0, "train")
    first = answer_one(page)
    saved(page)
    assert len(state(tmp_path)[2]) == 1
    page.wait_for_selector("main article")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    second = answer_one(page)
    saved(page, "1 answer waits")
    assert len(state(tmp_path)[2]) == 1

    process, said = terminal("annotate", "configs/ner.cfg", *FEW, "--no-open", "--port", str(port))
    wait_for(said, re.escape(url))
    # the page has waited, and goes on by itself
    page.wait_for_selector("main article")
    saved(page)
    assert [answer.payload["answer"] for answer in state(tmp_path)[2]] == ["accept"] * 2
    shown = [first, second]
    deadline = time.monotonic() + 1200
    while state(tmp_path)[0] != (1, "wait") and time.monotonic() < deadline:
        if page.locator("main article").count() and state(tmp_path)[0] == (0, "wait"):
            shown.append(answer_one(page))
            saved(page)
        page.wait_for_timeout(300)
    # the next round has begun by itself, and its questions are there by themselves: beside what was asked meanwhile
    shown += [answer_one(page), answer_one(page)]
    page.wait_for_selector("main article")
    saved(page)
    assert page.evaluate("window.stayed")
    # the page goes on before the last answer is on disk
    wait = time.monotonic() + 60
    while len(state(tmp_path)[2]) < len(shown) and time.monotonic() < wait:
        page.wait_for_timeout(100)
    now, tasks, answers = state(tmp_path)
    assert now == (1, "wait") and len(tasks) in (3, 4)
    assert (tmp_path / "training/al/round-001/model-best").is_dir()
    # all that was answered counts once, and nothing is asked twice
    assert len({answer.task for answer in answers}) == len(answers) == len(shown) >= 7
    assert len({*shown}) == len(shown)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert [error for error in page.errors if "ERR_CONNECTION" not in error] == []

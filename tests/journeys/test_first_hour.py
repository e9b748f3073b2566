"""The first hour of a newcomer: notes without any label, sixty answers in a browser, and a model that is installed elsewhere."""

import json
import os
import re
import shlex
import sys
import time

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_al.store.store import Store
from tests.helpers.person import answer, run_command
from tests.helpers.web_page import Mouse, browser, context, open_page, saved
from tests.journeys.test_annotate import HERE, terminal, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LABELS = ("DRUG", "DOSAGE", "CONDITION")
N = 60


def gold():
    """Sixty sentences with entities, by their texts: (first token, last token, label) of each."""
    docs = DocBin().from_disk(HERE / "corpus/pool_gold.spacy").get_docs(spacy.blank("en").vocab)
    found = {}
    for doc in docs:
        ents = [(e.start, e.end - 1, e.label_) for e in doc.ents if e.label_ in LABELS]
        if any(label == "DRUG" for *_, label in ents):
            found[doc.text] = ents
    return dict(list(found.items())[:N])


def test_sixty_notes_become_a_model_that_is_installed_elsewhere(terminal, tmp_path, context):
    right = gold()
    for number, text in enumerate(right):
        path = tmp_path / f"notes/{number:02}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf8")
    words = [sys.executable, "-m", "spacy_al"]
    run_command(tmp_path, *words, "ingest", "notes", "pool", "--unit", "doc")
    own = [part for label in LABELS for part in ("--label", label)]
    run_command(tmp_path, *words, "init", "my.cfg", *own)
    process, said = terminal("run", "my.cfg", "--paths.pool", "pool")
    url = re.sub(r"[\r\n]", "", wait_for(said, r"http://127\.0\.0\.1:\d+/")[0])
    context.set_default_timeout(300_000)
    page = open_page(context, url)
    page.wait_for_selector("main article")
    # the plan stands on the page before the first answer
    assert "The first model comes after 40 answers" in page.inner_text("#plan")
    mouse, database = Mouse(page), tmp_path / "training/my/al.db"
    for _ in range(N):
        answer(page, mouse, database, right)
    saved(page)
    page.wait_for_selector("text=Done")
    assert page.errors == []
    process.terminate()
    process.wait(60)

    with Store(database) as store:
        purposes = {task.id: task.purpose for task in store.tasks()}
        given = sorted(store.answers(), key=lambda one: one.seq)
        first = store.rounds()[1]
    assert len(given) == N
    # the first model trained on what was answered by then
    assert sum(one.seq <= first.upto for one in given) <= 40
    assert sum(purposes[one.task] == "train" for one in given) >= 0.6 * N

    status = run_command(tmp_path, *words, "status", "my.cfg")
    package = re.search(r"Make a package of it: (.*)", status)[1].strip()
    packed = package.replace("python -m", f"{shlex.quote(sys.executable)} -m", 1)
    run_command(tmp_path, "sh", "-c", packed)
    (archive,) = (tmp_path / "packages").glob("*/dist/*.tar.gz")
    elsewhere = tmp_path / "elsewhere"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    run_command(tmp_path, *pip, "--no-build-isolation", "--target", elsewhere, archive)
    code = """
import spacy
nlp = spacy.load("en_my")
print(sorted(nlp.get_pipe("ner").labels), [e.label_ for e in nlp("Start aspirin 75 mg daily.").ents])
"""
    (meta,) = elsewhere.glob("en_my/meta.json")
    # it needs spaCy, and nothing else
    assert [one.partition(">")[0] for one in json.loads(meta.read_text())["requirements"]] == [
        "spacy"
    ]
    environment = {**os.environ, "PYTHONPATH": str(elsewhere)}
    loaded = run_command(elsewhere, sys.executable, "-c", code, env=environment)
    assert "DRUG" in loaded
    print(f"{time.strftime('%H:%M:%S')} {loaded}")

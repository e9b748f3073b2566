"""The first hour of a newcomer: notes without any label, sixty answers in a browser, and a model that is installed elsewhere."""

import json
import re

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_al.store.store import Store
from tests.helpers.newcomer import ROOT, followed, package, shell
from tests.helpers.person import answer
from tests.helpers.terminal import address, end, terminals
from tests.helpers.web_page import Mouse, browser, context, open_page, saved

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LABELS = ("DRUG", "DOSAGE")
# So many in all; before the first model comes; of these on the page, before its terminal is closed
N, FIRST, EARLY = 60, 40, 34


def gold():
    """Sixty sentences with drugs, by their texts: (first token, last token, label) of each."""
    docs = DocBin().from_disk(ROOT / "corpus/pool_gold.spacy").get_docs(spacy.blank("en").vocab)
    found = {}
    for doc in docs:
        ents = [(e.start, e.end - 1, e.label_) for e in doc.ents if e.label_ in LABELS]
        if any(label == "DRUG" for *_, label in ents):
            found[doc.text] = ents
    return dict(list(found.items())[:N])


def answered_elsewhere(folder, right):
    """Of the first questions those that nobody has answered, with their answers, as Prodigy writes them; how many."""
    with Store(folder / "training/my/al.db") as store:
        done = {one.task for one in store.answers()}
        open_ = {task.task["_task_hash"] for task in store.tasks() if task.id not in done}
    lines = (folder / "training/my/round-000/tasks.jsonl").read_text("utf8").splitlines()
    tasks = [task for task in map(json.loads, lines) if task["_task_hash"] in open_]
    for task in tasks:
        tokens = task["tokens"]
        task["answer"] = "accept"
        task["spans"] = [
            {"token_start": i, "token_end": j, "label": label}
            | {"start": tokens[i]["start"], "end": tokens[j]["end"]}
            for i, j, label in right[task["text"]]
        ]
    (folder / "answers.jsonl").write_text("".join(json.dumps(task) + "\n" for task in tasks))
    return len(tasks)


def answer_on_the_page(page, tutorial, right, count):
    mouse = Mouse(page)
    for _ in range(count):
        answer(page, mouse, tutorial.folder / "training/my/al.db", right)
    saved(page)
    assert page.errors == []


def test_sixty_notes_become_a_model_that_is_installed_elsewhere(
    package, terminals, tmp_path, context
):
    right = gold()
    context.set_default_timeout(300_000)
    with followed("nothing-labelled", tmp_path, package) as tutorial:
        folder = tutorial.folder
        (folder / "notes").mkdir()
        for number, text in enumerate(right):
            (folder / f"notes/{number:02}.txt").write_text(text, "utf8")
        tutorial.install()
        tutorial.run("python -m spacy_al ingest")
        tutorial.run("python -m spacy_al init")

        process, said = tutorial.open(terminals, "python -m spacy_al run")
        page = open_page(context, address(said))
        page.wait_for_selector("main article")
        # the plan stands on the page before the first answer
        assert f"The first model comes after {FIRST} answers" in page.inner_text("#plan")
        answer_on_the_page(page, tutorial, right, EARLY)
        page.close()
        end(process)

        assert answered_elsewhere(folder, right) == FIRST - EARLY
        tutorial.run("python -m spacy_al import")
        process, said = tutorial.open(terminals, "python -m spacy_al run")
        page = open_page(context, address(said))
        answer_on_the_page(page, tutorial, right, N - FIRST)
        page.wait_for_selector("text=Done")
        end(process)

        with Store(folder / "training/my/al.db") as store:
            purposes = {task.id: task.purpose for task in store.tasks()}
            given = sorted(store.answers(), key=lambda one: one.seq)
            first = store.rounds()[1]
        assert len(given) == N
        # the first model trained on what was answered by then
        assert sum(one.seq <= first.upto for one in given) <= FIRST
        assert sum(purposes[one.task] == "train" for one in given) >= 0.6 * N

        status = tutorial.run("python -m spacy_al status")
        tutorial.run("python -m spacy_al report")
        assert (folder / "training/my/report.html").is_file()
        shell(
            re.search(r"Make a package of it: (.*)", status)[1].strip(),
            folder,
            tutorial.environment,
        )
        # elsewhere there is spaCy, and nothing of ours
        tutorial.leave(tmp_path / "elsewhere")
        tutorial.run("pip install packages")
        assert "'DRUG'" in tutorial.run("python -c 'import spacy")
        (meta,) = tutorial.active.glob("lib/python*/site-packages/en_my/meta.json")
        # it needs spaCy, and nothing else
        needed = json.loads(meta.read_text())["requirements"]
        assert [one.partition(">")[0] for one in needed] == ["spacy"]

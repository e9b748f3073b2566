"""Somebody has a pipeline, and labels that it does not know: answers in a browser, what it learned, and what it forgot."""

import json
import re

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_al.store.store import Store
from tests.helpers.clone import copy_clone
from tests.helpers.newcomer import ROOT, followed, package
from tests.helpers.person import answer
from tests.helpers.terminal import address, end, terminals, wait_for
from tests.helpers.web_page import Mouse, browser, context, open_page, saved

pytestmark = [pytest.mark.browser, pytest.mark.slow]
NEW = ("PARTY", "MONEY")
N = 20
FEW = ["--training.max_steps", "200", "--training.eval_frequency", "50"]


def gold():
    """What is right in the pool, by its texts: (first token, last token, label) of each entity that is asked about."""
    docs = DocBin().from_disk(ROOT / "corpus/pool_gold.spacy").get_docs(spacy.blank("en").vocab)
    return {
        doc.text: [(e.start, e.end - 1, e.label_) for e in doc.ents if e.label_ in NEW]
        for doc in docs
    }


def asks(database):
    """Whether the first round has questions, or will have: who comes early is asked one of the pool beside them, which counts as well."""
    with Store(database) as store:
        done = {answer.task for answer in store.answers()}
        assert len(done) <= 2 * N
        return len(done) < N or any(
            task.id not in done for task in store.tasks() if task.round == 0
        )


def test_a_pipeline_learns_labels_and_what_it_forgets_is_measured(
    package, terminals, tmp_path, context
):
    right = gold()
    context.set_default_timeout(300_000)
    with followed("a-pipeline-i-have", tmp_path, package) as tutorial:
        copy_clone(tutorial.folder)
        folder = tutorial.folder
        tutorial.install()
        tutorial.run("python configs/prepare.py")
        tutorial.run("python -m spacy train", *FEW)
        meta = json.loads((folder / "training/notes/model-best/meta.json").read_text())
        known = set(meta["labels"]["ner"])
        assert known and not known & {*NEW}
        tutorial.run("python -m spacy_al select")
        assert len((folder / "batch.jsonl").read_text("utf8").splitlines()) == 10

        # one round
        process, said = tutorial.open(
            terminals, "python -m spacy_al run", *FEW, "--al.max_rounds", "1"
        )
        page = open_page(context, address(said))
        mouse, database = Mouse(page), folder / "training/mine/al.db"
        while asks(database):
            answer(page, mouse, database, right)
            saved(page)
        wait_for(said, r"Report in")
        assert page.errors == []
        end(process)

        shown = tutorial.run("python -m spacy_al status")
        found = json.loads(tutorial.also("python -m spacy_al status mine.cfg --json"))
        start, last = found["start"], found["rounds"][-1]
        # it knew neither label, and finds some of them now
        assert start["dev"] == 0 and last["dev"] > 0.1
        # what it knew is measured on the same texts, before and after
        assert start["measured_on"] == "dev" and set(start["measured"]) == known
        assert 0 < start["before"] <= 1 and 0 <= start["after"] <= 1
        assert 0 <= start["agreement"] <= 1 and start["texts"] > 0
        assert "Began as training/notes/model-best" in shown and "Make a package of it" in shown
        # what nobody is asked about is not out of balance
        assert "CONDITION (expected" not in shown
        code = re.search(r"(?m)nlp = (spacy\.load\(.*\))$", shown)[1]
        labels = tutorial.also(f"python -c 'import spacy; print(*{code}.get_pipe(\"ner\").labels)'")
        assert known | {*NEW} <= set(labels.split())

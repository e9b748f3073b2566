"""Somebody has a pipeline, and labels that it does not know: answers in a browser, what it learned, and what it forgot."""

import json
import re
import sys

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Example
from spacy.util import minibatch

from spacy_al.corpus.shard import write_shard
from tests.helpers.person import answer, run_command
from tests.helpers.web_page import Mouse, browser, context, open_page, saved
from tests.journeys.test_annotate import HERE, terminal, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow]
KNOWN, NEW = ("DRUG", "CONDITION"), ("DOSAGE", "PROCEDURE")
N = 20


def corpus(name, labels):
    """Texts of the corpus that ships, with the marks of some labels alone."""
    docs = list(DocBin().from_disk(HERE / f"corpus/{name}.spacy").get_docs(spacy.blank("en").vocab))
    for doc in docs:
        doc.set_ents([ent for ent in doc.ents if ent.label_ in labels])
    return docs


def pipeline(folder):
    """A pipeline as somebody has one: trained on the labels that it knows."""
    nlp = spacy.blank("en")
    ner = nlp.add_pipe("ner")
    for label in KNOWN:
        ner.add_label(label)
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in corpus("seed", KNOWN)]
    nlp.initialize(lambda: examples)
    for _ in range(10):
        for batch in minibatch(examples, 8):
            nlp.update(batch)
    nlp.to_disk(folder)


def test_a_pipeline_learns_labels_and_what_it_forgets_is_measured(terminal, tmp_path, context):
    pipeline(tmp_path / "mine")
    asked = [doc for doc in corpus("pool_gold", NEW) if doc.ents][:70]
    right = {doc.text: [(ent.start, ent.end - 1, ent.label_) for ent in doc.ents] for doc in asked}
    write_shard([spacy.blank("en").make_doc(text) for text in right], tmp_path / "mine.spacy")
    # gold of all labels: what it knew is measured there as well
    write_shard(corpus("dev", KNOWN + NEW), tmp_path / "all.spacy")
    words = [sys.executable, "-m", "spacy_al"]
    run_command(tmp_path, *words, "init", "my.cfg", "--model", "mine")
    own = ["--paths.pool", "mine.spacy", "--paths.dev", "all.spacy"]
    own += ["--al.labels", json.dumps(NEW), "--al.batch_size", "20", "--al.max_rounds", "1"]
    own += ["--training.max_steps", "200", "--training.eval_frequency", "50"]
    process, said = terminal("run", "my.cfg", *own)
    url = re.sub(r"[\r\n]", "", wait_for(said, r"http://127\.0\.0\.1:\d+/")[0])
    context.set_default_timeout(300_000)
    page = open_page(context, url)
    mouse, database = Mouse(page), tmp_path / "training/my/al.db"
    for _ in range(N):
        answer(page, mouse, database, right)
    saved(page)
    wait_for(said, r"Report in")
    assert page.errors == []
    process.terminate()
    process.wait(60)

    found = json.loads(run_command(tmp_path, *words, "status", "my.cfg", "--json", only_out=True))
    start, last = found["start"], found["rounds"][-1]
    # it knew neither label, and finds some of them now
    assert start["dev"] == 0 and last["dev"] > 0.1
    # what it knew is measured on the same texts, before and after
    assert start["measured_on"] == "dev" and set(start["measured"]) == set(KNOWN)
    assert 0 < start["before"] <= 1 and 0 <= start["after"] <= 1
    assert 0 <= start["agreement"] <= 1 and start["texts"] > 0
    shown = run_command(tmp_path, *words, "status", "my.cfg")
    assert "Began as mine" in shown and "Make a package of it" in shown
    # what nobody is asked about is not out of balance
    assert "CONDITION (expected" not in shown
    model = spacy.load(tmp_path / re.search(r"spacy\.load\(['\"](.*?)['\"]\)", shown)[1])
    assert {*KNOWN, *NEW} <= set(model.get_pipe("ner").labels)

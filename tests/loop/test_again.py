"""What is asked again about a label that came later, for every kind of answer; the models here have learned nothing."""

import json
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_al.config.project import open_project
from spacy_al.loop import likely
from spacy_al.loop.again import questions_again
from spacy_al.loop.labels import change
from spacy_al.loop.likely import merged_with_model, open_model, prepare_train
from spacy_al.loop.rounds import run
from spacy_al.oracle.annotator import make_oracle
from spacy_al.store.store import Store
from spacy_al.tasks.relabel import AGAIN
from spacy_al.util import content_hash
from tests.helpers.chaos import ROOT

OLD, NEW = ["A", "B"], "C"
CONFIGS = {
    "ner": "ner.cfg",
    "tagger": "tagger.cfg",
    "spancat": "spancat.cfg",
    "textcat": "textcat.cfg",
    "textcat_multilabel": "textcat_multilabel.cfg",
}


def gold_of(n, labels):
    """Texts of three words, with everything on them."""
    found = []
    for k in range(n):
        name = "".join(chr(97 + k // 26**place % 26) for place in range(2))
        doc = Doc(Vocab(), words=[name * 2, "b" + name, name + "z"])
        doc.set_ents([Span(doc, 0, 1, labels[k % len(labels)])])
        doc.spans["sc"] = [Span(doc, 0, 2, labels[k % len(labels)])]
        for token in doc:
            token.tag_ = labels[(k + token.i) % len(labels)]
        doc.cats = {label: float(label == labels[k % len(labels)]) for label in labels}
        found.append(doc)
    return found


@pytest.fixture(params=CONFIGS)
def asked(request, tmp_path):
    """A run whose eight texts were answered with two labels, and a model that knows a third."""
    factory, folder = request.param, tmp_path
    docs, third = gold_of(10, OLD), gold_of(8, [*OLD, NEW])
    DocBin(docs=docs[:8]).to_disk(folder / "pool.spacy")
    DocBin(docs=docs[8:]).to_disk(folder / "dev.spacy")
    how = {
        "paths.train": None,
        "paths.test": None,
        "paths.pool": str(folder / "pool.spacy"),
        "paths.dev": str(folder / "dev.spacy"),
        "al.output": str(folder / "al"),
        "al.labels": OLD,
        "al.batch_size": 8,
    }
    project = open_project(ROOT / "configs" / CONFIGS[factory], how)
    assert run(project).state == "waiting"
    gold = {content_hash(doc.text): doc for doc in docs}
    with Store(project.database) as store:
        for stored in store.unanswered():
            payload, _ = make_oracle()(stored.task, gold[stored.item], kind=project.kind)
            store.add_answer(stored.id, payload, id=stored.id, annotator="ann")
    nlp = spacy.blank("en")
    name = project.settings.component
    nlp.add_pipe(factory, name=name)
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in third]
    nlp.initialize(lambda: examples)
    model = project.folder(0) / "model-best"
    nlp.to_disk(model)
    return project, open_model(project, model)


def test_likely_texts_are_asked_again_about_the_label_alone(asked, monkeypatch):
    project, component = asked
    # whatever a model says that has learned nothing
    monkeypatch.setattr(likely, "LIKELY", 0.0)
    monkeypatch.setattr(likely, "LIKELIER", 0.0)
    with Store(project.database) as store:
        upto = 10**6
        before = merged_with_model(store, project, component, upto)
        assert len(before.docs) == 8 and not before.lacking
        assert questions_again(store, project, 1, component) == []
        change(project, "add", [NEW])
        # as long as no model knows it, nothing happens
        assert len(merged_with_model(store, project, None, upto).docs) == 8
        assert questions_again(store, project, 1, None) == []
        found = merged_with_model(store, project, component, upto)
        if project.kind in ("entities", "tags"):
            # all is open, so that nothing is left to learn from
            assert not found.docs and found.report["waits for a label"] == 8
        elif project.settings.factory == "textcat_multilabel":
            assert [doc.cats for doc in found.docs] == [doc.cats for doc in before.docs]
        else:
            assert not found.docs and found.report["waits for a label"] == 8
        tasks = questions_again(store, project, 1, component)
        # a quarter of a batch
        assert [purpose for purpose, _ in tasks] == ["train"] * 2
        for _, task in tasks:
            exclusive = project.settings.factory == "textcat"
            assert task[AGAIN] == [NEW] and task["meta"]["strategy"] == "asked again"
            assert task["labels"][-1] == NEW and len(task["labels"]) == 1 + exclusive
            if project.kind != "categories":
                assert task["believed"] and {m["label"] for m in task["believed"]} <= {*OLD}
            json.dumps(task, allow_nan=False)
        store.advance(0, "done")
        store.open_round(1)
        store.advance(1, "wait", tasks=tasks)
        for stored in store.unanswered():
            payload: dict[str, Any] = {"answer": "accept", "spans": []}
            if project.kind == "categories":
                payload = {"answer": "accept", "accept": [NEW]}
            elif project.kind != "tags":
                payload["spans"] = [{"token_start": 0, "token_end": 1, "label": NEW}]
            store.add_answer(stored.id, payload, id=stored.id, annotator="ann")
        after = merged_with_model(store, project, component, upto)
        assert len(after.docs) == (8 if project.settings.factory == "textcat_multilabel" else 2)
        assert not after.review and len(after.lacking) == 6
        assert after.balance[NEW] == (0 if project.kind == "tags" else 2)
        # nothing is asked again twice
        items = {content_hash(task["text"]) for _, task in tasks}
        more = questions_again(store, project, 2, component)
        assert len(more) == 2 and items.isdisjoint(content_hash(t["text"]) for _, t in more)


def test_a_labelled_corpus_is_open_where_it_has_none_of_the_label(asked, monkeypatch):
    project, component = asked
    monkeypatch.setattr(likely, "LIKELY", 0.0)
    monkeypatch.setattr(likely, "LIKELIER", 0.0)
    change(project, "rename", ["B"], "BB")
    change(project, "add", [NEW])
    with Store(project.database) as store:
        labels = store.labels()
    with_all = prepare_train(project, labels, component, gold_of(8, [*OLD, NEW]), left={})
    assert len(with_all) == 8
    left = dict.fromkeys(("open for a label", "waits for a label"), 0)
    kept = prepare_train(project, labels, component, gold_of(8, OLD), left=left)
    if project.settings.factory == "textcat_multilabel":
        assert len(kept) == 8 and [*kept[1].cats] == ["A", "BB"]
    elif project.kind in ("entities", "tags"):
        assert left["open for a label"] == len(kept) == 8
        attribute = "ENT_IOB" if project.kind == "entities" else "TAG"
        assert not any(doc.has_annotation(attribute) for doc in kept)
    else:
        assert not kept and left["waits for a label"] == 8

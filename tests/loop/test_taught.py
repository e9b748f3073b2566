"""A teacher in a run: it trains where nobody has answered, people's answers take its place, and what is accepted is audited."""

import json
from dataclasses import replace
from pathlib import Path

import numpy
import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_al.cli.status import format_status
from spacy_al.config.project import open_project
from spacy_al.corpus.shard import ACCEPTED, TAUGHT, read_shard
from spacy_al.errors import AlError
from spacy_al.loop.begun import open_run
from spacy_al.loop.corpus import make_round_corpus
from spacy_al.loop.export import export
from spacy_al.loop.forget import forget_texts, preview_forgetting
from spacy_al.loop.forget_find import Wanted
from spacy_al.loop.report import write_report
from spacy_al.loop.rounds import run
from spacy_al.loop.status import status
from spacy_al.loop.taught import AUDIT, FILE, add_taught_texts, judge_taught, teacher_now
from spacy_al.posteriors.component import open_component
from spacy_al.posteriors.temperature import write_calibration
from spacy_al.store.store import Store
from spacy_al.tasks.merge import Merged
from spacy_al.teachers.ask import open_said
from spacy_al.teachers.texts import taught_by
from spacy_al.util import content_hash
from tests.helpers.planted import ID, answer_all, begin, found_in, make_project, typed
from tests.helpers.teachers import make_ward, ruler


def project_of(folder, overrides, *, oracle=None, **teacher):
    more = {**overrides, "al.teacher": ruler(folder, **teacher)}
    return open_project(folder / "my.cfg", more, oracle=oracle)


def gold_of(folder):
    docs = DocBin().from_disk(folder / "pool.spacy").get_docs(Vocab())
    return {doc.text: doc for doc in docs}


def marks(doc):
    return [(span.start, span.end, span.label_) for span in doc.ents]


def answer(store, task, gold, **more):
    spans = [
        {"token_start": s.start, "token_end": s.end - 1, "label": s.label_}
        for s in gold[task.task["text"]].ents
    ]
    payload = {"answer": "accept", "spans": spans, **more}
    store.add_answer(task.id, payload, id=f"ada-{task.id}", annotator="ada")


def test_it_trains_before_anybody_has_answered(tmp_path):
    project = project_of(tmp_path, make_ward(tmp_path, n=30), train=0.25)
    with Store(project.database) as store:
        store.open_round(0)
        found = make_round_corpus(store, project, store.round())
    assert found.is_learnable and found.n_taught_words > 0
    # nobody has labelled any of it
    assert found.metrics["texts"] == found.metrics["words_labelled"] == 0
    assert found.metrics["teacher"]["taught"] == 30 and found.metrics["teacher"]["calls"] == 30
    gold = gold_of(tmp_path)
    for doc in read_shard(project.folder(0) / "train.spacy", Vocab()):
        assert taught_by(doc) == TAUGHT and marks(doc) == marks(gold[doc.text])


def test_an_answer_takes_the_place_of_what_it_says(tmp_path):
    overrides = make_ward(tmp_path, n=30)
    project = project_of(tmp_path, {**overrides, "al.batch_size": 5})
    assert run(project).state == "waiting"
    with Store(project.database) as store:
        tasks = list(store.tasks())
        # it is asked about what it is shown with alone, as nothing else needs it
        assert open_said(project.settings).cache.calls == len(tasks) == 5
        sources = {span["source"] for task in tasks for span in task.task["spans"]}
        assert sources == {"teacher"}
        for task in tasks:
            # the people see nothing there
            payload = {"answer": "accept", "spans": []}
            store.add_answer(task.id, payload, id=task.id, annotator="ada")
        store.advance(0, "done")
        store.open_round(1)
        project = project_of(tmp_path, {**overrides, "al.batch_size": 5}, train=0.5)
        make_round_corpus(store, project, store.round())
    docs = {doc.text: doc for doc in read_shard(project.folder(1) / "train.spacy", Vocab())}
    asked = {task.task["text"] for task in tasks}
    assert len(docs) == 30
    for text, doc in docs.items():
        assert (taught_by(doc) is None) == (text in asked)
        assert not (text in asked and doc.ents)
    # what is exported is people's alone
    counts = export(project, tmp_path / "files", "spacy-llm")
    assert counts["train.spacy"] == 5 and counts["few_shot.json"] == 0


def learned(folder):
    """A small recogniser that has learned from dev, and finds some of what is in the pool."""
    nlp, rng = spacy.blank("en"), numpy.random.default_rng(0)
    tok2vec = {"@architectures": "spacy.HashEmbedCNN.v2", "width": 32, "depth": 1}
    tok2vec |= {"embed_size": 200, "window_size": 1, "maxout_pieces": 2, "subword_features": True}
    tok2vec["pretrained_vectors"] = None
    nlp.add_pipe("ner", config={"model": {"tok2vec": tok2vec}})
    docs = DocBin().from_disk(folder / "dev.spacy").get_docs(nlp.vocab)
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in docs]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(30):
        for rows in numpy.array_split(rng.permutation(len(examples)), 4):
            nlp.update([examples[row] for row in rows], sgd=optimizer)
    return nlp


@pytest.fixture
def judging(tmp_path):
    """A run whose first round has a model, and the settings of a teacher that may be accepted."""
    overrides = {**make_ward(tmp_path, n=60), "al.batch_size": 40}
    with Store(tmp_path / "out" / "al.db") as store:
        store.open_round(0)
        (tmp_path / "out" / "round-000").mkdir()
    learned(tmp_path).to_disk(tmp_path / "out" / "round-000" / "model-best")

    def make(**teacher):
        how = {"accept": 0.3, "audit_share": 0.3, "max_error": 0.4, **teacher}
        return project_of(tmp_path, overrides, **how)

    return make


def calibrate(project):
    component = open_component(str(project.folder(0) / "model-best"), "ner")
    record = {"temperature": 1.0, "calibration_error": {"before": 0.1, "after": 0.1}}
    write_calibration(component.nlp, "ner", record)


def test_nothing_is_accepted_from_a_model_that_is_not_calibrated(judging):
    project = judging()
    with Store(project.database) as store:
        tasks, metrics = judge_taught(store, project, 0, (), 40)
    assert not tasks and metrics["on"] is False and "not calibrated" in metrics["why"]
    assert not (project.folder(0) / FILE).exists()


def test_audits_decide_whether_texts_are_accepted(judging, tmp_path):
    project, gold = judging(), gold_of(tmp_path)
    calibrate(project)
    with Store(project.database) as store:
        tasks, metrics = judge_taught(store, project, 0, (), 40)
        kept = json.loads((project.folder(0) / FILE).read_text())
        assert metrics["judged"] == 60 and 0 < metrics["agreed"] <= 1
        assert len(tasks) == len(kept["audited"]) > 8 and len(tasks) <= 20
        assert {content_hash(task["text"]) for task in tasks} == {*kept["audited"]}
        # asked without a suggestion, and with the probability that each had
        for task in tasks:
            assert task["spans"] == [] and "teacher" not in task["meta"]
            assert task["meta"][AUDIT] == kept["teacher"] and task["meta"]["design"] == "audit"
            assert task["meta"]["propensity"] == 0.3
        assert not {*kept["audited"]} & {*kept["accepted"]}
        again, _ = judge_taught(store, project, 0, (), 40)
        assert again == tasks
        store.advance(0, "wait", tasks=[("train", task) for task in tasks])
        stored = list(store.tasks())
        # as long as nobody has answered nothing is accepted
        corpus = tmp_path / "x.spacy"
        off = add_taught_texts(store, project, 1, corpus, Merged([], [], {}, {}))
        assert off.metrics["on"] is False and off.metrics["accepted"] == 0
        assert not corpus.exists()
        for one in stored:
            answer(store, one, gold)
        store.advance(0, "done")
        store.open_round(1)
        found = make_round_corpus(store, project, store.round()).metrics["teacher"]
        assert found["on"] is True and found["wrong"] == 0 and found["answered"] == len(stored)
        assert found["accepted"] == len(kept["accepted"])
        docs = list(read_shard(project.folder(1) / "train.spacy", Vocab()))
        own = {content_hash(doc.text) for doc in docs if taught_by(doc) == ACCEPTED}
        assert own == {*kept["accepted"]}
        # those that were judged are not judged again
        project.folder(1).mkdir(exist_ok=True)
        (project.folder(0) / "model-best").rename(project.folder(1) / "model-best")
        asked = {*kept["audited"]}
        _, later = judge_taught(store, project, 1, asked, 40)
        assert later["judged"] == 60 - len(kept["accepted"]) - len(asked)
        # a person says of three that they are wrong: it is switched off, and says why
        strict = replace(project.settings.teacher, max_error=0.05)
        now = teacher_now(
            store, replace(project, settings=replace(project.settings, teacher=strict))
        )
        assert now["on"] is False and "it takes at most 5.0%" in now["why"]


def test_wrong_audits_switch_it_off(judging, tmp_path):
    project, gold = judging(), gold_of(tmp_path)
    calibrate(project)
    with Store(project.database) as store:
        tasks, _ = judge_taught(store, project, 0, (), 40)
        store.advance(0, "wait", tasks=[("train", task) for task in tasks])
        stored = list(store.tasks())
        for number, task in enumerate(stored):
            if number == 0:
                # an answer that teaches nothing says nothing of the teacher
                store.add_answer(task.id, {"answer": "ignore"}, id="x", annotator="ada")
            elif number < 5:
                spans = [{"token_start": 0, "token_end": 1, "label": "DRUG"}]
                payload = {"answer": "accept", "spans": spans}
                store.add_answer(task.id, payload, id=task.id, annotator="ada")
            else:
                answer(store, task, gold)
        now = teacher_now(store, project)
        assert now["audited"] == len(stored) and now["answered"] == len(stored) - 1
        assert now["wrong"] == 4 and now["on"] is False and now["interval"][1] > 0.4
        # those of another teacher say nothing of this one
        other = judging(component={"factory": "entity_ruler", "patterns": []})
        assert teacher_now(store, other)["answered"] == 0


def test_labels_that_the_run_does_not_have(tmp_path):
    project = project_of(
        tmp_path, make_ward(tmp_path, n=10), train=0.5, labels={"DRUG": "MEDICINE"}
    )
    with Store(project.database) as store, pytest.raises(AlError, match="AL442"):
        store.open_round(0)
        make_round_corpus(store, project, store.round())


def test_its_labels_are_the_runs_where_nothing_else_names_any(tmp_path):
    overrides = make_ward(tmp_path, n=20)
    del overrides["al.labels"]
    with pytest.raises(AlError, match="AL157"):
        project_of(tmp_path, overrides)
    project = project_of(tmp_path, overrides, labels={"DRUG": "MEDICINE"})
    assert run(project).state == "waiting"
    with Store(project.database) as store:
        tasks = [stored.task for stored in store.tasks()]
    assert all(task["labels"] == ["MEDICINE"] for task in tasks)
    assert {span["label"] for task in tasks for span in task["spans"]} == {"MEDICINE"}


def test_what_it_said_of_a_text_is_forgotten(tmp_path, monkeypatch):
    settings = make_project(tmp_path, monkeypatch)
    patterns = [{"label": "DRUG", "pattern": "gave"}]
    block = {"component": {"factory": "entity_ruler", "patterns": patterns}}
    settings = {**settings, "al.teacher": json.dumps(block)}
    begin(settings)
    answer_all()
    overrides = {**settings, "al.labels": ["DRUG", "PERSON"], "al.teacher": block}
    project = open_run(Path("my.cfg"), overrides)
    accepted = Path("out") / "round-000" / FILE
    accepted.write_text(json.dumps({"teacher": "x", "accepted": {ID: 0.9}, "audited": [ID]}))
    assert ID in open_said(project.settings).cache.said
    calls = open_said(project.settings).cache.calls
    preview = preview_forgetting(project, Wanted([ID], (), {}))
    assert any(path.suffix == ".alsaid" for path, *_ in preview.places)
    forget_texts(project, preview)
    after = open_said(project.settings).cache
    assert ID not in after.said and after.calls == calls and found_in() == []
    kept = list(Path("out").rglob("*.alsaid"))
    assert kept and all(ID not in path.read_text() for path in kept)
    assert ID not in accepted.read_text()
    assert typed("status", "my.cfg", settings=settings).exit_code == 0


@pytest.mark.slow
def test_from_the_first_round_to_what_is_accepted(tmp_path):
    """A whole run, gold answering: rules that know two thirds of the names."""
    overrides = make_ward(tmp_path, n=150)
    lines = (tmp_path / "patterns.jsonl").read_text().splitlines()
    (tmp_path / "patterns.jsonl").write_text("\n".join(lines[::3] + lines[1::3]))
    overrides |= {
        "training.max_steps": 100,
        "al.stopper": {"@al_stoppers": "spacy-al.budget.v1", "answers": 1000},
    }
    how = {"accept": 0.5, "audit_share": 0.5, "max_error": 0.95, "price": 0.01}
    project = project_of(tmp_path, overrides, oracle=tmp_path / "pool.spacy", **how)
    assert run(project).state == "stopped"
    found = status(project)
    teacher = found["teacher"]
    assert teacher["calls"] == 150 and teacher["cost"] == 1.5 and teacher["answered"] > 4
    assert teacher["on"] is True and teacher["accepted"] > 0
    said = format_status(found)
    assert "150 calls of 1,000, which cost 1.50" in said and "Accepting what both say is on" in said
    write_report(project)
    assert "trained as accepted by the teacher" in (project.output / "report.html").read_text(
        "utf8"
    )
    with Store(project.database) as store:
        # what a teacher said is nobody's answer
        assert {answer.annotator for answer in store.answers()} == {"oracle"}
        asked = {stored.item for stored in store.tasks()}
    gold = gold_of(tmp_path)
    last = max(project.output.glob("round-*/train.spacy"))
    docs = list(read_shard(last, Vocab()))
    own = [doc for doc in docs if taught_by(doc) == ACCEPTED]
    assert len(own) == teacher["accepted"]
    assert not asked & {content_hash(doc.text) for doc in own}
    for doc in docs:
        if taught_by(doc) is None:
            assert marks(doc) == marks(gold[doc.text])


def test_without_a_teacher_nothing_changes(tmp_path):
    overrides = make_ward(tmp_path, n=20)
    project = open_project(tmp_path / "my.cfg", overrides)
    assert run(project).state == "waiting"
    found = status(project)
    assert found["teacher"] is None and "The teacher" not in format_status(found)
    assert not (project.output / "teacher").exists()

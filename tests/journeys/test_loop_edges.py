"""The loop where things go another way than planned: nothing to learn, nothing left, files deleted, configs edited."""

import json
import shutil
from collections import Counter
from dataclasses import replace

import pytest
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.config.project import open_project
from spacy_al.errors import AlError
from spacy_al.loop.answers import merged_answers
from spacy_al.loop.export import export
from spacy_al.loop.rounds import run
from spacy_al.store.export import export_tasks
from spacy_al.store.store import Store
from tests.helpers.chaos import LABELS, OVERRIDES, ROOT, corpus

CONFIG = ROOT / "configs" / "ner.cfg"
NAMES = ("house", "tree", "horse", "river", "tower", "garden", "bridge", "mill")
# no labels to begin with, and no development set
NOTHING = {"paths.train": None, "paths.dev": None, "al.dev_size": 4, "al.batch_size": 4}


@pytest.fixture
def small(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    corpus(folder)
    docs = list(DocBin().from_disk(folder / "pool_gold.spacy").get_docs(Vocab()))
    DocBin(docs=docs[:6]).to_disk(folder / "six.spacy")
    return folder


def project_of(small, overrides=None):
    names = {"train": "seed", "dev": "dev", "pool": "pool_gold", "test": None}
    paths = {f"paths.{k}": str(small / f"{v}.spacy") if v else None for k, v in names.items()}
    own = {**paths, **OVERRIDES, "al.output": str(small / "al"), "al.labels": LABELS}
    return open_project(CONFIG, {**own, **(overrides or {})})


def answer(project, **payload):
    with Store(project.database, create=False) as store:
        for stored in store.unanswered():
            store.add_answer(stored.id, payload, id=f"x-{stored.id}", annotator="ann")


def asked(project):
    with Store(project.database, create=False) as store:
        return [(stored.purpose, stored.task) for stored in store.tasks()]


@pytest.mark.slow
def test_a_pool_that_is_smaller_than_the_development_set_is_asked_all_the_same(small):
    how = {**NOTHING, "paths.pool": str(small / "six.spacy"), "al.dev_size": 20}
    project = project_of(small, how)
    assert run(project).state == "waiting"
    # two fifths of it measure, or nothing would be left to learn from
    assert Counter(purpose for purpose, _ in asked(project)) == {"dev": 2, "train": 2}
    answer(project, answer="ignore")
    assert run(project).state == "waiting"
    assert Counter(purpose for purpose, _ in asked(project)) == {"dev": 2, "train": 4}
    # none of it is of use, and nothing is left
    answer(project, answer="ignore")
    outcome = run(project)
    assert outcome.state == "stopped" and "Every text" in outcome.sentence
    assert run(project) == outcome


@pytest.mark.slow
def test_the_labels_of_the_seed_are_asked_for_before_there_is_a_model(small):
    project = project_of(small, {"paths.dev": None, "al.dev_size": 3, "al.labels": []})
    assert run(project).state == "waiting"
    assert {"DRUG", "PARTY"} <= set(asked(project)[0][1]["labels"])


@pytest.mark.slow
def test_rounds_without_a_model_are_counted_too(small):
    project = project_of(small, {**NOTHING, "al.max_rounds": 2})
    for _ in range(2):
        assert run(project).state == "waiting"
        answer(project, answer="ignore")
    outcome = run(project)
    assert outcome.state == "stopped" and "max_rounds" in outcome.sentence


@pytest.mark.slow
def test_answers_without_any_entity_teach_nothing_yet(small):
    project = project_of(small, NOTHING)
    assert run(project).state == "waiting"
    answer(project, answer="accept", spans=[])
    outcome = run(project)
    assert outcome.state == "waiting" and outcome.round == 1
    assert not (project.folder(1) / "model-best").exists()


@pytest.mark.slow
def test_a_model_that_was_deleted_or_changed_is_trained_again(small):
    project = project_of(small, {"al.max_rounds": 1})
    assert run(project).state == "waiting"
    with Store(project.database) as store:
        model = store.models()[0]["hash"]
        for state in ("evaluate", "select"):
            if state == "evaluate":
                shutil.rmtree(project.folder(0) / "model-best")
            else:
                # one of another corpus, as where the store was restored from a backup
                (project.folder(0) / "model-best" / "meta.json").write_text("{}")
            # as after a stop that a later config takes back
            with store.transaction() as connection:
                for table in ("counts", "tasks"):
                    connection.execute(f"DELETE FROM {table}")
            store.advance(0, state)
            assert run(project).state == "waiting"
            assert store.models()[0]["hash"] == model
            assert {task["meta"]["model"] for _, task in asked(project)} == {"model-best"}


@pytest.mark.slow
def test_a_run_goes_on_with_what_it_began_to_ask(small):
    project = project_of(small, NOTHING)
    run(project)
    other = replace(project, settings=replace(project.settings, factory="textcat"))
    with Store(project.database) as store, pytest.raises(AlError, match="AL159"):
        merged_answers(store, other)


@pytest.mark.slow
@pytest.mark.parametrize("label", ["\ud800", "", " "])
def test_labels_that_spacy_cannot_keep_are_refused(small, label):
    with pytest.raises(AlError, match="AL083"):
        project_of(small, {"al.labels": ["DRUG", label]})


@pytest.mark.slow
def test_an_export_spares_what_the_run_reads(small):
    train = small / "train.spacy"
    (small / "seed.spacy").rename(train)
    project = project_of(small, {**NOTHING, "paths.train": str(train)})
    run(project)
    before = train.read_bytes()
    with pytest.raises(AlError, match="AL160"):
        export(project, small)
    assert train.read_bytes() == before
    assert export(project, small / "export")["train.spacy"] == 30


@pytest.mark.slow
def test_who_returns_to_an_earlier_answer_is_heard(small):
    project = project_of(small, NOTHING)
    run(project)
    file = small / "answers.jsonl"
    with Store(project.database) as store:
        export_tasks(store, 0, file)
        line = json.loads(file.read_text("utf8").splitlines()[0])
        said = ["accept", "ignore", "accept"]
        # in time: else they would contradict each other
        lines = [{**line, "answer": one, "_timestamp": at} for at, one in enumerate(said)]
        file.write_text("".join(json.dumps(one) + "\n" for one in lines))
        code = small / "code.py"
        code.write_text("")
        words = ["import", str(CONFIG), str(file), "--code", str(code)]
        for _ in range(2):
            result = CliRunner().invoke(app, [*words, "--al.output", str(project.output)])
            assert result.exit_code == 0, result.output
            assert [one.payload["answer"] for one in store.answers()] == ["accept"]
        assert "3 already there" in result.output
        # and from file to file, each of which is taken in again later
        files = []
        for at, one in enumerate(["ignore", "accept", "ignore"], 10):
            files.append(small / f"later-{at}.jsonl")
            files[-1].write_text(json.dumps({**line, "answer": one, "_timestamp": at}) + "\n")
        for path in (*files, *files):
            words[2] = str(path)
            result = CliRunner().invoke(app, [*words, "--al.output", str(project.output)])
            assert result.exit_code == 0, result.output
        (last,) = store.answers()
        assert last.payload["answer"] == "ignore" and "1 already there" in result.output
        heard = [one.at for one in store.answers_of(last.task, last.annotator)]
        assert heard == [0, 1, 2, 10, 11, 12]


@pytest.mark.slow
def test_a_pool_that_was_replaced_leaves_nothing_known_of_its_errors(small):
    project = project_of(small, {"al.max_rounds": 2})
    run(project)
    answer(project, answer="accept", spans=[])
    pool = {"paths.pool": str(small / "new.spacy"), "al.max_rounds": 2}
    # half a batch, or it would be too little for another training
    words = [f"Another {name} stands here ." for name in NAMES]
    vocab = Vocab()
    DocBin(docs=[Doc(vocab, words=text.split()) for text in words]).to_disk(small / "new.spacy")
    changed = project_of(small, pool)
    assert run(changed).state == "waiting"
    with Store(project.database) as store:
        assert store.metrics()[1]["expected_errors"] is None

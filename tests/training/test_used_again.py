"""Members of a committee, checkpoints, pretrained weights, a temperature and a report: each input changed once.

What a model is made from is in `test_made_from.py`.
"""

import re
import shutil

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_al.config.project import Project
from spacy_al.config.settings import read_settings
from spacy_al.loop.report import write_report
from spacy_al.loop.rounds import train_round
from spacy_al.posteriors.temperature import read_calibration, write_calibration
from spacy_al.store.store import Store
from spacy_al.training.committee import member_folder, members_of_round
from spacy_al.training.pretrain import pretrain
from spacy_al.training.trainer import train
from tests.adapters.test_pull_replies import CONFIG, PATHS
from tests.helpers.chaos import corpus
from tests.helpers.ner_oracle import make_ner
from tests.store.test_damage import METRICS, waiting_run
from tests.training.test_committee import project_of
from tests.training.test_trainer import QUICK, docs_of


class MadeAgain(Exception):
    """Raised where something is said to be made again, before it is."""


def refuse(line):
    if "made again" in line:
        raise MadeAgain(line)


def edit(path, pattern, new):
    text = path.read_text("utf8")
    changed = re.sub(pattern, new, text, count=1, flags=re.MULTILINE)
    assert changed != text
    path.write_text(changed, "utf8")


def fewer(path):
    docs = [*DocBin().from_disk(path).get_docs(spacy.blank("en").vocab)]
    DocBin(docs=docs[:-1]).to_disk(path)


def another_label(folder):
    nlp = spacy.load(folder / "model-best")
    nlp.get_pipe("ner").add_label("OTHER")
    nlp.to_disk(folder / "model-best")


def other_weights(folder):
    nlp = spacy.load(folder / "model-best")
    node = next(node for node in nlp.get_pipe("tok2vec").model.walk() if node.has_param("W"))
    node.set_param("W", node.get_param("W") + 1)
    nlp.to_disk(folder / "model-best")


MEMBERS = {
    "bootstrap": {
        "corpus": lambda f: fewer(f / "train.spacy"),
        "config": lambda f: edit(f / "config.cfg", r"^max_steps = .*$", "max_steps = 11"),
        "labels": another_label,
        "itself": lambda f: (f / "member-1" / "model-best" / "ner" / "model").write_bytes(b"torn"),
    },
    "heads": {"encoder": other_weights, "corpus": lambda f: fewer(f / "train.spacy")},
}


def trained_round(folder, kind):
    """The project of a run whose first round has trained."""
    (folder / "corpus").mkdir()
    corpus(folder / "corpus")
    project = project_of(folder / "corpus", folder / "al", kind)
    with Store(project.database) as store:
        store.open_round(0)
        train_round(store, project, store.round())
    return project


@pytest.mark.slow
@pytest.mark.parametrize("kind", MEMBERS)
def test_a_member_of_something_else_is_made_again(kind, tmp_path):
    project = trained_round(tmp_path, kind)
    settings, folder = project.settings, project.folder(0)

    def use(round_folder):
        return train(member_folder(settings, round_folder, 0, 1), show=refuse)

    before = use(folder).hash
    for name, change in MEMBERS[kind].items():
        other = tmp_path / name / "round-000"
        shutil.copytree(folder, other)
        # the corpus that the copy was trained on is its own
        edit(other / "config.cfg", r"^train = .*$", f'train = "{other / "train.spacy"}"')
        assert use(other).hash == before, name
        change(other)
        with pytest.raises(MadeAgain, match="member-1"):
            use(other)


@pytest.mark.slow
def test_checkpoints_are_of_the_training_of_their_model(tmp_path):
    project = trained_round(tmp_path, "checkpoints")
    folder = project.folder(0)
    (member,) = members_of_round(folder)
    assert train(folder, show=refuse).hash
    weights = folder / "member-1" / "model-best" / "ner" / "model"
    right = weights.read_bytes()
    # somebody touched one, or it is of another training; another one lies there that this training did not keep
    for change in (
        lambda: weights.write_bytes(right + b"\0"),
        lambda: shutil.copytree(member, folder / "member-2" / "model-best"),
        lambda: edit(folder / "config.cfg", r"^max_steps = .*$", "max_steps = 11"),
    ):
        change()
        said = []
        train(folder, show=said.append)
        assert sum("made again" in line for line in said) == 1
        assert members_of_round(folder) == [member]
        train(folder, show=refuse)
    # without checkpoints in its config those of before are no members of the model that is made then
    edit(folder / "config.cfg", r"^\[training.before_update\]\n(.*\n)*?\n", "")
    train(folder)
    assert members_of_round(folder) == []


@pytest.mark.slow
def test_pretrained_weights_of_something_else_are_made_again(tmp_path):
    pool, dev, code = tmp_path / "pool.spacy", tmp_path / "dev.spacy", tmp_path / "code.py"
    DocBin(docs=docs_of("pool", 30)).to_disk(pool)
    DocBin(docs=docs_of("dev", 5)).to_disk(dev)
    code.write_text("")
    folder = tmp_path / "pretrain"
    own = {**QUICK, "paths.pool": str(pool), "paths.dev": str(dev), "paths.test": None}

    def use(show=refuse, **more):
        overrides = {**own, "al.pretrain_epochs": 1, **more}
        settings = read_settings(CONFIG, overrides)
        return pretrain(Project(CONFIG, overrides, settings, code=code, show=show), folder)

    weights = use()
    before = weights.read_bytes()
    assert use() == weights
    kept = {path: path.read_bytes() for path in (pool, dev, code)}
    for change in (
        lambda: fewer(pool),
        # what is measured on is not learned from
        lambda: DocBin(docs=docs_of("pool", 1)).to_disk(dev),
        lambda: code.write_text("# other"),
        lambda: weights.write_bytes(before + b"\0"),
    ):
        change()
        with pytest.raises(MadeAgain, match=re.escape(str(weights))):
            use()
        for path, data in {**kept, weights: before}.items():
            path.write_bytes(data)
    for more in ({"al.pretrain_epochs": 2}, {"components.tok2vec.model.encode.width": 8}):
        with pytest.raises(MadeAgain, match=r"made again: .*(pretraining|components)"):
            use(**more)
    assert use() == weights and weights.read_bytes() == before


def test_a_temperature_is_of_all_weights_that_it_was_fitted_for(tmp_path):
    make_ner(shared=True).to_disk(tmp_path)
    nlp = spacy.load(tmp_path)
    write_calibration(nlp, "ner", {"temperature": 2.0})
    models = [pipe.model for _, pipe in nlp.pipeline]
    nodes = {id(node): node for model in models for node in model.walk()}.values()
    params = [(node, name) for node in nodes for name in node.param_names if node.has_param(name)]
    assert len(params) > 8 and read_calibration(nlp, "ner")["temperature"] == 2.0
    for node, name in params:
        right = node.get_param(name).copy()
        other = right.copy()
        other.ravel()[0] += 1e-3
        node.set_param(name, other)
        assert read_calibration(nlp, "ner") is None, (node.name, name)
        node.set_param(name, right)
    assert read_calibration(nlp, "ner")["temperature"] == 2.0


def test_a_report_is_of_the_database_as_it_is(tmp_path):
    waiting_run(tmp_path / "al.db")
    overrides = {**PATHS, "al.output": str(tmp_path)}
    project = Project(CONFIG, overrides, read_settings(CONFIG, overrides))
    page = write_report(project)
    first = page.read_text("utf8")
    page.write_text("something else")
    assert write_report(project).read_text("utf8") == first
    with Store(tmp_path / "al.db") as store:
        task = [*store.tasks()][-1]
        store.add_answer(task.id, {"answer": "accept", "spans": []}, id="z" * 8, annotator="cat")
        store.advance(0, "wait", metrics={"dev": {**METRICS["dev"], "score": 0.75}})
    assert write_report(project).read_text("utf8") != first

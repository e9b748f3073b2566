"""Components that are taken from a trained pipeline, or made by a factory of one's own, in the config and in the loop."""

import importlib
import json
from pathlib import Path

import pytest
import spacy
from confection import Config
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.config.components import component_blocks
from spacy_al.config.init import init
from spacy_al.config.learner import EncoderBlock, Learner
from spacy_al.config.project import open_project
from spacy_al.config.settings import read_settings
from spacy_al.errors import AlError
from spacy_al.kinds import FACTORIES
from spacy_al.loop.rounds import run
from spacy_al.posteriors import get_posteriors
from spacy_al.posteriors.component import load_code, open_component
from spacy_al.query.scorer import Job, Scorer
from spacy_al.simulation.plan import taught
from spacy_al.store.store import Store
from spacy_al.tasks.decision import INCORRECT
from spacy_al.training.learner import learners_for
from spacy_al.training.round_config import training_budget, write_config

CONFIG = Path(__file__).parents[2] / "configs" / "ner.cfg"
TEXTS = ["Gamma Ltd pays Bob", "Delta Inc pays Ann", "Bob owes Gamma Ltd", "Ann left Delta Inc now"]
OWN = '''
from spacy.language import Language
from spacy.pipeline import EntityRecognizer
from spacy.pipeline.ner import DEFAULT_NER_MODEL
from spacy_al import registry

class Mine(EntityRecognizer):
    pass

@Language.factory("mine", default_config={"model": DEFAULT_NER_MODEL, "incorrect_spans_key": None})
def make_mine(nlp, name, model, incorrect_spans_key):
    return Mine(nlp.vocab, model, name, incorrect_spans_key=incorrect_spans_key)

class Other:
    """No component of spaCy, which has labels and a reader of its own."""
    def __init__(self, name):
        self.name, self.labels = name, ("A", "B")
    def __call__(self, doc):
        return doc

@Language.factory("other")
def make_other(nlp, name):
    return Other(name)

@registry.al_posteriors("own.reader.v1")
def make_reader():
    return read

def read(pipe, docs, temperature):
    import numpy
    from spacy_al.posteriors.category import Categories
    return [Categories(pipe.labels, numpy.array([0.25, 0.75]), True) for _ in docs]
'''


@pytest.fixture(autouse=True)
def factories():
    known = dict(FACTORIES)
    yield
    FACTORIES.clear()
    FACTORIES.update(known)


def gold(vocab, text):
    words = text.split()
    doc = Doc(vocab, words=words)
    for first in range(len(words) - 1):
        if words[first + 1] in ("Ltd", "Inc"):
            doc.ents = [Span(doc, first, first + 2, label="ORG")]
    return doc


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A pipeline whose recogniser knows all there is to know."""
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("ner", config={"incorrect_spans_key": INCORRECT})
    examples = [Example(nlp.make_doc(text), gold(nlp.vocab, text)) for text in TEXTS]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(40):
        nlp.update(examples, sgd=optimizer)
    path = tmp_path_factory.mktemp("trained") / "model"
    nlp.to_disk(path)
    assert [ent.text for ent in nlp(TEXTS[0]).ents] == ["Gamma Ltd"]
    return path


def sourced(folder, trained, **more):
    """A config whose recogniser is taken from a pipeline, as people write it."""
    config = Config().from_disk(CONFIG, interpolate=False)
    config["components"] = {"ner": {"source": str(trained), **more}}
    config["nlp"]["pipeline"] = ["ner"]
    path = folder / "sourced.cfg"
    config.to_disk(path)
    return path


def corpora(folder):
    vocab = spacy.blank("en").vocab
    for name, texts in {"train": TEXTS[:1], "dev": TEXTS[1:2], "pool": TEXTS[2:]}.items():
        DocBin(docs=[gold(vocab, text) for text in texts]).to_disk(folder / f"{name}.spacy")
    paths = {f"paths.{name}": str(folder / f"{name}.spacy") for name in ("train", "dev", "pool")}
    return {**paths, "paths.test": None, "al.output": str(folder / "al"), "al.labels": ["ORG"]}


def test_a_sourced_component_is_what_it_is_there(tmp_path, trained):
    path = sourced(tmp_path, trained)
    settings = read_settings(path)
    assert (settings.component, settings.factory) == ("ner", "ner")
    assert settings.source == str(trained) and learners_for(settings) == ("scratch",)
    assert taught(path, {}, None) == ("ner", "ner")
    # under another name
    config = Config().from_disk(path, interpolate=False)
    config["components"] = {"find": {"source": str(trained), "component": "ner"}}
    assert component_blocks(config)["find"]["factory"] == "ner"
    config["components"]["find"]["component"] = "nerr"
    with pytest.raises(AlError, match=r"AL085.*no component 'nerr'"):
        component_blocks(config)
    with pytest.raises(AlError, match="AL085"):
        component_blocks({"components": {"ner": {"source": str(tmp_path / "none")}}})
    assert training_budget(Config().from_disk(path, interpolate=False), 100)["max_steps"]


def test_init_fills_it(tmp_path, trained):
    path = sourced(tmp_path, trained)
    config = Config().from_disk(path, interpolate=False)
    del config["al"]
    config.to_disk(path)
    assert "al" in init(path)
    settings = read_settings(path)
    assert settings.component == "ner" and settings.output == Path("training/sourced")
    # another config in the same folder is another run
    init(tmp_path / "second.cfg")
    assert read_settings(tmp_path / "second.cfg").output == Path("training/second")
    # one that was begun without saying where stays where it is
    (tmp_path / "old.cfg").write_text(path.read_text("utf8").replace("output = ", "# "), "utf8")
    init(tmp_path / "old.cfg")
    assert read_settings(tmp_path / "old.cfg").output == Path("training/al")


@pytest.mark.slow
def test_the_loop_starts_from_the_trained_component(tmp_path, trained):
    over = corpora(tmp_path)
    path = sourced(tmp_path, trained)
    project = open_project(path, {**over, "training.max_steps": 1, "al.batch_size": 1})
    # the score of one who knows all of it stops the loop
    assert "1.000" in run(project).sentence
    model = project.folder(0) / "model-best"
    # one step from scratch would know nothing
    nlp = spacy.load(model)
    assert [[ent.text for ent in nlp(text).ents] for text in TEXTS[2:]] == [
        ["Gamma Ltd"],
        ["Delta Inc"],
    ]
    # with nothing to train on it asks first
    cold = open_project(path, {**over, "paths.train": None, "al.output": str(tmp_path / "new")})
    assert run(cold).state == "waiting"
    with Store(cold.database) as store:
        (first, *_) = [stored.task for stored in store.tasks()]
    assert first["meta"]["model"] == "model" and first["spans"][0]["label"] == "ORG"


def test_what_a_sourced_component_cannot_do_is_said(tmp_path, trained):
    docs = [gold(spacy.blank("en").vocab, TEXTS[0])]
    docs[0].spans[INCORRECT] = [Span(docs[0], 2, 3, label="ORG")]
    DocBin(docs=docs).to_disk(tmp_path / "train.spacy")
    corpus = tmp_path / "train.spacy"
    path = sourced(tmp_path, trained)
    # it reads rejected entities where they are
    write_config(path, {}, corpus, corpus, tmp_path, n_words=10)
    plain = spacy.blank("en")
    plain.add_pipe("ner")
    plain.initialize(lambda: [Example(plain.make_doc(TEXTS[0]), gold(plain.vocab, TEXTS[0]))])
    plain.to_disk(tmp_path / "plain")
    path = sourced(tmp_path, tmp_path / "plain")
    with pytest.raises(AlError, match=r"AL132.*'ner'.*sourced"):
        write_config(path, {}, corpus, corpus, tmp_path, n_words=10)
    learner = Learner("encoder", EncoderBlock("any"))
    with pytest.raises(AlError, match="AL310"):
        write_config(
            path, {}, corpus, corpus, tmp_path, n_words=10, learner=learner, component="ner"
        )


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    path = tmp_path_factory.mktemp("code") / "own.py"
    path.write_text(OWN, "utf8")
    load_code(path)
    return path


def test_a_factory_of_ones_own(tmp_path, code):
    """Its component is an entity recogniser, and is read, asked about and taught as one."""
    nlp = spacy.blank("en")
    nlp.add_pipe("mine")
    nlp.initialize(lambda: [Example(nlp.make_doc(TEXTS[0]), gold(nlp.vocab, TEXTS[0]))])
    (posterior,) = get_posteriors(nlp, [nlp.make_doc(TEXTS[0])])
    assert posterior.labels == ("ORG",) and FACTORIES["mine"].reader == "spacy-al.ner.v1"
    nlp.to_disk(tmp_path / "model")
    FACTORIES.pop("mine")
    assert open_component(str(tmp_path / "model")).factory == "mine"
    # in a config, before there is a component
    FACTORIES.pop("mine")
    config = Config().from_disk(CONFIG, interpolate=False)
    config["components"] = {"found": {"factory": "mine"}}
    config["nlp"]["pipeline"] = ["found"]
    del config["al"]
    config.to_disk(tmp_path / "own.cfg")
    result = CliRunner().invoke(app, ["init", str(tmp_path / "own.cfg"), "--code", str(code)])
    assert result.exit_code == 0, result.output
    project = open_project(tmp_path / "own.cfg", corpora(tmp_path), code=code)
    assert project.kind == "entities" and project.settings.component == "found"
    write_config(
        project.config, {}, tmp_path / "train.spacy", tmp_path / "dev.spacy", tmp_path, n_words=9
    )


def test_a_reader_that_is_named_is_followed(tmp_path, code):
    nlp = spacy.blank("en")
    nlp.add_pipe("other")
    with pytest.raises(AlError, match="AL002"):
        get_posteriors(nlp, [nlp.make_doc("a")], "other")
    nlp.to_disk(tmp_path / "model")
    block = {"@al_posteriors": "own.reader.v1"}
    component = open_component(str(tmp_path / "model"), "other", posterior=block)
    (posterior,) = component.posteriors([component.nlp.make_doc("a b")])
    assert posterior.probs.tolist() == [0.25, 0.75] and component.labels == ("A", "B")
    assert not component.calibrated
    scorer = Scorer(Job(str(tmp_path / "model"), "other", {"posterior": block}))
    assert scorer.score([scorer.nlp.make_doc("a b")])[0] > 0
    DocBin(docs=[nlp.make_doc(text) for text in TEXTS]).to_disk(tmp_path / "pool.spacy")
    (tmp_path / "c.cfg").write_text(
        '[nlp]\nlang = "en"\n[al]\ncomponent = "other"\n[al.posterior]\n@al_posteriors = "own.reader.v1"\n'
    )
    line = ["select", str(tmp_path / "pool.spacy"), "-m", str(tmp_path / "model"), "-n", "1"]
    line += ["--config", str(tmp_path / "c.cfg"), "--code", str(code), "-o"]
    result = CliRunner().invoke(app, [*line, str(tmp_path / "out.jsonl")])
    assert result.exit_code == 0, result.output
    task = json.loads((tmp_path / "out.jsonl").read_text("utf8"))
    assert [option["id"] for option in task["options"]] == ["A", "B"]


def test_no_pipeline_is_made_for_what_comes_with_spacy(monkeypatch):
    """Its tokeniser took most of the time in which a config is read."""
    monkeypatch.setattr(spacy, "blank", lambda lang: pytest.fail("it made a pipeline"))
    component_blocks({"nlp": {"lang": "en"}, "components": {"tok2vec": {"factory": "tok2vec"}}})


def test_a_package_whose_name_begins_like_spacys_is_ones_own(tmp_path, monkeypatch):
    (tmp_path / "spacy_hospital.py").write_text(
        OWN.split("class Other")[0].replace('"mine"', '"hospital"')
    )
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("spacy_hospital")
    component_blocks({"nlp": {"lang": "en"}, "components": {"n": {"factory": "hospital"}}})
    assert FACTORIES["hospital"].task == FACTORIES["ner"].task

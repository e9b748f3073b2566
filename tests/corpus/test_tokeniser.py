"""Questions are cut by the config's own tokeniser from the first one on, as training will cut them."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import spacy
from confection import Config
from spacy.tokens import DocBin, Span
from spacy.training.initialize import init_nlp
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.config.project import open_project
from spacy_al.config.settings import read_settings, read_tokeniser
from spacy_al.corpus.tokeniser import blank_pipeline
from spacy_al.errors import AlError, UsageError
from spacy_al.loop.rounds import run
from spacy_al.posteriors.component import load_code
from spacy_al.recipe import start_in
from spacy_al.store.store import Store

CONFIG = Path(__file__).parents[2] / "configs" / "ner.cfg"
TEXTS = ["Dose was 5mg/day, don't stop.", "Gamma Ltd. owes 10mg/ml, isn't paid.", "So it's over."]
CODE = """
import re
import spacy
from spacy.language import Language
from spacy.tokens import Doc

class Slashes:
    def __init__(self, vocab):
        self.vocab = vocab
    def __call__(self, text):
        words = re.findall(r"[^\\s/]+|/", text)
        spaces, at = [], 0
        for word in words:
            at = text.index(word, at) + len(word)
            spaces.append(text[at:at + 1] == " ")
        return Doc(self.vocab, words=words, spaces=spaces)
    def to_bytes(self, **kwargs):
        return b""
    def from_bytes(self, data, **kwargs):
        return self
    def to_disk(self, path, **kwargs):
        return None
    def from_disk(self, path, **kwargs):
        return self

@spacy.registry.tokenizers("own.slashes.v1")
def slashes():
    return lambda nlp: Slashes(nlp.vocab)

def one_word(nlp):
    nlp.tokenizer.add_special_case("don't", [{"ORTH": "don't"}])
    nlp.tokenizer.add_special_case("isn't", [{"ORTH": "isn't"}])
    return nlp

@spacy.registry.callbacks("own.one_word.v1")
def make_one_word():
    return one_word

@spacy.registry.callbacks("own.with_component.v1")
def with_component():
    def change(nlp):
        assert nlp.get_pipe("ner")
        return one_word(nlp)
    return change

@spacy.registry.callbacks("own.trained.v1")
def trained():
    def change(nlp):
        assert nlp.get_pipe("ner").model.has_dim("nO")
    return change

@spacy.registry.callbacks("own.broken.v1")
def broken():
    def change(nlp):
        raise RuntimeError("no such thing")
    return change
"""
OWN = {
    "tokenizer": {"nlp.tokenizer": {"@tokenizers": "own.slashes.v1"}},
    "after_creation": {"nlp.after_creation": {"@callbacks": "own.one_word.v1"}},
    "before_init": {"initialize.before_init": {"@callbacks": "own.one_word.v1"}},
    "after_init": {"initialize.after_init": {"@callbacks": "own.one_word.v1"}},
    "looks for components": {
        "initialize.before_init": {"@callbacks": "own.with_component.v1"},
        "initialize.after_init": {"@callbacks": "own.trained.v1"},
    },
    "from a model": {
        "initialize.before_init": {
            "@callbacks": "spacy.copy_from_base_model.v1",
            "tokenizer": "MODEL",
        }
    },
}


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    path = tmp_path_factory.mktemp("code") / "own.py"
    path.write_text(CODE, "utf8")
    load_code(path)
    return path


@pytest.fixture
def write(tmp_path, code):
    """Writes a config with some blocks of its own."""

    def make(changes):
        base = spacy.blank("en")
        tokenizer: Any = base.tokenizer
        tokenizer.add_special_case("don't", [{"ORTH": "don't"}])
        base.to_disk(tmp_path / "base")
        config = Config().from_disk(CONFIG, interpolate=False)
        for name, block in changes.items():
            section, key = name.split(".")
            filled = json.loads(json.dumps(block).replace("MODEL", str(tmp_path / "base")))
            config.setdefault(section, {})[key] = filled
        path = tmp_path / "own.cfg"
        config.to_disk(path)
        docs = [spacy.blank("en")(text) for text in TEXTS]
        docs[0].ents = [Span(docs[0], 0, 1, label="ORG")]
        for name in ("train", "dev"):
            DocBin(docs=docs[:1]).to_disk(tmp_path / f"{name}.spacy")
        DocBin(docs=docs).to_disk(tmp_path / "pool.spacy")
        return path

    return make


def words(nlp):
    return [[token.text for token in nlp.make_doc(text)] for text in TEXTS]


def trained_words(path, tmp_path):
    """As training itself cuts texts."""
    config = spacy.util.load_config(
        path,
        overrides={f"paths.{name}": str(tmp_path / f"{name}.spacy") for name in ("train", "dev")},
    )
    return words(init_nlp(config))


@pytest.mark.parametrize("changes", OWN.values(), ids=OWN)
def test_it_is_the_one_that_training_makes(write, tmp_path, changes):
    path = write(changes)
    settings = read_settings(path)
    found = words(blank_pipeline(settings.lang, settings.tokeniser))
    assert found != words(spacy.blank("en"))
    assert not blank_pipeline(settings.lang, settings.tokeniser).component_names
    if "initialize.after_init" in changes and len(changes) > 1:
        return  # needs labels of its own to be trained
    assert found == trained_words(path, tmp_path)


@pytest.mark.parametrize("changes", [OWN["tokenizer"], OWN["after_creation"]])
def test_the_first_questions_of_all_who_ask(write, tmp_path, code, changes):
    path, pool = write(changes), tmp_path / "pool.spacy"
    nlp = blank_pipeline("en", read_tokeniser(path))
    right = {text: [token.text for token in nlp.make_doc(text)] for text in TEXTS}
    over = {
        "paths.train": None,
        "paths.dev": str(tmp_path / "dev.spacy"),
        "paths.test": None,
        "paths.pool": str(pool),
        "al.output": str(tmp_path / "al"),
        "al.labels": ["ORG"],
    }

    def check(tasks):
        assert tasks
        for task in tasks:
            assert [token["text"] for token in task["tokens"]] == right[task["text"]]

    out = tmp_path / "batch.jsonl"
    line = ["select", str(pool), "--cold", "--config", str(path), "--code", str(code), "-o"]
    assert not CliRunner().invoke(app, [*line, str(out), "-q", "--paths.test", "null"]).exit_code
    check([json.loads(task) for task in out.read_text("utf8").splitlines()])
    # another language than the config's is one without the config's tokeniser
    assert not CliRunner().invoke(app, [*line, str(out), "-q", "--lang", "de"]).exit_code
    tasks = [json.loads(task) for task in out.read_text("utf8").splitlines()]
    german = spacy.blank("de")
    for task in tasks:
        assert [token["text"] for token in task["tokens"]] == [
            token.text for token in german.make_doc(task["text"])
        ]
    project = open_project(path, over, code=code)
    assert run(project).state == "waiting"
    with Store(project.database) as store:
        check([stored.task for stored in store.tasks()])
    shutil.rmtree(project.output)
    check([next(iter(start_in(project, "ner_correct")["stream"]))])


def test_ingest_splits_by_it(write, tmp_path, code):
    path = write(OWN["tokenizer"])
    (tmp_path / "texts.txt").write_text(TEXTS[0], "utf8")
    line = ["ingest", str(tmp_path / "texts.txt"), str(tmp_path / "made"), "--config", str(path)]
    result = CliRunner().invoke(app, [*line, "--code", str(code)])
    assert not result.exit_code, result.output
    (doc,) = DocBin().from_disk(tmp_path / "made" / "00000.spacy").get_docs(spacy.blank("en").vocab)
    assert "5mg/day," not in doc.text.split("/") and "/" in [token.text for token in doc]
    assert [token.text for token in doc][2:5] == ["5mg", "/", "day,"]


def test_a_function_that_fails_is_named(write, tmp_path):
    path = write({"initialize.before_init": {"@callbacks": "own.broken.v1"}})
    with pytest.raises(AlError, match=r"AL062.*RuntimeError: no such thing"):
        blank_pipeline("en", read_tokeniser(path))
    path = write({"nlp.after_creation": {"@callbacks": "own.unknown.v1"}})
    with pytest.raises(AlError, match=r"AL062.*--code"):
        blank_pipeline("en", read_tokeniser(path))


@pytest.mark.parametrize("lang", ["km", "th"])
def test_a_language_without_a_tokeniser(lang, monkeypatch):
    # that of Thai is a package of its own, which may be installed
    monkeypatch.setitem(sys.modules, "pythainlp.tokenize", None)
    with pytest.raises(UsageError, match=rf"AL054.*'{lang}'.*[^.]\. Install what it wants"):
        blank_pipeline(lang)

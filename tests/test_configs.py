"""Every config that ships is whole, is read strictly, trains, and lets texts be chosen."""

from pathlib import Path

import pytest
import spacy
from spacy.cli.debug_config import debug_config
from spacy.tokens import Doc, DocBin
from spacy.util import load_config, load_model_from_config

from spacy_al.posteriors.read import READERS
from spacy_al.settings import read_settings, resolve
from spacy_al.suggest import FORMS

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "configs"
NAMES = ["ner", "spancat", "tagger", "textcat", "textcat_multilabel"]
SHIPPED = [name for name in NAMES if name != "tagger"]


@pytest.fixture
def at_root(monkeypatch):
    # paths in a config start at the working directory
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="session")
def tagged(tmp_path_factory):
    """A corpus whose tags are a rule, so that a tagger has something to learn."""
    folder = tmp_path_factory.mktemp("tagged")
    nlp = spacy.blank("en")
    for name, lot in (("seed", "seed"), ("dev", "dev")):
        docs = []
        for doc in DocBin().from_disk(ROOT / "corpus" / f"{lot}.spacy").get_docs(nlp.vocab):
            words, spaces = zip(*((token.text, bool(token.whitespace_)) for token in doc))
            docs.append(Doc(nlp.vocab, words, spaces, tags=[tag_of(token) for token in doc]))
        DocBin(attrs=["TAG"], docs=docs[:100]).to_disk(folder / f"{name}.spacy")
    return {"paths.train": str(folder / "seed.spacy"), "paths.dev": str(folder / "dev.spacy")}


def tag_of(token):
    if token.is_space or token.is_punct:
        return "PUNCT"
    if token.like_num:
        return "NUM"
    return "NAME" if token.is_title and token.i else "WORD"


def test_all_of_them_are_tested():
    assert sorted(path.stem for path in CONFIGS.glob("*.cfg")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_al_section_is_read_strictly(name):
    settings = read_settings(CONFIGS / f"{name}.cfg")
    assert settings.component == settings.factory == name
    assert set(settings.blocks) >= {"posterior", "acquisition", "sampler", "stopper"}
    assert settings.blocks["posterior"]["@al_posteriors"] == READERS[name]
    stop, reason = resolve(settings.blocks["stopper"])([])
    assert not stop and "target" in reason and "budget" in reason and "settled" in reason


@pytest.mark.parametrize("name", SHIPPED)
def test_its_paths_exist(name, at_root):
    settings = read_settings(CONFIGS / f"{name}.cfg")
    paths = (settings.train, settings.dev, settings.test, settings.pool)
    assert all(path is not None and path.is_file() for path in paths)


def test_outputs_are_apart():
    assert len({read_settings(CONFIGS / f"{name}.cfg").output for name in NAMES}) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_to_fill_in(name):
    filled = load_model_from_config(load_config(CONFIGS / f"{name}.cfg"), auto_fill=True).config
    config = load_config(CONFIGS / f"{name}.cfg")
    # spaCy would write out defaults of spacy-al's functions, too
    assert {**filled, "al": None} == {**config, "al": None}


@pytest.mark.parametrize("name", NAMES)
def test_debug_config_passes(name, at_root, tagged, capsys):
    debug_config(CONFIGS / f"{name}.cfg", overrides=tagged if name == "tagger" else {})
    assert "Config validation error" not in capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_they_differ_where_they_must(name):
    ours, ner = (load_config(CONFIGS / f"{file}.cfg") for file in (name, "ner"))
    for config, component in ((ours, name), (ner, "ner")):
        # what is of the component, its corpus and its scores
        del config["components"][component], config["paths"], config["training"]["score_weights"]
        assert config["nlp"].pop("pipeline") == ["tok2vec", component]
        assert config["al"].pop("component") == component
        del config["al"]["output"], config["al"]["posterior"], config["al"]["acquisition"]
        settled = config["al"]["stopper"]["stoppers"]["settled"]["stoppers"]
        del settled["stable"]["threshold"]
        config["al"].get("oracle", {}).pop("boundary", None)
    assert ours == ner


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_it_trains_and_texts_are_chosen(name, at_root, tagged, tmp_path):
    from spacy.cli.train import train

    from spacy_al.select import select

    overrides = {"training.max_steps": 8, "training.eval_frequency": 4}
    overrides |= {"corpora.dev.limit": 20}
    overrides |= tagged if name == "tagger" else {}
    train(CONFIGS / f"{name}.cfg", tmp_path, overrides=overrides)
    pool = tmp_path / "pool.spacy"
    nlp = spacy.blank("en")
    docs = DocBin().from_disk(ROOT / "corpus" / "pool.spacy").get_docs(nlp.vocab)
    DocBin(docs=[doc for doc, _ in zip(docs, range(60))]).to_disk(pool)
    settings = read_settings(CONFIGS / f"{name}.cfg", overrides)
    selection = select(pool, n=5, model=str(tmp_path / "model-best"), settings=settings)
    assert len(selection.tasks) == 5
    assert {task["_view_id"] for task in selection.tasks} == {FORMS[name][1]}

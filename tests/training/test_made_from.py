"""What was made is used again for the same alone: each input of a model, of a committee's members and of pretrained weights changed once."""

import json
import shutil
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_al.training.made_from import FILE, changed_since, hash_of, inputs, made_by, sign
from spacy_al.training.trainer import train

CONFIG = """
[paths]
train = "{folder}/train.spacy"
dev = "{folder}/dev.spacy"
pool = "somewhere"

[system]
seed = 3

[nlp]
lang = "en"

[corpora]

[corpora.train]
path = ${{paths.train}}

[corpora.dev]
path = ${{paths.dev}}

[training]
dropout = 0.1
logger = "en"

[components]

[components.ner]
source = "{folder}/before"
cache = "{folder}/cache"

[components.parser]
source = "xx_base"

[components.tok2vec]
encoder = "xx_encoder"

[initialize]
vectors = "{folder}/vectors"
init_tok2vec = "{folder}/pretrained.bin"

[initialize.before_init]
vocab = "xx_base"

[al]
batch_size = 5

[al.pool]
path = ${{paths.pool}}
"""


def touch(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf8")


def edit(path, old, new):
    text = path.read_text("utf8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf8")


def install(site, name, version="1.0.0"):
    """A pipeline as a package, as `spacy package` and pip leave it."""
    lang, short = name.split("_")
    package, meta = site / name, {"lang": lang, "name": short, "version": version}
    touch(package / "__init__.py", "")
    for folder in (package, package / f"{name}-{version}"):
        touch(folder / "meta.json", json.dumps(meta))
    touch(package / f"{name}-{version}" / "config.cfg", "")
    touch(package / f"{name}-{version}" / "parser" / "model", "weights")
    touch(site / f"{name}-{version}.dist-info" / "METADATA", f"Name: {name}\nVersion: {version}\n")


def upgrade(site, name, version):
    """Another version of a package whose weights are the same."""
    shutil.rmtree(site / name)
    shutil.rmtree(next(site.glob(f"{name}-*.dist-info")))
    install(site, name, version)


FILES = ("train.spacy", "dev.spacy", "before/ner/model", "code.py", "model/weights")
BASE = "xx_base/xx_base-1.0.0/parser/model"


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A folder in which something was made of all kinds of inputs, and its files."""
    for name in (*FILES, "vectors/vocab/vectors", "pretrained.bin"):
        touch(tmp_path / name, name)
    for name in ("xx_base", "xx_encoder"):
        install(tmp_path / "site", name)
    monkeypatch.syspath_prepend(tmp_path / "site")
    # the package counts, and not what happens to lie here
    monkeypatch.chdir(tmp_path)
    touch(tmp_path / "xx_base" / "file", "")
    touch(tmp_path / "config.cfg", CONFIG.format(folder=tmp_path))
    sign(tmp_path, found(tmp_path), tmp_path / "model")
    return tmp_path


def found(folder):
    return inputs(folder / "config.cfg", folder / "code.py")


@pytest.mark.parametrize(
    "change, named",
    [
        (lambda f: touch(f / "train.spacy", "other"), ["corpora.train.path"]),
        (lambda f: touch(f / "dev.spacy", "other"), ["corpora.dev.path"]),
        (lambda f: (f / "dev.spacy").unlink(), ["corpora.dev.path"]),
        (lambda f: touch(f / "before" / "ner" / "model", "other"), ["components.ner.source"]),
        (lambda f: touch(f / "before" / "meta.json", "{}"), ["components.ner.source"]),
        (
            lambda f: touch(f / "site" / BASE, "other"),
            ["components.parser.source", "initialize.before_init.vocab"],
        ),
        (
            lambda f: upgrade(f / "site", "xx_base", "1.0.1"),
            ["components.parser.source", "initialize.before_init.vocab"],
        ),
        (lambda f: upgrade(f / "site", "xx_encoder", "2.0.0"), ["components.tok2vec.encoder"]),
        (
            lambda f: touch(f / "vectors" / "vocab" / "vectors", "other"),
            ["initialize.vectors"],
        ),
        (lambda f: touch(f / "pretrained.bin", "other"), ["initialize.init_tok2vec"]),
        (lambda f: touch(f / "code.py", "other"), ["code"]),
        (lambda f: edit(f / "config.cfg", "seed = 3", "seed = 4"), ["system.seed"]),
        (lambda f: edit(f / "config.cfg", "dropout = 0.1", ""), ["training.dropout"]),
        (lambda f: touch(f / "model" / "weights", "damaged"), ["the model itself"]),
        (lambda f: touch(f / "model" / "more", ""), ["the model itself"]),
        (lambda f: touch(f / FILE, "{"), [FILE]),
    ],
)
def test_each_input_counts(made, change, named):
    assert changed_since(made, found(made), made / "model") == []
    change(made)
    assert changed_since(made, found(made), made / "model") == named


def test_what_does_not_make_a_model_does_not_count(made):
    edit(made / "config.cfg", "batch_size = 5", "batch_size = 50")
    edit(made / "config.cfg", '"somewhere"', '"elsewhere"')
    # a folder that happens to be called like a value, encodings that were added, a temperature that was fitted
    touch(made / "cache" / "new", "")
    touch(made / "model" / "al_calibration.json", "{}")
    touch(made / "xx_base" / "file", "other")
    assert changed_since(made, found(made), made / "model") == []
    (made / FILE).unlink()
    # an earlier version did not keep it
    assert changed_since(made, {"all": "other"}, made / "model") == []


def test_a_value_is_no_path(made, monkeypatch):
    monkeypatch.chdir(made)
    before = found(made)
    touch(made / "en" / "file", "")
    assert found(made) == before and before["nlp.lang"] == "en"


def test_the_same_content_elsewhere_is_the_same(made, tmp_path_factory):
    other = tmp_path_factory.mktemp("moved") / "run"
    shutil.copytree(made, other)
    touch(other / "config.cfg", CONFIG.format(folder=other))
    assert changed_since(other, found(other), other / "model") == []
    assert hash_of(other / "model") == hash_of(made / "model") != hash_of(made / "before")
    assert hash_of(made / "nothing") is None


@pytest.mark.slow
def test_a_model_of_another_corpus_is_made_again(tmp_path):
    """As when a store was restored from a backup, and the round's corpus was written anew beside the old model."""
    nlp = spacy.blank("en")
    docs = []
    for name in ("Anna", "Bob") * 4:
        doc = nlp.make_doc(f"{name} sleeps")
        doc.set_ents([doc.char_span(0, len(name), label="PERSON")])
        docs.append(doc)
    for name, chosen in (("train", docs), ("dev", docs[:2])):
        DocBin(docs=chosen).to_disk(tmp_path / f"{name}.spacy")
    config = nlp.config.copy()
    nlp.add_pipe(
        "ner",
        config={
            "model": {
                "tok2vec": {
                    "@architectures": "spacy.HashEmbedCNN.v2",
                    "width": 8,
                    "depth": 1,
                    "embed_size": 50,
                    "window_size": 1,
                    "maxout_pieces": 1,
                    "subword_features": False,
                    "pretrained_vectors": None,
                }
            }
        },
    )
    config = nlp.config.interpolate()
    config["paths"] |= {"train": str(tmp_path / "train.spacy"), "dev": str(tmp_path / "dev.spacy")}
    for name in ("train", "dev"):
        config["corpora"][name]["path"] = str(tmp_path / f"{name}.spacy")
    config["training"] |= {"max_steps": 4, "eval_frequency": 2}
    config.to_disk(tmp_path / "config.cfg")
    said: list[str] = []
    first = train(tmp_path, show=said.append)
    assert json.loads((tmp_path / FILE).read_text("utf8"))["training.max_steps"] == 4
    assert train(tmp_path, show=said.append) == first
    DocBin(docs=docs[:5]).to_disk(tmp_path / "train.spacy")
    assert not any("made again" in line for line in said)
    second = train(tmp_path, show=said.append)
    assert second.hash != first.hash
    (line,) = [line for line in said if "made again" in line]
    assert line.endswith("corpora.train.path") and str(Path("model-best")) in line
    # whatever somebody did to its files
    (second.model / "ner" / "model").write_bytes(b"torn")
    assert train(tmp_path, show=said.append).hash == second.hash
    assert said[-1] != line and sum("made again" in line for line in said) == 2


def test_a_model_says_what_made_it_and_a_new_version_is_no_reason_to_make_it_again(tmp_path):
    folder = tmp_path / "round-000"
    touch(folder / "config.cfg", '[nlp]\nlang = "en"\n')
    touch(folder / "model-best" / "meta.json", "{}")
    assert made_by(folder) == {}
    made_from = inputs(folder / "config.cfg")
    sign(folder, made_from, folder / "model-best")
    made = made_by(folder)
    assert set(made) == {"Python", "spacy", "spacy-al", "thinc", "numpy"}
    assert made["spacy"] == spacy.__version__
    edit(folder / FILE, made["spacy"], "3.0.0")
    assert changed_since(folder, made_from, folder / "model-best") == []
    for damaged in ("[]", "7", '{"versions": 3}', "{"):
        (folder / FILE).write_text(damaged)
        assert made_by(folder) == {}
        assert changed_since(folder, made_from, folder / "model-best")

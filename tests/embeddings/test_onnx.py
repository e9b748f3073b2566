"""Encoders on ONNX Runtime, against torch and against obvious code, on a tiny random transformer that is exported here."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy
import pytest
import spacy
from numpy.testing import assert_allclose, assert_array_equal
from spacy.tokens import Span
from typer.testing import CliRunner

from spacy_al.cli.app import app
from spacy_al.config.learner import EncoderBlock, Learner
from spacy_al.corpus.shard import write_shard
from spacy_al.embeddings.cache import open_cache
from spacy_al.embeddings.encode import encode_docs
from spacy_al.embeddings.encode_pool import encode_pool
from spacy_al.embeddings.encoder import (
    EncoderSettings,
    Encoding,
    find_model,
    hash_files,
    open_encoder,
)
from spacy_al.embeddings.onnx_export import Exported, compare_encodings
from spacy_al.errors import AlError, AlWarning, UsageError
from spacy_al.training.needs import needs_torch
from spacy_al.training.round_config import write_config
from tests.embeddings.test_encoder import TEXTS
from tests.helpers.encoders import save_tiny_bert

NEEDED = ("torch", "transformers", "onnx", "onnxruntime", "onnxscript")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.transformers,
    pytest.mark.skipif(
        not all(importlib.util.find_spec(name) for name in NEEDED),
        reason="an extra is not installed",
    ),
]
ROOT = Path(__file__).parents[2]
NLP = spacy.blank("en")
SHORT = {"training.max_steps": 10, "training.eval_frequency": 5, "training.patience": 0}


def make_docs(texts=TEXTS):
    return [NLP.make_doc(text) for text in texts]


def settings(folder, layers=None, **how):
    return EncoderSettings(str(folder), layers, **{"window": 16, "stride": 11, **how})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a model of torch, `bert`, and what the command makes of it: `float32`, and `int8` of other layers."""
    folder = tmp_path_factory.mktemp("onnx")
    bert = save_tiny_bert(folder / "bert", width=32)
    found = export(bert, "-o", folder / "float32", "--float32")
    assert found.exit_code == 0 and "what torch says: 1.0000 of " in found.output, found.output
    pool = write_shard(make_docs(["the patient took two", "not two"]), folder / "pool.spacy")
    found = export(bert, "-o", folder / "int8", "--layers", "3,0", "--check", pool)
    assert found.exit_code == 0 and "of 6 tokens" in found.output, found.output
    assert "of 2 texts" in found.output and "layers 0, 3." in found.output
    return folder


def export(*words):
    found = CliRunner().invoke(app, ["export-encoder", *map(str, words)])
    assert isinstance(found.exception, SystemExit | None), found.exception
    return found


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_float32_says_what_torch_says(made, pooling):
    torch = open_encoder(settings(made / "bert", pooling=pooling, batch_tokens=90))
    onnx = open_encoder(settings(made / "float32", pooling=pooling, batch_tokens=90))
    assert (onnx.window, onnx.stride, onnx.layers) == (16, 11, (1, 2, 3))
    docs = make_docs()
    for doc, a, b in zip(docs, torch.encode(docs), onnx.encode(docs)):
        assert b.tokens.shape == (len(doc), 32) and b.tokens.dtype == numpy.float32
        assert_allclose(b.text, a.text, atol=1e-5)
        assert_allclose(b.tokens, a.tokens, atol=1e-5)
        assert b.text.any() == bool(doc.text.strip())


def test_integers_are_close_and_do_not_depend_on_the_other_texts(made):
    torch = open_encoder(settings(made / "bert", (0, 3)))
    onnx = open_encoder(settings(made / "int8"))
    assert onnx.layers == (0, 3)
    docs = make_docs()
    together = onnx.encode(docs)
    wanted = torch.encode(docs)
    for doc, b in zip(docs, together):
        (alone,) = onnx.encode([doc])
        assert_array_equal(alone.tokens, b.tokens)
        assert_array_equal(alone.text, b.text)
    _, texts, tokens = compare_encodings(wanted, together)
    # not the same as torch's: something was rounded
    assert 0.97 < tokens < 0.9999 and 0.97 < texts < 0.9999


def test_mean_cosines_are_of_what_says_something():
    def encoding(*rows):
        return Encoding(numpy.array(rows[0], "f4"), numpy.array(rows, "f4"))

    before = [encoding([1, 0], [0, 1], [0, 0]), encoding([0, 0])]
    after = [encoding([2, 0], [1, 1], [5, 0]), encoding([3, 0])]
    tokens, text_cosine, token_cosine = compare_encodings(before, after)
    assert (tokens, text_cosine) == (2, 1)
    assert token_cosine == pytest.approx((1 + 0.5**0.5) / 2)


def test_no_text_is_cut_and_the_window_is_that_of_torch(made):
    torch, onnx = (open_encoder(EncoderSettings(str(made / name))) for name in ("bert", "float32"))
    # the tokenizers of both were told to cut at 8 pieces, and to pad
    assert (onnx.window, onnx.stride) == (torch.window, torch.stride) == (62, 46)
    docs = make_docs(["the patient took two not " * 100])
    (a,), (b,) = torch.encode(docs), onnx.encode(docs)
    assert len(b.tokens) == 500 and b.tokens.any(axis=1).all()
    assert_allclose(b.tokens, a.tokens, atol=1e-4)


def test_hashes_of_transformers_are_as_ever(made):
    """Caches and trained models hold them."""
    import hashlib

    folder, digest = made / "bert", hashlib.blake2b(digest_size=8)
    files = {*folder.glob("*.json"), *folder.glob("*.safetensors"), *folder.glob("vocab.*")}
    parts = ("transformer", 1, hash_files(files), (1, 2, 3), "mean", 16, 11)
    for part in parts:
        data = repr(part).encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    assert open_encoder(settings(folder)).hash == digest.hexdigest()


def test_the_hash_is_that_of_what_comes_out(made, tmp_path):
    known = open_encoder(settings(made / "float32"))
    shutil.copytree(made / "float32", tmp_path / "elsewhere")
    assert open_encoder(settings(tmp_path / "elsewhere")).hash == known.hash
    others = [
        settings(made / "bert"),
        settings(made / "int8"),
        settings(made / "float32", pooling="cls"),
        settings(made / "float32", window=15),
        settings(made / "float32", stride=12),
    ]
    assert len({known.hash, *(open_encoder(other).hash for other in others)}) == 6
    assert known.about["layers"] == (1, 2, 3) and set(known.about["versions"]) == {
        "onnxruntime",
        "tokenizers",
    }


def test_what_was_exported_says_nothing_of_where(made):
    for name in ("float32", "int8"):
        for path in (made / name).iterdir():
            found = path.read_bytes()
            assert str(made).encode() not in found and b"site-packages" not in found, path


def test_the_cache(made, tmp_path):
    encoder, docs = open_encoder(settings(made / "int8")), make_docs()
    first = encode_docs(encoder, open_cache(tmp_path, encoder), docs)
    encoder.session = None  # nothing is left to encode
    again = encode_docs(encoder, open_cache(tmp_path, encoder), docs)
    for a, b in zip(first, again):
        assert_array_equal(a.tokens, b.tokens)
        assert_array_equal(a.text, b.text)


@pytest.mark.parametrize(
    "layers, right", [(None, True), ((2, 1, -1), True), ((-1,), False), ((1, 2), False)]
)
def test_layers_are_those_of_the_export(made, layers, right):
    if right:
        assert open_encoder(settings(made / "float32", layers)).layers == (1, 2, 3)
        return
    with pytest.raises(UsageError, match=r"AL087.*layers.*1,2,3, all that.*--layers"):
        open_encoder(settings(made / "float32", layers))


def test_one_thread_where_it_is_said(made, monkeypatch):
    def threads(n=None):
        encoder = open_encoder(settings(made / "float32"), n)
        return encoder.session.get_session_options().intra_op_num_threads

    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert (threads(), threads(1)) == (3, 1)
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert threads() == 0


# Graphs of others


@pytest.fixture
def foreign(made, tmp_path):
    """A folder as others publish it: one output, no note on layers."""
    folder = tmp_path / "foreign"
    shutil.copytree(made / "float32", folder)
    (folder / "encoder.json").unlink()
    (folder / "onnx").mkdir()
    (folder / "model.onnx").rename(folder / "onnx" / "model.onnx")
    shutil.copy(made / "bert" / "tokenizer.json", folder)
    shutil.copy(made / "bert" / "tokenizer_config.json", folder)
    return folder


def test_a_foreign_graph_has_its_last_layer(made, foreign):
    torch = open_encoder(EncoderSettings(str(made / "bert"), (-1,)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        onnx = open_encoder(EncoderSettings(str(foreign), (-1,)))
    assert onnx.layers == (3,) and onnx.window == torch.window
    docs = make_docs()
    for a, b in zip(torch.encode(docs), onnx.encode(docs)):
        assert_allclose(b.text, a.text, atol=1e-5)
        assert_allclose(b.tokens, a.tokens, atol=1e-5)
    with pytest.warns(AlWarning, match=r"ALW303.*last layer alone"):
        assert open_encoder(EncoderSettings(str(foreign))).hash == onnx.hash
    with pytest.raises(UsageError, match=r"AL087.*layers is \[1, 2\].*must be 3, all that"):
        open_encoder(EncoderSettings(str(foreign), (1, 2)))


def test_weights_in_a_file_beside_the_graph_count(foreign, tmp_path):
    import onnx

    folder = shutil.copytree(foreign, tmp_path / "apart")
    graph = next(folder.rglob("model.onnx"))
    onnx.save_model(
        onnx.load(graph),
        graph,
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=1024,
    )
    before = open_encoder(settings(folder, (-1,))).hash
    weights = graph.parent / "weights.bin"
    content = bytearray(weights.read_bytes())
    content[0] ^= 1
    weights.write_bytes(content)
    assert open_encoder(settings(folder, (-1,))).hash != before


def test_weights_for_transformers_are_what_a_name_means(made, foreign, monkeypatch):
    """As ever: what was encoded with such a folder stays right."""
    package = foreign.with_name("gt_tiny_onnx")
    package.mkdir()
    foreign.rename(package / "model")
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(package.parent)
    assert find_model("gt-tiny-onnx") == (package / "model", False)
    assert open_encoder(EncoderSettings("gt-tiny-onnx", (-1,))).kind == "onnx"
    shutil.copytree(made / "float32", package / "model" / "more")
    shutil.copy(made / "bert" / "model.safetensors", package / "model")
    assert find_model("gt-tiny-onnx") == (package / "model", False)
    assert open_encoder(EncoderSettings("gt-tiny-onnx")).kind == "transformer"


def damage(folder, name, data):
    path = folder / name
    if callable(data):
        data = data(path.read_bytes())
    path.unlink() if data is None else path.write_bytes(data)


def other_json(**given):
    return lambda old: json.dumps({**json.loads(old), **given}).encode()


@pytest.mark.parametrize(
    "name, data, why",
    [
        ("onnx/model.onnx", b"torn", "AL302"),
        ("onnx/model.onnx", lambda old: old[: len(old) // 2], "AL302"),
        ("tokenizer.json", b"{", "AL302"),
        ("tokenizer.json", None, "AL302.*no tokenizer.json"),
        ("config.json", b"{", "AL302"),
        ("config.json", other_json(vocab_size=20), "AL302.*do not belong together"),
        ("config.json", other_json(num_hidden_layers=None), "AL302.*how many layers"),
        (
            "onnx/model.onnx",
            lambda old: old.replace(b"last_hidden_state", b"pooled_hidden_sta"),
            "AL302.*it gives.*not last_hidden_state",
        ),
        (
            "onnx/model.onnx",
            lambda old: old.replace(b"attention_mask", b"attention_math"),
            "AL302.*wants attention_math",
        ),
    ],
)
def test_damaged_and_foreign_files_are_refused(foreign, name, data, why):
    damage(foreign, name, data)
    with pytest.raises(AlError, match=why):
        open_encoder(EncoderSettings(str(foreign), (-1,)))


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "config.json", "encoder.json"])
def test_files_of_another_export_are_refused(made, tmp_path, name):
    shutil.copytree(made / "float32", tmp_path / "own")
    if name == "encoder.json":
        damage(tmp_path / "own", name, b'{"layers": [1]}')
        why = "encoder.json is damaged"
    else:
        damage(tmp_path / "own", name, lambda old: old + b" ")
        why = f"its {name} is not the one that was exported"
    with pytest.raises(AlError, match=f"AL302.*{why}"):
        open_encoder(settings(tmp_path / "own"))


def test_a_piece_that_the_model_does_not_know(foreign):
    config = json.loads((foreign / "config.json").read_text())
    tokenizer = json.loads((foreign / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"]["strange"] = config["vocab_size"] + 7
    (foreign / "tokenizer.json").write_text(json.dumps(tokenizer))
    (foreign / "config.json").write_text(json.dumps({**config, "vocab_size": None}))
    encoder = open_encoder(EncoderSettings(str(foreign), (-1,)))
    with pytest.raises(AlError, match=r"AL308.*export-encoder"):
        encoder.encode(make_docs(["so strange"]))


@pytest.mark.parametrize("name", ["onnxruntime", "tokenizers"])
def test_a_missing_extra_is_named(made, monkeypatch, name):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n, *rest: None if n == name else find_spec(n, *rest)
    )
    with pytest.raises(AlError, match=rf"AL301.*{name}.*pip install 'spacy-al\[onnx\]'"):
        open_encoder(settings(made / "float32"))


# The command


def test_a_folder_that_is_there_stays(made, tmp_path):
    (tmp_path / "own.txt").write_text("kept")
    found = export(made / "bert", "-o", tmp_path)
    assert found.exit_code == 1 and "AL309" in found.output and "there already" in found.output
    assert [path.name for path in tmp_path.iterdir()] == ["own.txt"]


def test_what_says_something_else_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr("spacy_al.embeddings.onnx_export.LEAST_INT8", 0.9999999)
    bert = save_tiny_bert(tmp_path / "bert", n_layers=1)
    found = export(bert, "-o", tmp_path / "new")
    assert found.exit_code == 1 and "AL309" in found.output and "another thing" in found.output
    assert list(tmp_path.iterdir()) == [bert]


def test_what_is_no_transformer_is_not_exported(made, tmp_path):
    found = export(made / "float32", "-o", tmp_path / "new")
    assert found.exit_code == 1 and "AL309" in found.output
    find_spec = importlib.util.find_spec
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            importlib.util, "find_spec", lambda n, *r: None if n == "onnx" else find_spec(n, *r)
        )
        found = export(made / "bert", "-o", tmp_path / "new")
    assert found.exit_code == 1 and "'spacy-al[onnx-export]'" in found.output
    assert not (tmp_path / "new").exists()


# Without torch

ALONE = """
import sys
from pathlib import Path
for name in ("torch", "transformers"):
    try:
        __import__(name)
        sys.exit(f"{name} is there")
    except ModuleNotFoundError:
        pass
import spacy
from spacy_al.embeddings.encode_pool import encode_pool
from spacy_al.embeddings.encoder import EncoderSettings
from spacy_al.processes.codecs import look_for_codecs_once
from spacy_al.training.trainer import train
if __name__ == "__main__":
    look_for_codecs_once()
    folder, encoder = map(Path, sys.argv[1:])
    nlp = spacy.blank("en")
    settings = EncoderSettings(str(encoder), window=16, stride=12)
    plan = encode_pool(folder / "train.spacy", nlp, settings, folder / "cache", n_process=2)
    train(folder)
    nlp = spacy.load(folder / "model-best")
    print(plan.new_texts, len(nlp("the patient took two")), *nlp.meta["requirements"])
    assert not {"torch", "transformers"} & {*sys.modules}
"""


def test_encodes_trains_and_loads_without_torch(made, tmp_path):
    docs = make_docs(["the patient took two", "not two", "took not the patient"] * 3)
    for doc in docs:
        doc.ents = [Span(doc, 0, 1, "WORD")]
    for part in ("train", "dev"):
        write_shard(docs, tmp_path / f"{part}.spacy")
    encoder = made / "int8"
    block = EncoderBlock(str(encoder), window=16)
    known = open_encoder(block.settings).hash
    block = EncoderBlock(str(encoder), window=16, hash=known)
    write_config(
        ROOT / "configs" / "ner.cfg",
        SHORT,
        tmp_path / "train.spacy",
        tmp_path / "dev.spacy",
        tmp_path,
        n_words=30,
        learner=Learner("encoder", block),
        component="ner",
    )
    assert not needs_torch(tmp_path / "config.cfg")
    script = tmp_path / "alone.py"
    script.write_text(ALONE)
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), str(encoder)],
        capture_output=True,
        text=True,
        env={**os.environ, "SPACY_AL_ENCODINGS": str(tmp_path / "cache")},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    texts, words, *needed = done.stdout.split()
    assert (texts, words) == ("3", "4")
    assert [one.partition(">")[0] for one in needed] == ["spacy-al[onnx]"]
    # the same vectors as in this process
    plan = encode_pool(tmp_path / "train.spacy", NLP, block.settings, tmp_path / "cache")
    assert plan.new_texts == 0


def test_where_nothing_could_be_compared_nothing_is_alike(tmp_path):
    nan = float("nan")
    alike = [
        Exported(tmp_path, (1,), 0, 1, 0, *both).is_alike(0.95)
        for both in ((0.96, 0.95), (0.94, 1.0), (1.0, 0.94), (nan, 1.0), (1.0, nan))
    ]
    assert alike == [True, False, False, False, False]

"""Which trainings need torch; those that do not come to the same bytes without it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
from spacy.util import load_config

from spacy_al.processes.child import run_spacy
from spacy_al.training.needs import needs_torch
from tests.helpers.ner_oracle import make_ner

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / "configs").glob("*.cfg"))

pytestmark = pytest.mark.everything_installed


@pytest.fixture
def written(tmp_path):
    """Writes the config that ships for entities, with other blocks in place of some."""

    def write(blocks):
        made = load_config(ROOT / "configs" / "ner.cfg", interpolate=False)
        for name, value in blocks.items():
            *sections, last = name.split(".")
            block = made
            for section in sections:
                block = block.setdefault(section, {})
            block[last] = value
        made.to_disk(tmp_path / "config.cfg")
        return tmp_path / "config.cfg"

    return write


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_configs_that_ship_do_without(path):
    assert not needs_torch(path)


def test_what_is_left_to_defaults_is_looked_at(written):
    for factory, needs in (("textcat", False), ("nowhere", True)):
        assert needs_torch(written({"components.x": {"factory": factory}})) is needs


def test_an_encoder_needs_torch_in_thinc_if_it_is_in_a_pipeline(written, tmp_path):
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "config.json").write_text("{}")
    (tmp_path / "plain" / "model.safetensors").write_bytes(b"")
    spacy.blank("en").to_disk(tmp_path / "pipeline")
    found = {}
    for name in ("plain", "pipeline", "missing"):
        embed = {
            "@architectures": "spacy-al.encoder_embed.v1",
            "width": 8,
            "encoder": str(tmp_path / name),
        }
        found[name] = needs_torch(written({"components.tok2vec.model.embed": embed}))
    assert found == {"plain": False, "pipeline": True, "missing": True}


@pytest.mark.parametrize(
    "blocks",
    [
        {"components.tok2vec.model.encode.@architectures": "spacy.TorchBiLSTMEncoder.v1"},
        {
            "components.ner.model.tok2vec.@architectures": "spacy-transformers.TransformerListener.v1"
        },
        {"components.x": {"factory": "transformer"}},
        {"components.x": {"factory": "al_scorer"}},
        {"training.logger.@loggers": "spacy.WandbLogger.v5"},
        {"training.before_update": {"@callbacks": "nowhere.v1"}},
        {"training.before_update": {"@nowhere": "nowhere.v1"}},
        {"components.x": {"source": "en_core_web_sm"}},
        {"paths.vectors": "en_core_web_md"},
        {"paths.train": "${nowhere.train}"},
        {"nlp.lang": "nowhere"},
    ],
    ids=str,
)
def test_what_is_not_known_to_do_without_may_need_it(written, blocks):
    assert needs_torch(written(blocks))


@pytest.mark.parametrize(
    "blocks",
    [
        {"training.before_update": {"@callbacks": "spacy-al.checkpoints.v1", "steps": [1]}},
        {"initialize.components": {"ner": {"labels": {"@readers": "spacy.read_labels.v1"}}}},
        {"training.batcher": {"@batchers": "spacy-al.batch_sampled.v1", "rate": 0.1}},
        {"al.embedding": {"@al_embeddings": "spacy-al.pretrained.v1", "encoder": "x"}},
        {"nlp.lang": "de"},
    ],
    ids=str,
)
def test_what_the_loop_writes_needs_none(written, blocks):
    assert not needs_torch(written(blocks))


def test_models_that_components_come_from_are_looked_at(written, tmp_path):
    nlp = make_ner(("DRUG",), shared=True)
    nlp.to_disk(tmp_path / "model")
    sourced = {"components.x": {"source": str(tmp_path / "model")}}
    assert not needs_torch(written(sourced))
    nlp.add_pipe("al_scorer")
    nlp.to_disk(tmp_path / "model")
    assert needs_torch(written(sourced))


def test_what_is_no_config_is_left_to_training(tmp_path):
    assert needs_torch(tmp_path / "nowhere.cfg")
    (tmp_path / "config.cfg").write_text("[nlp\n")
    assert needs_torch(tmp_path / "config.cfg")


CODE = """
import spacy, sys, thinc.compat
print("TORCH", "torch" in sys.modules, thinc.compat.has_torch)
try:
    import torch
except ImportError:
    print("NO TORCH")
else:
    print("IMPORTED", torch.tensor([2]).item())
"""


@pytest.mark.slow
def test_a_training_without_torch_comes_to_the_same(tmp_path):
    pytest.importorskip("torch")
    code = tmp_path / "code.py"
    code.write_text(CODE)
    words = ["train", str(ROOT / "configs" / "ner.cfg"), "--training.max_steps", "12"]
    words += ["--training.eval_frequency", "6", "--code", str(code)]
    for name in ("train", "dev"):
        path = ROOT / "corpus" / f"{'seed' if name == 'train' else name}.spacy"
        words += [f"--paths.{name}", str(path)]
    found = {}
    for torch in (True, False):
        log, output = tmp_path / f"{torch}.log", tmp_path / str(torch)
        assert run_spacy([*words, "--output", str(output)], log, torch=torch) == 0
        # who wants it besides thinc can have it
        assert f"TORCH {torch} {torch}" in log.read_text() and "IMPORTED 2" in log.read_text()
        model = output / "model-best"
        found[torch] = {
            path.relative_to(model): path.read_bytes()
            for path in model.rglob("*")
            if path.is_file() and path.name != "meta.json"
        }
        meta = json.loads((model / "meta.json").read_text())
        meta["performance"].pop("speed", None)
        found[torch]["meta"] = meta
    assert found[True] == found[False]
    done = [
        sys.executable,
        "-c",
        "import spacy, sys; spacy.load(sys.argv[1])",
        str(output / "model-best"),
    ]
    subprocess.run(done, check=True, env={**os.environ, "PYTHONPATH": ""})
    assert "spacy_al" not in spacy.util.load_config(output / "model-best" / "config.cfg").to_str()

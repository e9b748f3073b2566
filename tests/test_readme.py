"""The README says what is there, and what it says is there."""

import re
from pathlib import Path

import pytest
from confection import Config

import spacy_al
from spacy_al.cli import app
from spacy_al.config.settings import read_settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf8")
REGISTERED = [
    name
    for registry in (
        "al_acquisitions",
        "al_samplers",
        "al_embeddings",
        "al_posteriors",
        "al_stoppers",
        "al_adapters",
    )
    for name in getattr(spacy_al.registry, registry).get_all()
    if name.startswith("spacy-al.")
]


@pytest.mark.parametrize("name", REGISTERED)
def test_every_registered_function_is_listed(name):
    assert f"`{name.removeprefix('spacy-al.').rsplit('.', 1)[0]}`" in README


def test_every_command_is_listed():
    verbs = {command.name for command in app.registered_commands}
    listed = set(re.findall(r"^\| `([a-z]+)[ `]", README, flags=re.MULTILINE))
    assert verbs <= listed


def test_files_it_names_exist():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target
    for path in re.findall(r"\b(?:configs|corpus|docs)/[\w./-]+\.\w+", README):
        # pools and models are made by the commands
        assert (ROOT / path).exists(), path


def test_the_python_example_runs(tmp_path, monkeypatch):
    from tests.helpers.ner_oracle import make_ner

    nlp = make_ner(("CONDITION", "DRUG"), updates=3)
    (tmp_path / "training" / "seed").mkdir(parents=True)
    nlp.to_disk(tmp_path / "training" / "seed" / "model-best")
    (tmp_path / "notes.txt").write_text("aspirin gave him Paris.\nNo sign of it.\n", "utf8")
    monkeypatch.chdir(tmp_path)
    code = re.search(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert code is not None
    exec(compile(code[1], "README.md", "exec"), {})


def test_the_strategy_in_a_config_can_be_read(tmp_path):
    blocks = re.findall(r"```ini\n(\[al\]\n.*?)```", README, flags=re.DOTALL)
    assert len(blocks) == 1
    config = Config().from_disk(ROOT / "configs" / "ner.cfg", interpolate=False)
    config["al"] = Config().from_str(blocks[0])["al"]
    config.to_disk(tmp_path / "own.cfg")
    settings = read_settings(tmp_path / "own.cfg")
    assert settings.committee == "checkpoints" and settings.partial.rest == "self"
    assert set(settings.blocks) == {"acquisition", "sampler"}

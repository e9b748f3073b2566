"""`init` inserts text, so what a person wrote stays, and what it writes resolves."""

import subprocess
import sys
from pathlib import Path

import pytest

from spacy_al import AlError
from spacy_al.config.init import init
from spacy_al.config.settings import read_settings
from spacy_al.errors import UsageError
from spacy_al.kinds import FACTORIES


@pytest.mark.slow
@pytest.mark.parametrize("component", [name for name in FACTORIES if name != "beam_ner"])
def test_a_starter_config_resolves(tmp_path, component):
    path = tmp_path / "config.cfg"
    init(path, component=component, pool="texts.spacy")
    settings = read_settings(path)
    assert settings.component == component
    assert settings.pool == Path("texts.spacy")
    assert set(settings.blocks) == {"posterior", "acquisition", "sampler", "stopper"}
    assert init(path) == []


def test_comments_and_settings_survive(tmp_path):
    path = tmp_path / "config.cfg"
    init(path)
    text = path.read_text("utf8")
    mine = text.replace("batch_size = 40", "batch_size = 7  # small").replace(
        "[al.sampler]", "# mine\n[al.sampler]"
    )
    mine = mine.replace("seed = 0\nretrain", "retrain")
    path.write_text(mine, "utf8")
    assert init(path) == ["al"]
    after = path.read_text("utf8")
    assert "batch_size = 7  # small" in after and "# mine" in after
    assert sorted(after.split()) == sorted((mine + "seed = 0").split())


def test_what_cannot_be_filled_is_explained(tmp_path):
    path = tmp_path / "config.cfg"
    path.write_text("[nlp\nlang", "utf8")
    with pytest.raises(AlError, match="AL081"):
        init(path)
    init(tmp_path / "two.cfg", component="ner")
    with pytest.raises(AlError, match=r"AL104.*Found: tagger.*these that can be: ner"):
        init(tmp_path / "two.cfg", component="tagger")


@pytest.mark.slow
def test_spacy_accepts_the_config(tmp_path):
    path = tmp_path / "config.cfg"
    init(path)
    command = [
        sys.executable,
        "-m",
        "spacy",
        "init",
        "fill-config",
        str(path),
        str(tmp_path / "filled.cfg"),
    ]
    assert subprocess.run(command, capture_output=True).returncode == 0
    # spaCy writes out the settings that were left at their defaults
    filled = read_settings(tmp_path / "filled.cfg").blocks
    for name, block in read_settings(path).blocks.items():
        assert block.items() <= filled[name].items()


def test_a_language_without_a_tokeniser_is_wrong_usage(tmp_path):
    with pytest.raises(UsageError, match=r"AL054.*'km'.*--lang xx"):
        init(tmp_path / "my.cfg", lang="km")
    assert not (tmp_path / "my.cfg").exists()

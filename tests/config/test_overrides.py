"""Configs with overrides: what they say is what is read, also where it has a dollar sign."""

import pytest

from spacy_al.config.init import init
from spacy_al.config.overrides import load_overridden
from spacy_al.config.settings import read_settings
from spacy_al.errors import AlError

# of the Penn treebank, and of en_core_web_sm
TAGS = ["PRP$", "WP$", "$", 'q"$', "NN"]


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "my.cfg"
    init(path, component="tagger", labels=TAGS)
    return path


@pytest.mark.parametrize(
    "overrides", [{}, {"al.batch_size": 3}, {"al.filter.min_tokens": 2, "al.seed": 1}]
)
def test_tags_with_a_dollar_sign_stay_what_they_are(config, overrides, tmp_path):
    assert read_settings(config, overrides).labels == TAGS
    # what a round writes and reads again
    made = load_overridden(config, overrides, interpolate=False)
    made.to_disk(tmp_path / "round.cfg")
    assert load_overridden(tmp_path / "round.cfg", {}, interpolate=True)["al"]["labels"] == TAGS


def test_an_override_is_taken_at_its_word(config):
    given = ["PRP$", "$", "$$"]
    assert read_settings(config, {"al.labels": given}).labels == given
    overrides = {"al.filter.min_tokens": 2, "al.labels": given}
    assert read_settings(config, overrides).labels == given


def test_variables_are_replaced(config):
    found = load_overridden(config, {"paths.pool": "x$"}, interpolate=True)
    assert found["al"]["pool"]["path"] == found["paths"]["pool"] == "x$"


def test_a_dollar_sign_alone_is_explained(config):
    config.write_text(config.read_text("utf8").replace("$$", "$"), "utf8")
    with pytest.raises(AlError, match=r"AL081.*A dollar sign is written as two: \$\$"):
        read_settings(config)

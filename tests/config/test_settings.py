"""The `[al]` section is read strictly, and what it says arrives."""

from pathlib import Path

import pytest

import spacy_al
from spacy_al.config.overrides import load_overridden
from spacy_al.config.settings import Settings, read_settings
from spacy_al.errors import AlError, UsageError
from spacy_al.registry import named, resolve

CONFIG = """
[paths]
train = "corpus/train.spacy"
dev = null

[nlp]
lang = "de"

[components]

[components.spans]
factory = "spancat"

[al]
component = "spans"
batch_size = 4
density_weight = 1
labels = ["A","B"]

[al.pool]
path = "pool"

[al.acquisition]
@al_acquisitions = "spacy-al.token_entropy.v1"
reduce = "max"
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.cfg"
    path.write_text(CONFIG)
    return path


def test_what_is_read(config):
    found = read_settings(config)
    assert found.tokeniser["nlp"]["lang"] == "de"
    assert found == Settings(
        component="spans",
        factory="spancat",
        batch_size=4,
        density_weight=1,
        labels=["A", "B"],
        names_labels=True,
        pool=Path("pool"),
        blocks={"acquisition": {"@al_acquisitions": "spacy-al.token_entropy.v1", "reduce": "max"}},
        lang="de",
        tokeniser=found.tokeniser,
        train=Path("corpus/train.spacy"),
    )


def test_a_bare_section_is_all_defaults(tmp_path):
    (tmp_path / "bare.cfg").write_text("[al]\n")
    assert read_settings(tmp_path / "bare.cfg") == Settings()


def test_overrides(config):
    found = read_settings(config, {"al.seed": 7, "al.pool.path": "other", "paths.dev": "d.spacy"})
    assert (found.seed, found.pool, found.dev) == (7, Path("other"), Path("d.spacy"))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"al.batchsize": 1}, r"AL083.*al\.batchsize.*no such setting.*batch_size"),
        ({"al.batch_size": "x"}, r"AL083.*'x'.*a whole number"),
        ({"al.batch_size": 2.5}, r"AL083.*2\.5"),
        ({"al.batch_size": True}, r"AL083.*True"),
        ({"al.batch_size": 0}, r"AL083.*1 or more"),
        ({"al.max_rounds": 0}, r"AL083.*1 or more"),
        ({"al.seed": -1}, r"AL083.*0 or more"),
        ({"al.dev_size": -1}, r"AL083.*0 or more"),
        ({"al.density_weight": -0.5}, r"AL083.*0 or more"),
        ({"al.density_weight": float("nan")}, r"AL083.*nan"),
        ({"al.retrain": "sometimes"}, r"AL083.*scratch, resume"),
        ({"al.labels": "A"}, r"AL083.*a list"),
        ({"al.labels": [1]}, r"AL083.*a list of names"),
        ({"al.sampler": "top_k"}, r"AL083.*al\.sampler.*@al_samplers"),
        ({"al.acquisition": {"reduce": "max"}}, r"AL083.*@al_acquisitions"),
        ({"al.sampler": {}}, r"AL083.*al\.sampler.*@al_samplers"),
        ({"al.acquisition.@al_acquisitions": "spacy-al.nope.v1"}, r"AL084.*nope.*margin"),
        ({"al.acquisition.typo": 1}, r"AL084.*typo.*unexpected"),
        ({"al.acquisition.reduce": 3}, r"AL084.*reduce"),
        ({"al.acquisition.reduce": "most"}, r"AL022.*most.*mean"),
        ({"al.pool": "pool"}, r"AL083.*\[al\.pool\]"),
        ({"al.pool.limit": 3}, r"AL083.*al\.pool\.limit"),
        ({"al.pool.path": 3}, r"AL083.*a path"),
        ({"paths.train": 3}, r"AL083.*paths\.train"),
    ],
)
def test_what_is_refused(override, message, config):
    with pytest.raises(UsageError, match=message) as caught:
        read_settings(config, override)
    assert caught.value.exit_code == 2


def test_a_section_of_another_shape(tmp_path):
    (tmp_path / "a.cfg").write_text("[nlp]\nlang = null\n")
    with pytest.raises(AlError, match="AL082"):
        read_settings(tmp_path / "a.cfg")
    with pytest.raises(AlError, match="AL081"):
        read_settings(tmp_path / "a.cfg", {"al.seed": 1})


def test_a_committee_is_read_in_one_way(config):
    block = {"al.committee": "seeds", "al.posterior": {"@al_posteriors": "spacy-al.dropout.v1"}}
    with pytest.raises(UsageError, match=r"AL083.*al\.committee.*al\.posterior"):
        read_settings(config, block)
    assert read_settings(config, {**block, "al.committee": "none"}).blocks["posterior"]


def test_names_are_short_or_long():
    assert named("al_samplers", "top_k") == {"@al_samplers": "spacy-al.top_k.v1"}
    assert named("al_samplers", "mine.v2") == {"@al_samplers": "mine.v2"}
    assert resolve(named("al_samplers", "top_k"))


@pytest.mark.parametrize("name", ["ner", "spancat", "tagger", "textcat", "textcat_multilabel"])
@pytest.mark.parametrize("committee", ["seeds", "bootstrap", "checkpoints", "heads", "rounds"])
def test_shipped_configs_take_every_committee(name, committee):
    path = Path(spacy_al.__file__).parents[1] / "configs" / f"{name}.cfg"
    found = read_settings(path, {"al.committee": committee})
    assert found.committee == committee and "posterior" in found.blocks
    # another reader, or one with settings, would not be heard
    other = {"al.committee": committee, "al.posterior.@al_posteriors": "spacy-al.dropout.v1"}
    with pytest.raises(AlError, match=r"AL083.*al\.committee"):
        read_settings(path, other)


def test_blocks_that_the_config_does_not_have_are_overridden(tmp_path):
    path = Path(spacy_al.__file__).parents[1] / "configs" / "ner.cfg"
    assert read_settings(path, {"al.filter.far": 0.2}).filter == {"far": 0.2}
    sampler = {"al.sampler.@al_samplers": "spacy-al.uniform.v1"}
    assert read_settings(path, sampler).blocks["sampler"]["@al_samplers"] == "spacy-al.uniform.v1"
    made = load_overridden(path, {"al.filter.far": 0.2}, interpolate=False)
    assert made["al"]["filter"] == {"far": 0.2}
    for wrong in ({"al.nothing.far": 0.2}, {"al.seed.far": 1}, {"nothing.x.y": 1}):
        with pytest.raises(AlError, match=r"AL08[13]"):
            read_settings(path, wrong)

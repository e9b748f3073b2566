"""Learners compared on what is labelled: the right one is taken, kept within noise, and says what it was made from."""

from dataclasses import replace
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, DocBin
from spacy.util import load_config
from spacy.vocab import Vocab

from spacy_al.config.learner import EncoderBlock, Learner
from spacy_al.config.settings import Settings
from spacy_al.embeddings import shared
from spacy_al.errors import AlError, UsageError
from spacy_al.training import learner as learners
from spacy_al.training.blas import BLAS, make_numpy_blas
from spacy_al.training.learner import (
    ENOUGH,
    ChosenLearner,
    better_learner,
    choose_learner,
    compare_learners,
    folds,
    learner_of,
    learners_for,
)
from spacy_al.training.round_config import write_config
from spacy_al.training.trainer import MODEL, train_here
from tests.helpers.static_encoders import vectors_encoder, without_us

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs" / "ner.cfg"
QUICK = {"training.max_steps": 4, "training.eval_frequency": 2}
ENCODER = EncoderBlock("model")


def auto(**how):
    return Settings(component="ner", factory="ner", learner="auto", encoder=ENCODER, **how)


def never(names):
    raise AssertionError("it is not time to compare")


# When, and which


def test_what_is_named_is_taken():
    settings = Settings(learner="vectors", encoder=ENCODER, factory="ner")
    assert choose_learner(settings, 1000, None, never) == ChosenLearner("vectors")


def test_few_texts_have_the_encoder_unseen():
    assert choose_learner(auto(), ENOUGH - 1, None, never) == ChosenLearner("encoder")
    before = ChosenLearner("vectors")
    assert choose_learner(auto(), ENOUGH - 1, before, never) == before


def test_enough_texts_are_compared_and_again_when_they_have_doubled():
    asked = []

    def compare(names):
        asked.append(tuple(names))
        return {"encoder": [0.5, 0.5, 0.6], "vectors": [0.6, 0.7, 0.7], "scratch": [0.1, 0.1, 0.1]}

    first = choose_learner(auto(), ENOUGH, None, compare)
    assert (first.name, first.texts) == ("vectors", ENOUGH)
    assert "vectors 0.667" in first.sentence and str(ENOUGH) in first.sentence
    assert choose_learner(auto(), 2 * ENOUGH - 1, first, never) is first
    again = choose_learner(auto(), 2 * ENOUGH, first, compare)
    # the one in use comes first
    assert asked == [("encoder", "vectors", "scratch"), ("vectors", "encoder", "scratch")]
    assert again.texts == 2 * ENOUGH
    assert ChosenLearner(**again.describe()) == again


def test_what_was_used_stays_within_noise():
    near = {"encoder": [0.5, 0.6, 0.7], "vectors": [0.55, 0.58, 0.72]}
    assert better_learner(near, "encoder") == "encoder"
    assert better_learner(near, "vectors") == "vectors"
    # a standard error apart, and no more than three folds are off by
    apart = {"encoder": [0.46, 0.50, 0.42], "vectors": [0.48, 0.54, 0.42]}
    assert better_learner(apart, "encoder") == "encoder"
    clear = {"encoder": [0.5, 0.6, 0.7], "vectors": [0.55, 0.66, 0.74]}
    assert better_learner(clear, "encoder") == "vectors"
    assert better_learner({"encoder": [0.5], "scratch": [0.5]}, "scratch") == "scratch"
    # whoever was left behind is not taken, whatever its only fold says
    left = {"encoder": [0.9], "vectors": [0.55, 0.58, 0.72]}
    assert better_learner(left, "encoder") == "vectors"


def test_learners_without_an_encoder_or_for_categories():
    assert learners_for(Settings(learner="auto", factory="ner")) == ("scratch",)
    assert choose_learner(Settings(learner="auto"), 1000, None, never).name == "scratch"
    textcat = Settings(learner="auto", factory="textcat", encoder=ENCODER)
    assert learners_for(textcat) == ("encoder", "scratch")


def test_folds_hold_each_text_out_once():
    docs = [Doc(Vocab(), ["x"]) for _ in range(10)]
    parts = folds(docs, 3, 0)
    assert sorted(len(held) for _, held in parts) == [3, 3, 4]
    assert sorted(id(doc) for _, held in parts for doc in held) == sorted(map(id, docs))
    for rest, held in parts:
        assert not {*map(id, rest)} & {*map(id, held)} and len(rest) + len(held) == 10
    assert folds(docs, 3, 0) == parts != folds(docs, 3, 1)


# With models


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Cut corpora, and an encoder of their words."""
    folder = tmp_path_factory.mktemp("learners")
    docs = {}
    for name, count in (("seed", 60), ("dev", 20)):
        docs[name] = list(DocBin().from_disk(ROOT / "corpus" / f"{name}.spacy").get_docs(Vocab()))
        DocBin(docs=docs[name][:count]).to_disk(folder / f"{name}.spacy")
    vectors_encoder(folder / "vectors", [*docs["seed"], *docs["dev"]])
    return folder


@pytest.fixture
def no_cache(monkeypatch):
    monkeypatch.delenv(shared.VARIABLE, raising=False)
    shared._shared.cache_clear()


def encoder_of(files):
    return EncoderBlock(str(files / "vectors"), cache=files / "encodings")


def settings_of(files):
    return Settings(
        component="ner", factory="ner", learner="auto", encoder=encoder_of(files), output=files
    )


def written(files, folder, own, overrides=QUICK, config=CONFIG):
    folder.mkdir()
    return write_config(
        config,
        overrides,
        files / "seed.spacy",
        files / "dev.spacy",
        folder,
        n_words=800,
        learner=own,
        component="ner",
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("behind", "first", "raced"),
    [
        (1.0, (0.5, 0.45, 0.3), (3, 3, 3)),
        (0.1, (0.5, 0.45, 0.3), (3, 3, 1)),
        # the first is the one in use, and one fold is too little to leave it
        (0.1, (0.3, 0.5, 0.3), (3, 3, 1)),
        (0.1, (0.5, 0.3, 0.3), (1, 1, 1)),
    ],
)
def test_all_are_scored_on_the_same_folds(
    files, tmp_path, no_cache, monkeypatch, behind, first, raced
):
    monkeypatch.setattr(learners, "BEHIND", behind)
    scores = iter([*first, *[0.5] * 9])
    done = []

    def score(folder, component):
        assert (folder / "config.cfg").is_file() and component == "ner"
        done.append(folder.name)
        return next(scores)

    monkeypatch.setattr(learners, "_score", score)
    found = compare_learners(
        ("encoder", "vectors", "scratch"),
        settings=settings_of(files),
        config=CONFIG,
        overrides=QUICK,
        corpus=files / "seed.spacy",
        dev=files / "dev.spacy",
        folder=tmp_path / "folds",
        vectors=files / "vectors",
    )
    assert done[:3] == ["encoder-0", "vectors-0", "scratch-0"]
    lengths = {name: len(row) for name, row in found.items()}
    assert tuple(lengths.values()) == raced
    assert len(done) == sum(lengths.values())


@pytest.mark.slow
def test_learners_are_trained_for_real(files, tmp_path, no_cache):
    found = compare_learners(
        ("encoder", "vectors", "scratch"),
        settings=settings_of(files),
        config=CONFIG,
        overrides={**QUICK, "training.max_steps": 20},
        corpus=files / "seed.spacy",
        dev=files / "dev.spacy",
        folder=tmp_path / "folds",
        vectors=files / "vectors",
    )
    assert [*found] == ["encoder", "vectors", "scratch"]
    assert {len(scores) for scores in found.values()} <= {1, 3}
    assert all(0 <= score <= 1 for scores in found.values() for score in scores)
    assert not (tmp_path / "folds").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["scratch", "vectors"])
def test_models_that_need_no_encoder_load_with_spacy_alone(files, tmp_path, no_cache, name):
    import subprocess

    made = Learner(name, None, files / "vectors")
    written(files, tmp_path / "round", made)
    train_here(tmp_path / "round", 60)
    done = subprocess.run(
        without_us(tmp_path / "round" / MODEL), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "'ner'" in done.stdout


@pytest.mark.slow
def test_a_model_of_an_encoder_says_what_it_requires(files, tmp_path, no_cache):
    made = learner_of(settings_of(files), "encoder")
    assert made.encoder.hash == shared.shared_encoder(encoder_of(files).settings).hash
    path = written(files, tmp_path / "round", made)
    config = load_config(path)
    assert config["al"]["learner"] == "encoder"
    assert config["al"]["encoder"]["hash"] == made.encoder.hash
    train_here(tmp_path / "round", 60)
    meta = spacy.load(tmp_path / "round" / MODEL).meta
    (ours,) = [said for said in meta["requirements"] if said.startswith("spacy-al")]
    assert ours.startswith("spacy-al>=")


@pytest.mark.parametrize("said", [[], ["spacy-transformers>=1.3"]])
def test_of_a_pipeline_as_encoder_a_model_requires_what_that_does(files, tmp_path, said, no_cache):
    nlp = spacy.load(files / "vectors")
    nlp.meta["requirements"] = said
    nlp.to_disk(tmp_path / "pipeline")
    block = EncoderBlock(str(tmp_path / "pipeline"), cache=files / "encodings")
    made = learner_of(replace(settings_of(files), encoder=block), "encoder")
    config = load_config(written(files, tmp_path / "round", made))
    ours, *rest = config["training"]["before_to_disk"]["requirements"]
    assert ours.startswith("spacy-al>=") and rest == said


def test_another_encoder_than_that_of_the_round_is_refused(files, no_cache):
    settings = settings_of(files)
    other = EncoderBlock(settings.encoder.name, cache=settings.encoder.cache, hash="0" * 16)
    with pytest.raises(AlError, match="AL321"):
        learner_of(Settings(encoder=other, output=files), "encoder")
    with pytest.raises(AlError, match="AL300"):
        learner_of(Settings(encoder=EncoderBlock("no-such-encoder"), output=files), "encoder")
    with pytest.raises(UsageError, match="AL311"):
        learner_of(Settings(), "encoder")
    assert learner_of(settings, "scratch") == Learner("scratch")


# How it is multiplied


def test_training_multiplies_with_numpy(files, tmp_path):
    path = written(files, tmp_path / "round", None)
    assert load_config(path)["initialize"]["before_init"] == {"@callbacks": BLAS}
    called = []
    nlp = spacy.blank("en")
    nlp.add_pipe("ner")
    make_numpy_blas(called.append)(nlp)
    assert called == [nlp]
    assert not any(node.ops.use_blis for node in nlp.get_pipe("ner").model.walk())


def test_what_the_config_does_before_it_starts_is_done_first(files, tmp_path):
    config = load_config(CONFIG, interpolate=False)
    config["initialize"]["before_init"] = {"@callbacks": "spacy.copy_from_base_model.v1"}
    config.to_disk(tmp_path / "own.cfg")
    path = written(files, tmp_path / "round", None, config=tmp_path / "own.cfg")
    assert load_config(path)["initialize"]["before_init"] == {
        "@callbacks": BLAS,
        "before": {"@callbacks": "spacy.copy_from_base_model.v1"},
    }

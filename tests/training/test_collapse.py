"""A training that learned nothing is noticed, made again with another seed, and the better model is kept."""

import json

import pytest
from spacy.util import load_config

from spacy_al.errors import AlWarning
from spacy_al.training.collapse import ASIDE, SEED, may_have_collapsed, train_again
from spacy_al.training.trainer import CONFIG, MODEL

WRITTEN = """
[system]
seed = 3

[training]
seed = ${system.seed}

[training.score_weights]
ents_f = 1.0
"""


def model_of(folder, score, name=""):
    folder.mkdir(parents=True)
    (folder / CONFIG).write_text(WRITTEN)
    (folder / "meta.json").write_text(json.dumps({"performance": {"ents_f": score}}))
    (folder / "name").write_text(name)


@pytest.mark.parametrize(
    "score, before, expected",
    [
        (0.005, None, True),
        (0.0, 0.0, True),
        (0.05, None, False),
        (0.13, 0.28, True),
        (0.15, 0.28, False),
        (0.03, 0.09, False),
        (None, 0.5, False),
    ],
)
def test_what_has_collapsed(score, before, expected):
    assert may_have_collapsed(score, before) is expected


def test_after_a_few_steps_nothing_is_expected():
    assert not may_have_collapsed(0.0, None, steps=20)
    assert may_have_collapsed(0.0, 0.4, steps=20)


@pytest.mark.parametrize(
    "first, second, before, said",
    [
        (0.1, 0.3, 0.3, "collapsed, as the model before has 0.300"),
        # what both seeds do is no accident, but less than before it is
        (0.0, 0.0, 0.3, "collapsed, as the model before has 0.300"),
        (0.0, 0.3, None, "collapsed: "),
        (0.0, 0.3, 0.0, "collapsed: "),
        (0.0, 0.0, None, "learned nothing yet, perhaps as its labels are few"),
        (0.0, 0.01, 0.0, "learned nothing yet, perhaps as its labels are few"),
    ],
)
def test_a_training_is_said_to_collapse_where_another_learned(
    tmp_path, first, second, before, said
):
    (tmp_path / CONFIG).write_text(WRITTEN)
    model_of(tmp_path / MODEL, first)
    if before is not None:
        model_of(tmp_path / "before", before)

    def trainer(folder):
        model_of(folder / MODEL, second)
        return 1.0

    with pytest.warns(AlWarning) as told:
        train_again(tmp_path, trainer, tmp_path / "before")
    assert said in str(told[0].message)


@pytest.mark.parametrize("second, kept", [(0.28, "second"), (0.001, "first")])
def test_the_better_of_two_is_kept(tmp_path, second, kept):
    (tmp_path / CONFIG).write_text(WRITTEN)
    model_of(tmp_path / MODEL, 0.005, "first")
    model_of(tmp_path / "before", 0.3)
    seeds = []

    def trainer(folder):
        seeds.append(load_config(folder / CONFIG, interpolate=True)["training"]["seed"])
        model_of(folder / MODEL, second, "second")
        return 7.0

    with pytest.warns(AlWarning, match=r"ALW131.*0\.005"):
        assert train_again(tmp_path, trainer, tmp_path / "before") == 7.0
    assert seeds == [3 + SEED]
    assert (tmp_path / MODEL / "name").read_text() == kept
    # what is written is what trained the model that is there
    found = load_config(tmp_path / CONFIG, interpolate=True)["training"]["seed"]
    assert found == (3 + SEED if kept == "second" else 3)
    assert not (tmp_path / ASIDE).exists()


def test_a_sound_model_stays(tmp_path):
    (tmp_path / CONFIG).write_text(WRITTEN)
    model_of(tmp_path / MODEL, 0.2)

    def trainer(folder):
        raise AssertionError("nothing is wrong")

    assert train_again(tmp_path, trainer) == 0.0
    assert train_again(tmp_path, trainer, tmp_path / "nowhere") == 0.0

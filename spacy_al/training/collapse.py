"""A training that collapsed: it ends with hardly any score where the same texts taught a model before, and is made again.

With few labels one training in dozens does. Left alone, the next batch would be chosen by a model that has learned nothing.
"""

import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

from spacy.util import load_config

from spacy_al.corpus.shard import writing
from spacy_al.errors import AlWarning, Warnings
from spacy_al.training.trainer import CONFIG, MODEL, trained_score

# A score below this share of the one before, or below this where there is none before
SHARE, LEAST = 0.5, 0.02
ASIDE = "model-collapsed"
# Apart from the seeds of a committee's members
SEED = 500


def has_collapsed(score: float | None, before: float | None) -> bool:
    """Whether a score on the development set is that of a model which learned nothing.

    score (float | None): None where there is nothing to measure on, which says nothing.
    before (float | None): Of the model before.
    """
    if score is None:
        return False
    return score < max(LEAST, SHARE * (before or 0.0))


def train_again(
    folder: Path, trainer: Callable[[Path], float], before: Path | None = None
) -> float:
    """Train once more with another seed where the model of a folder has collapsed, and keep the better of the two.

    folder (Path): With the config and the model.
    trainer (Callable): Trains what the config of a folder says, and returns the seconds it took.
    before (Path | None): The model of the round before.
    RETURNS (float): The seconds it took; 0 where nothing was wrong.
    RAISES (AlError): As the trainer; then there is no model, and the next try begins anew.
    WARNS (AlWarning): ALW131, with both scores.
    """
    first = trained_score(folder / MODEL)
    earlier = None if before is None or not before.is_dir() else trained_score(before)
    if not has_collapsed(first, earlier):
        return 0.0
    said = (folder / CONFIG).read_text("utf8")
    config = load_config(folder / CONFIG, interpolate=False)
    seed = load_config(folder / CONFIG, interpolate=True)["training"].get("seed") or 0
    config.setdefault("training", {})["seed"] = seed + SEED
    shutil.rmtree(folder / ASIDE, ignore_errors=True)
    os.replace(folder / MODEL, folder / ASIDE)
    with writing(folder / CONFIG) as file:
        file.write(config.to_str(interpolate=False))
    seconds = trainer(folder)
    second = trained_score(folder / MODEL)
    if (second or 0.0) < (first or 0.0):
        shutil.rmtree(folder / MODEL)
        os.replace(folder / ASIDE, folder / MODEL)
        with writing(folder / CONFIG) as file:
            file.write(said)
    shutil.rmtree(folder / ASIDE, ignore_errors=True)
    message = Warnings.W131.format(folder=folder, first=first, second=second)
    warnings.warn(message, AlWarning, stacklevel=2)
    return seconds

"""A training that learned nothing, or far less than the one before, and is made again.

With few labels one training in dozens collapses: the same texts teach a model under another seed. Whether it did, or the texts are too few yet, is not known
before it was made again. Left alone, the next batch would be chosen by a model that has learned nothing.
"""

import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

from spacy.util import load_config

from spacy_al.corpus.shard import writing
from spacy_al.errors import AlWarning, Warnings
from spacy_al.training.checkpoints import kept_checkpoints
from spacy_al.training.made_from import FILE as MADE_FROM
from spacy_al.training.trainer import CONFIG, MODEL, trained_score

# A score below this share of one that was worth something; or, where there is none, below this after so many steps
SHARE, WORTH, LEAST, STEPS = 0.5, 0.1, 0.02, 100
ASIDE = "model-collapsed"
# Apart from the seeds of a committee's members
SEED = 500


def may_have_collapsed(score: float | None, before: float | None, steps: int = STEPS) -> bool:
    """Whether a score on the development set is that of a model which learned nothing, or far less than the one before.

    score (float | None): None where there is nothing to measure on, which says nothing.
    before (float | None): Of the model before.
    steps (int): Of training, at most: after a few nothing is to be expected.
    """
    if score is None:
        return False
    if before is not None and before >= WORTH:
        return score < SHARE * before
    return steps >= STEPS and score < LEAST


def train_again(
    folder: Path, trainer: Callable[[Path], float], before: Path | None = None
) -> float:
    """Train once more with another seed where the model of a folder learned nothing or far less than before, and keep the better of the two.

    folder (Path): With the config and the model.
    trainer (Callable): Trains what the config of a folder says, and returns the seconds it took.
    before (Path | None): The model of the round before.
    RETURNS (float): The seconds it took; 0 where nothing was wrong.
    RAISES (AlError): As the trainer; then there is no model, and the next try begins anew.
    WARNS (AlWarning): ALW131, with both scores, and that before where it was worth something.
    """
    first = trained_score(folder / MODEL)
    earlier = None if before is None or not before.is_dir() else trained_score(before)
    training = load_config(folder / CONFIG, interpolate=True)["training"]
    if not may_have_collapsed(first, earlier, training.get("max_steps") or STEPS):
        return 0.0
    kept = {
        name: (folder / name).read_bytes()
        for name in (CONFIG, MADE_FROM)
        if (folder / name).is_file()
    }
    config = load_config(folder / CONFIG, interpolate=False)
    config["training"]["seed"] = (training.get("seed") or 0) + SEED
    aside = folder / ASIDE
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    # without its model nothing else of a training counts, so the model goes first and comes back last
    first_ones = [MODEL, *(path.name for path in kept_checkpoints(folder, config))]
    for name in first_ones:
        os.replace(folder / name, aside / name)
    with writing(folder / CONFIG) as file:
        file.write(config.to_str(interpolate=False))
    seconds = trainer(folder)
    second = trained_score(folder / MODEL)
    if (second or 0.0) < (first or 0.0):
        for name in [MODEL, *(path.name for path in kept_checkpoints(folder, config))]:
            shutil.rmtree(folder / name)
        for name, content in kept.items():
            with writing(folder / name, "wb") as file:
                file.write(content)
        for name in reversed(first_ones):
            os.replace(aside / name, folder / name)
    shutil.rmtree(aside, ignore_errors=True)
    message = Warnings.W131.format(
        folder=folder, what=_what_happened(first, second, earlier), first=first, second=second
    )
    warnings.warn(message, AlWarning, stacklevel=2)
    return seconds


def _what_happened(first: float | None, second: float | None, earlier: float | None) -> str:
    """What two scores say of a training: that it collapsed is known only where others learned something."""
    if earlier is not None and earlier >= WORTH:
        return f"collapsed, as the model before has {earlier:.3f}"
    if second is not None and second >= LEAST:
        return "collapsed"
    return "learned nothing yet, perhaps as its labels are few"

"""The hashes that a round states: of what it was made from, and of what it made. By them one sees later whether all of it is still the same."""

from contextlib import suppress
from pathlib import Path

from spacy.util import load_config

from spacy_al.config.components import pipeline_folder
from spacy_al.config.project import Project
from spacy_al.training.made_from import hash_of
from spacy_al.training.round import TRAIN
from spacy_al.training.trainer import CONFIG, MODEL


def gold_of_round(folder: Path) -> Path:
    """What the training of a round has measured on, as its config says."""
    return Path(load_config(folder / CONFIG, interpolate=True)["paths"]["dev"])


def training_hashes(project: Project, folder: Path) -> dict[str, str]:
    """The hashes of a training: `train`, `dev`, `config`, `code`, `start` and `model`, those of them that there are.

    folder (Path): Of the round, which has trained.
    """
    found = {
        "train": hash_of(folder / TRAIN),
        "dev": hash_of(gold_of_round(folder)),
        "config": hash_of(folder / CONFIG),
        "code": hash_of(project.code) if project.code else None,
        "model": hash_of(folder / MODEL),
    }
    if project.settings.source is not None:
        with suppress(OSError, ValueError):
            found["start"] = hash_of(pipeline_folder(project.settings.source))
    return {name: value for name, value in found.items() if value is not None}


def pool_hashes(pool: Path) -> dict[str, str]:
    """The hash of the pool that a batch is chosen from, as `pool`; nothing where a file of it cannot be read."""
    with suppress(OSError):
        value = hash_of(pool)
        return {"pool": value} if value is not None else {}
    return {}

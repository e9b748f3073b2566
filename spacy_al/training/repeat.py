"""A training done again beside the first: what it was made from held against what is there now, and the weights byte for byte."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.util import load_config

from spacy_al.corpus.shard import writing
from spacy_al.posteriors.temperature import FILE as CALIBRATION
from spacy_al.processes.child import attempt
from spacy_al.training.checkpoints import CALLBACK
from spacy_al.training.made_from import CARD, FILE, MODEL, VERSIONS, hash_of, inputs
from spacy_al.training.trainer import CONFIG, Trained, train
from spacy_al.training.trainer import MODEL as MODEL_FOLDER
from spacy_al.util import versions

# Of a model, but not made by its training
BESIDE = {CALIBRATION, CARD}
UNKNOWN = "nothing is stated"


@dataclass(frozen=True)
class Changed:
    """Something that is another than when a model was trained.

    name (str): A setting, or what was hashed.
    before, now (str): Its values, or hashes.
    """

    name: str
    before: str
    now: str


def read_stated(folder: Path) -> dict[str, Any]:
    """What the training of a folder was made from, as it stated then; nothing where it stated nothing that can be read."""
    try:
        found = json.loads((folder / FILE).read_text("utf8"))
        return dict(found)
    except (OSError, ValueError, TypeError):
        return {}


def differences_now(folder: Path, code: Path | None = None) -> list[Changed]:
    """What a training would be made from now, held against what it stated: settings, files, code, the model itself, and versions.

    folder (Path): With config and model.
    code (Path | None): Python file that registers functions.
    """
    stated = read_stated(folder)
    if not stated:
        return [Changed(FILE, UNKNOWN, UNKNOWN)]
    before = {name: value for name, value in stated.items() if name not in (MODEL, VERSIONS)}
    # hashes of checkpoints beside a model are told by themselves
    before = {name: value for name, value in before.items() if not name.startswith("member-")}
    now = json.loads(json.dumps(inputs(folder / CONFIG, code)))
    pairs = [(name, before.get(name), now.get(name)) for name in sorted({*before, *now})]
    pairs.append((MODEL, stated.get(MODEL), hash_of(folder / MODEL_FOLDER)))
    here, there = stated.get(VERSIONS, {}), versions()
    pairs += [(f"version of {name}", here.get(name), there.get(name)) for name in sorted(here)]
    return [Changed(name, _said(old), _said(new)) for name, old, new in pairs if old != new]


@contextmanager
def trained_again(
    folder: Path,
    output: Path,
    *,
    gpu_id: int = -1,
    code: Path | None = None,
    show: Callable[[str], None] | None = None,
) -> Iterator[Trained]:
    """Train what the config of a folder says once more, in a folder of its own, which is gone afterwards.

    folder (Path): With the config; it is not touched.
    output (Path): Where the other one is made.
    YIELDS (Trained): The new model.
    RAISES (AlError): As `train`.
    """
    with attempt(output) as work:
        config = load_config(folder / CONFIG, interpolate=False)
        callback = config["training"].get("before_update") or {}
        if callback.get("@callbacks") == CALLBACK:
            # its checkpoints are not to take the place of the first ones
            callback["path"] = str(work)
            with writing(work / CONFIG) as file:
                file.write(config.to_str(interpolate=False))
        else:
            (work / CONFIG).write_bytes((folder / CONFIG).read_bytes())
        yield train(work, gpu_id=gpu_id, code=code, show=show)


def other_files(folder: Path, again: Path, within: tuple[Path, Path] | None = None) -> list[str]:
    """The files of two trained models that are not alike, byte for byte, by name; what comes after training is left out.

    folder, again (Path): With the models.
    within (tuple | None): Folders of the two trainings, which a config may name; by default `folder` and `again`.
    """
    here, there = (str(path) for path in within or (folder, again))
    models = folder / MODEL_FOLDER, again / MODEL_FOLDER
    names = {
        path.relative_to(model).as_posix()
        for model in models
        for path in model.rglob("*")
        if path.is_file()
    }

    def alike(name: str) -> bool:
        one, other = (model / name for model in models)
        if not (one.is_file() and other.is_file()):
            return False
        read = other.read_bytes()
        if name == CONFIG:
            read = read.replace(there.encode(), here.encode())
        return read == one.read_bytes()

    return sorted(name for name in names - BESIDE if not alike(name))


def _said(value: Any) -> str:
    return "nothing" if value is None else value if isinstance(value, str) else json.dumps(value)

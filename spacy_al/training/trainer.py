"""Training a round: a config that says all of it, and `spacy train` on that in a process of its own."""

import json
import re
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from spacy.util import load_config

from spacy_al.errors import AlError, Errors
from spacy_al.processes.child import attempt, reason, run_spacy, sweep
from spacy_al.training.checkpoints import kept_checkpoints
from spacy_al.training.made_from import FILE, changed_since, hash_folder, inputs, made_by, sign
from spacy_al.training.needs import needs_torch
from spacy_al.util import is_unregistered

CONFIG, MODEL, LOG = "config.cfg", "model-best", "train.log"
# The last line of the log, so that a model that is used again is known to have taken as long
TOOK = "spacy-al: trained in {:.2f} seconds\n"


@dataclass(frozen=True)
class Trained:
    """A trained model.

    model (Path): Its folder.
    seconds (float): That training took.
    hash (str): Of the folder's files; spacy-al's own temperature beside them is left out.
    score (float | None): On the development set, as training itself weighs scores.
    versions (dict[str, str]): Of what made it, by name; empty where that was not kept, as before version 0.2.
    """

    model: Path
    seconds: float
    hash: str
    score: float | None
    versions: dict[str, str]


def train(
    folder: Path,
    *,
    gpu_id: int = -1,
    code: Path | None = None,
    show: Callable[[str], None] | None = None,
) -> Trained:
    """Run `spacy train` on the folder's config. What it leaves there is whole: the model takes its name last.

    folder (Path): With a `config.cfg`. A model that is there already is whole; it is used if it was made from the same, and made again
        otherwise, which is said.
    gpu_id (int): -1 for none.
    code (Path | None): Python file that registers functions.
    show (Callable | None): Takes each line that spaCy prints.
    RETURNS (Trained): The best model on the development set.
    RAISES (AlError): AL130 with spaCy's own error if training fails, AL136 if that is for want of code, AL047 if the folder cannot be written.
    """
    sweep(folder)
    made_from, config = inputs(folder / CONFIG, code), load_config(folder / CONFIG)
    if (folder / MODEL).is_dir():
        beside = _checkpoint_hashes(folder, config)
        changed = changed_since(folder, {**made_from, **beside}, folder / MODEL)
        if not changed:
            return read_trained(folder)
        if show:
            more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
            names = ", ".join(changed[:3]) + more
            show(f"⚠ {folder / MODEL} was made from something else, and is made again: {names}")
    _drop_members(folder, config)
    log = folder / LOG
    with attempt(folder) as path:
        started = time.perf_counter()
        words = ["train", str(folder / CONFIG), "--output", str(path)]
        words += ["--code", str(code)] if code else []
        words += ["--gpu-id", str(gpu_id)] if gpu_id >= 0 else []
        torch = bool(code) or gpu_id >= 0 or needs_torch(folder / CONFIG)
        status = run_spacy(words, log, show, torch=torch)
        if status or not (path / MODEL).is_dir():
            why = reason(log, status)
            if is_unregistered(why):
                what, first = f"The config {folder / CONFIG}", why.partition("\n")[0]
                raise AlError(Errors.AL136.format(what=what, why=first))
            raise AlError(Errors.AL130.format(command="training", why=why, log=log))
        with log.open("a", encoding="utf8") as file:
            file.write(TOOK.format(time.perf_counter() - started))
        # a model without a name is made again, one without its inputs would be believed
        shutil.rmtree(folder / MODEL, ignore_errors=True)
        sign(folder, {**made_from, **_checkpoint_hashes(folder, config)}, path / MODEL)
        (path / MODEL).rename(folder / MODEL)
    return read_trained(folder)


def train_here(folder: Path, texts: int, overrides: Mapping[str, Any] | None = None) -> None:
    """SpaCy's own training in this process, with the config of a folder; for processes that train many models.

    texts (int): That it learns from, for the error.
    overrides (Mapping | None): Of the config.
    RAISES (AlError): AL107 if it fails, for spaCy's reasons.
    """
    from spacy.cli.train import train as spacy_train

    said = StringIO()
    try:
        with redirect_stdout(said), redirect_stderr(StringIO()):
            spacy_train(folder / CONFIG, folder, overrides=dict(overrides or {}))
    except (Exception, SystemExit) as error:
        # spaCy ends the process for some of its failures, having printed why
        lines = [line.strip() for line in said.getvalue().splitlines() if line.strip()]
        why = str(error) if isinstance(error, Exception) else " ".join(lines[-3:])
        raise AlError(Errors.AL107.format(texts=texts, why=why.strip())) from None
    shutil.rmtree(folder / "model-last", ignore_errors=True)


def read_trained(folder: Path) -> Trained:
    """The model that a training left in a folder."""
    model, log = folder / MODEL, folder / LOG
    said = (
        re.findall(r"trained in ([\d.]+) seconds", log.read_text("utf8")) if log.is_file() else []
    )
    return Trained(
        model=model,
        seconds=float(said[-1]) if said else 0.0,
        hash=hash_folder(model),
        score=trained_score(model),
        versions=made_by(folder),
    )


def _checkpoint_hashes(folder: Path, config: Mapping[str, Any]) -> dict[str, str]:
    """Hashes of the checkpoints beside a model, which are of one training with it."""
    return {path.name: hash_folder(path) for path in kept_checkpoints(folder, config)}


def _drop_members(folder: Path, config: Mapping[str, Any]) -> None:
    """Delete the checkpoints of an earlier training; other members of a committee say themselves what they were made from."""
    gone = kept_checkpoints(folder, config)
    gone = gone or [path for path in folder.glob("member-*") if not (path / FILE).is_file()]
    for path in gone:
        shutil.rmtree(path)


def trained_score(model: Path) -> float | None:
    """The score of a model on the development set, as training weighed it; None where nothing was measured."""
    weights = load_config(model / CONFIG)["training"]["score_weights"]
    scores = json.loads((model / "meta.json").read_text("utf8"))["performance"]
    weighed = [
        weight * scores[name]
        for name, weight in weights.items()
        if weight and scores.get(name) is not None
    ]
    return sum(weighed) if weighed else None

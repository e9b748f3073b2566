"""The checkpoints of one training as members of a committee. `spacy train` finds the callback wherever spacy-al is installed."""

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from spacy import registry
from spacy.language import Language

CALLBACK = "spacy-al.checkpoints.v1"


@registry.callbacks(CALLBACK)  # type: ignore[untyped-decorator]
def make_checkpoints(path: str, steps: list[int]) -> Any:
    """For `[training.before_update]`: save the pipeline as it is after these steps.

    path (str): Where it is saved, as member-1/model-best for the first of the steps, and so on.
    steps (list[int]): Ascending.
    """
    return partial(save_checkpoint, path=Path(path), steps=tuple(steps))


def save_checkpoint(
    nlp: Language, progress: dict[str, Any], *, path: Path, steps: Sequence[int]
) -> None:
    """Save the pipeline if it is one of the steps. It is whole, or absent.

    progress (dict): What spaCy tells: `step`, which is about to be done.
    """
    if progress["step"] not in steps:
        return
    member = path / f"member-{steps.index(progress['step']) + 1}"
    member.mkdir(parents=True, exist_ok=True)
    whole = member / "model-best"
    with tempfile.TemporaryDirectory(dir=member, prefix=".attempt-") as attempt:
        nlp.to_disk(Path(attempt) / whole.name)
        shutil.rmtree(whole, ignore_errors=True)
        os.replace(Path(attempt) / whole.name, whole)


def kept_checkpoints(folder: Path, config: Mapping[str, Any]) -> list[Path]:
    """The folders of the checkpoints that a training has kept beside its model, in order; none where its config asks for none.

    folder (Path): Of the training.
    config (Mapping): Its config.
    """
    callback = config["training"].get("before_update") or {}
    return sorted(folder.glob("member-*")) if callback.get("@callbacks") == CALLBACK else []

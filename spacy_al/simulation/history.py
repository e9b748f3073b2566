"""The models of a strategy's rounds, kept as long as later ones look back at them."""

import shutil
from pathlib import Path

from spacy_al.config.project import round_folder
from spacy_al.errors import AlError, Errors
from spacy_al.simulation.step import Step
from spacy_al.training.trainer import MODEL
from spacy_al.util import content_hash

HISTORY = "history"


def remember(output: Path, step: Step, attempt: Path, back: int) -> Path:
    """Lay the folder of a round beside those before it, named as a run names them, and let those go that nobody needs.

    output (Path): Of the simulation.
    attempt (Path): The round's folder so far, with its model. It is moved.
    back (int): At how many rounds before it a round looks.
    RETURNS (Path): The round's folder.
    RAISES (AlError): AL209 if a model that it looks back at is gone.
    """
    own = _folder(output, step)
    for number in range(max(0, step.number - back), step.number):
        path = round_folder(own, number) / MODEL
        if not path.is_dir():
            message = Errors.AL209.format(strategy=step.strategy, number=number, path=path)
            raise AlError(message)
    folder = round_folder(own, step.number)
    # of an attempt that was killed
    shutil.rmtree(folder, ignore_errors=True)
    own.mkdir(parents=True, exist_ok=True)
    attempt.rename(folder)
    for number in range(step.number - back):
        shutil.rmtree(round_folder(own, number), ignore_errors=True)
    return folder


def forget(output: Path, step: Step) -> None:
    """Delete the models of a strategy whose last round has come."""
    shutil.rmtree(_folder(output, step), ignore_errors=True)


def _folder(output: Path, step: Step) -> Path:
    # a name of a strategy may hold what no file name can
    return output / HISTORY / content_hash(f"{step.seed} {step.strategy}")

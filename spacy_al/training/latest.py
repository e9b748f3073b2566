"""The model to go on with, where none is named: by what runs have stored, never by the times of files, which copying changes."""

import os
from pathlib import Path

from spacy_al.config.project import DATABASE, round_folder, round_number
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.store.champion import Champion, champions
from spacy_al.store.store import Store
from spacy_al.training.made_from import hash_of
from spacy_al.training.trainer import MODEL

DEPTH = 5
# Names in an error
SHOWN = 5


def latest_model(folder: Path) -> str | None:
    """The model that a run has promoted, or that of its last trained round, as the store below the folder says; without a run, the only
    `model-best` there.

    Where a run has lost its store, or somebody has copied its rounds, the last of them counts. Other members of a round's committee,
    and models of a simulation below the folder, are passed over.

    folder (Path): Where it is looked for, five folders deep.
    RETURNS (str | None): Its folder; None if there is none.
    RAISES (UsageError): AL079 for several runs, or several models and no run; AlError as `Store` and `champion_of`.
    """
    models, runs = _below(folder)
    trained = [model for run in runs if (model := _of_run(run))]
    found = trained or _last_rounds(models) or models
    if len(found) > 1:
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise UsageError(Errors.AL079.format(found=", ".join(map(str, found[:SHOWN])) + more))
    return str(found[0]) if found else None


def _below(folder: Path) -> tuple[list[Path], list[Path]]:
    """Models, and outputs of runs."""
    models, runs = [], []
    for parent, folders, files in os.walk(folder):
        path = Path(parent)
        depth = len(path.relative_to(folder).parts)
        if path.name == MODEL and "meta.json" in files:
            models.append(path)
        if DATABASE in files:
            runs.append(path)
        simulated = depth and "plan.json" in files
        folders[:] = sorted(
            name
            for name in folders
            if depth < DEPTH and not simulated and not name.startswith((".", "member-"))
        )
    return models, runs


def champion_of(store: Store) -> Champion | None:
    """The model in use, if one was promoted. RAISES (AlError): AL363 if it is not what was promoted."""
    found = champions(store)
    if found:
        check_champion(found[-1])
    return found[-1] if found else None


def check_champion(found: Champion) -> None:
    """RAISES (AlError): AL363 if a model that was promoted is gone, or another by now."""
    now = hash_of(Path(found.model))
    if now != found.hash:
        why = "It is not there" if now is None else "Its files have changed since"
        raise AlError(Errors.AL363.format(model=found.model, why=why))


def _of_run(output: Path) -> Path | None:
    """The model in use, or else that of the last round that has trained and whose model is there."""
    # who only looks for a model does not bring another one's run up to date
    with Store(output / DATABASE, create=False, migrate=False) as store:
        if (champion := champion_of(store)) is not None:
            return Path(champion.model)
        numbers = sorted(store.models(), reverse=True)
    found = (round_folder(output, number) / MODEL for number in numbers)
    return next((model for model in found if model.is_dir()), None)


def _last_rounds(models: list[Path]) -> list[Path]:
    """Of models in folders of rounds that stand beside each other the last one."""
    last: dict[Path, tuple[int, Path]] = {}
    for model in models:
        number, run = round_number(model.parent), model.parent.parent
        if number is not None and number >= last.get(run, (-1, model))[0]:
            last[run] = number, model
    return [model for _, model in last.values()]

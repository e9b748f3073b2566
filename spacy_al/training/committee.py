"""The committee of a round: members trained beside its model, each in a way of its own, that read the pool together.

Those of the "rounds" before are there already. Members lie in `round-NNN/member-K/`, each whole or absent, with the config that trains it again.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import srsly
from confection import Config
from spacy.language import Language
from spacy.util import load_config

from spacy_al.config.project import round_folder, round_number
from spacy_al.config.settings import Settings
from spacy_al.corpus.shard import write_shard, writing
from spacy_al.errors import AlError, Errors
from spacy_al.evaluation.gold import stored_docs
from spacy_al.kinds import FACTORIES
from spacy_al.posteriors.component import open_pipeline
from spacy_al.training.checkpoints import CALLBACK
from spacy_al.training.round_config import LONGEST
from spacy_al.training.trainer import CONFIG, MODEL

LABELS, TRAIN = "labels.json", "train.spacy"
# Apart, so that a member of one project is not the model of another with the next seed
SEED = 1000


def train_members(
    settings: Settings, folder: Path, number: int, trainer: Callable[[Path], float]
) -> float:
    """Train the other members of a round's committee.

    settings (Settings): Which committee.
    folder (Path): The round's, whose model is trained.
    number (int): Of the round.
    trainer (Callable): Trains what the config of a folder says, if that has not been done, and returns the seconds it took.
    RETURNS (float): The seconds it took in all.
    RAISES (AlError): As the trainer; AL206 for heads without a shared encoder, AL207 where training left no checkpoint.
    """
    if settings.committee in ("none", "rounds"):
        return 0.0
    if settings.committee == "checkpoints":
        check_checkpoints(folder)
        return 0.0
    members = range(1, settings.committee_size)
    return sum(trainer(member_folder(settings, folder, number, member)) for member in members)


def member_folder(settings: Settings, folder: Path, number: int, member: int) -> Path:
    """The folder of a member, with the config that it is trained with; a trainer makes a model of another committee again.

    folder (Path): The round's, whose model is trained.
    number, member (int): Of the round, and from 1.
    RAISES (AlError): AL206 for heads without a shared encoder.
    """
    own = folder / f"member-{member}"
    made = _member_config(settings, folder, own, number, member).to_str(interpolate=False)
    with writing(own / CONFIG) as file:
        file.write(made)
    return own


def check_checkpoints(folder: Path) -> None:
    """RAISES (AlError): AL207 where a training left no checkpoint."""
    if not members_of_round(folder):
        raise AlError(Errors.AL207.format(path=folder))


def members_of_round(folder: Path) -> list[str]:
    """The trained members of a round's committee beside its model, in order.

    folder (Path): The round's.
    """
    found = (str(path) for path in folder.glob(f"member-*/{MODEL}"))
    # 10 comes after 9
    return sorted(found, key=lambda path: (len(path), path))


def earlier_models(settings: Settings, folder: Path) -> list[str]:
    """The models of the rounds before, the newest first, as far as they are there and know the same labels.

    settings (Settings): How many: one less than the committee has members.
    folder (Path): The round's, among those of the others; a model that is no round's has none before it.
    """
    found: list[str] = []
    number, own = round_number(folder), _labels_of(settings, folder / MODEL)
    for back in range(1, settings.committee_size):
        if number is None or back > number:
            break
        model = round_folder(folder.parent, number - back) / MODEL
        if not model.is_dir() or _labels_of(settings, model) != own:
            break
        found.append(str(model))
    return found


def _labels_of(settings: Settings, model: Path) -> list[str] | None:
    """What a trained component knows, in the order in which its readers have it; None where that is not said."""
    try:
        meta = srsly.read_json(model / "meta.json")
    except (OSError, ValueError):
        return None
    labels: list[str] = meta.get("labels", {}).get(settings.component or "", [])
    row = FACTORIES.get(settings.factory or "")
    # the order of a recogniser's labels is no order of columns
    return sorted(labels) if row is not None and row.task == "entities" else labels


def read_together(settings: Settings, folder: Path) -> Settings:
    """Settings by which a round's model is read as a committee, where they ask for one.

    folder (Path): The round's.
    """
    if settings.committee == "none":
        return settings
    if settings.committee == "rounds":
        members = earlier_models(settings, folder)
    else:
        # more are there where the settings asked for more before
        members = members_of_round(folder)[: settings.committee_size - 1]
    block = {"@al_posteriors": "spacy-al.committee.v1", "members": members}
    return replace(settings, blocks={**settings.blocks, "posterior": block})


def keep_checkpoints(settings: Settings, folder: Path) -> None:
    """Have the training of a round keep its checkpoints, if they are to be the committee.

    folder (Path): The round's, with its config.
    RAISES (AlError): AL208 if the config has another use for `[training.before_update]`.
    """
    if settings.committee != "checkpoints":
        return
    made = load_config(folder / CONFIG, interpolate=False)
    if made["training"].get("before_update"):
        raise AlError(Errors.AL208.format(path=folder / CONFIG))
    last = int(made["training"]["max_steps"])
    if made.get("al", {}).get("learner") == "encoder":
        # patience may end a training before, and all checkpoints are needed
        last //= LONGEST
    size = settings.committee_size
    steps = sorted({max(1, last * member // size) for member in range(1, size)})
    made["training"]["before_update"] = {
        "@callbacks": CALLBACK,
        "path": str(folder),
        "steps": steps,
    }
    with writing(folder / CONFIG) as file:
        file.write(made.to_str(interpolate=False))


def _member_config(settings: Settings, folder: Path, own: Path, number: int, member: int) -> Config:
    """The round's config, but for what makes the member one of its own."""
    made = load_config(folder / CONFIG, interpolate=False)
    made["training"]["seed"] = SEED * member + settings.seed
    nlp = open_pipeline(str(folder / MODEL), settings.lang)
    name = settings.component or ""
    own.mkdir(parents=True, exist_ok=True)
    # all members know the same labels, in the same order, whatever they are shown
    labels: Any = getattr(nlp.get_pipe(name), "label_data", None)
    if labels is not None:
        # a recogniser of sentences has none to be told
        with writing(own / LABELS) as file:
            file.write(srsly.json_dumps(labels))
        known = made.setdefault("initialize", {}).setdefault("components", {})
        known.setdefault(name, {}).setdefault(
            "labels", {"@readers": "spacy.read_labels.v1", "path": str(own / LABELS)}
        )
    if settings.committee == "bootstrap":
        docs = list(stored_docs(folder / TRAIN))
        rng = numpy.random.default_rng([settings.seed, number, member])
        write_shard([docs[i] for i in rng.integers(len(docs), size=len(docs))], own / TRAIN)
        made["paths"]["train"] = str(own / TRAIN)
    elif settings.committee == "heads":
        _keep_encoders(made, nlp, name, folder / MODEL)
    return made


def _keep_encoders(made: Config, nlp: Language, name: str, model: Path) -> None:
    """Take the encoders that a component listens to from the model, as they are.

    RAISES (AlError): AL206 if there are none.
    """
    listener: Any = nlp.get_pipe(name)
    encoders = [
        other
        for other, pipe in nlp.pipeline
        if listener.name in getattr(pipe, "listening_components", ())
    ]
    if not encoders:
        raise AlError(Errors.AL206.format(name=name))
    # others may take their width from what is left out here
    made["components"] = made.interpolate()["components"]
    for encoder in encoders:
        made["components"][encoder] = {"source": str(model)}
    for setting in ("frozen_components", "annotating_components"):
        listed = made["training"].get(setting) or []
        made["training"][setting] = [*dict.fromkeys([*listed, *encoders])]
    # it would take the place of what was learned
    made["initialize"]["init_tok2vec"] = None

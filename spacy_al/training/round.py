"""One round of training, in the loop and in a simulation: its config written, a model trained on it, and the rest of its committee."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from spacy_al.config.learner import Learner
from spacy_al.config.settings import Settings
from spacy_al.training.collapse import train_again
from spacy_al.training.committee import keep_checkpoints, train_members
from spacy_al.training.round_config import write_config

# trainer(folder) -> seconds: trains what the config of a folder says, and leaves `model-best` there
Trainer: TypeAlias = Callable[[Path], float]
TRAIN = "train.spacy"


@dataclass(frozen=True)
class TrainingRound:
    """The corpus and the settings that a round trains with.

    number (int): Of the round.
    folder (Path): The round's, with its corpus.
    config (Path): The project's config.
    overrides (Mapping): Of it, by dotted names.
    settings (Settings): Its `[al]` section.
    dev (Path): What training measures on.
    code (Path | None): Python file that registers functions.
    learner (Learner | None): What its model learns with; None for what the config says.
    measured (Sequence[str] | None): The labels that dev measures; None for all.
    """

    number: int
    folder: Path
    config: Path
    overrides: Mapping[str, Any]
    settings: Settings
    dev: Path
    code: Path | None = None
    learner: Learner | None = None
    measured: Sequence[str] | None = None

    @property
    def corpus(self) -> Path:
        """All that the round trains on."""
        return self.folder / TRAIN


def train_round_models(
    training: TrainingRound,
    trainer: Trainer,
    *,
    n_words: int,
    n_pseudo_words: int = 0,
    retrain_from: Path | None = None,
    init_tok2vec: Path | None = None,
    model_before: Path | None = None,
    with_members: bool = True,
) -> float:
    """Write the config of a round, and train its model and, where the settings ask for a committee, the other members.

    training (TrainingRound): With its corpus written.
    trainer (Trainer): How a model is trained.
    n_words (int): Words of the corpus that people labelled.
    n_pseudo_words (int): Words of whole texts that only a model labelled, of which each pass sees a share.
    retrain_from, init_tok2vec (Path | None): As for `write_config`.
    model_before (Path | None): The round before's, to tell a training that collapsed by.
    with_members (bool): False where nothing will be read together, as after the last training.
    RETURNS (float): The seconds it took.
    RAISES (AlError): As `write_config`, `train_again`, `keep_checkpoints`, the trainer and `train_members`.
    """
    settings = training.settings
    rate = settings.self_training.rate if settings.self_training else None
    write_config(
        training.config,
        training.overrides,
        training.corpus,
        training.dev,
        training.folder,
        n_words=n_words + int((rate or 0) * n_pseudo_words),
        retrain_from=retrain_from,
        init_tok2vec=init_tok2vec,
        self_rate=rate,
        taught_rate=settings.teacher.train if settings.teacher else None,
        learner=training.learner,
        component=settings.component,
        code=training.code,
        measured=training.measured,
    )
    keep_checkpoints(settings, training.folder)
    seconds = trainer(training.folder)
    seconds += train_again(training.folder, trainer, model_before)
    # checkpoints are there by then, and are looked for in any case
    if with_members or settings.committee == "checkpoints":
        seconds += train_members(settings, training.folder, training.number, trainer)
    return seconds

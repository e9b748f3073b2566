"""The learner of a training in a simulation, as the loop would choose it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from spacy_al.config.learner import Learner
from spacy_al.config.settings import Settings
from spacy_al.processes.lock import locked
from spacy_al.simulation.plan import SimulationPlan
from spacy_al.simulation.step import Step
from spacy_al.training.learner import (
    ChosenLearner,
    choose_learner,
    compare_learners,
    learner_of,
    pool_vectors,
)
from spacy_al.training.round import TRAIN

POOL = "pool.spacy"
# Seconds that a process waits for the vectors of a pool, which another one makes
PATIENCE = 86_400.0


def step_learner(
    plan: SimulationPlan, settings: Settings, output: Path, step: Step, folder: Path, n_texts: int
) -> tuple[ChosenLearner, Learner | None]:
    """What a training learns with; None where the config names no encoder, and is trained as it is.

    settings (Settings): Of the strategy.
    output (Path): Of the simulation, with its pool.
    folder (Path): Of the training, whose corpus is written; beside those of all others.
    n_texts (int): In the corpus.
    RAISES (AlError): As `compare_learners`.
    """
    if settings.encoder is None:
        return ChosenLearner("scratch"), None

    def vectors() -> Path:
        # of several processes one makes them while the others wait, and none takes away what another reads
        with locked(folder.parent, PATIENCE):
            return pool_vectors(settings, output / POOL, output)

    def compare(names: Sequence[str]) -> dict[str, list[float]]:
        return compare_learners(
            names,
            settings=settings,
            config=plan.config,
            overrides={**plan.overrides, "training.seed": step.seed},
            corpus=folder / TRAIN,
            dev=plan.dev,
            folder=folder / ".learners",
            code=plan.code,
            vectors=vectors() if "vectors" in names else None,
        )

    before = ChosenLearner(**step.learner) if step.learner else None
    chosen = choose_learner(settings, n_texts, before, compare)
    made = vectors() if chosen.name == "vectors" else None
    learner = learner_of(settings, chosen.name, made)
    return replace(chosen, hash=learner.encoder.hash if learner.encoder else None), learner

"""The learner of a round of the loop: chosen, said and kept with the round."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from spacy_al.config.learner import Learner
from spacy_al.config.project import Project
from spacy_al.embeddings.shared import use_cache
from spacy_al.errors import AlError, Errors
from spacy_al.loop.corpus import RoundCorpus
from spacy_al.processes.pool import processes
from spacy_al.store.store import Store
from spacy_al.training.learner import (
    ChosenLearner,
    choose_learner,
    compare_learners,
    learner_of,
    pool_vectors,
)
from spacy_al.training.round import TRAIN


def round_learner(
    store: Store, project: Project, number: int, corpus: RoundCorpus
) -> tuple[ChosenLearner, Learner | None]:
    """What a round trains with; None where the project names no encoder, and the config is trained as it is.

    store (Store): Knows the learners of the rounds before.
    number (int): Of the round, whose corpus is written.
    RAISES (AlError): AL312 where the learner of the round before cannot be had, and as `compare_learners`.
    """
    settings = project.settings
    before = _before(store, number)
    if settings.encoder is None:
        if before is not None and before.name != "scratch":
            raise AlError(Errors.AL312.format(learner=before.name, path=project.config))
        return ChosenLearner("scratch"), None
    use_cache(settings.encodings)
    vectors = partial(_vectors, project)

    def compare(names: Any) -> dict[str, list[float]]:
        project.show(f"Round {number}: comparing the learners {', '.join(names)}")
        made = vectors() if "vectors" in names else None
        with processes(project.n_process) as pool:
            return compare_learners(
                names,
                settings=settings,
                config=project.config,
                overrides=project.overrides,
                corpus=project.folder(number) / TRAIN,
                dev=project.dev,
                folder=project.folder(number) / ".learners",
                code=project.code,
                vectors=made,
                do_all=pool.map,
            )

    chosen = choose_learner(settings, corpus.counts["texts"], before, compare)
    learner = learner_of(settings, chosen.name, vectors() if chosen.name == "vectors" else None)
    found = replace(chosen, hash=learner.encoder.hash if learner.encoder else None)
    if before is None or found.describe() != before.describe():
        project.show(f"Round {number}: {found.sentence}")
    return found, learner


def _before(store: Store, number: int) -> ChosenLearner | None:
    metrics = store.metrics()
    for earlier in range(number - 1, -1, -1):
        if kept := metrics.get(earlier, {}).get("learner"):
            return ChosenLearner(**kept)
    return None


def _vectors(project: Project) -> Path:
    assert project.settings.pool is not None
    return pool_vectors(project.settings, project.settings.pool, project.output)

"""The work that a process of a simulation is asked for, and what follows from what it found. Plain data."""

from dataclasses import dataclass, field, replace
from typing import Any, cast

from spacy_al.measures.simulated import Choice
from spacy_al.tasks.decision import Mark


@dataclass(frozen=True)
class Step:
    """The work that a process is asked for.

    strategy (str | None): Whose round; None for the start, which all strategies share, and for all of the corpus.
    seed, number (int): Of the round.
    batches (tuple[tuple[str, ...], ...]): Ids of the texts that were asked at first, and in each round since.
    overrides (dict | None): Of the config, to train on all of the corpus.
    asked (dict): Of texts that were asked about in part, the tokens.
    doubted (dict): Of texts about which only yes or no to some entities was asked, these.
    self_labels (dict): What the round before was sure of in the rest of them.
    self_texts (dict): Of texts that nobody was asked about, what it was sure of as a whole.
    learner (dict | None): What the round before learned with, as `ChosenLearner.describe` says it.
    """

    strategy: str | None
    seed: int
    number: int = 0
    batches: tuple[tuple[str, ...], ...] = ()
    overrides: tuple[tuple[str, Any], ...] | None = None
    asked: dict[str, list[int]] = field(default_factory=dict)
    doubted: dict[str, list[Mark]] = field(default_factory=dict)
    self_labels: dict[str, list[Mark]] = field(default_factory=dict)
    self_texts: dict[str, list[Mark]] = field(default_factory=dict)
    learner: dict[str, Any] | None = None


def followed(step: Step, row: Choice) -> Step:
    """The step after one, from what it found."""
    asked = dict(zip(row["batch"], row.get("asked", ())))
    return replace(
        step,
        number=step.number + 1,
        batches=(*step.batches, tuple(row["batch"])),
        asked=step.asked | {name: tokens for name, tokens in asked.items() if tokens is not None},
        doubted=step.doubted | row.get("doubted", {}),
        self_labels=row.get("self_labels", {}),
        self_texts=row.get("self_texts", {}),
        learner=cast(Any, row.get("learner", step.learner)),
    )

"""The numbers of simulations as plain data, with the keys that JSON has, so that the type checker sees them."""

from typing import Any, Literal, TypeAlias, TypedDict

from spacy_al.metrics import Calibrated, LearnedWith, SelfLabelled

# By what a simulation counts labelling
Cost: TypeAlias = Literal["words", "words_decided", "texts", "entities", "seconds"]


class LabelLearned(TypedDict, total=False):
    """F of each label on test, which results of older versions lack."""

    f_by_label: dict[str, float]


class Learned(LearnedWith, LabelLearned):
    """Numbers of a model of a simulation: what its labels cost so far, and its score on test."""

    texts: int
    words: int
    words_decided: int
    entities: int
    seconds: float
    trained_on: int
    score: float
    score_name: str
    labels: dict[str, int]
    merged: dict[str, int]
    seconds_train: float
    seconds_evaluate: float


class FullNumbers(Learned):
    """Those of the model that was trained on all of the corpus, and how the config was changed for it."""

    overrides: dict[str, Any]


class Choice(Calibrated, SelfLabelled, total=False):
    """The choice of a round of a simulation: `seconds_select` and `batch`, the ids of the texts; the rest where parts are asked about
    or models label themselves.

    asked (list): Of each text the tokens that it was asked about, or None for all of them.
    doubted, self_labels, self_texts (dict): (start, end, label) by text.
    """

    seconds_select: float
    batch: list[str]
    asked: list[list[int] | None]
    doubted: dict[str, list[tuple[int, int, str]]]
    self_labels: dict[str, list[tuple[int, int, str]]]
    self_texts: dict[str, list[tuple[int, int, str]]]
    self_wrong: int
    self_trained_wrong: int


class RoundNumbers(Learned, Choice):
    """A model of a simulation and what it chose; without a choice where nothing follows."""


class ResultRow(RoundNumbers):
    """A round of a strategy of a simulation, as results.jsonl has it."""

    strategy: str
    seed: int
    round: int

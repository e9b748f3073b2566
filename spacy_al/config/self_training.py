"""The block `[al.self_training]`: whole texts that the model is sure of train beside what people labelled, and not too often.

Pseudo-labels outnumber answers soon, and a model that learns its own mistakes keeps them (Yarowsky, 1995; Scudder, 1965). So
each round has its own, and training passes over most of them, other ones in each pass over the corpus.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from spacy_al.config.partial import read_block
from spacy_al.errors import Errors, UsageError
from spacy_al.kinds import FACTORIES

BOUNDS: dict[str, tuple[type, float, float]] = {
    "threshold": (float, 0, 1),
    "most": (float, 0, 1000),
    "rate": (float, 0, 1),
    "after": (int, 0, 1000),
}


@dataclass(frozen=True)
class SelfTraining:
    """Which texts a model labels itself, and how much they weigh.

    threshold (float): The least probability of a text's whole analysis, or of its category.
    most (float): So many times as many texts as people labelled, at most, of each kind of text; see `sure.sure_texts`.
    rate (float): The share of them that training sees in each pass over the corpus.
    after (int): The first round that trains on such texts.
    """

    threshold: float = 0.95
    most: float = 1.0
    rate: float = 0.1
    after: int = 1


def read_self_training(block: Any, refuse: Callable[[str, str, list[str]], Any]) -> SelfTraining:
    """The block of a config; see `read_block`."""
    return read_block(SelfTraining, "al.self_training", BOUNDS, {}, block, refuse)


def check_whole(factory: str | None) -> None:
    """RAISES (UsageError): AL280 for a component whose analysis of a text has no probability to be sure by."""
    whole = [name for name, row in FACTORIES.items() if row.is_sure_of_whole]
    if factory not in whole:
        raise UsageError(Errors.AL280.format(factory=factory, known=", ".join(whole)))

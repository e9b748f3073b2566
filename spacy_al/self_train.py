"""The block `[al.self_training]`: whole texts that the model is sure of train beside what people labelled, and not too often.

Pseudo-labels outnumber answers soon, and a model that learns its own mistakes keeps them (Yarowsky, 1995; Scudder, 1965). So
each round has its own, and training passes over most of them, other ones in each pass over the corpus.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy
import spacy
from spacy.tokens import Doc
from spacy.training import Example

from spacy_al.data.annotate import SELF
from spacy_al.errors import Errors, UsageError
from spacy_al.partial import read_block

# Factories of components whose whole analysis has a probability, and that can tell sure from unsure texts by it
WHOLE = ("ner", "beam_ner", "textcat")
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
    if factory not in WHOLE:
        raise UsageError(Errors.AL280.format(factory=factory, known=", ".join(WHOLE)))


@spacy.registry.batchers("spacy-al.batch_sampled.v1")
def make_batcher(
    batcher: Callable[[Iterable[Example]], Iterable[list[Example]]],
    rate: float = 0.1,
    seed: int = 0,
) -> Callable[[Iterable[Example]], Iterable[list[Example]]]:
    """Batches without most of the texts that nobody but a model has labelled.

    It is the batcher that samples, and no corpus reader, since spaCy reads a corpus once and batches it in each pass: a reader
    would leave out the same texts for good.

    batcher (Callable): Makes the batches of what is left.
    rate (float): The share of such texts that each pass over the corpus sees.
    seed (int): Of which.
    RETURNS (Callable): Takes the examples of one pass, and gives batches.
    RAISES (UsageError): AL221 for a rate that is none.
    """
    # written so that NaN is refused as well
    if not 0 <= rate <= 1:
        raise UsageError(Errors.AL221.format(value=rate))
    return partial(sampled, batcher, rate, numpy.random.default_rng(seed))


def sampled(
    batcher: Callable[[Iterable[Example]], Iterable[list[Example]]],
    rate: float,
    rng: numpy.random.Generator,
    examples: Iterable[Example],
) -> Iterator[list[Example]]:
    """The batches of one pass; see `make_batcher`."""
    yield from batcher(
        example
        for example in examples
        if not is_self_labelled(example.reference) or rng.random() < rate
    )


def is_self_labelled(doc: Doc) -> bool:
    """Whether nobody but a model has labelled any of a text."""
    return len(doc) > 0 and sum(len(span) for span in doc.spans.get(SELF, ())) == len(doc)

"""Taggers: a distribution over labels for every token."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy
from spacy.tokens import Doc
from spacy.util import minibatch

from spacy_al import registry
from spacy_al.metrics import Temperature
from spacy_al.posteriors.encoder import BATCH, check_encoded, check_finite, check_ready
from spacy_al.posteriors.notebook import tokens_table
from spacy_al.posteriors.outputs import exclusive_probs, output_kind
from spacy_al.posteriors.read import Reader
from spacy_al.posteriors.temperature import valid
from spacy_al.types import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """The belief of a tagger about each token of one document.

    labels (tuple[str, ...]): Tags; for a morphologizer features and part of speech in one string; for a
        sentence recogniser "I" and "S" (the token starts a sentence).
    token_probs (Floats): Shape (n_tokens, n_labels); rows sum to 1.
    """

    labels: tuple[str, ...]
    token_probs: Floats

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return tokens_table(f"{len(self.token_probs)} tokens.", self.labels, self.token_probs)


@registry.al_posteriors("spacy-al.tagger.v1")
def make_tagger_reader() -> Reader:
    """A reader of `tagger`, `morphologizer` and `senter`."""
    return partial(read_tokens)


def read_tokens(pipe: Any, docs: Sequence[Doc], temperature: Temperature) -> list[Tokens]:
    """The posterior of a tagger, morphologizer or sentence recogniser for each doc.

    pipe (Tagger): The component.
    docs (Sequence[Doc]): Docs that carry encoder output if the component listens for it. Not changed.
    temperature (Temperature): Divides the logits.
    RETURNS (list[Tokens]): One per doc, in order.
    RAISES (AlError): AL004, AL005, AL007, AL010, AL012.
    """
    temperature = valid(temperature)
    check_ready(pipe)
    check_encoded(pipe, docs)
    labels = tuple(pipe.labels)
    found = [doc for doc in docs if len(doc)]
    probs: Floats = numpy.zeros((0, len(labels)))
    if found:
        scores = numpy.concatenate(list(_scores(pipe, found)))
        probs = exclusive_probs(scores, output_kind(pipe.model), temperature, pipe)
    ends = numpy.cumsum([len(doc) for doc in docs], dtype="int64")
    return [Tokens(labels, probs[end - len(doc) : end]) for doc, end in zip(docs, ends)]


def _scores(pipe: Any, docs: Sequence[Doc]) -> Iterator[Floats]:
    # The component's own `predict` keeps only the best label of each token
    for batch in minibatch(docs, BATCH):
        with numpy.errstate(
            over="ignore", invalid="ignore"
        ):  # `check_finite` says which doc it was
            rows = pipe.model.ops.xp.vstack(pipe.model.predict(batch))
        yield check_finite(rows, pipe, batch, [len(doc) for doc in batch])

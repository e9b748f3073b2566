"""spaCy's beam search read as a posterior: the other way to probabilities of entities."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy
from spacy.tokens import Doc
from spacy.util import minibatch

from spacy_al.types import Floats

Span = tuple[int, int, str]
# Docs of like length together, as the greedy parser takes them
BATCH = 256


@dataclass(frozen=True)
class BeamPosterior:
    """The analyses that are left in the beam of one document.

    probs (Floats): (n_analyses,) the beam's own probabilities, the best analysis first.
    entities (tuple): Of each analysis.
    """

    probs: Floats
    entities: tuple[tuple[Span, ...], ...]

    def at(self, temperature: float) -> "BeamPosterior":
        """p^(1/T), brought to a sum of 1 over the beam."""
        with numpy.errstate(divide="ignore"):
            logp = numpy.log(self.probs) / temperature
        weights = numpy.exp(logp - logp.max())
        return BeamPosterior(weights / weights.sum(), self.entities)

    @cached_property
    def spans(self) -> dict[Span, float]:
        """Every entity in the beam with its probability: the sum over the analyses that have it."""
        found: defaultdict[Span, float] = defaultdict(float)
        for prob, entities in zip(self.probs.tolist(), self.entities):
            for span in entities:
                found[span] += prob
        return {span: min(prob, 1.0) for span, prob in found.items()}

    @property
    def best_prob(self) -> float:
        return float(self.probs.max())

    @property
    def entropy(self) -> float:
        """Over the analyses in the beam, in nats."""
        kept = self.probs[self.probs > 0]
        return float(-(kept * numpy.log(kept)).sum())


def beam_posteriors(pipe: Any, docs: Sequence[Doc], width: int) -> list[BeamPosterior]:
    """One posterior per doc; the docs have been through what comes before the component."""
    found: list[BeamPosterior | None] = [None] * len(docs)
    for rows, beams in parse(pipe, docs, width):
        for row, beam in zip(rows, beams):
            parses = pipe.moves.get_beam_parses(beam)
            probs = numpy.array([prob for prob, _ in parses])
            found[row] = BeamPosterior(probs, tuple(tuple(spans) for _, spans in parses))
    return found  # type: ignore[return-value]


def parse(pipe: Any, docs: Sequence[Doc], width: int) -> Any:
    """Batches of rows and their beams."""
    by_length = sorted(range(len(docs)), key=lambda row: len(docs[row]))
    for rows in minibatch(by_length, BATCH):
        yield rows, pipe.beam_parse([docs[row] for row in rows], beam_width=width)

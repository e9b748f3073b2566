"""The exact posterior of `beam_ner`: a globally normalised model over the same states.

Beam training maximises the probability of whole analyses, exp(sum of scores) / Z, and spaCy approximates Z by what is left in
the beam. Here Z is a sum over all analyses: a semi-Markov CRF (Sarawagi and Cohen, 2004).
"""

from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any

import numpy
from spacy.tokens import Doc

from spacy_al import registry
from spacy_al.lattice import Chain, normalize
from spacy_al.metrics import Temperature
from spacy_al.posteriors.entities import EntityPosterior
from spacy_al.posteriors.entity_batch import ReaderSettings, Source
from spacy_al.posteriors.ner import read_batches, read_head
from spacy_al.posteriors.temperature import entity_temperatures
from spacy_al.types import Bools, Floats, Ints

MAX_LENGTH = 100


@registry.al_posteriors("spacy-al.beam_ner.v1")
def make_beam_ner(max_length: int = MAX_LENGTH) -> Any:
    """A reader of `beam_ner`.

    max_length (int): Longest entity that is followed, in tokens.
    """
    return partial(read_beam_entities, max_length=max_length)


def read_beam_entities(
    pipe: Any,
    docs: Sequence[Doc],
    temperature: Temperature = 1.0,
    *,
    max_length: int = MAX_LENGTH,
    presets: bool = True,
) -> list[EntityPosterior]:
    """The posterior of each doc. The docs have been through what comes before the component; they are not changed."""
    temperatures = entity_temperatures(temperature, most=2)
    # beam search and training apply the ReLU that the greedy parse leaves out
    head = read_head(pipe, docs if presets else (), relu=True)
    settings = ReaderSettings(temperatures, 0.0, max_length)
    return read_batches(pipe, docs, head, partial(BeamSource, settings=settings), presets)


class BeamSource(Source):
    """The scores of a batch as log weights, brought to the form of a chain by a backward pass."""

    is_greedy = False

    @cached_property
    def log_steps(self) -> tuple[Floats, Floats, Floats]:
        """Log weights with nothing open: begin, unit (n_tokens, n_labels), out (n_tokens,); -inf where invalid."""
        actions, rules = self.features.head.actions, self.constraints
        scores = self.closed.astype(numpy.float64) / self.settings.temperatures.closed
        begin = numpy.where(rules.begin, scores[:, actions.columns["B"]], -numpy.inf)
        unit = numpy.where(rules.unit, scores[:, actions.columns["U"]], -numpy.inf)
        return begin, unit, numpy.where(rules.out, scores[:, actions.out], -numpy.inf)

    @cached_property
    def log_chunks(self) -> tuple[Ints, Ints, Floats]:
        """First token, last token, and log weights per label of all longer entities up to the longest allowed."""
        begin, _, _ = self.log_steps
        rule = self.constraints.odds
        start = numpy.flatnonzero(~numpy.isneginf(begin).all(axis=1))
        weight, token = begin[start], start
        firsts, lasts, weights = [start[:0]], [start[:0]], [weight[:0]]
        length = 1
        while len(start):
            token, length = token + 1, length + 1
            inside, last = (
                s / self.settings.temperatures.open for s in self.features.inside_last(token, start)
            )
            firsts.append(start)
            lasts.append(token)
            weights.append(numpy.where(rule[token] == numpy.inf, -numpy.inf, weight + last))
            weight = numpy.where(rule[token] == -numpy.inf, -numpy.inf, weight + inside)
            alive = ~numpy.isneginf(weight).all(axis=1)
            if length >= self.settings.rows_per_token:
                # a preset entity goes on, however long it is
                alive &= (rule[token] == numpy.inf).any(axis=1)
            start, token, weight = start[alive], token[alive], weight[alive]
        return numpy.concatenate(firsts), numpy.concatenate(lasts), numpy.concatenate(weights)

    @cached_property
    def _normalized(self) -> tuple[Chain, Floats]:
        _, unit, out = self.log_steps
        return normalize(self.lengths, out, unit, *self.log_chunks, missed=self._missed)

    @cached_property
    def chain(self) -> Chain:
        return self._normalized[0]

    @cached_property
    def completion(self) -> Floats:
        return self._normalized[1]

    @property
    def _missed(self) -> Floats:
        """Without local normalisation nothing is known of longer entities, so where some are left out the bound is 1."""
        return numpy.where(self.lengths > self.settings.rows_per_token, 1.0, 0.0)

    def log_weights(self, protected: Bools, followed: Ints) -> tuple[tuple[Any, ...], Floats]:
        _, unit, out = self.log_steps
        first, last, chunk = self.log_chunks
        weights = (self.lengths, out.copy(), unit.copy(), first, last, chunk.copy())
        return weights, self._missed

    def chunk_log_weight(self, first: int, last: int, label: int) -> float:
        tokens = numpy.arange(first + 1, last + 1)
        starts = numpy.full(len(tokens), first)
        inside, closing = (
            s[:, label] / self.settings.temperatures.open
            for s in self.features.inside_last(tokens, starts)
        )
        rule = self.constraints.odds[tokens, label]
        if (rule[:-1] == -numpy.inf).any() or rule[-1] == numpy.inf:
            return -numpy.inf
        return float(self.log_steps[0][first, label] + inside[:-1].sum(dtype=float) + closing[-1])

"""The posterior of one document: entities, tokens, whole analyses."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy

from spacy_al.errors import AlError, Errors
from spacy_al.lattice import Analysis, Chain, nbest, normalize, sample
from spacy_al.posteriors.conditions import Conditions
from spacy_al.posteriors.notebook import spans_table
from spacy_al.posteriors.span_view import FLOOR, SpanProb, SpanView
from spacy_al.types import Floats


class EntityPosterior:
    """The belief of an entity recogniser about one document. Everything is computed when it is asked for.

    labels (tuple[str, ...]): The entity labels, sorted.
    """

    def __init__(self, source: Any, index: int, answers: Conditions | None = None) -> None:
        self.source, self.index = source, index
        self.labels: tuple[str, ...] = source.labels
        self.answers = answers
        self._slice = slice(int(source.offsets[index]), int(source.offsets[index + 1]))

    def __len__(self) -> int:
        return self._slice.stop - self._slice.start

    def __repr__(self) -> str:
        return (
            f"<EntityPosterior: {len(self)} tokens, entropy {self.entropy:.3f}, {self.spans[:3]!r}>"
        )

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        title = f"{len(self)} tokens. The most probable analysis has {self.best_prob:.3f}, the entropy of all of them is {self.entropy:.2f} nats."
        return spans_table(title, self.spans)

    @property
    def _chain(self) -> Chain:
        return self.source.chain

    @property
    def token_probs(self) -> Floats:
        """(n_tokens, n_labels + 1): probability of being inside an entity of each label; last, outside. Rows sum to 1."""
        return self._chain.token_probs[self._slice]

    @property
    def entropy(self) -> float:
        """Entropy over all analyses of the document, in nats."""
        return float(self._chain.entropy[self.index])

    @property
    def best_prob(self) -> float:
        """Probability of the most probable analysis; of a long document 0, see `best_logprob`."""
        return float(numpy.exp(self.best_logprob))

    @property
    def best_logprob(self) -> float:
        """Log probability of the most probable analysis."""
        return float(self._chain.best_logprob[self.index])

    @property
    def missed_mass(self) -> float:
        """Bound on the error of every probability: that of all analyses that were not followed."""
        return float(min(self._chain.missed[self.index], 1))

    @property
    def expected_errors(self) -> float:
        """Expected wrong entities if `greedy` were accepted: its own that are none, and others that it leaves out."""
        if self.follows_parse:
            return float(self.source.expected_errors[self.index])
        mass = float(self._chain.span_mass[self.index])
        return max(mass + sum(1 - 2 * span.prob for span in self.greedy), 0.0)

    @cached_property
    def _one(self) -> Chain:
        return self._chain.document(self.index)

    @cached_property
    def spans(self) -> SpanView:
        """Every entity from a probability of 1e-6 up, most probable first."""
        return self.above(FLOOR)

    def above(self, floor: float, *, ordered: bool = True) -> SpanView:
        """Every entity of at least this probability, most probable first; in no order if that is not wanted."""
        bounds, *columns = self.source.listed(floor, ordered=ordered)
        rows = slice(bounds[self.index], bounds[self.index + 1])
        first, last, label, prob = (column[rows] for column in columns)
        base = self._slice.start
        return SpanView(first - base, last + 1 - base, label, prob, self.labels)

    @property
    def span_probs(self) -> Floats:
        """(n_candidates,) the probabilities of `spans`."""
        return self.spans.prob

    def prob(self, start: int, end: int, label: str) -> float:
        """The probability of an entity, cut or not.

        start, end (int): Token offsets, the end exclusive.
        RETURNS (float): 0.0 for what the model or the document does not allow.
        RAISES (AlError): AL009 if the offsets are not in the document.
        """
        if not 0 <= start < end <= len(self):
            raise AlError(Errors.AL009.format(start=start, end=end, length=len(self)))
        if label not in self.labels:
            return 0.0
        k = self.labels.index(label)
        one, row = self._one, self._row(start, end)
        if end - start == 1:
            return float(one.unit_marginals[start, k])
        if row is not None:
            return float(one.chunk_marginals[row, k])
        reach = self._chain.reach[self._slice.start + self.index + start]
        return float(reach * numpy.exp(self._cut_logprob(start, end, k)))

    def logprob(self, entities: Iterable[tuple[int, int, str]]) -> float:
        """Log probability of a whole analysis: these entities, cut or not, and no others.

        Closed states forget what came before them, so it is a sum of what follows on each.

        entities (Iterable): (start, end, label) over tokens, the end exclusive, in any order.
        RETURNS (float): At most 0; -inf for what the model or the document does not allow, such as entities that overlap.
        RAISES (AlError): AL009 for offsets outside the document.
        """
        one, total, position = self._one, 0.0, 0
        with numpy.errstate(divide="ignore"):
            for start, end, label in sorted({*entities}):
                if not 0 <= start < end <= len(self):
                    raise AlError(Errors.AL009.format(start=start, end=end, length=len(self)))
                if start < position or label not in self.labels:
                    return -numpy.inf
                k, row = self.labels.index(label), self._row(start, end)
                total += float(numpy.log(one.outside[position:start]).sum())
                if end - start == 1:
                    total += float(numpy.log(one.unit[start, k]))
                elif row is not None:
                    total += float(numpy.log(one.chunk[row, k]))
                else:
                    total += self._cut_logprob(start, end, k)
                position = end
            total += float(numpy.log(one.outside[position:]).sum())
        # of what cannot be reached the difference of two completions is no number
        return -numpy.inf if numpy.isnan(total) else min(total, 0.0)

    def _row(self, start: int, end: int) -> int | None:
        """The row of a longer entity among the chunks of the document; None if it was cut."""
        one = self._one
        rows = slice(*numpy.searchsorted(one.first, (start, start + 1)))
        row = rows.start + int(numpy.searchsorted(one.last[rows], end - 1))
        return row if row < rows.stop and one.last[row] == end - 1 else None

    def _cut_logprob(self, start: int, end: int, label: int) -> float:
        """Log probability of an entity that was cut, given that nothing is open before it."""
        if self.answers is not None and self.answers.forbids(start, end, label):
            return -numpy.inf
        base = self._slice.start
        node = base + self.index
        logp = float(self.source.chunk_log_weight(base + start, base + end - 1, label))
        return logp + float(
            self.source.completion[node + end] - self.source.completion[node + start]
        )

    def free_prob(self, start: int, end: int) -> float:
        """The probability that no entity touches these tokens.

        start, end (int): Token offsets, the end exclusive.
        RAISES (AlError): AL009 if the offsets are not in the document.
        """
        if not 0 <= start < end <= len(self):
            raise AlError(Errors.AL009.format(start=start, end=end, length=len(self)))
        one = self._one
        return float(one.reach[start] * one.outside[start:end].prod())

    @property
    def best(self) -> list[SpanProb]:
        """The entities of the most probable analysis, in order, each with its own probability.

        RAISES (AlError): AL014 if every analysis was cut.
        """
        found = nbest(self._one, 1)
        if not found:
            raise AlError(Errors.AL014)
        return self._with_probs(found[0][1])

    def nbest(self, k: int) -> list[tuple[float, list[SpanProb]]]:
        """The `k` most probable analyses (fewer if there are no more), each as its probability and its entities."""
        return [
            (float(numpy.exp(logp)), self._with_probs(found)) for logp, found in nbest(self._one, k)
        ]

    def analyses(self, k: int) -> tuple[Floats, list[tuple[tuple[int, int, str], ...]]]:
        """The `k` most probable analyses (fewer if there are no more): probabilities that fall, and entities in order of each, (start, end, label).

        It is `nbest` without the probabilities of single entities.
        """
        found = nbest(self._one, k)
        named = [tuple((i, j, self.labels[label]) for i, j, label in one) for _, one in found]
        return numpy.exp([logp for logp, _ in found]), named

    @cached_property
    def greedy(self) -> list[SpanProb]:
        """The entities that spaCy's greedy parse sets (for a beam or conditioned posterior: those of `best`)."""
        if not self.follows_parse:
            return self.best
        first, last, label = self.source.greedy_spans
        rows = slice(*numpy.searchsorted(first, (self._slice.start, self._slice.stop)))
        starts = first[rows] - self._slice.start
        ends = last[rows] - self._slice.start + 1
        # read off the whole batch at once; an entity that was cut is computed
        probs = self.source.greedy_probs[rows].tolist()
        found = zip(starts.tolist(), ends.tolist(), (self.labels[k] for k in label[rows]), probs)
        return [SpanProb(i, j, name, p or self.prob(i, j, name)) for i, j, name, p in found]

    def sample(self, rng: numpy.random.Generator) -> list[SpanProb]:
        """The entities of one analysis, drawn with its probability."""
        return self._with_probs(sample(self._one, rng))

    def condition(
        self, accept: Iterable[Any] = (), reject: Iterable[Any] = (), outside: Iterable[int] = ()
    ) -> EntityPosterior:
        """The posterior given answers, by Bayes' rule; on top of answers given before.

        accept, reject (Iterable): Entities that are right or wrong: (start, end, label), or anything with these attributes.
        outside (Iterable[int]): Tokens that belong to no entity.
        RETURNS (EntityPosterior): A new posterior; this one stays.
        RAISES (AlError): AL006 if the answers have probability zero, AL009 for offsets outside the document.
        """
        answers = Conditions.of(self, accept, reject, outside)
        source = self.source.document(self.index)
        weights, missed = source.log_weights(answers.touched, answers.followed)
        answers.apply(weights)
        chain, completion = normalize(*weights)
        total = completion[0]
        if numpy.isneginf(total):
            raise AlError(Errors.AL006.format(name="this model", why=answers.describe(self.labels)))
        # log P(answers); weights that are not normalised are, once divided by the sum without answers
        given = total - source.completion[0]
        with numpy.errstate(divide="ignore"):
            chain.missed = numpy.exp(numpy.minimum(numpy.log(missed) - given, 0))
        source.chain, source.completion = chain, completion
        return EntityPosterior(source, 0, answers)

    @property
    def follows_parse(self) -> bool:
        """Whether `greedy` is what the parser itself writes."""
        return self.answers is None and self.source.is_greedy

    def _with_probs(self, analysis: Analysis) -> list[SpanProb]:
        return [
            SpanProb(start, end, self.labels[k], self.prob(start, end, self.labels[k]))
            for start, end, k in analysis
        ]

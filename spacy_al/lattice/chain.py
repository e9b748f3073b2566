"""The distribution over segmentations: sums, marginals, entropy, conditioning, all for a whole batch at once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise

import numpy

from spacy_al.lattice.order import grouped
from spacy_al.types import Floats, Ints


class Chain:
    """Probabilities of the steps out of every closed state, for a batch of documents laid flat.

    lengths (Ints): (n_docs,) tokens of each document.
    outside (Floats): (n_tokens,) probability of leaving the token outside.
    unit (Floats): (n_tokens, n_labels) of making it an entity of its own.
    first, last (Ints): (n_chunks,) first and last token of longer entities.
    chunk (Floats): (n_chunks, n_labels) their probabilities, given a closed state before `first`.
    missed (Floats | None): (n_docs,) bound on the probability of all analyses that are left out; by default what
        the steps lack to 1, weighed by how probable it is to come by.
    """

    def __init__(
        self,
        lengths: Ints,
        outside: Floats,
        unit: Floats,
        first: Ints,
        last: Ints,
        chunk: Floats,
        *,
        cut: Floats | None = None,
        missed: Floats | None = None,
    ) -> None:
        self.lengths, self.outside, self.unit = lengths, outside, unit
        order = grouped(first)
        self.first, self.last, self.chunk = first[order], last[order], chunk[order]
        self.offsets = numpy.concatenate(([0], numpy.cumsum(lengths)))
        self.doc_of = numpy.repeat(numpy.arange(len(lengths)), lengths)
        # a document of n tokens has n + 1 closed states: before each token, and at its end
        self.node = numpy.arange(len(outside)) + self.doc_of
        self._cut, self._missed = cut, missed

    @cached_property
    def reach(self) -> Floats:
        """(n_tokens + n_docs,) probability that the analysis is closed there: the forward recursion."""
        step, chunk = self.outside + row_sums(self.unit), row_sums(self.chunk)
        return self._sweep(step, chunk, numpy.add, numpy.multiply, (0.0, 1.0))

    @cached_property
    def best_logprob(self) -> Floats:
        """(n_docs,) log probability of the most probable analysis (Viterbi, 1967); a long one's probability underflows."""
        with numpy.errstate(divide="ignore"):
            step = numpy.log(numpy.maximum(self.outside, self.unit.max(axis=1, initial=0)))
            chunk = numpy.log(self.chunk.max(axis=1, initial=0))
        value = self._sweep(step, chunk, numpy.maximum, numpy.add, (-numpy.inf, 0.0))
        return numpy.minimum(value[self.offsets[1:] + numpy.arange(len(self.lengths))], 0)

    @cached_property
    def missed(self) -> Floats:
        """(n_docs,) bound on the probability that was cut, and so on the error of every probability here."""
        if self._missed is not None:
            return self._missed
        if self._cut is None:
            return numpy.zeros(len(self.lengths))
        return self._per_doc(self.reach[self.node] * self._cut)

    @cached_property
    def unit_marginals(self) -> Floats:
        """(n_tokens, n_labels) probability that the token is an entity of its own."""
        return self.unit * self.reach[self.node, None]

    @cached_property
    def chunk_marginals(self) -> Floats:
        """(n_chunks, n_labels) probability of each longer entity."""
        return self.chunk * self.reach[self.node[self.first], None]

    @cached_property
    def token_probs(self) -> Floats:
        """(n_tokens, n_labels + 1) probability that the token is inside an entity of each label; last, outside."""
        n_tokens, n_labels = self.unit.shape
        probs = numpy.empty((n_tokens, n_labels + 1))
        # an entity adds its probability where it starts and takes it away behind its end; the sum over tokens so far
        # is then the probability of being inside
        label = numpy.arange(n_labels)
        size = (n_tokens + 1) * n_labels
        mass = self.chunk_marginals.ravel()
        opened = numpy.bincount((self.first[:, None] * n_labels + label).ravel(), mass, size)
        closed = numpy.bincount(
            (self.last[:, None] * n_labels + label + n_labels).ravel(), mass, size
        )
        inside = numpy.cumsum((opened - closed).reshape(-1, n_labels), axis=0)[:-1]
        probs[:, :-1] = numpy.maximum(inside, 0) + self.unit_marginals
        total = probs[:, :-1].sum(axis=1)
        # the sum may pass 1 by rounding
        probs[:, :-1] /= numpy.maximum(total, 1)[:, None]
        probs[:, -1] = numpy.maximum(1 - total, 0)
        return probs

    @cached_property
    def entropy(self) -> Floats:
        """(n_docs,) entropy of the distribution over analyses in nats, by the chain rule over closed states."""
        plogp = _plogp(self.outside) + _plogp(self.unit).sum(axis=1)
        if len(self.first):
            plogp += numpy.bincount(self.first, _plogp(self.chunk).sum(axis=1), len(plogp))
        return numpy.maximum(-self._per_doc(self.reach[self.node] * plogp), 0)

    @cached_property
    def span_mass(self) -> Floats:
        """(n_docs,) expected number of entities."""
        mass = self.unit_marginals.sum(axis=1)
        if len(self.first):
            mass += numpy.bincount(self.first, self.chunk_marginals.sum(axis=1), len(mass))
        return self._per_doc(mass)

    def marginal(self, first: Ints, last: Ints, label: Ints) -> Floats:
        """Probabilities of entities given by their first and last tokens; 0 for those that were cut."""
        probs = numpy.where(first == last, self.unit_marginals[first, label], 0.0)
        if len(self.first):
            size = len(self.node)
            key = (
                self.first * size + self.last
            )  # ascending: starts are sorted, and the ends of each
            row = numpy.minimum(numpy.searchsorted(key, first * size + last), len(key) - 1)
            probs += numpy.where(
                key[row] == first * size + last, self.chunk_marginals[row, label], 0.0
            )
        return probs

    def document(self, index: int) -> Chain:
        """One document as a batch of its own."""
        start, end = self.offsets[index], self.offsets[index + 1]
        low, high = numpy.searchsorted(self.first, (start, end))
        return Chain(
            self.lengths[index : index + 1],
            self.outside[start:end],
            self.unit[start:end],
            self.first[low:high] - start,
            self.last[low:high] - start,
            self.chunk[low:high],
            missed=self.missed[index : index + 1],
        )

    def _per_doc(self, values: Floats) -> Floats:
        return numpy.asarray(numpy.bincount(self.doc_of, values, len(self.lengths)), dtype=float)

    def _sweep(
        self,
        step: Floats,
        chunk: Floats,
        combine: numpy.ufunc,
        extend: numpy.ufunc,
        units: tuple[float, float],
    ) -> Floats:
        """Carry values from every document's beginning to its end, all documents side by side.

        `combine` and `extend` are the sum and the product of a semiring, `units` its zero and one.
        """
        value = numpy.full(len(self.node) + len(self.lengths), units[0])
        value[self.offsets[:-1] + numpy.arange(len(self.lengths))] = units[1]
        source, target = self.node[self.first], self.node[self.last] + 1
        for tokens, chunks in zip(self.by_position(None), self.by_position(self.last)):
            here = self.node[tokens]
            value[here + 1] = extend(value[here], step[tokens])
            if len(chunks):
                combine.at(value, target[chunks], extend(value[source[chunks]], chunk[chunks]))
        return value

    def by_position(self, tokens: Ints | None) -> Iterator[Ints]:
        """Rows grouped by the position in its document of the token they name (None: the tokens themselves)."""
        position = numpy.arange(len(self.node)) - self.offsets[self.doc_of]
        if tokens is not None:
            position = position[tokens]
        order = grouped(position)
        bounds = numpy.searchsorted(position[order], numpy.arange(self.lengths.max(initial=0) + 1))
        return (order[low:high] for low, high in pairwise(bounds))


def normalize(
    lengths: Ints,
    outside: Floats,
    unit: Floats,
    first: Ints,
    last: Ints,
    chunk: Floats,
    missed: Floats | None = None,
) -> tuple[Chain, Floats]:
    """The chain of a distribution that is given by unnormalised log weights: a backward recursion.

    The arguments are as for Chain, but log weights, -inf for what is impossible.
    RETURNS (tuple): The chain, and (n_tokens + n_docs,) the log of the sum over all completions of each closed state:
        at a document's first state that over all its analyses, -inf where there is none.
    """
    shape = Chain(lengths, outside, unit, first, last, chunk)
    first, last, chunk = shape.first, shape.last, shape.chunk
    with numpy.errstate(divide="ignore", invalid="ignore"):
        step = numpy.logaddexp(outside, numpy.logaddexp.reduce(unit, axis=1))
        whole = numpy.logaddexp.reduce(chunk, axis=1)
        value = numpy.zeros(len(shape.node) + len(lengths))
        source, target = shape.node[first], shape.node[last] + 1
        groups = list(zip(shape.by_position(None), shape.by_position(first)))
        for tokens, chunks in reversed(groups):
            here = shape.node[tokens]
            value[here] = step[tokens] + value[here + 1]
            if len(chunks):
                numpy.logaddexp.at(value, source[chunks], whole[chunks] + value[target[chunks]])
        # states that no complete analysis passes get probability 0, not nan
        base = numpy.where(numpy.isneginf(value), 0, value)
        move = (value[shape.node + 1] - base[shape.node])[:, None]
        chain = Chain(
            lengths,
            numpy.exp(outside + move[:, 0]),
            numpy.exp(unit + move),
            first,
            last,
            numpy.exp(chunk + (value[target] - base[source])[:, None]),
            missed=missed,
        )
    return chain, value


def row_sums(values: Floats) -> Floats:
    """(n, k) -> (n,) sums. A product takes a fraction of the time of `sum` where rows are short."""
    return values @ numpy.ones(values.shape[1])


def _plogp(probs: Floats) -> Floats:
    return probs * numpy.log(numpy.where(probs > 0, probs, 1))

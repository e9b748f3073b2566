"""The scores of a batch of documents under an entity recogniser, and the chain that is made of them."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from warnings import warn

import numpy

from spacy_al.errors import AlWarning, Warnings
from spacy_al.lattice import Chain, Chunks, expand
from spacy_al.lattice.order import grouped, sorted_in_groups
from spacy_al.posteriors.constraints import Constraints
from spacy_al.posteriors.entity_scores import Features
from spacy_al.posteriors.temperature import EntityTemperatures
from spacy_al.types import Bools, Floats, Ints

ROUNDING = 1e-9


@dataclass(frozen=True)
class ReaderSettings:
    """How a batch is read: the temperatures, and where to cut."""

    temperatures: EntityTemperatures
    epsilon: float
    rows_per_token: int


class Source:
    """The scores of a batch, from which its chain is made, once as it is and again for conditioning on answers."""

    # whether `greedy` follows the scores as spaCy's greedy parse does
    is_greedy = True
    # whether sums over features are forgotten once the chain is made
    releases = True

    def __init__(
        self,
        features: Features,
        constraints: Constraints,
        lengths: Ints,
        *,
        settings: ReaderSettings,
    ) -> None:
        self.features, self.constraints, self.lengths, self.settings = (
            features,
            constraints,
            lengths,
            settings,
        )
        self.labels = features.head.actions.labels
        self.doc_of = numpy.repeat(numpy.arange(len(lengths)), lengths)
        self.offsets = numpy.concatenate(([0], numpy.cumsum(lengths)))
        self._listed: dict[tuple[float, bool], tuple[Ints, Ints, Ints, Ints, Floats]] = {}

    def at(self, temperatures: EntityTemperatures, *, keep: bool = False) -> "Source":
        """The same batch at other temperatures, nothing encoded anew.

        keep (bool): Do not forget what does not depend on the temperature: for one who will ask for many.
        """
        settings = replace(self.settings, temperatures=temperatures)
        other = type(self)(self.features, self.constraints, self.lengths, settings=settings)
        other.closed, other.greedy_actions = self.closed, self.greedy_actions
        other.releases = not keep
        return other

    @cached_property
    def closed(self) -> Floats:
        """(n_tokens, n_actions) scores with nothing open."""
        return self.features.closed()

    @cached_property
    def steps(self) -> tuple[Floats, Floats, Floats]:
        """Probabilities with nothing open: begin (n_tokens, n_labels), unit (n_tokens, n_labels), out (n_tokens,)."""
        actions, rules = self.features.head.actions, self.constraints
        n_labels = len(self.labels)
        scores = numpy.full((len(self.closed), 2 * n_labels + 1), -numpy.inf)
        columns = numpy.concatenate((actions.columns["B"], actions.columns["U"], [actions.out]))
        valid = numpy.concatenate((rules.begin, rules.unit, rules.out[:, None]), axis=1)
        numpy.divide(
            self.closed[:, columns], self.settings.temperatures.closed, out=scores, where=valid
        )
        self._begin_apart(scores)
        # nothing is valid inside a preset entity, where no parse is ever closed: probability 0 for all
        scores -= numpy.maximum(scores.max(axis=1, keepdims=True), -1e300)
        probs = numpy.exp(scores, out=scores)
        probs /= numpy.maximum(probs.sum(axis=1, keepdims=True), 1e-300)
        return probs[:, :n_labels], probs[:, n_labels:-1], probs[:, -1]

    def _begin_apart(self, scores: Floats) -> None:
        """Where an entity is most probable to begin, divide by temperatures of its own whether one does, and which. Changes its argument.

        scores (Floats): (n_tokens, n_actions) at the temperature of closed states, out last.
        """
        closed, _, begin, label = self.settings.temperatures
        if begin is None or label is None:
            return
        rows = numpy.flatnonzero(scores[:, :-1].max(axis=1, initial=-numpy.inf) > scores[:, -1])
        raw = scores[rows] * closed
        entity = raw[:, :-1]
        odds = numpy.logaddexp.reduce(entity, axis=1) - raw[:, -1]
        entity /= label
        entity -= numpy.logaddexp.reduce(entity, axis=1, keepdims=True)
        raw[:, -1] = -odds / begin
        scores[rows] = raw

    @cached_property
    def greedy_actions(self) -> tuple[Ints, Ints]:
        """The greedy parse's action at each token if nothing is open: label it begins, label of a unit; else -1."""
        actions, rules = self.features.head.actions, self.constraints
        scores = numpy.full(self.closed.shape, -numpy.inf, dtype=self.closed.dtype)
        label_of = {}
        for move, valid in (("B", rules.begin), ("U", rules.unit)):
            columns = actions.columns[move]
            scores[:, columns] = numpy.where(valid, self.closed[:, columns], -numpy.inf)
            label_of[move] = numpy.full(len(actions.seen), -1)
            label_of[move][columns] = numpy.arange(len(columns))
        scores[:, actions.out] = numpy.where(rules.out, self.closed[:, actions.out], -numpy.inf)
        best = scores.argmax(axis=1)  # spaCy too takes the first of equals
        return label_of["B"][best], label_of["U"][best]

    def expand(self, protected: Bools | None = None, followed: Ints | None = None) -> Chunks:
        """Longer entities, given a closed state before them."""
        settings = self.settings
        return expand(
            self.steps[0],
            self.features.odds,
            self.constraints.odds,
            self.doc_of,
            self.lengths,
            epsilon=settings.epsilon,
            rows_per_token=settings.rows_per_token,
            temperature=settings.temperatures.open,
            greedy_label=self.greedy_actions[0],
            protected=protected,
            followed=followed,
        )

    @cached_property
    def chunks(self) -> Chunks:
        return self.expand()

    @cached_property
    def chain(self) -> Chain:
        """The distribution over the analyses of each document."""
        _, unit, out = self.steps
        chunks = self.chunks
        if self.releases:
            self.features.release()
        chain = Chain(self.lengths, out, unit, *chunks.flat, cut=chunks.cut)
        most = 2 * self.settings.rows_per_token
        # of a shorter document the rows of all open entities fit in
        if (long := self.lengths > most).any():
            promised = self.settings.epsilon * self.lengths[long]
            if (chain.missed[long] > promised + ROUNDING).any():
                warn(Warnings.W003.format(most=most), AlWarning, stacklevel=2)
        return chain

    def possible(self, floor: float) -> tuple[Ints, Ints, Ints, Floats]:
        """Entities of at least this probability, in no order: first token, last token, label index, probability."""
        chain = self.chain
        token, unit_label, unit_prob = _at_least(chain.unit_marginals, floor)
        row, chunk_label, chunk_prob = _at_least(chain.chunk_marginals, floor)
        return (
            numpy.concatenate((token, chain.first[row])),
            numpy.concatenate((token, chain.last[row])),
            numpy.concatenate((unit_label, chunk_label)),
            numpy.concatenate((unit_prob, chunk_prob)),
        )

    def listed(
        self, floor: float, *, ordered: bool = True
    ) -> tuple[Ints, Ints, Ints, Ints, Floats]:
        """Entities of at least this probability, document by document: where each document's begin and where the last one's
        end, then first token, last token, label index and probability of each.

        ordered (bool): The most probable of a document first. Without that they are in no order, and found in half of the time.
        """
        if (floor, ordered) not in self._listed:
            first, last, label, prob = self.possible(floor)
            doc = self.doc_of[first]
            # one key for the rest of the order
            rest = (first * len(self.doc_of) + last) * max(len(self.labels), 1) + label
            order = sorted_in_groups(doc, prob, rest) if ordered else grouped(doc)
            counts = numpy.bincount(doc, minlength=len(self.lengths))
            found = first[order], last[order], label[order], prob[order]
            self._listed[floor, ordered] = numpy.append(0, numpy.cumsum(counts)), *found
        return self._listed[floor, ordered]

    def log_weights(self, protected: Bools, followed: Ints) -> tuple[tuple[Any, ...], Floats]:
        """Log weights for `lattice.normalize`, nothing cut at protected tokens, and (n_docs,) what is missed."""
        _, unit, out = self.steps
        chunks = self.expand(protected, followed)
        first, last, chunk = chunks.flat
        missed = Chain(self.lengths, out, unit, first, last, chunk, cut=chunks.cut).missed
        with numpy.errstate(divide="ignore"):
            return (
                self.lengths,
                numpy.log(out),
                numpy.log(unit),
                first,
                last,
                numpy.log(chunk),
            ), missed

    @cached_property
    def completion(self) -> Floats:
        """(n_tokens + n_docs,) log weight of all completions from each closed state: 0 where steps are normalised."""
        return numpy.zeros(len(self.doc_of) + len(self.lengths))

    def chunk_log_weight(self, first: int, last: int, label: int) -> float:
        """Log weight of an entity of two tokens or more, whether it was cut or not."""
        tokens = numpy.arange(first + 1, last + 1)
        odds = self.features.odds(tokens, numpy.full(len(tokens), first))[:, label].astype(
            numpy.float64
        )
        rule = self.constraints.odds[tokens, label]
        odds = numpy.where(numpy.isnan(rule), odds, rule) / self.settings.temperatures.open
        inside = -numpy.logaddexp(0, -odds[:-1]).sum()
        with numpy.errstate(divide="ignore"):
            return float(
                numpy.log(self.steps[0][first, label]) + inside - numpy.logaddexp(0, odds[-1])
            )

    @cached_property
    def greedy_spans(self) -> tuple[Ints, Ints, Ints]:
        """The greedy parse of all documents: first token, last token, label index of each entity."""
        begins, units = self.greedy_actions
        last = numpy.where(begins >= 0, self.chunks.greedy_end, numpy.arange(len(begins)))
        position, stop = self.offsets[:-1].copy(), self.offsets[1:]
        visited = numpy.zeros(len(begins), dtype=bool)
        while (running := position < stop).any():
            here = position[running]
            visited[here] = True
            for token in here[last[here] < 0]:
                last[token] = self._close(int(token))
            position[running] = last[here] + 1
        label = numpy.maximum(begins, units)
        first = numpy.flatnonzero(visited & (label >= 0))
        return first, last[first], label[first]

    @cached_property
    def greedy_probs(self) -> Floats:
        """(n_entities,) probabilities of the entities of the greedy parse; 0 for those that were cut."""
        return self.chain.marginal(*self.greedy_spans)

    @cached_property
    def expected_errors(self) -> Floats:
        """(n_docs,) entities of the greedy parse that are none, plus others, in expectation."""
        first, lost = self.greedy_spans[0], 1 - 2 * self.greedy_probs
        gained = numpy.bincount(self.doc_of[first], lost, len(self.lengths))
        return numpy.maximum(self.chain.span_mass + gained, 0)

    def _close(self, first: int) -> int:
        """Where the greedy parse closes an entity that the expansion cut."""
        label = self.greedy_actions[0][first]
        end = self.offsets[self.doc_of[first] + 1]
        for block in range(first + 1, end, 64):
            tokens = numpy.arange(block, min(block + 64, end))
            odds = self.features.odds(tokens, numpy.full(len(tokens), first))[:, label]
            rule = self.constraints.odds[tokens, label]
            closing = numpy.flatnonzero(numpy.where(numpy.isnan(rule), odds, rule) < 0)
            if len(closing):
                return int(tokens[closing[0]])
        return int(end - 1)

    def document(self, index: int) -> "Source":
        """One document as a batch of its own."""
        rows = slice(self.offsets[index], self.offsets[index + 1])
        rules = self.constraints
        features = Features(self.features.head, self.features.vectors[rows])
        one = Constraints(rules.begin[rows], rules.unit[rows], rules.out[rows], rules.odds[rows])
        return type(self)(features, one, self.lengths[index : index + 1], settings=self.settings)


def _at_least(values: Floats, floor: float) -> tuple[Ints, Ints, Floats]:
    """Rows and columns of values that reach a floor, and these: as `nonzero`, in a quarter of the time."""
    flat = numpy.flatnonzero(values >= floor)
    row = flat // max(values.shape[1], 1)
    return row, flat - row * values.shape[1], values.ravel()[flat]

"""The exact posterior of spaCy's standard entity recogniser.

Its action scores depend only on the token read next and on the start of the open entity, so the greedy parser is a
locally normalised semi-Markov model (Sarawagi and Cohen, 2004), and sums over all analyses are a forward recursion.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any
from warnings import warn

import numpy
from spacy.tokens import Doc

from spacy_al import registry
from spacy_al.errors import AlWarning, Warnings
from spacy_al.lattice import Chain, Chunks, expand
from spacy_al.posteriors.constraints import Constraints
from spacy_al.posteriors.encoder import check_encoded, check_ready, finite
from spacy_al.posteriors.entities import EntityPosterior
from spacy_al.posteriors.head import Actions, Features, Head
from spacy_al.posteriors.temperature import Temperature, closed_open
from spacy_al.posteriors.view import FLOOR
from spacy_al.types import Bools, Floats, Ints

# At most 1e-3 in 200 tokens, since at most this much is cut for each token
EPSILON = 5e-6
# Enough to follow every entity to the end in documents of up to 200 tokens
ROWS_PER_TOKEN = 100
# Documents are encoded and scored this many tokens at a time: about what the caches of a core hold
BATCH_TOKENS = 3000


@registry.al_posteriors("spacy-al.ner.v1")
def make_ner(epsilon: float = EPSILON, rows_per_token: int = ROWS_PER_TOKEN) -> Any:
    """A reader of the standard `ner` component.

    epsilon (float): Open entities below this probability are cut, see `missed_mass`.
    rows_per_token (int): Open entities that are followed per token at most.
    """
    return partial(read_entities, epsilon=epsilon, rows_per_token=rows_per_token)


def read_entities(
    pipe: Any,
    docs: Sequence[Doc],
    temperature: Temperature = 1.0,
    *,
    epsilon: float = EPSILON,
    rows_per_token: int = ROWS_PER_TOKEN,
    presets: bool = True,
) -> list[EntityPosterior]:
    """The posterior of each doc. The docs have been through what comes before the component; they are not changed.

    presets (bool): Whether entities on the docs constrain the analysis, as they do in spaCy.
    """
    closed, opened = closed_open(temperature)
    head = read_head(pipe)
    if head.n_pieces == 1:
        warn(Warnings.W002.format(name=pipe.name), AlWarning, stacklevel=2)
    settings = Settings(closed, opened, epsilon, rows_per_token)
    return read_batches(pipe, docs, head, partial(Source, settings=settings), presets)


def read_head(pipe: Any, *, relu: bool = False) -> Head:
    """RAISES (AlError): AL007 if the component has no labels or no weights yet."""
    check_ready(pipe)
    return Head(pipe.model, Actions.of(pipe), relu=relu)


def read_batches(
    pipe: Any, docs: Sequence[Doc], head: Head, source: Any, presets: bool
) -> list[EntityPosterior]:
    """Encode docs of like length together, and make the posteriors of each batch from `source`."""
    check_encoded(pipe, docs)
    found: list[EntityPosterior | None] = [None] * len(docs)
    dropped: set[str] = set()
    n_dropped = 0
    for rows in by_length(docs):
        batch = [docs[i] for i in rows]
        lengths = numpy.array([len(doc) for doc in batch])
        constraints = Constraints.of(batch, head.actions, presets=presets)
        vectors = pipe.model.ops.to_numpy(pipe.model.get_ref("tok2vec").predict(batch))
        finite(vectors, pipe, batch, lengths)
        filled = source(head.features(vectors), constraints, lengths)
        finite(filled.closed, pipe, batch, lengths)
        for i, row in enumerate(rows):
            found[row] = EntityPosterior(filled, i)
        dropped |= constraints.dropped
        n_dropped += constraints.n_dropped
    if n_dropped:
        labels = ", ".join(sorted(dropped - {""})) or "none unknown"
        warn(
            Warnings.W001.format(count=n_dropped, name=pipe.name, labels=labels),
            AlWarning,
            stacklevel=3,
        )
    empty = None
    for row, posterior in enumerate(found):
        if posterior is None:
            if empty is None:
                empty = _empty(head, source)
            found[row] = EntityPosterior(empty, 0)
    return found  # type: ignore[return-value]


def by_length(docs: Sequence[Doc], size: int = BATCH_TOKENS) -> Iterator[list[int]]:
    """Indices of docs of like length, some `size` tokens together; empty docs in none."""
    batch: list[int] = []
    n_tokens = 0
    for i in sorted(range(len(docs)), key=lambda i: len(docs[i])):
        if not len(docs[i]):
            continue
        if batch and n_tokens + len(docs[i]) > size:
            yield batch
            batch, n_tokens = [], 0
        batch.append(i)
        n_tokens += len(docs[i])
    if batch:
        yield batch


@dataclass(frozen=True)
class Settings:
    """How a batch is read: the two temperatures, and where to cut."""

    closed: float
    opened: float
    epsilon: float
    rows_per_token: int


class Source:
    """The scores of a batch, from which its chain is made, once as it is and again for conditioning on answers."""

    # whether `greedy` follows the scores as spaCy's greedy parse does
    is_greedy = True

    def __init__(
        self, features: Features, constraints: Constraints, lengths: Ints, *, settings: Settings
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

    def at(self, closed: float, opened: float) -> "Source":
        """The same batch at other temperatures, nothing encoded anew."""
        settings = replace(self.settings, closed=closed, opened=opened)
        other = type(self)(self.features, self.constraints, self.lengths, settings=settings)
        other.closed = self.closed
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
        numpy.divide(self.closed[:, columns], self.settings.closed, out=scores, where=valid)
        # nothing is valid inside a preset entity, where no parse is ever closed: probability 0 for all
        scores -= numpy.maximum(scores.max(axis=1, keepdims=True), -1e300)
        probs = numpy.exp(scores, out=scores)
        probs /= numpy.maximum(probs.sum(axis=1, keepdims=True), 1e-300)
        return probs[:, :n_labels], probs[:, n_labels:-1], probs[:, -1]

    @cached_property
    def greedy_actions(self) -> tuple[Ints, Ints]:
        """What the greedy parse does at each token if nothing is open: label it begins, label of a unit; else -1."""
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

    def expand(self, protected: Bools | None = None) -> Chunks:
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
            temperature=settings.opened,
            greedy_label=self.greedy_actions[0],
            protected=protected,
        )

    @cached_property
    def chunks(self) -> Chunks:
        return self.expand()

    @cached_property
    def chain(self) -> Chain:
        """The distribution over the analyses of each document."""
        _, unit, out = self.steps
        return Chain(self.lengths, out, unit, *self.chunks.flat, cut=self.chunks.cut)

    @cached_property
    def listed(self) -> tuple[Ints, Ints, Ints, Floats]:
        """First token, last token, label index and probability of all entities worth listing, by document, then
        the most probable first."""
        chain = self.chain
        token, unit_label = numpy.nonzero(chain.unit_marginals >= FLOOR)
        row, chunk_label = numpy.nonzero(chain.chunk_marginals >= FLOOR)
        first = numpy.concatenate((token, chain.first[row]))
        last = numpy.concatenate((token, chain.last[row]))
        label = numpy.concatenate((unit_label, chunk_label))
        prob = numpy.concatenate(
            (chain.unit_marginals[token, unit_label], chain.chunk_marginals[row, chunk_label])
        )
        order = numpy.lexsort((label, last, first, -prob, self.doc_of[first]))
        return first[order], last[order], label[order], prob[order]

    @cached_property
    def listed_docs(self) -> Ints:
        """The document of each entity that is listed, ascending."""
        return self.doc_of[self.listed[0]]

    def log_weights(self, protected: Bools) -> tuple[tuple[Any, ...], Floats]:
        """Log weights for `lattice.normalize`, nothing cut at protected tokens, and (n_docs,) what is missed."""
        _, unit, out = self.steps
        chunks = self.expand(protected)
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
        odds = numpy.where(numpy.isnan(rule), odds, rule) / self.settings.opened
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
    def expected_errors(self) -> Floats:
        """(n_docs,) entities of the greedy parse that are none, plus others, in expectation."""
        first, last, label = self.greedy_spans
        prob = self.chain.marginal(first, last, label)
        gained = numpy.bincount(self.doc_of[first], 1 - 2 * prob, len(self.lengths))
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
        one = Constraints(
            rules.begin[rows], rules.unit[rows], rules.out[rows], rules.odds[rows], set()
        )
        return type(self)(features, one, self.lengths[index : index + 1], settings=self.settings)


def _empty(head: Head, source: Any) -> Source:
    """The batch of one document without tokens."""
    n_labels = len(head.actions.labels)
    none = numpy.zeros((0, n_labels), dtype=bool)
    rules = Constraints(none, none, numpy.zeros(0, dtype=bool), numpy.zeros((0, n_labels)), set())
    return source(
        head.features(numpy.zeros((0, head.weights.shape[0]), dtype="f")), rules, numpy.array([0])
    )

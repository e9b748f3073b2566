"""The exact posterior of spaCy's standard entity recogniser.

Its action scores depend only on the token read next and on the start of the open entity, so the greedy parser is a
locally normalised semi-Markov model (Sarawagi and Cohen, 2004), and sums over all analyses are a forward recursion.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any
from warnings import warn

import numpy
from spacy.attrs import ENT_TYPE
from spacy.tokens import Doc

from spacy_al import registry
from spacy_al.errors import AlWarning, Warnings
from spacy_al.metrics import Temperature
from spacy_al.posteriors.constraints import Constraints
from spacy_al.posteriors.encoder import check_encoded, check_finite, check_ready
from spacy_al.posteriors.entities import EntityPosterior
from spacy_al.posteriors.entity_batch import ReaderSettings, Source
from spacy_al.posteriors.entity_scores import Actions, Head
from spacy_al.posteriors.temperature import entity_temperatures

# At most 1e-3 in 200 tokens, since at most this much is cut for each token
EPSILON = 5e-6
# Enough to follow every entity to the end in documents of up to 800 tokens, and in longer ones as long as entities close after some
# dozens of tokens: with 100, models that close slowly missed more than is promised in documents of 1,200
ROWS_PER_TOKEN = 400
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
    temperatures = entity_temperatures(temperature)
    head = read_head(pipe, docs if presets else ())
    if head.n_pieces == 1:
        warn(Warnings.W002.format(name=pipe.name), AlWarning, stacklevel=2)
    settings = ReaderSettings(temperatures, epsilon, rows_per_token)
    return read_batches(pipe, docs, head, partial(Source, settings=settings), presets)


def read_head(pipe: Any, docs: Sequence[Doc], *, relu: bool = False) -> Head:
    """The layers above the vectors, with actions for the labels of entities that are preset on docs.

    RAISES (AlError): AL007 if the component has no labels or no weights yet.
    """
    check_ready(pipe)
    types = [doc.to_array([ENT_TYPE]) for doc in docs if len(doc)]
    preset: Any = numpy.unique(numpy.concatenate(types)) if types else ()
    # a component that comes from another pipeline keeps the strings of that one
    labels = [docs[0].vocab.strings[label] for label in preset if label]
    return Head(pipe.model, Actions.of(pipe, labels), relu=relu)


def read_batches(
    pipe: Any, docs: Sequence[Doc], head: Head, source: Any, presets: bool
) -> list[EntityPosterior]:
    """Encode docs of like length together, and make the posteriors of each batch from `source`."""
    check_encoded(pipe, docs)
    found: list[EntityPosterior | None] = [None] * len(docs)
    n_dropped = 0
    for rows in by_length(docs):
        batch = [docs[i] for i in rows]
        lengths = numpy.array([len(doc) for doc in batch])
        constraints = Constraints.of(batch, head.actions, presets=presets)
        vectors = pipe.model.ops.to_numpy(pipe.model.get_ref("tok2vec").predict(batch))
        check_finite(vectors, pipe, batch, lengths)
        filled = source(head.features(vectors), constraints, lengths)
        check_finite(filled.closed, pipe, batch, lengths)
        for i, row in enumerate(rows):
            found[row] = EntityPosterior(filled, i)
        n_dropped += constraints.n_dropped
    if n_dropped:
        warn(Warnings.W001.format(count=n_dropped, name=pipe.name), AlWarning, stacklevel=3)
    empty = None
    for row, posterior in enumerate(found):
        if posterior is None:
            if empty is None:
                empty = _empty(head, source)
            found[row] = EntityPosterior(empty, 0)
    return found  # type: ignore[return-value]


def by_length(docs: Sequence[Doc]) -> Iterator[list[int]]:
    """Indices of docs of like length, some BATCH_TOKENS tokens together; empty docs in none."""
    batch: list[int] = []
    n_tokens = 0
    for i in sorted(range(len(docs)), key=lambda i: len(docs[i])):
        if not len(docs[i]):
            continue
        if batch and n_tokens + len(docs[i]) > BATCH_TOKENS:
            yield batch
            batch, n_tokens = [], 0
        batch.append(i)
        n_tokens += len(docs[i])
    if batch:
        yield batch


def _empty(head: Head, source: Any) -> Source:
    """The batch of one document without tokens."""
    n_labels = len(head.actions.labels)
    none = numpy.zeros((0, n_labels), dtype=bool)
    rules = Constraints(none, none, numpy.zeros(0, dtype=bool), numpy.zeros((0, n_labels)))
    return source(head.features(numpy.zeros((0, head.n_in), dtype="f")), rules, numpy.array([0]))

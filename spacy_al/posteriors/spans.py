"""Span categorisation: a probability for every candidate span and label."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy
from spacy.tokens import Doc
from spacy.util import minibatch

from spacy_al import registry
from spacy_al.errors import AlError, Errors
from spacy_al.metrics import Temperature
from spacy_al.posteriors.encoder import BATCH, check_encoded, check_finite, check_ready
from spacy_al.posteriors.notebook import spans_table
from spacy_al.posteriors.outputs import exclusive_probs, independent_probs, output_kind
from spacy_al.posteriors.read import Reader
from spacy_al.posteriors.span_view import FLOOR, SpanView
from spacy_al.posteriors.temperature import valid
from spacy_al.types import Floats, Ints


@dataclass(frozen=True, eq=False)
class Spans:
    """The belief of a span categoriser about the candidate spans of one document.

    labels (tuple[str, ...]): The labels, without the negative one.
    start (Ints): Shape (n_candidates,), first tokens, in the suggester's order.
    end (Ints): Shape (n_candidates,), one past the last tokens.
    probs (Floats): Shape (n_candidates, n_labels). If exclusive, a row and its `negative` sum to 1.
    negative (Floats | None): Shape (n_candidates,), the probability that a candidate is nothing, where the
        component learns that as a label of its own (`spancat_singlelabel`).
    exclusive (bool): Whether a span has at most one label.
    length (int): Number of tokens of the document.
    """

    labels: tuple[str, ...]
    start: Ints
    end: Ints
    probs: Floats
    negative: Floats | None
    exclusive: bool
    length: int

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        title = f"{self.length} tokens, {len(self.start)} candidate spans. Spans may overlap."
        return spans_table(title, self.spans)

    @property
    def span_probs(self) -> Floats:
        """Shape (n_candidates * n_labels,), candidate by candidate."""
        return self.probs.ravel()

    @cached_property
    def spans(self) -> SpanView:
        """Every (span, label) that is not next to impossible, most probable first."""
        return self.above(FLOOR)

    def above(self, floor: float, *, ordered: bool = True) -> SpanView:
        """Every (span, label) of at least this probability, most probable first; in no order if that is not wanted."""
        row, label = numpy.nonzero(self.probs >= floor)
        make = SpanView.sorted if ordered else SpanView
        return make(self.start[row], self.end[row], label, self.probs[row, label], self.labels)

    def prob(self, start: int, end: int, label: str) -> float:
        """The probability of one labelled span.

        start (int): First token.
        end (int): One past the last token.
        label (str): The label.
        RETURNS (float): 0.0 if the suggester does not suggest the span, or the component lacks the label.
        RAISES (AlError): AL009 if the document has no such span.
        """
        if not 0 <= start < end <= self.length:
            raise AlError(Errors.AL009.format(start=start, end=end, length=self.length))
        rows = numpy.flatnonzero((self.start == start) & (self.end == end))
        if not len(rows) or label not in self.labels:
            return 0.0
        return float(self.probs[rows[0], self.labels.index(label)])


@registry.al_posteriors("spacy-al.spancat.v1")
def make_spancat_reader() -> Reader:
    """A reader of `spancat` and `spancat_singlelabel`."""
    return partial(read_spans)


def read_spans(pipe: Any, docs: Sequence[Doc], temperature: Temperature) -> list[Spans]:
    """The posterior of a span categoriser for each doc: all its candidates, not only those above its threshold.

    Labels are exclusive if the scorer ends in a softmax, as in `spancat_singlelabel`; where the last layer is not
    known, if the component has a negative label. A candidate that is suggested twice counts once.

    pipe (SpanCategorizer): The component.
    docs (Sequence[Doc]): Docs that carry what the encoder and the suggester look for. Not changed.
    temperature (Temperature): Divides the logits.
    RETURNS (list[Spans]): One per doc, in order.
    RAISES (AlError): AL004, AL005, AL007, AL010, AL012.
    """
    temperature = valid(temperature)
    check_ready(pipe)
    check_encoded(pipe, docs)
    kind = output_kind(pipe.model)
    has_negative = bool(pipe.add_negative_label)
    exclusive = kind == "softmax" or (kind != "logistic" and has_negative)
    to_probs = exclusive_probs if exclusive else independent_probs
    labels = tuple(pipe.labels)
    n_columns = len(labels) + has_negative
    nothing = numpy.zeros((0, 2), dtype="int32"), numpy.zeros((0, n_columns), dtype="float32")
    candidates = _candidates(pipe, [doc for doc in docs if len(doc)])
    posteriors = []
    for doc in docs:
        indices, scores = next(candidates) if len(doc) else nothing
        if not len(indices):
            indices, scores = nothing
        probs = to_probs(scores, kind, temperature, pipe)
        negative = probs[:, -1] if has_negative else None
        start, end = indices[:, 0], indices[:, 1]
        found = Spans(labels, start, end, probs[:, : len(labels)], negative, exclusive, len(doc))
        posteriors.append(found)
    return posteriors


def _candidates(pipe: Any, docs: Sequence[Doc]) -> Iterator[tuple[Ints, Floats]]:
    """The candidates (n, 2) and the scores (n, n_columns) of each doc."""
    ops = pipe.model.ops
    for batch in minibatch(docs, BATCH):
        with numpy.errstate(
            over="ignore", invalid="ignore"
        ):  # `check_finite` says which doc it was
            ragged, raw = pipe.predict(batch)
        lengths = ops.to_numpy(ragged.lengths)
        indices, scores = ops.to_numpy(ragged.dataXd), check_finite(raw, pipe, batch, lengths)
        ends = numpy.cumsum(lengths, dtype="int64")
        for start, end in zip(ends - lengths, ends):
            yield _distinct(indices[start:end], scores[start:end])


def _distinct(indices: Ints, scores: Floats) -> tuple[Ints, Floats]:
    """Each candidate once: a suggester that reads `doc.spans` meets a span with two labels twice."""
    if not len(indices):
        return indices, scores
    keys = indices[:, 0].astype("int64") << 32 | indices[:, 1]
    _, first = numpy.unique(keys, return_index=True)
    if len(first) == len(indices):
        return indices, scores
    first.sort()
    return indices[first], scores[first]

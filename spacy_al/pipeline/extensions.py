"""`Doc._.al`, `Span._.al`, `Token._.al`: read-only views over one plain dict in `doc.user_data`.

What is stored is msgpack-able, so it survives `DocBin(store_user_data=True)`, `to_bytes` and `n_process`; the views are
made when they are asked for, and are None where nothing is stored or the document is no longer the one that was scored.
"""

import hashlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy
from spacy.attrs import ORTH, SPACY
from spacy.tokens import Doc, Span, Token

from spacy_al.pipeline.answer_sets import AnswerSet, unpacked_set
from spacy_al.posteriors.span_view import SpanView
from spacy_al.types import Floats

KEY = "al"


@dataclass(frozen=True)
class DocScore:
    """The scores that `al_scorer` found for a document. Where there are several, the last one's; `of` has the others.

    score (float): The acquisition score: higher means ask sooner.
    component (str): Whose posterior was read.
    acquisition (str): The acquisition that made the score.
    calibrated (bool): Whether a temperature fitted by `calibrate` was used.
    """

    score: float
    component: str
    acquisition: str
    calibrated: bool
    _entries: Mapping[str, Mapping[str, Any]] = field(repr=False)

    def of(self, component: str) -> "DocScore | None":
        """The scores that another component got in the same document; None if it got none."""
        return _view(self._entries, component) if component in self._entries else None

    @cached_property
    def token_scores(self) -> Floats | None:
        """(n_tokens,) entropy of each token's label in nats; None where the component has no token distribution."""
        stored = self._stored.get("entropies")
        return None if stored is None else numpy.frombuffer(stored, dtype="f4")

    @cached_property
    def spans(self) -> SpanView | None:
        """Entities or candidate spans from a probability of 1e-5 up, most probable first; None where the component has none."""
        if "spans" not in self._stored:
            return None
        stored = self._stored["spans"]
        start, end, label = (
            numpy.frombuffer(stored[key], dtype="i4") for key in ("start", "end", "label")
        )
        prob = numpy.frombuffer(stored["prob"], dtype="f4")
        return SpanView.sorted(start, end, label, prob, tuple(stored["labels"]))

    @cached_property
    def sets(self) -> AnswerSet | None:
        """The answers that hold what is right with a stated probability; None unless `calibrate --coverage` has fitted that."""
        stored = self._stored.get("sets")
        return None if stored is None else unpacked_set(stored)

    @property
    def _stored(self) -> Mapping[str, Any]:
        return self._entries[self.component]

    @cached_property
    def tags(self) -> list[tuple[str, float]] | None:
        """The most probable tag of each token with its probability; None where the component is no tagger."""
        stored = self._stored.get("tags")
        if stored is None:
            return None
        best = numpy.frombuffer(stored["best"], dtype="i4").tolist()
        probs = numpy.frombuffer(stored["prob"], dtype="f4").tolist()
        return [(stored["labels"][k], prob) for k, prob in zip(best, probs)]

    @property
    def probs(self) -> dict[str, float] | None:
        """Probability of each category; None where the component does not classify documents."""
        stored = self._stored.get("categories")
        return (
            None
            if stored is None
            else dict(zip(stored["labels"], numpy.frombuffer(stored["probs"]).tolist()))
        )


@dataclass(frozen=True, slots=True)
class TokenScore:
    """score (float): Entropy of the token's label in nats."""

    score: float


@dataclass(frozen=True, slots=True)
class SpanScore:
    """prob (float): Marginal probability of the span with its label; without a label, the sum over labels. Below 1e-5 it is
    not kept with the document, and 0 here."""

    prob: float


def store(doc: Doc, component: str, entry: dict[str, Any]) -> None:
    """Keep the scores of one component with a document."""
    entry |= {"length": len(doc), "hash": _tokens_hash(doc)}
    # a new dict, since a copied doc may share the old one; the component scored last comes last
    known = {name: old for name, old in doc.user_data.get(KEY, {}).items() if name != component}
    doc.user_data[KEY] = {**known, component: entry}


def packed_spans(spans: SpanView) -> dict[str, Any]:
    """A list of spans, in any order, as plain data."""
    arrays = {key: getattr(spans, key).astype("i4").tobytes() for key in ("start", "end", "label")}
    return {**arrays, "prob": spans.prob.astype("f4").tobytes(), "labels": list(spans.labels)}


def scores_of(doc: Doc, component: str | None = None) -> DocScore | None:
    """The view of one component's scores, by default of the component that was scored last."""
    entries = _entries(doc)
    name = next(reversed(entries), None) if component is None else component
    return _view(entries, name) if name in entries else None


def _entries(doc: Doc) -> dict[str, dict[str, Any]]:
    """Stored scores by component, the one scored last at the end; without what was stored for other tokens."""
    stored = doc.user_data.get(KEY)
    if not stored:
        return {}
    tokens = {"length": len(doc), "hash": _tokens_hash(doc)}
    return {name: entry for name, entry in stored.items() if tokens.items() <= entry.items()}


def _view(entries: Mapping[str, Mapping[str, Any]], name: str) -> DocScore:
    entry = entries[name]
    return DocScore(entry["score"], name, entry["acquisition"], entry["calibrated"], entries)


def _last_with(doc: Doc, key: str) -> DocScore | None:
    """The view of the component scored last among those that have tokens, or spans."""
    entries = _entries(doc)
    found = [name for name, entry in entries.items() if key in entry]
    return _view(entries, found[-1]) if found else None


def _tokens_hash(doc: Doc) -> bytes:
    """A hash of the text and its tokens. ORTH is itself a hash of the string, the same on every machine, and reading it is
    many times faster than building the text."""
    return hashlib.blake2b(doc.to_array([ORTH, SPACY]).tobytes(), digest_size=8).digest()


def _of_doc(doc: Doc) -> DocScore | None:
    return scores_of(doc)


def _of_token(token: Token) -> TokenScore | None:
    scores = _last_with(token.doc, "entropies")
    if scores is None or scores.token_scores is None:
        return None
    return TokenScore(float(scores.token_scores[token.i]))


def _of_span(span: Span) -> SpanScore | None:
    scores = _last_with(span.doc, "spans")
    if scores is None or scores.spans is None:
        return None
    found = scores.spans
    rows = (found.start == span.start) & (found.end == span.end)
    if span.label:
        rows &= found.label == (
            found.labels.index(span.label_) if span.label_ in found.labels else -1
        )
    return SpanScore(float(found.prob[rows].sum(dtype="f8")))


def register() -> None:
    """Set the three extensions. Getters are module-level functions, so docs travel between processes."""
    if not Doc.has_extension(KEY):
        Doc.set_extension(KEY, getter=_of_doc)
        Span.set_extension(KEY, getter=_of_span)
        Token.set_extension(KEY, getter=_of_token)
        # `Doc.from_docs` leaves it out, as it has to, and would print all of it, kilobytes a document
        warnings.filterwarnings("ignore", message=rf"\[W102\] .*'{KEY}: ")

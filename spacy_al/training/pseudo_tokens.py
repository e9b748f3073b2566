"""Tokens that nobody was asked about, labelled by the model where it is sure: semi-supervised active learning (Tomanek and Hahn, 2009).

Such labels train, and are nobody's answer: they are made anew each round, are in no store, and in a corpus that trains
they are marked by `SELF`. Unlike the paper's, they are conditioned on what was answered about the same text.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy
from spacy.tokens import Doc, Span

from spacy_al.config.partial import Partial
from spacy_al.config.project import Project
from spacy_al.errors import AlError
from spacy_al.metrics import SelfLabelled
from spacy_al.posteriors.component import TrainedComponent, open_component
from spacy_al.tasks.decision import INCORRECT, SELF, Mark, undecided


def self_labels(
    component: TrainedComponent, docs: Sequence[Doc], partial: Partial, *, kind: str
) -> tuple[list[list[Mark]], float]:
    """Labels that the model is sure of where the annotation of texts is missing.

    component (TrainedComponent): Of the latest model.
    docs (Sequence[Doc]): As answers left them; not changed.
    partial (Partial): From which probability on it is sure.
    kind (str): "entities" or "tags".
    RETURNS (tuple): Of each doc (start, end, label), the end exclusive, with the label "" for tokens outside of any entity; and how
        many of the tokens under them are wrong, if probabilities mean what they say. A doc whose answers the model holds
        to be impossible gets none.
    """
    found: list[list[Mark]] = [[] for _ in docs]
    partly = [row for row, doc in enumerate(docs) if undecided(doc, kind).any()]
    words = [[token.text for token in docs[row]] for row in partly]
    spaces = [[bool(token.whitespace_) for token in docs[row]] for row in partly]
    bare = [Doc(component.nlp.vocab, *parts) for parts in zip(words, spaces)]
    wrong = 0.0
    sure = _entities if kind == "entities" else _tags
    for row, posterior in zip(partly, component.marginals(bare, partial.temperature)):
        for mark, prob in sure(posterior, docs[row], partial.threshold):
            found[row].append(mark)
            wrong += (1 - prob) * (mark[1] - mark[0])
        found[row].sort()
    return found, wrong


def add_self_labels(doc: Doc, marks: Sequence[Mark], *, kind: str) -> None:
    """Write what the model is sure of beside what was answered, and mark it."""
    spans = [Span(doc, start, end, label=label) for start, end, label in marks]
    if not spans:
        return
    if kind == "tags":
        for start, _, label in marks:
            doc[start].tag_ = label
    else:
        outside = [span for span in spans if not span.label]
        doc.set_ents([s for s in spans if s.label], outside=outside, default="unmodified")
    doc.spans[SELF] = spans


def label_rest(project: Project, model: Path, docs: Sequence[Doc]) -> SelfLabelled:
    """Have the latest model label what answers left open, if there is one and the config says so; see `self_labels`.

    docs (Sequence[Doc]): As answers left them; changed.
    RETURNS (SelfLabelled): `self_labelled`: words; `self_wrong_expected`: how many of these are wrong, by its probabilities.
    """
    partial = project.settings.partial
    if partial is None or partial.rest != "self" or not model.is_dir():
        return {}
    component = open_component(
        str(model), project.settings.component, code=project.code_text, gpu_id=project.gpu_id
    )
    found, wrong = self_labels(component, docs, partial, kind=project.kind)
    for doc, marks in zip(docs, found):
        add_self_labels(doc, marks, kind=project.kind)
    words = sum(end - start for marks in found for start, end, _ in marks)
    return {"self_labelled": words, "self_wrong_expected": round(wrong, 3)}


def _entities(posterior: Any, doc: Doc, threshold: float) -> Iterator[tuple[Mark, float]]:
    free = undecided(doc, "entities")
    outside = [token.i for token in doc if token.ent_iob_ == "O"]
    try:
        given = posterior.condition(doc.ents, doc.spans.get(INCORRECT, ()), outside)
    except AlError:
        return
    # the most probable first: below one half, some could share a token
    for span in given.above(threshold):
        if free[span.start : span.end].all():
            free[span.start : span.end] = False
            yield (span.start, span.end, span.label), span.prob
    probs = given.token_probs[:, -1]
    sure = free & (probs >= threshold)
    for is_sure, run_of in groupby(range(len(doc)), key=lambda token: bool(sure[token])):
        tokens = list(run_of)
        if is_sure:
            yield (tokens[0], tokens[-1] + 1, ""), float(probs[tokens].mean())


def _tags(posterior: Any, doc: Doc, threshold: float) -> Iterator[tuple[Mark, float]]:
    probs = posterior.token_probs.max(axis=1, initial=0)
    labels = posterior.token_probs.argmax(axis=1) if len(doc) else ()
    for token in numpy.flatnonzero(undecided(doc, "tags") & (probs >= threshold)).tolist():
        yield (token, token + 1, posterior.labels[labels[token]]), float(probs[token])

"""The interval of a score on labelled texts: what is right, said and wanted of each text, drawn again."""

from collections.abc import Sequence
from typing import Any

import numpy
from spacy.tokens import Doc

from spacy_al.kinds import Factory
from spacy_al.measures.interval import f_interval


def score_interval(
    said: Sequence[Doc], gold: Sequence[Doc], row: Factory, key: str
) -> tuple[float, float] | None:
    """Where a score on other texts probably lies.

    said, gold (Sequence[Doc]): What a model says of each text, and what is right.
    row (Factory): Of the component.
    key (str): Where a span categoriser keeps its spans.
    RETURNS (tuple | None): As `f_interval`; None for categories of which several apply, whose score is no F, and for scores of tokens
        where texts are not cut alike.
    """
    if row.task in ("entities", "spans"):
        counts = [_spans(a, b, row.task, key) for a, b in zip(said, gold)]
    elif row.task == "tags" and row.attribute:
        if any(len(a) != len(b) for a, b in zip(said, gold)):
            return None
        counts = [_tags(a, b, row.attribute) for a, b in zip(said, gold)]
    elif row.task == "categories" and row.is_exclusive:
        return _categories(said, gold)
    else:
        return None
    return f_interval(*numpy.array(counts, dtype="f8").T)


def _spans(said: Doc, gold: Doc, task: str, key: str) -> tuple[int, int, int]:
    # by characters, as the two may be cut into other tokens
    found, wanted = (
        {
            (span.start_char, span.end_char, span.label_)
            for span in (doc.ents if task == "entities" else doc.spans.get(key, ()))
        }
        for doc in (said, gold)
    )
    return len(found & wanted), len(found), len(wanted)


def _tags(said: Doc, gold: Doc, attribute: str) -> tuple[int, int, int]:
    name = f"{attribute.lower()}_"
    pairs = [(getattr(a, name), getattr(b, name)) for a, b in zip(said, gold)]
    known = [(a, b) for a, b in pairs if b]
    return sum(a == b for a, b in known), len(known), len(known)


def _categories(said: Sequence[Doc], gold: Sequence[Doc]) -> tuple[float, float] | None:
    labels = sorted({label for doc in gold for label in doc.cats})
    place = {label: column for column, label in enumerate(labels)}

    def one_hot(docs: Sequence[Doc]) -> Any:
        rows = numpy.zeros((len(docs), len(labels)))
        for row, doc in enumerate(docs):
            best = max(doc.cats, key=lambda label: doc.cats[label], default=None)
            if best in place:
                rows[row, place[best]] = 1
        return rows

    found, wanted = one_hot(said), one_hot(gold)
    return f_interval(found * wanted, found, wanted)

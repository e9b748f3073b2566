"""Posteriors as a notebook shows them: a table of what is most probable."""

from collections.abc import Iterable, Sequence
from html import escape

import numpy

from spacy_al.posteriors.span_view import SpanView
from spacy_al.types import Floats

# Rows that are shown
MOST = 10


def spans_table(title: str, spans: SpanView) -> str:
    """The most probable labelled spans: tokens, label and probability. A posterior has no text, so spans are counted in tokens."""
    rows = [(f"tokens {s.start} to {s.end - 1}", s.label, s.prob) for s in spans[:MOST]]
    return table(title, ("Where", "Label", "Probability"), rows, len(spans))


def labels_table(title: str, labels: Sequence[str], probs: Floats) -> str:
    """The most probable labels of a text. probs (Floats): Shape (n_labels,)."""
    rows = [(labels[i], float(probs[i])) for i in numpy.argsort(-probs, kind="stable")[:MOST]]
    return table(title, ("Label", "Probability"), rows, len(labels))


def tokens_table(title: str, labels: Sequence[str], probs: Floats) -> str:
    """The tokens whose most probable label is least sure. probs (Floats): Shape (n_tokens, n_labels)."""
    best = probs.argmax(axis=1)
    sure = probs[numpy.arange(len(probs)), best]
    least = numpy.argsort(sure, kind="stable")[:MOST]
    rows = [(f"token {i}", labels[best[i]], float(sure[i])) for i in least]
    return table(title, ("Least sure", "Label", "Probability"), rows, len(probs))


def table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str | float]], n: int) -> str:
    """An HTML table; labels are text, never markup. n (int): Rows that there would be."""
    cells = [
        "".join(
            f"<td>{value:.3f}</td>" if isinstance(value, float) else f"<td>{escape(value)}</td>"
            for value in row
        )
        for row in rows
    ]
    more = f"<p>{n - len(cells):,} more</p>" if n > len(cells) else ""
    head = "".join(f"<th>{name}</th>" for name in heads)
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return f"<p>{escape(title)}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"

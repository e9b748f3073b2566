"""White space in spans: cut off at their edges, and a span of nothing else is none. spaCy's `debug data` calls both invalid."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from spacy.tokens import Doc, Span

# What is counted: spans whose edges were cut off, and those that were left out
TRIMMED, BLANK = "trimmed spans", "white space alone"
# Tags are given to white space as well
TRIMS = ("entities", "spans")


def trimmed(blank: Sequence[bool], start: int, end: int) -> tuple[int, int] | None:
    """A span without the white space at its edges; None where it is nothing else.

    blank (Sequence[bool]): Of each token of the text, whether it is white space.
    start, end (int): Over tokens, the end exclusive.
    """
    inside = [token for token in range(start, end) if not blank[token]]
    return (inside[0], inside[-1] + 1) if inside else None


def trim_marks(
    marks: Iterable[tuple[int, int, str]], blank: Sequence[bool]
) -> frozenset[tuple[int, int, str]]:
    """Marks (start, end, label) without white space at their edges, and without those of nothing else."""
    if not any(blank):
        return frozenset(marks)
    found = ((trimmed(blank, start, end), label) for start, end, label in marks)
    return frozenset((*span, label) for span, label in found if span)


def blank_tokens(tokens: Iterable[Mapping[str, Any]]) -> list[bool]:
    """Of each token of a task, whether it is white space."""
    return [token["text"].isspace() for token in tokens]


def trim_doc(doc: Doc, kind: str, spans_key: str) -> Counter[str]:
    """Cut white space off the entities or spans of a document, in place.

    kind (str): "entities" or "spans"; others have none.
    RETURNS (Counter): `TRIMMED` and `BLANK` spans.
    """
    counts: Counter[str] = Counter()
    if kind not in TRIMS:
        return counts
    # a bare vocab does not know which words are white space
    blank = [token.text.isspace() for token in doc]
    spans = doc.ents if kind == "entities" else doc.spans.get(spans_key, ())
    kept, outside = list[Span](), list[Span]()
    for span in spans:
        found = trimmed(blank, span.start, span.end)
        if found is None:
            counts[BLANK] += 1
            outside.append(doc[span.start : span.end])
        elif found == (span.start, span.end):
            kept.append(span)
        else:
            counts[TRIMMED] += 1
            first, last = found
            kept.append(Span(doc, first, last, label=span.label, kb_id=span.kb_id, span_id=span.id))
            outside += [doc[a:b] for a, b in ((span.start, first), (last, span.end)) if a < b]
    if counts and kind == "entities":
        doc.set_ents(kept, outside=outside, default="unmodified")
    elif counts:
        doc.spans[spans_key] = kept
    return counts

"""Texts that train as a teacher has them: with its weight, or accepted. Neither is ever a person's answer, and a person's takes its place."""

from collections.abc import Iterable, Sequence

from spacy.tokens import Doc, Span

from spacy_al.corpus.shard import ACCEPTED, TAUGHT, WEAK_KEY
from spacy_al.tasks.decision import Mark, undecided
from spacy_al.tasks.merge import count_labels


def label_taught(
    doc: Doc,
    marks: Iterable[Mark],
    *,
    kind: str,
    labels: Sequence[str],
    by: str = TAUGHT,
    spans_key: str = "sc",
) -> Doc | None:
    """Write onto a bare doc what a teacher says, and that it was the teacher.

    marks (Iterable[Mark]): Of the text.
    kind (str): "entities", "spans", "tags" or "categories".
    labels (Sequence[str]): Those of the run; marks with others are left out.
    by (str): TAUGHT, or ACCEPTED.
    spans_key (str): Where spans are.
    RETURNS (Doc | None): None where nothing is left that could train: of tags none at all, or no category.
    """
    own = [mark for mark in marks if mark[2] in labels]
    if kind == "categories":
        applies = {label for _, _, label in own}
        doc.cats = {label: float(label in applies) for label in labels}
    elif kind == "tags":
        for start, _, label in own:
            doc[start].tag_ = label
    else:
        spans = [Span(doc, start, end, label=label) for start, end, label in own]
        if kind == "entities":
            doc.set_ents(spans)
        else:
            doc.spans[spans_key] = spans
    doc.user_data[WEAK_KEY] = [by]
    return None if kind in ("categories", "tags") and not own else doc


def taught_by(doc: Doc) -> str | None:
    """Who but a person has labelled a doc of a corpus: TAUGHT or ACCEPTED; None for anybody else."""
    found = [*doc.user_data.get(WEAK_KEY, ())]
    return found[0] if len(found) == 1 and found[0] in (TAUGHT, ACCEPTED) else None


def is_right(doc: Doc, marks: Iterable[Mark], *, kind: str, spans_key: str = "sc") -> bool | None:
    """Whether a teacher has said of a text just what people have answered.

    doc (Doc): As answers left it.
    marks (Iterable[Mark]): What the teacher says, over its tokens.
    RETURNS (bool | None): None where people have decided a part of it alone.
    """
    if undecided(doc, kind).any():
        return None
    if kind == "categories":
        return {label for _, _, label in marks} == {*count_labels(doc, kind)}
    if kind == "tags":
        tags = {start: label for start, _, label in marks}
        return all(token.tag_ == tags.get(token.i, token.tag_) for token in doc)
    spans = doc.ents if kind == "entities" else doc.spans.get(spans_key, ())
    return {*marks} == {(span.start, span.end, span.label_) for span in spans}

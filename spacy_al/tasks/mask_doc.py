"""A labelled doc in which texts are hidden: the same tokens and labels, and of the words nothing that a mask hides."""

from typing import Any

from spacy.attrs import (
    DEP,
    ENT_ID,
    ENT_IOB,
    ENT_KB_ID,
    ENT_TYPE,
    HEAD,
    MORPH,
    POS,
    SENT_START,
    TAG,
)
from spacy.tokens import Doc, Span, SpanGroup

from spacy_al.tasks.mask import Mask

# Not lemmas and norms, which are words
LABELS = [ENT_IOB, ENT_TYPE, ENT_ID, ENT_KB_ID, TAG, POS, MORPH]


def mask_doc(doc: Doc, mask: Mask) -> Doc:
    """A doc with all labels, and without lemmas, norms and `user_data`, which may quote the text.

    doc (Doc): Stays as it is.
    mask (Mask): What is hidden; a label hides what has it in this doc as well.
    """
    marked = [*doc.ents, *(span for group in doc.spans.values() for span in group)]
    spans = {(span.start_char, span.end_char) for span in marked if span.label_ in mask.labels}
    hidden = mask.text(doc.text, spans)
    words = [hidden[token.idx : token.idx + len(token)] for token in doc]
    made = Doc(doc.vocab, words=words, spaces=[bool(token.whitespace_) for token in doc])
    parts: list[Any] = [*LABELS, *((HEAD, DEP) if doc.has_annotation("DEP") else (SENT_START,))]
    table: Any = doc.to_array(parts)
    made.from_array(parts, table)
    for key, group in doc.spans.items():
        made.spans[key] = SpanGroup(
            made,
            name=group.name,
            spans=[
                Span(made, span.start, span.end, span.label, span.kb_id, span_id=span.id)
                for span in group
            ],
        )
    made.cats = dict(doc.cats)
    return made

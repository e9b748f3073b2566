"""Labels that a pipeline knew before it was taught others, and that nobody is asked about: what it finds of them trains beside the answers.

Without them each answered text would teach that none of its old labels is there, and the component would forget them (pseudo-rehearsal,
Robins, 1995). They are nobody's answer, are in no store, and are marked by `SELF`.
"""

from collections.abc import Collection, Sequence
from typing import Any

from spacy.tokens import Doc, Span

from spacy_al.posteriors.component import TrainedComponent
from spacy_al.tasks.decision import SELF
from spacy_al.tasks.suggestion import suggest


def add_kept_labels(
    component: TrainedComponent,
    docs: Sequence[Doc],
    labels: Collection[str],
    *,
    kind: str,
    spans_key: str = "sc",
) -> int:
    """Write what a component finds of some labels beside what people said, which stays.

    component (TrainedComponent): Of the pipeline that the run began with.
    docs (Sequence[Doc]): Changed. Entities that overlap what was answered are left out.
    labels (Collection): Those that are kept.
    kind (str): "entities", "spans" or "categories".
    spans_key (str): Where spans are.
    RETURNS (int): How many marks were added.
    """
    if not labels or not docs:
        return 0
    bare = [
        Doc(
            component.nlp.vocab,
            words=[token.text for token in doc],
            spaces=[bool(token.whitespace_) for token in doc],
        )
        for doc in docs
    ]
    count = 0
    for doc, read, posterior in zip(docs, bare, component.posteriors(bare)):
        items = suggest(posterior, read, component.threshold).items
        if kind == "categories":
            found = {label: prob >= component.threshold for label, prob in items if label in labels}
            doc.cats = {**{label: float(value) for label, value in found.items()}, **doc.cats}
            count += sum(found.values())
            continue
        marks = [(start, end, label) for start, end, label, *_ in items if label in labels]
        count += _add_spans(doc, marks, kind, spans_key)
    return count


def _add_spans(doc: Doc, marks: Sequence[tuple[int, int, str]], kind: str, spans_key: str) -> int:
    spans = [Span(doc, start, end, label=label) for start, end, label in marks]
    if kind == "entities":
        spans = [span for span in spans if not any(token.ent_type for token in span)]
        doc.set_ents(spans, default="unmodified")
    else:
        doc.spans[spans_key] = [*doc.spans.get(spans_key, ()), *spans]
    if spans:
        earlier: Any = doc.spans.get(SELF, ())
        doc.spans[SELF] = [*earlier, *spans]
    return len(spans)

"""What a teacher says of a text: read off the document that it has annotated, and put onto the same text in other tokens."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from spacy_al.tasks.decision import Mark
from spacy_al.tasks.white_space import trimmed

# From this score on a category of several applies
APPLIES = 0.5


@dataclass(frozen=True)
class TeacherSaid:
    """The annotation of a text, in the teacher's own labels.

    marks (tuple): (start, end, label) over characters: entities, spans or tags.
    cats (dict): Categories and their scores.
    """

    marks: tuple[tuple[int, int, str], ...] = ()
    cats: Mapping[str, float] | None = None

    @property
    def labels(self) -> set[str]:
        """The labels that it gives, those of categories that do not apply left out."""
        applies = {name for name, value in (self.cats or {}).items() if value >= APPLIES}
        return applies | {label for _, _, label in self.marks}

    def to_json(self) -> dict[str, Any]:
        return {"marks": self.marks} if self.cats is None else {"cats": dict(self.cats)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "TeacherSaid":
        """RAISES (ValueError, TypeError, AttributeError): It is no such record."""
        cats = record.get("cats")
        if cats is not None:
            return cls(cats={str(name): float(value) for name, value in cats.items()})
        marks = tuple((int(start), int(end), str(label)) for start, end, label in record["marks"])
        return cls(marks)


def read_said(doc: Doc, kind: str, spans_key: str = "sc") -> TeacherSaid:
    """What a teacher has said of a document.

    doc (Doc): After the teacher.
    kind (str): "entities", "spans", "tags" or "categories": what the run is about; all else is left out.
    spans_key (str): Where spans are; where there are none, the only group of spans that there is.
    """
    if kind == "categories":
        return TeacherSaid(cats=dict(doc.cats))
    if kind == "tags":
        marks = [(t.idx, t.idx + len(t), t.tag_) for t in doc if t.tag_]
    else:
        groups = [spans_key] if spans_key in doc.spans else [*doc.spans]
        spans = doc.ents if kind == "entities" else doc.spans[groups[0]] if len(groups) == 1 else ()
        marks = [(span.start_char, span.end_char, span.label_) for span in spans]
    return TeacherSaid(tuple(sorted({*marks})))


def marks_on(
    doc: Doc,
    said: TeacherSaid,
    kind: str,
    *,
    exclusive: bool = True,
    names: Mapping[str, str] | None = None,
) -> list[Mark]:
    """What was said of a text, over the tokens of a document.

    Entities and spans that end within a token take all of it. Of entities that overlap then the longest stay.

    doc (Doc): Of the same text.
    said (TeacherSaid): Of it.
    kind (str): As for `read_said`.
    exclusive (bool): For categories, whether exactly one applies: then the one with the highest score.
    names (Mapping | None): The labels of the run by those of the teacher, of which others are left out; none or empty where they are the same.
    RETURNS (list[Mark]): (start, end, label) over tokens, the end exclusive; a category is (0, 0, label). Sorted.
    """

    def named(label: str) -> str | None:
        return names.get(label) if names else label

    if said.cats is not None:
        known = {new: value for label, value in said.cats.items() if (new := named(label))}
        if exclusive:
            # the first in the alphabet of those with the same score
            chosen = min(known, key=lambda name: (-known[name], name), default=None)
            applies = [] if chosen is None or known[chosen] <= 0 else [chosen]
        else:
            applies = sorted(name for name, value in known.items() if value >= APPLIES)
        return [(0, 0, name) for name in applies]
    # a bare vocab does not know which words are white space
    blank, found = [token.text.isspace() for token in doc], list[Mark]()
    for start, end, label in said.marks:
        span = doc.char_span(start, end, alignment_mode="expand")
        new = named(label)
        if span is None or new is None:
            continue
        if kind == "tags":
            # a tag of another tokeniser's word is no tag of ours
            if (span.start_char, span.end_char, len(span)) == (start, end, 1):
                found.append((span.start, span.end, new))
        elif inside := trimmed(blank, span.start, span.end):
            found.append((*inside, new))
    if kind == "entities":
        spans = [Span(doc, start, end, label=label) for start, end, label in found]
        found = [(span.start, span.end, span.label_) for span in filter_spans(spans)]
    return sorted({*found})

"""Answers that are older than a label: what of them still counts, and what waits until somebody is asked about that label."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from spacy.tokens import Doc

from spacy_al.tasks.decision import Annotation, undecided


def leave_open(doc: Doc, tokens: Collection[int], kind: str) -> None:
    """Take back what was decided on some tokens, and the whole of what lies on them.

    doc (Doc): Changed.
    tokens (Collection[int]): Where a label may be that nobody was asked about.
    kind (str): "entities" or "tags"; other kinds know no missing tokens.
    """
    if kind == "tags":
        for token in tokens:
            doc[token].tag_ = ""
        return
    open_tokens = {*tokens, *(token.i for token in doc if token.ent_iob == 0)}
    kept = [span for span in doc.ents if open_tokens.isdisjoint(range(span.start, span.end))]
    inside = {token.i for span in doc.ents for token in span}
    outside = [doc[t.i : t.i + 1] for t in doc if t.i not in inside and t.i not in open_tokens]
    doc.set_ents(kept, outside=outside, default="missing")


def asked_about(annotations: Iterable[Annotation], label: str) -> frozenset[int]:
    """The tokens that somebody was asked about a label."""
    return frozenset[int]().union(*(one.asked for one in annotations if label in one.labels))


def give_way(old: Annotation, new: Annotation, *, exclusive: bool) -> Annotation | None:
    """An annotation beside a later one about labels that it could not choose: what these lie on, they replace.

    old, new (Annotation): Over the same tokens.
    exclusive (bool): Whether one category excludes all others; then the later one alone counts.
    """
    if exclusive:
        return None if new.accepted else old
    taken = {token for start, end, _ in new.accepted for token in range(start, end)}
    kept = {mark for mark in old.accepted if taken.isdisjoint(range(*mark[:2]))}
    if kept == old.accepted:
        return old
    under = {t for start, end, _ in old.accepted - kept for t in range(start, end)}
    # what was under a mark that is replaced, and is not under the new one, nobody has decided
    return replace(old, accepted=frozenset(kept), asked=old.asked - (under - taken))


def yield_to(again: Sequence[str], said: dict[str, list[Annotation]], *, exclusive: bool) -> None:
    """Have what was said about a text give way to what was said when it was asked about more labels; see `give_way`.

    again (Sequence[str]): The tasks that asked about a label once more, in order.
    said (dict): Task -> annotations; changed.
    exclusive (bool): Whether one category excludes all others.
    """
    for number, new in enumerate(again):
        for one in said[new]:
            for name in said.keys() - again[number:]:
                kept = (give_way(old, one, exclusive=exclusive) for old in said[name])
                said[name] = [old for old in kept if old is not None]


def unasked(annotations: Sequence[Annotation], doc: Doc, kind: str) -> list[str]:
    """The labels that the run got after questions about a text, and that nobody was asked about since in all of it."""
    later = sorted(frozenset[str]().union(*(one.later for one in annotations)))
    if kind == "categories":
        return [label for label in later if not any(label in one.labels for one in annotations)]
    return [label for label in later if len(asked_about(annotations, label)) < len(doc)]


def left_open(
    doc: Doc,
    annotations: Sequence[Annotation],
    places: Mapping[str, Collection[int]],
    kind: str,
    exclusive: bool,
) -> str:
    """Leave open what may have one of the labels; the state of the doc where that changes it."""
    if kind == "categories" and not exclusive:
        return ""  # a category of which nothing is said is missing as it is
    if kind in ("categories", "spans"):
        return "waits for a label"
    tokens = {
        token
        for label, likely in places.items()
        for token in likely
        if token not in asked_about(annotations, label)
    }
    if not tokens:
        return ""
    leave_open(doc, tokens, kind)
    return "partial" if not undecided(doc, kind).all() else "waits for a label"

"""A document as a record: what it is, what a pipeline said of it, and how it was scored."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from spacy.tokens import Doc, Span

from spacy_al.corpus.dates import meta_value
from spacy_al.pipeline.extensions import KEY

SCORE = ("score", "acquisition", "calibrated")


def find_predictions(doc: Doc, kinds: Collection[str]) -> dict[str, Any]:
    """What the components before said of a document, of those kinds of PREDICTIONS. What none of them predicts is not there; an empty
    list says that nothing was found. Places are characters, which need no tokens."""
    return {kind: found for kind in kinds if (found := PREDICTIONS[kind](doc)) is not None}


def find_scores(doc: Doc) -> dict[str, dict[str, Any]]:
    """The acquisition scores that `al_scorer` left on a document, by component; see `DocScore`. Of the same number of tokens: that all are
    the same, as the views make sure of, would take half as long as all else, and a score is of the text."""
    return {
        component: {name: entry[name] for name in SCORE}
        for component, entry in doc.user_data.get(KEY, {}).items()
        if entry["length"] == len(doc)
    }


def find_field(doc: Doc, name: str, given: Mapping[str, Any]) -> Any:
    """What is known of a document by a name: what was given, what `nlp.pipe(as_tuples=True)` has beside it, if that is a dict, what stands
    in its user data, or an extension. None where it has nothing of that name."""
    for known in (given, doc._context, doc.user_data):
        if (value := meta_value(known, name)) is not None:
            return value
    return getattr(doc._, name) if Doc.has_extension(name) else None


def _entities(doc: Doc) -> list[list[Any]] | None:
    return _places(doc.ents) if doc.has_annotation("ENT_IOB") else None


def _groups(doc: Doc) -> dict[str, list[list[Any]]] | None:
    found = {}
    for key, group in doc.spans.items():
        scores = group.attrs.get("scores")
        found[key] = _places(group)
        if scores is not None and len(scores) == len(found[key]):
            found[key] = [[*place, float(one)] for place, one in zip(found[key], scores)]
    return found or None


def _categories(doc: Doc) -> dict[str, float] | None:
    return {label: float(prob) for label, prob in doc.cats.items()} or None


def _tags(doc: Doc) -> list[list[Any]] | None:
    return [[token.idx, token.tag_] for token in doc] if doc.has_annotation("TAG") else None


def _places(spans: Iterable[Span]) -> list[list[Any]]:
    return [[span.start_char, span.end_char, span.label_] for span in spans]


PREDICTIONS: dict[str, Callable[[Doc], Any]] = {
    "ents": _entities,
    "spans": _groups,
    "cats": _categories,
    "tags": _tags,
}

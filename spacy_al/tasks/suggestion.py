"""The answer that the model would give, and why a text was chosen, for showing to a person."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy
from spacy.util import filter_spans

from spacy_al.arrays import distribution
from spacy_al.kinds import FACTORIES, USUAL
from spacy_al.types import Floats

OUTSIDE = "no label"


@dataclass(frozen=True)
class Suggestion:
    """The suggestions that are shown with a text.

    kind (str): "entities", "spans", "tags" or "categories".
    view_id (str): Prodigy's interface for it.
    items (list): (start, end, label, prob) over tokens, ends exclusive, or (label, prob).
    exclusive (bool): For categories, whether exactly one applies.
    uncertainty (Floats): (n_tokens,) entropies in nats; zeros where the component has no token distribution.
    why (str): What the model is least sure of, in a few words.
    """

    kind: str
    view_id: str
    items: list[tuple[Any, ...]]
    exclusive: bool
    uncertainty: Floats
    why: str


def suggest(posterior: Any, doc: Any, threshold: float = 0.5) -> Suggestion:
    """From a posterior to what is shown.

    posterior (Any): Of any kind that spacy-al reads.
    doc (Doc): Its document.
    threshold (float): Candidate spans from this probability up are suggested.
    """
    n_tokens = len(doc)
    # of a committee what the model itself says
    posterior = getattr(posterior, "own", posterior)
    items: list[tuple[Any, ...]]
    if hasattr(posterior, "greedy"):
        items = [(s.start, s.end, s.label, s.prob) for s in posterior.greedy]
        uncertainty, why = _tokens(posterior.token_probs, (*posterior.labels, OUTSIDE), doc)
        return _made("entities", items, True, uncertainty, why)
    if hasattr(posterior, "token_probs"):
        best = posterior.token_probs.argmax(axis=1)
        items = [
            (i, i + 1, posterior.labels[k], float(posterior.token_probs[i, k]))
            for i, k in enumerate(best)
        ]
        uncertainty, why = _tokens(posterior.token_probs, posterior.labels, doc)
        return _made("tags", items, True, uncertainty, why)
    if hasattr(posterior, "spans"):
        items = [(s.start, s.end, s.label, s.prob) for s in posterior.spans if s.prob >= threshold]
        closest = min(posterior.spans, key=lambda s: abs(s.prob - 0.5), default=None)
        why = ""
        if closest:
            why = f"“{doc[closest.start : closest.end].text}” {closest.label} {closest.prob:.2f}"
        return _made("spans", items, posterior.exclusive, numpy.zeros(n_tokens), why)
    items = list(zip(posterior.labels, posterior.probs.tolist()))
    if posterior.exclusive:
        shown = sorted(items, key=lambda item: -item[1])[:2]
    else:
        shown = sorted(items, key=lambda item: abs(item[1] - 0.5))[:2]
    why = ", ".join(f"{label} {prob:.2f}" for label, prob in shown)
    return _made("categories", items, posterior.exclusive, numpy.zeros(n_tokens), why)


def asked_only(suggestion: Suggestion, labels: Collection[str]) -> Suggestion:
    """A suggestion without what has labels that are not asked about, as preset entities can have."""
    place = -2 if suggestion.kind != "categories" else 0
    return replace(suggestion, items=[item for item in suggestion.items if item[place] in labels])


def no_suggestion(doc: Any, factory: str | None = None, matches: Sequence[Any] = ()) -> Suggestion:
    """The form of the component that is to be taught, before there is a model: by default entities.

    doc (Doc): The document.
    factory (str | None): The component's factory in spaCy.
    matches (Sequence[Span]): Of patterns; suggested as spans, the longest of those that overlap, and else only named.
    """
    row = FACTORIES.get(factory or USUAL, FACTORIES[USUAL])
    shown = (
        matches if row.task == "spans" else filter_spans(matches) if row.task == "entities" else ()
    )
    # two patterns can find the same
    items = [*dict.fromkeys((span.start, span.end, span.label_, None) for span in shown)]
    why = ", ".join(dict.fromkeys(f"“{span.text}” {span.label_}" for span in matches))
    return Suggestion(row.task, row.view_id, items, row.is_exclusive, numpy.zeros(len(doc)), why)


def _made(
    kind: str, items: list[tuple[Any, ...]], exclusive: bool, uncertainty: Floats, why: str
) -> Suggestion:
    view_id = next(row.view_id for row in FACTORIES.values() if row.task == kind)
    return Suggestion(kind, view_id, items, exclusive, uncertainty, why)


def _tokens(probs: Floats, labels: tuple[str, ...], doc: Any) -> tuple[Floats, str]:
    uncertainty = distribution.row_entropy(probs)
    if not len(uncertainty):
        return uncertainty, ""
    token = int(uncertainty.argmax())
    order = numpy.argsort(-probs[token], kind="stable")[:2]
    named = ", ".join(f"{labels[k]} {probs[token, k]:.2f}" for k in order)
    return uncertainty, f"“{doc[token].text}” {named}"

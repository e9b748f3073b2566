"""How far two models, or two annotators, say the same of the same texts.

What cannot be told apart from chance has no number: where both give one and the same label throughout, or no span at all,
the answer is None, not 1. Two models that have learned nothing yet would otherwise agree perfectly.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import product
from typing import Any

from spacy_al.metrics import Agreement


def agreement(
    before: Sequence[Sequence[Any]],
    after: Sequence[Sequence[Any]],
    kind: str,
    *,
    lengths: Sequence[int] | None = None,
) -> Agreement:
    """Agreement of two sets of predictions on the same texts.

    before, after (Sequence): One item a text, in the same order: a list of (start, end, label), ends exclusive, or of
        categories. Spans may be lists, as JSON has them.
    kind (str): "entities", "spans", "tags" or "categories".
    lengths (Sequence[int] | None): Tokens of each text, for the kappa of entities.
    RETURNS (Agreement): `kappa`: of the labels of tokens (tags; entities, with B and I, if lengths are given), of categories where
        each text has exactly one, else of the decisions on each text and category that either gives anywhere. `span_f1`: of
        entities and spans. Each None where it does not apply.
    RAISES (ValueError): Unequal numbers of texts.
    """
    pairs = list(zip(before, after, strict=True))
    if kind == "categories":
        return {"kappa": cohen_kappa(*_categories(pairs)), "span_f1": None}
    if kind == "tags":
        return {"kappa": cohen_kappa(*_tags(pairs)), "span_f1": None}
    kappa = None
    if kind == "entities" and lengths is not None:
        both = [
            [
                label
                for spans, n in zip(side, lengths, strict=True)
                for label in iob_labels(spans, n)
            ]
            for side in (before, after)
        ]
        kappa = cohen_kappa(*both)
    return {"kappa": kappa, "span_f1": span_f1(before, after)}


def cohen_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Agreement on labels beyond chance: (observed - expected) / (1 - expected) (Cohen, 1960).

    first, second (Sequence): Labels of the same items, in the same order.
    RETURNS (float | None): At most 1, 0 for chance; None without items, or where only one label is given at all.
    RAISES (ValueError): Unequal numbers of items.
    """
    total = len(first)
    same = sum(a == b for a, b in zip(first, second, strict=True))
    counts, others = Counter(first), Counter(second)
    # in whole numbers, so that chance is exactly chance
    chance = sum(count * others[label] for label, count in counts.items())
    if chance == total * total:
        return None
    return (same * total - chance) / (total * total - chance)


def span_f1(first: Sequence[Sequence[Any]], second: Sequence[Sequence[Any]]) -> float | None:
    """The F score of one side's spans with the other's as gold, the same in both directions: 2 * both / (first + second).

    first, second (Sequence): (start, end, label) of each text.
    RETURNS (float | None): From 0 to 1; None without any span.
    RAISES (ValueError): Unequal numbers of texts.
    """
    both = total = 0
    for a, b in zip(first, second, strict=True):
        here, there = ({tuple(span) for span in spans} for spans in (a, b))
        both += len(here & there)
        total += len(here) + len(there)
    return 2 * both / total if total else None


def _categories(pairs: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    if all(len(a) == len(b) == 1 for a, b in pairs):
        return [a[0] for a, _ in pairs], [b[0] for _, b in pairs]
    labels = sorted({label for pair in pairs for side in pair for label in side})
    decisions = list(product(pairs, labels))
    return (
        [label in pair[0] for pair, label in decisions],
        [label in pair[1] for pair, label in decisions],
    )


def _tags(pairs: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    first: list[Any] = []
    second: list[Any] = []
    for a, b in pairs:
        here, there = ({start: label for start, _, label in side} for side in (a, b))
        for start in sorted(here.keys() | there.keys()):
            first.append(here.get(start))
            second.append(there.get(start))
    return first, second


def iob_labels(spans: Sequence[Any], length: int) -> list[str]:
    """The label of each token, with B and I; O outside."""
    labels = ["O"] * length
    for start, end, label in spans:
        labels[start:end] = [f"B-{label}", *[f"I-{label}"] * (end - start - 1)]
    return labels

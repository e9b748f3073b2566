"""What answers about a document forbid of its entities, so that a posterior can be conditioned on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy

from spacy_al.errors import AlError, Errors
from spacy_al.types import Ints

if TYPE_CHECKING:
    from spacy_al.posteriors.entities import EntityPosterior

# (start, end, index of the label)
Answered: TypeAlias = tuple[int, int, int]


class Conditions:
    """The answers about a document: entities accepted and rejected, tokens outside."""

    def __init__(
        self, n_tokens: int, accept: set[Answered], reject: set[Answered], outside: set[int]
    ) -> None:
        self.accept, self.reject, self.outside = accept, reject, outside
        self.touched = numpy.zeros(n_tokens, dtype=bool)
        for start, end, _ in accept | reject:
            self.touched[start:end] = True
        self.touched[list(outside)] = True

    @property
    def followed(self) -> Ints:
        """(n_tokens,) last token of the entity that was accepted to start there, -1 where there is none."""
        last = numpy.full(len(self.touched), -1)
        for start, end, _ in self.accept:
            last[start] = max(last[start], end - 1)
        return last

    @classmethod
    def of(
        cls,
        posterior: EntityPosterior,
        accept: Iterable[Any],
        reject: Iterable[Any],
        outside: Iterable[int],
    ) -> Conditions:
        def spans(items: Iterable[Any]) -> set[Answered]:
            found = set()
            for item in items:
                start, end, label = (
                    item if isinstance(item, Sequence) else (item.start, item.end, item.label)
                )
                label = getattr(item, "label_", label)
                if not 0 <= start < end <= len(posterior):
                    raise AlError(Errors.AL009.format(start=start, end=end, length=len(posterior)))
                # a label that the model lacks cannot be accepted, and rejecting it says nothing
                found.add(
                    (start, end, posterior.labels.index(label) if label in posterior.labels else -1)
                )
            return found

        outside = set(outside)
        for token in outside:
            if not 0 <= token < len(posterior):
                raise AlError(
                    Errors.AL009.format(start=token, end=token + 1, length=len(posterior))
                )
        before = posterior.answers
        return cls(
            len(posterior),
            spans(accept) | (before.accept if before else set()),
            spans(reject) | (before.reject if before else set()),
            outside | (before.outside if before else set()),
        )

    def forbids(self, start: int, end: int, label: int) -> bool:
        """Whether the answers contradict this entity."""
        span = (start, end, label)
        return (
            span in self.reject
            or any(start <= token < end for token in self.outside)
            or any(span != other and start < other[1] and other[0] < end for other in self.accept)
        )

    def apply(self, weights: tuple[Any, ...]) -> None:
        """Forbid, in the log weights of one document, every step that contradicts the answers."""
        _, out, unit, first, last, chunk = weights
        for start, end, label in self.accept:
            out[start:end] = -numpy.inf
            kept_unit = unit[start, label] if end - start == 1 and label >= 0 else -numpy.inf
            unit[start:end] = -numpy.inf
            over = (first < end) & (last >= start)
            same = (first == start) & (last == end - 1)
            kept_chunk = chunk[same, label] if label >= 0 else None
            chunk[over] = -numpy.inf
            if end - start == 1 and label >= 0:
                unit[start, label] = kept_unit
            elif kept_chunk is not None:
                chunk[same, label] = kept_chunk
        for start, end, label in self.reject:
            if label < 0:
                continue
            if end - start == 1:
                unit[start, label] = -numpy.inf
            else:
                chunk[(first == start) & (last == end - 1), label] = -numpy.inf
        for token in self.outside:
            unit[token] = -numpy.inf
            chunk[(first <= token) & (last >= token)] = -numpy.inf

    def describe(self, labels: tuple[str, ...]) -> str:
        """The answers in words, for an error."""

        def spans(items: set[Answered]) -> str:
            return ", ".join(
                f"{start}..{end} {labels[k] if k >= 0 else '(unknown label)'}"
                for start, end, k in items
            )

        parts = (("accepted", spans(self.accept)), ("rejected", spans(self.reject)))
        said = [f"{word} {text}" for word, text in parts if text]
        if self.outside:
            said.append(f"outside: tokens {sorted(self.outside)}")
        return "; ".join(said)

"""The arrays that acquisitions read from posteriors: the batch as one array, or an error that says what would fit."""

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy

from spacy_al.arrays.checks import finite, probabilities
from spacy_al.errors import AlError, Errors
from spacy_al.types import Floats, Ints, posterior_kind

_TOKENS = (
    "token_entropy",
    "token_margin",
    "token_least_confidence",
    "lowest_token_prob",
    "sequence_entropy",
    "sequence_least_confidence",
    "mnlp",
    "expected_errors",
    "expected_model_change",
)

# The kinds of posterior, and the acquisitions that fit each, the default first
FITS = {
    "entities": (*_TOKENS, "binary_entropy", "missed_entities", "tag_count"),
    "tokens": _TOKENS,
    "exclusive categories": ("margin", "entropy", "least_confidence", "expected_model_change"),
    "multilabel categories": (
        "binary_entropy",
        "missed_entities",
        "expected_model_change",
        "tag_count",
    ),
    "spans": ("binary_entropy", "missed_entities", "expected_model_change", "tag_count"),
}
_DISAGREEMENT = ("bald", "consensus_entropy", "vote_entropy", "fluctuation")
# Of committees of any of these
FITS |= {f"committee of {kind}": _DISAGREEMENT for kind in [*FITS]}
# On Banking77, BALD of three trained models is worse than random (docs/negative-results.md)
FITS["committee of exclusive categories"] = (
    "consensus_entropy",
    "bald",
    "vote_entropy",
    "fluctuation",
)


def misfit(posterior: Any, name: str, needs: str) -> NoReturn:
    """RAISES (AlError): AL020, with the acquisitions that fit this posterior."""
    kind = posterior_kind(posterior)
    fits = ", ".join(f"spacy-al.{fit}.v1" for fit in FITS.get(kind, ())) or "none"
    raise AlError(
        Errors.AL020.format(name=f"spacy-al.{name}.v1", needs=needs, kind=kind, fits=fits)
    )


def token_rows(posteriors: Sequence[Any], name: str) -> tuple[Floats, Ints]:
    """The label distributions of all tokens of a batch.

    posteriors (Sequence[TokenPosterior]): One a document.
    name (str): Of the acquisition, for the message.
    RETURNS (tuple[Floats, Ints]): Shape (n_total, n_labels), and tokens a document (n_docs,).
    RAISES (AlError): AL020 without token_probs, AL021 for NaN or logits, AL024 for another shape.
    """
    rows = _read(posteriors, "token_probs", name, "a label distribution for each token", ndim=2)
    return _concatenate(rows, name)


def span_rows(posteriors: Sequence[Any], name: str) -> tuple[Floats, Ints]:
    """The probabilities of all candidate spans of a batch.

    posteriors (Sequence[SpanPosterior]): One a document.
    name (str): Of the acquisition, for the message.
    RETURNS (tuple[Floats, Ints]): Shape (n_total,), and candidates a document (n_docs,).
    RAISES (AlError): AL020 without span_probs, AL021 for NaN or logits, AL024 for another shape.
    """
    rows = _read(posteriors, "span_probs", name, "a probability for each candidate span", ndim=1)
    return _concatenate(rows, name)


def category_rows(posteriors: Sequence[Any], name: str, *, exclusive: bool) -> tuple[Floats, Ints]:
    """The category probabilities of all documents of a batch, after each other.

    posteriors (Sequence[CategoryPosterior]): One a document.
    name (str): Of the acquisition, for the message.
    exclusive (bool): Which of the two sorts of text classification is needed.
    RETURNS (tuple[Floats, Ints]): Shape (n_total,), and labels a document (n_docs,).
    RAISES (AlError): AL020 for another kind, AL021 for NaN or logits, AL024 for another shape.
    """
    kind = "exclusive categories" if exclusive else "multilabel categories"
    needs = f"the probabilities of {kind}"
    for posterior in posteriors:
        if posterior_kind(posterior) != kind:
            misfit(posterior, name, needs)
    return _concatenate(_read(posteriors, "probs", name, needs, ndim=1), name)


def document_numbers(posteriors: Sequence[Any], attribute: str, name: str) -> Floats:
    """One non-negative number of each posterior, shape (n_docs,).

    RAISES (AlError): AL020 without the attribute, AL021 for NaN, an infinity or a negative number.
    """
    values = _read(posteriors, attribute, name, f"the attribute '{attribute}'", ndim=0)
    # entropies of certain analyses may come as -1e-17
    return numpy.maximum(finite(values, f"{attribute} for spacy-al.{name}.v1", -1e-6), 0.0)


def _read(
    posteriors: Sequence[Any], attribute: str, name: str, needs: str, ndim: int
) -> list[Floats]:
    rows = []
    for posterior in posteriors:
        value = getattr(posterior, attribute, None)
        if value is None or hasattr(posterior, "members"):
            misfit(posterior, name, needs)
        array = numpy.asarray(value, dtype="f8")
        # a document without tokens may come as an empty array of any shape
        if array.ndim != ndim and (array.size or ndim == 0):
            expected = f"{ndim} dimensions of one model (no committee)"
            what = f"{attribute} for spacy-al.{name}.v1"
            raise AlError(Errors.AL024.format(what=what, expected=expected, found=array.shape))
        rows.append(array)
    return rows


def _concatenate(rows: list[Floats], name: str) -> tuple[Floats, Ints]:
    lengths = numpy.array([len(row) if row.size else 0 for row in rows], dtype="i8")
    filled = [row for row in rows if row.size]
    if not filled:
        return numpy.zeros((0, 1)), lengths
    for row in filled:
        if row.shape[1:] != filled[0].shape[1:]:
            what, expected = f"A batch for spacy-al.{name}.v1", f"(n, {filled[0].shape[1]})"
            raise AlError(Errors.AL024.format(what=what, expected=expected, found=row.shape))
    return probabilities(numpy.concatenate(filled), f"Input of spacy-al.{name}.v1"), lengths

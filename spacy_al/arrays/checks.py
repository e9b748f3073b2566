"""Checks and roundings that all the maths shares."""

from collections.abc import Sequence
from typing import Any

import numpy

from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.types import Floats

# What single precision can be off by in a probability, generously
TOLERANCE = 1e-3


def finite(values: Any, what: str, low: float = -numpy.inf, high: float = numpy.inf) -> Floats:
    """The values in double precision, once all of them are found to be finite and within bounds.

    values (Any): Numbers, any shape.
    what (str): What they are, for the message.
    low (float): The least that is allowed.
    high (float): The most that is allowed.
    RETURNS (Floats): The same shape.
    RAISES (AlError): AL021 with the first value that is NaN, infinite or out of bounds, and its row.
    """
    array = numpy.asarray(values, dtype="f8")
    fine = numpy.isfinite(array) & (array >= low) & (array <= high)
    if not fine.all():
        row = int(numpy.argwhere(numpy.atleast_1d(~fine))[0][0])
        value = array.reshape(-1)[int(numpy.argmin(fine))]
        must = "a finite number" if low == -numpy.inf else f"a finite number of at least {low:g}"
        if high != numpy.inf:
            must = f"a finite number from {low:g} to {high:g}"
        raise AlError(Errors.AL021.format(what=what, value=value, row=row, must=must))
    return array


def probabilities(values: Any, what: str) -> Floats:
    """The values in double precision, once all of them are found to be probabilities.

    RAISES (AlError): AL021 for NaN, infinities, logits.
    """
    return numpy.clip(finite(values, what, -TOLERANCE, 1.0 + TOLERANCE), 0.0, 1.0)


def same_length(length: int, values: Any, what: str) -> None:
    """RAISES (AlError): AL024 unless `values` has one entry for each of `length` rows."""
    if values.shape[0] != length:
        raise AlError(Errors.AL024.format(what=what, expected=f"{length} rows", found=values.shape))


def at_least(low: float, value: float, name: str) -> None:
    """RAISES (UsageError): AL023 unless `value` is a number of at least `low`."""
    if not value >= low:
        raise UsageError(Errors.AL023.format(name=name, value=value, must=f"{low:g} or more"))


def round_significant(values: Floats, digits: int = 6) -> Floats:
    """Values rounded to significant digits, so that float noise of another batching does not order them.

    values (Floats): Finite numbers, any shape.
    digits (int): Significant decimal digits that are kept.
    RETURNS (Floats): The same shape; what is nearer to 0 than 1e-200 is 0.
    """
    size = numpy.abs(values)
    tiny = size < 1e-200
    power = digits - 1 - numpy.floor(numpy.log10(numpy.where(tiny, 1.0, size)))
    # Large powers of ten overflow and negative ones are inexact, hence one scale for each side
    up, down = 10.0 ** numpy.maximum(power, 0.0), 10.0 ** numpy.maximum(-power, 0.0)
    return numpy.where(tiny, 0.0, numpy.rint(values * up / down) / up * down)


def columns_of(labels: Sequence[str], known: Sequence[str], name: str) -> list[int]:
    """Where labels stand among those of the model.

    RAISES (UsageError): AL230 for one that the model lacks.
    """
    missing = [label for label in labels if label not in known]
    if missing:
        found, has = ", ".join(missing), ", ".join(known)
        raise UsageError(Errors.AL230.format(name=f"spacy-al.{name}.v1", found=found, known=has))
    return [known.index(label) for label in labels]

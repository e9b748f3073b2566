"""Probabilities of classifiers that decide without giving any, such as support vector machines, from the values they decide by."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy

from spacy_al.errors import AlError, AlWarning, Errors, Warnings
from spacy_al.types import Floats, Ints

# Of cross-validation, where the rarest class has as many texts; with fewer than two it cannot be tested on any
FOLDS = 5


def gives_decisions(estimator: Any) -> bool:
    """Whether an estimator has `decision_function` and no `predict_proba`."""
    has = (
        callable(getattr(estimator, name, None)) for name in ("predict_proba", "decision_function")
    )
    return tuple(has) == (False, True)


def enough_texts(answers: Ints) -> bool:
    """Whether every class has the two texts that calibration takes: one to learn from, one to be tested on.

    answers (Ints): Shape (n,), classes from 0 without gaps.
    """
    return bool(numpy.bincount(answers).min() >= 2)


def fit_decisions(estimator: Any, vectors: Any, answers: Ints) -> Any:
    """An estimator that is fitted on all texts and has `predict_proba`: calibrated where there are texts enough.

    A sigmoid a class is fitted to decisions of five-fold cross-validation, or of as many folds as the rarest class has texts
    (Platt, 1999; Zadrozny & Elkan, 2002, for several classes); as scikit-learn's CalibratedClassifierCV does it with
    `ensemble=False`. One temperature for all classes would take fewer texts (Guo et al., 2017), but scikit-learn has it since
    1.8 only, and the same config is to give the same batch everywhere.

    estimator (Any): With `decision_function`, as `gives_decisions` says. A copy of it is fitted.
    vectors (Any): Shape (n, d), dense or sparse.
    answers (Ints): Shape (n,), two classes or more, from 0 without gaps.
    RETURNS (Any): `predict_proba` gives (n, n_classes) in the order of the classes: `Decisions` where a class has one text only.
    """
    from sklearn.base import clone
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.model_selection import StratifiedKFold

    if not enough_texts(answers):
        return Decisions(clone(estimator).fit(vectors, answers))
    folds = StratifiedKFold(min(FOLDS, int(numpy.bincount(answers).min())))
    made = CalibratedClassifierCV(estimator, method="sigmoid", cv=folds, ensemble=False)
    return made.fit(vectors, answers)


class Decisions:
    """Decision values squeezed into probabilities: softmax, or the logistic function where classes do not exclude each other.

    They put classes in the estimator's own order. How sure it is they do not say, since a decision value has no unit.

    estimator (Any): Fitted, with `decision_function`.
    exclusive (bool): Whether exactly one class applies.
    """

    def __init__(self, estimator: Any, exclusive: bool = True) -> None:
        self.estimator, self.exclusive = estimator, exclusive
        self.classes_ = getattr(estimator, "classes_", None)
        self.estimator_name = type(estimator).__name__

    def predict_proba(self, vectors: Any) -> Floats:
        """(n, n_classes); of two exclusive classes a decision has one number, and a probability two.

        RAISES (AlError): AL244 for decisions that are no numbers.
        """
        from scipy.special import expit, softmax

        values = numpy.asarray(self.estimator.decision_function(vectors), dtype="f8")
        if not numpy.isfinite(values).all():
            name, expected = self.estimator_name, "finite numbers"
            raise AlError(Errors.AL244.format(name=name, found=values.shape, expected=expected))
        if not self.exclusive:
            probs: Floats = expit(values if values.ndim > 1 else values[:, None])
            return probs
        if values.ndim == 1:
            values = numpy.stack([0.0 * values, values], axis=1)
        probs = softmax(values, axis=1)
        return probs


def warn_of_decisions(estimator: Any, few: Sequence[str] = ()) -> None:
    """The warning that probabilities are none. WARNS (AlWarning): ALW242.

    few (Sequence[str]): Labels with too few texts; none for an estimator that was fitted elsewhere.
    """
    why = "it was fitted already, and calibration needs texts that it has not seen"
    if few:
        why = f"that takes two labelled texts with a label and two without, and there are fewer for {', '.join(few)}"
    message = Warnings.W242.format(name=type(estimator).__name__, why=why)
    warnings.warn(message, AlWarning, stacklevel=2)

"""Logistic regression over the vectors of texts: multinomial, or one a label. Fitted to convergence by scikit-learn, predicted by numpy."""

from dataclasses import dataclass

import numpy

from spacy_al.types import Bools, Floats, Ints

# Of a label that no text has: as if it had been seen half a time (Krichevsky and Trofimov, 1981)
SEEN = 0.5
STEPS = 1000


@dataclass(frozen=True)
class LinearHead:
    """A linear head.

    weights (Floats): Shape (n_labels, width).
    bias (Floats): Shape (n_labels,).
    """

    weights: Floats
    bias: Floats


def fit_exclusive(
    vectors: Floats, right: Ints, n_labels: int, inverse_penalty: float
) -> LinearHead:
    """Multinomial logistic regression with an L2 penalty on the weights.

    Labels that no text has get no weights, and a bias by which their probability is what half a text would give them.

    vectors (Floats): Shape (n, width).
    right (Ints): Shape (n,), the row of each text's label.
    n_labels (int): Of all labels.
    inverse_penalty (float): scikit-learn's C, above 0; greater trusts the texts more.
    """
    weights = numpy.zeros((n_labels, vectors.shape[1]))
    counts = numpy.bincount(right, minlength=n_labels)
    seen = numpy.flatnonzero(counts)
    bias = numpy.log(counts + SEEN)
    if len(seen) > 1:
        fitted = _fitted(vectors, right, inverse_penalty)
        if len(seen) == 2:
            # scikit-learn has one row for two labels; halves make the same difference, and neither is special
            rows = numpy.stack([-fitted.coef_[0], fitted.coef_[0]]) / 2
            own = numpy.array([-fitted.intercept_[0], fitted.intercept_[0]]) / 2
        else:
            rows, own = fitted.coef_, fitted.intercept_
        weights[seen] = rows
        totals = numpy.logaddexp.reduce(vectors @ rows.T + own, axis=1)
        bias[seen] = own
        bias[counts == 0] = totals.mean() + numpy.log(SEEN / (len(right) + SEEN))
    return LinearHead(weights, bias)


def fit_independent(
    vectors: Floats, applies: Bools, known: Bools, inverse_penalty: float
) -> LinearHead:
    """One logistic regression a label, with an L2 penalty on the weights, on the texts of which that label is known.

    A label that always applies, or never, gets no weights and the bias of its share, half a text added to either side.

    vectors (Floats): Shape (n, width).
    applies, known (Bools): Shape (n, n_labels).
    inverse_penalty (float): scikit-learn's C.
    """
    n_labels = applies.shape[1]
    weights, bias = numpy.zeros((n_labels, vectors.shape[1])), numpy.zeros(n_labels)
    for label in range(n_labels):
        rows = known[:, label]
        right = applies[rows, label]
        if 0 < right.sum() < len(right):
            fitted = _fitted(vectors[rows], right.astype("i8"), inverse_penalty)
            weights[label], bias[label] = fitted.coef_[0], fitted.intercept_[0]
        else:
            bias[label] = numpy.log((right.sum() + SEEN) / ((~right).sum() + SEEN))
    return LinearHead(weights, bias)


def _fitted(vectors: Floats, right: Ints, inverse_penalty: float):  # type: ignore[no-untyped-def]
    from sklearn.linear_model import LogisticRegression

    made = LogisticRegression(C=inverse_penalty, max_iter=STEPS, tol=1e-6)
    return made.fit(vectors, right)

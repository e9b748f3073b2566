"""Logistic regression over the vectors of texts: multinomial, or one a label. Fitted to convergence by scikit-learn, predicted by numpy."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy

from spacy_al.types import Bools, Floats, Ints

# Of a label that no text has: as if it had been seen half a time (Krichevsky and Trofimov, 1981)
SEEN = 0.5
STEPS = 1000
# Which of them is best differs by corpus: 1 to 3 for the abstracts of medical_abstracts, 10 and more for banking77
PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0)
USUAL_PENALTY, FEW, FOLDS = 10.0, 30, 3
# Texts that the choice is made on
MOST = 1000


@dataclass(frozen=True)
class LinearHead:
    """A linear head.

    weights (Floats): Shape (n_labels, width).
    bias (Floats): Shape (n_labels,).
    """

    weights: Floats
    bias: Floats


def fit_exclusive(
    vectors: Floats,
    right: Ints,
    n_labels: int,
    inverse_penalty: float | None = None,
    *,
    balanced: bool = True,
) -> LinearHead:
    """Multinomial logistic regression with an L2 penalty on the weights.

    Labels that no text has get no weights, and a bias by which their probability is what half a text would give them.

    vectors (Floats): Shape (n, width).
    right (Ints): Shape (n,), the row of each text's label.
    n_labels (int): Of all labels.
    inverse_penalty (float | None): scikit-learn's C, above 0; greater trusts the texts more. None chooses it among PENALTIES.
    balanced (bool): All labels weigh alike, however many texts each has (King and Zeng, 2001).
    """
    if inverse_penalty is None:

        def loss_of(rest: Ints, held: Ints, penalty: float) -> float:
            head = fit_exclusive(vectors[rest], right[rest], n_labels, penalty, balanced=balanced)
            logits = vectors[held] @ head.weights.T + head.bias
            own = logits[numpy.arange(len(held)), right[held]]
            return float((numpy.logaddexp.reduce(logits, axis=1) - own).sum())

        inverse_penalty = _best_penalty(len(right), loss_of)
    weights = numpy.zeros((n_labels, vectors.shape[1]))
    counts = numpy.bincount(right, minlength=n_labels)
    seen = numpy.flatnonzero(counts)
    bias = numpy.log(counts + SEEN)
    if len(seen) > 1:
        fitted = _fitted(vectors, right, inverse_penalty, balanced)
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
    vectors: Floats,
    applies: Bools,
    known: Bools,
    inverse_penalty: float | None = None,
    *,
    balanced: bool = True,
) -> LinearHead:
    """One logistic regression a label, with an L2 penalty on the weights, on the texts of which that label is known.

    A label that always applies, or never, gets no weights and the bias of its share, half a text added to either side.

    vectors (Floats): Shape (n, width).
    applies, known (Bools): Shape (n, n_labels).
    inverse_penalty (float | None): scikit-learn's C, one for all labels. None chooses it among PENALTIES.
    balanced (bool): Texts to which a label applies weigh as much as those to which it does not.
    """
    if inverse_penalty is None:

        def loss_of(rest: Ints, held: Ints, penalty: float) -> float:
            head = fit_independent(
                vectors[rest], applies[rest], known[rest], penalty, balanced=balanced
            )
            logits = vectors[held] @ head.weights.T + head.bias
            wrong = numpy.logaddexp(0, numpy.where(applies[held], -logits, logits))
            return float(wrong[known[held]].sum())

        inverse_penalty = _best_penalty(len(vectors), loss_of)
    n_labels = applies.shape[1]
    weights, bias = numpy.zeros((n_labels, vectors.shape[1])), numpy.zeros(n_labels)
    for label in range(n_labels):
        rows = known[:, label]
        right = applies[rows, label]
        if 0 < right.sum() < len(right):
            fitted = _fitted(vectors[rows], right.astype("i8"), inverse_penalty, balanced)
            weights[label], bias[label] = fitted.coef_[0], fitted.intercept_[0]
        else:
            bias[label] = numpy.log((right.sum() + SEEN) / ((~right).sum() + SEEN))
    return LinearHead(weights, bias)


def _best_penalty(n_texts: int, loss_of: Callable[[Ints, Ints, float], float]) -> float:
    """The inverse penalty with the least log loss on texts that were held out (Stone, 1974); the usual one for very few texts.

    loss_of (Callable): Takes texts to fit on, texts to measure on and a penalty.
    """
    if n_texts < FEW:
        return USUAL_PENALTY
    order = numpy.random.default_rng(0).permutation(n_texts)[:MOST]
    folds = [numpy.sort(part) for part in numpy.array_split(order, FOLDS)]
    losses = [
        sum(loss_of(numpy.setdiff1d(order, held), held, penalty) for held in folds)
        for penalty in PENALTIES
    ]
    return PENALTIES[int(numpy.argmin(losses))]


def _fitted(vectors: Floats, right: Ints, inverse_penalty: float, balanced: bool):  # type: ignore[no-untyped-def]
    from sklearn.linear_model import LogisticRegression

    weights = "balanced" if balanced else None
    made = LogisticRegression(C=inverse_penalty, class_weight=weights, max_iter=STEPS, tol=1e-6)
    return made.fit(vectors, right)

"""Logistic regression over the vectors of texts: multinomial, or one a label. Fitted to convergence by scikit-learn, predicted by numpy."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy

from spacy_al.types import Bools, Floats, Ints

# Of a label that no text has: as if it had been seen half a time (Krichevsky and Trofimov, 1981)
SEEN = 0.5
STEPS = 1000
# Which of them is best differs by corpus: 1 to 3 for the abstracts of medical_abstracts, 10 and more for banking77
PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0)
USUAL_PENALTY, FEW, FOLDS = 10.0, 30, 3
# By how much n-grams weigh beside an encoder's vectors, both of unit length: nothing for banking77, all for sms_spam
SCALES = (0.0, 0.35, 0.7, 1.4)
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
    n_grams: int = 0,
) -> LinearHead:
    """Multinomial logistic regression with an L2 penalty on the weights.

    Labels that no text has get no weights, and a bias by which their probability is what half a text would give them.

    vectors (Floats): Shape (n, width).
    right (Ints): Shape (n,), the row of each text's label.
    n_labels (int): Of all labels.
    inverse_penalty (float | None): scikit-learn's C, above 0; greater trusts the texts more. None chooses it among PENALTIES.
    balanced (bool): All labels weigh alike, however many texts each has (King and Zeng, 2001).
    n_grams (int): So many of the last columns are of n-grams, and are scaled by one of SCALES, which is part of the weights then.
    """

    def loss_of(scaled: Floats, rest: Ints, held: Ints, penalty: float) -> float:
        head = fit_exclusive(scaled[rest], right[rest], n_labels, penalty, balanced=balanced)
        logits = scaled[held] @ head.weights.T + head.bias
        own = logits[numpy.arange(len(held)), right[held]]
        return float((numpy.logaddexp.reduce(logits, axis=1) - own).sum())

    if n_grams or inverse_penalty is None:
        penalty, scale = _best_penalty_and_scale(vectors, inverse_penalty, n_grams, loss_of)
        fit = partial(fit_exclusive, right=right, n_labels=n_labels, balanced=balanced)
        return _unscaled(vectors, scale, n_grams, partial(fit, inverse_penalty=penalty))
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
    n_grams: int = 0,
) -> LinearHead:
    """One logistic regression a label, with an L2 penalty on the weights, on the texts of which that label is known.

    A label that always applies, or never, gets no weights and the bias of its share, half a text added to either side.

    vectors (Floats): Shape (n, width).
    applies, known (Bools): Shape (n, n_labels).
    inverse_penalty (float | None): scikit-learn's C, one for all labels. None chooses it among PENALTIES.
    balanced (bool): Texts to which a label applies weigh as much as those to which it does not.
    n_grams (int): As for `fit_exclusive`.
    """

    def loss_of(scaled: Floats, rest: Ints, held: Ints, penalty: float) -> float:
        head = fit_independent(scaled[rest], applies[rest], known[rest], penalty, balanced=balanced)
        logits = scaled[held] @ head.weights.T + head.bias
        wrong = numpy.logaddexp(0, numpy.where(applies[held], -logits, logits))
        return float(wrong[known[held]].sum())

    if n_grams or inverse_penalty is None:
        penalty, scale = _best_penalty_and_scale(vectors, inverse_penalty, n_grams, loss_of)
        fit = partial(fit_independent, applies=applies, known=known, balanced=balanced)
        return _unscaled(vectors, scale, n_grams, partial(fit, inverse_penalty=penalty))
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


def _best_penalty_and_scale(
    vectors: Floats,
    inverse_penalty: float | None,
    n_grams: int,
    loss_of: Callable[[Floats, Ints, Ints, float], float],
) -> tuple[float, float]:
    """The inverse penalty with the least log loss on texts that were held out (Stone, 1974), without n-grams, and the scale of
    these with the least log loss at that; the usual penalty and no n-grams for very few texts.

    loss_of (Callable): Takes vectors, which of them to fit on and to measure on, and a penalty.
    """
    if len(vectors) < FEW:
        return inverse_penalty or USUAL_PENALTY, 0.0
    order = numpy.random.default_rng(0).permutation(len(vectors))[:MOST]
    folds = [numpy.sort(part) for part in numpy.array_split(order, FOLDS)]

    # the best one without n-grams is asked for twice
    @cache
    def loss(penalty: float, scale: float) -> float:
        scaled = _scaled(vectors, scale, n_grams)
        return sum(loss_of(scaled, numpy.setdiff1d(order, held), held, penalty) for held in folds)

    penalty = inverse_penalty or min(PENALTIES, key=lambda penalty: loss(penalty, 0.0))
    return penalty, min(SCALES, key=lambda scale: loss(penalty, scale)) if n_grams else 0.0


def _scaled(vectors: Floats, scale: float, n_grams: int) -> Floats:
    """Vectors whose last columns are scaled; without these where nothing is left of them."""
    own = vectors.shape[1] - n_grams
    if not scale:
        return vectors[:, :own]
    return numpy.concatenate([vectors[:, :own], vectors[:, own:] * scale], axis=1)


def _unscaled(
    vectors: Floats, scale: float, n_grams: int, fit: Callable[[Floats], LinearHead]
) -> LinearHead:
    """The head for vectors as they are that is fitted to scaled ones."""
    head = fit(_scaled(vectors, scale, n_grams))
    own = vectors.shape[1] - n_grams
    weights = numpy.zeros((len(head.bias), vectors.shape[1]))
    weights[:, : head.weights.shape[1]] = head.weights
    weights[:, own:] *= scale
    return LinearHead(weights, head.bias)


def _fitted(vectors: Floats, right: Ints, inverse_penalty: float, balanced: bool):  # type: ignore[no-untyped-def]
    from sklearn.linear_model import LogisticRegression

    weights = "balanced" if balanced else None
    made = LogisticRegression(C=inverse_penalty, class_weight=weights, max_iter=STEPS, tol=1e-6)
    return made.fit(vectors, right)

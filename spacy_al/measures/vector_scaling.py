"""A scale and a bias for each category in place of one temperature for all, where there is enough to fit them on.

Vector scaling of exclusive categories (Guo et al., 2017); of categories that do not exclude each other, a slope and an intercept
for each (Platt, 1999). What goes beyond one scale for all is held back by a penalty, and folds say how strong it is, and whether it is worth it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy

from spacy_al.arrays.checks import same_length
from spacy_al.arrays.scaling import Scaling, rescaled
from spacy_al.types import Bools, Floats

# What a square of a bias, or of a scale's distance from the common one, costs: the less, the freer
PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0)
FOLDS = 5
# Fewer texts cannot say anything of each category
FEWEST = 50


class HeldOut(NamedTuple):
    """What a classifier says of texts, and what is right.

    logits (Floats): (n, n_labels); logarithms of probabilities where one category applies.
    right (Floats): (n, n_labels), 1 where it applies, else 0; NaN where that is not known.
    exclusive (bool): Whether one category applies. Of each text one is right then.
    """

    logits: Floats
    right: Floats
    exclusive: bool

    def some(self, rows: Bools) -> "HeldOut":
        """Of some of the texts."""
        return self._replace(logits=self.logits[rows], right=self.right[rows])


def probs_of(logits: Floats, *, exclusive: bool) -> Floats:
    """Probabilities of logits, (n, n_labels)."""
    if not exclusive:
        found: Floats = numpy.exp(-numpy.logaddexp(0, -logits))
        return found
    odds = numpy.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = odds / odds.sum(axis=1, keepdims=True)
    return shares


def text_losses(texts: HeldOut, scaling: Scaling | None = None) -> Floats:
    """Negative log-likelihood of what is right in each text, in nats, shape (n,).

    Of exclusive categories, of the right one; else of each that is known being right or wrong.

    RAISES (AlError): AL024.
    """
    same_length(len(texts.logits), texts.right, "What is right")
    logits = texts.logits if scaling is None else rescaled(texts.logits, scaling)
    right = numpy.nan_to_num(texts.right)
    if texts.exclusive:
        losses = right * (numpy.logaddexp.reduce(logits, axis=1, keepdims=True) - logits)
    else:
        wrong = numpy.nan_to_num(1 - texts.right)
        losses = right * numpy.logaddexp(0, -logits) + wrong * numpy.logaddexp(0, logits)
    total: Floats = losses.sum(axis=1)
    return total


def fit_scaling(texts: HeldOut, penalty: float | None, surer: float) -> Scaling:
    """The scaling with the least loss.

    texts (HeldOut): Held out.
    penalty (float | None): Of what goes beyond a common scale; None for a common scale alone.
    surer (float): Standard deviation of a normal prior on the logarithm of a common scale above 1.
    """
    from scipy.optimize import minimize

    n_labels = texts.logits.shape[1]
    known = numpy.isfinite(texts.right)
    right = numpy.nan_to_num(texts.right)

    def loss(params: Floats) -> tuple[float, Floats]:
        scaling = _unpacked(params, n_labels)
        logits = rescaled(texts.logits, scaling)
        off = (probs_of(logits, exclusive=texts.exclusive) - right) * known
        own = (off * (logits - scaling.bias)).sum(axis=0)
        gradient = numpy.concatenate([[own.sum()], own, off.sum(axis=0)])[: len(params)]
        held, common = params.copy(), max(float(params[0]), 0.0)
        held[0] = 0
        value = text_losses(texts, scaling).sum() + (penalty or 0) * (held @ held)
        gradient = gradient + 2 * (penalty or 0) * held
        gradient[0] += common / surer**2
        return float(value) + common**2 / (2 * surer**2), gradient

    start = numpy.zeros(1 if penalty is None else 1 + 2 * n_labels)
    # as far apart as temperatures may be
    bounds = [(-3.0, 3.0)] * len(start)
    return _unpacked(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x, n_labels)


def _unpacked(params: Floats, n_labels: int) -> Scaling:
    """From the logarithms of the common scale and of what each one differs by, and biases."""
    beyond = params[1:] if len(params) > 1 else numpy.zeros(2 * n_labels)
    return Scaling(numpy.exp(params[0] + beyond[:n_labels]), beyond[n_labels:])


def best_penalty(
    texts: HeldOut, surer: float, penalties: Sequence[float] = PENALTIES, seed: int = 0
) -> tuple[float, bool]:
    """The penalty by which held-out folds have the least loss, and whether a scale and a bias for each category are worth it.

    They are where they lower the loss by more than twice the standard error of that, against one scale for all and against none.

    texts, surer: As for `fit_scaling`.
    penalties (Sequence[float]): To choose from.
    seed (int): Of the folds.
    """
    fold = numpy.random.default_rng(seed).permutation(len(texts.logits)) % FOLDS
    ways: list[float | None] = [None, *penalties]
    held_out = numpy.zeros((len(ways), len(texts.logits)))
    for k in range(FOLDS):
        own = fold == k
        for way, penalty in enumerate(ways):
            fitted = fit_scaling(texts.some(~own), penalty, surer)
            held_out[way, own] = text_losses(texts.some(own), fitted)
    best = int(held_out[1:].mean(axis=1).argmin())
    gains = [other - held_out[1 + best] for other in (held_out[0], text_losses(texts))]
    errors = [gain.std(ddof=1) / numpy.sqrt(len(gain)) for gain in gains]
    is_worth = all(gain.mean() > 2 * error for gain, error in zip(gains, errors))
    return penalties[best], bool(is_worth)


def better_scaling(texts: HeldOut, surer: float) -> Scaling | None:
    """A scale and a bias for each category, where folds say that they are worth it.

    texts, surer: As for `fit_scaling`.
    RETURNS (Scaling | None): Fitted on all of the texts; None where one temperature does as well, or there are fewer than 50 texts.
    """
    if len(texts.logits) < FEWEST or texts.logits.shape[1] < 2:
        return None
    penalty, is_worth = best_penalty(texts, surer)
    return fit_scaling(texts, penalty, surer) if is_worth else None

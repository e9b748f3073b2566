"""Whether probabilities can be taken at their word, and the temperatures that mend them.

An answer without data is None, never 0.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy

from spacy_al.arrays.checks import at_least, finite, probabilities, same_length
from spacy_al.errors import AlError, Errors
from spacy_al.measures.interval import DRAWS, LEVEL
from spacy_al.types import Floats, Ints

# A loss at or above this is a wall to the search: infinities would break its arithmetic
_WALL = 1e12


class Bin(NamedTuple):
    """One row of a reliability table.

    mean_prob (float): What was predicted, on average.
    accuracy (float): What came true.
    size (int): Events in the bin.
    """

    mean_prob: float
    accuracy: float
    size: int


def reliability(probs: Floats, correct: Floats, bins: int = 10) -> list[Bin]:
    """Predicted and true frequencies in bins of equal mass (Nguyen & O'Connor, 2015).

    Equal probabilities share a bin, so that the order of the events does not matter; the bins are of equal mass
    where no probability is repeated.

    probs (Floats): Probability of each event, shape (n,).
    correct (Floats): Whether it came true, shape (n,), bool or 0 and 1.
    bins (int): At most this many.
    RETURNS (list[Bin]): The bins that are not empty, by rising probability.
    RAISES (AlError): AL021 for NaN or what is no probability, AL023 for bins below 1, AL024 for unequal lengths.
    """
    at_least(1, bins, "bins")
    probs, correct = _events(probs, correct)
    if not len(probs):
        return []
    bin_of = _bin_of(probs, bins)
    counts = numpy.bincount(bin_of, minlength=bins)
    prob_sums = numpy.bincount(bin_of, weights=probs, minlength=bins)
    correct_sums = numpy.bincount(bin_of, weights=correct, minlength=bins)
    return [
        Bin(float(prob / count), float(right / count), int(count))
        for prob, right, count in zip(prob_sums, correct_sums, counts)
        if count
    ]


def expected_calibration_error(probs: Floats, correct: Floats, bins: int = 10) -> float | None:
    """Mean distance of predicted and true frequency, bins of equal mass (Nguyen & O'Connor, 2015).

    probs (Floats): Probability of each event, shape (n,).
    correct (Floats): Whether it came true, shape (n,), bool or 0 and 1.
    bins (int): At most this many.
    RETURNS (float | None): From 0 to 1; None without events.
    RAISES (AlError): AL021, AL023, AL024, as `reliability`.
    """
    table = reliability(probs, correct, bins)
    total = sum(row.size for row in table)
    if not total:
        return None
    return sum(row.size * abs(row.mean_prob - row.accuracy) for row in table) / total


def calibration_error_by_chance(
    probs: Floats, bins: int = 10, *, draws: int = 200, seed: int = 0
) -> float | None:
    """The calibration error that a model would be measured to have if each of its probabilities held: what bins of few events make of chance.

    Whether an event comes true is drawn anew from its own probability (consistency resampling: Bröcker & Smith, 2007), and the errors are averaged. It is the bias of
    the measure where a model is calibrated (Roelofs et al., 2022): an error at about this says nothing against the model.

    probs (Floats): Probability of each event, shape (n,).
    bins (int): As for `expected_calibration_error`.
    draws (int): How often all events are drawn.
    seed (int): Of the draws.
    RETURNS (float | None): From 0 to 1; None without events.
    RAISES (AlError): AL021 for NaN or what is no probability, AL023 for bins or draws below 1.
    """
    at_least(1, bins, "bins")
    at_least(1, draws, "draws")
    probs = probabilities(probs, "The probabilities of the events")
    if not len(probs):
        return None
    rng, bin_of = numpy.random.default_rng(seed), _bin_of(probs, bins)
    errors = [
        numpy.abs(numpy.bincount(bin_of, probs - (rng.random(len(probs)) < probs))).sum()
        for _ in range(draws)
    ]
    return float(numpy.mean(errors)) / len(probs)


def calibration_error_interval(
    probs: Floats, correct: Floats, groups: Ints, bins: int = 10, *, seed: int = 0
) -> tuple[float, float] | None:
    """Where the calibration error of other texts probably lies, by drawing the texts again (basic bootstrap: Efron, 1979).

    Chance makes the error larger in any sample, and larger still in a draw of it. So the draws are mirrored about what was measured: what they are
    too high by is taken off. The bins stay those of the sample.

    probs, correct, bins: As for `expected_calibration_error`.
    groups (Ints): Which text each event is of, shape (n,); texts are drawn, not events.
    seed (int): Of the draws.
    RETURNS (tuple | None): Its ends, meant to hold 95 of 100: over 150 texts of four events each 87 of 100 held. None of fewer than two texts.
    RAISES (AlError): AL021, AL023, AL024.
    """
    error = expected_calibration_error(probs, correct, bins)
    probs, correct = _events(probs, correct)
    same_length(len(probs), groups, "The texts of the events")
    texts, own = numpy.unique(groups, return_inverse=True)
    if error is None or len(texts) < 2:
        return None
    off, events = numpy.zeros((len(texts), bins)), numpy.bincount(own)
    numpy.add.at(off, (own, _bin_of(probs, bins)), probs - correct)
    rng = numpy.random.default_rng(seed)
    draws = rng.multinomial(len(texts), numpy.full(len(texts), 1 / len(texts)), size=DRAWS)
    errors = numpy.abs(draws @ off).sum(axis=1) / (draws @ events)
    tail = (1 - LEVEL) / 2
    low, high = 2 * error - numpy.quantile(errors, (1 - tail, tail))
    return float(min(max(low, 0.0), 1.0)), float(min(max(high, 0.0), 1.0))


def _bin_of(probs: Floats, bins: int) -> Ints:
    """The bin of each event, of equal mass; equal probabilities share one."""
    # the rank of the first event with the same probability
    found: Ints = numpy.searchsorted(numpy.sort(probs), probs) * bins // len(probs)
    return found


def brier(probs: Floats, correct: Floats) -> float | None:
    """Mean square of the distance of a probability and its event (Brier, 1950).

    probs (Floats): Probability of each event, shape (n,).
    correct (Floats): Whether it came true, shape (n,), bool or 0 and 1.
    RETURNS (float | None): From 0 to 1; None without events.
    RAISES (AlError): AL021, AL024.
    """
    probs, correct = _events(probs, correct)
    return float(((probs - correct) ** 2).mean()) if len(probs) else None


def log_loss(probs: Floats, correct: Floats, clip: float = 1e-12) -> float | None:
    """Mean negative log-likelihood of the events, in nats.

    probs (Floats): Probability of each event, shape (n,).
    correct (Floats): Whether it came true, shape (n,), bool or 0 and 1.
    clip (float): Probabilities are kept this far from 0 and 1, so that one false certainty is not infinite.
    RETURNS (float | None): None without events.
    RAISES (AlError): AL021, AL024.
    """
    probs, correct = _events(probs, correct)
    if not len(probs):
        return None
    happened = numpy.where(correct > 0, probs, 1.0 - probs)
    return float(-numpy.log(numpy.clip(happened, clip, 1.0 - clip)).mean())


def auroc(scores: Floats, positive: Floats) -> float | None:
    """Probability that a positive scores higher than a negative, ties counting half (Mann & Whitney, 1947).

    scores (Floats): Shape (n,), any scale.
    positive (Floats): Shape (n,), bool or 0 and 1.
    RETURNS (float | None): From 0 to 1; None unless there are both positives and negatives.
    RAISES (AlError): AL021 for NaN, AL024 for unequal lengths.
    """
    from scipy.stats import rankdata

    scores = finite(scores, "The scores")
    is_positive = numpy.asarray(positive).astype(bool)
    same_length(len(scores), is_positive, "The classes")
    n_positive = int(is_positive.sum())
    n_pairs = n_positive * (len(scores) - n_positive)
    if not n_pairs:
        return None
    above = rankdata(scores)[is_positive].sum() - n_positive * (n_positive + 1) / 2
    return float(above / n_pairs)


def fit_temperature(
    loss: Callable[[float], float], bounds: tuple[float, float] = (0.05, 20.0)
) -> float:
    """The temperature with the least loss (Guo et al., 2017), by bounded search over its logarithm.

    loss (Callable): Temperature -> loss on held-out data, such as a mean negative log-likelihood.
    bounds (tuple[float, float]): The lowest and the highest temperature to try.
    RETURNS (float): The best temperature found; 1.0 if none is better than leaving the model as it is.
    RAISES (AlError): AL027 if the loss is NaN anywhere, or not finite at 1.
    """
    from scipy.optimize import minimize_scalar

    at_one = _loss_at_start(loss, 1.0)
    found = minimize_scalar(
        lambda log_t: _walled(loss, float(numpy.exp(log_t))),
        bounds=(float(numpy.log(bounds[0])), float(numpy.log(bounds[1]))),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return float(numpy.exp(found.x)) if found.fun < at_one else 1.0


def fit_temperatures(
    loss: Callable[..., float],
    start: tuple[float, ...] = (1.0, 1.0),
    bounds: tuple[float, float] = (0.05, 20.0),
) -> tuple[float, ...]:
    """Some temperatures with the least loss, within a hundredth, by a simplex search over their logarithms (Nelder & Mead, 1965).

    loss (Callable): So many temperatures -> loss on held-out data.
    start (tuple[float, ...]): Where the search begins.
    bounds (tuple[float, float]): The lowest and the highest temperature to try.
    RETURNS (tuple[float, ...]): The best ones found; `start` if none are better.
    RAISES (AlError): AL027 if the loss is NaN anywhere, or not finite at `start`.
    """
    from scipy.optimize import minimize

    first = numpy.log(start)
    at_start = _loss_at_start(loss, *start)
    found = minimize(
        lambda logs: _walled(loss, *(float(t) for t in numpy.exp(logs))),
        x0=first,
        method="Nelder-Mead",
        bounds=[tuple(numpy.log(bounds))] * len(start),
        options={
            # the default first steps from 0 are a thousandth of what a temperature is usually off by
            "initial_simplex": numpy.vstack([first, first + 0.3 * numpy.eye(len(start))]),
            "xatol": 1e-2,
            "fatol": 1e-5 * max(1.0, abs(at_start)),
            "maxfev": 400,
        },
    )
    return tuple(numpy.exp(found.x).tolist()) if found.fun < at_start else start


def _events(probs: Floats, correct: Floats) -> tuple[Floats, Floats]:
    probs = probabilities(probs, "The probabilities of the events")
    correct = finite(correct, "The outcomes of the events", 0.0, 1.0)
    same_length(len(probs), correct, "The outcomes of the events")
    return probs, correct


def _loss_at_start(loss: Callable[..., float], *start: float) -> float:
    value = float(loss(*start))
    if not numpy.isfinite(value):
        raise AlError(
            Errors.AL027.format(value=value, temperature=", ".join(f"{t:.3g}" for t in start))
        )
    return value


def _walled(loss: Callable[..., float], *temperatures: float) -> float:
    value = float(loss(*temperatures))
    if numpy.isnan(value):
        at = ", ".join(f"{t:.3g}" for t in temperatures)
        raise AlError(Errors.AL027.format(value=value, temperature=at))
    return min(value, _WALL)

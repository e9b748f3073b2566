"""Stopping because the next batch would teach too little."""

from functools import partial

from spacy_al import registry
from spacy_al.stopping.forecast import MIN_POINTS, fit_curve
from spacy_al.stopping.verdict import (
    History,
    Stopper,
    Verdict,
    apart,
    check_at_least,
    check_one_of,
    goes_on,
    name_of_score,
    number,
    number_missing,
    stops,
)

COSTS = ("texts", "words", "answers", "seconds")


@registry.al_stoppers("spacy-al.small_gain.v1")
def make_small_gain(min_gain: float = 0.005, cost: str = "words") -> Stopper:
    """Stops once the learning curve promises hardly anything of one more batch.

    min_gain (float): The least that a batch has to add to the score; exactly this stops as well.
    cost (str): What the curve is drawn over: "texts", "words", "answers" or "seconds".
    RETURNS (Stopper): See `small_gain`.
    RAISES (UsageError): AL140.
    """
    check_at_least("small_gain", "min_gain", min_gain, 0)
    check_one_of("small_gain", "cost", cost, COSTS)
    return partial(small_gain, min_gain=min_gain, cost=cost)


def small_gain(history: History, min_gain: float, cost: str) -> Verdict:
    """Whether a batch as large as the last would add no more than a bound, even at the high end of the forecast's band.

    The high end, since a curve through a few noisy scores is a guess, and a wrong stop costs more than a batch.

    history (History): Needs "score" and the cost, of four rounds or more.
    min_gain (float): The bound.
    cost (str): One of COSTS.
    RETURNS (Verdict): Whether to stop, and why or why not.
    """
    needed = f"a gain of more than {apart(min_gain)[0]} is looked for"
    for key in ("score", cost):
        if not history or number(history[-1], key) is None:
            return number_missing(history, key, needed)
    pairs = [(number(row, cost), number(row, "score")) for row in history]
    known = [(paid, score) for paid, score in pairs if paid is not None and score is not None]
    if len(known) < MIN_POINTS:
        return goes_on(
            f"{MIN_POINTS} rounds with a score are needed for a learning curve, and there are {len(known)}"
        )
    curve = fit_curve([paid for paid, _ in known], [score for _, score in known])
    (before, _), (now, _) = known[-2:]
    if curve is None or now <= before:
        return goes_on(
            f"the {len(known)} scores so far do not lie on a learning curve, and {needed}"
        )
    gain, _, high = curve.gain(now, now - before)
    high = round(max(gain, high), 6)
    most, bound = apart(high, min_gain)
    batch = f"{now - before:,.0f} more {cost}"
    said = f"{batch} would raise the {name_of_score(history)} by about {gain:.3f}, at most {most}"
    if high <= min_gain:
        return stops(f"{said}, where more than {bound} is asked for")
    return goes_on(f"{said}, which may be more than {bound}")

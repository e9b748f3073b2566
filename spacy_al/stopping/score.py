"""Stopping by the score on held-out texts: it is high enough, or it does not rise any more."""

from functools import partial

from spacy_al import registry
from spacy_al.stopping.verdict import (
    History,
    Stopper,
    Verdict,
    apart,
    check_at_least,
    goes_on,
    name_of_score,
    nothing_learned,
    number,
    number_missing,
    round_numbers,
    stops,
)


@registry.al_stoppers("spacy-al.target_score.v1")
def make_target_score(score: float) -> Stopper:
    """Stops once the score on dev has reached a target.

    score (float): The target, from 0 to 1.
    RETURNS (Stopper): See `target_score`.
    RAISES (UsageError): AL140.
    """
    check_at_least("target_score", "score", score, 0, 1)
    return partial(target_score, score=score)


@registry.al_stoppers("spacy-al.plateau.v1")
def make_plateau(window: int = 3, min_gain: float = 0.005) -> Stopper:
    """Stops once the best score of the last rounds is hardly above the best before them.

    window (int): How many of the last rounds.
    min_gain (float): By how much they have to raise the best score; a gain of exactly this stops as well.
    RETURNS (Stopper): See `plateau`.
    RAISES (UsageError): AL140.
    """
    check_at_least("plateau", "window", window, 1)
    check_at_least("plateau", "min_gain", min_gain, 0)
    return partial(plateau, window=window, min_gain=min_gain)


def target_score(history: History, score: float) -> Verdict:
    """Whether the last score has reached a target.

    The score on dev picks the best weights of each training as well, so it is a little kinder than one on test.

    history (History): Needs "score".
    score (float): The target.
    RETURNS (Verdict): Whether to stop, and why or why not.
    """
    found = number(history[-1], "score") if history else None
    if found is None:
        return number_missing(history, "score", f"the target is {score:.3f}")
    now, target = apart(found, score)
    if found >= round(score, 6):
        return stops(f"the {name_of_score(history)}, {now}, has reached the target of {target}")
    return goes_on(f"the {name_of_score(history)}, {now}, is below the target of {target}")


def plateau(history: History, window: int, min_gain: float) -> Verdict:
    """Whether the best of the last scores exceeds the best before them by no more than a bound.

    Never while the last score is 0: a model that has learned nothing yet stands on a plateau too.

    history (History): Needs "score", in each of the last `window` rounds and in one before.
    window (int): How many of the last rounds.
    min_gain (float): The bound.
    RETURNS (Verdict): Whether to stop, and why or why not.
    """
    scores = round_numbers(history, "score")
    last, before = scores[-window:], [score for score in scores[:-window] if score is not None]
    rounds = "the last round" if window == 1 else f"the last {window} rounds"
    if not scores or scores[-1] is None:
        return number_missing(history, "score", f"a plateau lasts {window} rounds")
    known = [score for score in last if score is not None]
    if len(known) < window or not before:
        return goes_on(
            f"{window + 1} rounds with a score on dev are needed to see a plateau, "
            f"and there are {len(known) + len(before)}"
        )
    if nothing_learned(history):
        return goes_on(f"the {name_of_score(history)} is still 0, so that nothing has been learned")
    gain = round(max(known) - max(before), 6)
    shown, bound = apart(gain, min_gain)
    if gain <= min_gain:
        moved = f"raised the best score by {shown}" if gain > 0 else "did not raise the best score"
        return stops(
            f"{rounds} {moved} ({apart(max(before))[0]}), where more than {bound} is asked for"
        )
    return goes_on(f"{rounds} raised the best score by {shown}, which is more than {bound}")

"""Stopping because the models of successive rounds say the same."""

from functools import partial

from spacy_al import registry
from spacy_al.stopping.verdict import (
    NAMES,
    History,
    Stopper,
    Verdict,
    apart,
    check_at_least,
    check_one_of,
    goes_on,
    name_of_score,
    nothing_learned,
    number_missing,
    round_numbers,
    stops,
)

MEASURES = ("auto", "kappa", "span_f1")
# The paper's for kappa. Spans of recognisers that are trained anew never agree to .99: on BC5CDR those of 150 sentences
# and of 250 agreed to .60, of 1,200 and 1,350 to .70 (two seeds on the same 1,200: .72), of 4,000 and 4,150, which is
# nearly all there are, to .89
ENOUGH = {"kappa": 0.99, "span_f1": 0.9}


@registry.al_stoppers("spacy-al.stable_predictions.v1")
def make_stable_predictions(
    threshold: float | None = None, window: int = 3, measure: str = "auto"
) -> Stopper:
    """Stops once successive models agree on a fixed sample of the pool (Bloodgood & Vijay-Shanker, 2009).

    threshold (float | None): The mean agreement that stops; if none is given 0.99 for kappa, 0.9 for span F.
    window (int): Over how many of the last comparisons the mean is taken.
    measure (str): "kappa", "span_f1", or "auto": span F where there are spans, else kappa.
    RETURNS (Stopper): See `stable_predictions`.
    RAISES (UsageError): AL140.
    """
    if threshold is not None:
        check_at_least("stable_predictions", "threshold", threshold, 0, 1)
    check_at_least("stable_predictions", "window", window, 1)
    check_one_of("stable_predictions", "measure", measure, MEASURES)
    return partial(stable_predictions, threshold=threshold, window=window, measure=measure)


def stable_predictions(
    history: History, threshold: float | None, window: int, measure: str
) -> Verdict:
    """Whether the mean agreement of each of the last models with the one before it has reached a threshold.

    The paper takes kappa throughout. For entities that is too kind, since nearly all tokens are outside of any and two
    models agree on those (kappa corrects only in part): there the agreement is the F of one model's spans by the other's.
    Never while the last score is 0: models that find nothing agree perfectly.

    history (History): Needs "kappa" or "span_f1" in each of the last `window` rounds.
    threshold (float | None): The agreement that stops, or that of ENOUGH.
    window (int): Over how many rounds the mean is taken.
    measure (str): One of MEASURES.
    RETURNS (Verdict): Whether to stop, and why or why not.
    """
    if measure == "auto":
        spans = any(value is not None for value in round_numbers(history, "span_f1"))
        measure = "span_f1" if spans else "kappa"
    threshold = ENOUGH[measure] if threshold is None else threshold
    last = round_numbers(history, measure)[-window:]
    known = [value for value in last if value is not None]
    if known and last[-1] is None:
        return number_missing(history, measure, f"{apart(threshold)[0]} is needed")
    if len(known) < window:
        return goes_on(
            f"{window} comparisons of successive models are needed, and there are {len(known)}"
        )
    if nothing_learned(history):
        return goes_on(f"the {name_of_score(history)} is still 0, so that nothing has been learned")
    mean = round(sum(known) / window, 6)
    shown, bound = apart(mean, threshold)
    over = "last comparison" if window == 1 else f"mean of the last {window} rounds"
    said = f"the {NAMES[measure]}, {shown} ({over})"
    if mean >= round(threshold, 6):
        return stops(f"{said}, has reached {bound}")
    return goes_on(f"{said}, is below {bound}")

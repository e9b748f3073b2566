"""Stopping because little is probably wrong in what is left of the pool."""

from functools import partial

from spacy_al import registry
from spacy_al.errors import Errors, UsageError
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
    stops,
)


@registry.al_stoppers("spacy-al.low_uncertainty.v1")
def make_low_uncertainty(per_answer: float | None = 0.05, errors: float | None = None) -> Stopper:
    """Stops once the model itself expects few errors in the pool; needs calibration to mean that.

    per_answer (float | None): The most errors for each entity (span, category) of the pool, in expectation.
    errors (float | None): The most errors in the whole pool, in expectation. Where both are set, both have to hold.
    RETURNS (Stopper): See `low_uncertainty`.
    RAISES (UsageError): AL140, AL143 where neither is set.
    """
    if per_answer is None and errors is None:
        raise UsageError(Errors.AL143)
    for name, value in (("per_answer", per_answer), ("errors", errors)):
        if value is not None:
            check_at_least("low_uncertainty", name, value, 0)
    return partial(low_uncertainty, per_answer=per_answer, errors=errors)


def low_uncertainty(history: History, per_answer: float | None, errors: float | None) -> Verdict:
    """Whether the expected number of errors in the pool is low enough, for itself or beside all that is to be found.

    Never while the last score is 0: a model that finds nothing may be quite sure of it.

    history (History): Needs "expected_errors" in the last round, and "expected_answers" for `per_answer`.
    per_answer (float | None): Bound of the errors for each answer.
    errors (float | None): Bound of the errors.
    RETURNS (Verdict): Whether to stop, and why or why not.
    """
    bounds = {
        **({} if per_answer is None else {"expected_answers": f"{apart(per_answer)[0]} for each"}),
        **({} if errors is None else {"expected_errors": f"{errors:,.1f} in all"}),
    }
    last = history[-1] if history else {}
    for key in ("expected_errors", *bounds):
        # a share of nothing is not known either
        if number(last, key) is None or (key == "expected_answers" and not number(last, key)):
            return number_missing(
                history, key, f"errors may be {' and '.join(bounds.values())} at most"
            )
    if nothing_learned(history):
        return goes_on(f"the {name_of_score(history)} is still 0, so that nothing has been learned")
    wrong, total = number(last, "expected_errors") or 0.0, number(last, "expected_answers") or 1.0
    low, said = [], []
    if errors is not None:
        low.append(wrong <= errors)
        shown, bound = apart(wrong, errors, digits=1)
        said.append(f"{shown} errors in the pool (at most {bound})")
    if per_answer is not None:
        share = round(wrong / total, 6)
        low.append(share <= per_answer)
        shown, bound = apart(share, per_answer)
        said.append(f"{shown} errors for each entity or other answer in the pool (at most {bound})")
    return (stops if all(low) else goes_on)(f"the model expects {' and '.join(said)}")

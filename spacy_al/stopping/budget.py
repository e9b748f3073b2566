"""Stopping because what was set aside is spent: answers, words, time or money."""

from functools import partial

from spacy_al import registry
from spacy_al.errors import Errors, UsageError
from spacy_al.stopping.verdict import (
    NAMES,
    History,
    Stopper,
    Verdict,
    check_at_least,
    goes_on,
    number,
    stops,
)

HOUR = 3600.0
MINUTE = 60.0
# Where a limit is spent, under another name
SOURCES = {"money": "seconds", "words": "words_asked"}


@registry.al_stoppers("spacy-al.budget.v1")
def make_budget(
    answers: int | None = None,
    words: int | None = None,
    seconds: float | None = None,
    money: float | None = None,
    price_per_hour: float | None = None,
) -> Stopper:
    """Stops once any of the limits that are set is spent.

    answers (int | None): Answers that people give.
    words (int | None): Words of the texts that people were asked about.
    seconds (float | None): Time that annotators take, all together.
    money (float | None): What this time may cost, in the currency of the price.
    price_per_hour (float | None): What an hour of an annotator costs.
    RETURNS (Stopper): See `budget`.
    RAISES (UsageError): AL140, AL141 where there is no limit, AL142 for money without a price or the reverse.
    """
    given = {"answers": answers, "words": words, "seconds": seconds, "money": money}
    limits = {name: float(value) for name, value in given.items() if value is not None}
    if not limits:
        raise UsageError(Errors.AL141)
    if (money is None) != (price_per_hour is None):
        raise UsageError(Errors.AL142.format(money=money, price=price_per_hour))
    for name, value in limits.items():
        check_at_least("budget", name, value, 0)
    if price_per_hour is not None:
        check_at_least("budget", "price_per_hour", price_per_hour, 0)
    return partial(budget, limits=limits, price_per_hour=price_per_hour)


def budget(history: History, limits: dict[str, float], price_per_hour: float | None) -> Verdict:
    """Whether any limit has been reached by what all rounds up to the last have cost.

    A batch is asked whole, so that the last one may go over the limit.

    history (History): Needs "answers", "words_asked" or "seconds", each counted from the start.
    limits (dict): Limit by name: answers, words, seconds, money.
    price_per_hour (float | None): For money.
    RETURNS (Verdict): Whether to stop, and why or why not.
    """
    if not history:
        shown = " and ".join(_shown(name, limit) for name, limit in limits.items())
        return goes_on(f"no round has been evaluated yet, and the budget is {shown}")
    reached, left, unknown = [], [], []
    for name, limit in limits.items():
        source = SOURCES.get(name, name)
        spent = number(history[-1], source)
        if spent is None:
            unknown.append(
                f"the {NAMES[source]} is not known (the budget is {_shown(name, limit)})"
            )
            continue
        if price_per_hour is not None and name == "money":
            # to the cent, and not a float's breadth below it
            spent = round(spent * price_per_hour / HOUR, 6)
        if spent >= limit:
            reached.append(
                f"the budget of {_shown(name, limit)} is spent ({_amount(name, spent, limit)})"
            )
        else:
            left.append(f"{_amount(name, spent, limit)} of {_shown(name, limit)} are spent")
    if reached:
        return stops("; ".join(reached))
    return goes_on("; ".join([*left, *unknown]))


def _amount(name: str, value: float, limit: float) -> str:
    if name == "seconds":
        return f"{value / (HOUR if limit >= HOUR else MINUTE):,.2f}"
    return f"{value:,.2f}" if name == "money" else f"{value:,.0f}"


def _shown(name: str, limit: float) -> str:
    time = f"{'hours' if limit >= HOUR else 'minutes'} of the annotators' time"
    unit = {"seconds": time, "money": "in wages"}.get(name, name)
    return f"{_amount(name, limit, limit)} {unit}"

"""Several stopping criteria made one."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from spacy_al import registry
from spacy_al.errors import Errors, UsageError
from spacy_al.stopping.verdict import History, Stopper, Verdict, goes_on, stops


@registry.al_stoppers("spacy-al.any_of.v1")
def make_any_of(stoppers: dict[str, Any]) -> Stopper:
    """Stops once any of several criteria stops.

    stoppers (dict[str, Stopper]): The criteria, each in a block `[al.stopper.stoppers.NAME]` below an empty `[al.stopper.stoppers]`.
    RETURNS (Stopper): See `any_of`.
    RAISES (UsageError): AL144 without criteria, AL145 where one is no function.
    """
    return partial(any_of, stoppers=_some("any_of", stoppers))


@registry.al_stoppers("spacy-al.all_of.v1")
def make_all_of(stoppers: dict[str, Any]) -> Stopper:
    """Stops once all of several criteria stop in the same round.

    stoppers (dict[str, Stopper]): The criteria, each in a block `[al.stopper.stoppers.NAME]` below an empty `[al.stopper.stoppers]`.
    RETURNS (Stopper): See `all_of`.
    RAISES (UsageError): AL144 without criteria, AL145 where one is no function.
    """
    return partial(all_of, stoppers=_some("all_of", stoppers))


def any_of(history: History, stoppers: Mapping[str, Stopper]) -> Verdict:
    """Whether any criterion stops; the reason names those that do, or says of each why it does not.

    history (History): Given to each of them.
    stoppers (Mapping[str, Stopper]): The criteria by name.
    RETURNS (Verdict): Whether to stop, and why or why not.
    """
    met, unmet = _asked(history, stoppers)
    if met:
        return stops(_list(met))
    return goes_on(f"none of {len(stoppers)} criteria is met: {_list(unmet)}")


def all_of(history: History, stoppers: Mapping[str, Stopper]) -> Verdict:
    """Whether all criteria stop; the reason names all of them, or says of each that does not why.

    history (History): Given to each of them.
    stoppers (Mapping[str, Stopper]): The criteria by name.
    RETURNS (Verdict): Whether to stop, and why or why not.
    """
    met, unmet = _asked(history, stoppers)
    if not unmet:
        return stops(f"all of {len(stoppers)} criteria are met: {_list(met)}")
    return goes_on(f"{len(met)} of {len(stoppers)} criteria are met, but not {_list(unmet)}")


def _asked(
    history: History, stoppers: Mapping[str, Stopper]
) -> tuple[dict[str, str], dict[str, str]]:
    """The reasons of those that stop and of those that do not."""
    met: dict[str, str] = {}
    unmet: dict[str, str] = {}
    for name, stopper in stoppers.items():
        stop, reason = stopper(history)
        (met if stop else unmet)[name] = reason
    return met, unmet


def _list(reasons: Mapping[str, str]) -> str:
    """Sentences as parts of one sentence."""
    parts = (
        f"{name} ({reason.removeprefix('Stops: ').removeprefix('Goes on: ').rstrip('.')})"
        for name, reason in reasons.items()
    )
    return ", ".join(parts)


def _some(stopper: str, stoppers: dict[str, Any]) -> dict[str, Stopper]:
    # a config is checked before its blocks are functions, so that the type hint cannot ask for functions
    if not stoppers:
        raise UsageError(Errors.AL144.format(stopper=stopper))
    for name, value in stoppers.items():
        if not callable(value):
            raise UsageError(Errors.AL145.format(stopper=stopper, name=name, value=value))
    return dict(stoppers)

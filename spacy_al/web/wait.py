"""How far a step of the loop is, for whoever waits for it: what goes on, for how long it has, and how long it will."""

import time
from collections.abc import Mapping
from typing import Any, TypedDict

from spacy_al.metrics import RoundMetrics

# What a state of the store is called on the page, in the order in which a step goes through them, and the metric that says how long it took
STARTING, TRAINING, MEASURING, CHOOSING = "starting", "training", "measuring", "choosing"
STAGES = {
    STARTING: None,
    TRAINING: "seconds_train",
    MEASURING: "seconds_evaluate",
    CHOOSING: "seconds_select",
}
STAGE_OF = {"train": TRAINING, "evaluate": MEASURING, "select": CHOOSING}


class Wait(TypedDict):
    """A step that goes on.

    stage: "starting", "training", "measuring" or "choosing". seconds: since the step began. left: seconds until there are texts to answer, as
    the last step took or, before this server has seen one, the last round that trained; None where no model was trained yet, so that nobody
    knows. is_late: the stage takes longer than it did then.
    """

    stage: str
    seconds: float
    left: float | None
    is_late: bool


class Watch:
    """The stages of the step that goes on, and what each took the last time."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._stage, self._since = STARTING, 0.0
        self._took: dict[str, float] = {}
        self._now: dict[str, float] = {}

    def begin(self) -> None:
        """A step starts."""
        self._began = self._since = time.monotonic()
        self._stage, self._now = STARTING, {}

    def see(self, state: str | None) -> None:
        """The state of the latest round, as often as somebody looks."""
        # before the last round is left, and after the new one has chosen, nothing of it is done
        if (stage := STAGE_OF.get(state or "", self._stage)) != self._stage:
            self._count()
            self._stage = stage

    def end(self) -> None:
        """The step has ended."""
        self._count()
        # what is chosen without a model says nothing of how long it takes with one
        if TRAINING in self._now and MEASURING in self._now:
            self._took = {**self._took, **self._now}
        self._began = None

    def _count(self) -> None:
        now = time.monotonic()
        self._now[self._stage] = self._now.get(self._stage, 0.0) + now - self._since
        self._since = now

    def wait(self, metrics: Mapping[int, RoundMetrics]) -> Wait | None:
        """What to tell whoever waits; None if no step goes on.

        metrics (Mapping): Of all rounds.
        """
        began = self._began
        if began is None:
            return None
        now, stage = time.monotonic(), self._stage
        took = self._took or _last(metrics)
        here, order = now - self._since, [*STAGES]
        known = took.get(stage, 0.0)
        later = sum(took.get(one, 0.0) for one in order[order.index(stage) + 1 :])
        is_late = bool(took) and here > known and stage != STARTING
        left = max(0.0, known - here) + later if took and not is_late else None
        return {"stage": stage, "seconds": now - began, "left": left, "is_late": is_late}


def _last(metrics: Mapping[int, RoundMetrics]) -> dict[str, Any]:
    """What each stage took in the last round that trained and has chosen."""
    for number in sorted(metrics, reverse=True):
        own: Mapping[str, Any] = metrics[number]
        found = {stage: own.get(name) for stage, name in STAGES.items() if name}
        if all(seconds is not None for seconds in found.values()):
            return found
    return {}

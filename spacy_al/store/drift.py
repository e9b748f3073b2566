"""Looks at recent texts, as the store has recorded them: when, by which model, and what differed."""

from dataclasses import asdict, dataclass, field
from typing import TypedDict

from spacy_al.store.store import Store

DRIFT = "drift"


class Compared(TypedDict):
    """One comparison of a look: means or shares on the texts that measure and on recent ones, where there is one number; p after Holm."""

    name: str
    before: float | None
    now: float | None
    p: float


@dataclass(frozen=True)
class DriftLook:
    """A look at recent texts.

    model (str): By whose reading.
    texts (int): How many were looked at.
    alarms (list[str]): What differs from the texts that the model is measured on.
    at (float): When, in seconds since 1970.
    compared (list[Compared]): All that was compared; nothing in a look of an older version.
    expected_before, expected_now (float | None): The score that the model itself expects on the texts that measure and on the recent ones.
    """

    model: str
    texts: int
    alarms: list[str]
    at: float = 0.0
    compared: list[Compared] = field(default_factory=list)
    expected_before: float | None = None
    expected_now: float | None = None


def record_look(store: Store, found: DriftLook) -> None:
    """Keep what a look found."""
    data = asdict(found)
    del data["at"]
    store.log(DRIFT, **data)


def looks(store: Store) -> list[DriftLook]:
    """All looks, the last one last."""
    return [
        DriftLook(**event["data"], at=event["at"])
        for event in store.events()
        if event["kind"] == DRIFT
    ]

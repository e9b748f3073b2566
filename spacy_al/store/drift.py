"""Looks at recent texts, as the store has recorded them: when, by which model, and what differed."""

from dataclasses import asdict, dataclass

from spacy_al.store.store import Store

DRIFT = "drift"


@dataclass(frozen=True)
class DriftLook:
    """A look at recent texts.

    model (str): By whose reading.
    texts (int): How many were looked at.
    alarms (list[str]): What differs from the texts that the model is measured on.
    at (float): When, in seconds since 1970.
    """

    model: str
    texts: int
    alarms: list[str]
    at: float = 0.0


def record_look(store: Store, found: DriftLook) -> None:
    """Keep what a look found."""
    data = asdict(found)
    del data["at"]
    store.log(DRIFT, **data)


def last_look(store: Store) -> DriftLook | None:
    """The last look; None if there was none."""
    found = [event for event in store.events() if event["kind"] == DRIFT]
    return DriftLook(**found[-1]["data"], at=found[-1]["at"]) if found else None

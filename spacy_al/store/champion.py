"""The model in use: promotions and rollbacks, as the store has recorded them. The last promotion that was not rolled back counts."""

from dataclasses import asdict, dataclass
from typing import Any

from spacy_al.store.store import Store

PROMOTED, ROLLED_BACK, REFUSED = "promoted", "rolled back", "refused"


@dataclass(frozen=True)
class Champion:
    """A model that was promoted.

    model (str): Its folder.
    hash (str): Of its files, but for temperatures.
    round (int | None): The round that made it; None for one from elsewhere.
    at (float): When it was promoted, in seconds since 1970.
    why (str): What was found, in a sentence.
    """

    model: str
    hash: str
    round: int | None
    at: float
    why: str


def champions(store: Store) -> list[Champion]:
    """The models that were in use one after the other, without those that were rolled back; the last is in use."""
    found: list[Champion] = []
    for event in store.events():
        if event["kind"] == PROMOTED:
            found.append(Champion(**event["data"], at=event["at"]))
        elif event["kind"] == ROLLED_BACK and found:
            found.pop()
    return found


def record_promotion(store: Store, made: Champion) -> None:
    """Put a model into use."""
    data: dict[str, Any] = asdict(made)
    del data["at"]
    store.log(PROMOTED, **data)


def record_refusal(store: Store, model: str, hash: str, reasons: list[str]) -> None:
    """Keep that a model was compared and not put into use, and why."""
    store.log(REFUSED, model=model, hash=hash, reasons=reasons)


def record_rollback(store: Store, why: str) -> None:
    """Put the model that was in use before back into use."""
    store.log(ROLLED_BACK, why=why)


def n_compared(store: Store, *more: str) -> int:
    """How many models were compared with one in use: the first, and one that came when none was in use, were not. Each counts once, however
    often it was. more (str): Hashes of others."""
    depth, found = 0, {*more}
    for event in store.events():
        if event["kind"] == PROMOTED:
            if depth:
                found.add(event["data"]["hash"])
            depth += 1
        elif event["kind"] == ROLLED_BACK:
            depth = max(0, depth - 1)
        elif event["kind"] == REFUSED:
            found.add(event["data"]["hash"])
    return len(found)

"""The privacy budget of a run as the store has recorded it: what each round has spent, and the secret of its noise."""

import secrets
from typing import Any

from spacy_al.store.store import Store

SPENT, SECRET = "privacy", "privacy seed"


def secret_seed(store: Store) -> int:
    """The seed of a run's noise, 128 bits that nobody has chosen; made and kept when it is first asked for."""
    for event in store.events():
        if event["kind"] == SECRET:
            return int(event["data"]["seed"])
    seed = secrets.randbits(128)
    # as text: JSON of other readers has no such numbers
    store.log(SECRET, seed=str(seed))
    return seed


def record_spent(store: Store, round: int, **found: Any) -> None:
    """Keep what the batch of a round spends, before anyone sees it. A round that is chosen again spends once, as nobody saw the first.

    found: `epsilon`, and what else is known of the batch, as `BatchPrivacy` has it.
    """
    store.log(SPENT, round=round, **found)


def batches(store: Store) -> dict[int, dict[str, Any]]:
    """What each round has spent and what is known of its batch, by round."""
    found = (event["data"] for event in store.events() if event["kind"] == SPENT)
    return {data["round"]: data for data in found}


def spent_budget(store: Store, before: int | None = None) -> float:
    """The sum of epsilon over the rounds of a run, since batches one after the other add up (Dwork et al., 2006).

    before (int | None): Only rounds before this one.
    """
    return sum(
        float(data["epsilon"])
        for number, data in batches(store).items()
        if before is None or number < before
    )

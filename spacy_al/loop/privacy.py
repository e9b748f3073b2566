"""The private batches of a run: with noise that nobody can guess, and within a budget."""

from dataclasses import asdict, replace
from typing import TypedDict

from spacy_al.config.settings import Settings
from spacy_al.errors import AlError, Errors
from spacy_al.query.privacy import is_private
from spacy_al.query.select import Selection
from spacy_al.registry import resolve
from spacy_al.reporting.words import plural
from spacy_al.store.privacy import batches, record_spent, secret_seed, spent_budget
from spacy_al.store.store import Store

# Sums of tenths are no tenths
SLACK = 1e-9


class PrivacyStatus(TypedDict):
    """The privacy budget of a run.

    spent, budget, epsilon (float): Of all batches so far, of the run, and of a batch.
    rounds (int): That have spent something.
    shown (float): The greatest probability with which the last batch asks a text.
    overlap, chance (float): The share of the highest scores that the last batch was expected to hold, and that of a batch at random.
    clipped (float): The share of the scores above the bound, at the last batch.
    sentence (str): All of it for people.
    """

    spent: float
    budget: float
    epsilon: float
    rounds: int
    shown: float | None
    overlap: float | None
    chance: float | None
    clipped: float | None
    sentence: str


def private_settings(store: Store, settings: Settings, number: int, model: str | None) -> Settings:
    """Settings to choose a batch with: where the sampler is private, with the run's secret seed. Others stay as they are.

    model (str | None): Without one all texts are alike, and a batch spends nothing.
    RAISES (AlError): AL471 if the budget is spent.
    """
    if not is_private(settings):
        return settings
    epsilon, budget = _own(settings)
    spent = spent_budget(store, before=number)
    if model is not None and spent + epsilon > budget + SLACK:
        raise AlError(Errors.AL471.format(spent=spent, budget=budget, epsilon=epsilon))
    return replace(settings, seed=secret_seed(store))


def record_privacy(store: Store, number: int, selection: Selection) -> None:
    """Keep what a batch spends, where its sampler is private."""
    if selection.privacy is not None:
        record_spent(store, number, **asdict(selection.privacy))


def privacy_status(store: Store, settings: Settings) -> PrivacyStatus | None:
    """The budget of a run; None where nothing was spent and the sampler is not private."""
    known = batches(store)
    if not (known or is_private(settings)):
        return None
    epsilon, budget = _own(settings) if is_private(settings) else (0.0, 0.0)
    spent = spent_budget(store)
    last = known[max(known)] if known else {}
    rounds = sum(data["epsilon"] > 0 for data in known.values())
    more = int((budget - spent + SLACK) / epsilon) if epsilon else None
    sentence = f"Privacy: {spent:g} of {budget:g} is spent, in {plural(rounds, 'round')}"
    if more is not None:
        sentence += f"; at {epsilon:g} a round it is enough for {max(more, 0)} more"
    if last:
        sentence += (
            f". The last batch: a text is asked with a probability of {last['shown']:.2g} at most; of the highest scores it is "
            f"expected to hold {last['overlap']:.1%}, and chance alone {last['chance']:.1%}"
        )
    return {
        "spent": spent,
        "budget": budget,
        "epsilon": epsilon,
        "rounds": rounds,
        "shown": last.get("shown"),
        "overlap": last.get("overlap"),
        "chance": last.get("chance"),
        "clipped": last.get("clipped"),
        "sentence": f"{sentence}.",
    }


def _own(settings: Settings) -> tuple[float, float]:
    """Epsilon and budget of the sampler."""
    given = resolve(settings.blocks["sampler"]).keywords
    return given["epsilon"], given["budget"]

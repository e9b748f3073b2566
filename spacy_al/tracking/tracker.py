"""The interface to a tracker, and what it is told: names, figures and hashes, no text of the pool."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from spacy_al.store.champion import Champion


@dataclass(frozen=True)
class TrackedRound:
    """A round as a tracker is told of it.

    number (int): Of the round.
    is_over (bool): Whether nothing more of it is to come.
    params (dict[str, str]): Settings that it ran with.
    hashes (dict[str, str]): Of data, config, code and model.
    metrics (dict[str, float]): Scores, counts and seconds by their names.
    strategy (str | None): How its questions were chosen; None before that.
    config (Path | None): The config that trained it.
    model (Path | None): Its model, if it is there.
    """

    number: int
    is_over: bool
    params: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    strategy: str | None = None
    config: Path | None = None
    model: Path | None = None

    @property
    def digest(self) -> str:
        """A hash of all of it: what was sent already is not sent again."""
        told = [self.number, self.is_over, self.hashes, self.metrics, self.strategy]
        return digest_of([*told, str(self.model)])


@dataclass(frozen=True)
class TrackedRun:
    """The run that rounds belong to.

    key (str): Of this run, wherever its folder is moved.
    title (str): The name of its config.
    is_over (bool): Whether it has stopped.
    files (list[Path]): Reports of it.
    """

    key: str
    title: str
    is_over: bool
    files: list[Path] = field(default_factory=list)


class Tracker(Protocol):
    """A place where a run is shown. Every method may be called again with the same, and then changes nothing; what it raises is told to
    people, and does no harm to the run.

    name (str): For people.
    place (str): By which is remembered what was sent where; without credentials.
    memory (dict): Plain JSON that it finds again in the next command.
    """

    name: str
    place: str
    memory: dict[str, Any]

    def round_done(self, run: TrackedRun, facts: TrackedRound) -> None:
        """Show a round, and its figures on the curves of the run."""

    def promoted(self, run: TrackedRun, used: Sequence[Champion]) -> None:
        """Show which model is in use. used (Sequence): The models that were one after the other, the last one now."""

    def close(self) -> None:
        """End what was begun for this command."""


def digest_of(told: Any) -> str:
    """A hash of plain data."""
    text = json.dumps(told, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode("utf8"), digest_size=8).hexdigest()


def numbers_of(values: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The finite numbers among values, by name."""
    return {
        f"{prefix}{name}": float(value)
        for name, value in values.items()
        if isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) < float("inf")
    }

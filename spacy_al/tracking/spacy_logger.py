"""Any logger of spaCy's as a tracker: it gets the figures of each round as it gets those of a step of training."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import srsly

from spacy_al.config.tracking import Tracking
from spacy_al.posteriors.component import open_pipeline
from spacy_al.registry import resolve
from spacy_al.store.champion import Champion
from spacy_al.tracking.tracker import TrackedRound, TrackedRun, digest_of, numbers_of


class _Lines(io.TextIOBase):
    """A stream whose lines go to where a run's lines go."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show, self._left = show, ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._left = (self._left + text).split("\n")
        for line in lines:
            self._show(line)
        return len(text)


@dataclass
class SpacyLogger:
    """A logger of spaCy's as a `Tracker`. It is set up with the first model that it is told of, and ended with the command.

    setup (Callable): What the config's block makes: takes the pipeline and two streams, returns `log_step` and `finalize`.
    show (Callable): Gets the lines that it prints.
    sends_model (bool): Whether it is told where the model lies.
    place (str), memory (dict): As a `Tracker` has them; `memory` holds the score of each round that was logged.
    """

    setup: Callable[..., Any]
    show: Callable[[str], None]
    sends_model: bool
    place: str
    memory: dict[str, Any]
    name: str = "the logger"
    _begun: tuple[Callable[[Any], None], Callable[[], None]] | None = None
    _pipes: list[str] = field(default_factory=list)

    def round_done(self, run: TrackedRun, facts: TrackedRound) -> None:
        """A round as a step, once: what a logger was told cannot be told anew."""
        score, known = facts.metrics.get("dev.score"), self.memory.setdefault("scores", {})
        if facts.model is None or score is None or str(facts.number) in known:
            return
        if self._begun is None:
            nlp, stream = open_pipeline(str(facts.model)), _Lines(self.show)
            self._pipes = [
                name for name, pipe in nlp.pipeline if getattr(pipe, "is_trainable", False)
            ]
            self._begun = self.setup(nlp, stream, stream)
        self._begun[0](self._info(facts, score, known))
        known[str(facts.number)] = score

    def promoted(self, run: TrackedRun, used: Sequence[Champion]) -> None:
        """Loggers know of no model in use."""

    def close(self) -> None:
        """End it, if it was set up."""
        if self._begun is not None:
            _, finalize = self._begun
            self._begun = None
            finalize()

    def _info(self, facts: TrackedRound, score: float, known: dict[str, float]) -> dict[str, Any]:
        """What spaCy tells a logger of a step, for a round."""
        performance = _performance(cast(Path, facts.model))
        losses = {name: float(performance.pop(f"{name}_loss", 0.0)) for name in self._pipes}
        # both by the names that spaCy has, and by ours
        others = {**performance, **facts.metrics}
        before = [(value, int(number)) for number, value in known.items()]
        return {
            "epoch": facts.number,
            "step": facts.number,
            "score": score,
            "other_scores": others,
            "losses": losses,
            "checkpoints": [*before, (score, facts.number)],
            "seconds": int(facts.metrics.get("seconds_train", 0)),
            "words": int(facts.metrics.get("words", 0)),
            "output_path": str(facts.model) if self.sends_model else None,
        }


def make_spacy_logger(
    tracking: Tracking, show: Callable[[str], None], ledger: dict[str, dict[str, Any]]
) -> SpacyLogger:
    """RAISES (AlError): AL084 if the block cannot be resolved, as without the library that it needs."""
    block = dict(tracking.logger or {})
    place = f"logger {digest_of(block)}"
    memory = ledger.setdefault(place, {})
    return SpacyLogger(resolve(block), show, tracking.log_model, place, memory)


def _performance(model: Path) -> dict[str, Any]:
    meta = srsly.read_json(model / "meta.json")
    return {**numbers_of(meta.get("performance", {}))}

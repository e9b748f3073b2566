"""What the functions return: plain data that a notebook shows as the reports do."""

from dataclasses import dataclass, field
from pathlib import Path

from spacy_al.deployment.drift import Drift
from spacy_al.evaluation.calibrate import KeptCalibration
from spacy_al.loop.best import BestModel
from spacy_al.loop.status import Status, StatusRow
from spacy_al.metrics import Temperature
from spacy_al.posteriors.temperature import FittedSets, Judged
from spacy_al.reporting.facts import RunFacts, SimulationFacts, StrategyFacts
from spacy_al.reporting.notebook import run_part, simulation_part


@dataclass(frozen=True)
class RunResult:
    """Where a run is. A notebook shows its score, its learning curve, and what it waits for.

    state (str): "wait" for answers, "stopped", or the step of the round that was interrupted, such as "train".
    sentence (str): What it waits for, or why it has stopped.
    rounds (list[StatusRow]): The numbers of each round.
    best (BestModel | None): The best model: its round, folder and score, and how to load and package it.
    output (Path): Folder of the run.
    report (Path | None): The HTML file; None where none was written.
    status (Status): All that `status --json` says.
    facts (RunFacts): All that the report says.
    drift (Drift | None): What a look at recent texts found, where one was asked for.
    """

    state: str
    sentence: str
    rounds: list[StatusRow]
    best: BestModel | None
    output: Path
    report: Path | None
    status: Status = field(repr=False)
    facts: RunFacts = field(repr=False)
    drift: Drift | None = None

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        load = self.best["load"] if self.best and self.best["package"] else None
        return run_part(self.facts, {"Best model": load, "Report": self.report})


@dataclass(frozen=True)
class SimulationResult:
    """What came of a simulation. A notebook shows who beat random choice, and the curves.

    output (Path): Folder of its results.
    report (Path): The HTML file.
    strategies (list[StrategyFacts]): Scores, costs and savings of each strategy.
    facts (SimulationFacts): All that the report says.
    """

    output: Path
    report: Path
    strategies: list[StrategyFacts]
    facts: SimulationFacts = field(repr=False)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        made = {"Report": self.report, "Command": self.facts["command"]}
        return simulation_part(self.facts, made)


@dataclass(frozen=True)
class CalibrationResult:
    """What came of a calibration.

    component (str): Whose probabilities.
    temperature: None where none could be fitted; a dict of two for an entity recogniser; for categories, where folds say that it is better, a
        dict of `scale` and `bias`, of each label one.
    documents (int): The gold documents that it was fitted on.
    before, after (dict | None): Calibration error, log loss and Brier score.
    path (Path | None): The file that keeps it; None where nothing was stored.
    sets (dict | None): The threshold of sets of answers, and what they cover; None where no coverage was asked for.
    record (KeptCalibration): All that is known of it.
    """

    component: str
    temperature: Temperature | None
    documents: int
    before: Judged
    after: Judged | None
    path: Path | None
    sets: FittedSets | None
    record: KeptCalibration = field(repr=False)

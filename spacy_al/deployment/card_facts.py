"""What a model card tells of a promoted model, as plain data out of the store and of its own answers to held-out texts."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy
import srsly

from spacy_al.config.project import Project
from spacy_al.deployment.gate import FEWEST, Judgement, Rule
from spacy_al.evaluation.text_counts import TextAnswers
from spacy_al.measures.interval import f_interval
from spacy_al.measures.paired import mean_f
from spacy_al.metrics import RoundMetrics
from spacy_al.store.removal import forgotten_rounds
from spacy_al.store.store import Store
from spacy_al.training.made_from import hash_of, made_by


@dataclass(frozen=True)
class CardRow:
    """How good a model is at a label.

    label (str): Its name; "all" for all of them.
    score (float | None), interval (tuple | None): F on the held-out texts, and where it probably lies on others.
    wanted (int): Answers with it that were to be given in these texts.
    """

    label: str
    score: float | None
    interval: tuple[float, float] | None
    wanted: int


@dataclass(frozen=True)
class CardFacts:
    """A promoted model.

    project (Project), model (Path), hash (str), round (int | None): Which it is.
    at (float): When it was promoted, in seconds since 1970.
    metrics (RoundMetrics): Of its round; empty for one from elsewhere.
    strategies (dict): How questions were chosen -> rounds that did so, of those that it has learned from.
    answers (int): People's answers up to its round.
    forgotten (int): Texts of these rounds that were forgotten since.
    gold (Path), gold_hash (str | None), texts (int): What it was measured on.
    rows (list[CardRow]): Of all answers and of each label.
    not_measured (dict): Label -> why.
    calibration_error (float | None): On the held-out texts.
    verdict (Judgement | None), rule (Rule): How it was compared with the model that was in use before.
    versions (dict): That made it, by name.
    meta (dict): Of the pipeline itself.
    """

    project: Project
    model: Path
    hash: str
    round: int | None
    at: float
    metrics: RoundMetrics
    strategies: dict[str, list[int]]
    answers: int
    forgotten: int
    gold: Path
    gold_hash: str | None
    texts: int
    rows: list[CardRow]
    not_measured: dict[str, str]
    calibration_error: float | None
    verdict: Judgement | None
    rule: Rule
    versions: dict[str, str]
    meta: dict[str, Any] = field(default_factory=dict)

    @property
    def few(self) -> list[str]:
        """Labels of which there are too few in the held-out texts for a score that means something."""
        return [row.label for row in self.rows[1:] if row.wanted < FEWEST]


def card_facts(
    project: Project,
    store: Store,
    model: Path,
    number: int | None,
    gold: Path,
    said: TextAnswers | None,
    verdict: Judgement | None,
    rule: Rule,
) -> CardFacts:
    """The facts of a model that is about to be promoted.

    said (TextAnswers | None): What it says of the held-out texts; None where there are none.
    Others as `CardFacts` has them.
    """
    metrics = store.metrics()
    earlier = [k for k in sorted(metrics) if number is not None and k < number]
    strategies: dict[str, list[int]] = {}
    for k in earlier:
        if strategy := metrics[k].get("strategy"):
            strategies.setdefault(strategy, []).append(k)
    gone = forgotten_rounds(store)
    own = metrics.get(number, {}) if number is not None else {}
    dev = own.get("dev")
    error = None
    if said is not None and len(said):
        found = said.calibration_error(numpy.ones(len(said), dtype="i8"))
        error = None if found != found else float(found)
    return CardFacts(
        project,
        model,
        str(hash_of(model)),
        number,
        time.time(),
        own,
        strategies,
        answers=sum(metrics[k].get("answers", 0) for k in earlier),
        forgotten=sum(count for k, count in gone.items() if k in earlier),
        gold=gold,
        gold_hash=hash_of(gold),
        texts=0 if said is None else len(said),
        rows=[] if said is None else card_rows(said, store.labels().names),
        not_measured=dev.get("not_measured", {}) if dev else {},
        calibration_error=error,
        verdict=verdict,
        rule=rule,
        versions=made_by(model.parent),
        meta=srsly.read_json(model / "meta.json"),
    )


def card_rows(said: TextAnswers, labels: Sequence[str]) -> list[CardRow]:
    """How good a model is, at all labels and at each.

    labels (Sequence[str]): Of the run, in their order; others that are said or wanted come after them.
    """
    found = said.labels()
    names = [*(one for one in labels if one in found), *sorted(found - {*labels})]
    counts = said.counts(names)
    whole = counts if said.is_mean else counts.sum(axis=1, keepdims=True)

    def row(label: str, part: Any) -> CardRow:
        score = float(mean_f(part.sum(axis=0)))
        right, given, wanted = (part[:, :, k] for k in range(3))
        return CardRow(
            label,
            None if score != score else score,
            f_interval(right, given, wanted),
            int(wanted.sum()),
        )

    rows = [row(name, counts[:, k : k + 1]) for k, name in enumerate(names)]
    return [row("all", whole), *rows]

"""The facts that the risks of a run are told from."""

from collections.abc import Mapping, Sequence
from typing import Any

from spacy_al.config.project import Project
from spacy_al.config.settings import Settings
from spacy_al.measures.balance import LabelShare, label_shares
from spacy_al.metrics import RoundMetrics, TeacherMetrics
from spacy_al.reporting.estimates import PoolEstimate
from spacy_al.reporting.risk import RiskFacts

QUOTAS = "spacy-al.quotas.v1"


def risk_facts(
    project: Project,
    metrics: Mapping[int, RoundMetrics],
    *,
    pool: PoolEstimate | None,
    drift: dict[str, Any] | None,
    privacy: Mapping[str, Any] | None,
    pairs: Sequence[Mapping[str, Any]],
    teacher: TeacherMetrics | None,
) -> RiskFacts:
    """What a run knows that can go wrong.

    project (Project): Of the run.
    metrics (Mapping): Of its rounds.
    pool, drift, privacy, pairs, teacher: As `status` has them; pairs are its `agreement`.
    RETURNS (RiskFacts): For `reporting.risks.risks`. Plain data.
    """
    settings = project.settings
    measured = [metrics[k] for k in sorted(metrics) if metrics[k].get("dev")]
    latest: RoundMetrics = measured[-1] if measured else {}
    estimated = metrics.get(pool["round"], {}) if pool else {}
    return {
        "config": str(project.config),
        "dev": latest.get("dev"),
        "own_dev": settings.dev is None,
        "pool": pool,
        "pool_dev": estimated.get("dev"),
        "drift": drift,
        "labels": label_balances(latest, pool),
        "has_quotas": has_quotas(settings),
        "field": settings.groups,
        "groups": latest.get("groups"),
        "strata": settings.dev_strata if settings.dev is None else None,
        "calibration": latest.get("calibration_error"),
        "privacy": privacy,
        "pairs": pairs,
        "overlap": settings.overlap,
        "teacher": teacher,
        "max_error": settings.teacher.max_error if settings.teacher else None,
    }


def has_quotas(settings: Settings) -> bool:
    """Whether the sampler keeps a share of each batch for labels."""
    return settings.blocks.get("sampler", {}).get("@al_samplers") == QUOTAS


def label_balances(metrics: RoundMetrics, pool: PoolEstimate | None) -> list[LabelShare]:
    """The labels of a round in what it learned from and in the pool: as estimated from answers, or else as its model expects them."""
    expected = metrics.get("expected_labels")
    if not expected:
        return []
    counts = {} if pool is None or pool.get("refused") else pool["counts"]
    # without an interval it rests on a few texts at most, which may stand for many others
    known = {label: row for label, row in counts.items() if row["low"] is not None}
    there = {
        label: known[label]["value"] if label in known else value
        for label, value in expected.items()
    }
    at_least = {label: row["low"] or 0.0 for label, row in known.items()}
    labelled = metrics.get("labelled") or metrics.get("balance") or {}
    return label_shares(labelled, there, at_least)

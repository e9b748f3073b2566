"""A risk of a run in words, and the facts that risks are told from."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from spacy_al.measures.balance import LabelShare
from spacy_al.metrics import CalibrationErrors, Evaluation, GroupMetrics, TeacherMetrics
from spacy_al.reporting.estimates import PoolEstimate

State = Literal["alarm", "fine", "unknown"]


class Risk(TypedDict):
    """A risk, in words.

    state (str): "alarm", "fine" within the bound, or "unknown" where this run cannot say.
    figure, bound, remedy (str): What was found, with its interval where there is one, empty where nothing was; the bound; what is in force against it.
    advice (str): What to do; where nothing can be said, what it would take.
    """

    name: str
    state: State
    figure: str
    bound: str
    remedy: str
    advice: str


class RiskFacts(TypedDict, total=False):
    """What risks are told from; what is missing counts as not known.

    config (str): The run's own.
    dev (Evaluation): The last score on the texts that measure; own_dev (bool): whether these were drawn from the pool at random.
    pool (PoolEstimate), pool_dev (Evaluation): The score in the pool, and that on dev of the same model.
    drift (dict): The last look at recent texts, as `DriftLook`.
    labels (list[LabelShare]): In what was labelled and in the pool.
    has_quotas (bool): Whether the sampler keeps a share for labels.
    field (str), groups (GroupMetrics): By which texts are grouped, and what was found.
    strata (str): Over whose values the texts that measure are spread.
    calibration (CalibrationErrors): Of the last model.
    privacy (dict): As `PrivacyStatus`.
    pairs (list), overlap (int): Of annotators, as `PairRow`; and how many each text is asked of.
    teacher (TeacherMetrics), max_error (float): What it has done, and the share of its answers that may be wrong.
    """

    config: str
    dev: Evaluation | None
    own_dev: bool
    pool: PoolEstimate | None
    pool_dev: Evaluation | None
    drift: dict[str, Any] | None
    labels: list[LabelShare]
    has_quotas: bool
    field: str | None
    groups: GroupMetrics | None
    strata: str | None
    calibration: CalibrationErrors | None
    privacy: Mapping[str, Any] | None
    pairs: Sequence[Mapping[str, Any]]
    overlap: int
    teacher: TeacherMetrics | None
    max_error: float | None


def make_risk(name: str, state: State, figure: str, bound: str, remedy: str, advice: str) -> Risk:
    """A risk; arguments as its keys."""
    return {
        "name": name,
        "state": state,
        "figure": figure,
        "bound": bound,
        "remedy": remedy,
        "advice": advice,
    }


def unknown_risk(name: str, bound: str, remedy: str, takes: str, figure: str = "") -> Risk:
    """A risk that this run cannot say. takes (str): What it would take."""
    return make_risk(name, "unknown", figure, bound, remedy, takes)

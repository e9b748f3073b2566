"""The facts that reports are made of, as plain data. Of a run or a simulation of long ago some may be missing."""

from typing import Any, TypedDict

from spacy_al.measures.balance import LabelShare
from spacy_al.measures.learning_curve import Comparison
from spacy_al.measures.simulated import Cost, FullNumbers
from spacy_al.metrics import GroupMetrics, LabelScores, RoundMetrics
from spacy_al.reporting.estimates import PoolEstimate
from spacy_al.reporting.risk import Risk


class ShownToken(TypedDict):
    """A token of a question: whether a space follows it, and its entropy in nats."""

    text: str
    ws: bool
    u: float | None


class ShownSpan(TypedDict):
    """Tokens with a label; the end is exclusive."""

    start: int
    end: int
    label: str
    score: float | None


class ShownQuestion(TypedDict, total=False):
    """A question and its answer.

    scored_by (str | None): What the score is.
    options (list): Category and probability.
    answer (dict | None): As an answer is stored, its spans as they are shown.
    """

    text: str
    tokens: list[ShownToken]
    spans: list[ShownSpan]
    options: list[list[Any]]
    answer: dict[str, Any] | None
    score: float | None
    scored_by: str | None
    why: str | None
    rank: int | None


class RoundFacts(RoundMetrics, total=False):
    """A round: its metrics, its scores on what is reported on and on dev, and some of what it asked.

    breaks (bool): Whether its score counts other labels than that of the round before.
    forgotten (int): Texts that it asked about and that were forgotten since.
    """

    round: int
    score: float | None
    dev_score: float | None
    per_label: dict[str, LabelScores] | None
    breaks: bool
    forgotten: int
    batch: list[ShownQuestion]


class Point(TypedDict):
    """The mean over runs by chance after a round, and their range."""

    words: float
    texts: float
    score: float
    low: float
    high: float


class Baseline(TypedDict, total=False):
    """The curve of chance in a simulation."""

    name: str
    seeds: int
    points: list[Point]


class Forecast(TypedDict, total=False):
    """The learning curve carried on: cost, score, and the band's low and high end."""

    cost: Cost
    target: float | None
    cost_to_target: float | None
    cost_band: tuple[float | None, float | None] | None
    curve: list[tuple[float, float, float, float]]


class State(TypedDict, total=False):
    """Where a run is."""

    state: str
    sentence: str


class Person(TypedDict):
    """Who has answered how much, and how fast; and where it probably lies how much of that is right, and how much of what is there they
    find, where that can be told."""

    name: str
    answers: int
    seconds: float | None
    words_per_minute: float | None
    right: tuple[float, float] | None
    finds: tuple[float, float] | None


class Pair(TypedDict):
    """How far two people say the same of what both have answered."""

    names: list[str]
    tasks: int
    kappa: float | None
    span_f1: float | None


class RunFacts(TypedDict, total=False):
    """The facts of a run that a report tells.

    price (tuple): What an hour of an annotator costs, and its currency.
    measuring (int): Texts that people answered and that measure, which no round trains on.
    drift (list): Looks at recent texts, as `DriftLook`, the last one last.
    labels_in_pool (list), has_quotas (bool): Each label in what was labelled and in the pool; whether the sampler keeps a share for labels.
    """

    measuring: int
    price: tuple[float, str] | None
    people: list[Person]
    pairs: list[Pair]
    next: str
    teacher: list[str]
    kind: str
    title: str
    component: str | None
    kind_of_task: str
    strategy: str | None
    labels: list[str]
    config: str
    command: str
    made_with: dict[str, str]
    state: State
    stopping: list[str]
    score_name: str | None
    reported_on: str
    modelled_time: bool
    baseline: Baseline | None
    full: FullNumbers | None
    rounds: list[RoundFacts]
    forecast: Forecast | None
    pool: PoolEstimate | None
    labels_in_pool: list[LabelShare]
    has_quotas: bool
    groups: GroupMetrics | None
    drift: list[dict[str, Any]]
    risks: list[Risk]


class CorpusFacts(TypedDict, total=False):
    """The corpus of a simulation, as a report tells of it: how often each label occurs, what was left out and why."""

    texts: int
    words: int
    labels: dict[str, int]
    dropped: dict[str, int]


class CostFacts(Comparison, total=False):
    """A strategy by one cost; its mean curve has cost, score, low and high a round."""

    curve: list[list[float]]


class Found(TypedDict, total=False):
    """How often a label was found in what was chosen, a mean over seeds; and for 100 texts.

    texts_to_80, texts_to_95 (float | None): Mean of the texts after which the label's F is so much of what it is with the whole corpus,
        None where it is not in some seed; reached_80, reached_95: in how many seeds. Where that is known.
    """

    found: float
    per_100_texts: float
    texts_to_80: float | None
    reached_80: int
    texts_to_95: float | None
    reached_95: int


class OwnWords(TypedDict):
    """Words that models labelled themselves, a mean over rounds; the shares of them that are wrong, and expected to be."""

    words: float
    wrong: float
    expected: float


class OwnTexts(TypedDict):
    """Texts that only models labelled, as `OwnWords`."""

    texts: float
    wrong: float
    expected: float


class StrategyFacts(Comparison, total=False):
    """A strategy: by words, and by every cost; texts a round and rounds after the start."""

    by_cost: dict[Cost, CostFacts]
    batch_size: int
    rounds: int
    rare: dict[str, Found]
    seconds_per_round: dict[str, float]
    self_labels: OwnWords
    self_texts: OwnTexts


class SimulationFacts(TypedDict, total=False):
    """The facts of a simulation that a report tells. plan (dict): As its plan describes itself."""

    kind: str
    command: str
    title: str
    plan: dict[str, Any]
    made_with: dict[str, str]
    corpus: CorpusFacts
    score_name: str
    costs: list[Cost]
    full: FullNumbers | None
    rare_labels: dict[str, int]
    notes: list[str]
    strategies: list[StrategyFacts]

"""The numbers of rounds as plain data, with the keys that JSON has, so that the type checker sees them; `measures.simulated` has those of simulations."""

from collections.abc import Mapping
from typing import Any, TypeAlias, TypedDict

# One number; or for entities {"closed": ..., "open": ...}: between entities and within one, and of a greedy recogniser "begin" and "label"
# besides: where one begins, whether it does and which; or for categories
# {"scale": {label: ...}, "bias": {label: ...}}, by which logits are multiplied and moved
Temperature: TypeAlias = float | Mapping[str, Any]


class LabelScores(TypedDict):
    """Precision, recall and F of one label."""

    p: float
    r: float
    f: float


class Measured(TypedDict, total=False):
    """What a score of a run counts.

    labels (list): The labels that count, as they were called then.
    measures (list): The same by what they are made of: a score means the same as long as this is the same.
    not_measured (dict): Label of the run -> why it does not count.
    """

    labels: list[str]
    measures: list[str]
    not_measured: dict[str, str]


class Evaluation(Measured):
    """How good a model is on labelled texts; None for what the gold says nothing about."""

    score: float | None
    score_name: str
    precision: float | None
    recall: float | None
    per_label: dict[str, LabelScores] | None
    texts: int
    words: int
    interval: tuple[float, float] | None


class CalibrationErrors(TypedDict):
    """Calibration error of all candidates as a model was trained, and at its temperature."""

    before: float | None
    after: float | None


class Calibrated(TypedDict, total=False):
    """The outcome of calibrating a model on dev; empty if nothing can be fitted."""

    temperature: Temperature
    calibration_error: CalibrationErrors


class Agreement(TypedDict):
    """How far two models or annotators say the same; None where it does not apply."""

    kappa: float | None
    span_f1: float | None


class SelfLabelled(TypedDict, total=False):
    """The labels that models gave themselves: words of texts that were asked about in part, and whole texts."""

    self_labelled: int
    self_wrong_expected: float
    self_trained: int
    self_trained_words: int
    self_trained_wrong_expected: float


class RoundSeconds(TypedDict, total=False):
    """The seconds that the steps of a round took, and people's answers."""

    seconds_train: float
    seconds_evaluate: float
    seconds_select: float
    seconds_answers: float


class LearnedWith(TypedDict, total=False):
    """What a model learned with, as `ChosenLearner.describe` says it; where there is an encoder."""

    learner: dict[str, Any]


class StartMetrics(TypedDict, total=False):
    """The pipeline that a run began with, and what a round's model has kept of the labels that nobody is asked about.

    model (str): Its folder or package.
    labels (list): Those that are kept.
    dev, test (float | None): Its scores, over the labels that are asked for.
    agreement (float | None), texts (int): F of the round's marks with kept labels, those of the pipeline taken for right, on so many
        random texts of the pool.
    measured_on (str), measured (list), before, after (float | None): "test" or "dev", the kept labels that it is labelled with, and the
        scores over them of the pipeline and of the round's model.
    """

    model: str
    labels: list[str]
    dev: float | None
    test: float | None
    agreement: float | None
    texts: int
    measured_on: str
    measured: list[str]
    before: float | None
    after: float | None


class TeacherMetrics(TypedDict, total=False):
    """What a teacher has done in a run so far, and what became of it.

    teacher, hash (str): Its name, and what tells it from others.
    calls (int), most (int | None), cost (float): Texts that it was given, again ones among them; that it may be given; and their price.
    said, failed (int): Texts that it has labelled, and that it failed on.
    taught, taught_words (int): Texts that train as it has them, with its weight, and their words.
    judged (int), agreed (float | None): Texts in which the round's model was compared with it for the first time, and the share in which the two agree.
    accepted (int): Texts that train as if a person had labelled them as it did.
    audited, answered, wrong (int): Texts that it would have had accepted and that were asked nevertheless; those answered; those that it has wrong.
    interval (tuple | None): Where the share of wrong ones among all accepted probably lies.
    on (bool), why (str): Whether anything is accepted, and why.
    """

    teacher: str
    hash: str
    calls: int
    most: int | None
    cost: float
    said: int
    failed: int
    taught: int
    taught_words: int
    judged: int
    agreed: float | None
    accepted: int
    audited: int
    answered: int
    wrong: int
    interval: tuple[float, float] | None
    on: bool
    why: str


class Overruled(TypedDict):
    """What a consensus left out of an answer, and what it put in: (start, end, label) over tokens, (0, 0, label) for a category."""

    answer: int
    left_out: list[list[Any]]
    put_in: list[list[Any]]


class ConsensusMetrics(TypedDict):
    """What a consensus has settled: text -> the probability of the least sure decision on it; question -> annotator -> what it overruled;
    and how many texts it left to a review."""

    method: str
    settled: dict[str, float]
    overruled: dict[str, dict[str, Overruled]]
    left: int


class GroupRow(TypedDict):
    """Texts that have the same value of a field, in the pool and among those that measure.

    name (str | None): The value; None for texts without the field.
    pool, asked (int), share (float | None): Texts of the pool, those of them that were asked to learn from, and their share.
    less (float): How often a batch at random would hold no more of them, all groups counted (Holm).
    texts, told (int): Texts that measure, and those of them that have an answer, right or wrong.
    score (float | None), interval (tuple | None), rest (float | None): Its score, where it probably lies, and that of all other texts.
    p (float | None): How often chance alone makes such a difference, all groups counted (Holm); None where there are too few texts.
    differs (bool): Whether that is too seldom to be chance.
    answers (int), calibration_error (float | None): Answers that the model gives, and the calibration error of them where there are enough.
    """

    name: str | None
    pool: int
    asked: int
    share: float | None
    less: float
    texts: int
    told: int
    score: float | None
    interval: tuple[float, float] | None
    rest: float | None
    p: float | None
    differs: bool
    answers: int
    calibration_error: float | None


class GroupMetrics(TypedDict):
    """The groups of a run after a round: by which field, the fewest texts that anything is claimed of, the groups, the largest first,
    and how many more there are that are not told one by one."""

    field: str
    fewest: int
    rows: list[GroupRow]
    others: int


class RoundMetrics(Calibrated, SelfLabelled, RoundSeconds, LearnedWith, total=False):
    """The numbers of a round, as the store has them: those of the steps that it has been through."""

    # what the first hour will be, in words, before the first question
    plan: str
    # what it trained on
    texts: int
    words: int
    words_labelled: int
    weak: int
    teacher: TeacherMetrics
    kept_marks: int
    balance: dict[str, int]
    # marks of each label in all that it trained on, and in the pool as its model expects them
    labelled: dict[str, int]
    expected_labels: dict[str, float]
    groups: GroupMetrics
    merged: dict[str, int]
    review: list[str]
    # of what it was made from and of what it made, as `loop.hashes` has them
    hashes: dict[str, str]
    consensus: ConsensusMetrics
    # the right answers to its gold questions
    gold: dict[str, Any]
    # what its model is worth
    dev: Evaluation
    test: Evaluation
    start: StartMetrics
    kappa: float | None
    span_f1: float | None
    expected_errors: float | None
    expected_answers: float | None
    n_pool: int
    stopping: list[str]
    # what was chosen, and what answers cost
    strategy: str
    pool_texts: int
    eligible: int
    left_out: dict[str, int]
    asked_all: bool
    answers: int
    words_shown: int
    words_decided: int

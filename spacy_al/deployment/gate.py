"""Whether a candidate may take the place of the model in use: better as a whole, much worse nowhere, as honest as before.

Compared on the same held-out texts by a paired bootstrap over texts. An equal candidate passes by luck in about one of twenty comparisons, each
time anew: the more candidates are tried on the same texts, the likelier one of them passes so.
"""

from dataclasses import dataclass, field

from spacy_al.evaluation.text_counts import TextAnswers
from spacy_al.measures.paired import LEVEL, Difference, f_difference, statistic_difference

# Of fewer answers that were to be given a label's score says nothing
FEWEST = 10


@dataclass(frozen=True)
class Rule:
    """When a candidate is better.

    margin (float): By how much its F has to be above that of the model in use, at least.
    label_loss (float): How much F each label may lose.
    calibration_loss (float): How much the calibration error may rise.
    level (float): How sure one wants to be of each.
    """

    margin: float = 0.0
    label_loss: float = 0.05
    calibration_loss: float = 0.05
    level: float = LEVEL


@dataclass(frozen=True)
class Judgement:
    """What came of a comparison.

    texts (int): That both were measured on.
    score (Difference | None): Of F; None where the texts say nothing.
    labels (dict): label -> Difference of its F, of labels that are often enough in the texts.
    few (list[str]): Labels that are in too few answers to be compared.
    calibration (Difference | None): Of the calibration error: more is worse.
    reasons (list[str]): Why the candidate is refused; empty if it may be promoted.
    """

    texts: int
    score: Difference | None
    labels: dict[str, Difference]
    few: list[str]
    calibration: Difference | None
    reasons: list[str] = field(default_factory=list)

    @property
    def is_better(self) -> bool:
        """Whether the candidate may take the place of the model in use."""
        return not self.reasons


def judge_candidate(new: TextAnswers, old: TextAnswers, rule: Rule, *, seed: int = 0) -> Judgement:
    """Compare a candidate with the model in use.

    new, old (TextAnswers): What the candidate and the model in use say of the same texts.
    rule (Rule): When it is better.
    seed (int): Of the draws.
    """
    names = sorted(new.labels() | old.labels())
    counts = new.counts(names), old.counts(names)
    # one score for all answers, or the mean of the labels' scores
    whole = counts if new.is_mean else tuple(one.sum(axis=1, keepdims=True) for one in counts)
    score = f_difference(*whole, level=rule.level, seed=seed)
    wanted = counts[0][:, :, 2].sum(axis=0)
    compared, few = {}, []
    for k, name in enumerate(names):
        part = [one[:, k : k + 1] for one in counts]
        found = f_difference(*part, level=rule.level, seed=seed) if wanted[k] >= FEWEST else None
        if found is None:
            few.append(name)
        else:
            compared[name] = found
    calibration = statistic_difference(
        new.calibration_error, old.calibration_error, len(new), level=rule.level, seed=seed
    )
    verdict = Judgement(len(new), score, compared, few, calibration)
    verdict.reasons.extend(_reasons(verdict, rule))
    return verdict


def _reasons(found: Judgement, rule: Rule) -> list[str]:
    score, sure = found.score, f"{rule.level:.0%}"
    if score is None:
        return [
            "The texts say nothing about it: neither model nor gold has an answer in two of them"
        ]
    reasons = []
    if score.low <= rule.margin:
        reasons.append(
            f"F {score.new:.3f} is not surely more than {rule.margin:g} above {score.old:.3f}: with {sure} certainty the difference is at "
            f"least {score.low:+.3f}"
        )
    for name, label in found.labels.items():
        if label.gain < -rule.label_loss and label.high < 0:
            reasons.append(
                f"{name} loses {-label.gain:.3f} of its F, from {label.old:.3f} to {label.new:.3f}, and may lose {rule.label_loss:g}"
            )
    error = found.calibration
    if error is not None and error.gain > rule.calibration_loss and error.low > 0:
        reasons.append(
            f"The calibration error rises by {error.gain:.3f}, from {error.old:.3f} to {error.new:.3f}, and may rise by "
            f"{rule.calibration_loss:g}: calibrate it"
        )
    return reasons

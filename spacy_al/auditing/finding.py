"""A finding: a label that is probably wrong, or missing, and what the model would say there instead."""

from dataclasses import dataclass

from spacy_al.measures.mark_errors import BOUNDARY, LABEL, MISSING, SPURIOUS

# What may be wrong with a category, of which one applies, or any number
SWAPPED, EXTRA, LACKING = "swapped", "extra", "lacking"


@dataclass(frozen=True)
class Finding:
    """One mark, or one place without a mark, that the model does not believe.

    start, end (int): Tokens of what is given, the end exclusive; of what is missing, those of what is proposed. 0 and 0 for categories.
    given (str | None): The label that is there; None where nothing is.
    prob_given (float): Probability of what is given: of exactly this mark, or that nothing is there.
    proposed (tuple | None): (start, end, label) that is more probable; None for nothing.
    prob_proposed (float): Its probability.
    reason (str): One of the names above.
    prob_tokens (float | None): Of the tokens that an entity or what is proposed covers, the least probability that one is what it is given as: in
        an entity of that label, or in none. None where that is `prob_given`.
    """

    start: int
    end: int
    given: str | None
    prob_given: float
    proposed: tuple[int, int, str] | None
    prob_proposed: float
    reason: str
    prob_tokens: float | None = None
    n_alike: int = 1

    @property
    def evidence(self) -> float:
        """What the model says against what is given, from 0 to 1: the share of what is proposed in the probability of proposed and
        given, times how improbable the least probable token is. Where a model knows what is there and not where exactly it
        ends, the tokens say so, and the whole mark does not."""
        both = self.prob_given + self.prob_proposed
        tokens = self.prob_given if self.prob_tokens is None else self.prob_tokens
        return (1 - tokens) * self.prob_proposed / both if both > 0 else 0.0

    @property
    def score(self) -> float:
        """How doubtful it is, from 0 to 1; a higher one is looked at sooner. The odds of the evidence, divided by how many places are
        doubted for the same reason: a model that misses half of the entities doubts many right ones. docs/audit.md has what other
        scores find."""
        own = self.evidence
        return own / (own + (1 - own) * self.n_alike) if own else 0.0

    @property
    def is_likely(self) -> bool:
        """Whether what is proposed is more probable than what is given."""
        return self.prob_proposed > self.prob_given

    @property
    def tokens(self) -> tuple[int, int]:
        """All tokens that it is about, from the first to behind the last."""
        if self.proposed is None:
            return self.start, self.end
        return min(self.start, self.proposed[0]), max(self.end, self.proposed[1])


def describe_finding(finding: Finding, words: list[str] | None = None) -> str:
    """A finding in one sentence.

    words (list[str] | None): The text of what is given and of what is proposed; None for categories.
    """
    given, proposed = finding.given, finding.proposed
    p, q = f"{finding.prob_given:.2f}", f"{finding.prob_proposed:.2f}"
    name = proposed[2] if proposed else ""
    if words is None:
        return {
            SWAPPED: f"{given} has {p}, and {name} {q}.",
            EXTRA: f"{given} is given, and has {p}.",
            LACKING: f"{name} is not given, and has {q}.",
        }[finding.reason]
    own, other = (f"“{text}”" for text in words)
    return {
        LABEL: f"{own} as {given} has {p}, and as {name} {q}.",
        BOUNDARY: f"{own} as {given} has {p}, and {other} as {name} {q}.",
        SPURIOUS: f"{own} as {given} has {p}; that nothing is there has {q}.",
        MISSING: f"Nothing is marked at {other}, which has {p}; as {name} it has {q}.",
    }[finding.reason]

"""What a teacher has wrong: at stated rates, how well it is found, and how much of it audited acceptance lets through."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy

from spacy_al.acquisition.disagreement_teacher import disagreement_teacher
from spacy_al.acquisition.sequence import sequence_entropy
from spacy_al.acquisition.token import token_entropy
from spacy_al.arrays.distribution import row_entropy
from spacy_al.config.teacher import TeacherBlock
from spacy_al.measures.agreement import span_f1
from spacy_al.measures.calibration import auroc
from spacy_al.oracle.mistakes import Mistakes, mistaken
from spacy_al.tasks.decision import Mark
from spacy_al.teachers.accept import audit_verdict, judge_agreement

# A language model's mistakes, per entity
RATES = {
    "careful": Mistakes(missed=0.05, mislabelled=0.03, boundary=0.05, spurious=0.05),
    "rough": Mistakes(missed=0.20, mislabelled=0.10, boundary=0.10, spurious=0.20),
}
# Audited acceptance: which share is audited, how many may be wrong, and how many are audited in a round
BLOCK = TeacherBlock(pipeline="bench", audit_share=0.3, max_error=0.1)
AUDITS = 10


@dataclass(frozen=True)
class Texts:
    """Gold texts and what a student believes of them.

    marks (list): (start, end, label) of each.
    spaces (list): Which tokens are white space.
    posteriors (list): The student's.
    labels (list): Of the corpus.
    known (dict): What `disagreement` has computed.
    """

    marks: list[set[Mark]]
    spaces: list[list[bool]]
    posteriors: list[Any]
    labels: list[str]
    known: dict[Any, float] = field(default_factory=dict)

    def disagreement(self, said: Sequence[set[Mark]]) -> Any:
        """(N,) in nats. Most of what a teacher says is what another draw of it said."""
        keys = [(row, frozenset(marks)) for row, marks in enumerate(said)]
        new = [key for key in keys if key not in self.known]
        own = [self.posteriors[row] for row, _ in new]
        scores = disagreement_teacher(own, said=[marks for _, marks in new])
        self.known.update(zip(new, scores.tolist()))
        return numpy.array([self.known[key] for key in keys])


def corrupted(texts: Texts, rates: Mistakes, seed: int) -> list[set[Mark]]:
    """The gold with mistakes at these rates, drawn for each text alone."""
    return [
        mistaken(
            gold,
            [rates],
            numpy.random.default_rng([seed, row]),
            form="entities",
            labels=texts.labels,
            spaces=blank,
        )
        for row, (gold, blank) in enumerate(zip(texts.marks, texts.spaces))
    ]


def find_wrong(texts: Texts, said: Sequence[set[Mark]]) -> dict[str, float | None]:
    """AUROC of finding the texts that a teacher has wrong, by score; of its wrong entities; and how often, and how far, it is wrong."""
    wrong = numpy.array([gold != theirs for gold, theirs in zip(texts.marks, said)])
    scores: dict[str, Callable[[Sequence[Any]], Any]] = {
        "disagreement": lambda own: texts.disagreement(said),
        "disagreement, span": lambda own: disagreement_teacher(own, "span", said=said),
        "sequence entropy": sequence_entropy,
        "token entropy, mean": lambda own: token_entropy(own, reduce="mean"),
        "token entropy, max": token_entropy,
        "length": lambda own: numpy.array([float(len(one)) for one in own]),
    }
    found = {name: _auroc(score(texts.posteriors), wrong) for name, score in scores.items()}
    bad, improbable, unsure = [], [], []
    for gold, theirs, own in zip(texts.marks, said, texts.posteriors):
        entropies = row_entropy(own.token_probs)
        for mark in sorted(theirs):
            bad.append(mark not in gold)
            improbable.append(1.0 - own.prob(*mark))
            unsure.append(float(entropies[mark[0] : mark[1]].max()))
    found["entities: 1 - P"] = _auroc(numpy.array(improbable), numpy.array(bad))
    found["entities: entropy"] = _auroc(numpy.array(unsure), numpy.array(bad))
    return {
        **found,
        "wrong texts": float(wrong.mean()),
        "F": span_f1([*map(list, texts.marks)], [*map(list, said)]),
    }


def accept_texts(
    texts: Texts, said: Sequence[set[Mark]], seed: int, accept: float
) -> dict[str, Any]:
    """Rounds of audited acceptance until no text is left on which the two agree; gold answers the audits.

    RETURNS (dict): `accepted`, `audited`, `wrong` (share of the accepted), `high` (of its interval at the end), `on` (at the end), `ever`, and
        `worst`: the greatest share that was wrong in a round in which it was on, 0 where it never was.
    """
    block, nats = replace(BLOCK, accept=accept), texts.disagreement(said)
    left = {f"{row:016x}": round(math.exp(-one), 6) for row, one in enumerate(nats)}
    is_wrong = [gold != theirs for gold, theirs in zip(texts.marks, said)]
    accepted, audited, worst, ever = list[int](), list[int](), 0.0, False
    now, share = audit_verdict(0, 0, BLOCK.max_error), 0.0
    while True:
        judged = judge_agreement(left, block, seed=seed, most_audits=AUDITS)
        if not judged.accepted and not judged.audited:
            break
        accepted += [int(id_, 16) for id_ in judged.accepted]
        audited += [int(id_, 16) for id_ in judged.audited]
        for id_ in (*judged.accepted, *judged.audited):
            del left[id_]
        now = audit_verdict(len(audited), sum(is_wrong[row] for row in audited), BLOCK.max_error)
        share = sum(is_wrong[row] for row in accepted) / max(1, len(accepted))
        ever |= now.on
        worst = max(worst, share) if now.on else worst
    return {
        "accepted": len(accepted),
        "audited": len(audited),
        "wrong": share if accepted else None,
        "high": now.interval[1] if accepted and now.interval else None,
        "on": bool(accepted) and now.on,
        "ever": ever,
        "worst": worst,
    }


def _auroc(scores: Any, wrong: Any) -> float | None:
    return auroc(scores, wrong) if len(wrong) else None

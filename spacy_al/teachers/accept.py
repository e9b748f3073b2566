"""Audited acceptance: texts in which a calibrated model and a teacher agree train without a question, as long as a random share of them, which is
asked nevertheless, shows that few of them are wrong.

A text is judged once. What is audited is drawn from those that a round accepts before anybody has answered any of them or anything has trained on
the accepted ones, so that the share of wrong ones among the audited is that among the accepted, but for chance.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import islice
from math import exp
from pathlib import Path

from spacy_al.acquisition.disagreement_teacher import disagreement_teacher
from spacy_al.arrays.keyed_noise import chance_of
from spacy_al.config.teacher import TeacherBlock
from spacy_al.corpus.pool import read_shard_items, shards
from spacy_al.errors import AlError
from spacy_al.measures.interval import share_interval
from spacy_al.posteriors.component import TrainedComponent
from spacy_al.teachers.marks import TeacherMarks

# Texts that are read together
BATCH = 200


@dataclass(frozen=True)
class JudgedTexts:
    """The texts that a round's model was compared with the teacher on.

    n (int): How many.
    n_agreed (int): In how many the two agree; more than are accepted, where more would have to be audited than there are questions.
    accepted (dict): By their ids the probability that the model gives what the teacher says; the audited ones are not among them.
    audited (list): Ids of those that are asked nevertheless, in the order of their draws.
    """

    n: int
    n_agreed: int
    accepted: Mapping[str, float]
    audited: list[str]


@dataclass(frozen=True)
class AuditVerdict:
    """Whether texts are accepted.

    on (bool): Whether they are.
    why (str): Why, in a sentence.
    answered, wrong (int): Audited texts that people have answered, and those that the teacher has wrong.
    interval (tuple | None): Where the share of wrong ones among the accepted probably lies, exactly (Clopper and Pearson, 1934).
    """

    on: bool
    why: str
    answered: int
    wrong: int
    interval: tuple[float, float] | None


def agreement_probs(
    component: TrainedComponent, pool: Path, teacher: TeacherMarks, leave_out: Collection[str]
) -> dict[str, float]:
    """The probability that a model gives what a teacher says, of each text of a pool.

    component (TrainedComponent): Its model; probabilities mean what they say only where it is calibrated.
    pool (Path): Shards that cannot be read are passed over.
    teacher (TeacherMarks): What it says; other texts are left out.
    leave_out (Collection[str]): Ids of texts that are not looked at.
    RETURNS (dict): By ids. A text is in it once.
    """
    wanted, found = set(teacher.cache.said) - {*leave_out}, dict[str, float]()
    for shard in shards(pool):
        items = read_shard_items(shard, component.nlp, only=wanted - found.keys())
        while True:
            with component.nlp.memory_zone():
                try:
                    batch = [(item.id, item.doc) for item in islice(items, BATCH)]
                except AlError:
                    break
                if not batch:
                    break
                docs = [doc for _, doc in batch]
                said = teacher.of_docs(docs)
                scores = disagreement_teacher(component.posteriors(docs), said=said)
                # digits, as a batch's others change the last ones
                found |= {id_: round(exp(-nats), 6) for (id_, _), nats in zip(batch, scores)}
                del batch, docs
    return found


def judge_agreement(
    probs: Mapping[str, float], block: TeacherBlock, *, seed: int, most_audits: int
) -> JudgedTexts:
    """Which texts are accepted, and which of them are audited.

    Each text is audited with the same probability, whatever the round, so that those audited are a random sample of all that are accepted over the
    rounds. Where that takes more questions than there are, fewer texts are accepted.

    probs (Mapping): As `agreement_probs`.
    block (TeacherBlock): From which probability on, and which share is audited.
    seed (int): Of the draws, which belong to the texts.
    most_audits (int): Questions that there are for it.
    """
    agreed = [id_ for id_, prob in probs.items() if prob >= block.accept]
    accepted, audited = dict[str, float](), list[str]()
    # which ones is left to chance, as the surest would be the easiest
    for id_ in sorted(agreed, key=lambda id_: (chance_of(id_, f"{seed} accepted"), id_)):
        if chance_of(id_, f"{seed} audited") >= block.audit_share:
            accepted[id_] = probs[id_]
        elif len(audited) < most_audits:
            audited.append(id_)
        else:
            break
    return JudgedTexts(len(probs), len(agreed), accepted, audited)


def audit_verdict(answered: int, wrong: int, max_error: float) -> AuditVerdict:
    """Whether audited texts allow to accept others.

    answered, wrong (int): Audited texts that people have answered, and those that the teacher has wrong.
    max_error (float): More than that share may not be wrong, as far as one can know.
    """
    if not answered:
        why = "no audited text has been answered yet"
        return AuditVerdict(False, why, 0, 0, None)
    low, high = share_interval(wrong, answered)
    on = high <= max_error
    why = (
        f"{wrong} of {answered} audited texts {'was' if wrong == 1 else 'were'} wrong, so that of those accepted up to {high:.1%} may be, "
        f"{'within' if on else 'and it takes at most'} {max_error:.1%}"
    )
    return AuditVerdict(on, why, answered, wrong, (low, high))

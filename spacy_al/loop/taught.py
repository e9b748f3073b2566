"""A teacher in a run: what trains of what it says, what of that people are asked nevertheless, and whether it may go on."""

import json
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_al.config.project import Project, round_number
from spacy_al.corpus.labelled import labelled_ids
from spacy_al.corpus.pool import fetch
from spacy_al.corpus.shard import ACCEPTED, TAUGHT, read_shard, writing
from spacy_al.loop.answers import merged_answers
from spacy_al.loop.measuring import kept_to_measure
from spacy_al.metrics import TeacherMetrics
from spacy_al.posteriors.component import open_component, open_pipeline
from spacy_al.query.random_order import RandomOrder, ask_in_order
from spacy_al.store.store import Store
from spacy_al.tasks.merge import Merged, count_labels, write_corpus
from spacy_al.tasks.task import Task
from spacy_al.teachers.accept import (
    AuditVerdict,
    JudgedTexts,
    agreement_probs,
    audit_verdict,
    judge_agreement,
)
from spacy_al.teachers.ask import ask_pool, check_taught_labels, open_said
from spacy_al.teachers.marks import TeacherMarks, teacher_marks
from spacy_al.teachers.texts import is_right, label_taught, taught_by
from spacy_al.training.trainer import MODEL
from spacy_al.util import content_hash

# Of the folder of a round: what it has accepted
FILE = "teacher.json"
# In the meta of a question that is an audit: the teacher
AUDIT = "audit"
# Of a batch at most so much audits
SHARE = 0.5


@dataclass(frozen=True)
class TaughtTexts:
    """The texts of a round's corpus that a teacher has labelled.

    counts (Counter): Texts and words of it by who labelled them, and `label X` for each label X.
    metrics (TeacherMetrics): What is kept with the round.
    """

    counts: Counter[str]
    metrics: TeacherMetrics

    @property
    def words(self) -> float:
        """Words that training sees of them in a pass, as far as budgets go."""
        return self.counts["words seen"]


def add_taught_texts(
    store: Store, project: Project, number: int, corpus: Path, merged: Merged
) -> TaughtTexts:
    """Add to the corpus of a round what the teacher says: what is accepted, and the rest of the pool with its weight.

    A person's answer takes the place of the teacher's, and so does whatever else is in the corpus.

    number (int): The round.
    corpus (Path): All that is labelled otherwise; written again, whole or not at all.
    merged (Merged): What people have answered, by which the audited texts are judged.
    RAISES (AlError): As `ask_pool`, AL442 for labels that the run does not have.
    """
    settings = project.settings
    block, marks = settings.teacher, teacher_marks(settings)
    if block is None or marks is None:
        return TaughtTexts(Counter(), {})
    assert settings.pool is not None
    check_taught_labels(settings)
    own = run_verdict(store, project, merged, marks)
    metrics = _verdict_metrics(project, own)
    # what is asked is a person's to label, now or later
    kept_away = store.asked_ids() | kept_to_measure(store)
    if block.train or block.accept:
        metrics |= ask_pool(settings, code=project.code_text, leave_out=kept_away).spent
    taken = _accepted_before(project, number, marks.hash)
    trains = dict.fromkeys(taken, ACCEPTED) if own.on else {}
    if block.train:
        trains = {**{id_: TAUGHT for id_ in marks.cache.said if id_ not in taken}, **trains}
    docs = list(read_shard(corpus, Vocab())) if corpus.is_file() else []
    away = {*kept_away, *(content_hash(doc.text) for doc in docs)}
    for path in (project.dev, settings.test):
        away |= labelled_ids(path) if path and path.exists() else set()
    found = [
        made
        for id_, doc in _pool_docs(project, trains.keys() - away).items()
        if (made := _labelled(project, doc, marks, trains[id_])) is not None
    ]
    if found:
        write_corpus([*docs, *found], corpus)
    counts = _counted(project, found, block.train if docs else 1.0)
    metrics |= {
        "taught": counts[TAUGHT],
        "taught_words": counts[f"words {TAUGHT}"],
        "accepted": counts[ACCEPTED],
    }
    return TaughtTexts(counts, metrics)


def judge_taught(
    store: Store, project: Project, number: int, asked: Collection[str], n_left: int
) -> tuple[list[Task], TeacherMetrics]:
    """Have a round's model judge the texts that no model has judged yet, and ask about a random share of those in which the two agree.

    asked (Collection[str]): Ids of texts that were asked, or are kept to measure on.
    n_left (int): Questions that the batch has left.
    RETURNS (tuple): The questions, without any suggestion; and what is kept with the round.
    RAISES (AlError): As `ask_pool`, `agreement_probs` and `ask_in_order`.
    """
    settings = project.settings
    block, marks = settings.teacher, teacher_marks(settings)
    if block is None or marks is None:
        return [], {}
    found = store.metrics().get(number, {}).get("teacher", {})
    metrics: TeacherMetrics = {**found, **open_said(settings).spent}
    model = project.folder(number) / MODEL
    if not block.accept or not model.is_dir() or project.at_least:
        return [], metrics
    component = open_component(
        str(model), settings.component, code=project.code_text, gpu_id=project.gpu_id
    )
    if not component.calibrated:
        why = "the model is not calibrated, so that its agreement means nothing"
        return [], {**metrics, "on": False, "why": why}
    assert settings.pool is not None
    asked_now = ask_pool(settings, code=project.code_text, leave_out=asked)
    away = {*asked, *_judged_before(project, number, marks.hash)}
    for path in (settings.train, project.dev, settings.test):
        away |= labelled_ids(path) if path and path.exists() else set()
    probs = agreement_probs(component, settings.pool, marks, away)
    most = max(0, min(int(SHARE * settings.batch_size), n_left - 1))
    judged = judge_agreement(probs, block, seed=settings.seed, most_audits=most)
    _write(project.folder(number) / FILE, judged, marks.hash, block.accept)
    order = RandomOrder(judged.audited, [block.audit_share] * len(judged.audited), None, judged.n)
    tasks = ask_in_order(settings.pool, settings, order, judged.audited, number, project.code_text)
    for task in tasks:
        task["meta"] |= {AUDIT: marks.hash, "design": AUDIT, "strategy": "audit of the teacher"}
    metrics |= asked_now.spent
    metrics["judged"] = judged.n
    metrics["agreed"] = judged.n_agreed / judged.n if judged.n else None
    return tasks, metrics


def run_verdict(
    store: Store, project: Project, merged: Merged, marks: TeacherMarks
) -> AuditVerdict:
    """Whether the audited texts, as far as they are answered, allow to accept others."""
    block = project.settings.teacher
    assert block is not None
    docs = {content_hash(doc.text): doc for doc in merged.docs}
    right = list[bool]()
    for stored in store.tasks(purpose="train"):
        doc = docs.get(stored.item)
        if stored.task["meta"].get(AUDIT) != marks.hash or doc is None:
            continue
        said = marks.of(doc)
        found = None if said is None else _is_right(project, doc, said)
        right += [] if found is None else [found]
    return audit_verdict(len(right), right.count(False), block.max_error)


def teacher_now(store: Store, project: Project) -> TeacherMetrics | None:
    """What a teacher has done so far, as of now; None without one. For status and report."""
    settings = project.settings
    marks = teacher_marks(settings)
    if settings.teacher is None or marks is None:
        return None
    known = store.metrics()
    now: TeacherMetrics = {}
    for number in sorted(known):
        now = known[number].get("teacher", now)
    now = {**now, **open_said(settings).spent}
    if settings.teacher.accept:
        own = run_verdict(store, project, merged_answers(store, project), marks)
        # before the first answer the latest round knows better why nothing is accepted
        why = None if own.answered else now.get("why")
        now |= _verdict_metrics(project, own)
        now["why"] = why or own.why
        tasks = store.tasks(purpose="train")
        now["audited"] = sum(one.task["meta"].get(AUDIT) == marks.hash for one in tasks)
    return now


def accepted_ids(project: Project, number: int) -> set[str]:
    """Ids of the texts that rounds up to this one have accepted."""
    marks = teacher_marks(project.settings)
    return set() if marks is None else _accepted_before(project, number + 1, marks.hash)


def _verdict_metrics(project: Project, own: AuditVerdict) -> TeacherMetrics:
    block = project.settings.teacher
    if block is None or not block.accept:
        return {}
    return {
        "on": own.on,
        "why": own.why,
        "answered": own.answered,
        "wrong": own.wrong,
        "interval": own.interval,
    }


def _is_right(project: Project, doc: Doc, said: list[Any]) -> bool | None:
    labels = project.settings.labels
    known = [mark for mark in said if not labels or mark[2] in labels]
    return is_right(doc, known, kind=project.kind, spans_key=project.settings.spans_key)


def _labelled(project: Project, doc: Doc, marks: TeacherMarks, by: str) -> Doc | None:
    said = marks.of(doc)
    if said is None:
        return None
    labels = project.settings.labels or sorted({label for _, _, label in said})
    key = project.settings.spans_key
    return label_taught(doc, said, kind=project.kind, labels=labels, by=by, spans_key=key)


def _pool_docs(project: Project, ids: Collection[str]) -> dict[str, Doc]:
    """Texts of the pool in the order of their ids, in tokens as training has them."""
    settings = project.settings
    assert settings.pool is not None
    if not ids:
        return {}
    nlp = open_pipeline(None, settings.lang, settings.tokeniser)
    return {id_: item.doc for id_, item in fetch(settings.pool, nlp, sorted(ids)).items()}


def _counted(project: Project, docs: Collection[Doc], rate: float) -> Counter[str]:
    counts: Counter[str] = Counter()
    seen = 0.0
    for doc in docs:
        by = taught_by(doc) or TAUGHT
        counts.update({by: 1, f"words {by}": len(doc), "texts": 1})
        seen += len(doc) * (1.0 if by == ACCEPTED else rate)
        for label, count in count_labels(doc, project.kind, project.settings.spans_key).items():
            counts[f"label {label}"] += count
    counts["words seen"] = int(seen)
    return counts


def _write(path: Path, judged: JudgedTexts, teacher: str, threshold: float) -> None:
    found = {"teacher": teacher, "threshold": threshold}
    found |= {"accepted": dict(judged.accepted), "audited": judged.audited}
    with writing(path) as file:
        file.write(json.dumps(found) + "\n")


def _files_before(project: Project, number: int, teacher: str) -> list[dict[str, Any]]:
    """What the rounds before have accepted of this teacher's."""
    found = []
    for path in sorted(project.output.glob(f"round-*/{FILE}")):
        own = round_number(path.parent)
        # of a damaged one the texts are judged again
        with suppress(ValueError):
            record = json.loads(path.read_text("utf8"))
            if own is not None and own < number and record.get("teacher") == teacher:
                found.append(record)
    return found


def _accepted_before(project: Project, number: int, teacher: str) -> set[str]:
    return {id_ for one in _files_before(project, number, teacher) for id_ in one["accepted"]}


def _judged_before(project: Project, number: int, teacher: str) -> set[str]:
    """Texts that were taken, or audited; others are judged again, by a better model."""
    files = _files_before(project, number, teacher)
    return _accepted_before(project, number, teacher) | {i for one in files for i in one["audited"]}

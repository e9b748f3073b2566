"""An annotated corpus as models see it that were not trained on it: of each text its findings."""

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from spacy_al.auditing.finding import Finding
from spacy_al.auditing.folds import dev_of, groups_of, make_folds, train_folds
from spacy_al.auditing.judge import JUDGES, not_judged
from spacy_al.corpus.shard import SOURCE_KEY
from spacy_al.errors import AlError, AlWarning, Errors, Warnings
from spacy_al.evaluation.calibrate import calibrate_on_dev
from spacy_al.evaluation.gold import align_gold
from spacy_al.kinds import FACTORIES
from spacy_al.posteriors.component import TrainedComponent
from spacy_al.posteriors.read import reader_of
from spacy_al.processes.lock import locked
from spacy_al.tasks.decision import undecided
from spacy_al.util import batched

# Texts that are read at once
TOGETHER = 500


@dataclass(frozen=True)
class JudgedText:
    """A text of the corpus, on the tokens of the pipeline that judged it.

    row (int): Its place in the corpus.
    doc (Doc): The text, without its annotation.
    answer (Any): What is annotated, as `evaluation.gold` has it.
    findings (list[Finding]): The most doubtful first.
    source (Mapping): What `ingest` stored of where it comes from, or nothing.
    """

    row: int
    doc: Doc
    answer: Any
    findings: list[Finding]
    source: Mapping[str, Any] = field(default_factory=dict)

    @property
    def score(self) -> float:
        """That of its most doubtful mark."""
        return self.findings[0].score if self.findings else 0.0


@dataclass
class JudgedCorpus:
    """All of a corpus.

    task (str): "entities", "spans", "tags" or "categories".
    component, factory (str): Whose labels, and of what kind it is.
    labels (list[str]): All labels that models know.
    exclusive (bool): For categories, whether one applies.
    total (int): Texts in the corpus.
    texts (list[JudgedText]): Those that are annotated, in the order of the corpus.
    skipped (Counter): Texts that are not annotated, answers that are on no token, by reason.
    unknown (Counter): Marks that were not judged, by label, as the model never learned it.
    unsuggested (Counter): Marks that were not judged, by label, as the suggester of a span categoriser does not propose the span.
    """

    task: str
    component: str
    factory: str
    labels: list[str]
    exclusive: bool
    total: int
    texts: list[JudgedText] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    unsuggested: Counter[str] = field(default_factory=Counter)

    def add(
        self,
        component: TrainedComponent,
        docs: Sequence[Doc],
        rows: Sequence[int],
        look: Any = None,
    ) -> None:
        """Have a model judge some of the texts.

        component (TrainedComponent): Which has not seen them.
        docs (Sequence[Doc]): As stored.
        rows (Sequence[int]): Their places in the corpus.
        look (Callable | None): Takes each JudgedText with its posterior, for benchmarks.
        """
        gold = align_gold(component.nlp, component.name, docs)
        self.skipped["without annotation"] += gold.counts["without annotation"]
        self.skipped["unaligned"] += gold.counts["unaligned"]
        self.labels += [label for label in component.labels if label not in self.labels]
        read, judge = reader_of(component.nlp, component.name), JUDGES[self.task]
        for part in batched(list(zip(gold.rows, gold.docs, gold.answers)), TOGETHER):
            found = read(component.pipe, [doc for _, doc, _ in part], component.temperature)
            for (place, doc, answer), posterior in zip(part, found):
                findings = sorted(judge(posterior, answer), key=lambda one: -one.score)
                for label in not_judged(answer, findings, self.exclusive):
                    known = label in component.labels and self.task == "spans"
                    (self.unsuggested if known else self.unknown)[label] += 1
                source = docs[place].user_data.get(SOURCE_KEY) or {}
                text = JudgedText(rows[place], doc, answer, findings, source)
                self.texts.append(text)
                if look is not None:
                    look(text, posterior)


def judge_by_folds(
    docs: Sequence[Doc],
    config: Path,
    folder: Path,
    *,
    component: str,
    factory: str,
    n_folds: int,
    seed: int,
    spans_key: str = "sc",
    overrides: Mapping[str, Any] | None = None,
    code: Path | None = None,
    gpu_id: int = -1,
    show: Callable[[str], None] | None = None,
    look: Any = None,
    where: Path | None = None,
) -> JudgedCorpus:
    """Have each text judged by a model that was trained on other folds. What was trained is kept, and used again for the same.

    Temperatures are fitted on texts that are neither learned from nor judged: those that the fold's training stopped on.

    docs (Sequence[Doc]): The corpus, as stored.
    config, overrides, folder, component, code, gpu_id, show: As for `train_folds`.
    factory (str): Of the component.
    n_folds, seed (int): How many folds, and what they are drawn with.
    look: As for `JudgedCorpus.add`.
    spans_key (str): Where a span categoriser's spans are.
    where (Path | None): Where the corpus lies, for messages.
    RAISES (AlError): AL070, before anything is trained, if nothing is annotated; as `make_folds` of the texts that are, and as `train_folds`;
        AL155 if another process works in the folder.
    """
    found = _empty(docs, component, factory)
    # what is not annotated teaches nothing: a fold of such texts alone could not be trained
    rows = [row for row, doc in enumerate(docs) if _is_annotated(doc, found.task, spans_key)]
    found.skipped["without annotation"] = len(docs) - len(rows)
    if not rows:
        raise _nothing(found, where, spans_key)
    docs = [docs[row] for row in rows]
    folds = make_folds(groups_of(docs), n_folds, seed)
    with locked(folder):
        for fold, trained in train_folds(
            docs,
            folds,
            config,
            folder,
            component=component,
            overrides=overrides,
            code=code,
            gpu_id=gpu_id,
            show=show,
        ):
            calibrate_on_dev(trained, dev_of(folder, fold, n_folds), seed)
            held = fold.held.tolist()
            judged, places = [docs[k] for k in held], [rows[k] for k in held]
            found.add(trained.recalibrated(), judged, places, look)
    return _whole(found, where)


def judge_by_model(
    docs: Sequence[Doc],
    component: TrainedComponent,
    model: str,
    *,
    look: Any = None,
    where: Path | None = None,
) -> JudgedCorpus:
    """Have a model judge all texts. That it has not seen them nobody checks.

    docs (Sequence[Doc]): The corpus, as stored.
    component (TrainedComponent): Whose labels.
    model (str): Its name, for the message.
    look: As for `JudgedCorpus.add`.
    where (Path | None): Where the corpus lies, for messages.
    RAISES (AlError): AL070 if nothing is annotated.
    WARNS (AlWarning): ALW421 if it is not calibrated.
    """
    if not component.calibrated:
        warnings.warn(Warnings.W421.format(model=model), AlWarning, stacklevel=2)
    found = _empty(docs, component.name, component.factory)
    found.add(component, docs, range(len(docs)), look)
    return _whole(found, where)


def _empty(docs: Sequence[Doc], component: str, factory: str) -> JudgedCorpus:
    row = FACTORIES[factory]
    return JudgedCorpus(row.task, component, factory, [], row.is_exclusive, len(docs))


def _is_annotated(doc: Doc, task: str, spans_key: str) -> bool:
    if task in ("entities", "tags"):
        return not undecided(doc, task).all()
    return bool(doc.cats) if task == "categories" else len(doc) > 0 and spans_key in doc.spans


def _nothing(found: JudgedCorpus, where: Path | None, spans_key: str = "sc") -> AlError:
    needs = FACTORIES[found.factory].gold.format(key=spans_key)
    path = where or "the corpus"
    return AlError(
        Errors.AL070.format(path=path, total=found.total, name=found.component, needs=needs)
    )


def _whole(found: JudgedCorpus, where: Path | None) -> JudgedCorpus:
    if not found.texts:
        raise _nothing(found, where)
    alike = Counter(one.reason for text in found.texts for one in text.findings if one.is_likely)
    weighed = [
        [replace(one, n_alike=alike[one.reason] or 1) for one in text.findings]
        for text in found.texts
    ]
    found.texts = [
        replace(text, findings=sorted(own, key=lambda one: -one.score))
        for text, own in zip(found.texts, weighed)
    ]
    found.texts.sort(key=lambda text: text.row)
    for marks, text in ((found.unknown, Warnings.W420), (found.unsuggested, Warnings.W423)):
        if marks:
            named = ", ".join(f"{label} ({count})" for label, count in sorted(marks.items()))
            message = text.format(count=marks.total(), labels=named, name=found.component)
            warnings.warn(message, AlWarning, stacklevel=3)
    return found

"""How well disagreement finds what a teacher has wrong, and how many of the texts that are accepted as the teacher has them are wrong.

    python -m spacy_al.bench.teachers DATA --config configs/ner.cfg --work WORK

DATA has a folder for each corpus with `train.spacy` and `dev.spacy`. A student learns from some gold texts and is calibrated on others; it
judges what a teacher says of the rest. Teachers are gold with mistakes at stated rates, by chance alone as a language model's are not, and a
model of fewer gold texts, whose mistakes are those that models make. What was measured is kept in WORK and not measured again.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy
import typer
from spacy.tokens import Doc
from spacy.vocab import Vocab
from typer import Option
from wasabi import table

from spacy_al.acquisition.disagreement_teacher import disagreement_teacher
from spacy_al.acquisition.sequence import sequence_entropy
from spacy_al.acquisition.token import token_entropy
from spacy_al.arrays.distribution import row_entropy
from spacy_al.bench.cells import measure_cells
from spacy_al.config.teacher import TeacherBlock
from spacy_al.corpus.shard import read_shard, write_shard
from spacy_al.evaluation.calibrate import calibrate_on_dev
from spacy_al.evaluation.evaluate import evaluate
from spacy_al.measures.agreement import span_f1
from spacy_al.measures.calibration import auroc
from spacy_al.oracle.mistakes import Mistakes, mistaken
from spacy_al.posteriors.component import TrainedComponent, open_component
from spacy_al.tasks.decision import Mark
from spacy_al.teachers.accept import audit_verdict, judge_agreement
from spacy_al.training.round_config import write_config
from spacy_al.training.trainer import MODEL, train

CORPORA = ("bc5cdr", "ncbi_disease", "german_ler", "phee", "inlegal_ner")
# A language model's mistakes, per entity
RATES = {
    "careful": Mistakes(missed=0.05, mislabelled=0.03, boundary=0.05, spurious=0.05),
    "rough": Mistakes(missed=0.20, mislabelled=0.10, boundary=0.10, spurious=0.20),
}
MODEL_TEACHER = "a model"
# Gold texts that a student, a model that teaches, and calibration take; texts that are judged
STUDENT, TEACHING, DEV, JUDGED = 500, 300, 200, 1000
SEEDS, DRAWS = 3, 20
# Audited acceptance: which share is audited, how many may be wrong, and how many are audited in a round; from which probabilities on
BLOCK = TeacherBlock(pipeline="bench", audit_share=0.3, max_error=0.1)
AUDITS = 10
ACCEPT = (0.9, 0.5)
RESULTS = "cells.jsonl"


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


def measure_student(data: Path, config: Path, work: Path, name: str, seed: int) -> dict[str, Any]:
    """The rows of one corpus and seed."""
    return {"rows": [*measure_teachers(data, name, seed, config, work)]}


def measure_teachers(
    data: Path, name: str, seed: int, config: Path, work: Path
) -> Iterator[dict[str, Any]]:
    """All rows of one corpus and seed: of each teacher how well its mistakes are found, and what became of what was accepted."""
    docs = [doc for doc in read_shard(data / name / "train.spacy", Vocab()) if len(doc)]
    order = numpy.random.default_rng(seed).permutation(len(docs))
    n = min(STUDENT, len(docs) // 2)
    student, rest = [docs[i] for i in order[:n]], [docs[i] for i in order[n:]]
    n_teaching = min(TEACHING, len(rest) // 3)
    teaching, rest = rest[:n_teaching], rest[n_teaching:][:JUDGED]
    dev = list(read_shard(data / name / "dev.spacy", Vocab()))
    drawn = numpy.random.default_rng(seed).permutation(len(dev))[:DEV]
    folder = work / f"{name}-{seed}"
    write_shard([dev[i] for i in drawn], folder / "dev.spacy")
    lang = json.loads((data / name / "meta.json").read_text("utf8"))["lang"]
    own = _trained(student, folder / "student", folder / "dev.spacy", config, lang, seed)
    calibrate_on_dev(own, folder / "dev.spacy", seed)
    own = own.recalibrated()
    texts = _read(own, rest, sorted({span.label_ for doc in docs for span in doc.ents}))
    score = evaluate(own.nlp, folder / "dev.spacy", own.name)["score"]
    about = {"corpus": name, "seed": seed, "student": n, "judged": len(rest), "dev": score}
    other = _trained(teaching, folder / "teacher", folder / "dev.spacy", config, lang, seed)
    theirs = [
        {(s.start, s.end, s.label) for s in one.greedy}
        for one in other.posteriors(_bare(other, rest))
    ]
    for teacher in (*RATES, MODEL_TEACHER):
        by_rates = teacher in RATES
        said = corrupted(texts, RATES[teacher], seed) if by_rates else theirs
        yield {**about, "teacher": teacher, "what": "find", **find_wrong(texts, said)}
        for draw in range(DRAWS):
            said = corrupted(texts, RATES[teacher], 1000 + draw) if by_rates else theirs
            for accept in ACCEPT:
                found = accept_texts(texts, said, draw, accept)
                own_row = {"teacher": teacher, "what": "accept", "draw": draw, "from": accept}
                yield {**about, **own_row, **found}


def summarise(rows: Sequence[Mapping[str, Any]]) -> str:
    """Tables: AUROC by corpus and teacher, the mean over seeds and the range; and what was accepted, over all draws."""
    names = [name for name in CORPORA if any(row["corpus"] == name for row in rows)]
    finds = (
        "disagreement",
        "disagreement, span",
        "sequence entropy",
        "token entropy, max",
        "length",
    )
    parts = (*finds, "entities: 1 - P", "entities: entropy", "wrong texts", "F", "dev")
    found, accepted = [], []
    for name in names:
        for teacher in (*RATES, MODEL_TEACHER):
            own = [row for row in rows if (row["corpus"], row["teacher"]) == (name, teacher)]
            first = [row for row in own if row["what"] == "find"]
            if first:
                found.append(
                    (name, teacher, *(_spread([row[part] for row in first]) for part in parts))
                )
            for accept in ACCEPT:
                draws = [row for row in own if row.get("from") == accept]
                accepted += [(name, teacher, accept, *_accepted(draws))] if draws else []
    counts = ("draws", "accepted", "audited", "wrong", "above bound", "ever on", "on at the end")
    header = ("corpus", "teacher", "from", *counts, "on with too many wrong")
    return "\n".join(
        (
            table(found, header=("corpus", "teacher", *parts), divider=True),
            table(accepted, header=header, divider=True),
        )
    )


def _accepted(draws: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
    """What became of what was accepted, over draws."""
    known = [row for row in draws if row["high"] is not None]
    too_many = [row for row in draws if row["ever"] and row["worst"] > BLOCK.max_error]
    yield len(draws)
    yield _spread([row["accepted"] for row in draws], 0)
    yield _spread([row["audited"] for row in draws], 0)
    yield _spread([row["wrong"] for row in draws])
    yield sum(row["wrong"] > row["high"] for row in known)
    yield sum(row["ever"] for row in draws)
    yield sum(row["on"] for row in draws)
    yield len(too_many)


def teachers_cli(
    data: Annotated[Path, typer.Argument(help="Folder of corpora")],
    config: Annotated[Path, Option(help="Training config of an entity recogniser")],
    work: Annotated[Path, Option(help="Where models and results are kept")],
    corpora: Annotated[list[str] | None, Option(help="Of them; all five by default")] = None,
    seeds: Annotated[int, Option(help="Students of each corpus")] = SEEDS,
) -> None:
    """Measure what disagreement with a teacher finds, and what audited acceptance lets through."""
    wanted = [(name, seed) for seed in range(seeds) for name in corpora or CORPORA]
    measure = partial(measure_student, data, config, work)
    cells = measure_cells(work / RESULTS, ("corpus", "seed"), wanted, measure)
    typer.echo(summarise([row for cell in cells for row in cell["rows"]]))


def _trained(
    docs: Sequence[Doc], folder: Path, dev: Path, config: Path, lang: str, seed: int
) -> TrainedComponent:
    if not (folder / MODEL).is_dir():
        corpus = folder / "train.spacy"
        write_shard(docs, corpus)
        overrides = {"nlp.lang": lang, "training.seed": seed, "system.seed": seed}
        write_config(config, overrides, corpus, dev, folder, n_words=sum(map(len, docs)))
        train(folder)
    return open_component(str(folder / MODEL), "ner")


def _bare(component: TrainedComponent, docs: Sequence[Doc]) -> list[Doc]:
    """The texts in their own tokens, without annotation."""
    return [
        Doc(component.nlp.vocab, [t.text for t in doc], [bool(t.whitespace_) for t in doc])
        for doc in docs
    ]


def _read(component: TrainedComponent, docs: Sequence[Doc], labels: list[str]) -> Texts:
    marks = [{(span.start, span.end, span.label_) for span in doc.ents} for doc in docs]
    spaces = [[token.text.isspace() for token in doc] for doc in docs]
    return Texts(marks, spaces, component.posteriors(_bare(component, docs)), labels)


def _auroc(scores: Any, wrong: Any) -> float | None:
    return auroc(scores, wrong) if len(wrong) else None


def _spread(found: Sequence[float | None], digits: int = 3) -> str:
    values = [value for value in found if value is not None]
    if not values:
        return ""
    mean = sum(values) / len(values)
    return f"{mean:.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


if __name__ == "__main__":
    typer.run(teachers_cli)

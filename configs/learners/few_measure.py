"""What says best how good a model is while few texts measure: their score, or cross-validation over all that is labelled.

    python configs/learners/few_measure.py CORPORA bc5cdr phee --n-process 2

For each seed 25 texts are drawn by chance to measure on, as in a run without a development set, and 40 to learn from: 20 by chance and
20 by a model of those, as a run chooses. A model is trained on the 40, stops on the 25, and its score on 2,000 texts of test, or all there are,
is taken for its true one. What was found is kept in docs/learners/few_measure.jsonl, with it what is right, said and wanted of the texts
that each estimate looks at; it goes on where it was stopped. The tables are printed as Markdown.
"""

import os
import random
import shutil
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from statistics import mean, stdev
from typing import Annotated, Any

import numpy
import spacy
import typer
from compare import CONFIGS, TRAIN, prepare, read
from spacy.cli.train import train
from spacy.tokens import Doc
from typer import Argument, Option

from spacy_al.bench.cells import measure_cells
from spacy_al.config.settings import Settings
from spacy_al.corpus.shard import write_shard
from spacy_al.evaluation.gold import fresh_doc
from spacy_al.measures.interval import f_interval
from spacy_al.query.select import select
from spacy_al.training.round_config import write_config

RESULTS = Path("docs") / "learners" / "few_measure.jsonl"
WORK = Path("training") / "few_measure"
MEASURE, BY_CHANCE, CHOSEN, FOLDS = 25, 20, 20, 5
# Of so many others those that a model chooses are chosen
POOL = 1500
# A small encoder, short batches and few steps, for a training of seconds: on 40 texts it is no worse than what the config says
SMALL = {
    "components.tok2vec.model.encode.width": 48,
    "components.tok2vec.model.encode.depth": 2,
    "training.batcher.size.start": 150,
    "training.batcher.size.stop": 150,
    "training.max_steps": 120,
    "training.optimizer.learn_rate": 0.005,
}
# Of the best model on what training looked at, and of the last one, which nothing chose
MODELS = ("best", "last")
BLOCKS = {
    "acquisition": {"@al_acquisitions": "spacy-al.token_entropy.v1", "reduce": "mean"},
    "sampler": {"@al_samplers": "spacy-al.stochastic.v1", "beta": 4.0},
}


def few_measure_cli(
    corpora: Annotated[Path, Argument(help="Folder of corpora", file_okay=False)],
    names: Annotated[list[str], Argument(help="Corpora with entities")],
    seeds: Annotated[int, Option(min=2, help="How often texts are drawn")] = 10,
    n_process: Annotated[int, Option(min=1, help="Processes")] = 1,
) -> None:
    """Train what is not in the results yet, and print the tables."""
    for name in names:
        prepare(corpora / name, WORK / name)
    cells = [(name, seed) for seed in range(seeds) for name in names]
    rows = measure_cells(RESULTS, ("corpus", "seed"), cells, work, n_process=n_process)
    print("\n".join(tables(rows)))


def work(name: str, seed: int) -> dict[str, Any]:
    """What a line of the results says of a cell: counts of (right, said, wanted), of each text."""
    folder = WORK / name / str(os.getpid())
    shutil.rmtree(folder, ignore_errors=True)
    docs = read(WORK / name / TRAIN)
    random.Random(seed).shuffle(docs)
    measure, first = docs[:MEASURE], docs[MEASURE : MEASURE + BY_CHANCE]
    rest = docs[MEASURE + BY_CHANCE :][:POOL]

    made = trained(folder / "first", first, measure, seed)
    write_shard(rest, folder / "pool.spacy")
    settings = Settings(component="ner", factory="ner", blocks=BLOCKS, seed=seed)
    model = str(made / "model-best")
    batch = select(folder / "pool.spacy", model=model, settings=settings, n=CHOSEN, round=1)
    by_text = {doc.text: doc for doc in rest}
    learn = first + [by_text[task["text"]] for task in batch.tasks]

    made = trained(folder / "all", learn, measure, seed)
    row: dict[str, Any] = {}
    row["true"] = {one: counted(made, one, read(WORK / name / "test.spacy")) for one in MODELS}
    row["true"] = {one: numpy.sum(found, axis=0).tolist() for one, found in row["true"].items()}
    row["dev"] = {one: counted(made, one, measure) for one in MODELS}

    # each fold holds as many of those that measure as of the others; those that measure stand last
    row["all"], row["cross_fit"] = [], []
    for fold in range(FOLDS):
        held = learn[fold::FOLDS] + measure[fold::FOLDS]
        others = [doc for doc in learn + measure if not any(doc is one for one in held)]
        made = trained(folder / f"all-{fold}", others, held, seed)
        row["all"].append(counted(made, "last", held))
        held = measure[fold::FOLDS]
        others = learn + [doc for doc in measure if not any(doc is one for one in held)]
        made = trained(folder / f"measure-{fold}", others, held, seed)
        row["cross_fit"].append(counted(made, "last", held))
    shutil.rmtree(folder, ignore_errors=True)
    return row


def trained(folder: Path, docs: list[Doc], dev: list[Doc], seed: int) -> Path:
    """Train as a round does, and keep both the best and the last model."""
    folder.mkdir(parents=True)
    write_shard(docs, folder / TRAIN)
    write_shard(dev, folder / "dev.spacy")
    own = {**SMALL, "training.seed": seed, "system.seed": seed}
    words = sum(map(len, docs))
    config = write_config(
        CONFIGS / "ner.cfg", own, folder / TRAIN, folder / "dev.spacy", folder, n_words=words
    )
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        train(config, folder)
    return folder


def counted(made: Path, model: str, docs: list[Doc]) -> list[tuple[int, int, int]]:
    """What is right, said and wanted of each text."""
    nlp = spacy.load(made / f"model-{model}")
    said = nlp.pipe([fresh_doc(nlp, doc) for doc in docs])
    pairs = [({*spans(one)}, {*spans(doc)}) for one, doc in zip(said, docs)]
    return [(len(a & b), len(a), len(b)) for a, b in pairs]


def spans(doc: Doc) -> list[tuple[int, int, str]]:
    return [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]


def f(counts: Any) -> float:
    right, said, wanted = numpy.sum(numpy.reshape(counts, (-1, 3)), axis=0)
    return 2 * right / max(1, said + wanted)


def estimates(row: dict[str, Any]) -> dict[str, float]:
    """Of one drawing, by name."""
    size = MEASURE // FOLDS
    learn = [text for fold in row["all"] for text in fold[:-size]]
    measure = [text for fold in row["all"] for text in fold[-size:]]
    cross_fit = [text for fold in row["cross_fit"] for text in fold]
    found = {
        "the 25 texts, as a run measures": f(row["dev"]["best"]),
        "the 25 texts, the last model": f(row["dev"]["last"]),
        "5 folds of all 65": f(learn + measure),
        "of these the 40 that were learned from": f(learn),
        "of these the 25 that measure": f(measure),
        "5 folds of the 25": f(cross_fit),
    }
    a, b, c = (
        found[how]
        for how in ("the 25 texts, as a run measures", "5 folds of all 65", "5 folds of the 25")
    )
    found["mean of the 25 texts and 5 folds of all"] = (a + b) / 2
    found["mean of the 25 texts and 5 folds of the 25"] = (a + c) / 2
    return found


def tables(rows: list[dict[str, Any]]) -> list[str]:
    """Errors of each estimate, as Markdown."""
    corpora = sorted({row["corpus"] for row in rows})
    lines = [f"| estimate | {' | '.join(f'{name}: bias, RMSE' for name in corpora)} |"]
    lines.append("|---|" + "---|" * len(corpora))
    errors = {
        name: [
            {how: value - f(row["true"]["best"]) for how, value in estimates(row).items()}
            for row in rows
            if row["corpus"] == name
        ]
        for name in corpora
    }
    for how in estimates(rows[0]):
        cells = []
        for name in corpora:
            own = [row[how] for row in errors[name]]
            error = stdev(own) / len(own) ** 0.5
            rmse = mean(value**2 for value in own) ** 0.5
            cells.append(f"{mean(own):+.3f} ± {error:.3f}, {rmse:.3f}")
        lines.append(f"| {how} | {' | '.join(cells)} |")
    for name in corpora:
        own = [row for row in rows if row["corpus"] == name]
        true = {one: mean(f(row["true"][one]) for row in own) for one in MODELS}
        over = [gain(row, "dev") - gain(row, "true") for row in own]
        held = sum(is_held(row) for row in own)
        lines += [
            "",
            f"{name}, {len(own)} drawings: F {true['best']:.3f}, of the last models {true['last']:.3f}.",
            f"On the 25 texts the best model is ahead of the last one by {mean(over):.3f} ± {stdev(over) / len(own) ** 0.5:.3f} more.",
            f"The interval of the 25 texts holds the true score in {held}.",
        ]
    return lines


def gain(row: dict[str, Any], on: str) -> float:
    """How much better the model that was chosen on the 25 texts is than the last one."""
    return f(row[on]["best"]) - f(row[on]["last"])


def is_held(row: dict[str, Any]) -> bool:
    """Whether the interval that a run shows beside the score of the 25 texts holds the true one."""
    interval = f_interval(*numpy.transpose(row["dev"]["best"]))
    return interval is not None and interval[0] <= f(row["true"]["best"]) <= interval[1]


if __name__ == "__main__":
    typer.run(few_measure_cli)

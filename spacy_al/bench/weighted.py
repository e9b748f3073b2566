"""What it is worth to learn from chosen texts as if they had been drawn uniformly.

    python -m spacy_al.bench.weighted DATA --corpus bc5cdr --corpus german_ler --work WORK

DATA has a folder for each corpus with `train.spacy`, `dev.spacy` and `test.spacy`. A model of 100 texts draws 300 of the others by the errors that it
expects, a fifth of them uniformly. On these three models are trained: one that sees each as often, one that sees them by how many texts of the pool
each stands for, and one beside them of 300 texts by chance. Each is a line of WORK/weighted.jsonl as soon as it is measured. The same
command goes on where it was stopped, and prints a table of what there is.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Annotated, Any

import numpy
import typer
from typer import Option
from wasabi import table

from spacy_al.acquisition.sequence import expected_errors
from spacy_al.bench.cells import measure_cells
from spacy_al.bench.machine import describe
from spacy_al.bench.noisy_labels import batched_config
from spacy_al.bench.trained import draw_docs, train_on
from spacy_al.corpus.shard import RATE_KEY, write_shard
from spacy_al.estimation.draws import Draws
from spacy_al.estimation.totals import draw_weights
from spacy_al.evaluation.evaluate import evaluate
from spacy_al.selection.stochastic import stochastic

CORPORA = ("bc5cdr", "german_ler")
START, TEXTS, DEV, TEST, STEPS, SEEDS, EXPLORE = 100, 300, 200, 1000, 300, 3, 0.2
# Texts of the pool that are drawn from
POOL = 3000
ARMS = CHOSEN, WEIGHTED, RANDOM = ("chosen", "by weights", "by chance")
RESULTS = "weighted.jsonl"


def measure_weighted(data: Path, config: Path, work: Path, name: str, seed: int) -> dict[str, Any]:
    """F on test of a model for each of ARMS."""
    rng = numpy.random.default_rng(seed)

    folder = work / f"{name}-{seed}"
    docs = draw_docs(data / name / "train.spacy", START + POOL, rng)
    start, pool = docs[:START], docs[START:]
    for part, n in (("dev.spacy", DEV), ("test.spacy", TEST)):
        write_shard(draw_docs(data / name / part, n, rng), folder / part)
    how: dict[str, Any] = {"training.max_steps": STEPS, "training.seed": seed}

    first = train_on(start, folder / "start", folder / "dev.spacy", config, how)
    scores = expected_errors(first.posteriors([first.nlp.make_doc(doc.text) for doc in pool]))
    rows, propensities = stochastic(scores, TEXTS, rng, explore=EXPLORE)
    weights = draw_weights(Draws(propensities, len(pool), numpy.ones(len(rows))))
    chosen = [pool[row] for row in rows]
    rated = [doc.copy() for doc in chosen]
    for doc, weight in zip(rated, weights / weights.max()):
        doc.user_data[RATE_KEY] = float(weight)
    folder_of = folder / WEIGHTED
    folder_of.mkdir(parents=True, exist_ok=True)
    by_chance = [pool[row] for row in rng.choice(len(pool), TEXTS, replace=False)]
    found: dict[str, Any] = {"mean rate": round(float((weights / weights.max()).mean()), 4)}
    for arm, texts in zip(ARMS, (chosen, rated, by_chance)):
        used = batched_config(config, folder_of) if arm == WEIGHTED else config
        model = train_on(texts, folder / arm, folder / "dev.spacy", used, how)
        found[arm] = evaluate(model.nlp, folder / "test.spacy", model.name)["score"]
    return found


def weighted_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """A line for each corpus: means over seeds, and what the weights change seed by seed."""
    by: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        by[row["corpus"]].append(row)
    lines = []
    for name, own in sorted(by.items()):
        gains = " ".join(f"{row[WEIGHTED] - row[CHOSEN]:+.3f}" for row in own)
        means = [f"{mean(row[arm] for row in own):.3f}" for arm in ARMS]
        lines.append((name, len(own), *means, gains, f"{mean(r['mean rate'] for r in own):.2f}"))
    header = ("corpus", "seeds", *ARMS, "weights less chosen", "mean rate")
    return str(table(lines, header=header, divider=True))


def weighted_cli(
    data: Annotated[Path, typer.Argument(help="Folder of corpora")],
    work: Annotated[Path, Option(help="Where models and results are kept")],
    config: Annotated[Path, Option(help="Training config of an entity recogniser")] = Path(
        "configs/ner.cfg"
    ),
    corpora: Annotated[list[str] | None, Option("--corpus", help="Of them; two by default")] = None,
    seeds: Annotated[int, Option(help="Draws of texts")] = SEEDS,
    tables: Annotated[bool, Option("--tables", help="Of what there is")] = False,
) -> None:
    """Measure what the weights are worth."""
    cells = [(name, n) for n in ([] if tables else range(seeds)) for name in corpora or CORPORA]
    measure = partial(measure_weighted, data, config, work)
    rows = measure_cells(work / RESULTS, ("corpus", "seed"), cells, measure)
    typer.echo(json.dumps(describe()))
    typer.echo(weighted_table(rows))


if __name__ == "__main__":
    typer.run(weighted_cli)

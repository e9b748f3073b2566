"""What it is worth to learn from a corpus with mistakes by what `audit` finds in it.

    python -m spacy_al.bench.noisy_labels DATA --config configs/ner.cfg --work WORK

DATA has a folder for each corpus with `train.spacy`, `dev.spacy` and `test.spacy`. Mistakes are planted into texts of train as for
`bench.audit`; the corpus is judged by folds of itself; and models are trained on all of it, on all of it at rates by P(right), without the texts that are most
doubtful, as many as have a mistake, without those that are once models have learned from the rest ("twice"), on all with the most doubtful corrected, and on the labels without mistakes. Dev, which training stops on, is clean. Each is a line of
WORK/noisy.jsonl as soon as it is measured. The same command goes on where it was stopped, and prints a table of what there is.
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
from confection import Config
from spacy.language import DEFAULT_CONFIG
from spacy.tokens import Doc
from spacy.util import load_config
from typer import Option
from wasabi import table

from spacy_al.auditing.audit import audit
from spacy_al.auditing.weighted import weigh_texts
from spacy_al.bench.cells import measure_cells
from spacy_al.bench.machine import describe
from spacy_al.bench.planted_errors import plant
from spacy_al.bench.trained import draw_docs, train_on
from spacy_al.corpus.shard import RATE_KEY, write_shard, writing
from spacy_al.evaluation.calibrate import calibrate
from spacy_al.evaluation.evaluate import evaluate
from spacy_al.training.trainer import MODEL

CORPORA = ("bc5cdr", "phee")
RATES = (0.05, 0.1, 0.2)
TEXTS, DEV, TEST, FOLDS, STEPS, SEEDS = 500, 200, 500, 3, 300, 3
# What models learn from; `clean` does not depend on the rate
ALL, WEIGHTED, DROPPED, TWICE = "all", "P(right)", "dropped", "dropped twice"
CORRECTED, CLEAN = "corrected", "clean"
ARMS = (ALL, WEIGHTED, DROPPED, TWICE, CORRECTED, CLEAN)
RESULTS = "noisy.jsonl"


def measure_noisy(
    data: Path, config: Path, work: Path, name: str, rate: float, seed: int
) -> dict[str, Any]:
    """F on test of a model for each arm, and how many texts had a mistake and were found.

    rate (float): Mistakes per mark. What does not depend on it, `clean`, is measured with the first alone.
    """

    def drawn(part: str, n: int) -> list[Doc]:
        return draw_docs(data / name / part, n, numpy.random.default_rng(seed))

    folder = work / f"{name}-{seed}-{rate:g}"
    clean = drawn("train.spacy", TEXTS)
    dev, test = folder / "dev.spacy", folder / "test.spacy"
    write_shard(drawn("dev.spacy", DEV), dev)
    write_shard(drawn("test.spacy", TEST), test)
    noisy, planted = plant(clean, rate, seed)
    wrong = {one.row for one in planted}
    how: dict[str, Any] = {"training.max_steps": STEPS, "training.seed": seed}
    corpora: dict[str, list[Doc]] = {ALL: noisy, CLEAN: clean}
    found: dict[str, Any] = {"texts": len(noisy), "wrong": len(wrong)}
    write_shard(noisy, folder / "noisy.spacy")
    about: dict[str, Any] = {"config": config, "overrides": how, "folds": FOLDS, "seed": seed}
    judged = audit(folder / "noisy.spacy", folder=folder / "folds", **about).corpus
    chosen = most_doubtful({text.row: text.score for text in judged.texts}, len(wrong))
    kept = [row for row in range(len(noisy)) if row not in chosen]
    train_on([noisy[row] for row in kept], folder / DROPPED, dev, config, how)
    calibrate(folder / DROPPED / MODEL, dev)
    # the rest is judged by folds of itself, and what was dropped by a model of the rest
    again = dict[int, float]()
    for rows, judges in ((kept, about), (sorted(chosen), {"model": str(folder / DROPPED / MODEL)})):
        path = folder / f"of_{len(rows)}.spacy"
        write_shard([noisy[row] for row in rows], path)
        texts = audit(path, folder=folder / "folds again", **judges).corpus.texts
        again |= {rows[text.row]: text.score for text in texts}
    twice = most_doubtful(again, len(wrong))
    weighted = weigh_texts([doc.copy() for doc in noisy], judged)
    corpora |= {
        WEIGHTED: weighted,
        DROPPED: [noisy[row] for row in kept],
        TWICE: [doc for row, doc in enumerate(noisy) if row not in twice],
        CORRECTED: [clean[row] if row in chosen else doc for row, doc in enumerate(noisy)],
    }
    rates = [float(doc.user_data.get(RATE_KEY, 1.0)) for doc in weighted]
    found |= {"found": len(chosen & wrong), "found again": len(twice & wrong)}
    found |= {"mean rate": round(mean(rates), 4)}
    found["mean rate wrong"] = round(mean([rates[row] for row in wrong] or [1.0]), 4)
    for arm in ARMS if rate == RATES[0] else ARMS[:-1]:
        own = folder / arm
        used = batched_config(config, own) if arm == WEIGHTED else config
        model = train_on(corpora[arm], own, dev, used, how)
        found[arm] = evaluate(model.nlp, test, model.name)["score"]
    return found


def most_doubtful(scores: Mapping[int, float], n: int) -> set[int]:
    """At most n rows, those of the highest scores; none of which nothing is doubted."""
    doubted = [row for row, score in scores.items() if score > 0]
    return {*sorted(doubted, key=lambda row: (-scores[row], row))[:n]}


def batched_config(config: Path, folder: Path) -> Path:
    """The config with the batcher around its own that takes texts at their rates."""
    made: Config = load_config(config, interpolate=False)
    own = Config(DEFAULT_CONFIG).merge(made)["training"]["batcher"]
    made["training"]["batcher"] = {"@batchers": "spacy-al.batch_sampled.v1", "batcher": own}
    path = folder / "weighted.cfg"
    with writing(path) as file:
        file.write(made.to_str(interpolate=False))
    return path


def noisy_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """A line for each corpus and rate: the mean over seeds for each arm, and the difference to `all` seed by seed."""
    by: defaultdict[tuple[str, float], list[Mapping[str, Any]]] = defaultdict(list)
    clean: defaultdict[str, dict[int, float]] = defaultdict(dict)
    for row in rows:
        by[row["corpus"], row["rate"]].append(row)
        clean[row["corpus"]] |= {row["seed"]: row[CLEAN]} if CLEAN in row else {}
    lines = []
    for (name, rate), own in sorted(by.items()):
        cells = []
        for arm in ARMS:
            known = [
                (clean[name].get(row["seed"]) if arm == CLEAN else row.get(arm)) for row in own
            ]
            scores = [one for one in known if one is not None]
            cells.append(f"{mean(scores):.3f}" if scores else "")
            if arm in (WEIGHTED, DROPPED, TWICE, CORRECTED):
                gains = [f"{row[arm] - row[ALL]:+.3f}" for row in own if arm in row]
                cells[-1] += f" ({' '.join(gains)})"
        found = ", ".join(
            f"{mean(r[what] for r in own if what in r):.0f}"
            for what in ("found", "found again")
            if any(what in r for r in own)
        )
        found += f" of {mean(r['wrong'] for r in own):.0f}"
        taken = f"{mean(r['mean rate'] for r in own):.2f}, {mean(r['mean rate wrong'] for r in own):.2f}"
        lines.append((name, f"{rate:.0%}", len(own), *cells, found, taken))
    header = ("corpus", "mistakes", "seeds", *ARMS, "wrong texts found", "rate: all, wrong ones")
    return str(table(lines, header=header, divider=True))


def noisy_cli(
    data: Annotated[Path, typer.Argument(help="Folder of corpora")],
    work: Annotated[Path, Option(help="Where models and results are kept")],
    config: Annotated[Path, Option(help="Training config of an entity recogniser")] = Path(
        "configs/ner.cfg"
    ),
    corpora: Annotated[list[str] | None, Option("--corpus", help="Of them; all by default")] = None,
    seeds: Annotated[int, Option(help="Draws of texts and mistakes")] = SEEDS,
    tables: Annotated[bool, Option("--tables", help="Of what there is")] = False,
) -> None:
    """Measure what the rates, and leaving out, are worth."""
    seen = [] if tables else range(seeds)
    cells = [(name, rate, n) for n in seen for rate in RATES for name in corpora or CORPORA]
    measure = partial(measure_noisy, data, config, work)
    rows = measure_cells(work / RESULTS, ("corpus", "rate", "seed"), cells, measure)
    typer.echo(json.dumps(describe()))
    typer.echo(noisy_table(rows))


if __name__ == "__main__":
    typer.run(noisy_cli)

"""Whether scores of a pool that are estimated from draws hold what they promise: 2,000 draws from a pool of which all is known.

    python -m spacy_al.bench.estimates CORPORA/bc5cdr --texts 500

A model is trained once, on the first texts of train, its temperature fitted on dev, and the pool, the rest of train and test, is read once.
What is drawn again and again are rows of numbers: nothing is trained.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy
import typer
from scipy.stats import binomtest
from spacy.vocab import Vocab
from typer import Argument, Option
from wasabi import table

from spacy_al.acquisition.answer_counts import MOST_LABELS, answer_counts
from spacy_al.bench.machine import describe
from spacy_al.corpus.shard import read_shard
from spacy_al.estimation.draws import Draws
from spacy_al.estimation.score import N_MOMENTS, Expected, pool_score
from spacy_al.evaluation.calibrate import fit_calibration
from spacy_al.evaluation.events import chosen_labels
from spacy_al.evaluation.gold import SpanAnswer, align_gold, read_gold
from spacy_al.measures.interval import f_interval
from spacy_al.posteriors.component import open_component
from spacy_al.posteriors.read import reader_of
from spacy_al.selection.active_testing import active_testing
from spacy_al.selection.rank import uniform
from spacy_al.selection.stochastic import stochastic
from spacy_al.types import Floats
from spacy_al.util import batched, progress_bar, replacing

TOGETHER = 500
NAIVE = "random, naive"
RANDOM = "random"
ACTIVE = "active testing"
ERRORS = "expected errors"


@dataclass(frozen=True)
class KnownPool:
    """A pool of which all is known.

    counts (Floats): (N, L, 3) right, said and wanted of each text and label.
    expected (Floats): (N, 6 + 3 L) what the model expects of them.
    labels (tuple[str, ...]): Of the L labels.
    """

    counts: Floats
    expected: Floats
    labels: tuple[str, ...]


def train_once(corpus: Path, folder: Path, texts: int) -> Path:
    """A small model of the first texts of a corpus; one that is there already stays as it is.

    RETURNS (Path): The pipeline.
    """
    model = folder / corpus.name / "model-best"
    if model.is_dir():
        return model
    first = next(read_shard(corpus / "train.spacy", Vocab()))
    config = "textcat" if first.cats else "ner"
    meta = (
        json.loads((corpus / "meta.json").read_text("utf8"))
        if (corpus / "meta.json").is_file()
        else {}
    )
    command = [sys.executable, "-m", "spacy", "train", f"configs/{config}.cfg"]
    command += [
        "--paths.train",
        str(corpus / "train.spacy"),
        "--paths.dev",
        str(corpus / "dev.spacy"),
    ]
    command += ["--nlp.lang", meta.get("lang", meta.get("language", "en"))]
    command += ["--training.max_steps", "600", "--corpora.train.limit", str(texts)]
    command += ["--corpora.dev.limit", "300", "--output", str(model.parent)]
    subprocess.run(command, check=True)
    return model


def read_known(corpus: Path, model: Path, texts: int) -> KnownPool:
    """What the model says of the rest of train and of test, beside what is right; at a temperature fitted on 300 texts of dev."""
    component = open_component(str(model), None)
    nlp, name = component.nlp, component.name
    fitted = fit_calibration(nlp, name, read_gold(nlp, name, corpus / "dev.spacy", limit=300))
    temperature = fitted["temperature"] or 1.0
    docs = [*read_shard(corpus / "train.spacy", Vocab())][texts:]
    gold = align_gold(nlp, name, [*docs, *read_shard(corpus / "test.spacy", Vocab())])
    labels = tuple(component.labels)
    place = {label: k for k, label in enumerate(labels)}
    # answers with a label that the model lacks are missed as well
    counts = numpy.zeros((len(gold.docs), len(labels) + 1, 3))
    expected, row, read = list[Floats](), 0, reader_of(nlp, name)
    for part in batched(list(zip(gold.docs, gold.answers)), TOGETHER):
        posteriors = read(nlp.get_pipe(name), [doc for doc, _ in part], temperature)
        expected.append(answer_counts(posteriors))
        for posterior, (_, answer) in zip(posteriors, part):
            for label, _, is_right in chosen_labels(posterior, answer):
                counts[row, place[label], :2] += (is_right, 1)
            for label in _wanted(answer):
                counts[row, place.get(label, len(labels)), 2] += 1
            row += 1
    if len(labels) > MOST_LABELS:
        return KnownPool(counts.sum(axis=1, keepdims=True), numpy.concatenate(expected), ("all",))
    return KnownPool(counts, numpy.concatenate(expected), (*labels, "other"))


def _wanted(answer: Any) -> list[str]:
    if isinstance(answer, SpanAnswer):
        return [label for *_, label in answer.spans]
    if isinstance(answer, dict):
        return [label for label, is_right in answer.items() if is_right]
    return [label for label in answer if label is not None]


def designs_of(pool: KnownPool) -> dict[str, Callable[..., Any]]:
    """How texts are drawn, by name: (n, rng) -> rows and propensities."""
    even = numpy.ones(len(pool.counts))
    right, said, wanted = pool.expected[:, :3].T
    # as `expected_errors` has it
    errors = numpy.maximum(said + wanted - 2 * right, 0)
    counts = pool.expected[:, :N_MOMENTS]
    return {
        RANDOM: lambda n, rng: uniform(even, n, rng),
        ACTIVE: lambda n, rng: active_testing(even, n, rng, answer_counts=counts),
        ERRORS: lambda n, rng: stochastic(errors, n, rng, explore=0.2),
        f"{ERRORS} to the power of 4": lambda n, rng: stochastic(
            errors, n, rng, beta=4.0, explore=0.2
        ),
    }


def redraw(
    pool: KnownPool, draw: Callable[..., Any], n: int, draws: int, *, helped: bool, naive: bool
) -> dict[str, Any]:
    """Draw again and again, and see how often intervals hold the truth.

    draw (Callable): (n, rng) -> rows and propensities.
    helped (bool): Whether what the model expects of the pool is used.
    naive (bool): Whether the texts are taken for any, by the percentile bootstrap.
    RETURNS (dict): `held`: of F, precision, recall, labels and counts how often; `width` of F; `bias` of F.
    """
    whole = pool.counts.sum(axis=1)
    truth = _truth(whole.sum(axis=0))
    by_label = {
        label: (_truth(sums)["f"], sums[2])
        for label, sums in zip(pool.labels, pool.counts.sum(axis=0))
    }
    sums = pool.expected.sum(axis=0)
    held: dict[str, list[bool]] = {}
    widths, values = list[float](), list[float]()
    for seed in range(draws):
        rows, chances = draw(n, numpy.random.default_rng(seed))
        if naive:
            found = f_interval(*whole[rows].T, seed=seed)
            values.append(_truth(whole[rows].sum(axis=0))["f"])
            if found:
                held.setdefault("f", []).append(found[0] <= truth["f"] <= found[1])
                widths.append(found[1] - found[0])
            continue
        drawn = Draws(chances, len(whole), numpy.ones(len(rows)))
        expected = Expected(pool.expected[rows], sums) if helped else None
        score = pool_score(drawn, pool.counts[rows], pool.labels, expected)
        for name in ("f", "precision", "recall"):
            one = getattr(score, name)
            if one is not None and one.low is not None:
                held.setdefault(name, []).append(one.low <= truth[name] <= one.high)
        if score.f is not None and score.f.low is not None and score.f.high is not None:
            widths.append(score.f.high - score.f.low)
            values.append(score.f.value)
        for label, (f, count) in by_label.items():
            one = score.labels.get(label)
            if one is not None and one.low is not None and one.high is not None:
                held.setdefault("f by label", []).append(one.low <= f <= one.high)
            many = score.counts[label]
            if many.low is not None and many.high is not None and count:
                held.setdefault("counts", []).append(many.low <= count <= many.high)
    return {
        "held": {name: [int(sum(found)), len(found)] for name, found in held.items()},
        "width": float(numpy.mean(widths)),
        "bias": float(numpy.mean(values) - truth["f"]),
        "sd": float(numpy.std(values)),
    }


def _truth(sums: Floats) -> dict[str, float]:
    right, said, wanted = sums
    return {
        "f": float(2 * right / max(said + wanted, 1)),
        "precision": float(right / max(said, 1)),
        "recall": float(right / max(wanted, 1)),
    }


def bench_estimates(pool: KnownPool, sizes: Sequence[int], draws: int) -> list[dict[str, Any]]:
    """All ways of drawing, at all sizes."""
    designs = designs_of(pool)
    ways = [(NAIVE, RANDOM, False, True), (f"{RANDOM}, weighed", RANDOM, False, False)]
    ways += [(f"{name}, helped", name, True, False) for name in designs]
    ways += [(f"{name}, naive", name, False, True) for name in (ERRORS,)]
    work = [(n, *way) for n in sizes for way in ways]
    return [
        {"n": n, "way": way, **redraw(pool, designs[name], n, draws, helped=helped, naive=naive)}
        for n, way, name, helped, naive in progress_bar(work, len(work), "way")
    ]


def format_estimates(found: dict[str, Any]) -> str:
    """A table for each corpus."""
    parts = []
    for corpus in found["corpora"]:
        lines = []
        for row in corpus["rows"]:
            hits, total = row["held"]["f"]
            low, high = binomtest(hits, total).proportion_ci(method="exact")
            others = [
                f"{a / b:.3f}"
                if (pair := row["held"].get(name)) and (b := pair[1]) and (a := pair[0]) is not None
                else ""
                for name in ("precision", "recall", "f by label", "counts")
            ]
            held = f"{hits / total:.3f} ({low:.3f} to {high:.3f})"
            lines.append(
                (
                    row["n"],
                    row["way"],
                    held,
                    f"{row['width']:.3f}",
                    f"{row['bias']:+.3f}",
                    f"{row['sd']:.3f}",
                    *others,
                )
            )
        header = (
            "n",
            "",
            "F held",
            "width",
            "bias",
            "sd",
            "precision",
            "recall",
            "labels",
            "counts",
        )
        title = f"{corpus['name']}: {corpus['texts']:,} texts, F {corpus['f']:.3f}, expected {corpus['expected']:.3f}"
        aligns = ("r", "l", *"rrrrrrrr")
        parts.append(title + "\n" + table(lines, header=header, divider=True, aligns=aligns))
    machine = found["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    parts.append(
        f"{found['draws']:,} draws each, seeds 0 to {found['draws'] - 1}; {machine['processor']}, Python {machine['python']}, {versions}"
    )
    return "\n\n".join(parts)


def main(
    corpora: Annotated[
        list[Path], Argument(help="Folders with train.spacy, dev.spacy, test.spacy")
    ],
    texts: Annotated[int, Option(help="Texts of train that the model learns from")] = 500,
    n: Annotated[list[int] | None, Option("-n", help="Texts drawn (default: 50 and 100)")] = None,
    draws: Annotated[int, Option(help="How often they are drawn")] = 2000,
    models: Annotated[Path, Option(help="Folder of the models")] = Path("training/estimates"),
    output: Annotated[Path | None, Option("--output", "-o", help="All figures as JSON")] = None,
) -> None:
    """Draw from pools of which all is known, and see how often intervals hold the true score, and how wide they are."""
    rows = []
    for corpus in corpora:
        pool = read_known(corpus, train_once(corpus, models, texts), texts)
        sums, believed = pool.counts.sum(axis=(0, 1)), pool.expected[:, :3].sum(axis=0)
        rows.append(
            {
                "name": corpus.name,
                "texts": len(pool.counts),
                "f": _truth(sums)["f"],
                "expected": _truth(believed)["f"],
                "rows": bench_estimates(pool, n or (50, 100), draws),
            }
        )
    found = {"machine": describe(), "draws": draws, "corpora": rows}
    typer.echo(format_estimates(found))
    if output:
        with replacing(output) as file:
            json.dump(found, file, indent=2)


if __name__ == "__main__":
    typer.run(main)

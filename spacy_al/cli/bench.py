"""`spacy-al bench`: what scoring costs on a pipeline, and what its probabilities are worth."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import srsly
from typer import Argument, Option
from wasabi import table

from spacy_al.bench.pipeline import bench
from spacy_al.bench.timing import CALIBRATED, SCORED
from spacy_al.cli.app import app, explained, say
from spacy_al.cli.calibrate import format_temperature
from spacy_al.cli.options import Code
from spacy_al.corpus.shard import check_writable, writing
from spacy_al.posteriors.component import load_code

MODEL = "Directory or package of the trained pipeline"
POOL = "Texts to measure on (.spacy, or a folder of them); gold ones are judged as well"
FIT = "Held-out gold documents to fit temperatures on, to time and judge with these as well"
MAX_DOCS = "Measure on a random sample of at most so many documents"
FIT_DOCS = "Fit on a random sample of at most so many documents"
OUTPUT = "Write all figures as JSON to a file, or to standard output with -"
WIDTHS = "Width of a beam to compare with; more than once for more. 0: none"


@app.command("bench")
@explained
def bench_cli(
    model: Annotated[str, Argument(help=MODEL)],
    pool: Annotated[Path, Argument(help=POOL)],
    fit: Annotated[Path | None, Option("--fit", "-f", help=FIT)] = None,
    component: Annotated[str | None, Option("--component", help="Whose posterior")] = None,
    max_docs: Annotated[int, Option("--max-docs", "-n", help=MAX_DOCS)] = 2000,
    fit_docs: Annotated[int, Option("--fit-docs", help=FIT_DOCS)] = 400,
    repeats: Annotated[int, Option("--repeats", "-r", help="How often all is timed")] = 5,
    beam: Annotated[list[int] | None, Option("--beam", "-b", help=WIDTHS)] = None,
    code: Code = None,
    seed: Annotated[int, Option("--seed", help="Of the samples")] = 0,
    output: Annotated[Path | None, Option("--output", "-o", help=OUTPUT, allow_dash=True)] = None,
    quiet: Annotated[bool, Option("--quiet", "-q", help="Print no tables")] = False,
) -> None:
    """Time a pipeline alone, with al_scorer, and scored as `select` does, beside spaCy's beam search; where there is
    gold, judge the probabilities.

    Set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1 for figures that can be compared.
    """
    widths = (4, 16, 32) if beam is None else tuple(width for width in beam if width)
    if output is not None:
        check_writable(output)
    load_code(code)
    found = bench(
        model,
        pool,
        fit=fit,
        component=component,
        max_docs=max_docs,
        fit_docs=fit_docs,
        repeats=repeats,
        widths=widths,
        seed=seed,
    )
    if not quiet:
        say(format_timing(found))
        if found["quality"]:
            say(format_quality(found["quality"]))
    if output is not None:
        with writing(output) as file:
            file.write(srsly.json_dumps(found, indent=2) + "\n")


def format_timing(found: dict[str, Any]) -> str:
    """The table of times, and what it was measured on."""
    arms = found["timing"]["arms"]
    rows = []
    for name, arm in arms.items():
        ratio = arm["ratio"]
        spread = f"{ratio['min']:.2f} to {ratio['max']:.2f}"
        speed = f"{arm['tokens_per_second']:,.0f}"
        times = (f"{ratio['median']:.2f}", spread, f"{ratio['fastest']:.2f}")
        rows.append((name, arm["documents"], speed, *times))
    header = ("", "docs", "tokens/s", "time", "over repeats", "fastest")
    lines = [_table(rows, header)]
    added = ", and calibrated ".join(
        f"{ratio['median'] - 1:.0%} (fastest runs: {ratio['fastest'] - 1:.0%})"
        for suffix in ("", CALIBRATED)
        if (ratio := arms.get(SCORED + suffix, {}).get("ratio"))
    )
    peak = found["timing"]["memory"]["peak"]
    machine = found["machine"]
    lines += [
        f"ℹ al_scorer adds {added}. Times are of the process, per token, beside nlp.pipe's.",
        f"ℹ {machine['processor']}, Python {machine['python']}, spaCy {machine['versions'].get('spacy')}"
        + (f", at most {peak:.0f} MB" if peak else ""),
    ]
    return "\n".join(lines)


def format_quality(quality: dict[str, Any]) -> str:
    """The tables of what probabilities are worth."""
    ways = quality.get("rows", quality)
    rows: list[tuple[Any, ...]] = []
    for way, row in ways.items():
        picked, listed = row["chosen"], row["candidates"]
        temperature = format_temperature(row["temperature"]) if "temperature" in row else ""
        own = row.get("own", picked)["ece"]
        values = (picked.get("auroc"), picked["ece"], own, picked["log_loss"], listed["ece"])
        rows.append((way, *map(_number, values), listed["events"], temperature))
    header = ("", "AUROC", "ECE set", "ECE own", "log loss", "ECE all", "all > .01", "temperature")
    tables = [_table(rows, header)]
    if "documents" in quality:
        scores = list(quality["documents"]["exact"])
        rows = [
            (way, *(_number(found.get(score)) for score in scores))
            for way, found in quality["documents"].items()
        ]
        tables += [_table(rows, ("documents with an error, AUROC", *scores))]
        rows = [(way, _number(share)) for way, share in quality["missed"].items()]
        tables += [_table(rows, ("missed gold entities", "share at zero"))]
        counts = ", ".join(f"{count} {what}" for what, count in quality["counts"].items())
        tables += [f"ℹ {counts}"]
    return "\n".join(tables)


def _table(rows: Sequence[tuple[Any, ...]], header: tuple[str, ...]) -> str:
    aligns: Any = ("l", *"r" * (len(header) - 1))
    return table(rows, header=header, divider=True, aligns=aligns, max_col=40)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"

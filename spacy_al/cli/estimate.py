"""`spacy-al estimate`: the score in a pool from the texts that were drawn from it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option
from wasabi import table

from spacy_al.cli.app import app, explained, printable, say
from spacy_al.estimation.ratios import Estimate
from spacy_al.evaluation.pool_score import WANTED, BatchScore, batch_score, read_batch
from spacy_al.evaluation.weighted import write_weighted

TASKS = "The batch as `select` wrote it, with --sampler active_testing, uniform, or stochastic with `explore`"
GOLD = "Labelled .spacy file with its texts, as `convert` makes one of what was exported elsewhere"
WEIGHTED = "Also write the texts to learn from, as .spacy: each with a rate, at which spacy-al.batch_sampled.v1 sees the pool in them"
HALF = "Half of the width of the interval that is wanted, for what is said where there can be none"


@app.command("estimate")
@explained
def estimate_cli(
    tasks: Annotated[Path, Argument(help=TASKS)],
    gold: Annotated[Path, Argument(help=GOLD)],
    spans_key: Annotated[str, Option("--spans-key", help="Of a span categoriser's spans")] = "sc",
    wanted: Annotated[float, Option("--wanted", help=HALF)] = WANTED,
    weighted: Annotated[Path | None, Option("--weighted", help=WEIGHTED)] = None,
    as_json: Annotated[bool, Option("--json", help="Print JSON on standard output")] = False,
) -> None:
    """Estimate how good a model is in a whole pool, from a batch that it drew there and the right answers to it.

    Texts that were likelier to be drawn count less. What was chosen without chance is refused.
    """
    batch = read_batch(tasks, gold)
    found = batch_score(*batch, spans_key=spans_key, wanted=wanted)
    written = write_weighted(*batch, weighted) if weighted is not None else 0
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
    else:
        say(format_estimate(found))
        if weighted is not None:
            say(f"✔ {written:,} texts, with a rate for each, in {weighted}")


def format_estimate(found: BatchScore) -> str:
    """Scores and labels with their intervals, and what they rest on."""
    score = found.score
    whole = (("F", score.f), ("precision", score.precision), ("recall", score.recall))
    rows = [(name, *_numbers(one, ".3f")) for name, one in whole if one]
    rows += [
        (f"F of {printable(name)}", *_numbers(one, ".3f")) for name, one in score.labels.items()
    ]
    rows += [
        (f"{printable(name)} in the pool", *_numbers(one, ",.0f"))
        for name, one in score.counts.items()
    ]
    header = ("", "estimate", "from", "to")
    if sure := score.overconfidence:
        rows.append(("probability less precision", *_numbers(sure, "+.3f")))
    lines = [table(rows, header=header, divider=True, aligns=("l", "r", "r", "r"))]
    lines.append("ℹ from, to: where it lies 19 times in 20.")
    if score.naive is not None:
        lines.append(f"ℹ Over the texts drawn, as if they were any, F is {score.naive:.3f}.")
    if score.confidence is not None:
        lines.append(
            f"ℹ The model itself expects F {score.expected or 0:.3f}, and gives what it says {score.confidence:.3f} on average."
        )
    if found.answered < found.drawn:
        left = found.drawn - found.answered
        lines.append(
            f"ℹ {left} texts were not answered in full: the score is that of texts which can be answered."
        )
    lines.append(f"✔ From {found.drawn:,} draws of {score.n_pool:,} texts")
    return "\n".join(lines)


def _numbers(one: Estimate, form: str) -> tuple[str, str, str]:
    ends = ("" if end is None else format(end, form) for end in (one.low, one.high))
    return (format(one.value, form), *ends)  # type: ignore[return-value]

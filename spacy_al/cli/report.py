"""`spacy-al report`: one HTML file that tells of a run."""

from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from spacy_al.cli.app import app, explained, only_overrides, say
from spacy_al.cli.options import WITH_OVERRIDES, Code, Config, Masks, Quiet
from spacy_al.loop.begun import open_run
from spacy_al.loop.report import write_report
from spacy_al.reporting.savings import read_price

OUTPUT = "Folder for report.html and metrics.json (default: the output of the run)"
SIMULATION = "Folder of a simulation of the same project, whose random arm is drawn beside the run"
PRICE = 'What an hour of an annotator costs, e.g. "90 EUR": the report then says what was spent and saved'
TARGET = "Score whose cost is forecast (default: where there is no test set, that of the config's target_score)"

WITHOUT_TEXTS = "Show no question: nothing of the pool's texts is in the report"


@app.command("report", context_settings=WITH_OVERRIDES)
@explained
def report_cli(
    ctx: typer.Context,
    config: Config,
    output: Annotated[Path | None, Option("--output", "-o", help=OUTPUT)] = None,
    simulation: Annotated[Path | None, Option("--simulation", help=SIMULATION)] = None,
    target: Annotated[float | None, Option("--target", help=TARGET)] = None,
    price: Annotated[str | None, Option("--price", help=PRICE)] = None,
    without_texts: Annotated[bool, Option("--without-texts", help=WITHOUT_TEXTS)] = False,
    mask: Masks = None,
    code: Code = None,
    quiet: Quiet = False,
) -> None:
    """Write report.html and metrics.json of a run: learning curve, forecast, what was asked and why."""
    overrides = only_overrides(ctx.args, config)
    project = open_run(config, overrides, code=code)
    path = write_report(
        project,
        folder=output,
        simulation=simulation,
        target=target,
        price=read_price(price) if price else None,
        texts=not without_texts,
        mask=mask or (),
    )
    if not quiet:
        say(f"✔ Report in {path}")

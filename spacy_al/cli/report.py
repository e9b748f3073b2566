"""`spacy-al report`: one HTML file that tells of a run."""

from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from spacy_al.cli.app import app, explained, only_overrides, say
from spacy_al.cli.options import WITH_OVERRIDES, Code, Config, Quiet
from spacy_al.loop.begun import open_run
from spacy_al.loop.report import write_report

OUTPUT = "Folder for report.html and metrics.json (default: the output of the run)"
SIMULATION = "Folder of a simulation of the same project, whose random arm is drawn beside the run"
TARGET = "Score whose cost is forecast (default: where there is no test set, that of the config's target_score)"


@app.command("report", context_settings=WITH_OVERRIDES)
@explained
def report_cli(
    ctx: typer.Context,
    config: Config,
    output: Annotated[Path | None, Option("--output", "-o", help=OUTPUT)] = None,
    simulation: Annotated[Path | None, Option("--simulation", help=SIMULATION)] = None,
    target: Annotated[float | None, Option("--target", help=TARGET)] = None,
    code: Code = None,
    quiet: Quiet = False,
) -> None:
    """Write report.html and metrics.json of a run: learning curve, forecast, what was asked and why."""
    overrides = only_overrides(ctx.args, config)
    project = open_run(config, overrides, code=code)
    path = write_report(project, folder=output, simulation=simulation, target=target)
    if not quiet:
        say(f"✔ Report in {path}")

"""`spacy-al run`: the loop, as far as it goes without a person."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from spacy_al.cli.app import app, explained, only_overrides, printable, say
from spacy_al.cli.options import WITH_OVERRIDES, Code, Config, Gpu, Processes, Quiet
from spacy_al.cli.status import format_status
from spacy_al.config.init import init
from spacy_al.errors import AlError
from spacy_al.loop.begun import open_run
from spacy_al.loop.labels import check_labels
from spacy_al.loop.report import write_report
from spacy_al.loop.rounds import run
from spacy_al.loop.status import has_stopped, status
from spacy_al.posteriors.component import load_code
from spacy_al.tracking.follow import tracked_project
from spacy_al.web.background import PAGE
from spacy_al.web.serve import annotate, has

ORACLE = "Labelled corpus that answers in place of a person"
MODEL = "A trained pipeline that the run begins with, where the config is still to be written: as init --model"
ONCE = "Never wait for a person, whatever is installed: for cron and the like"


@app.command("run", context_settings=WITH_OVERRIDES)
@explained
def run_cli(
    ctx: typer.Context,
    config: Config,
    model: Annotated[str | None, Option("--model", "-m", help=MODEL)] = None,
    oracle: Annotated[Path | None, Option("--oracle", help=ORACLE)] = None,
    once: Annotated[bool, Option("--once", help=ONCE)] = False,
    n_process: Processes = 1,
    code: Code = None,
    gpu_id: Gpu = -1,
    quiet: Quiet = False,
) -> None:
    """Train, evaluate, select, take the answers, and again, until a stopping criterion says so.

    Everything is kept in `output` of the config's [al] section. It can be stopped at any time, by any means: the same
    command goes on where it was. Exit status: 0 the run has stopped for a reason, 3 it waits for answers. On a terminal, with
    the extra `web`, it opens the page instead of waiting, and asks from the start, while it trains.
    """
    if model is not None:
        load_code(code)
        if init(config, model=model) and not quiet:
            say(f"✔ {config} begins with {printable(model)}")
    overrides = only_overrides(ctx.args, config)
    told = list[str]()

    def show(line: str) -> None:
        told.append(line)
        say(line)

    project = open_run(
        config,
        overrides,
        oracle=oracle,
        code=code,
        gpu_id=gpu_id,
        n_process=n_process,
        **({} if quiet else {"show": show}),
    )
    # before a page is opened on it
    check_labels(project)
    serves = not once and not oracle and _can_serve()
    if serves and not has_stopped(project):
        annotate(project, browse=True, quiet=quiet, show=say)
        return
    with tracked_project(project) as project:
        outcome = run(project)
    try:
        path: Path | None = write_report(project)
    except AlError as error:
        # a picture that cannot be drawn is no reason to say that the run has failed
        path = None
        say(f"⚠ No report: {error}")
    page = os.environ.get(PAGE)
    if page and outcome.state == "waiting" and not quiet:
        say(f"✔ Round {outcome.round}: its questions are on {page}")
    elif not quiet:
        found = status(project)
        if f"ℹ {found['plan']}" in told:
            # said as soon as it was known
            found["plan"] = None
        say(format_status(found))
        if path is not None:
            say(f"✔ Report in {path}")
    if outcome.state == "waiting":
        if not serves:
            raise typer.Exit(3)
        annotate(project, browse=True, quiet=quiet, show=say)


def _can_serve() -> bool:
    """Whether a person is there, and the page."""
    return sys.stdin.isatty() and sys.stderr.isatty() and has("fastapi") and has("uvicorn")

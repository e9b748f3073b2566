"""`spacy-al push`: ask the questions of the current round in Label Studio."""

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from spacy_al.adapters.label_studio.push import push
from spacy_al.adapters.label_studio.server import (
    open_server,
)
from spacy_al.cli.app import app, explained, only_overrides, printable
from spacy_al.config.project import open_project

CONFIG = "Training config with an [al] section"
URL_HELP = "Of Label Studio (default: where it was pushed before, or LABEL_STUDIO_URL)"
CODE = "Python file with registered functions"


@app.command("push", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
@explained
def push_cli(
    ctx: typer.Context,
    config: Annotated[Path, Argument(help=CONFIG)],
    url: Annotated[str | None, Option("--url", help=URL_HELP)] = None,
    code: Annotated[Path | None, Option("--code", "-c", help=CODE)] = None,
    quiet: Annotated[bool, Option("--quiet", "-q", help="Print nothing but errors")] = False,
) -> None:
    """Put what the current round still asks into a Label Studio project, with the model's suggestions.

    The first time it makes the project. What is there is not put there again, so that it can be repeated. The token is read from
    LABEL_STUDIO_API_KEY.
    """
    overrides = only_overrides(ctx.args, config)
    project = open_project(config, overrides, code=code)
    server = open_server(project.output, url)
    counts = push(project, server)
    if not quiet:
        said = f"{counts['new']} new of {counts['asked']} tasks in {counts['address']}"
        typer.echo(f"✔ {printable(said)}", err=True)

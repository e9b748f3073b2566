"""`spacy-al push`: ask the questions of the current round in Label Studio."""

from typing import Annotated

import typer
from typer import Option

from spacy_al.adapters.label_studio.push import push
from spacy_al.adapters.label_studio.server import (
    open_server,
)
from spacy_al.cli.app import app, explained, only_overrides, say
from spacy_al.cli.options import WITH_OVERRIDES, Code, Config, Quiet
from spacy_al.loop.begun import open_run

URL_HELP = "Of Label Studio (default: where it was pushed before, or LABEL_STUDIO_URL)"


@app.command("push", context_settings=WITH_OVERRIDES)
@explained
def push_cli(
    ctx: typer.Context,
    config: Config,
    url: Annotated[str | None, Option("--url", help=URL_HELP)] = None,
    code: Code = None,
    quiet: Quiet = False,
) -> None:
    """Put what the current round still asks into a Label Studio project, with the model's suggestions.

    The first time it makes the project. What is there is not put there again, so that it can be repeated. The token is read from
    LABEL_STUDIO_API_KEY.
    """
    overrides = only_overrides(ctx.args, config)
    project = open_run(config, overrides, code=code)
    server = open_server(project.output, url)
    counts = push(project, server)
    if not quiet:
        said = f"{counts['new']} new of {counts['asked']} tasks in {counts['address']}"
        say(f"✔ {said}")

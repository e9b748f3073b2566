"""`spacy-al init`: an `[al]` section for a spaCy config."""

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from spacy_al.cli.app import app, explained
from spacy_al.cli.options import Quiet
from spacy_al.config.init import init

POOL = "The unlabelled texts (default: corpus/pool if it is there, else corpus/pool.spacy)"


@app.command("init")
@explained
def init_cli(
    config: Annotated[
        Path, Argument(help="The config; a starter config is written where there is none")
    ],
    component: Annotated[
        str | None, Option("--component", help="The component that is taught")
    ] = None,
    pool: Annotated[str | None, Option("--pool", help=POOL)] = None,
    lang: Annotated[str, Option("--lang", "-l", help="Language of a starter config")] = "en",
    quiet: Quiet = False,
) -> None:
    """Write what is missing of an [al] section into a spaCy config. What stands there stays, comments too."""
    added = init(config, component=component, pool=pool, lang=lang)
    if not quiet:
        typer.echo(
            f"✔ {config}: added {', '.join(added)}" if added else f"✔ {config}: nothing to add",
            err=True,
        )

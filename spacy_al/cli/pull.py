"""`spacy-al pull`: take over what was annotated in Label Studio."""

from typing import Annotated

import typer
from typer import Option

from spacy_al.adapters.label_studio.pull import pull
from spacy_al.adapters.label_studio.server import open_server
from spacy_al.cli.app import app, explained, only_overrides, say
from spacy_al.cli.options import WITH_OVERRIDES, Code, Config, Quiet
from spacy_al.cli.push import URL_HELP
from spacy_al.config.project import DATABASE
from spacy_al.config.settings import read_settings
from spacy_al.posteriors.component import load_code
from spacy_al.store.store import Store


@app.command("pull", context_settings=WITH_OVERRIDES)
@explained
def pull_cli(
    ctx: typer.Context,
    config: Config,
    url: Annotated[str | None, Option("--url", help=URL_HELP)] = None,
    code: Code = None,
    quiet: Quiet = False,
) -> None:
    """Store what was annotated in Label Studio since the last time; the next `run` goes on with it.

    Whoever changes an annotation corrects their answer; a skipped task is ignored; a deleted annotation stays an answer. The token
    is read from LABEL_STUDIO_API_KEY.
    """
    overrides = only_overrides(ctx.args, config)
    # the config may name what it registers
    load_code(code)
    output = read_settings(config, overrides).output
    with Store(output / DATABASE, create=False) as store:
        result = pull(store, output, open_server(output, url))
    if not quiet:
        for remark in result.remarks():
            say(f"ℹ {remark}")
        say(f"✔ {result if result.counts else 'nothing new'}")

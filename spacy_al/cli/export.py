"""`spacy-al export`: what was asked and answered, and the corpus that comes of it, as files."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from spacy_al.cli.app import app, explained, only_overrides
from spacy_al.config.project import open_project
from spacy_al.loop.export import export

CONFIG = "Training config with an [al] section"
OUTPUT = "Folder for tasks.jsonl, answers.jsonl and the labelled corpus train.spacy"
CODE = "Python file with registered functions"
TO = "Also write what is labelled in the format of another tool"


class ExportFormat(str, Enum):
    """Of what is labelled. The first two are written in any case."""

    prodigy = "prodigy"
    spacy = "spacy"
    conll = "conll"
    iob = "iob"
    brat = "brat"
    doccano = "doccano"
    jsonl = "jsonl"


@app.command("export", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
@explained
def export_cli(
    ctx: typer.Context,
    config: Annotated[Path, Argument(help=CONFIG)],
    output: Annotated[Path, Option("--output", "-o", help=OUTPUT)],
    to: Annotated[ExportFormat | None, Option("--to", help=TO)] = None,
    code: Annotated[Path | None, Option("--code", "-c", help=CODE)] = None,
    quiet: Annotated[bool, Option("--quiet", "-q", help="Print nothing but errors")] = False,
) -> None:
    """Write all tasks and answers as JSONL and the labelled corpus as .spacy.

    The same answers give the same files, so that they can be compared and kept under version control. The run is left as
    it is.
    """
    overrides = only_overrides(ctx.args, config)
    counts = export(open_project(config, overrides, code=code), output, to.value if to else None)
    if not quiet:
        for name, count in counts.items():
            typer.echo(f"✔ {output / name}: {count:,}", err=True)

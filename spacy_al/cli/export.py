"""`spacy-al export`: what was asked and answered, and the corpus that comes of it, as files."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from spacy_al.cli.app import app, explained, only_overrides, say
from spacy_al.cli.options import WITH_OVERRIDES, Code, Config, Masks, Quiet
from spacy_al.loop.begun import open_run
from spacy_al.loop.export import export

OUTPUT = "Folder for tasks.jsonl, answers.jsonl and the labelled corpus train.spacy"
TO = "Also write what is labelled in the format of another tool"


class ExportFormat(str, Enum):
    """Of what is labelled. The first two are written in any case."""

    prodigy = "prodigy"
    spacy = "spacy"
    conll = "conll"
    iob = "iob"
    brat = "brat"
    doccano = "doccano"
    ground_truth = "ground-truth"
    jsonl = "jsonl"
    labelbox = "labelbox"
    scale = "scale"
    superannotate = "superannotate"
    # a few of the answers, for prompts
    spacy_llm = "spacy-llm"


@app.command("export", context_settings=WITH_OVERRIDES)
@explained
def export_cli(
    ctx: typer.Context,
    config: Config,
    output: Annotated[Path, Option("--output", "-o", help=OUTPUT)],
    to: Annotated[ExportFormat | None, Option("--to", help=TO)] = None,
    mask: Masks = None,
    code: Code = None,
    quiet: Quiet = False,
) -> None:
    """Write all tasks and answers as JSONL and the labelled corpus as .spacy.

    The same answers give the same files, so that they can be compared and kept under version control. The run is left as
    it is.
    """
    overrides = only_overrides(ctx.args, config)
    project = open_run(config, overrides, code=code)
    counts = export(project, output, to.value if to else None, mask or ())
    if not quiet:
        for name, count in counts.items():
            say(f"✔ {output / name}: {count:,}")

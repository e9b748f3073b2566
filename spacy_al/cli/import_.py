"""`spacy-al import`: take over answers that were given elsewhere."""

from contextlib import nullcontext
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from spacy_al.adapters.answer_files import import_
from spacy_al.cli.app import app, explained, only_overrides, say
from spacy_al.cli.options import WITH_OVERRIDES, Bad, BadSpans, Code, Column, Config, Quiet
from spacy_al.config.project import DATABASE
from spacy_al.config.settings import read_settings
from spacy_al.posteriors.component import load_code
from spacy_al.processes.lock import locked
from spacy_al.store.store import Store

ANSWERS = "JSONL of answered tasks, as Prodigy writes it; or what --format says (for brat and SuperAnnotate, a folder)"
FORMAT = "Format of the file; prodigy alone says what was rejected or ignored, all others what is labelled"
ANNOTATOR = "Whose answers they are, where the file does not say (default: the format's name)"
ADD = "Take answers to questions of a Prodigy recipe as well, which the run did not ask; they count to its latest round"


class ImportFormat(str, Enum):
    """Of the answers."""

    prodigy = "prodigy"
    conll = "conll"
    iob = "iob"
    brat = "brat"
    doccano = "doccano"
    jsonl = "jsonl"
    conllu = "conllu"
    ground_truth = "ground-truth"
    hugging_face = "hugging-face"
    label_studio = "label-studio"
    label_studio_min = "label-studio-min"
    labelbox = "labelbox"
    scale = "scale"
    superannotate = "superannotate"
    table = "table"
    train_data = "train-data"
    webanno = "webanno"


@app.command("import", context_settings=WITH_OVERRIDES)
@explained
def import_cli(
    ctx: typer.Context,
    config: Config,
    answers: Annotated[Path, Argument(help=ANSWERS)],
    format: Annotated[ImportFormat, Option("--format", help=FORMAT)] = ImportFormat.prodigy,
    annotator: Annotated[str | None, Option("--annotator", help=ANNOTATOR)] = None,
    add: Annotated[bool, Option("--add", help=ADD)] = False,
    column: Column = None,
    bad_spans: Bad = BadSpans.refuse,
    code: Code = None,
    quiet: Quiet = False,
) -> None:
    """Store the answers of a file; the next `run` goes on with them.

    Tasks are found by their round and text. Answers that were taken before are passed over, so that the same file, or a
    longer one, can be imported again.
    """
    overrides = only_overrides(ctx.args, config)
    # the config may name what it registers
    load_code(code)
    settings = read_settings(config, overrides)
    alone = locked(settings.output) if add else nullcontext()
    with Store(settings.output / DATABASE, create=False) as store, alone:
        result = import_(
            store,
            answers,
            format=format.value,
            annotator=annotator,
            add=add,
            spans_key=settings.spans_key,
            column=column,
            bad_spans=bad_spans.value,
        )
    if not quiet:
        for remark in result.remarks():
            say(f"ℹ {remark}")
        say(f"✔ {result}")

"""`spacy-al annotate`: the built-in page, and the loop beside it."""

from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from spacy_al.cli.app import app, explained, only_overrides, say
from spacy_al.cli.options import WITH_OVERRIDES, Code, Config, Gpu, Processes, Quiet
from spacy_al.loop.begun import open_run
from spacy_al.loop.labels import check_labels
from spacy_al.web.address import PORT
from spacy_al.web.serve import HOST, annotate

HOST_HELP = "Address to listen on; beyond this machine --annotator is needed"
NAMES = "Name by which it is reached from elsewhere, e.g. behind a proxy; can be repeated"
ANNOTATOR = "Who gets a link of their own, with a token in it; can be repeated"
GUIDE = "Text file shown beside the texts (default: guidelines.md beside the config)"
LABEL_STUDIO = "Ask in Label Studio as well, see push; it then calls this server, by the first --name if there is one"
RECIPE = "Recipe that asks, by name or path, as al.recipe"
OVERLAP = "Annotators that each text is asked of, each blind to the others, as al.overlap"


@app.command("annotate", context_settings=WITH_OVERRIDES)
@explained
def annotate_cli(
    ctx: typer.Context,
    config: Config,
    host: Annotated[str, Option("--host", help=HOST_HELP)] = HOST,
    port: Annotated[int, Option("--port", min=0, max=65535, help="0 for any free one")] = PORT,
    annotator: Annotated[list[str] | None, Option("--annotator", help=ANNOTATOR)] = None,
    name: Annotated[list[str] | None, Option("--name", help=NAMES)] = None,
    guidelines: Annotated[Path | None, Option("--guidelines", help=GUIDE)] = None,
    recipe: Annotated[str | None, Option("--recipe", "-r", help=RECIPE)] = None,
    overlap: Annotated[int | None, Option("--overlap", min=1, help=OVERLAP)] = None,
    label_studio: Annotated[bool, Option("--label-studio", help=LABEL_STUDIO)] = False,
    open_: Annotated[
        bool, Option("--open/--no-open", help="Open it in a browser, but for --annotator")
    ] = True,
    n_process: Processes = 1,
    code: Code = None,
    gpu_id: Gpu = -1,
    quiet: Quiet = False,
) -> None:
    """Serve the page on which people answer, and train and choose beside it as answers come.

    It is for this machine alone, unless --host says otherwise. Ctrl-C ends it; every answer that the page has shown as
    saved is on disk, and the same command goes on where it was.
    """
    overrides = only_overrides(ctx.args, config)
    # to the steps beside the page it is an override like any other
    given = {"al.overlap": overlap, "al.recipe": recipe}
    overrides |= {key: value for key, value in given.items() if value is not None}
    project = open_run(config, overrides, code=code, gpu_id=gpu_id, n_process=n_process, show=say)
    check_labels(project)
    annotate(
        project,
        host=host,
        port=port,
        annotators=annotator or (),
        names=name or (),
        guidelines=guidelines,
        label_studio=label_studio,
        browse=open_,
        quiet=quiet,
        show=say,
    )

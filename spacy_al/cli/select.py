"""`spacy-al select`: which texts of a pool to label next."""

import json
import os
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from spacy.vocab import Vocab
from typer import Argument, Option

from spacy_al.adapters.label_studio.tasks import to_label_studio
from spacy_al.cli.app import app, explained, split_overrides
from spacy_al.cli.batch import format_selection
from spacy_al.config.project import DATABASE
from spacy_al.config.settings import Settings, read_settings
from spacy_al.corpus.shard import writing
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.posteriors.component import load_code
from spacy_al.query.costs import Seconds, fit_seconds
from spacy_al.query.select import select
from spacy_al.store.store import Store
from spacy_al.tasks.task import Task, to_docbin, write_tasks
from spacy_al.training.committee import members_of_round, read_together
from spacy_al.training.trainer import newest_model

POOL = "A .spacy file or a folder of shards (default: that of the config)"
MODEL = (
    "Trained pipeline (default: the newest model-best of the config's run, else below this folder)"
)
COLD = "Use no model: choose what represents the pool"
PATTERNS = "Patterns of an EntityRuler or SpanRuler (.jsonl): without a model, texts in which they match come first"
LABELED = "Corpus or file of tasks whose texts are not asked again; may be given several times"
CONFIG = "Config with an [al] section; its settings can be overridden, e.g. --al.batch_size 50"
ACQUISITION = "Registered acquisition, e.g. token_entropy, expected_errors, margin"
DENSITY = "Exponent of the mean similarity to the pool; 0 for none"
SAMPLER = "Registered sampler, e.g. top_k, uniform, representative"
KEEP = "Keep the pool's tokens rather than the pipeline's"
NUMBER = "Texts to choose (default: 20, or batch_size of the config)"
OUTPUT = "File, or - for standard output (default: batch.jsonl, .json or .spacy by the format)"
ROUND = "With --config: choose the batch of this round again, leaving out what earlier ones asked"
LANG = "Language, where there is no model"
CODE = "Python file with registered functions"


class BatchFormat(str, Enum):
    """Of the tasks."""

    prodigy = "prodigy"
    label_studio = "label-studio"
    spacy = "spacy"


SUFFIXES = {
    BatchFormat.prodigy: "jsonl",
    BatchFormat.label_studio: "json",
    BatchFormat.spacy: "spacy",
}


@app.command("select", context_settings={"ignore_unknown_options": True})
@explained
def select_cli(
    words: Annotated[list[str] | None, Argument(metavar="POOL", help=POOL)] = None,
    model: Annotated[str | None, Option("--model", "-m", help=MODEL)] = None,
    cold: Annotated[bool, Option("--cold", help=COLD)] = False,
    labeled: Annotated[list[Path] | None, Option("--labeled", help=LABELED)] = None,
    config: Annotated[Path | None, Option("--config", help=CONFIG)] = None,
    acquisition: Annotated[str | None, Option("--acquisition", help=ACQUISITION)] = None,
    density_weight: Annotated[float | None, Option("--density-weight", help=DENSITY)] = None,
    sampler: Annotated[str | None, Option("--sampler", help=SAMPLER)] = None,
    patterns: Annotated[Path | None, Option("--patterns", help=PATTERNS)] = None,
    component: Annotated[str | None, Option("--component", help="Whose posterior is read")] = None,
    seed: Annotated[int | None, Option("--seed", help="Of what is drawn (default: 0)")] = None,
    round: Annotated[int | None, Option("--round", min=0, help=ROUND)] = None,
    n: Annotated[int | None, Option("-n", help=NUMBER)] = None,
    format: Annotated[BatchFormat, Option("--format", help="Of the tasks")] = BatchFormat.prodigy,
    output: Annotated[Path | None, Option("--output", "-o", help=OUTPUT)] = None,
    lang: Annotated[str | None, Option("--lang", "-l", help=LANG)] = None,
    keep_tokens: Annotated[bool, Option("--keep-tokens", help=KEEP)] = False,
    n_process: Annotated[int, Option("--n-process", help="Processes that score")] = 1,
    code: Annotated[Path | None, Option("--code", "-c", help=CODE)] = None,
    gpu_id: Annotated[int, Option("--gpu-id", "-g", help="GPU, -1 for none")] = -1,
    verbose: Annotated[bool, Option("--verbose", "-V", help="Show all that was chosen")] = False,
    quiet: Annotated[bool, Option("--quiet", "-q", help="Print nothing but errors")] = False,
) -> None:
    """Rank a pool of unlabelled texts and write those to label next as tasks, best first.

    Without a trained pipeline it chooses texts that represent the pool, and says so. Nothing is recorded:
    the same command gives the same batch. Annotation that the pool carries is never looked at.
    """
    arguments, overrides = split_overrides(words or [], config)
    if len(arguments) > 1:
        raise typer.BadParameter(f"One pool at a time, and {' and '.join(arguments)} are given")
    if code:
        # the config may name what the code registers
        load_code(str(code))
    settings = read_settings(config, overrides) if config else Settings()
    pool = Path(arguments[0]) if arguments else settings.pool
    if pool is None:
        raise UsageError(Errors.AL090)
    output = output or Path(f"batch.{SUFFIXES[format]}")
    check_output(output, format, pool)
    if cold and model:
        raise typer.BadParameter("--cold uses no model, and --model names one")
    if not (model or cold or patterns):
        # of this run, if it has one
        model = newest_model(settings.output) if config else None
        model = model or newest_model(Path("."))
    if model and members_of_round(Path(model).parent):
        # as the run reads it
        settings = read_together(settings, Path(model).parent)
    selection = select(
        pool,
        n=n,
        model=model,
        labeled=labeled or (),
        asked=asked_before(settings, round) if config else (),
        seconds=seconds_of(settings) if settings.cost == "seconds" else None,
        settings=settings,
        acquisition=acquisition,
        density_weight=density_weight,
        sampler=sampler,
        patterns=patterns,
        component=component,
        seed=seed,
        round=round or 0,
        lang=lang,
        keep_tokens=keep_tokens,
        n_process=n_process,
        code=str(code) if code else None,
        gpu_id=gpu_id,
    )
    write_batch(selection.tasks, output, format)
    if not quiet:
        typer.echo(format_selection(selection, output, None if verbose else 10), err=True)


def asked_before(settings: Settings, round: int | None) -> set[str]:
    """Ids of the texts that a run of these settings has asked, in all its rounds or in those before one."""
    database = settings.output / DATABASE
    if not database.is_file():
        return set()
    with Store(database, create=False) as store:
        return store.asked_ids(before_round=round)


def seconds_of(settings: Settings) -> Seconds | None:
    """How long the annotators of a run of these settings take; None as long as there are too few answers."""
    database = settings.output / DATABASE
    if not database.is_file():
        return None
    with Store(database, create=False) as store:
        return fit_seconds(store)


def check_output(output: Path, format: BatchFormat, pool: Path) -> None:
    """Find out before the work whether its result can be written.

    RAISES (AlError): AL047 if it cannot be, AL091 for a .spacy file on standard output, AL095 for one in the pool.
    """
    if str(output) == "-":
        if format is BatchFormat.spacy:
            raise UsageError(Errors.AL091)
        return
    if output.resolve() == pool.resolve() or (
        output.suffix == ".spacy" and output.resolve().parent == pool.resolve()
    ):
        raise UsageError(Errors.AL095.format(path=output))
    why = "it is a folder" if output.is_dir() else ""
    parent = next(parent for parent in output.absolute().parents if parent.exists())
    if not parent.is_dir():
        why = f"{parent} is not a folder"
    elif not os.access(parent, os.W_OK):
        why = f"nothing may be written to {parent}"
    if why:
        raise AlError(Errors.AL047.format(path=output, why=why))


def write_batch(tasks: Sequence[Task], output: Path, format: BatchFormat) -> None:
    """Write tasks as JSONL (prodigy), JSON (label-studio) or a DocBin (spacy).

    RAISES (AlError): AL047 if the file cannot be written.
    """
    if format is BatchFormat.spacy:
        with writing(output, "wb") as file:
            file.write(to_docbin(tasks, Vocab()).to_bytes())
    elif format is BatchFormat.label_studio:
        with writing(output) as file:
            json.dump([to_label_studio(task) for task in tasks], file, indent=2, allow_nan=False)
            file.write("\n")
    else:
        write_tasks(tasks, output)

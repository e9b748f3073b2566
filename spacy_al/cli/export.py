"""`spacy-al export`: what was asked and answered, and the corpus that comes of it, as files."""

import warnings
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from spacy.vocab import Vocab
from typer import Argument, Option

from spacy_al.adapters.formats import FORMATS, write_format
from spacy_al.cli.app import app, explained, split_overrides
from spacy_al.config.project import Project, open_project
from spacy_al.corpus.shard import read_shard
from spacy_al.errors import AlWarning, Errors, UsageError, Warnings
from spacy_al.loop.answers import merged_answers
from spacy_al.store.export import export_jsonl
from spacy_al.store.store import Store
from spacy_al.tasks.merge import write_round_corpus

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
    rest, overrides = split_overrides(ctx.args, config)
    if rest:
        raise typer.BadParameter(f"No such argument: {rest[0]}")
    counts = export(open_project(config, overrides, code=code), output, to.value if to else None)
    if not quiet:
        for name, count in counts.items():
            typer.echo(f"✔ {output / name}: {count:,}", err=True)


def export(project: Project, folder: Path, to: str | None = None) -> dict[str, int]:
    """Write a run as files.

    project (Project): The run.
    folder (Path): Gets `tasks.jsonl`, `answers.jsonl`, `train.spacy` (`paths.train` and what the answers teach), and
        `dev.spacy` where a development set was asked for.
    to (str | None): One of `formats.FORMATS`: both are written in it as well. A warning counts what it cannot hold.
    RETURNS (dict): Tasks, answers and docs by file.
    RAISES (AlError): AL110 if there is no run, AL047 if a file cannot be written, AL160 if it is one that the run reads, AL266
        if the format cannot hold what is labelled.
    """
    settings, names = project.settings, ("train.spacy", "dev.spacy")
    read = [settings.train, settings.dev, settings.test, settings.pool, project.dev]
    taken = {path.resolve() for path in read if path}
    for path in (folder / name for name in names):
        # a shard in a folder of them would be read as well
        if not taken.isdisjoint((path.resolve(), folder.resolve())):
            raise UsageError(Errors.AL160.format(path=path))
    with Store(project.database, create=False) as store:
        counts: dict[str, Any] = export_jsonl(store, folder)
        merged = merged_answers(store, project)
        counts["train.spacy"] = write_round_corpus(
            project.settings.train, merged, folder / "train.spacy", Vocab()
        )["texts"]
        if any(store.tasks(purpose="dev")):
            dev = merged_answers(store, project, purpose="dev")
            counts["dev.spacy"] = write_round_corpus(None, dev, folder / "dev.spacy", Vocab())[
                "texts"
            ]
    if to in FORMATS:
        for name in [name for name in names if name in counts and (folder / name).is_file()]:
            path = (folder / name).with_suffix(FORMATS[to].suffix)
            report = write_format(
                to,
                read_shard(folder / name, Vocab()),
                path,
                kind=project.kind,
                spans_key=settings.spans_key,
            )
            counts[path.name] = report.pop("written")
            if report := +report:
                why = ", ".join(f"{count} {reason}" for reason, count in report.items())
                message = Warnings.W260.format(
                    count=report.total(), path=folder / name, to=to, why=why
                )
                warnings.warn(message, AlWarning, stacklevel=2)
    return counts

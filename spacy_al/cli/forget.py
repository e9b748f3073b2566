"""`spacy-al forget`: texts leave everything that a run keeps."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from typer import Option
from wasabi import table

from spacy_al.cli.app import app, explained, printable, say, split_overrides
from spacy_al.cli.options import WITH_OVERRIDES, Code, Config, Gpu
from spacy_al.config.project import Project
from spacy_al.errors import Errors, UsageError
from spacy_al.loop.begun import open_run
from spacy_al.loop.forget import Preview, forget_texts, preview_forgetting
from spacy_al.loop.forget_find import Wanted
from spacy_al.util import arguments, command_line

# Words of a model, and places, that are shown
SHOWN_WORDS, SHOWN_PLACES = 20, 40
DOC = "All texts of this document; can be given several times"
PATIENT = (
    "FIELD=VALUE: all texts that were ingested with this in their meta; can be given several times"
)
ALSO = "A file that is no part of the run, or a folder of them: an export, a batch, paths.train; can be given several times"
RETRAIN = "Train the models anew that were trained with them"
YES = "Do it without asking"


@app.command("forget", context_settings=WITH_OVERRIDES)
@explained
def forget_cli(
    ctx: typer.Context,
    config: Config,
    doc: Annotated[list[str] | None, Option("--doc", metavar="NAME", help=DOC)] = None,
    patient: Annotated[
        list[str] | None, Option("--patient", metavar="FIELD=VALUE", help=PATIENT)
    ] = None,
    also: Annotated[list[Path] | None, Option("--also", help=ALSO)] = None,
    retrain: Annotated[bool, Option("--retrain", help=RETRAIN)] = False,
    yes: Annotated[bool, Option("--yes", "-y", "--force", "-F", help=YES)] = False,
    code: Code = None,
    gpu_id: Gpu = -1,
) -> None:
    """Take texts out of all that a run keeps: CONFIG ID..., --doc or --patient says which.

    They leave the pool, the database and its backup, the files of all rounds, caches, logs and the report; the page drops what a browser
    keeps of them. Hashes of them stay, so that they do not come back. What would go is shown before it happens. Without a text it is done
    again for all that were forgotten before, as after something was put back.
    """
    ids, overrides = split_overrides(ctx.args, config)
    fields = dict(_pair(one) for one in patient or ())
    project = open_run(config, overrides, code=code, gpu_id=gpu_id, show=say)
    preview = preview_forgetting(project, Wanted(ids, doc or (), fields), also or ())
    say(format_preview(project, preview, retrain))
    if not (yes or typer.confirm("Forget this?", err=True)):
        say("✔ Nothing was changed")
        return
    done = forget_texts(project, preview, retrain=retrain)
    if done:
        say(f"✔ Trained anew without them: rounds {', '.join(map(str, done))}")
    known, found = len(preview.gone.ids), len(preview.texts)
    what = f"{_count(found, 'text')}, {known:,} in all" if found < known else _count(found, "text")
    say(f"✔ Forgotten: {what}. No file of the run has any of them now")


def format_preview(project: Project, preview: Preview, retrain: bool) -> str:
    """What is to go, by place; which models saw it; what is not touched, and the command that does."""
    lines = [f"ℹ {_count(len(preview.texts), 'text')} to be forgotten"]
    rows = [(str(path), what, f"{count:,}") for path, what, count in preview.places]
    if rows:
        lines.append(
            table(
                rows[:SHOWN_PLACES],
                header=("where", "what", "how many"),
                divider=True,
                aligns=("l", "l", "r"),
                # a path that is broken cannot be copied
                max_col=200,
            )
        )
    if rest := rows[SHOWN_PLACES:]:
        kinds = Counter(what for _, what, _ in rest)
        lines.append("ℹ and in further files: " + ", ".join(f"{n} {k}" for k, n in kinds.items()))
    if rounds := sorted(preview.gone.rounds):
        names = ", ".join(map(str, rounds))
        does = "are trained anew" if retrain else "stay as they are; --retrain trains them anew"
        lines.append(f"⚠ Models of rounds that were trained with them: {names}. They {does}")
    for one in preview.models:
        more = f" and {len(one.words) - SHOWN_WORDS} more" if len(one.words) > SHOWN_WORDS else ""
        having = f"; {len(one.vectors)} of them with a vector" if one.vectors else ""
        lines.append(
            f"⚠ {one.path} has words that no other text has: {', '.join(one.words[:SHOWN_WORDS])}{more}{having}"
        )
    for path, count in preview.own:
        command = command_line(
            arguments("forget", [project.config, "--also", path], project.overrides)
        )
        lines.append(
            f"⚠ {path} has {_count(count, 'of them', 'of them')}; it is yours and is not touched, and models go on to learn from it. "
            f"To take them out of it as well, add --also {path}, or afterwards: {command}"
        )
    lines.append(
        "ℹ Files that were written elsewhere (select -o, export, report -o, copies) are not known: name them with --also"
    )
    return printable("\n".join(lines))


def _pair(said: str) -> tuple[str, str]:
    name, equals, value = said.partition("=")
    if not (name and equals and value):
        raise UsageError(Errors.AL053.format(name="patient", value=said, expected="FIELD=VALUE"))
    return name, value


def _count(n: int, one: str, many: str | None = None) -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"

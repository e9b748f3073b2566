"""`spacy-al labels`: the labels of a run, and how they change."""

from typing import Annotated

import typer
from typer import Option
from wasabi import table

from spacy_al.cli.app import app, explained, printable, say, split_overrides
from spacy_al.cli.options import WITH_OVERRIDES, Code, Config
from spacy_al.loop.begun import open_run
from spacy_al.loop.labels import LabelRow, change, look_ahead, look_at_labels
from spacy_al.tasks.labels import ADD, MERGE, REMOVE, RENAME, UNDO

LIST, INTO = "list", "INTO"
# What stands behind each verb
FORMS = {
    LIST: "labels CONFIG [list]",
    ADD: "labels CONFIG add LABEL",
    RENAME: "labels CONFIG rename OLD NEW",
    MERGE: "labels CONFIG merge A B INTO C",
    REMOVE: "labels CONFIG remove LABEL",
    UNDO: "labels CONFIG undo",
}
YES = "Do it without asking"


@app.command("labels", context_settings=WITH_OVERRIDES)
@explained
def labels_cli(
    ctx: typer.Context,
    config: Config,
    yes: Annotated[bool, Option("--yes", "-y", help=YES)] = False,
    code: Code = None,
) -> None:
    """List the labels of a run, or change them: add LABEL, rename OLD NEW, merge A B INTO C, remove LABEL, undo.

    What a change does is shown before it happens. It is recorded beside the answers, which stay as they were given: they are
    read in the labels of now, and undo takes the last change back.
    """
    words, overrides = split_overrides(ctx.args, config)
    verb, names, into = _parse_change(words)
    project = open_run(config, overrides, code=code)
    if verb == LIST:
        say(format_labels(look_at_labels(project)))
        return
    for sentence in look_ahead(project, verb, names, into):
        say(f"ℹ {sentence}")
    if not yes and not typer.confirm("Do it?", err=True):
        say("✔ Nothing was changed")
        return
    now = change(project, verb, names, into)
    say(f"✔ The labels are: {', '.join(now.names)}")


def _parse_change(words: list[str]) -> tuple[str, list[str], str | None]:
    """What is to be done, to which labels, and the new name.

    RAISES (BadParameter): What is no change.
    """
    verb, *names = words or [LIST]
    into = None
    if verb == RENAME and len(names) == 2:
        into = names.pop()
    elif verb == MERGE and len(names) >= 3 and names[-2].upper() == INTO:
        into = names[-1]
        names = names[:-2]
    wanted = {LIST: 0, ADD: 1, RENAME: 1, REMOVE: 1, UNDO: 0}
    fits = bool(into) if verb in (RENAME, MERGE) else True
    if verb not in FORMS or not fits or (verb in wanted and len(names) != wanted[verb]):
        known = [FORMS[verb]] if verb in FORMS else [*FORMS.values()]
        raise typer.BadParameter("Say: " + ", or: ".join(known))
    return verb, names, into


def format_labels(rows: list[LabelRow]) -> str:
    """The labels as a table."""
    header = ("label", "key", "marks", "answered without it", "on dev")
    lines = [
        (
            " ".join(printable(row.name).split()),
            row.key or "",
            f"{row.marks:,}",
            f"{row.not_asked:,}" if row.not_asked else "",
            "measured" if row.measured else "not measured",
        )
        for row in rows
    ]
    return table(lines, header=header, divider=True, aligns=("l", "r", "r", "r", "l"))

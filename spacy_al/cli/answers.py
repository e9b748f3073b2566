"""`spacy-al answers`: what was said, by whom and when; corrected, taken back or deleted."""

import shutil
import time
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from typer import Option
from wasabi import table

from spacy_al.cli.app import app, explained, only_overrides, printable, say
from spacy_al.cli.options import WITH_OVERRIDES, Code, Config
from spacy_al.config.project import Project
from spacy_al.loop.answer_list import (
    correct,
    look_at_answers,
    look_at_withdrawal,
    read_corrections,
    take_back,
    write_answers,
)
from spacy_al.loop.begun import open_run
from spacy_al.reporting.words import plural
from spacy_al.store.answer_list import OPEN, AnswerRow, Filters
from spacy_al.store.history import COUNTS, DELETE, UNDO
from spacy_al.web.serve import user

SHOWN = 20
# Between columns of a table, and the least that is left of a text
GAP, LEAST = 3, 16
STDOUT = Path("-")
TEXT = "Those about a text that has this in it"
LABEL = "Those that mark or choose this label"
ROUND = "Those that this round asked for"
ANSWER = "Those that accept, reject or ignore"
DISAGREEMENT = (
    "Those about texts on which people disagreed, settled by a review or a consensus or not"
)
FLAGGED = "Those to questions that somebody flagged"
SINCE = "Those from this day on, or this minute: 2025-03-31 or 2025-03-31T14:05"
UNTIL = "Those before that"
ALL = "Also those that do not count any more: corrected, undone or deleted"
N = f"How many to show (default: {SHOWN}; all where they are written)"
CORRECT = "Take over what a file that -o has written says differently"
TAKE_BACK = "Take back the answer of this number, so that what was said before counts again; can be given several times"
REMOVE = "Delete the answer of this number and what was said before; can be given several times"
JSON = "Print JSONL on standard output"
OUTPUT = "Write them as JSONL, - for standard output"
YES = "Do it without asking"
FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]


class Verdict(str, Enum):
    """Of an answer."""

    accept = "accept"
    reject = "reject"
    ignore = "ignore"


@app.command("answers", context_settings=WITH_OVERRIDES)
@explained
def answers_cli(
    ctx: typer.Context,
    config: Config,
    text: Annotated[str | None, Option("--text", help=TEXT)] = None,
    label: Annotated[str | None, Option("--label", help=LABEL)] = None,
    annotator: Annotated[str | None, Option("--annotator", help="Those of this person")] = None,
    round: Annotated[int | None, Option("--round", help=ROUND)] = None,
    answer: Annotated[Verdict | None, Option("--answer", help=ANSWER)] = None,
    disagreement: Annotated[bool, Option("--disagreement", help=DISAGREEMENT)] = False,
    flagged: Annotated[bool, Option("--flagged", help=FLAGGED)] = False,
    since: Annotated[
        datetime | None, Option("--since", metavar="DAY", formats=FORMATS, help=SINCE)
    ] = None,
    until: Annotated[
        datetime | None, Option("--until", metavar="DAY", formats=FORMATS, help=UNTIL)
    ] = None,
    all: Annotated[bool, Option("--all", help=ALL)] = False,
    n: Annotated[int | None, Option("--n", "-n", min=1, help=N)] = None,
    as_json: Annotated[bool, Option("--json", help=JSON)] = False,
    output: Annotated[Path | None, Option("--output", "-o", help=OUTPUT)] = None,
    undo: Annotated[list[int] | None, Option("--undo", help=TAKE_BACK)] = None,
    delete: Annotated[list[int] | None, Option("--delete", help=REMOVE)] = None,
    correct_with: Annotated[Path | None, Option("--correct", help=CORRECT)] = None,
    yes: Annotated[bool, Option("--yes", "-y", "--force", "-F", help=YES)] = False,
    code: Code = None,
) -> None:
    """List what was answered, the newest first; correct answers, take them back or delete them.

    What a change does is shown before it happens. Nothing vanishes: what does not count any more is shown with --all.
    """
    overrides = only_overrides(ctx.args, config)
    if sum(map(bool, (undo, delete, correct_with))) > 1:
        raise typer.BadParameter("Say one of --undo, --delete and --correct at a time")
    project = open_run(config, overrides, code=code)
    if correct_with:
        _correct(project, correct_with, yes)
    elif undo or delete:
        _take_back(project, undo or delete or [], UNDO if undo else DELETE, yes)
    else:
        filters = Filters(
            text=text,
            label=label,
            annotator=annotator,
            round=round,
            answer=answer.value if answer else None,
            since=since.timestamp() if since else None,
            until=until.timestamp() if until else None,
            flagged=flagged,
            disagreement=disagreement,
            all=all,
        )
        rows = look_at_answers(project, filters)
        if as_json or output:
            count = write_answers(project, rows[:n], output or STDOUT)
            if output not in (None, STDOUT):
                say(f"✔ {plural(count, 'answer')} in {output}")
        else:
            say(format_answers(rows, n or SHOWN))


def format_answers(rows: list[AnswerRow], n: int) -> str:
    """The first answers as a table as wide as the terminal, and how many there are."""
    if not rows:
        return "ℹ No answer is as asked for."
    lines = [
        (
            f"{row.said.answer.seq}",
            time.strftime("%Y-%m-%d %H:%M", time.localtime(row.said.answer.at)),
            _cut(row.said.answer.annotator, 12),
            f"{row.asked.round}",
            row.said.answer.payload["answer"],
            _notes(row),
        )
        for row in rows[:n]
    ]
    header = ("no.", "when", "who", "round", "answer", "")
    taken = sum(max(map(len, column)) + GAP for column in zip(header, *lines))
    room = max(shutil.get_terminal_size().columns - taken - GAP, 2 * LEAST)
    marks = [_cut(", ".join(row.marks), room // 2) for row in rows[:n]]
    wide = room - max(len("marks"), *map(len, marks))
    found = [
        (*line, mark, _cut(row.asked.task["text"], wide))
        for line, mark, row in zip(lines, marks, rows)
    ]
    said = table(
        found,
        header=(*header, "marks", "text"),
        divider=True,
        aligns=("r", "l", "l", "r", "l", "l", "l", "l"),
    )
    more = f"ℹ {len(found):,} of {len(rows):,} answers"
    more += f"; -n {len(rows)} shows all, -o FILE writes them" if len(rows) > n else ""
    return f"{said}\n{more}"


def _notes(row: AnswerRow) -> str:
    notes = [] if row.said.state == COUNTS else [row.said.state]
    notes += ["flagged"] if row.flagged else []
    if row.disagreement:
        notes.append("disagreement" if row.disagreement == OPEN else "settled")
    notes += ["overruled"] if row.overruled else []
    return ", ".join(notes)


def _cut(text: str, width: int) -> str:
    text = " ".join(printable(text).split())
    return text if len(text) <= width else f"{text[: max(width - 1, 1)]}…"


def _take_back(project: Project, numbers: list[int], kind: str, yes: bool) -> None:
    numbers = [*dict.fromkeys(numbers)]
    for sentence in look_at_withdrawal(project, numbers, kind):
        say(f"ℹ {sentence}")
    if _agreed(yes):
        take_back(project, numbers, kind, user())
        what = "taken back" if kind == UNDO else "deleted"
        say(
            f"✔ {what.capitalize()}: {', '.join(map(str, numbers))}; `answers CONFIG --all` still shows it"
        )


def _correct(project: Project, path: Path, yes: bool) -> None:
    corrections, same = read_corrections(project, path)
    say(f"ℹ Corrected: {len(corrections):,}; as before: {same:,}.")
    if corrections and _agreed(yes):
        correct(project, corrections, user())
        say(f"✔ Corrected: {len(corrections)}")


def _agreed(yes: bool) -> bool:
    agreed = yes or typer.confirm("Do it?", err=True)
    if not agreed:
        say("✔ Nothing was changed")
    return agreed

"""`spacy-al status`: where a run is, and why."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from typer import Option
from wasabi import table

from spacy_al.cli.app import app, explained, only_overrides, printable, say
from spacy_al.cli.options import WITH_OVERRIDES, Code, Config
from spacy_al.cli.status_tables import (
    group_tables,
    one_line,
    people_tables,
    shown_count,
    shown_score,
    shown_seconds,
    skill_tables,
)
from spacy_al.deployment.drift import Drift, check_drift
from spacy_al.loop.begun import open_run
from spacy_al.loop.people import consensus_sentence
from spacy_al.loop.status import Status, status
from spacy_al.reporting.estimates import count_sentence, estimate_sentences
from spacy_al.reporting.risks import ALARMED, risk_lines
from spacy_al.reporting.teacher import teacher_lines
from spacy_al.reporting.words import format_interval, format_score_name, measured_on, plural

# Of recent texts that differ
ALARM = 4
CHECK = "Look whether recent texts are still like those that the run is measured on"
RECENT = (
    "Pool of recent texts for --check (default: the run's own pool, from `since` in [al.pool] on)"
)
MARKS = {"stopped": "✔", "wait": "⚠"}


@app.command("status", context_settings=WITH_OVERRIDES)
@explained
def status_cli(
    ctx: typer.Context,
    config: Config,
    as_json: Annotated[bool, Option("--json", help="Print JSON on standard output")] = False,
    check: Annotated[bool, Option("--check", help=CHECK)] = False,
    recent: Annotated[Path | None, Option("--recent", help=RECENT)] = None,
    code: Code = None,
) -> None:
    """Show the rounds of a run, what it waits for, and why it goes on or has stopped.

    With --check it is looked whether recent texts are still like those that the run is measured on; if they are not, the exit status is 4.
    """
    overrides = only_overrides(ctx.args, config)
    project = open_run(config, overrides, code=code)
    looked = check_drift(project, recent) if check or recent else None
    found = status(project)
    if as_json:
        more = {} if looked is None else {"check": asdict(looked)}
        typer.echo(json.dumps({**found, **more}, indent=2))
    else:
        say(format_status(found) if looked is None else format_drift(looked))
    if looked is not None and looked.alarms:
        raise typer.Exit(ALARM)


def format_drift(found: Drift) -> str:
    """What was compared, what differs, and how good the model probably is on recent texts."""
    rows = [
        (
            printable(test.name),
            shown_score(test.before),
            shown_score(test.now),
            f"{test.adjusted:.3g}",
            "differs" if test.is_alarm else "",
        )
        for test in found.tests
    ]
    header = ("compared", "measured on", "recent", "p", "")
    lines = [table(rows, header=header, divider=True, aligns=("l", "r", "r", "r", "l"))]
    lines.append(
        f"ℹ {found.n_before:,} texts that the run is measured on and {found.n_now:,} recent ones, read by {printable(found.model)}. "
        f"p: how often chance alone makes such a difference, all {len(found.tests)} comparisons counted (Holm)."
    )
    if found.expected_now is not None and found.expected_before is not None:
        truth = "" if found.score is None else f", where it is {found.score:.3f}"
        lines.append(
            f"ℹ The model expects {format_score_name(found.score_name)[0]} {found.expected_now:.3f} on the recent texts. On those it is measured on it expects "
            f"{found.expected_before:.3f}{truth}: it does not know what it has never seen."
        )
    if found.alarms:
        names = ", ".join(printable(test.name) for test in found.alarms)
        lines.append(f"⚠ Recent texts differ: {names}. Label some of them and train anew.")
    else:
        lines.append("✔ Nothing differs by more than chance explains.")
    return "\n".join(lines)


def format_status(found: Status) -> str:
    """The rounds as a table, and what goes on in words."""
    header = (
        "round",
        "texts",
        "words",
        "dev",
        "interval",
        "on texts",
        "test",
        "asked",
        "answered",
        "train",
        "select",
    )
    rows = [
        (
            row["round"],
            shown_count(row["texts"]),
            shown_count(row["words"]),
            ("* " if row["breaks"] else "") + shown_score(row["dev"]),
            format_interval(row["dev_interval"]),
            shown_count(row["dev_texts"]),
            shown_score(row["test"]),
            row["asked"] or "",
            row["answers"] or "",
            shown_seconds(row.get("seconds_train")),
            shown_seconds(row.get("seconds_select")),
        )
        for row in found["rounds"]
    ]
    lines = [table(rows, header=header, divider=True, aligns=["r"] * len(header))] if rows else []
    if any(row["dev_interval"] for row in found["rounds"]):
        lines.append(
            "ℹ interval: where the score on other texts than those of dev probably lies (19 times in 20)."
        )
    if any(row["breaks"] for row in found["rounds"]):
        lines.append(
            "ℹ * From here on dev counts other labels: not to be compared with the rows above."
        )
    lines += [
        f"ℹ Round {row['round']}: {_forgotten(row['forgotten'])}."
        for row in found["rounds"]
        if row["forgotten"]
    ]
    lines += [
        f"ℹ {one_line(label)} is not measured on dev: {why}."
        for label, why in found["not_measured"].items()
    ]
    lines += people_tables(found)
    lines += skill_tables(found)
    if settled := found.get("consensus"):
        lines.append(consensus_sentence(settled, one_line))
    lines += [f"ℹ {one_line(sentence)}" for sentence in _pool(found)]
    # found before the round asked: what was answered since is not in it
    when = "" if found["state"] == "stopped" else ", before its answers"
    lines += [
        f"ℹ Round {found['round']}{when}: {why}"
        for why in found.get("stopping", [])
        if why != found["sentence"]
    ]
    lines += [
        f"⚠ {', '.join(map(one_line, one['annotators']))} flagged {one['task']}: {one_line(one['text'])[:80]}"
        for one in found.get("flagged", [])
    ]
    review = sum(row["review"] for row in found["rounds"][-1:])
    if review:
        lines.append(
            f"⚠ Answers to {plural(review, 'text')} contradict each other and wait for a review."
        )
    lines += _start(found)
    lines += [f"ℹ {one_line(one)}" for one in teacher_lines(found["teacher"])]
    lines += [f"ℹ {found['plan']}"] if found["plan"] else []
    if best := found["best"]:
        score = (
            ""
            if best["score"] is None
            else f", {format_score_name(best['score_name'])[0]} {best['score']:.3f} on dev{measured_on(best['texts'], best['interval'])}"
        )
        name = f"ℹ Best model: round {best['round']}{score}"
        if best["package"] is None:
            lines.append(f"{name}: it has learned nothing yet, so there is nothing to package.")
        else:
            lines.append(f"{name}. Use it: {printable(best['load'])}")
            lines.append(f"ℹ Make a package of it: {printable(best['package'])}")
    if used := found["champion"]:
        lines.append(f"ℹ In use: {printable(used['model'])}. {printable(used['why'])}.")
    lines += group_tables(found)
    lines += [
        f"{'⚠' if line.startswith(ALARMED) else 'ℹ'} {one_line(line)}"
        for line in risk_lines(found.get("risks", []))
    ]
    if private := found["privacy"]:
        lines.append(f"ℹ {private['sentence']}")
    if (look := found["drift"]) and look["alarms"]:
        day = datetime.fromtimestamp(look["at"]).strftime("%Y-%m-%d")
        names = ", ".join(map(one_line, look["alarms"]))
        lines.append(
            f"⚠ Texts looked at on {day} differ from those that the run is measured on: {names}."
        )
    lines.append(f"{MARKS.get(found['state'], 'ℹ')} {printable(found['sentence'])}")
    return "\n".join(lines)


def _start(found: Status) -> list[str]:
    """What the run began with, and what is left of it."""
    start = found["start"]
    if start is None:
        return []
    scores = ", ".join(
        f"{shown_score(start[on])} on {on}" for on in ("dev", "test") if start[on] is not None
    )
    lines = [f"ℹ Began as {one_line(start['model'])}: {scores or 'not measured'}."]
    if start.get("agreement") is not None:
        lines.append(
            f"ℹ Of {plural(len(start['labels']), 'label')} that nobody is asked about it still finds what it found: F {shown_score(start['agreement'])} "
            f"on {start['texts']:,} random texts of the pool."
        )
    if start.get("measured"):
        lines.append(
            f"ℹ On {start['measured_on']} its score over {one_line(', '.join(start['measured']))} was {shown_score(start['before'])} and is "
            f"{shown_score(start['after'])}."
        )
    return lines


def _pool(found: Status) -> list[str]:
    """The score in the pool, and how often each label is there."""
    estimated = found.get("pool")
    if estimated is None:
        return []
    counts = count_sentence(estimated)
    return [*estimate_sentences(estimated), *([counts] if counts else [])]


def _forgotten(count: int) -> str:
    return "1 text was forgotten" if count == 1 else f"{count:,} texts were forgotten"

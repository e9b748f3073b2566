"""`spacy-al status`: where a run is, and why."""

import json
from typing import Annotated, Any

import typer
from typer import Option
from wasabi import table

from spacy_al.cli.app import app, explained, only_overrides, printable, say
from spacy_al.cli.options import WITH_OVERRIDES, Code, Config
from spacy_al.loop.begun import open_run
from spacy_al.loop.status import Status, status
from spacy_al.reporting.words import format_interval, measured_on

MARKS = {"stopped": "✔", "wait": "⚠"}


@app.command("status", context_settings=WITH_OVERRIDES)
@explained
def status_cli(
    ctx: typer.Context,
    config: Config,
    as_json: Annotated[bool, Option("--json", help="Print JSON on standard output")] = False,
    code: Code = None,
) -> None:
    """Show the rounds of a run, what it waits for, and why it goes on or has stopped."""
    overrides = only_overrides(ctx.args, config)
    found = status(open_run(config, overrides, code=code))
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        say(format_status(found))


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
            _count(row["texts"]),
            _count(row["words"]),
            ("* " if row["breaks"] else "") + _score(row["dev"]),
            format_interval(row["dev_interval"]),
            _count(row["dev_texts"]),
            _score(row["test"]),
            row["asked"] or "",
            row["answers"] or "",
            _seconds(row.get("seconds_train")),
            _seconds(row.get("seconds_select")),
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
        f"ℹ {_line(label)} is not measured on dev: {why}."
        for label, why in found["not_measured"].items()
    ]
    lines += _people(found)
    lines += [f"ℹ {why}" for why in found.get("stopping", []) if why != found["sentence"]]
    lines += [
        f"⚠ {', '.join(map(_line, one['annotators']))} flagged {one['task']}: {_line(one['text'])[:80]}"
        for one in found.get("flagged", [])
    ]
    review = sum(row["review"] for row in found["rounds"][-1:])
    if review:
        lines.append(f"⚠ {review} texts wait for a review: their answers contradict each other.")
    lines += _start(found)
    lines += [f"ℹ {found['plan']}"] if found["plan"] else []
    if best := found["best"]:
        score = (
            ""
            if best["score"] is None
            else f", {best['score_name']} {best['score']:.3f} on dev{measured_on(best['texts'], best['interval'])}"
        )
        lines.append(
            f"ℹ Best model: round {best['round']}{score}. Use it: {printable(best['load'])}"
        )
        lines.append(f"ℹ Make a package of it: {printable(best['package'])}")
    lines.append(f"{MARKS.get(found['state'], 'ℹ')} {printable(found['sentence'])}")
    return "\n".join(lines)


def _start(found: Status) -> list[str]:
    """What the run began with, and what is left of it."""
    start = found["start"]
    if start is None:
        return []
    scores = ", ".join(
        f"{_score(start[on])} on {on}" for on in ("dev", "test") if start[on] is not None
    )
    lines = [f"ℹ Began as {_line(start['model'])}: {scores or 'not measured'}."]
    if start.get("agreement") is not None:
        lines.append(
            f"ℹ Of {len(start['labels'])} labels that nobody is asked about it still finds what it found: F {_score(start['agreement'])} "
            f"on {start['texts']:,} random texts of the pool."
        )
    if start.get("measured"):
        lines.append(
            f"ℹ On {start['measured_on']} its score over {_line(', '.join(start['measured']))} was {_score(start['before'])} and is "
            f"{_score(start['after'])}."
        )
    return lines


def _people(found: Status) -> list[str]:
    """Who has answered how much and how fast, and how far any two say the same."""
    who = [
        (
            _line(one["name"]),
            one["answers"],
            len(one["held"]),
            _seconds(one["seconds"]),
            _whole(one["words_per_minute"]),
        )
        for one in found.get("annotators", [])
    ]
    pairs = [
        (
            _line(" and ".join(pair["pair"])),
            pair["tasks"],
            _score(pair["verdicts"]),
            _score(pair["kappa"]),
            _score(pair["span_f1"]),
        )
        for pair in found.get("agreement", [])
    ]
    people = ("annotator", "answered", "has before them", "an answer", "words a minute")
    agree = ("agreement", "both answered", "kappa of verdicts", "kappa", "F of spans")
    return [
        table(rows, header=header, divider=True, aligns=("l", "r", "r", "r", "r"))
        for header, rows in ((people, who), (agree, pairs))
        if rows
    ]


def _forgotten(count: int) -> str:
    return "1 text was forgotten" if count == 1 else f"{count:,} texts were forgotten"


def _line(name: str) -> str:
    return " ".join(printable(name).split())


def _whole(value: Any) -> str:
    return "" if value is None else f"{value:.0f}"


def _count(value: Any) -> str:
    return "" if value is None else f"{value:,}"


def _score(value: Any) -> str:
    return "" if value is None else f"{value:.3f}"


def _seconds(value: Any) -> str:
    return "" if value is None else f"{value:.0f} s"

"""`spacy-al status`: where a run is, and why."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Option
from wasabi import table

from spacy_al.cli.app import app, explained, only_overrides, printable, say
from spacy_al.cli.options import WITH_OVERRIDES, Code, Config
from spacy_al.deployment.drift import Drift, check_drift
from spacy_al.loop.begun import open_run
from spacy_al.loop.people import consensus_sentence, people_sentences
from spacy_al.loop.status import Status, status
from spacy_al.reporting.estimates import count_sentence, estimate_sentences
from spacy_al.reporting.groups import group_name, group_sentences
from spacy_al.reporting.risks import ALARMED, risk_lines
from spacy_al.reporting.teacher import teacher_lines
from spacy_al.reporting.words import format_interval, format_score_name, measured_on, plural
from spacy_al.store.reliability import Supposed

# Of recent texts that differ
ALARM = 4
CHECK = "Look whether recent texts are still like those that the run is measured on"
RECENT = (
    "Pool of recent texts for --check (default: the run's own pool, from `since` in [al.pool] on)"
)
# Groups of texts that are shown one by one
MOST_GROUPS = 12
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
            _score(test.before),
            _score(test.now),
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
    lines += _skills(found)
    if settled := found.get("consensus"):
        lines.append(consensus_sentence(settled, _line))
    lines += [f"ℹ {_line(sentence)}" for sentence in _pool(found)]
    lines += [f"ℹ {why}" for why in found.get("stopping", []) if why != found["sentence"]]
    lines += [
        f"⚠ {', '.join(map(_line, one['annotators']))} flagged {one['task']}: {_line(one['text'])[:80]}"
        for one in found.get("flagged", [])
    ]
    review = sum(row["review"] for row in found["rounds"][-1:])
    if review:
        lines.append(
            f"⚠ Answers to {plural(review, 'text')} contradict each other and wait for a review."
        )
    lines += _start(found)
    lines += [f"ℹ {_line(one)}" for one in teacher_lines(found["teacher"])]
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
    lines += _groups(found)
    lines += [
        f"{'⚠' if line.startswith(ALARMED) else 'ℹ'} {_line(line)}"
        for line in risk_lines(found.get("risks", []))
    ]
    if private := found["privacy"]:
        lines.append(f"ℹ {private['sentence']}")
    if (look := found["drift"]) and look["alarms"]:
        day = datetime.fromtimestamp(look["at"]).strftime("%Y-%m-%d")
        names = ", ".join(map(_line, look["alarms"]))
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
        f"{_score(start[on])} on {on}" for on in ("dev", "test") if start[on] is not None
    )
    lines = [f"ℹ Began as {_line(start['model'])}: {scores or 'not measured'}."]
    if start.get("agreement") is not None:
        lines.append(
            f"ℹ Of {plural(len(start['labels']), 'label')} that nobody is asked about it still finds what it found: F {_score(start['agreement'])} "
            f"on {start['texts']:,} random texts of the pool."
        )
    if start.get("measured"):
        lines.append(
            f"ℹ On {start['measured_on']} its score over {_line(', '.join(start['measured']))} was {_score(start['before'])} and is "
            f"{_score(start['after'])}."
        )
    return lines


def _pool(found: Status) -> list[str]:
    """The score in the pool, and how often each label is there."""
    estimated = found.get("pool")
    if estimated is None:
        return []
    counts = count_sentence(estimated)
    return [*estimate_sentences(estimated), *([counts] if counts else [])]


def _groups(found: Status) -> list[str]:
    """What was asked of each group of texts, and how good the model is there; labels that are short."""
    groups = found.get("groups")
    if not groups:
        return []
    rows = [
        (
            _line(group_name(row)),
            _count(row["pool"]),
            "" if row["share"] is None else f"{row['share']:.1%}",
            _count(row["texts"]),
            _score(row["score"]),
            format_interval(row["interval"]),
            _score(row["calibration_error"]),
        )
        for row in groups["rows"][:MOST_GROUPS]
    ]
    header = (
        _line(groups["field"]),
        *("pool", "asked", "on texts", "score", "interval", "calibration"),
    )
    lines = [table(rows, header=header, divider=True, aligns=("l", "r", "r", "r", "r", "r", "r"))]
    return lines + [f"ℹ {_line(sentence)}" for sentence in group_sentences(groups)]


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


def _skills(found: Status) -> list[str]:
    """How good each of them is, who tells nothing, and whether the model could take the place of one."""
    judged = found.get("people")
    if not judged:
        return []
    lines = list[str]()
    skills = judged["skills"]
    finds = any(one["finds"] for one in skills)
    rows = [
        (
            _line(one["name"]),
            one["shared"],
            *_share(one["right"]),
            *(_share(one["finds"]) if finds else ()),
            _score(one["score"]["value"]),
        )
        for one in skills
    ]
    more = ("finds", "interval") if finds else ()
    header = ("annotator", "shared", "right", "interval", *more, "tells")
    if rows:
        aligns = ("l", "r", "r", "r", "r", *(("r", "r") if finds else ()))
        lines.append(table(rows, header=header, divider=True, aligns=aligns))
        lines.append(
            "ℹ right: the share of what they say that is right, as far as all answers tell; interval: where it probably lies (meant to hold 19 times in 20); "
            "tells: 0 says nothing, 1 says all."
        )
    return lines + people_sentences(judged, _line)


def _share(share: Supposed | None) -> tuple[str, str]:
    if share is None:
        return "", ""
    return _score(share["value"]), format_interval((share["low"], share["high"]))


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

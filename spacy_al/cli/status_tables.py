"""The tables of `spacy-al status` beside that of the rounds: groups of texts, and the people who answer."""

from typing import Any

from wasabi import table

from spacy_al.cli.app import printable
from spacy_al.loop.people import people_sentences
from spacy_al.loop.status import Status
from spacy_al.reporting.groups import group_name, group_sentences
from spacy_al.reporting.words import format_interval
from spacy_al.store.reliability import Supposed

# Groups of texts that are shown one by one
MOST_GROUPS = 12


def group_tables(found: Status) -> list[str]:
    """What was asked of each group of texts, and how good the model is there; labels that are short."""
    groups = found.get("groups")
    if not groups:
        return []
    rows = [
        (
            one_line(group_name(row)),
            shown_count(row["pool"]),
            "" if row["share"] is None else f"{row['share']:.1%}",
            shown_count(row["texts"]),
            shown_score(row["score"]),
            format_interval(row["interval"]),
            shown_score(row["calibration_error"]),
        )
        for row in groups["rows"][:MOST_GROUPS]
    ]
    header = (
        one_line(groups["field"]),
        *("pool", "asked", "on texts", "score", "interval", "calibration"),
    )
    lines = [table(rows, header=header, divider=True, aligns=("l", "r", "r", "r", "r", "r", "r"))]
    return lines + [f"ℹ {one_line(sentence)}" for sentence in group_sentences(groups)]


def people_tables(found: Status) -> list[str]:
    """Who has answered how much and how fast, and how far any two say the same."""
    who = [
        (
            one_line(one["name"]),
            one["answers"],
            len(one["held"]),
            shown_seconds(one["seconds"]),
            _whole(one["words_per_minute"]),
        )
        for one in found.get("annotators", [])
    ]
    pairs = [
        (
            one_line(" and ".join(pair["pair"])),
            pair["tasks"],
            shown_score(pair["verdicts"]),
            shown_score(pair["kappa"]),
            shown_score(pair["span_f1"]),
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


def skill_tables(found: Status) -> list[str]:
    """How good each of them is, who tells nothing, and whether the model could take the place of one."""
    judged = found.get("people")
    if not judged:
        return []
    lines = list[str]()
    skills = judged["skills"]
    finds = any(one["finds"] for one in skills)
    rows = [
        (
            one_line(one["name"]),
            one["shared"],
            *_share(one["right"]),
            *(_share(one["finds"]) if finds else ()),
            shown_score(one["score"]["value"]),
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
    return lines + people_sentences(judged, one_line)


def _share(share: Supposed | None) -> tuple[str, str]:
    if share is None:
        return "", ""
    return shown_score(share["value"]), format_interval((share["low"], share["high"]))


def one_line(name: str) -> str:
    """What came from outside, on one line of a terminal."""
    return " ".join(printable(name).split())


def _whole(value: Any) -> str:
    return "" if value is None else f"{value:.0f}"


def shown_count(value: Any) -> str:
    """12,340, or nothing."""
    return "" if value is None else f"{value:,}"


def shown_score(value: Any) -> str:
    """0.123, or nothing."""
    return "" if value is None else f"{value:.3f}"


def shown_seconds(value: Any) -> str:
    """12 s, or nothing."""
    return "" if value is None else f"{value:.0f} s"

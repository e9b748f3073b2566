"""The dates of a pool's texts, as `ingest` kept them in the meta of each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from math import isnan, nan
from typing import Any

# One form for all versions of Python, of which each reads others: 2026-11-30, with a time or without
DATE = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Since:
    """Leaves out what is older than a day.

    field (str): Where a text's meta has its date, dotted where it is within another.
    day (float): Days since 1970 in UTC.
    """

    field: str
    day: float

    def leaves_out(self, source: Mapping[str, Any]) -> str | None:
        """Why a text is left out, for the report; None for one that is not."""
        day = day_of(source, self.field)
        if isnan(day):
            return "without a date"
        return "older than since" if day < self.day else None


def day_of(source: Mapping[str, Any], field: str) -> float:
    """The day on which a text was written, by what `ingest` stored of it; NaN where that is no date."""
    day = parse_day(meta_value(source.get("meta"), field))
    return nan if day is None else day


def parse_day(value: Any) -> float | None:
    """Days from 1970 in UTC to a date as ISO 8601 has it; without a zone it is one in UTC, without a time the beginning of the day."""
    match = DATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    date, time, seconds, part, zone = match.groups()
    zone = "+00:00" if zone in (None, "Z") else f"{zone[:3]}:{zone[-2:]}"
    try:
        found = datetime.fromisoformat(f"{date}T{time or '00:00'}{seconds or ':00'}{zone}")
        since = found.astimezone(timezone.utc) - EPOCH
    except (ValueError, OverflowError):
        return None
    return (since.total_seconds() + float(f"0.{part or 0}")) / SECONDS_A_DAY


def show_day(day: float) -> str:
    """A day as people read it, in UTC."""
    return f"{EPOCH + timedelta(days=day):%Y-%m-%d}"


def meta_value(meta: Any, name: str) -> Any:
    """What a record says of itself by a name, which may be dotted: `patient.id`."""
    if not isinstance(meta, Mapping):
        return None
    head, dot, rest = name.partition(".")
    return meta.get(name, meta_value(meta.get(head), rest) if dot else None)

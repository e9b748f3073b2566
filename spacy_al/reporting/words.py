"""How numbers and names read to somebody who knows none of the jargon."""

import math
from collections.abc import Sequence
from typing import Any, TypeGuard

from markupsafe import Markup

UNKNOWN = "–"
# Score -> what it is called, and what it means
SCORES = {
    "ents_f": (
        "entity F-score",
        "One number for two questions: how many of the marked entities are right, and how many of all entities "
        "were found. 1 is perfect, 0 is nothing right.",
    ),
    "spans_f": (
        "span F-score",
        "One number for two questions: how many of the marked spans are right, and how many of all spans were "
        "found. 1 is perfect, 0 is nothing right.",
    ),
    "cats_score": (
        "category score",
        "spaCy's score of text categories, a mean over all of them, so that rare ones count as much as frequent "
        "ones. 1 is perfect.",
    ),
    "tag_acc": ("tagging accuracy", "The share of words that get the right tag. 1 is perfect."),
    "pos_acc": ("tagging accuracy", "The share of words that get the right tag. 1 is perfect."),
    "sents_f": ("sentence F-score", "How well sentences are told apart. 1 is perfect."),
}
# What merging counts -> what it is called here, in this order; any other reason keeps its own words
MERGED = {
    "accepted": "answers that accepted",
    "rejected": "answers that rejected",
    "ignored": "answers that left the text out",
    "corrected": "answers that were corrected later",
    "texts": "texts that train",
    "texts without any": "of these, without any label",
    "partial": "of these, labelled in part",
    "open for a label": "of these, open where a label may be that came later",
    "waits for a label": "texts that wait until they are asked about a label that came later",
    "rejected spans": "rejected marks that train as wrong",
    "trimmed spans": "marks that lost white space at their edges",
    "white space alone": "marks of white space alone, left out",
    "contradiction": "texts whose answers contradict each other",
    "settled by review": "contradictions that a review settled",
}


def is_number(value: Any) -> TypeGuard[float]:
    """Whether it is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def format_score_name(name: Any) -> tuple[str, str]:
    """The name of a score, and its meaning."""
    key = str(name or "score")
    if key.startswith("spans_") and key.endswith("_f"):
        key = "spans_f"
    return SCORES.get(key, (key, "1 is perfect."))


def count(value: Any) -> str:
    """12,340; with one decimal where there is one and it matters."""
    if not is_number(value):
        return UNKNOWN
    if value == int(value) or abs(value) >= 100:
        return f"{round(value):,}"
    return f"{value:,.1f}" if abs(value) >= 1 else f"{value:.2g}"


def format_score(value: Any) -> str:
    """0.712"""
    return f"{value:.3f}" if is_number(value) else UNKNOWN


def format_interval(interval: Any) -> str:
    """Where a score on other texts probably lies: `0.21 to 0.42`; nothing where that is not known."""
    if not interval or not all(map(is_number, interval)):
        return ""
    return f"{interval[0]:.2f} to {interval[1]:.2f}"


def measured_on(texts: Any, interval: Any) -> str:
    """How far a score can be trusted, to stand after it: ` (of 24 texts; on others probably 0.21 to 0.42)`."""
    parts = [f"of {plural(texts, 'text')}"] if is_number(texts) else []
    probably = format_interval(interval)
    parts += [f"on others probably {probably}"] if probably else []
    return f" ({'; '.join(parts)})" if parts else ""


def signed(value: Any) -> str:
    """+0.034"""
    return f"{value:+.3f}".replace("-", "−") if is_number(value) else UNKNOWN


def percent(value: Any) -> str:
    """45%"""
    return f"{100 * value:.0f}%".replace("-", "−") if is_number(value) else UNKNOWN


def p_value(value: Any) -> str:
    """0.032"""
    if not is_number(value):
        return UNKNOWN
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def duration(seconds: Any) -> str:
    """45 s, 12 min, 2.5 h"""
    if not is_number(seconds):
        return UNKNOWN
    if seconds < 99.5:
        return f"{seconds:.0f} s" if seconds >= 9.95 or seconds == 0 else f"{seconds:.1f} s"
    if seconds < 5970:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:,.1f} h"


def about(value: float) -> str:
    """43,000: two digits of a number that is a guess."""
    return f"{float(f'{value:.2g}'):,.0f}"


def breakable(name: Any) -> Markup:
    """A name that may break after its underscores."""
    return Markup("_<wbr>").join(str(name).split("_"))


def plural(n: Any, noun: str) -> str:
    """1 text, 20 texts"""
    return f"{count(n)} {noun}" if n == 1 else f"{count(n)} {noun}s"


def listing(names: Sequence[str], most: int = 5) -> str:
    """A, B, and 3 more"""
    more = len(names) - most
    return ", ".join([*names[:most], *([f"and {more} more"] if more > 0 else [])])


def first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]

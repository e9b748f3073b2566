"""Markdown of facts: what comes from outside stays text, whatever is in it."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>&~$^=-])")
# A link that needs no brackets
LINK = re.compile(r"(?i)\b(https?|ftp|mailto|javascript|www)(?=[:.])")


def escape(text: Any) -> str:
    """Text from outside as Markdown shows it: on one line, and without a mark, a tag or a link in it."""
    plain = "".join(
        letter if unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Zl", "Zp") else " "
        for letter in str(text)
    )
    return LINK.sub(lambda found: f"{found[0]}\u200b", SPECIAL.sub(r"\\\1", plain)).strip()


def escape_row(cells: Iterable[Any]) -> str:
    """A row of a table, its cells escaped."""
    return f"| {' | '.join(escape(cell) for cell in cells)} |"


def format_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table, its first column to the left and the others to the right."""
    line = "|".join(["---", *["---:"] * (len(header) - 1)])
    return "\n".join([escape_row(header), f"|{line}|", *map(escape_row, rows)])

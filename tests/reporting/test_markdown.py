"""What comes from outside stays text in Markdown."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_al.reporting.markdown import SPECIAL, escape, format_table

EVIL = [
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "a | b\n# heading",
    "https://evil.example",
    "**bold** `code` ~~gone~~ ![x](y)",
    "&lt;b&gt;",
    "\u202eright to left",
]


@pytest.mark.parametrize("text", EVIL)
def test_what_markdown_obeys_is_escaped(text):
    shown = escape(text)
    assert "\n" not in shown and "\u202e" not in shown
    # every mark stands behind a stroke
    assert not re.search(r"(?<!\\)(?:\\\\)*[<>\[\]|`*#!&~]", shown)
    assert not re.search(r"(?i)(https?|javascript):(?!\u200b)", shown.replace("\u200b:", ""))


@given(st.text())
def test_nothing_is_lost_but_what_nobody_sees(text):
    shown = escape(text)
    plain = re.sub(r"\\([^\w\s])", r"\1", shown).replace("\u200b", "")
    kept = "".join(letter for letter in text if letter.isalnum())
    assert "".join(letter for letter in plain if letter.isalnum()) == kept
    assert not SPECIAL.search(re.sub(r"\\.", "", shown))


def test_a_table_has_as_many_cells_in_each_row():
    made = format_table(("", "F"), [("a|b", 0.5), ("c\nd", None)])
    assert made.splitlines() == ["|  | F |", "|---|---:|", "| a\\|b | 0.5 |", "| c d | None |"]

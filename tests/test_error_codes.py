"""Every code that a person can meet is provoked by a test that names it."""

import re
from pathlib import Path

import pytest

from spacy_al.errors import Errors, Warnings

TESTS = next(path for path in Path(__file__).parents if path.name == "tests")


@pytest.mark.parametrize("kind, prefix", [(Errors, ""), (Warnings, "AL")])
def test_every_code_is_named_by_a_test(kind, prefix):
    named = set[str]()
    for path in TESTS.rglob("*.py"):
        named.update(re.findall(r"\bALW?\d{3}\b", path.read_text("utf8")))
    codes = {f"{prefix}{name}" for name in vars(kind) if not name.startswith("_")}
    assert codes and codes - named == set()

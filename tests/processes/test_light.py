"""What the processes that tests start can see."""

import subprocess
import sys

import pytest

CODE = """
import spacy
from importlib.util import find_spec
for name in ("torch", "spacy_transformers"):
    try:
        assert find_spec(name) is None
    except ModuleNotFoundError:
        pass
assert spacy.blank("en").add_pipe("al_scorer") and "transformer" not in spacy.registry.factories
"""


@pytest.mark.slow
def test_they_have_what_an_ordinary_installation_has():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

"""What several test files share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder of real corpora, which do not ship with the project: `<name>/{train,dev,test}.spacy`."""
    root = Path(
        os.environ.get("SPACY_AL_REALDATA") or Path(__file__).parents[2] / "shared" / "data"
    )
    if not root.is_dir():
        pytest.skip("no real corpora here: SPACY_AL_REALDATA names their folder")
    return root

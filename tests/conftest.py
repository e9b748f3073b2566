"""What several test files share."""

import os
from pathlib import Path

import hypothesis
import pytest

# a pause of a machine that others use as well is no mistake
hypothesis.settings.register_profile("shared", deadline=None)
hypothesis.settings.load_profile("shared")


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder of real corpora, which do not ship with the project: `<name>/{train,dev,test}.spacy`."""
    root = Path(
        os.environ.get("SPACY_AL_REALDATA") or Path(__file__).parents[2] / "shared" / "data"
    )
    if not root.is_dir():
        pytest.skip("no real corpora here: SPACY_AL_REALDATA names their folder")
    return root

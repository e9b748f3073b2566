"""There is a tutorial for each way in, and a journey that does what it says: tests/journeys follows each, command by command."""

import re
from pathlib import Path

from tests.helpers.newcomer import lines_of

ROOT = Path(__file__).parents[1]
TUTORIALS = {path.stem: path for path in (ROOT / "docs" / "tutorials").glob("*.md")}


def test_there_is_one_for_each_way_in():
    assert set(TUTORIALS) == {"nothing-labelled", "a-pipeline-i-have", "convince-my-boss"}


def test_each_is_followed_by_a_journey():
    journeys = [path.read_text("utf8") for path in (ROOT / "tests" / "journeys").glob("test_*.py")]
    for name in TUTORIALS:
        assert sum(f'followed("{name}"' in text for text in journeys) == 1, name


def test_what_is_to_be_done_stands_where_a_journey_reads_it():
    """A command among the words, or in another block, would be run by no test."""
    for name, path in TUTORIALS.items():
        text = path.read_text("utf8")
        assert lines_of(name)[0].startswith("pip install"), name
        assert set(re.findall(r"^ *```(\w+)", text, flags=re.MULTILINE)) == {"bash"}, name
        rest = re.sub(r"^```bash\n.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
        assert not re.search(r"`(pip|python|spacy|spacy-al) ", rest), name

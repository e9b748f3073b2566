"""Many annotators on a real server that is killed on the way: `python -m tests.helpers.load` does the same with as many as one likes."""

import pytest

from tests.helpers.load import load


@pytest.mark.slow
@pytest.mark.parametrize("overlap, answers, pace", [(1, 300, 0.1), (3, 90, 0.4)])
def test_nothing_is_lost_and_nothing_is_there_twice(tmp_path, overlap, answers, pace):
    how = {"annotators": 5, "answers": answers, "overlap": overlap, "kills": 1}
    found = load(tmp_path, **how, pace=pace, minutes=8, say=lambda line: None)
    assert found["sent"] == found["in the store"] == answers
    assert found["lost"] == found["twice"] == 0
    # it was killed indeed, and somebody waited for a reply
    assert found["killed"] == 1 and found["sent again after no reply"] > 0

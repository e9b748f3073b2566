"""Whoever is to be told hears of an alarm, of a model that is in use now, and of one that is not."""

from pathlib import Path

import pytest

from spacy_al.deployment.drift import check_drift
from spacy_al.deployment.promote import promote
from tests.deployment.conftest import WORDS, project
from tests.deployment.test_drift import texts
from tests.helpers.receiver import receiving


@pytest.fixture
def receiver(run):
    with receiving() as server, Path("x.cfg").open("a") as config:
        config.write(f'[al.notify]\nurl = "{server.url}"\n')
        config.flush()
        yield server


def test_alarms_and_promotions_are_told(run, receiver, models):
    promote(project(), dry_run=True)
    assert receiver.events == []
    first = promote(project())
    assert receiver.events == ["promoted"]
    assert receiver.messages[0]["model"] == first.candidate and receiver.messages[0]["round"] == 0
    # the same again is no news
    promote(project())
    assert receiver.events == ["promoted"]
    promote(project(), models / "none")
    assert receiver.events == ["promoted", "refused"] and receiver.messages[1]["why"]
    texts("recent.spacy", WORDS)
    check_drift(project(), Path("recent.spacy"))
    assert len(receiver.got) == 2
    texts("recent.spacy", ["fever", "gave", "him", "two", "daily", "in"])
    check_drift(project(), Path("recent.spacy"))
    assert receiver.events[2:] == ["alarm"]
    [_, _, last] = receiver.messages
    assert "what texts are about" in last["differs"] and last["texts"] == 150

"""How long a step will take, by what the last one took."""

import pytest

from spacy_al.web import wait as wait_module
from spacy_al.web.wait import Watch

TOOK = {"seconds_train": 30.0, "seconds_evaluate": 4.0, "seconds_select": 6.0}


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = [100.0]
    monkeypatch.setattr(wait_module.time, "monotonic", lambda: now[0])
    return now


def said(watch, metrics=None):
    found = watch.wait(metrics or {})
    return found["stage"], found["seconds"], found["left"], found["is_late"]


def test_before_a_model_was_trained_nobody_knows(clock):
    watch = Watch()
    assert watch.wait({0: TOOK}) is None
    watch.begin()
    clock[0] += 3
    assert said(watch) == ("starting", 3, None, False)
    watch.see("train")
    clock[0] += 50
    # the texts of the first round were chosen without a model
    assert said(watch, {0: {"seconds_select": 1.0}}) == ("training", 53, None, False)


def test_each_stage_takes_what_it_took_in_the_last_round_that_trained(clock):
    watch, metrics = Watch(), {0: {"seconds_select": 99.0}, 1: TOOK, 2: {"seconds_train": 70.0}}
    watch.begin()
    assert said(watch, metrics) == ("starting", 0, 40, False)
    watch.see("train")
    clock[0] += 10
    assert said(watch, metrics) == ("training", 10, 30, False)
    # faster than the last time
    watch.see("evaluate")
    assert said(watch, metrics) == ("measuring", 10, 10, False)
    clock[0] += 3
    watch.see("select")
    clock[0] += 5
    assert said(watch, metrics) == ("choosing", 18, 1, False)
    # and then it takes longer, which is said as well
    clock[0] += 2
    assert said(watch, metrics) == ("choosing", 20, None, True)
    # what is chosen is there, and the step about to end
    watch.see("wait")
    assert said(watch, metrics) == ("choosing", 20, None, True)
    watch.end()
    assert watch.wait(metrics) is None


def test_what_this_server_has_seen_itself_counts_before_what_is_stored(clock):
    watch = Watch()
    for state, seconds in ((None, 0), ("train", 5), ("evaluate", 20), ("select", 2), ("wait", 3)):
        clock[0] += seconds
        watch.begin() if state is None else watch.see(state)
    watch.end()
    watch.begin()
    assert said(watch, {1: TOOK}) == ("starting", 0, 30, False)
    # a step that chose without a model leaves no estimate behind
    watch.see("select")
    clock[0] += 1
    watch.end()
    watch.begin()
    assert said(watch, {1: TOOK}) == ("starting", 0, 30, False)


def test_a_step_that_stops_before_it_chooses_leaves_what_is_known_of_choosing(clock):
    watch = Watch()
    for stages in (("train", "evaluate", "select"), ("train", "evaluate", "stopped")):
        watch.begin()
        for state in stages:
            clock[0] += 1
            watch.see(state)
        clock[0] += 4
        watch.end()
    watch.begin()
    # a second each, but 5 from when the second step measured to its end, and 4 of the first for choosing
    assert said(watch) == ("starting", 0, 1 + 1 + 5 + 4, False)

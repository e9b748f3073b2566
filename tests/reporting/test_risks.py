"""What can go wrong, from facts by hand: what is an alarm, what is within bounds, and what this run cannot say."""

import copy
from typing import Any

import pytest

from spacy_al.reporting import report
from spacy_al.reporting.balance import balance_sentences
from spacy_al.reporting.groups import group_sentences, needed_texts
from spacy_al.reporting.risks import ALARMED, risk_lines, risks
from tests.helpers.report_facts import beside_the_pool, group_row, run_facts

POOL = {
    "round": 1,
    "refused": None,
    "score_name": "F",
    "score": {"value": 0.5, "low": 0.45, "high": 0.55},
    "naive": 0.38,
    "overconfidence": {"value": 0.02, "low": -0.03, "high": 0.07},
}
DEV = {"score": 0.52, "score_name": "ents_f", "texts": 200, "interval": (0.46, 0.58)}
GROUPS = beside_the_pool(["A", "B"])["groups"]
LABELS = beside_the_pool(["A", "B"])["labels_in_pool"]
PAIR = {"pair": ["ann", "bob"], "tasks": 40, "verdicts": 0.9, "kappa": 0.8, "span_f1": 0.7}
TEACHER = {"answered": 30, "wrong": 1, "interval": (0.0, 0.09), "on": True}
PRIVACY = {"spent": 2.0, "budget": 5.0, "epsilon": 1.0, "rounds": 2}


def of(name, **facts):
    """The risk whose name has a word."""
    (found,) = [one for one in risks(facts) if name in one["name"]]
    assert all(text for key, text in found.items() if key != "figure")
    return found


def test_without_facts_all_that_matters_is_unknown_and_says_what_it_takes():
    found = risks({})
    assert len(found) == 9
    known = {one["name"] for one in found if one["state"] != "unknown"}
    assert known == {"a teacher's errors"}
    assert all(one["advice"].endswith((".", "--check", "[al]", "[al.teacher].")) for one in found)
    assert risk_lines(found) == [
        "Not known in this run: "
        + ", ".join(one["name"] for one in found if one["state"] == "unknown")
        + ". The report says what it would take."
    ]


@pytest.mark.parametrize(
    "name, good, bad, said",
    [
        (
            "chosen",
            {"pool": POOL, "pool_dev": DEV},
            {"pool_dev": {**DEV, "interval": (0.6, 0.8)}},
            "0.500 (95%: 0.450 to 0.550)",
        ),
        ("too few", {"dev": DEV}, {"dev": {**DEV, "interval": (0.3, 0.7)}}, "about 800 texts"),
        (
            "labels",
            {"labels": LABELS[1:]},
            {"labels": LABELS},
            "Never given: A (the model expects 61).",
        ),
        (
            "groups",
            {"groups": {**GROUPS, "rows": GROUPS["rows"][::2]}},
            {"groups": GROUPS},
            "south 0.313 (0.21 to 0.40; all others 0.710)",
        ),
        (
            "probabilities",
            {"calibration": {"before": 0.3, "after": 0.04}},
            {"calibration": {"before": 0.3, "after": 0.14}},
            "Error 0.140",
        ),
        (
            "change",
            {"drift": {"texts": 90, "alarms": []}},
            {"drift": {"texts": 90, "alarms": ["words a text"]}},
            "Differs, of 90 recent texts: words a text.",
        ),
        (
            "disagree",
            {"pairs": [PAIR]},
            {"pairs": [PAIR, {**PAIR, "span_f1": 0.41}]},
            "ann and bob, 0.410 over 40 texts",
        ),
        (
            "teacher",
            {"teacher": TEACHER, "max_error": 0.1},
            {"teacher": {**TEACHER, "wrong": 4, "interval": (0.04, 0.3)}},
            "4 of 30 audited texts are wrong (probably 0.04 to 0.30)",
        ),
        (
            "batch tells",
            {"privacy": PRIVACY},
            {"privacy": {**PRIVACY, "spent": 4.5}},
            "4.5 of 5 is spent",
        ),
    ],
)
def test_each_risk_is_held_against_its_bound(name, good, bad, said):
    assert of(name, **good)["state"] == "fine"
    found = of(name, **{**good, **bad})
    assert found["state"] == "alarm"
    assert said in f"{found['figure']} {found['advice']}"
    (line,) = [line for line in risk_lines([found]) if line.startswith(ALARMED)]
    assert found["name"] in line and found["advice"] in line


def test_an_overconfidence_beside_0_is_an_alarm_whatever_the_error():
    off = {**POOL, "overconfidence": {"value": 0.08, "low": 0.02, "high": 0.13}}
    found = of("probabilities", pool=off, calibration={"before": 0.2, "after": 0.03})
    assert found["state"] == "alarm" and "by 0.080 (95%: +0.020 to +0.130)" in found["figure"]


def test_what_two_people_said_of_few_texts_says_nothing():
    assert of("disagree", pairs=[{**PAIR, "tasks": 19, "span_f1": 0.1}])["state"] == "unknown"


def test_scores_that_count_otherwise_are_not_compared():
    dev = {**DEV, "score_name": "cats_score", "interval": (0.8, 0.9)}
    found = of("chosen", pool=POOL, pool_dev=dev)
    assert found["state"] == "unknown" and "0.500" in found["figure"]
    # where dev is drawn from the pool there is nothing to compare
    assert of("chosen", pool=POOL, pool_dev=dev, own_dev=True)["state"] == "fine"


def test_a_pool_that_nobody_can_estimate_is_no_figure():
    found = of("chosen", pool={"round": 1, "refused": "The sampler is deterministic."})
    assert found["state"] == "unknown" and "explore" in found["advice"]
    assert of("chosen", own_dev=True)["state"] == "fine"


def test_of_groups_that_are_too_small_nothing_is_claimed():
    small = {"texts": 6, "told": 5, "p": None, "score": 0.0}
    rows = [group_row("north", 900, 9, **small), group_row("south", 100, 0, **small)]
    groups = {"field": "ward", "fewest": 20, "others": 0, "rows": rows}
    found = of("groups", groups=groups)
    assert found["state"] == "unknown" and "no group is large enough" in found["figure"]
    # 20 of the tenth that is in the south
    assert needed_texts(groups) == 200 and "about 200 texts" in found["advice"]
    said = " ".join(group_sentences(groups))
    assert "differs" not in said and "Too small for any claim" in said and "south (5)" in said


def test_groups_in_sentences():
    lines = group_sentences(GROUPS)
    assert lines[0].startswith("ward south: score 0.313 (probably 0.21 to 0.40; of 33 texts)")
    assert "p 0.004" in lines[0]
    assert lines[1] == "Asked less than a batch at random would: south (3 of 512)."
    assert "east (5)" in lines[2] and "north" not in lines[2]
    alike = {**GROUPS, "rows": GROUPS["rows"][:1], "others": 2}
    assert group_sentences(alike) == [
        "By ward no score differs by more than chance explains, of 1 group that is large enough (Holm).",
        "2 groups more are not told one by one.",
    ]


@pytest.mark.parametrize(
    "off, said",
    [
        ((0.3, 0.1, 0.5), "too sure by 0.300 (95%: +0.100 to +0.500)"),
        ((-0.45, -0.5, -0.25), "not sure enough by 0.450 (95%: +0.250 to +0.500)"),
        ((-0.04, -0.1, 0.06), "not sure enough by 0.040 (95%: −0.060 to +0.100)"),
    ],
)
def test_nothing_is_too_sure_by_less_than_nothing(off, said):
    pool = {**POOL, "overconfidence": dict(zip(("value", "low", "high"), off))}
    found = of("probabilities", pool=pool)
    assert f"In the pool it is {said}." in found["figure"]
    assert (found["state"] == "alarm") == (off[1] * off[2] > 0)


def test_labels_in_sentences():
    lines = balance_sentences(LABELS, has_quotas=False)
    assert "A (about 61 times)" in lines[0] and "spacy-al.quotas.v1" in lines[-1]
    assert "raise its share" in balance_sentences(LABELS, has_quotas=True)[-1]
    assert balance_sentences(LABELS[1:], has_quotas=False) == []
    short: Any = {**LABELS[1], "is_short": True, "share": 0.04}
    assert (
        "B (4% of what was labelled, 20% in the pool)"
        in balance_sentences([short], has_quotas=False)[0]
    )


def test_the_report_tells_them_and_nothing_in_them_becomes_markup():
    facts = copy.deepcopy(run_facts(2))
    hostile = "<script>alert(1)</script>"
    facts |= beside_the_pool(["A", "B" + hostile], ("north" + hostile, "south" + hostile, "east"))
    facts["groups"]["field"] += hostile
    page = report(facts)
    assert hostile not in page and "south&lt;script&gt;" in page
    assert "Alarm: groups served unequally." in page and "Not known: texts that change." in page
    assert "too few" in page

"""Every stopping criterion on both sides of each of its bounds, by fixed numbers: nothing here depends on what is drawn."""

import math
from typing import Any

import pytest

from spacy_al.errors import UsageError
from spacy_al.stopping import (
    fit_curve,
    make_all_of,
    make_any_of,
    make_budget,
    make_low_uncertainty,
    make_plateau,
    make_small_gain,
    make_stable_predictions,
    make_target_score,
)
from spacy_al.stopping.verdict import (
    apart,
    goes_on,
    name_of_score,
    nothing_learned,
    number,
    number_missing,
    round_name,
    round_numbers,
    stops,
)


def _rows(*rows: Any) -> Any:
    """A history of rows whose columns are named by what is tested."""
    return [*rows]


# The least that is told apart: what lies beyond six digits is noise of the arithmetic
LEAST = 1e-6


def scores(*values):
    return [{"round": k, "score": value} for k, value in enumerate(values)]


# the score


@pytest.mark.parametrize(
    "target, score, stop",
    [
        (0.85, 0.85, True),
        (0.85, 0.85 - LEAST, False),
        (0.85, 0.85 + LEAST, True),
        # less than what is told apart
        (0.85, 0.85 - LEAST / 10, True),
        # 0.30000000000000004 as a target, and 0.3 reached
        (0.1 + 0.2, 0.3, True),
        # rounded down and up
        (1 / 3, 1 / 3, True),
        (2 / 3, 2 / 3, True),
        (1.0, 1.0, True),
        (1.0, 1.0 - LEAST, False),
        (0.0, 0.0, True),
    ],
)
def test_a_target_that_is_just_reached(target, score, stop):
    assert make_target_score(target)(scores(0.1, score))[0] is stop


def test_of_a_target_the_last_score_counts():
    assert not make_target_score(0.85)(scores(0.9, 0.84))[0]
    assert make_target_score(0.85)(scores(0.2, 0.86))[0]
    assert not make_target_score(0.0)(scores(0.9, None))[0]


@pytest.mark.parametrize(
    "min_gain, last, stop",
    [
        (0.005, 0.805, True),
        (0.005, 0.805 + LEAST, False),
        (0.005, 0.805 - LEAST, True),
        # 0.07 + 0.8 is 0.8700000000000001
        (0.07, 0.07 + 0.8, True),
        (0.0, 0.8, True),
        (0.0, 0.8 + LEAST, False),
        (0.0, 0.8 + LEAST / 10, True),
        (0.0, 0.7, True),
    ],
)
def test_a_gain_of_exactly_the_bound_is_a_plateau(min_gain, last, stop):
    found = make_plateau(window=1, min_gain=min_gain)(scores(0.8, last))
    assert found[0] is stop and found[1].startswith("Stops" if stop else "Goes on")


def test_a_plateau_by_default():
    plateau = make_plateau()
    assert plateau(scores(0.8, 0.801, 0.805, 0.803))[0]
    assert not plateau(scores(0.8, 0.801, 0.8051, 0.803))[0]
    # three rounds and one before
    assert plateau(scores(0.8, 0.8, 0.8))[1] == (
        "Goes on: 4 rounds with a score on dev are needed to see a plateau, and there are 3."
    )
    assert plateau(scores(0.8, 0.8, 0.8, 0.8))[0]


@pytest.mark.parametrize(
    "history, stop",
    [
        # the best of the last against the best before, wherever they are
        (scores(0.9, 0.5, 0.6, 0.7), True),
        (scores(0.5, 0.9, 0.6, 0.7), True),
        (scores(0.5, 0.6, 0.9, 0.7), False),
        (scores(0.5, 0.6, 0.7, 0.9), False),
        # what is missing before the window does not matter, and in it does
        (scores(None, 0.9, 0.6, 0.7), True),
        (scores(0.9, None, 0.6, 0.7), True),
        (scores(None, None, 0.9, 0.9), False),
        (scores(0.9, 0.9, None, 0.9), False),
        (scores(0.9, 0.9, 0.9, None), False),
        (scores(0.9, 0.9), False),
        (scores(0.9, 0.9, 0.9), True),
        (scores(0.9), False),
    ],
)
def test_a_plateau_of_two_rounds(history, stop):
    assert make_plateau(window=2, min_gain=0.01)(history)[0] is stop


@pytest.mark.parametrize(
    "window, history, reason",
    [
        (1, (0.7, 0.8, 0.8), "Stops: the last round did not raise the best score (0.800)"),
        (1, (0.7, 0.8, 0.6), "Stops: the last round did not raise the best score (0.800)"),
        (2, (0.7, 0.7, 0.709), "Stops: the last 2 rounds raised the best score by 0.009 (0.700)"),
        (2, (0.7, 0.7, 0.7 + LEAST), "Stops: the last 2 rounds raised the best score by 0.000 ("),
        (1, (0.7, 0.72), "Goes on: the last round raised the best score by 0.020, "),
        (1, (0.7, None), "Goes on: the score on dev of round 1 is not known, and a plateau "),
        (3, (0.8, None, 0.8, 0.8), "Goes on: 4 rounds with a score on dev are needed to see "),
    ],
)
def test_what_a_plateau_says(window, history, reason):
    found = make_plateau(window, 0.01)(scores(*history))[1]
    assert found.startswith(reason)
    # those in the window and those before
    assert "needed" not in found or found.endswith("and there are 3.")


# the budget

LIMITS: dict[str, tuple[dict[str, Any], str, float]] = {
    "answers": ({"answers": 500}, "answers", 500),
    "words": ({"words": 2000}, "words_asked", 2000),
    "time": ({"seconds": 90.5}, "seconds", 90.5),
    "money": ({"money": 45, "price_per_hour": 30}, "seconds", 5400),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_a_budget_that_is_just_spent(limit):
    given, column, last = LIMITS[limit]
    stopper = make_budget(**given)
    assert stopper(_rows({column: last}))[0] and stopper(_rows({column: last + 1}))[0]
    assert not stopper(_rows({column: last - 1e-4}))[0]
    # less than what is told apart
    assert stopper(_rows({column: last - LEAST / 10}))[0]
    # nor at half of it, as if each answer had been counted twice
    assert not stopper(_rows({column: last / 2}))[0]
    # costs are counted from the start, so that the last round alone counts
    assert not stopper(_rows({column: last}, {}))[0]
    assert not stopper(_rows({column: last / 2}, {column: last / 2}))[0]


@pytest.mark.parametrize(
    "given, column, spent",
    [
        ({"answers": 0}, "answers", 0),
        ({"money": 0, "price_per_hour": 30}, "seconds", 0),
        ({"money": 0, "price_per_hour": 0}, "seconds", 100),
    ],
)
def test_a_budget_of_nothing_is_spent_at_once(given, column, spent):
    assert make_budget(**given)(_rows({column: spent}))[0]


def test_a_price_is_of_time_alone():
    stopper = make_budget(answers=500, money=45, price_per_hour=30)
    for answers, seconds, stop in (
        (499, 5399, False),
        (500, 0, True),
        (0, 5400, True),
        (499, None, False),
        (500, None, True),
    ):
        assert stopper([{"answers": answers, "seconds": seconds}])[0] is stop
    assert stopper([{"answers": 499, "seconds": 60}])[1] == (
        "Goes on: 499 of 500 answers are spent; 0.50 of 45.00 in wages are spent."
    )


def test_work_for_nothing_never_spends_money():
    assert not make_budget(money=1, price_per_hour=0)([{"seconds": 1e9}])[0]


def test_money_that_is_spent_to_the_cent():
    assert make_budget(money=122.5, price_per_hour=24.5)([{"seconds": 5 * 3600}])[0]


@pytest.mark.parametrize(
    "limit, shown",
    [
        (3600, "0.50 of 1.00 hours"),
        (3599, "30.00 of 59.98 minutes"),
        (86400, "0.50 of 24.00 hours"),
    ],
)
def test_time_is_told_in_hours_from_one_hour_on(limit, shown):
    assert shown in make_budget(seconds=limit)([{"seconds": 1800}])[1]


# agreement


@pytest.mark.parametrize("measure, enough", [("kappa", 0.99), ("span_f1", 0.9)])
@pytest.mark.parametrize("asked", ["auto", "itself"])
def test_agreement_that_is_just_enough(measure, enough, asked):
    stopper = make_stable_predictions(measure="auto" if asked == "auto" else measure)

    def found(*values):
        return stopper(_rows(*({"score": 0.5, measure: value} for value in values)))[0]

    assert found(enough, enough, enough)
    assert not found(enough, enough, enough - 4 * LEAST)
    # less than what is told apart
    assert found(enough, enough, enough - LEAST)
    # the mean, of the last three and no more
    assert found(0.1, enough - 0.01, enough + 0.01, enough)
    assert not found(1.0, enough, enough, enough - 4 * LEAST)
    assert not found(enough, enough) and not found(None, enough, enough)
    assert found(None, enough, enough, enough)
    assert not found(enough, enough, enough, None)


@pytest.mark.parametrize(
    "threshold, value, stop",
    [
        (0.8, 0.8, True),
        (0.8, 0.8 - LEAST, False),
        (1 / 3, 1 / 3, True),
        (2 / 3, 2 / 3, True),
        (1.0, 1.0, True),
        (1.0, 1.0 - LEAST, False),
        (0.0, 0.0, True),
        (0.0, -0.1, False),
    ],
)
def test_a_threshold_of_ones_own(threshold, value, stop):
    stopper = make_stable_predictions(threshold=threshold, window=1)
    assert stopper([{"score": 0.5, "kappa": value}])[0] is stop


def test_what_agreement_says():
    history = [{"score": 0.5, "kappa": value, "round": k} for k, value in enumerate((0.7, 0.9))]
    one, two = (make_stable_predictions(threshold=0.8, window=window) for window in (1, 2))
    said = "Stops: the agreement (kappa) with the previous model, "
    assert one(history)[1] == f"{said}0.900 (last comparison), has reached 0.800."
    assert two(history)[1] == f"{said}0.800 (mean of the last 2 rounds), has reached 0.800."
    assert two(history[:1])[1] == (
        "Goes on: 2 comparisons of successive models are needed, and there are 1."
    )
    assert two(_rows(*history, {"score": 0.5, "round": 2}))[1] == (
        "Goes on: the agreement (kappa) with the previous model of round 2 is not known, and 0.800 is needed."
    )


# uncertainty


def expects(errors, answers=None, score=0.5):
    return [{"score": score, "expected_errors": errors, "expected_answers": answers}]


def test_errors_that_are_just_few_enough():
    by_default, share = make_low_uncertainty(), make_low_uncertainty(per_answer=0.2)
    assert by_default(expects(5.0, 100.0))[0] and not by_default(expects(5.0001, 100.0))[0]
    assert share(expects(1.0, 5.0))[0] and not share(expects(1.0, 4.9999))[0]
    # less than what is told apart
    assert share(expects(1.0, 5.0 - 10 * LEAST))[0]
    count = make_low_uncertainty(per_answer=None, errors=20)
    assert count(expects(20.0))[0] and not count(expects(20.0 + LEAST))[0]
    none = make_low_uncertainty(per_answer=0, errors=0)
    assert none(expects(0.0, 10.0))[0] and not none(expects(LEAST, 1.0))[0]


def test_where_two_bounds_are_set_both_have_to_hold():
    both = make_low_uncertainty(per_answer=0.1, errors=20)
    found = [both(expects(*given)) for given in ((20, 200), (20, 199), (20.1, 300), (21, 100))]
    assert [stop for stop, _ in found] == [True, False, False, False]
    assert found[0][1] == (
        "Stops: the model expects 20.0 errors in the pool (at most 20.0) and 0.100 errors for each entity or other "
        "answer in the pool (at most 0.100)."
    )


def test_a_share_of_nothing_is_not_known():
    for answers in (0.0, LEAST / 10, None, math.nan):
        found = make_low_uncertainty()(expects(0.0, answers))
        assert found[0] is False and "is not known" in found[1]
    assert make_low_uncertainty()(expects(0.0, LEAST))[0]
    # of all errors it is no share
    assert make_low_uncertainty(per_answer=None, errors=1)(expects(0.0, 0.0))[0]


@pytest.mark.parametrize(
    "score, stop", [(0.0, False), (LEAST / 10, False), (LEAST, True), (None, True)]
)
def test_a_model_that_has_just_begun_to_learn(score, stop):
    history = [{"score": score, "kappa": 1.0} for _ in range(4)]
    assert make_stable_predictions()(history)[0] is stop
    assert make_low_uncertainty()(expects(0.0, 10.0, score))[0] is stop
    if score is not None:
        assert make_plateau()(history)[0] is stop
    assert nothing_learned(history) is not stop


# the gain of a batch

COSTS = [100.0, 200.0, 400.0, 700.0, 1000.0]
ROSE = [0.5, 0.61, 0.69, 0.72, 0.74]


def learned(costs=COSTS, rose=ROSE):
    return [{"words": cost, "score": score} for cost, score in zip(costs, rose)]


def most():
    """The high end of what a batch like the last would bring."""
    curve = fit_curve(COSTS, ROSE)
    assert curve is not None
    gain, _, high = curve.gain(1000.0, 300.0)
    assert gain < high
    return round(high, 6)


def test_a_gain_of_exactly_the_bound_is_small():
    bound = most()
    assert make_small_gain(bound)(learned())[0]
    assert make_small_gain(bound + LEAST)(learned())[0]
    stop, reason = make_small_gain(bound - LEAST)(learned())
    assert not stop and reason.startswith("Goes on: 300 more words would raise the score on dev")


def test_a_curve_needs_four_rounds():
    assert make_small_gain(1.0)(learned()[:3])[1] == (
        "Goes on: 4 rounds with a score are needed for a learning curve, and there are 3."
    )
    assert make_small_gain(1.0)(learned()[:4])[0]
    # those with a score and a cost
    holes = [{"words": 150.0}, {"score": 0.6}, *learned()[:3]]
    assert "there are 3" in make_small_gain(1.0)(holes)[1]
    assert make_small_gain(most())([*holes, *learned()[3:]])[0]


@pytest.mark.parametrize("key, name", [("score", "score on dev"), ("words", "number of words")])
def test_a_gain_is_not_foretold_without_the_last_numbers(key, name):
    stopper, history = make_small_gain(1.0), learned()
    assert stopper(history)[0]
    del history[-1][key]
    stop, reason = stopper(history)
    assert not stop and reason.startswith(f"Goes on: the {name}") and "is not known" in reason
    assert stopper([])[1] == (
        "Goes on: no round has been evaluated yet, and a gain of more than 1.000 is looked for."
    )


def test_a_round_that_cost_nothing_promises_nothing():
    history = [*learned(), {"words": 1000.0, "score": 0.75}]
    stop, reason = make_small_gain(1.0)(history)
    assert not stop and "do not lie on a learning curve" in reason
    history[-1]["words"] = 1000.0 + LEAST
    assert make_small_gain(1.0)(history)[0]


@pytest.mark.parametrize("top, fits", [(1.0, True), (1.0 + LEAST, False)])
def test_scores_go_up_to_one(top, fits):
    rose = [0.5, 0.8, 0.95, 0.99, top]
    assert (fit_curve(COSTS, rose) is not None) is fits


# together

EASY = {"one": make_target_score(0.5)}
EASIEST: dict[str, tuple[Any, dict[str, Any]]] = {
    "target": (make_target_score, {"score": 0.0}),
    "plateau": (make_plateau, {"window": 1, "min_gain": 2}),
    "budget": (make_budget, {"answers": 0}),
    "stable": (make_stable_predictions, {"threshold": 0, "window": 1}),
    "sure": (make_low_uncertainty, {"per_answer": None, "errors": 10**9}),
    "gain": (make_small_gain, {"min_gain": 2}),
    "any": (make_any_of, {"stoppers": EASY}),
    "all": (make_all_of, {"stoppers": EASY}),
}


@pytest.mark.parametrize("name", EASIEST)
@pytest.mark.parametrize("history", [[], [{}], [{"round": 0}, {"round": 1}]])
def test_the_easiest_bound_is_not_reached_before_anything_is_known(name, history):
    make, settings = EASIEST[name]
    stop, reason = make(**settings)(history)
    assert stop is False and reason.startswith("Goes on: ")


def test_any_and_all_at_the_numbers_of_their_criteria():
    low, high = make_target_score(0.5), make_target_score(0.6)
    stoppers = {"low": low, "high": high}
    for score, some, every in ((0.5 - LEAST, False, False), (0.5, True, False), (0.6, True, True)):
        assert make_any_of(stoppers)(scores(score))[0] is some
        assert make_all_of(stoppers)(scores(score))[0] is every
    assert make_any_of(stoppers)(scores(0.5))[1] == (
        "Stops: low (the score on dev, 0.500, has reached the target of 0.500)."
    )
    assert make_all_of(stoppers)(scores(0.6))[1].startswith("Stops: all of 2 criteria are met: low")


# settings: what they are unless they are given, the least and the most that is taken, and what lies beyond


@pytest.mark.parametrize(
    "made, settings",
    [
        (make_plateau(), {"window": 3, "min_gain": 0.005}),
        (make_small_gain(), {"min_gain": 0.005, "cost": "words"}),
        (make_stable_predictions(), {"threshold": None, "window": 3, "measure": "auto"}),
        (make_low_uncertainty(), {"per_answer": 0.05, "errors": None}),
    ],
)
def test_what_settings_are_by_default(made, settings):
    assert made.keywords == settings


@pytest.mark.parametrize(
    "make, name, taken, refused",
    [
        (make_target_score, "score", [0, 1], [-LEAST, 1 + LEAST, math.nan]),
        (make_plateau, "window", [1], [0, math.inf]),
        (make_plateau, "min_gain", [0, 2], [-LEAST, math.inf, math.nan]),
        (make_budget, "answers", [0, 10**9], [-1, math.inf]),
        (make_budget, "words", [0], [-1]),
        (make_budget, "seconds", [0], [-LEAST, math.inf, math.nan]),
        (make_stable_predictions, "threshold", [0, 1], [-LEAST, 1 + LEAST]),
        (make_stable_predictions, "window", [1], [0]),
        (make_low_uncertainty, "per_answer", [0, 2], [-LEAST, math.inf]),
        (make_low_uncertainty, "errors", [0, 10**9], [-LEAST, math.nan]),
        (make_small_gain, "min_gain", [0, 2], [-LEAST, math.inf]),
    ],
)
def test_what_a_setting_may_be(make, name, taken, refused):
    for value in taken:
        assert callable(make(**{name: value}))
    for value in refused:
        with pytest.raises(UsageError, match=f"AL140.*{name} is {value}"):
            make(**{name: value})


def test_money_and_its_price_may_be_nothing():
    assert callable(make_budget(money=0, price_per_hour=0))
    for given in ({"money": -LEAST, "price_per_hour": 1}, {"money": 1, "price_per_hour": -LEAST}):
        with pytest.raises(UsageError, match=r"AL140.*It must be 0 or more\."):
            make_budget(**given)


def test_a_setting_between_two_bounds_says_both():
    with pytest.raises(UsageError, match=r"AL140.*score is 85\. It must be from 0 to 1\."):
        make_target_score(85)


# numbers and words


@pytest.mark.parametrize(
    "value, found",
    [
        (0.1234564, 0.123456),
        (0.1234566, 0.123457),
        (3, 3.0),
        (0, 0.0),
        (-1e-9, 0.0),
        (True, None),
        ("1", None),
        (None, None),
        (math.nan, None),
        (math.inf, None),
        (1j, None),
    ],
)
def test_a_number_has_six_digits_or_is_none(value, found):
    assert number({"score": value}, "score") == found
    assert round_numbers([{"score": value}, {}], "score") == [found, None]


def test_numbers_show_as_many_digits_as_tell_them_apart():
    assert apart(0.5) == ["0.500"]
    assert apart(0.8, 0.8) == ["0.800", "0.800"]
    assert apart(0.8, 0.8004) == ["0.8000", "0.8004"]
    assert apart(0.8, 0.800001) == ["0.800000", "0.800001"]
    # as many as count, and no more
    assert apart(0.8, 0.80000001) == ["0.800", "0.800"]
    assert apart(20.0, 20.04, digits=1) == ["20.00", "20.04"]
    assert apart(12345.0, digits=1) == ["12,345.0"]


def test_sentences_of_what_is_missing():
    assert stops("so") == (True, "Stops: so.") and goes_on("so") == (False, "Goes on: so.")
    assert number_missing([], "score", "x") == goes_on("no round has been evaluated yet, and x")
    assert number_missing([{"round": 4}], "kappa", "x")[1] == (
        "Goes on: the agreement (kappa) with the previous model of round 4 is not known, and x."
    )
    assert round_name({}) == round_name({"round": "4"}) == "the last round"
    assert name_of_score([{"score_name": "macro F"}]) == "macro F on dev"
    assert name_of_score([]) == name_of_score([{"score_name": ""}]) == "score on dev"

"""Stopping criteria against plain references, and a contract that every registered one keeps."""

import copy
import math
import pickle

import numpy
import pytest
import spacy
from confection import Config, ConfigValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_al.errors import AlError, UsageError
from spacy_al.registry import al_stoppers, resolve

NAMES = sorted(name for name in al_stoppers.get_all() if name.startswith("spacy-al."))
NESTED = {"a": {"@al_stoppers": "spacy-al.target_score.v1", "score": 0.8}}
# What a criterion cannot do without
NEEDS = {
    "target_score": {"score": 0.8},
    "budget": {"answers": 1000},
    "any_of": {"stoppers": NESTED},
    "all_of": {"stoppers": NESTED},
}
every = pytest.mark.parametrize("name", NAMES)
quick = settings(max_examples=60, deadline=None)


def short(name):
    return name.split(".")[1]


def made(name, **given):
    """A criterion out of a config, with what it needs."""
    block = {"@al_stoppers": f"spacy-al.{name}.v1", **(given or NEEDS.get(name, {}))}
    return spacy.registry.resolve({"x": block})["x"]


def rounds(score=(), **columns):
    """A history from columns."""
    columns = {"score": score, **columns}
    n = max(len(column) for column in columns.values())
    return [
        {"round": k, **{key: column[k] for key, column in columns.items() if len(column)}}
        for k in range(n)
    ]


def finished(n=8):
    """A run that any criterion would end: everything known, the score flat and above the target."""
    costs = [100.0 * (k + 1) for k in range(n)]
    return rounds(
        score=[0.9 - 0.3 * (cost / 100) ** -4 for cost in costs],
        score_name=["entity F"] * n,
        texts=costs,
        words=[cost * 20 for cost in costs],
        answers=[cost * 10 for cost in costs],
        seconds=[cost * 100 for cost in costs],
        kappa=[None] + [1.0] * (n - 1),
        span_f1=[None] + [1.0] * (n - 1),
        expected_errors=[1.0] * n,
        expected_answers=[1000.0] * n,
        n_pool=[5000] * n,
    )


def beginning(n=8):
    """A run that none would end: the score rises steeply, the models differ, little is spent, much is unsure."""
    found = finished(n)
    for k, row in enumerate(found):
        row |= {"score": 0.1 + 0.05 * k, "answers": k, "seconds": 1.0 * k, "expected_errors": 900.0}
        row |= {"kappa": 0.4, "span_f1": 0.4}
    return found


def sentence(reason, stop):
    """One sentence, with a number in it."""
    assert isinstance(reason, str) and "\n" not in reason
    assert reason.startswith("Stops: " if stop else "Goes on: ") and reason.endswith(".")
    assert ". " not in reason and not reason.endswith("..")
    assert any(character.isdigit() for character in reason)
    assert "nan" not in reason.lower() and "None" not in reason and "inf" not in reason.split()


def check(stopper, history):
    stop, reason = stopper(history)
    assert type(stop) is bool
    sentence(reason, stop)
    return stop


# the contract


def test_all_are_here():
    assert {short(name) for name in NAMES} == {
        "all_of",
        "any_of",
        "budget",
        "low_uncertainty",
        "plateau",
        "small_gain",
        "stable_predictions",
        "target_score",
    }


@every
def test_never_stops_without_numbers(name):
    stopper = made(short(name))
    for history in (
        [],
        [{}],
        [{"round": 0}],
        [{"round": k} for k in range(20)],
        [dict.fromkeys(row) | {"round": row["round"]} for row in finished()],
    ):
        assert not check(stopper, history)


@every
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, "0.9", True, numpy.nan])
def test_never_stops_on_values_that_are_no_numbers(name, bad):
    history = [dict.fromkeys(row, bad) | {"round": row["round"]} for row in finished()]
    assert not check(made(short(name)), history)
    # nor where only the last round is damaged
    history = [*finished(), dict.fromkeys(finished()[0], bad)]
    assert not check(made(short(name)), history)


@every
def test_stops_at_the_end_and_not_at_the_beginning(name):
    stopper = made(short(name))
    assert check(stopper, finished())
    assert not check(stopper, beginning())


@every
def test_takes_numpys_numbers_and_changes_nothing(name):
    history = finished()
    for row in history:
        row |= {key: numpy.float32(v) for key, v in row.items() if isinstance(v, float)}
    kept = copy.deepcopy(history)
    assert check(made(short(name)), history)
    assert history == kept


@every
def test_pickles_and_refuses_unknown_settings(name):
    stopper = made(short(name))
    again = pickle.loads(pickle.dumps(stopper))
    for history in ([], finished(), beginning()):
        assert again(history) == stopper(history)
    with pytest.raises(ConfigValidationError):
        made(short(name), **NEEDS.get(short(name), {}), no_such_key=1)
    # and as the commands resolve it
    block = {"@al_stoppers": name, **NEEDS.get(short(name), {})}
    assert resolve(block)(finished()) == stopper(finished())
    with pytest.raises(AlError, match="AL084"):
        resolve({**block, "no_such_key": 1})


BAD = [
    ("target_score", {"score": math.nan}),
    ("target_score", {"score": -0.1}),
    ("target_score", {"score": 85}),
    ("plateau", {"window": 0}),
    ("plateau", {"window": -3}),
    ("plateau", {"min_gain": math.nan}),
    ("plateau", {"min_gain": -0.1}),
    ("plateau", {"min_gain": math.inf}),
    ("budget", {"answers": -1}),
    ("budget", {"words": -1}),
    ("budget", {"seconds": math.nan}),
    ("budget", {"money": math.inf, "price_per_hour": 10}),
    ("budget", {"price_per_hour": -1, "money": 10}),
    ("stable_predictions", {"threshold": 1.5}),
    ("stable_predictions", {"threshold": math.nan}),
    ("stable_predictions", {"window": 0}),
    ("stable_predictions", {"measure": "kapa"}),
    ("low_uncertainty", {"per_answer": math.nan}),
    ("low_uncertainty", {"errors": -1}),
    ("small_gain", {"min_gain": math.nan}),
    ("small_gain", {"cost": "money"}),
]


@pytest.mark.parametrize("name, given", BAD)
def test_bad_settings_are_refused_when_it_is_built(name, given):
    with pytest.raises(UsageError, match=f"AL140.*{name}.*{next(iter(given))}"):
        al_stoppers.get(f"spacy-al.{name}.v1")(**given)
    with pytest.raises(AlError):
        resolve({"@al_stoppers": f"spacy-al.{name}.v1", **given})


@pytest.mark.parametrize(
    "name, given, code",
    [
        ("budget", {}, "AL141"),
        ("budget", {"price_per_hour": 10}, "AL141"),
        ("budget", {"money": 10}, "AL142"),
        ("budget", {"answers": 10, "price_per_hour": 10}, "AL142"),
        ("low_uncertainty", {"per_answer": None}, "AL143"),
        ("any_of", {"stoppers": {}}, "AL144"),
        ("all_of", {"stoppers": {}}, "AL144"),
    ],
)
def test_settings_that_say_nothing_are_refused(name, given, code):
    with pytest.raises(UsageError, match=code):
        al_stoppers.get(f"spacy-al.{name}.v1")(**given)


# the score


@pytest.mark.parametrize(
    "score, expected", [(0.849999, False), (0.85, True), (0.8501, True), (0.3 * 3 - 0.05, True)]
)
def test_target_score(score, expected):
    assert check(made("target_score", score=0.85), rounds(score=[0.99, score])) == expected


def test_target_score_says_so():
    stopper = made("target_score", score=0.85)
    assert stopper(rounds(score=[0.5, 0.861])) == (
        True,
        "Stops: the score on dev, 0.861, has reached the target of 0.850.",
    )
    named = [{"score": 0.8497, "score_name": "entity F"}]
    # as many digits as it takes to see why
    assert (
        stopper(named)[1] == "Goes on: the entity F on dev, 0.8497, is below the target of 0.8500."
    )
    assert stopper([])[1] == ("Goes on: no round has been evaluated yet, and the target is 0.850.")
    assert stopper([{"round": 3}])[1] == (
        "Goes on: the score on dev of round 3 is not known, and the target is 0.850."
    )


@quick
@given(
    st.lists(st.one_of(st.none(), st.integers(0, 20)), max_size=9),
    st.integers(1, 4),
    st.integers(0, 4),
)
def test_plateau_against_a_reference(cents, window, bound):
    scores = [None if cent is None else cent / 100 for cent in cents]
    last, before = cents[-window:], [cent for cent in cents[:-window] if cent is not None]
    # in whole cents, where nothing is rounded
    expected = (
        len(last) == window
        and None not in last
        and bool(before)
        and last[-1] > 0
        and max(last) - max(before) <= bound
    )
    stopper = made("plateau", window=window, min_gain=bound / 100)
    assert check(stopper, rounds(score=scores)) == expected


def test_plateau_says_so():
    stopper = made("plateau", window=2, min_gain=0.01)
    assert stopper(rounds(score=[0.5, 0.7, 0.69, 0.704]))[1] == (
        "Stops: the last 2 rounds raised the best score by 0.004 (0.700), where more than 0.010 is asked for."
    )
    assert stopper(rounds(score=[0.7, 0.6, 0.65]))[0]
    assert stopper(rounds(score=[0.5, 0.7, 0.72, 0.74]))[1] == (
        "Goes on: the last 2 rounds raised the best score by 0.040, which is more than 0.010."
    )
    assert "needed" in stopper(rounds(score=[0.5, 0.7]))[1]


@pytest.mark.parametrize("name", ["plateau", "stable_predictions", "low_uncertainty"])
def test_a_model_that_has_learned_nothing_is_no_reason_to_stop(name):
    history = [row | {"score": 0.0} for row in finished()]
    assert not check(made(name), history)


# the budget


@pytest.mark.parametrize(
    "given, column, below, at",
    [
        ({"answers": 500}, "answers", 499, 500),
        ({"words": 500}, "words_asked", 499, 500),
        ({"seconds": 7200}, "seconds", 7199.9, 7200),
        ({"money": 90, "price_per_hour": 45}, "seconds", 7199.9, 7200),
    ],
)
def test_budget_on_both_sides(given, column, below, at):
    stopper = made("budget", **given)
    assert not check(stopper, [{column: at}, {column: below}])
    assert check(stopper, [{column: 0}, {column: at}])


def test_budget_is_spent_once_any_limit_is():
    stopper = made("budget", answers=500, money=90.0, price_per_hour=45)
    assert not check(stopper, [{"answers": 499, "seconds": 60}])
    assert check(stopper, [{"answers": 500, "seconds": 60}])
    assert check(stopper, [{"answers": 1, "seconds": 7200}])
    # what is known counts, what is not is named
    assert check(stopper, [{"answers": 500}])
    stop, reason = stopper([{"answers": 1200, "seconds": 3600}])
    assert (stop, reason) == (True, "Stops: the budget of 500 answers is spent (1,200).")
    assert stopper([{"answers": 20}])[1] == (
        "Goes on: 20 of 500 answers are spent; the time of the annotators is not known (the budget is 90.00 in wages)."
    )
    time = made("budget", seconds=7200)
    assert time([{"seconds": 1800}])[1] == (
        "Goes on: 0.50 of 2.00 hours of the annotators' time are spent."
    )
    assert "25.00 of 30.00 minutes" in made("budget", seconds=1800)([{"seconds": 1500}])[1]


# agreement


@quick
@given(
    st.lists(st.one_of(st.none(), st.integers(0, 100)), max_size=8),
    st.integers(1, 4),
    st.integers(0, 100),
)
def test_stable_predictions_against_a_reference(cents, window, bound):
    history = rounds(kappa=[None if cent is None else cent / 100 for cent in cents] or [None])
    last = cents[-window:]
    expected = len(last) == window and None not in last and sum(last) >= bound * window
    assert (
        check(made("stable_predictions", threshold=bound / 100, window=window), history) == expected
    )


def test_stable_predictions_looks_at_spans_where_there_are_any():
    history = rounds(kappa=[None, 1, 1, 1], span_f1=[None, 0.7, 0.8, 0.9])
    assert not check(made("stable_predictions"), history)
    assert check(made("stable_predictions", measure="kappa"), history)
    # what is enough depends on the measure
    for key, below, at in (("span_f1", 0.899, 0.9), ("kappa", 0.989, 0.99)):
        assert check(made("stable_predictions"), rounds(**{key: [None, at, at, at]}))
        assert not check(made("stable_predictions"), rounds(**{key: [None, at, at, below]}))
    assert check(made("stable_predictions", threshold=0.8), history)
    assert not check(made("stable_predictions", threshold=0.801), history)
    # kappa does not stand in where one round has no spans
    history[-1]["span_f1"] = None
    assert not check(made("stable_predictions"), history)
    assert made("stable_predictions", threshold=0.8)(history[:-1])[1].startswith("Goes on: 3 comp")


# uncertainty


def test_low_uncertainty_on_both_sides():
    def history(errors, answers=1000.0):
        return [{"score": 0.5, "expected_errors": errors, "expected_answers": answers}]

    share = made("low_uncertainty", per_answer=0.05)
    assert check(share, history(50.0)) and not check(share, history(50.1))
    count = made("low_uncertainty", per_answer=None, errors=20)
    assert check(count, history(20.0)) and not check(count, history(20.1))
    assert check(count, [{"expected_errors": 3.0}])
    both = made("low_uncertainty", errors=20)
    assert check(both, history(20.0)) and not check(both, history(20.0, 300.0))
    assert not check(both, history(21.0))
    # a share of nothing
    assert not check(share, history(0.0, 0.0)) and not check(share, history(0.0, None))


# the gain of a batch


def power_law(n, a=0.8, b=0.4, c=0.7):
    costs = [100.0 * (k + 1) for k in range(n)]
    return costs, [a - b * (cost / 100) ** -c for cost in costs]


@pytest.mark.parametrize("cost", ["texts", "words", "answers", "seconds"])
def test_small_gain_on_both_sides(cost):
    costs, scores = power_law(8)
    history = rounds(score=scores, **{cost: costs})
    true = power_law(9)[1][-1] - scores[-1]
    assert check(made("small_gain", min_gain=true * 1.01, cost=cost), history)
    assert not check(made("small_gain", min_gain=true * 0.99, cost=cost), history)
    other = {"texts": "words"}.get(cost, "texts")
    assert not check(made("small_gain", min_gain=true * 1.01, cost=other), history)


def test_small_gain_is_humble_where_the_scores_are_noisy():
    costs, scores = power_law(6)
    true = power_law(7)[1][-1] - scores[-1]
    noise = 0.02 * numpy.random.default_rng(0).standard_normal(6)
    stopper = made("small_gain", min_gain=true * 1.2)
    assert check(stopper, rounds(score=scores, words=costs))
    assert not check(stopper, rounds(score=(scores + noise).tolist(), words=costs))


def test_small_gain_needs_a_curve():
    stopper = made("small_gain", min_gain=0.5)
    costs, scores = power_law(8)
    assert not check(stopper, rounds(score=scores[:3], words=costs[:3]))
    assert not check(stopper, rounds(score=scores[::-1], words=costs))
    assert not check(stopper, rounds(score=[0.7] * 8, words=costs))
    assert not check(stopper, rounds(score=scores, words=[100.0] * 8))


# together


@quick
@given(st.lists(st.booleans(), min_size=1, max_size=4))
def test_any_and_all(verdicts):
    # a target below or above the score
    stoppers = {
        f"s{i}": {"@al_stoppers": "spacy-al.target_score.v1", "score": 0.4 if verdict else 0.6}
        for i, verdict in enumerate(verdicts)
    }
    history = [{"score": 0.5}]
    assert check(made("any_of", stoppers=stoppers), history) == any(verdicts)
    assert check(made("all_of", stoppers=stoppers), history) == all(verdicts)


CONFIG = """
[al]

[al.stopper]
@al_stoppers = "spacy-al.any_of.v1"

[al.stopper.stoppers]

[al.stopper.stoppers.budget]
@al_stoppers = "spacy-al.budget.v1"
money = 500
price_per_hour = 40.0

[al.stopper.stoppers.done]
@al_stoppers = "spacy-al.all_of.v1"

[al.stopper.stoppers.done.stoppers]

[al.stopper.stoppers.done.stoppers.target]
@al_stoppers = "spacy-al.target_score.v1"
score = 0.8

[al.stopper.stoppers.done.stoppers.plateau]
@al_stoppers = "spacy-al.plateau.v1"
window = 1
min_gain = 0.01
"""


def test_nested_from_the_text_of_a_config():
    block = Config().from_str(CONFIG)["al"]["stopper"]
    stopper = pickle.loads(pickle.dumps(resolve(block)))
    for scores, seconds, expected in (
        ([0.7, 0.9], 0, False),
        ([0.7, 0.7], 0, False),
        ([0.9, 0.9], 0, True),
        ([0.1, 0.5], 45000, True),
    ):
        assert check(stopper, rounds(score=scores, seconds=[0, seconds])) == expected
    assert stopper(rounds(score=[0.8, 0.9], seconds=[0, 4500]))[1] == (
        "Goes on: none of 2 criteria is met: budget (50.00 of 500.00 in wages are spent), done (1 of 2 criteria are met, "
        "but not plateau (the last round raised the best score by 0.100, which is more than 0.010))."
    )
    bad = copy.deepcopy(block)
    bad["stoppers"]["done"]["stoppers"]["plateau"]["window"] = -1
    with pytest.raises(AlError, match="AL140"):
        resolve(bad)
    bad["stoppers"]["done"]["stoppers"]["plateau"] = {"window": 1}
    with pytest.raises(AlError, match=r"AL145.*all_of.*plateau"):
        resolve(bad)


def test_combines_functions_of_users():
    @al_stoppers("test.every_other.v1")
    def make():
        return lambda history: (len(history) % 2 == 0, f"There are {len(history)} rounds.")

    try:
        stopper = made("any_of", stoppers={"mine": {"@al_stoppers": "test.every_other.v1"}})
        assert stopper([{}, {}]) == (True, "Stops: mine (There are 2 rounds).")
        assert stopper([{}])[0] is False
    finally:
        import catalogue

        catalogue.REGISTRY.pop(("spacy", "al_stoppers", "test.every_other.v1"))

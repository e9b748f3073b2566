"""Hours and money of a run, and what random choice would have cost."""

import pytest

from spacy_al.errors import AlError
from spacy_al.reporting import report
from spacy_al.reporting.learning import learning_curve
from spacy_al.reporting.savings import read_price, saved_note
from spacy_al.reporting.words import format_interval, measured_on
from tests.helpers.report_facts import run_facts


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("90", (90.0, "")),
        ("90 EUR", (90.0, "EUR")),
        ("12.5$", (12.5, "$")),
        (" 80 £ ", (80.0, "£")),
    ],
)
def test_prices(text, price):
    assert read_price(text) == price


@pytest.mark.parametrize("text", ["", "EUR", "-3 EUR", "1e9x9", "90 EUR 3", "nan"])
def test_what_is_no_price_is_refused(text):
    with pytest.raises(AlError, match="AL072"):
        read_price(text)


def facts_of(points):
    """Of a run that has come to .6 with 1,000 words, read at two words a second."""
    made = run_facts(rounds=2)
    for row, (words, score) in zip(made["rounds"], [(500, 0.5), (1000, 0.6)]):
        row |= {"words": words, "score": score, "words_shown": 500, "seconds_answers": 250.0}
    made["baseline"] = {"name": "random", "seeds": 3, "points": points}
    made["price"] = (72.0, "EUR")
    return made


def point(words, score, room=0.1):
    return {
        "words": words,
        "texts": words / 20,
        "score": score,
        "low": score - room,
        "high": score + room,
    }


def test_what_random_choice_would_have_needed_is_saved():
    made = facts_of([point(1000, 0.4), point(2000, 0.6), point(3000, 0.7), point(9000, 0.8)])
    note = saved_note(made, made["rounds"])
    # 1,000 words more at half a second each, at 72 an hour; the best run needs 1,500 words, the worst 3,000
    assert "2,000 words" in note and "8 min" in note and "10 EUR" in note
    assert "between 4 min and 17 min" in note


def test_where_random_choice_never_came_so_far_it_is_at_least_that():
    note = saved_note(made := facts_of([point(1000, 0.4), point(2000, 0.5)]), made["rounds"])
    assert "had not come so far" in note and "at least 8 min" in note


def test_nothing_is_claimed_where_random_choice_is_better():
    note = saved_note(made := facts_of([point(400, 0.6), point(2000, 0.7)]), made["rounds"])
    assert "nothing was saved" in note


def test_without_a_simulation_nothing_is_said():
    made = facts_of([])
    assert saved_note(made, made["rounds"]) == ""


def test_the_page_has_people_the_next_step_and_the_price():
    made = facts_of([point(1000, 0.4), point(2000, 0.6)])
    made["people"] = [{"name": "<b>Ada", "answers": 12, "seconds": 9.0, "words_per_minute": 80.0}]
    made["next"] = "Go on answering: 3 of the 40 questions of this round are open."
    made["rounds"][-1]["test"] = {"texts": 30, "interval": [0.4, 0.75], "score": 0.6}
    page = report(made)
    assert "&lt;b&gt;Ada" in page and "<b>Ada" not in page
    assert "Go on answering" in page and "10 EUR" in page
    assert "between 0.400 and 0.750" in page and "That is little to go by" in page


def test_the_curve_and_the_tile_say_how_sure_each_score_is():
    made = facts_of([point(1000, 0.4), point(2000, 0.6)])
    # other parts of the page say it as well
    made |= {"groups": None, "risks": []}
    bare, rounds = report(made), made["rounds"]
    assert not learning_curve(made, rounds, "F", "words").lines[0]["band"]
    for row, ends in zip(rounds, ([0.1, 0.7], [0.4, 0.75])):
        row["dev"] = {"texts": 24, "interval": ends, "score": row["score"]}
    page = report(made)
    assert "probably 0.40 to 0.75" in page and "probably" not in bare
    assert "as the band around the curve has it for each model" in page
    assert learning_curve(made, rounds, "F", "words").lines[0]["band"]
    # a pipeline that a run begins with may have none
    del rounds[0]["dev"]["interval"]
    page = report(made)
    assert "probably 0.40 to 0.75" in page and "as the band around the curve" not in page


def test_a_score_is_never_shown_without_how_sure_it_is():
    assert measured_on(24, (0.211, 0.418)) == " (of 24 texts; on others probably 0.21 to 0.42)"
    assert measured_on(1, None) == " (of 1 text)" and measured_on(None, None) == ""
    assert format_interval((0.1, float("nan"))) == ""


def test_an_axis_that_does_not_begin_at_0_says_so():
    assert "not at 0)" in report(run_facts())

"""What an answer is worth, against all that might be answered."""

import numpy
from hypothesis import given
from hypothesis import strategies as st

from spacy_al.consensus.reask import gain_of_answer, gain_of_check, whom_to_ask

SHARES = st.lists(st.floats(0.01, 1), min_size=3, max_size=3)


def share(values):
    return numpy.array(values) / numpy.sum(values)


@given(SHARES, SHARES, st.floats(0, 1))
def test_an_answer_is_worth_what_it_makes_surer(probs, guesses, knows):
    probs, guesses = share(probs), share(guesses)
    after = 0.0
    for said in range(3):
        like = (1 - knows) * guesses[said] + knows * (numpy.arange(3) == said)
        after += (probs * like).max()
    [found] = gain_of_answer(probs[None], knows, guesses)
    assert abs(found - max(0.0, after - probs.max())) < 1e-9


@given(st.floats(-4, 4), st.floats(0, 1), st.floats(0, 1))
def test_so_is_a_check_of_a_span(odds, finds, spurious):
    p = 1 / (1 + numpy.exp(-odds))
    after = max(p * finds, (1 - p) * spurious) + max(p * (1 - finds), (1 - p) * (1 - spurious))
    [found] = gain_of_check(numpy.array([odds]), numpy.array([finds]), numpy.array([spurious]))
    assert abs(found - max(0.0, after - max(p, 1 - p))) < 1e-9


def test_certainty_and_spammers_are_worth_nothing():
    even = numpy.full(3, 1 / 3)
    assert gain_of_answer(numpy.array([[1.0, 0, 0]]), 0.9, even)[0] < 1e-12
    assert gain_of_answer(numpy.array([[0.5, 0.3, 0.2]]), 0.0, even)[0] < 1e-12
    surer, open_ = gain_of_answer(numpy.array([[0.9, 0.1, 0], [0.4, 0.3, 0.3]]), 0.8, even)
    assert open_ > surer


def test_one_is_asked_who_is_worth_most_a_second_and_has_not_answered():
    gains = numpy.array([[0.4, 0.3], [0.2, 0.2], [0.0, 0.0], [0.5, 0.1]])
    may = numpy.array([[1, 1], [1, 1], [1, 1], [0, 1]])
    assert whom_to_ask(gains, numpy.array([8.0, 4.0]), may, 9) == [(0, 1), (1, 1), (3, 1)]
    assert whom_to_ask(gains, numpy.array([1.0, 4.0]), may, 1) == [(0, 0)]

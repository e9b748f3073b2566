"""What is left: against corpora whose mistakes are known."""

import numpy
import pytest

from spacy_al.measures.remaining import estimate_remaining


def corpus(rng, n):
    """Sizes, and mistakes: a tenth of the marks, more often in some texts."""
    sizes = rng.poisson(3.0, n) + 1
    errors = rng.binomial(sizes, 0.2 * (rng.random(n) < 0.5))
    return sizes, errors


def test_it_holds_what_is_left_about_as_often_as_it_says():
    rng = numpy.random.default_rng(0)
    sizes, errors = corpus(rng, 1000)
    texts = marks = 0
    for k in range(200):
        order = rng.permutation(1000)
        drawn, rest = order[:80], order[80:]
        found = estimate_remaining(
            errors[drawn], sizes[drawn], len(rest), sizes[rest].sum(), seed=k
        )
        texts += found.texts_low <= (errors[rest] > 0).sum() <= found.texts_high
        marks += found.marks_low <= errors[rest].sum() <= found.marks_high
    # the exact interval of a share is never too narrow; draws of 80 texts are, a little
    assert 188 <= texts <= 200
    assert 176 <= marks <= 200


def test_the_mean_of_many_draws_is_what_is_left():
    rng = numpy.random.default_rng(1)
    sizes, errors = corpus(rng, 1000)
    found = []
    for _ in range(400):
        order = rng.permutation(1000)
        drawn, rest = order[:50], order[50:]
        left = estimate_remaining(errors[drawn], sizes[drawn], len(rest), sizes[rest].sum())
        found.append((left.texts / (errors[rest] > 0).sum(), left.marks / errors[rest].sum()))
    assert numpy.mean(found, axis=0) == pytest.approx([1, 1], abs=0.05)


def test_texts_that_were_likelier_to_be_drawn_count_less():
    """Texts of one kind are drawn four times as often, and are wrong more often."""
    errors, sizes = numpy.array([1] * 8 + [0] * 2), numpy.ones(10)
    often = numpy.array([0.8] * 8 + [0.2] * 2)
    plain = estimate_remaining(errors, sizes, 100, 100)
    weighed = estimate_remaining(errors, sizes, 100, 100, propensities=often)
    assert plain.texts == plain.marks == pytest.approx(80)
    # 8 / .8 = 10 texts with one, 2 / .2 = 10 without
    assert weighed.texts == weighed.marks == pytest.approx(50)


def test_no_mistake_among_those_drawn_is_not_none_at_all():
    found = estimate_remaining(numpy.zeros(40), numpy.ones(40), 960, 960)
    assert (found.texts, found.texts_low, found.marks, found.marks_high) == (0, 0, 0, None)
    # as many as leave one in forty chances that 40 draws show none
    assert found.texts_high == pytest.approx(960 * (1 - 0.025 ** (1 / 40)))
    assert estimate_remaining(numpy.ones(5), numpy.ones(5), 10, 10).texts_high == 10

"""A scale and a bias for each category: what is planted is found, and nothing where one temperature is all there is."""

import numpy
import pytest
from scipy.optimize import check_grad

from spacy_al.arrays.scaling import Scaling, logits_of, rescaled
from spacy_al.measures import vector_scaling
from spacy_al.measures.vector_scaling import (
    HeldOut,
    better_scaling,
    fit_scaling,
    probs_of,
    text_losses,
)
from spacy_al.types import Floats

SURER = 0.25


def made(bias, exclusive, n=300, scale=0.5, seed=0):
    """Texts of which what is right is drawn at a planted scale and bias."""
    rng = numpy.random.default_rng(seed)
    logits: Floats = 2 * rng.normal(size=(n, len(bias)))
    if exclusive:
        logits = logits_of(probs_of(logits, exclusive=True), exclusive=True)
    truth = Scaling(numpy.full(len(bias), scale), numpy.array(bias, dtype=float))
    probs = probs_of(rescaled(logits, truth), exclusive=exclusive)
    if exclusive:
        right = numpy.array([rng.multinomial(1, row) for row in probs], dtype=float)
    else:
        right = (rng.random(probs.shape) < probs).astype(float)
    return HeldOut(logits, right, exclusive), truth


@pytest.mark.parametrize("exclusive", [True, False])
def test_what_is_planted_is_found_and_helps_other_texts(exclusive):
    texts, truth = made([1.5, -1.0, 0.0, -0.5], exclusive)
    others, _ = made([1.5, -1.0, 0.0, -0.5], exclusive, n=2000, seed=1)
    found = better_scaling(texts, SURER)
    one = fit_scaling(texts, None, SURER)
    assert found is not None and (one.scale == one.scale[0]).all() and not one.bias.any()
    right = text_losses(others, truth).mean()
    assert text_losses(others, found).mean() < right + 0.03
    assert text_losses(others, one).mean() > right + 0.1
    # of exclusive categories biases are known up to what all have in common
    bias = found.bias - (found.bias.mean() - truth.bias.mean() if exclusive else 0)
    assert bias == pytest.approx(truth.bias, abs=0.5)


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("scale", [0.5, 1.0])
def test_one_temperature_is_kept_where_it_is_all_there_is(exclusive, scale):
    texts, _ = made([0.0] * 4, exclusive, scale=scale)
    assert better_scaling(texts, SURER) is None
    assert fit_scaling(texts, None, SURER).scale[0] == pytest.approx(scale, rel=0.2)


@pytest.mark.parametrize("exclusive", [True, False])
def test_what_is_certain_and_wrong_costs_as_much_as_its_logit_says(exclusive):
    """Were it cut off the loss would be flat there, and its slope another one."""
    logits = numpy.array([[0.0, -80.0]])
    texts = HeldOut(logits, numpy.array([[0.0, 1.0]]), exclusive)
    assert text_losses(texts) == pytest.approx([80 if exclusive else 80 + numpy.log(2)])


def test_few_texts_are_not_asked():
    texts, _ = made([3.0, -3.0], True, n=49)
    assert better_scaling(texts, SURER) is None


def test_losses_against_a_loop_and_what_is_not_known_costs_nothing():
    texts, truth = made([1.0, 0.0], False, n=4)
    texts.right[1, 0] = texts.right[2, 0] = texts.right[2, 1] = numpy.nan
    logits, expected = rescaled(texts.logits, truth), []
    for row, right in zip(logits, texts.right):
        probs = 1 / (1 + numpy.exp(-row))
        terms = [p if r else 1 - p for p, r in zip(probs, right) if not numpy.isnan(r)]
        expected.append(-numpy.log(terms).sum())
    assert text_losses(texts, truth) == pytest.approx(expected) and expected[2] == 0


@pytest.mark.parametrize("exclusive", [True, False])
def test_the_slope_that_the_search_goes_by_is_that_of_the_loss(exclusive, monkeypatch):
    texts, _ = made([1.0, 0.0, -1.0], exclusive, n=20)
    if not exclusive:
        texts.right[3, 1] = numpy.nan
    seen = []

    def caught(loss, start, **others):
        at = numpy.linspace(0.4, -0.4, len(start))
        seen.append(check_grad(lambda x: loss(x)[0], lambda x: loss(x)[1], at))
        seen.append(check_grad(lambda x: loss(x)[0], lambda x: loss(x)[1], -at))
        return real(loss, start, **others)

    import scipy.optimize

    real = scipy.optimize.minimize
    monkeypatch.setattr(scipy.optimize, "minimize", caught)
    vector_scaling.fit_scaling(texts, 3.0, SURER)
    vector_scaling.fit_scaling(texts, None, SURER)
    assert len(seen) == 4 and max(seen) < 1e-4

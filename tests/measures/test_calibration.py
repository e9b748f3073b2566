"""Calibration measures against slow references, and temperatures that are known beforehand."""

import math
import subprocess
import sys

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from spacy_al.errors import AlError, UsageError
from spacy_al.measures.calibration import (
    auroc,
    brier,
    calibration_error_by_chance,
    calibration_error_interval,
    expected_calibration_error,
    fit_temperature,
    fit_temperatures,
    log_loss,
    reliability,
)

# what an import pulls in is asked where there is most to pull in
pytestmark = pytest.mark.everything_installed
quick = settings(max_examples=50, deadline=None)
events = st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=25)


def arrays(pairs):
    probs, correct = zip(*pairs)
    return numpy.array(probs) / 8, numpy.array(correct)


@quick
@given(events)
def test_scores_against_plain_python(pairs):
    probs, correct = arrays(pairs)
    pairs = list(zip(probs.tolist(), correct.tolist()))
    assert brier(probs, correct) == pytest.approx(sum((p - c) ** 2 for p, c in pairs) / len(pairs))
    likelihoods = [p if c else 1 - p for p, c in pairs]
    slow = sum(-math.log(min(max(p, 1e-12), 1 - 1e-12)) for p in likelihoods) / len(pairs)
    assert log_loss(probs, correct) == pytest.approx(slow)


@quick
@given(events)
def test_auroc_against_all_pairs(pairs):
    scores, positive = arrays(pairs)
    wins = [
        1.0 if a > b else 0.5 if a == b else 0.0
        for a in scores[positive].tolist()
        for b in scores[~positive].tolist()
    ]
    found = auroc(scores, positive)
    assert found is None if not wins else found == pytest.approx(sum(wins) / len(wins))


@quick
@given(
    st.sets(st.integers(0, 1000), min_size=1, max_size=40), st.integers(1, 12), st.integers(0, 99)
)
def test_bins_of_distinct_probabilities_have_equal_mass(values, bins, seed):
    probs = numpy.array(sorted(values)) / 1000
    correct = numpy.random.default_rng(seed).random(len(probs)) < probs
    members = {}
    for rank, pair in enumerate(zip(probs.tolist(), correct.tolist())):
        members.setdefault(rank * bins // len(probs), []).append(pair)
    slow = [
        (sum(p for p, _ in pairs) / len(pairs), sum(c for _, c in pairs) / len(pairs), len(pairs))
        for pairs in members.values()
    ]
    table = reliability(probs, correct, bins)
    assert_allclose(table, slow)
    assert max(row.size for row in table) - min(row.size for row in table) <= 1
    error = sum(size * abs(p - c) for p, c, size in slow) / len(probs)
    assert expected_calibration_error(probs, correct, bins) == pytest.approx(error)


@quick
@given(events, st.integers(1, 5), st.randoms(use_true_random=False))
def test_the_order_of_events_does_not_matter(pairs, bins, random):
    probs, correct = arrays(pairs)
    table = reliability(probs, correct, bins)
    random.shuffle(pairs)
    probs, correct = arrays(pairs)
    assert_allclose(reliability(probs, correct, bins), table)
    assert sum(row.size for row in table) == len(pairs)


def test_known_calibration_errors():
    rng = numpy.random.default_rng(0)
    probs = rng.random(20_000)
    assert expected_calibration_error(probs, rng.random(20_000) < probs) < 0.02
    assert expected_calibration_error(probs, rng.random(20_000) < probs**2) > 0.1
    assert expected_calibration_error(numpy.full(4, 0.75), numpy.array([1, 1, 1, 0])) == 0
    assert expected_calibration_error(numpy.full(4, 1.0), numpy.array([1, 1, 1, 0])) == 0.25
    assert log_loss(numpy.array([1.0]), numpy.array([False])) == pytest.approx(-math.log(1e-12))


def test_the_calibration_error_of_a_model_that_is_right_about_how_sure_it_is():
    """As the measure has it of outcomes that are drawn: the fewer events, the larger."""
    rng = numpy.random.default_rng(1)
    for n in (3, 40, 400):
        probs = rng.random(n).round(1 if n == 40 else 6)
        found = calibration_error_by_chance(probs, draws=2000)
        drawn = [expected_calibration_error(probs, rng.random(n) < probs) for _ in range(2000)]
        assert found == pytest.approx(numpy.mean(drawn), rel=0.05)
    # one event: it comes true or not, and is missed by the other
    assert calibration_error_by_chance(numpy.array([0.5])) == 0.5
    assert calibration_error_by_chance(numpy.array([0.0, 1.0, 1.0])) == 0
    assert calibration_error_by_chance(probs, seed=3) == calibration_error_by_chance(probs, seed=3)
    assert calibration_error_by_chance(numpy.zeros(0)) is None
    for bad in ({"bins": 0}, {"draws": 0}):
        with pytest.raises(UsageError, match="AL023"):
            calibration_error_by_chance(probs, **bad)
    with pytest.raises(AlError, match="AL021"):
        calibration_error_by_chance(numpy.array([1.5]))


def test_nothing_gives_none():
    none = numpy.zeros(0)
    assert reliability(none, none) == []
    assert expected_calibration_error(none, none) is None
    assert brier(none, none) is None and log_loss(none, none) is None
    assert auroc(none, none) is None
    assert auroc(numpy.array([0.1, 0.2]), numpy.array([True, True])) is None


@pytest.mark.parametrize("call", [reliability, expected_calibration_error, brier, log_loss])
def test_events_are_checked(call):
    with pytest.raises(AlError, match="AL021"):
        call(numpy.array([0.5, math.nan]), numpy.array([1, 0]))
    with pytest.raises(AlError, match="AL021"):
        call(numpy.array([0.5, 3.0]), numpy.array([1, 0]))
    with pytest.raises(AlError, match="AL024"):
        call(numpy.array([0.5, 0.5]), numpy.array([1]))


def test_auroc_and_bins_are_checked():
    with pytest.raises(AlError, match="AL021"):
        auroc(numpy.array([0.5, math.nan]), numpy.array([1, 0]))
    with pytest.raises(AlError, match="AL024"):
        auroc(numpy.array([0.5, 0.5]), numpy.array([1]))
    with pytest.raises(UsageError, match="AL023"):
        reliability(numpy.array([0.5]), numpy.array([1]), bins=0)


@pytest.mark.parametrize("best", [0.1, 0.5, 1.0, 2.3, 15.0])
def test_fit_temperature_finds_the_least(best):
    assert fit_temperature(lambda t: math.log(t / best) ** 2) == pytest.approx(best, rel=1e-3)


@pytest.mark.parametrize("best", [(1.0, 1.0), (0.4, 3.0), (5.0, 2.0), (4.5, 7.3, 8.1, 5.5)])
def test_fit_temperatures_finds_the_least(best):
    def loss(*found):
        logs = numpy.log(found) - numpy.log(best)
        return logs @ logs + 0.5 * logs[0] * logs[1]

    start = tuple(1.0 for _ in best)
    assert fit_temperatures(loss, start) == pytest.approx(best, rel=2e-2)


def test_a_fitted_temperature_mends_logits():
    rng = numpy.random.default_rng(1)
    logits = rng.normal(size=5000) * 2
    correct = rng.random(5000) < 1 / (1 + numpy.exp(-logits))

    def probs(t):
        return 1 / (1 + numpy.exp(-3 * logits / t))

    temperature = fit_temperature(lambda t: log_loss(probs(t), correct))
    assert temperature == pytest.approx(3.0, rel=0.1)
    assert expected_calibration_error(probs(temperature), correct) < 0.02
    assert expected_calibration_error(probs(1.0), correct) > 0.05


def test_temperatures_stay_within_bounds_and_never_harm():
    assert fit_temperature(lambda t: -t, bounds=(0.5, 4.0)) == pytest.approx(4.0, rel=1e-2)
    first, second = fit_temperatures(lambda a, b: -a + b)
    assert first == pytest.approx(20.0, rel=1e-2) and second == pytest.approx(0.05, rel=1e-2)
    # a flat loss, and one whose only dip is where the model stands
    assert fit_temperature(lambda t: 1.0) == 1.0
    assert fit_temperatures(lambda a, b: 1.0, (1.0, 3.0)) == (1.0, 3.0)
    assert fit_temperature(lambda t: 0.0 if t == 1.0 else 1.0 + abs(math.log(t) - 2)) == 1.0


def test_infinite_losses_are_walls_and_nan_is_an_error():
    assert fit_temperature(lambda t: math.inf if t < 0.9 else math.log(t / 2) ** 2) == (
        pytest.approx(2.0, rel=1e-2)
    )
    with pytest.raises(AlError, match=r"AL027.*inf at temperature 1"):
        fit_temperature(lambda t: math.inf)
    with pytest.raises(AlError, match=r"AL027.*nan"):
        fit_temperature(lambda t: math.nan if t != 1 else 0.0)
    with pytest.raises(AlError, match=r"AL027.*nan"):
        fit_temperatures(lambda a, b: math.nan if a > 1 else 0.0)


@pytest.mark.slow
def test_import_does_not_pull_in_scikit_learn_or_scipy():
    code = (
        "import sys, spacy; before = set(sys.modules);"
        "import spacy_al.acquisition, spacy_al.selection, spacy_al.measures.calibration;"
        "new = {name.split('.')[0] for name in set(sys.modules) - before};"
        "assert not new & {'sklearn', 'scipy', 'faiss', 'torch'}, new"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_interval_of_a_calibration_error():
    """Over drawn texts it holds the error of the source in somewhat fewer than 95 of 100; the error of a sample alone is too high."""
    held, measured = [], []
    # every event comes true .1 less often than it is said
    for seed in range(200):
        rng = numpy.random.default_rng(seed)
        texts = numpy.repeat(numpy.arange(150), 4)
        probs = rng.uniform(0.2, 0.9, size=len(texts))
        correct = rng.random(len(texts)) < probs - 0.1
        low, high = calibration_error_interval(probs, correct, texts)
        assert 0 <= low <= high <= 1
        held.append(low <= 0.1 <= high)
        measured.append(expected_calibration_error(probs, correct))
    assert 0.83 <= numpy.mean(held) <= 0.97
    assert numpy.mean(measured) > 0.1
    assert calibration_error_interval(probs[:4], correct[:4], texts[:4]) is None
    assert calibration_error_interval(numpy.zeros(0), numpy.zeros(0), numpy.zeros(0)) is None

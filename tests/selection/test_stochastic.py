"""Draws by a power of the score: their law and their propensities against plain enumeration."""

import itertools
from collections import Counter

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import chisquare

from spacy_al.arrays.keyed_noise import KeyedGenerator
from spacy_al.errors import AlError
from spacy_al.selection.rank import top_k
from spacy_al.selection.stochastic import make_stochastic, stochastic


def rng(seed=0):
    return numpy.random.default_rng(seed)


def slow_chances(scores, beta, explore, groups, drawn):
    """The probability of each of the rows that can be drawn next, as sequential sampling has it."""
    eligible = [row for row in range(len(scores)) if all(groups[row] != groups[d] for d in drawn)]
    powers = [score**beta if score or not beta else 0.0 for score in scores]
    total = sum(powers)
    if total == 0:
        weights = [1.0] * len(scores)
    else:
        weights = [(1 - explore) * p / total + explore / len(scores) for p in powers]
    left = sum(weights[row] for row in eligible)
    if left == 0:
        return {row: 1 / len(eligible) for row in eligible}
    return {row: weights[row] / left for row in eligible if weights[row]}


def slow_law(scores, n, beta, explore, groups):
    """Every sequence of draws and its probability."""
    law: dict[tuple[int, ...], float] = {(): 1.0}
    for _ in range(n):
        law = {
            (*drawn, row): p * chance
            for drawn, p in law.items()
            for row, chance in slow_chances(scores, beta, explore, groups, drawn).items()
        }
    return law


POOLS = [
    ([0.5, 1.0, 2.0, 0.3], 2, 1.0, 0.0, None),
    ([0.5, 1.0, 2.0, 0.3], 3, 2.0, 0.2, None),
    ([0.0, 1.0, 0.0, 3.0], 3, 1.0, 0.0, None),
    ([0.0, 1.0, 0.5, 3.0, 1.0], 2, 0.5, 0.1, [0, 0, 1, 1, 2]),
    ([0.0, 1.0, 0.0, 0.0, 0.0], 3, 1.0, 0.0, [0, 0, 1, 1, 2]),
    ([1.0, 1.0, 1.0, 1.0], 2, 4.0, 0.0, [5, 5, 5, 7]),
]


@pytest.mark.slow
@pytest.mark.parametrize("scores, n, beta, explore, groups", POOLS)
def test_one_shot_draws_are_sequential_draws(scores, n, beta, explore, groups):
    law = slow_law(scores, n, beta, explore, groups or range(len(scores)))
    assert_allclose(sum(law.values()), 1)
    source, runs = rng(1), 4000
    given = {"beta": beta, "explore": explore, "groups": groups and numpy.array(groups)}
    found = Counter(
        tuple(stochastic(numpy.array(scores), n, source, **given)[0].tolist()) for _ in range(runs)
    )
    assert set(found) <= set(law)
    likely = [drawn for drawn, p in law.items() if p * runs >= 5]
    rest = max(1 - sum(law[drawn] for drawn in likely), 0.0)
    observed = [found[drawn] for drawn in likely]
    expected = [law[drawn] * runs for drawn in likely]
    if rest * runs > 1e-6:
        observed, expected = [*observed, runs - sum(observed)], [*expected, rest * runs]
    assert chisquare(observed, expected).pvalue > 1e-3


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.1, 1.0, 7.5]), st.integers(0, 4)), max_size=9),
    st.sampled_from([0.0, 0.5, 1.0, 3.0]),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.booleans(),
    st.integers(0, 50),
)
def test_propensities_against_plain_python(pairs, beta, explore, grouped, seed):
    scores = [score for score, _ in pairs]
    groups = [group for _, group in pairs] if grouped else list(range(len(pairs)))
    rows, propensities = stochastic(
        numpy.array(scores),
        len(pairs),
        rng(seed),
        groups=numpy.array(groups, dtype="i8") if grouped else None,
        beta=beta,
        explore=explore,
    )
    assert len(rows) == len(set(groups))
    drawn = []
    for row, propensity in zip(rows.tolist(), propensities.tolist()):
        chances = slow_chances(scores, beta, explore, groups, drawn)
        assert_allclose(propensity, chances[row], rtol=1e-9)
        drawn.append(row)


def test_a_large_power_is_top_k_and_does_not_overflow():
    scores = rng().uniform(1e-9, 1.0, 200)
    for beta in (1e4, 1e6):
        rows, propensities = stochastic(scores, 50, rng(), beta=beta)
        assert rows[:5].tolist() == top_k(scores, 5, rng())[0].tolist()
        assert ((propensities > 0) & (propensities <= 1)).all()
    rows, propensities = stochastic(scores * 1e-150, 50, rng(), beta=1.0)
    assert rows.tolist() == stochastic(scores, 50, rng(), beta=1.0)[0].tolist()


def test_picks_of_a_larger_power_score_higher():
    scores = rng().random(2000)
    means = [
        scores[stochastic(scores, 50, rng(7), beta=b)[0]].mean() for b in (0.0, 1.0, 8.0, 64.0)
    ]
    assert means == sorted(means) and means[-1] > means[0] + 0.3


def test_noise_belongs_to_the_text_and_batches_are_nested():
    ids, scores = numpy.arange(100, 160, dtype="u8"), rng().random(60)
    groups = numpy.arange(60) // 2
    shuffled = rng(5).permutation(60)
    for how in (None, groups):
        long, chances = stochastic(scores, 20, KeyedGenerator(0, 1, ids), groups=how)
        short = stochastic(scores, 7, KeyedGenerator(0, 1, ids), groups=how)
        assert short[0].tolist() == long[:7].tolist()
        assert short[1].tolist() == chances[:7].tolist()
        keyed = KeyedGenerator(0, 1, ids[shuffled])
        rows, _ = stochastic(
            scores[shuffled], 20, keyed, groups=None if how is None else how[shuffled]
        )
        assert ids[shuffled][rows].tolist() == ids[long].tolist()


def test_propensities_correct_for_the_choice():
    """Pool means by weighted draws (LURE; Farquhar et al., 2021), which the plain mean of what was chosen overstates."""
    scores, n = rng().gamma(1.0, size=40), 12
    losses = scores + 0.3 * rng(1).random(40)
    source, estimates, naive = rng(2), [], []
    for _ in range(2000):
        rows, q = stochastic(scores, n, source, beta=0.5, explore=0.2)
        left = len(scores) - numpy.arange(n)
        weights = 1 + (40 - n) / (left - 1) * (1 / (left * q) - 1)
        estimates.append((weights * losses[rows]).mean())
        naive.append(losses[rows].mean())
    error = numpy.std(estimates) / len(estimates) ** 0.5
    assert abs(numpy.mean(estimates) - losses.mean()) < 4 * error
    assert numpy.mean(naive) - losses.mean() > 20 * error


def test_settings_out_of_range():
    for options in ({"beta": -1.0}, {"beta": float("nan")}, {"explore": 1.5}, {"explore": -0.1}):
        with pytest.raises(AlError, match="AL021"):
            make_stochastic(**options)
    with pytest.raises(AlError, match="AL021"):
        stochastic(numpy.array([1.0, -1.0]), 1, rng())


def test_a_tie_is_drawn_evenly_and_float_noise_does_not_count():
    scores = numpy.repeat([0.4, 0.7], 10)
    for seed in range(5):
        noisy = scores * (1 + 1e-13 * rng(seed).normal(size=20))
        rows, chances = stochastic(noisy, 9, rng(3), beta=8.0)
        assert rows.tolist() == stochastic(scores, 9, rng(3), beta=8.0)[0].tolist()
        assert chances.tolist() == stochastic(scores, 9, rng(3), beta=8.0)[1].tolist()


def test_every_order_of_a_small_pool_can_come():
    seen = {tuple(stochastic(numpy.ones(3), 3, rng(seed))[0].tolist()) for seed in range(60)}
    assert seen == set(itertools.permutations(range(3)))

"""What is refused as no sample of the pool, and with which advice."""

import numpy
import pytest

from spacy_al.errors import AlError
from spacy_al.estimation.draws import needed_draws, usable_draws


def uniform(n: int, size: int) -> tuple[list[float], list[int]]:
    return [1 / (size - k) for k in range(n)], [size - k for k in range(n)]


def test_uniform_draws_are_taken_whole():
    draws = usable_draws(*uniform(20, 100), 0.0, [None] * 20)
    assert len(draws) == 20 and draws.n_pool == 100 and (draws.within == 1).all()
    assert len(draws.first(7)) == 7


def test_a_choice_without_chance_is_refused_with_the_draws_that_are_needed():
    with pytest.raises(AlError, match=r"AL450.*±0\.02 have 321 texts drawn"):
        usable_draws([1.0] * 20, [None] * 20, 0.0, [None] * 20, needed=321, wanted=0.02)
    with pytest.raises(AlError, match="AL450"):
        usable_draws([1.0] * 20, [100 - k for k in range(20)], 0.0, [None] * 20)


def test_what_is_taken_for_certain_after_draws_is_left_out():
    chances, eligible = uniform(12, 100)
    draws = usable_draws([*chances, 1.0, 1.0], [*eligible, 88, 87], 0.1, [None] * 14)
    assert len(draws) == 12


def test_the_last_text_of_a_pool_comes_for_certain():
    draws = usable_draws(*uniform(15, 15), 0.0, [None] * 15)
    assert len(draws) == 15


def test_uneven_draws_need_a_share_of_uniform_ones():
    chances = [0.5, *uniform(12, 100)[0][1:]]
    eligible = uniform(12, 100)[1]
    with pytest.raises(AlError, match=r"AL451.*explore.*0\.05 or more"):
        usable_draws(chances, eligible, 0.0, [None] * 12)
    assert len(usable_draws(chances, eligible, 0.1, [None] * 12)) == 12


def test_few_draws_are_refused():
    with pytest.raises(AlError, match=r"AL452.*9 texts.*takes 10.*some 400"):
        usable_draws(*uniform(9, 100), 0.0, [None] * 9, needed=400)


@pytest.mark.parametrize("chances, eligible", [
    ([0.0, *uniform(12, 100)[0][1:]], uniform(12, 100)[1]),
    (uniform(12, 100)[0], [100] * 12),
])  # fmt: skip
def test_numbers_that_are_no_draws_are_refused(chances, eligible):
    with pytest.raises(AlError, match="AL453"):
        usable_draws(chances, eligible, 0.5, [None] * 12)


def test_a_group_of_which_no_share_was_kept_is_refused():
    eligible = [100, 97, *range(96, 86, -1)]
    chances = [1 / size for size in eligible]
    with pytest.raises(AlError, match="AL453"):
        usable_draws(chances, eligible, 0.0, [None] * 12)
    draws = usable_draws(chances, eligible, 0.0, [1 / 3] + [1.0] * 11)
    assert draws.within[0] == pytest.approx(1 / 3)


def test_half_the_width_takes_four_times_the_draws():
    assert needed_draws(0.5, 0.05) == pytest.approx(4 * needed_draws(0.5, 0.1), abs=4)
    assert needed_draws(0.0, 0.05) == 10
    # a share of one half, by the textbook
    assert needed_draws(0.5, 0.05) == int(numpy.ceil(1.96**2 * 0.25 / 0.05**2))

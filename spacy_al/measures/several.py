"""Several tests at once: p-values that hold for all of them together."""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values of several tests, so that the least of them is below a level by chance as seldom as that of one (Holm, 1979).

    p_values (Sequence[float]): (n,) in any order.
    RETURNS (list[float]): (n,) in the same order, at most 1.
    """
    order = sorted(range(len(p_values)), key=lambda k: p_values[k])
    found, most = [1.0] * len(p_values), 0.0
    for rank, k in enumerate(order):
        most = max(most, min(1.0, p_values[k] * (len(p_values) - rank)))
        found[k] = most
    return found

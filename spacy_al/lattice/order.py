"""Orders of many rows that lie in groups, quicker than a sort by several keys."""

import numpy

from spacy_al.types import Floats, Ints


def grouped(group: Ints) -> Ints:
    """An order that puts the rows of each group together, groups ascending, and keeps the order of rows within them.

    group (Ints): (n,) at least 0.
    RETURNS (Ints): (n,) indices of rows.
    """
    # a stable sort of so small numbers is one by counting
    if len(group) and group.max() < 2**16:
        group = group.astype(numpy.uint16)
    return numpy.argsort(group, kind="stable")


def sorted_in_groups(group: Ints, value: Floats, tie: Ints) -> Ints:
    """An order by group, the highest value first; rows of the same value by `tie`, ascending.

    The same as `numpy.lexsort((tie, -value, group))`, several times as fast where few values are the same.

    group (Ints): (n,) at least 0.
    value (Floats): (n,) without nan.
    tie (Ints): (n,).
    RETURNS (Ints): (n,) indices of rows.
    """
    order = numpy.argsort(-value)
    order = order[grouped(group[order])]
    values, groups = value[order], group[order]
    same = (values[1:] == values[:-1]) & (groups[1:] == groups[:-1])
    if same.any():
        tied = numpy.append(same, False)
        tied[1:] |= same
        rows = order[tied]
        order[tied] = rows[numpy.lexsort((tie[rows], -value[rows], group[rows]))]
    return order

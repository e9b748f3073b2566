"""P-values of several tests, against the definition."""

from hypothesis import given
from hypothesis import strategies as st

from spacy_al.measures.several import holm


def by_definition(p_values):
    """The least level at which Holm's procedure, step by step, rejects each."""
    found = []
    for k, p in enumerate(p_values):
        before = [q for j, q in enumerate(p_values) if (q, j) <= (p, k)]
        steps = [q * (len(p_values) - rank) for rank, q in enumerate(sorted(before))]
        found.append(min(1.0, max(steps)))
    return found


@given(st.lists(st.floats(0, 1), max_size=8))
def test_they_are_those_of_the_procedure(p_values):
    assert holm(p_values) == by_definition(p_values)

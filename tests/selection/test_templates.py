"""Texts of one template: found by how they open, and at most one of them in a batch where the pool has others."""

from pathlib import Path

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_al.corpus.duplicates import OPENING, opening
from spacy_al.corpus.shard import read_bare
from spacy_al.selection.rank import uniform
from spacy_al.selection.stochastic import stochastic
from spacy_al.selection.templates import eligible_at, keep_apart, share_repeated, templates

POOL = Path(__file__).parents[2] / "corpus" / "pool.spacy"
NAMES = ("Quellmann", "Ibsen", "Vardo", "Otranto", "Zelkova", "Nimitz")
OTHERS = (
    "Rain fell all night over {}",
    "who has seen {} lately",
    "{} brought bread",
    "after lunch {} slept",
)


def openings(texts):
    return numpy.array([opening(text) for text in texts], dtype="u4")


@pytest.mark.parametrize(
    "template",
    [
        'The term "{}" means every entity that is named so.',
        "Patient of Dr. {} came back with {} mg of it.",
        "Herr {} beantragt, das Urteil vom 3. Mai 20{} aufzuheben.",
        "{} muss die Kosten des Verfahrens tragen.",
    ],
)
def test_texts_that_differ_in_names_and_values_are_of_one_template(template):
    fillers = enumerate(NAMES)
    texts = [template.format(name, 10 * number) for number, name in fillers]
    # no word of these is common
    texts += [
        form.format(f"{form[0]}{other}x") + other * 2 for other in "klmnop" for form in OTHERS
    ]
    found = templates(openings(texts))
    assert len(set(found[: len(NAMES)].tolist())) == 1
    assert found[0] not in found[len(NAMES) :]


def test_what_quotes_and_digits_hold_is_no_word_of_an_opening():
    first = opening('"Group" means any period of 12 days')
    assert first == opening('"Business Day" means any period of 7 days')
    assert first[:3] == opening("means any period")[:3] and len(first) == OPENING
    assert opening("") == opening("12 3/4") == [0] * OPENING


def test_common_words_alone_are_no_template():
    """Words that chance puts beside each other often enough: no text is left out for them."""
    rng = numpy.random.default_rng(0)
    texts = [" ".join(rng.choice(["the", "of", "in", "and"], 2)) + f" {x}" for x in "abcdefgh" * 40]
    texts = [f"{text}{'xyz'[i % 3] * (i + 1)}" for i, text in enumerate(texts)]
    found = templates(openings(texts))
    assert len(set(found.tolist())) == len(texts)


def test_templates_of_the_shipped_pool():
    texts = [stored.text for stored in read_bare(POOL)]
    found = templates(openings(texts))
    definitions = [row for row, text in enumerate(texts) if '" means any ' in text]
    assert len(definitions) > 15 and len(set(found[definitions].tolist())) == 1
    # the order of the pool decides nothing
    order = numpy.random.default_rng(0).permutation(len(texts))
    mixed = templates(openings([texts[row] for row in order]))
    pairs = set(zip(found[order].tolist(), mixed.tolist()))
    assert len(pairs) == len(set(found.tolist())) == len(set(mixed.tolist()))


GROUPS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), min_size=1, max_size=30)


@settings(max_examples=150, deadline=None)
@given(GROUPS, st.integers(1, 12))
def test_at_most_as_many_of_a_template_as_the_pool_makes_necessary(rows, n):
    # copies are of one template
    alike = numpy.array([copy * 5 + form for copy, form in rows])
    forms = numpy.array([form for _, form in rows])
    groups = keep_apart(alike, forms, n)
    different = len(set(alike.tolist()))
    chosen, _ = uniform(numpy.ones(len(rows)), n, numpy.random.default_rng(0), groups=groups)
    assert len(chosen) == min(n, different)
    assert len(set(alike[chosen].tolist())) == len(chosen)
    counts = numpy.bincount(forms[chosen])
    sizes = [len(set(alike[forms == form].tolist())) for form in set(forms.tolist())]
    if different > n:
        least = next(m for m in range(1, 31) if sum(min(size, m) for size in sizes) >= n)
        assert counts.max() <= least
    if len(set(forms.tolist())) >= n:
        assert counts.max() == 1 and share_repeated(forms[chosen]) == 0


def test_what_can_be_drawn_shrinks_by_the_whole_group():
    rng, groups = numpy.random.default_rng(1), numpy.array([0, 0, 0, 1, 2, 2, 3])
    rows, chances = uniform(numpy.ones(7), 4, rng, groups=groups)
    left = eligible_at(groups, rows)
    assert (chances == 1 / left).all()
    assert left[0] == 7 and left[-1] == numpy.bincount(groups)[groups[rows[-1]]]
    rows, chances = stochastic(numpy.ones(7), 4, rng, groups=groups)
    assert chances == pytest.approx(1 / eligible_at(groups, rows))

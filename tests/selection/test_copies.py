"""Pools in which every text stands several times: a batch holds none of them twice."""

import inspect
from types import SimpleNamespace

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_al.arrays.distribution import row_entropy
from spacy_al.corpus.duplicates import FEWEST, PARTS, copy_keys, near_key
from spacy_al.registry import al_samplers
from spacy_al.selection.copies import copies
from spacy_al.selection.rank import top_k

NAMES = ("top_k", "uniform", "stochastic", "quotas", "near_positives", "representative")
WORDS = [f"w{'abcdefghij'[i // 10]}{'abcdefghij'[i % 10]}" for i in range(100)]


def rng(seed=0):
    return numpy.random.default_rng(seed)


def sentences(size, seed=0):
    source = rng(seed)
    return [source.choice(WORDS, source.integers(FEWEST, 20)).tolist() for _ in range(size)]


def with_copies(pool, times, seed=1):
    """Every sentence so many times, in all but the first a word that occurs nowhere else; and whose copy each is."""
    source, texts = rng(seed), []
    for number, words in enumerate(pool):
        for time in range(times):
            changed = list(words)
            if time:
                # letters alone, since all digits count as one
                changed[source.integers(len(words))] = f"{'xyzuv'[time]}{WORDS[number % 100]}q"
            texts.append(" ".join(changed))
    return texts, numpy.repeat(numpy.arange(len(pool)), times)


def bald(probs):
    """Mutual information of a label and the member of the committee, (N, M, K) -> (N,)."""
    return numpy.maximum(row_entropy(probs.mean(axis=1)) - row_entropy(probs).mean(axis=1), 0.0)


def arrays(times, seed=0, size=60):
    """A pool whose every row stands so many times."""
    probs = rng(seed).dirichlet(numpy.ones(4), (size, 5)).repeat(times, axis=0)
    given = {
        "embeddings": rng(seed + 1).normal(size=(size, 8)).repeat(times, axis=0),
        "label_probs": probs.mean(axis=1),
        "labelled": SimpleNamespace(
            embeddings=rng(2).normal(size=(4, 8)),
            counts=numpy.eye(4, dtype="i8")[[0, 0, 1, 2]],
            labels=tuple("ABCD"),
        ),
    }
    return bald(probs), numpy.repeat(numpy.arange(size), times), given


def call(name, scores, n, groups, given):
    sampler = al_samplers.get(f"spacy-al.{name}.v1")()
    named = inspect.signature(sampler).parameters
    return sampler(
        scores, n, rng(), groups=groups, **{k: v for k, v in given.items() if k in named}
    )[0]


@pytest.mark.parametrize("times", [2, 5])
@pytest.mark.parametrize("name", NAMES)
def test_no_exact_copies_in_a_batch(name, times):
    scores, origin, given = arrays(times)
    rows = call(name, scores, 20, origin, given)
    assert len(rows) == len(set(origin[rows].tolist())) == 20


@pytest.mark.parametrize("times", [2, 5])
def test_the_highest_scores_alone_are_copies_of_each_other(times):
    """What groups are for: of as many questions, several times as few are different ones (Kirsch et al., 2019)."""
    scores, origin, _ = arrays(times)
    alone, _ = top_k(scores, 20, rng())
    assert len(set(origin[alone].tolist())) == 20 // times
    # chance hits copies too, but not as often
    chance = rng().choice(len(scores), 20, replace=False)
    assert len(set(origin[chance].tolist())) > 20 // times


@pytest.mark.parametrize("times", [2, 5])
@pytest.mark.parametrize("name", NAMES)
def test_no_text_with_one_word_changed_in_a_batch(name, times):
    texts, origin = with_copies(sentences(60), times)
    groups = copies(numpy.array([copy_keys(text) for text in texts], dtype="u8"))
    assert groups.tolist() == origin.tolist()
    # the hash of the whole text tells them apart, so it does not do here
    assert len({near_key(text) for text in texts}) == len(texts)
    scores, _, given = arrays(times)
    rows = call(name, scores, 20, groups, given)
    assert len(rows) == len(set(origin[rows].tolist())) == 20


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=16), st.data())
def test_keys_are_shared_where_one_word_was_changed(words, data):
    place = data.draw(st.integers(0, len(words) - 1))
    changed = [*words[:place], "x", *words[place + 1 :]]
    shared = set(copy_keys(" ".join(words))) & set(copy_keys(" ".join(changed)))
    assert bool(shared) == (len(words) >= FEWEST)
    assert len(copy_keys(" ".join(words))) == PARTS
    # spelling that does not count does not count here either
    assert copy_keys(" ".join(words).upper() + " .") == copy_keys(" ".join(words))


def test_keys_are_not_shared_by_what_is_longer_or_in_another_order():
    text = WORDS[:12]
    keys = set(copy_keys(" ".join(text)))
    for other in (text[1:], [*text, "more"], text[::-1], [*text[5:], *text[:5]]):
        assert keys.isdisjoint(copy_keys(" ".join(other)))
    # two words far apart are two changes
    assert keys.isdisjoint(copy_keys(" ".join(["x", *text[1:-1], "y"])))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=10))
def test_copies_against_merging_sets(pairs):
    groups = list(range(len(pairs)))
    for _ in pairs:
        for i, first in enumerate(pairs):
            for j, second in enumerate(pairs):
                if set(first) & set(second):
                    low = min(groups[i], groups[j])
                    groups[i] = groups[j] = low
    order = list(dict.fromkeys(groups))
    found = copies(numpy.array(pairs, dtype="u8").reshape(-1, 2))
    assert found.tolist() == [order.index(group) for group in groups]

"""Tag count and fluctuation against plain loops over what was predicted, round after round."""

from types import SimpleNamespace

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from spacy_al.acquisition.fluctuation import make_fluctuation
from spacy_al.acquisition.tag_count import make_tag_count
from spacy_al.errors import AlError, UsageError

quick = settings(max_examples=40, deadline=None)


def entities(rows):
    rows = numpy.asarray(rows, dtype="f8").reshape(-1, 3)
    return SimpleNamespace(token_probs=rows, best_logprob=0.0, labels=("A", "B"))


def categories(probs, exclusive):
    return SimpleNamespace(probs=numpy.asarray(probs, dtype="f8"), exclusive=exclusive)


def spans(probs):
    return SimpleNamespace(span_probs=numpy.asarray(probs, dtype="f8"))


def rows_of(seed, n, width=3):
    return numpy.random.default_rng(seed).dirichlet(numpy.full(width, 0.5), n)


# tag count


def plain_tag_count(rows, expected):
    """The last of the labels is outside."""
    total = 0.0
    for row in rows.tolist():
        total += sum(row[:-1]) if expected else float(max(row[:-1]) > row[-1])
    return total


@quick
@given(st.lists(st.integers(0, 6), min_size=1, max_size=6), st.integers(0, 1000), st.booleans())
def test_words_in_entities(lengths, seed, expected):
    docs = [rows_of(seed + i, n) for i, n in enumerate(lengths)]
    found = make_tag_count(expected)([entities(rows) for rows in docs])
    assert_allclose(found, [plain_tag_count(rows, expected) for rows in docs], atol=1e-12)


def test_spans_and_categories():
    docs = [[0.9, 0.2, 0.6], [], [0.5]]
    assert_allclose(make_tag_count()([spans(probs) for probs in docs]), [1.7, 0, 0.5])
    assert make_tag_count(False)([spans(probs) for probs in docs]).tolist() == [2, 0, 0]
    several = [categories(probs, False) for probs in ([0.9, 0.2, 0.6], [0.1, 0.1, 0.0])]
    assert_allclose(make_tag_count()(several), [1.7, 0.2])
    assert make_tag_count(False)(several).tolist() == [2, 0]


def test_one_that_is_sure_is_counted():
    sure = entities(numpy.eye(3)[[0, 2, 1, 1]])
    assert make_tag_count()([sure]).tolist() == make_tag_count(False)([sure]).tolist() == [3]
    nothing = entities(numpy.eye(3)[[2, 2]])
    assert make_tag_count()([nothing]).tolist() == [0]
    assert not numpy.signbit(make_tag_count()([nothing])).any()


def test_where_something_always_applies_there_is_nothing_to_count():
    tags = SimpleNamespace(token_probs=numpy.full((2, 3), 1 / 3))
    for posterior in (tags, categories([0.5, 0.5], True)):
        with pytest.raises(AlError, match=r"AL020.*tag_count.*entities, spans or multilabel"):
            make_tag_count()([posterior])


# fluctuation


class History:
    """The strategy as one would write it who scores a pool each round and keeps what it found."""

    def __init__(self, window=3, weight=0.5):
        self.window, self.weight, self.kept = window, weight, {}

    def score(self, name, doubt):
        own = self.kept.setdefault(name, [])
        own.append(doubt)
        del own[: -self.window]
        mean = sum(own) / len(own)
        variance = sum((value - mean) ** 2 for value in own) / len(own)
        return self.weight * own[-1] + (1 - self.weight) * variance


MAKE = {
    "entities": lambda rows: entities(rows),
    "tokens": lambda rows: SimpleNamespace(token_probs=rows),
    "exclusive": lambda rows: categories(rows[0], True),
    "several": lambda rows: categories(rows[:, 0], False),
    "spans": lambda rows: spans(rows[:, 0]),
}


def plain_doubt(kind, rows):
    if kind == "exclusive":
        return 1 - max(rows[0])
    if kind in ("several", "spans"):
        return max(min(p, 1 - p) for p in rows[:, 0])
    return max(1 - max(row) for row in rows)


@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize("weight", [0.5, 0.0, 1.0])
def test_round_after_round(kind, weight):
    history, rounds = History(weight=weight), []
    for number in range(5):
        rounds.append([rows_of(10 * number + i, 1 + i) for i in range(4)])
        expected = [history.score(i, plain_doubt(kind, rows)) for i, rows in enumerate(rounds[-1])]
        # this round's model first, and then those before, as far as the committee reaches
        last = rounds[::-1][:3]
        posteriors = [
            SimpleNamespace(members=tuple(MAKE[kind](before[i]) for before in last))
            for i in range(4)
        ]
        assert_allclose(make_fluctuation(weight)(posteriors), expected, atol=1e-12)


def test_who_changed_comes_before_who_did_not():
    def committee(*doubts):
        return SimpleNamespace(members=tuple(categories([1 - d, d], True) for d in doubts))

    # as sure now, and not so before
    calm, changed = committee(0.3, 0.3, 0.3), committee(0.3, 0.0, 0.5)
    quiet, loud = make_fluctuation()([calm, changed])
    assert quiet == pytest.approx(0.15) and loud == pytest.approx(
        0.15 + 0.5 * numpy.var([0.3, 0, 0.5])
    )
    # in the first round there is only doubt
    alone = make_fluctuation()([committee(0.3), committee(0.4)])
    assert_allclose(alone, [0.15, 0.2])


def test_words_are_reduced_as_is_asked_for():
    members = [entities(rows_of(seed, 5)) for seed in (0, 1)]
    posterior = SimpleNamespace(members=tuple(members))
    doubts = [1 - member.token_probs.max(axis=1) for member in members]
    for how, reduced in (("mean", numpy.mean), ("sum", numpy.sum), ("max", numpy.max)):
        values = [reduced(own) for own in doubts]
        expected = 0.5 * values[0] + 0.5 * numpy.var(values)
        assert_allclose(make_fluctuation(reduce=how)([posterior]), [expected])


def test_what_has_no_history_is_refused():
    with pytest.raises(AlError, match=r"AL020.*fluctuation.*committee"):
        make_fluctuation()([entities(rows_of(0, 2))])
    one, two = (SimpleNamespace(members=(categories([0.5, 0.5], True),) * n) for n in (1, 2))
    with pytest.raises(AlError, match=r"AL024.*1 members"):
        make_fluctuation()([one, two])
    for settings_ in ({"weight": -0.1}, {"weight": 1.1}, {"k": 0}):
        with pytest.raises(UsageError, match="AL023"):
            make_fluctuation(**settings_)
    with pytest.raises(UsageError, match="AL022"):
        make_fluctuation(reduce="min")
    assert make_fluctuation()([]).shape == (0,)

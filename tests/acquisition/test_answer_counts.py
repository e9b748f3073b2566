"""What a model expects of a text's counts, against analyses drawn from its own posterior."""

from types import SimpleNamespace

import numpy
import pytest
from numpy.testing import assert_allclose

from spacy_al import get_posteriors
from spacy_al.acquisition.answer_counts import (
    MOST_LABELS,
    N_MOMENTS,
    answer_counts,
    expected_label_counts,
)
from spacy_al.errors import AlError
from tests.helpers.ner_oracle import make_ner


def test_of_entities_they_are_the_moments_of_drawn_analyses():
    nlp = make_ner(updates=3)
    docs = [nlp.make_doc(text) for text in ("Dr Smith gave him aspirin", "two mg in Paris .")]
    posteriors = get_posteriors(nlp, docs)
    found = answer_counts(posteriors)
    assert found.shape == (2, N_MOMENTS + 3 * 2)
    rng = numpy.random.default_rng(0)
    for row, posterior in zip(found, posteriors):
        said = {(s.start, s.end, s.label) for s in posterior.greedy}
        drawn = [{(s.start, s.end, s.label) for s in posterior.sample(rng)} for _ in range(1500)]
        right = numpy.array([len(one & said) for one in drawn])
        wanted = numpy.array([len(one) for one in drawn])
        spread = numpy.cov(right, wanted)
        moments = [right.mean(), len(said), wanted.mean(), spread[0, 0], spread[0, 1], spread[1, 1]]
        assert_allclose(row[:6], moments, atol=0.12)
        by_label = row[6:].reshape(2, 3)
        assert_allclose(by_label.sum(axis=0), row[:3], atol=1e-4)
        for k, label in enumerate(posterior.labels):
            assert by_label[k, 1] == sum(name == label for *_, name in said)


def test_expected_marks_are_those_of_the_counts_of_any_number_of_labels():
    nlp = make_ner(updates=3)
    posteriors = get_posteriors(nlp, [nlp.make_doc("Dr Smith gave him aspirin")] * 2)
    by_label = answer_counts(posteriors).sum(axis=0)[N_MOMENTS:].reshape(-1, 3)[:, 2]
    assert expected_label_counts(posteriors) == pytest.approx(
        dict(zip(posteriors[0].labels, by_label))
    )
    names = tuple(map(str, range(MOST_LABELS + 5)))
    probs = numpy.arange(1.0, len(names) + 1) / sum(range(len(names) + 1))
    many = SimpleNamespace(probs=probs, exclusive=True, labels=names)
    assert expected_label_counts([many, many]) == pytest.approx(dict(zip(names, 2 * probs)))
    assert (
        expected_label_counts([])
        == {}
        == expected_label_counts([SimpleNamespace(members=(many, many))])
    )
    with pytest.raises(AlError, match="AL020"):
        expected_label_counts([SimpleNamespace(labels=("A",))])


def test_of_one_category():
    posterior = SimpleNamespace(probs=numpy.array([0.2, 0.7, 0.1]), exclusive=True, labels=("A", "B", "C"))  # fmt: skip
    (row,) = answer_counts([posterior])
    assert_allclose(row[:6], [0.7, 1, 1, 0.21, 0, 0])
    assert_allclose(row[6:].reshape(3, 3), [[0, 0, 0.2], [0.7, 1, 0.7], [0, 0, 0.1]])


def test_of_several_categories():
    posterior = SimpleNamespace(probs=numpy.array([0.2, 0.7, 0.9]), exclusive=False, labels=("A", "B", "C"))  # fmt: skip
    (row,) = answer_counts([posterior])
    assert_allclose(row[:6], [1.6, 2, 1.8, 0.30, 0.30, 0.46])


def test_of_tags():
    probs = numpy.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    (row,) = answer_counts([SimpleNamespace(token_probs=probs, labels=("A", "B", "C"))])
    assert_allclose(row[:6], [1.3, 2, 2, 0.25 + 0.16, 0, 0])
    assert_allclose(row[6:].reshape(3, 3)[:, 2], [0.6, 0.4, 1.0])


def test_of_spans():
    one = SimpleNamespace(
        spans=(), span_probs=numpy.array([0.6, 0.3]), probs=numpy.array([[0.6, 0.1], [0.3, 0.5]]),
        exclusive=False, negative=None, labels=("A", "B"),
    )  # fmt: skip
    (row,) = answer_counts([one])
    assert_allclose(row[:3], [1.1, 2, 1.5])
    one.exclusive, one.negative = True, numpy.array([0.3, 0.6])
    (row,) = answer_counts([one])
    assert_allclose(row[:3], [0.6, 1, 1.5])


def test_of_many_labels_there_are_none_by_label():
    probs = numpy.full(MOST_LABELS + 1, 1 / (MOST_LABELS + 1))
    posterior = SimpleNamespace(probs=probs, exclusive=True, labels=tuple(map(str, range(len(probs)))))  # fmt: skip
    assert answer_counts([posterior]).shape == (1, N_MOMENTS)


def test_of_others():
    one = SimpleNamespace(probs=numpy.array([0.5, 0.5]), exclusive=True, labels=("A", "B"))
    committee = SimpleNamespace(members=(one, one), labels=("A", "B"))
    assert answer_counts([committee]).shape == (1, 0)
    committee.own = one
    assert answer_counts([committee])[0, 0] == 0.5
    assert answer_counts([]).shape == (0, N_MOMENTS)
    with pytest.raises(AlError, match="AL020"):
        answer_counts([SimpleNamespace(labels=("A",))])

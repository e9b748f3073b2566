"""Expected model change against the gradients themselves, over every answer there can be."""

import itertools
import math

import numpy
import pytest
from numpy.testing import assert_allclose

from spacy_al.acquisition.model_change import expected_model_change
from tests.acquisition.test_acquisition import make, random_rows


def gradient(probs, answer, features):
    """Of the cross-entropy in the weights of a linear layer: one row a label, one column a feature."""
    table = numpy.zeros((probs.shape[1], features.shape[1]))
    for row, label, feature in zip(probs, answer, features):
        for k in range(len(row)):
            table[k] += (row[k] - (k == label)) * feature
    return table


def unit_features(n, seed=0):
    features = numpy.random.default_rng(seed).normal(size=(n, 5))
    return features / numpy.linalg.norm(features, axis=1, keepdims=True)


def test_categories_against_every_answer():
    for seed in range(20):
        (probs,) = rows = random_rows(seed, 1)
        expected = sum(
            probs[k] * numpy.linalg.norm(gradient(rows, [k], unit_features(1, seed)))
            for k in range(3)
        )
        (score,) = expected_model_change([make("exclusive categories", rows)])
        assert_allclose(score, expected, rtol=1e-9)


@pytest.mark.parametrize("kind", ["tokens", "entities"])
def test_tokens_against_every_answer(kind):
    # whatever the directions of the features are: the errors of independent tokens are uncorrelated
    for seed in range(5):
        rows, squares = random_rows(seed, 4), 0.0
        for answer in itertools.product(range(3), repeat=4):
            prob = math.prod(rows[t, k] for t, k in enumerate(answer))
            squares += prob * (gradient(rows, answer, unit_features(4, seed)) ** 2).sum()
        (score,) = expected_model_change([make(kind, rows)])
        assert_allclose(score, math.sqrt(squares), rtol=1e-9)


@pytest.mark.parametrize("kind", ["multilabel categories", "spans"])
def test_yes_or_no_against_every_answer(kind):
    for seed in range(5):
        (probs,) = rows = random_rows(seed, 1)
        squares = 0.0
        for answer in itertools.product((0, 1), repeat=3):
            prob = math.prod(p if yes else 1 - p for p, yes in zip(probs, answer))
            squares += prob * sum((p - yes) ** 2 for p, yes in zip(probs, answer))
        (score,) = expected_model_change([make(kind, rows)])
        assert_allclose(score, math.sqrt(squares), rtol=1e-9)


def test_documents_may_differ_in_their_number_of_categories():
    few, many = numpy.full(2, 1 / 2), numpy.full(3, 1 / 3)
    posteriors = [make("exclusive categories", many), make("exclusive categories", many)]
    posteriors[0].probs = few
    assert_allclose(expected_model_change(posteriors), [math.sqrt(1 / 2), math.sqrt(2 / 3)])

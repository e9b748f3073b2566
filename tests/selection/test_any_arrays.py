"""The array functions are not about text: images of digits, and a regression."""

import inspect
from types import SimpleNamespace

import numpy
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_diabetes, load_digits
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression

from spacy_al import estimator_posteriors
from spacy_al.acquisition import posterior_kind
from spacy_al.acquisition.disagreement import members_of
from spacy_al.arrays.distribution import row_entropy
from spacy_al.registry import al_acquisitions, al_samplers

DIGITS = load_digits()
IMAGES, ANSWERS = DIGITS.data / 16.0, DIGITS.target
# half to choose from, half to measure on
POOL, TEST = numpy.arange(0, 1797, 2), numpy.arange(1, 1797, 2)
LABELS = tuple(map(str, range(10)))
SAMPLERS = sorted(name for name in al_samplers.get_all() if name.startswith("spacy-al."))


def rng(seed=0):
    return numpy.random.default_rng(seed)


def acquire(name, posteriors):
    return al_acquisitions.get(f"spacy-al.{name}.v1")()(posteriors)


def forest_committee(rows, images, seed=0, size=8):
    """Trees of a forest trained on the pool's `rows`, and what each says of images: one committee posterior an image."""
    forest = RandomForestClassifier(size, max_depth=6, random_state=seed)
    forest.fit(IMAGES[rows], ANSWERS[rows])
    members = [estimator_posteriors(tree, images, LABELS) for tree in forest.estimators_]
    posteriors = [
        SimpleNamespace(
            members=each,
            labels=LABELS,
            exclusive=True,
            probs=numpy.stack([member.probs for member in each]),
        )
        for each in zip(*members)
    ]
    return forest, posteriors


@pytest.fixture(scope="module")
def committee():
    start = rng(0).choice(POOL, 60, replace=False)
    rest = numpy.setdiff1d(POOL, start)
    return (start, rest, *forest_committee(start, IMAGES[rest]))


def test_disagreement_of_the_trees(committee):
    _, rest, forest, posteriors = committee
    assert posterior_kind(posteriors[0]) == "committee of exclusive categories"
    together = estimator_posteriors(forest, IMAGES[rest], LABELS)
    # the forest is the mean of its trees
    assert_allclose(
        acquire("consensus_entropy", posteriors), acquire("entropy", together), atol=1e-9
    )
    apart = numpy.mean([acquire("entropy", column) for column in zip(*(p.members for p in posteriors))], axis=0)  # fmt: skip
    bald = acquire("bald", posteriors)
    assert_allclose(bald, acquire("entropy", together) - apart, atol=1e-9)
    votes = numpy.array([
        numpy.bincount([member.probs.argmax() for member in p.members], minlength=10)
        for p in posteriors[:50]
    ])  # fmt: skip
    decided = [p for p in posteriors[:50] if all((m.probs == m.probs.max()).sum() == 1 for m in p.members)]  # fmt: skip
    kept = [p in decided for p in posteriors[:50]]
    assert_allclose(acquire("vote_entropy", decided), row_entropy(votes[kept] / 8), atol=1e-9)


def test_uncertain_images_are_those_it_errs_on(committee):
    _, rest, forest, _ = committee
    together = estimator_posteriors(forest, IMAGES[rest], LABELS)
    wrong = forest.predict(IMAGES[rest]) != ANSWERS[rest]
    assert 0.05 < wrong.mean() < 0.6
    for name in ("margin", "entropy", "least_confidence", "expected_model_change"):
        highest = numpy.argsort(-acquire(name, together))[:100]
        assert wrong[highest].mean() > 1.3 * wrong.mean(), name


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_choose_images(committee, name):
    start, rest, forest, posteriors = committee
    together = estimator_posteriors(forest, IMAGES[rest], LABELS)
    given = {
        "lengths": numpy.full(len(rest), 64),
        "label_probs": numpy.array([posterior.probs for posterior in together]),
        "members": members_of(posteriors),
        "labelled": SimpleNamespace(
            embeddings=IMAGES[start], counts=numpy.eye(10, dtype="i8")[ANSWERS[start]]
        ),
    }
    given["labelled"].labels = LABELS
    sampler = al_samplers.get(name)()
    wanted = inspect.signature(sampler).parameters
    given = {key: value for key, value in given.items() if key in wanted}
    scores = acquire("margin", together)
    rows, propensities, *_ = sampler(scores, 20, rng(), embeddings=IMAGES[rest], **given)
    assert len(set(rows.tolist())) == len(propensities) == 20


@pytest.mark.parametrize("name", ["k_centre", "kmeans_pp", "facility_location", "typiclust", "error_reduction"])  # fmt: skip
def test_diverse_batches_hold_more_digits_than_likeness_does(name):
    # the 20 images most like one of them are nearly all of one digit
    nearest = numpy.argsort(((IMAGES[POOL] - IMAGES[POOL[0]]) ** 2).sum(axis=1))[:20]
    assert len(set(ANSWERS[POOL[nearest]].tolist())) <= 3
    sampler = al_samplers.get(f"spacy-al.{name}.v1")()
    rows, *_ = sampler(numpy.ones(len(POOL)), 20, rng(), embeddings=IMAGES[POOL])
    assert len(set(ANSWERS[POOL[rows]].tolist())) >= 7


def curve(sampler, seed, batch=20, rounds=8):
    """Accuracy on the test half after each round, from 20 images on."""
    take = al_samplers.get(f"spacy-al.{sampler}.v1")()
    known, scores = rng(seed).choice(POOL, 20, replace=False), []
    for _ in range(rounds):
        head = LogisticRegression(max_iter=200, C=10).fit(IMAGES[known], ANSWERS[known])
        scores.append(head.score(IMAGES[TEST], ANSWERS[TEST]))
        rest = numpy.setdiff1d(POOL, known)
        posteriors = estimator_posteriors(head, IMAGES[rest], list(map(str, range(10))))
        rows, _ = take(acquire("margin", posteriors), batch, rng(seed))
        known = numpy.concatenate([known, rest[rows]])
    return scores


@pytest.mark.slow
def test_margin_sampling_needs_fewer_labels_than_chance():
    chosen = numpy.mean([curve("top_k", seed) for seed in range(3)], axis=0)
    random = numpy.mean([curve("uniform", seed) for seed in range(3)], axis=0)
    assert chosen[-1] > random[-1] and chosen.mean() > random.mean()
    # what chance has at the end, after 160 labels, margin sampling has two rounds earlier
    assert chosen[-3] >= random[-1]


def test_variance_of_a_regression():
    data = load_diabetes()
    start, rest = numpy.arange(40), numpy.arange(40, 442)
    forest = RandomForestRegressor(20, random_state=0).fit(data.data[start], data.target[start])
    said = numpy.array([tree.predict(data.data[rest]) for tree in forest.estimators_])
    variance = said.var(axis=0)
    rows, propensities = al_samplers.get("spacy-al.top_k.v1")()(variance, 10, rng())
    assert set(rows.tolist()) == set(numpy.argsort(-variance)[:10].tolist())
    assert (propensities == 1).all()
    take = al_samplers.get("spacy-al.stochastic.v1")()
    drawn = [take(variance, 10, rng(seed)) for seed in range(50)]
    for rows, propensities in drawn:
        assert len(set(rows.tolist())) == 10 and ((propensities > 0) & (propensities <= 1)).all()
    means = [variance[rows].mean() for rows, _ in drawn]
    # more uncertain than the pool, less so than the highest
    assert variance.mean() < numpy.mean(means) < numpy.sort(variance)[-10:].mean()

"""Samplers that look ahead, against training anew for every candidate and every answer."""

import itertools
import math
from types import SimpleNamespace

import numpy
import pytest
import scipy.sparse
from numpy.testing import assert_allclose

from spacy_al.arrays.factored import Factored
from spacy_al.arrays.keyed_noise import KeyedGenerator
from spacy_al.errors import AlError, UsageError
from spacy_al.registry import al_samplers
from spacy_al.selection import error_reduction as module
from spacy_al.selection.density import unit_rows
from spacy_al.selection.error_reduction import (
    error_reduction,
    inverse_products,
    pool_information,
    shared_information,
)


def rng(seed=0):
    return numpy.random.default_rng(seed)


def fit(known, answers, ridge):
    """Ridge regression around the labels' shares, as anyone would write it: the function that it is."""
    share = fit.share if fit.share is not None else answers.mean(axis=0)
    inverse = numpy.linalg.inv(known.T @ known + ridge * numpy.eye(known.shape[1]))
    weights = inverse @ known.T @ (answers - share)
    return lambda rows: share + rows @ weights


fit.share = None


def answers_to(probs, exclusive):
    """Every answer (K,) there can be, and its probability."""
    size = len(probs)
    if exclusive:
        yield from ((numpy.eye(size)[k], probs[k]) for k in range(size))
        return
    for answer in itertools.product((0, 1), repeat=size):
        yield (
            numpy.array(answer, dtype="f8"),
            math.prod(p if a else 1 - p for p, a in zip(probs, answer)),
        )


def slow_gain(row, pool, targets, known, answers, probs, ridge, exclusive):
    """The expected squared change of the predictions on the targets, by training for every answer."""
    before, change = fit(known, answers, ridge)(targets), 0.0
    for answer, prob in answers_to(probs, exclusive):
        after = fit(numpy.vstack([known, pool[row]]), numpy.vstack([answers, answer]), ridge)
        change += prob * ((after(targets) - before) ** 2).sum()
    return change


def case(seed, n_labelled, exclusive=True, width=5, size=14):
    pool = unit_rows(rng(seed).normal(size=(size, width)))
    known = unit_rows(rng(seed + 1).normal(size=(n_labelled, width)))
    counts = numpy.eye(3, dtype="i8")[rng(seed + 2).integers(0, 3, n_labelled)]
    probs = rng(seed + 3).dirichlet(numpy.ones(3), size)
    if not exclusive:
        counts, probs = (
            rng(seed + 2).integers(0, 3, (n_labelled, 3)),
            rng(seed + 3).random((size, 3)),
        )
    return pool, SimpleNamespace(embeddings=known, counts=counts), probs


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("n_labelled", [2, 9])
def test_gain_equals_training_for_every_answer(monkeypatch, exclusive, n_labelled):
    seen = {}
    greedy = module._greedy
    monkeypatch.setattr(
        module, "_greedy", lambda *given: seen.update(zip("eri", given)) or greedy(*given)
    )
    for seed in range(3):
        pool, labelled, probs = case(seed, n_labelled, exclusive)
        answers = (labelled.counts > 0).astype("f8")
        monkeypatch.setattr(fit, "share", answers.mean(axis=0))
        expected = [
            slow_gain(row, pool, pool, labelled.embeddings, answers, probs[row], 0.3, exclusive)
            for row in range(len(pool))
        ]
        rows, propensities, own = error_reduction(
            numpy.arange(14.0)[::-1],
            1,
            rng(),
            embeddings=3 * pool,
            label_probs=probs,
            labelled=labelled,
            ridge=0.3,
        )
        gains = seen["e"] * seen["r"].diagonal() / (1 + seen["i"].diagonal()) ** 2
        assert_allclose(gains, expected, rtol=1e-9)
        assert rows.tolist() == [numpy.argmax(expected)] and propensities.tolist() == [1.0]
        # a mean over the targets, which are all 14
        assert_allclose(own, [max(expected) / 14])


def test_batches_against_training_after_each_pick():
    for seed in range(5):
        pool, labelled, probs = case(seed, 4)
        answers = labelled.counts.astype("f8")
        start = fit(labelled.embeddings, answers, 1.0)(pool)
        error = ((1 - 2 * start) * probs).sum(axis=1) + (start**2).sum(axis=1)
        known, expected, best = labelled.embeddings, [], []
        for _ in range(6):
            inverse = numpy.linalg.inv(known.T @ known + numpy.eye(5))
            gains = [
                -1.0
                if row in expected
                else error[row]
                * sum((u @ inverse @ pool[row]) ** 2 for u in pool)
                / (1 + pool[row] @ inverse @ pool[row]) ** 2
                for row in range(len(pool))
            ]
            expected.append(int(numpy.argmax(gains)))
            best.append(max(gains) / len(pool))
            known = numpy.vstack([known, pool[expected[-1]]])
        given = {"embeddings": pool, "label_probs": probs, "labelled": labelled, "ridge": 1.0}
        rows, _, own = error_reduction(numpy.arange(14.0)[::-1], 6, rng(), **given)
        assert rows.tolist() == expected
        assert_allclose(own, best)


@pytest.mark.parametrize("n_labelled", [0, 2, 5, 20])
def test_both_systems_are_the_inverse(n_labelled):
    left, right, known = rng(0).normal(size=(4, 5)), rng(1).normal(size=(6, 5)), case(2, 20)[1]
    known = known.embeddings[:n_labelled]
    expected = left @ numpy.linalg.inv(known.T @ known + 0.2 * numpy.eye(5)) @ right.T
    assert_allclose(inverse_products(left, right, known, 0.2), expected, rtol=1e-9)
    left, right, known = map(scipy.sparse.csr_matrix, (left, right, known))
    assert_allclose(inverse_products(left, right, known, 0.2), expected, rtol=1e-9)


def test_finds_the_central_text_and_not_the_outlier():
    # one text in the middle of forty, and outliers of which the component knows less
    middle = numpy.eye(6)[0] + 0.2 * rng(0).normal(size=(40, 6))
    far = -5 * numpy.eye(6)[1:4]
    embeddings = numpy.vstack([far, numpy.eye(6)[:1], middle])
    scores = numpy.concatenate([numpy.full(3, 0.9), numpy.full(41, 0.8)])
    probs = numpy.column_stack([scores, 1 - scores])
    probs[:3] = 0.5
    rows, *_ = error_reduction(scores, 1, rng(), embeddings=embeddings, label_probs=probs)
    assert rows.tolist() == [3]
    # of what is known, nothing is expected
    probs[3] = 1.0, 0.0
    rows, *_ = error_reduction(scores, 1, rng(), embeddings=embeddings, label_probs=probs)
    assert rows[0] > 3


def test_a_batch_does_not_repeat_itself():
    clusters = numpy.repeat(numpy.eye(4), [40, 30, 20, 15], axis=0)
    rows, *_ = error_reduction(numpy.ones(105), 4, rng(), embeddings=clusters, ridge=0.01)
    assert sorted(numpy.digitize(rows, [40, 70, 90]).tolist()) == [0, 1, 2, 3]


def test_candidates_are_the_highest_scores_and_targets_belong_to_texts():
    scores, embeddings = rng(0).random(300), rng(1).normal(size=(300, 8))
    ids = rng(2).integers(0, 2**63, 300).astype("u8")
    for name, given in (
        ("error_reduction", {"embeddings": embeddings}),
        ("pool_information", {"members": rng(3).dirichlet(numpy.ones(3), (300, 4))}),
    ):
        sampler = al_samplers.get(f"spacy-al.{name}.v1")(candidates=20, targets=15)
        rows, *_ = sampler(scores, 8, KeyedGenerator(0, 0, ids), **given)
        assert set(rows.tolist()) <= set(numpy.argsort(-scores)[:20].tolist())
        order = rng(4).permutation(300)
        turned = {key: value[order] for key, value in given.items()}
        again, *_ = sampler(scores[order], 8, KeyedGenerator(0, 0, ids[order]), **turned)
        assert order[again].tolist() == rows.tolist()


def test_sparse_and_factored_embeddings():
    pool, labelled, probs = case(0, 9)
    scores = rng(0).random(14)
    whole, *_ = error_reduction(
        scores, 6, rng(), embeddings=pool, label_probs=probs, labelled=labelled
    )
    thin = SimpleNamespace(
        embeddings=scipy.sparse.coo_matrix(labelled.embeddings), counts=labelled.counts
    )
    given = {"embeddings": scipy.sparse.coo_matrix(pool), "labelled": thin}
    rows, *_ = error_reduction(scores, 6, rng(), label_probs=probs, **given)
    assert rows.tolist() == whole.tolist()
    factors = Factored(pool, rng(1).normal(size=(14, 3)))
    known = SimpleNamespace(embeddings=factors[:9], counts=labelled.counts)
    rows, *_ = error_reduction(scores, 6, rng(), embeddings=factors, labelled=known)
    assert len(set(rows.tolist())) == 6


def test_without_answers_the_component_alone_says_what_is_open():
    pool, labelled, probs = case(0, 4)
    nameless = SimpleNamespace(embeddings=labelled.embeddings, counts=numpy.zeros((4, 0)))
    inverse = numpy.linalg.inv(labelled.embeddings.T @ labelled.embeddings + 0.1 * numpy.eye(5))
    reach = numpy.array([sum((u @ inverse @ x) ** 2 for u in pool) for x in pool])
    reach /= (1 + numpy.array([x @ inverse @ x for x in pool])) ** 2
    for given, error in (({}, 1.0), ({"label_probs": probs}, (probs * (1 - probs)).sum(axis=1))):
        rows, *_ = error_reduction(numpy.ones(14), 1, rng(), embeddings=pool, labelled=nameless, **given)  # fmt: skip
        assert rows.tolist() == [int(numpy.argmax(error * reach))]


@pytest.mark.slow
def test_large_pools():
    size, known = 20_000, rng(1).normal(size=(500, 300))
    labelled = SimpleNamespace(embeddings=known, counts=rng(2).integers(0, 2, (500, 6)))
    given = {"embeddings": rng(0).normal(size=(size, 300)), "labelled": labelled, "targets": size}
    rows, *_ = error_reduction(rng(3).random(size), 512, rng(), **given)
    assert len(set(rows.tolist())) == 512


@pytest.mark.parametrize(
    "change, code",
    [
        ({"embeddings": None}, "AL025"),
        ({"embeddings": numpy.ones((3, 5))}, "AL024.*embeddings"),
        ({"label_probs": numpy.full((14, 2), 0.5)}, "AL024.*probabilities of labels"),
        ({"label_probs": numpy.full((3, 3), 0.5)}, "AL024.*probabilities of labels"),
        ({"label_probs": numpy.full((14, 3), 1.5)}, "AL021"),
        ({"labelled": SimpleNamespace(embeddings=numpy.ones((2, 4)), counts=numpy.ones((2, 3)))}, "AL024"),
        ({"labelled": SimpleNamespace(embeddings=numpy.ones((2, 5)), counts=numpy.ones((3, 3)))}, "AL024"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_explained(change, code):
    pool, labelled, probs = case(0, 4)
    given = {"embeddings": pool, "label_probs": probs, "labelled": labelled, **change}
    with pytest.raises(UsageError if code == "AL025" else AlError, match=code):
        error_reduction(numpy.ones(14), 3, rng(), **given)


# information on the pool


def slow_information(targets, candidate):
    """The mean over targets of the mutual information of two answers, from their joint distribution."""
    n_members, n_labels = candidate.shape
    total = 0.0
    for target in targets:
        for a, b in itertools.product(range(n_labels), repeat=2):
            joint = sum(target[m, a] * candidate[m, b] for m in range(n_members)) / n_members
            apart = target[:, a].mean() * candidate[:, b].mean()
            total += joint * math.log(joint / apart) if joint > 0 else 0.0
    return total / len(targets)


@pytest.mark.parametrize("chunk", [1, 100, 500_000])
def test_information_against_the_joint(monkeypatch, chunk):
    monkeypatch.setattr(module, "CHUNK", chunk)
    members = rng(0).dirichlet(numpy.full(3, 0.4), (12, 4))
    members[0], members[1, :, 2] = [[1, 0, 0]] * 4, 0
    members[1] /= members[1].sum(axis=1, keepdims=True)
    expected = [slow_information(members[5:], candidate) for candidate in members]
    assert_allclose(shared_information(members[5:], members), expected, atol=1e-12)
    rows, propensities, own = pool_information(numpy.ones(12), 3, rng(), members=members)
    whole = numpy.array([slow_information(members, candidate) for candidate in members])
    assert rows.tolist() == numpy.argsort(-whole)[:3].tolist() and propensities.tolist() == [1] * 3
    assert_allclose(own, numpy.sort(whole)[::-1][:3], atol=1e-12)


def test_members_that_agree_share_nothing_and_outliers_little():
    agreed = numpy.repeat(rng(0).dirichlet(numpy.ones(3), (6, 1)), 5, axis=1)
    assert_allclose(shared_information(agreed, agreed), 0, atol=1e-12)
    # two members differ on forty texts in one way; on an outlier others differ, and more
    members = numpy.full((41, 4, 2), 0.5)
    members[:40, :2], members[:40, 2:] = [0.9, 0.1], [0.1, 0.9]
    members[40, ::2], members[40, 1::2] = [1, 0], [0, 1]
    rows, *_ = pool_information(numpy.ones(41), 41, rng(), members=members)
    assert rows[-1] == 40


def test_one_of_each_group():
    members = rng(0).dirichlet(numpy.ones(3), (30, 4))
    rows, *_ = pool_information(
        rng(1).random(30), 30, rng(), members=members, groups=numpy.arange(30) // 3
    )
    assert sorted((rows // 3).tolist()) == list(range(10))


def test_a_committee_of_exclusive_categories_is_needed():
    with pytest.raises(UsageError, match=r"AL240.*committee"):
        pool_information(numpy.ones(4), 2, rng())
    for members in (numpy.full((4, 2, 3), 0.5), numpy.ones((4, 2)), numpy.zeros((4, 2, 3))):
        with pytest.raises(AlError, match=r"AL241.*exclusive"):
            pool_information(numpy.ones(4), 2, rng(), members=members)
    with pytest.raises(AlError, match="AL024"):
        pool_information(numpy.ones(4), 2, rng(), members=numpy.full((5, 2, 2), 0.5))

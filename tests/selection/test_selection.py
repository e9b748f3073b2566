"""Samplers against slow references, and a contract that every registered one keeps."""

import builtins
import inspect
import pickle
import time
from types import SimpleNamespace

import numpy
import pytest
import scipy.sparse
import spacy
from confection import ConfigValidationError
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from spacy_al.errors import AlError, UsageError
from spacy_al.registry import al_samplers
from spacy_al.selection import cosine_to_pool, density, knn_density, mean_cosine, unit_sum
from spacy_al.selection.rank import top_k, uniform
from tests.helpers.randomness import global_state

NAMES = sorted(name for name in al_samplers.get_all() if name.startswith("spacy-al."))
OWN_SCORES = {"spacy-al.error_reduction.v1", "spacy-al.pool_information.v1"}
quick = settings(max_examples=40, deadline=None)


def rng(seed=0):
    return numpy.random.default_rng(seed)


def pool(seed=0, size=30):
    scores = rng(seed).random(size)
    return scores, rng(seed + 100).normal(size=(size, 4))


def more(sampler, size):
    """What a sampler names beside embeddings and groups, of three labels and five labelled texts."""
    probs = rng(3).dirichlet(numpy.ones(3), size)
    counts = numpy.eye(3, dtype="i8")[[0, 1, 2, 0, 1]]
    given = {
        "lengths": rng(1).integers(1, 30, size),
        "label_probs": probs,
        "members": numpy.stack([probs, probs[:, [1, 0, 2]]], axis=1),
        "labelled": SimpleNamespace(embeddings=rng(2).normal(size=(5, 4)), counts=counts),
    }
    named = inspect.signature(sampler).parameters
    return {name: value for name, value in given.items() if name in named}


def draw(name, n, seed=0, size=30, groups=None):
    scores, embeddings = pool(size=size)
    sampler = al_samplers.get(name)()
    given = {"embeddings": embeddings, "groups": groups, **more(sampler, size)}
    return sampler(scores, n, rng(seed), **given)


# the contract

every = pytest.mark.parametrize("name", NAMES)


@pytest.mark.slow
@every
@pytest.mark.parametrize("n", [0, 1, 7, 30, 31, 500])
def test_never_repeats_and_propensities(name, n):
    rows, propensities, *own = draw(name, n)
    assert len(rows) == len(set(rows.tolist())) == min(n, 30)
    assert set(rows.tolist()) <= set(range(30))
    assert numpy.issubdtype(rows.dtype, numpy.integer)
    assert propensities.shape == rows.shape and propensities.dtype == numpy.float64
    assert ((propensities > 0) & (propensities <= 1)).all()
    # and what it ranked by, where that is its own
    assert len(own) == (name in OWN_SCORES)
    for scores in own:
        assert scores.shape == rows.shape and numpy.isfinite(scores).all()
        assert (scores >= 0).all()


@pytest.mark.slow
@every
def test_obeys_its_seed(name):
    for seed in range(3):
        first, second = draw(name, 8, seed), draw(name, 8, seed)
        assert first[0].tolist() == second[0].tolist()
        assert first[1].tolist() == second[1].tolist()


@every
def test_leaves_the_global_state_and_its_inputs_alone(name):
    scores, embeddings = pool()
    before, kept = global_state(), (scores.copy(), embeddings.copy())
    sampler = al_samplers.get(name)()
    sampler(scores, 5, rng(), embeddings=embeddings, **more(sampler, 30))
    assert global_state() == before
    assert (scores == kept[0]).all() and (embeddings == kept[1]).all()


@every
def test_at_most_one_of_a_group(name):
    groups = numpy.arange(30) // 3 - 2
    for n, expected in ((6, 6), (10, 10), (11, 10)):
        rows, propensities, *_ = draw(name, n, groups=groups)
        assert len(rows) == len(set(groups[rows].tolist())) == len(propensities) == expected
        assert ((propensities > 0) & (propensities <= 1)).all()


@every
def test_empty_pool(name):
    sampler = al_samplers.get(name)()
    empty = numpy.zeros(0, dtype="i8")
    for groups in (None, empty):
        given = {"embeddings": numpy.zeros((0, 4)), "groups": groups, **more(sampler, 0)}
        rows, propensities, *own = sampler(numpy.zeros(0), 5, rng(), **given)
        assert rows.shape == propensities.shape == (0,) and all(len(values) == 0 for values in own)


@every
def test_refuses_a_negative_n_and_unequal_lengths(name):
    with pytest.raises(UsageError, match="AL023"):
        draw(name, -1)
    with pytest.raises(AlError, match="AL024"):
        draw(name, 3, groups=numpy.zeros(7, dtype="i8"))


@every
def test_pickles_and_resolves_from_config(name):
    sampler = spacy.registry.resolve({"x": {"@al_samplers": name}})["x"]
    again = pickle.loads(pickle.dumps(sampler))
    scores, embeddings = pool()
    rows, *_ = again(scores, 5, rng(), embeddings=embeddings, **more(again, 30))
    assert rows.tolist() == draw(name, 5)[0].tolist()
    with pytest.raises(ConfigValidationError):
        spacy.registry.resolve({"x": {"@al_samplers": name, "no_such_key": 1}})


# top k


@quick
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), max_size=12),
    st.integers(0, 14),
    st.booleans(),
)
def test_top_k_against_sorting(pairs, n, grouped):
    scores = numpy.array([score for score, _ in pairs], dtype="f8")
    groups = numpy.array([group for _, group in pairs], dtype="i8") if grouped else None
    expected, seen = [], set()
    for row in sorted(range(len(pairs)), key=lambda row: (-pairs[row][0], row)):
        group = pairs[row][1] if grouped else row
        if group not in seen and len(expected) < n:
            expected.append(row)
            seen.add(group)
    rows, propensities = top_k(scores, n, rng(), groups=groups)
    assert rows.tolist() == expected
    assert (propensities == 1).all()


def test_top_k_is_blind_to_float_noise():
    scores = numpy.repeat([0.1, 0.7, 0.4], 10)
    for seed in range(5):
        noisy = scores * (1 + 1e-13 * rng(seed).normal(size=30))
        assert top_k(noisy, 14, rng())[0].tolist() == [*range(10, 20), *range(20, 24)]
    # and not to what one can see
    assert top_k(numpy.array([0.123456, 0.123457]), 1, rng())[0].tolist() == [1]
    assert top_k(numpy.array([1.1e-30, 1.2e-30]), 1, rng())[0].tolist() == [1]


def test_top_k_refuses_nan():
    with pytest.raises(AlError, match=r"AL021.*nan in row 2"):
        top_k(numpy.array([0.0, 1.0, numpy.nan]), 1, rng())


@pytest.mark.slow
def test_a_million_rows_take_about_a_second():
    scores, groups = rng().random(1_000_000), rng().integers(0, 700_000, 1_000_000)
    for sampler in (top_k, uniform):
        for given_groups in (None, groups):
            start = time.process_time()
            rows, _ = sampler(scores, 100, rng(), groups=given_groups)
            assert time.process_time() - start < 5
            assert len(rows) == 100


# uniform


def test_uniform_propensities_are_conditional():
    rows, propensities = uniform(numpy.zeros(5), 5, rng())
    assert sorted(rows.tolist()) == list(range(5))
    assert propensities.tolist() == [1 / 5, 1 / 4, 1 / 3, 1 / 2, 1]
    groups = numpy.array([7, 7, 7, -1, 3])
    for seed in range(10):
        rows, propensities = uniform(numpy.zeros(5), 5, rng(seed), groups=groups)
        eligible = set(range(5))
        for row, propensity in zip(rows.tolist(), propensities.tolist()):
            assert row in eligible and propensity == 1 / len(eligible)
            eligible -= {other for other in eligible if groups[other] == groups[row]}
        assert not eligible


def test_uniform_is_uniform_and_nested():
    # rows 0 and 1 share a group: each is drawn first with 1/4, and 2 or 3 second with known odds
    groups, first = numpy.array([0, 0, 1, 2]), numpy.zeros(4)
    for seed in range(2000):
        rows, _ = uniform(numpy.zeros(4), 1, rng(seed), groups=groups)
        first[rows] += 1
    assert_allclose(first / 2000, 0.25, atol=0.05)
    long, short = uniform(numpy.zeros(50), 20, rng(3))[0], uniform(numpy.zeros(50), 5, rng(3))[0]
    assert long[:5].tolist() == short.tolist()


# density


def slow_similarities(vectors):
    """(1 + cos) / 2 of every pair, 1/2 where a row is zeros."""
    table = numpy.full((len(vectors), len(vectors)), 0.5)
    for i, a in enumerate(vectors):
        for j, b in enumerate(vectors):
            lengths = numpy.linalg.norm(a) * numpy.linalg.norm(b)
            if lengths > 0:
                table[i, j] = (1 + float(a @ b) / lengths) / 2
    return table


@quick
@given(st.lists(st.lists(st.integers(-3, 3), min_size=3, max_size=3), min_size=1, max_size=9))
def test_mean_cosine_against_all_pairs(rows):
    vectors = numpy.array(rows, dtype="f8")
    slow = slow_similarities(vectors).mean(axis=1)
    assert_allclose(mean_cosine(vectors), slow, atol=1e-12)
    assert_allclose(mean_cosine(scipy.sparse.csr_matrix(vectors)), slow, atol=1e-12)
    assert_allclose(mean_cosine(scipy.sparse.coo_array(vectors)), slow, atol=1e-12)
    assert_allclose(mean_cosine(vectors.astype("f4") * 1e-20), slow, atol=1e-6)
    assert_allclose(mean_cosine(vectors * 1e200), slow, atol=1e-12)


def test_density_of_shards_is_density_of_the_pool(monkeypatch):
    vectors = rng().normal(size=(50, 5))
    whole = mean_cosine(vectors)
    monkeypatch.setattr(density, "CHUNK", 7)
    assert_allclose(mean_cosine(vectors), whole, atol=1e-14)
    shards = [vectors[:20], vectors[20:20], vectors[20:]]
    total = sum(unit_sum(shard) for shard in shards)
    merged = numpy.concatenate([cosine_to_pool(shard, total, 50) for shard in shards])
    assert_allclose(merged, whole, atol=1e-14)


def test_densities_refuse_nan():
    vectors = rng().normal(size=(5, 3))
    vectors[2, 1] = numpy.nan
    for call in (mean_cosine, unit_sum, knn_density):
        with pytest.raises(AlError, match="AL021"):
            call(vectors)
    with pytest.raises(AlError, match="AL021"):
        mean_cosine(scipy.sparse.csr_matrix(vectors))
    assert mean_cosine(numpy.zeros((0, 3))).shape == (0,)


def slow_knn(vectors, k):
    table = slow_similarities(vectors)
    numpy.fill_diagonal(table, -1)
    return numpy.sort(table, axis=1)[:, ::-1][:, :k].mean(axis=1)


@pytest.mark.parametrize("k", [1, 3, 39, 100])
def test_knn_density_against_all_pairs(k):
    vectors = rng().normal(size=(40, 5))
    vectors[5] = 0
    vectors[10:25] = vectors[10]
    slow = slow_knn(vectors, min(k, 39))
    assert_allclose(knn_density(vectors, k), slow, atol=1e-6)
    assert_allclose(knn_density(scipy.sparse.csr_matrix(vectors), k), slow, atol=1e-6)


def test_knn_density_of_large_pools_is_close(monkeypatch):
    pytest.importorskip("faiss")
    monkeypatch.setattr(density, "EXACT", 100)
    vectors = rng().normal(size=(2500, 6))
    approximate = knn_density(vectors, 5)
    monkeypatch.setattr(density, "EXACT", 10_000)
    assert_allclose(approximate, knn_density(vectors, 5), atol=0.05)


def test_knn_density_corners():
    assert knn_density(numpy.ones((1, 3))).tolist() == [0.0]
    assert knn_density(numpy.ones((0, 3))).shape == (0,)
    with pytest.raises(UsageError, match="AL023"):
        knn_density(numpy.ones((4, 3)), k=0)


def test_densities_without_faiss(monkeypatch):
    real = builtins.__import__

    def hidden(name, *args, **kwargs):
        if name == "faiss":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", hidden)
    test_knn_density_against_all_pairs(3)
    monkeypatch.setattr(density, "EXACT", 3)
    with pytest.raises(AlError, match=r"AL026.*of 4 rows.*pip install 'spacy-al\[ann\]'"):
        knn_density(numpy.ones((4, 3)))


# cold start


def blobs(sizes, seed=0, spread=0.02):
    """Tight bundles of directions, one for each axis, and the bundle of each row."""
    bundle = numpy.repeat(numpy.arange(len(sizes)), sizes)
    centres = numpy.eye(len(sizes))[bundle]
    return centres + spread * rng(seed).normal(size=centres.shape), bundle


def representative(embeddings, n, seed=0, groups=None):
    sampler = al_samplers.get("spacy-al.representative.v1")()
    size = embeddings.shape[0]
    return sampler(numpy.zeros(size), n, rng(seed), embeddings=embeddings, groups=groups)[0]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "convert", [numpy.asarray, scipy.sparse.csr_matrix, scipy.sparse.coo_array]
)
def test_one_typical_row_of_each_cluster(seed, convert):
    embeddings, bundle = blobs([40, 5, 20, 10], seed)
    rows = representative(convert(embeddings), 4, seed)
    assert bundle[rows].tolist() == [0, 2, 3, 1]
    units = embeddings / numpy.linalg.norm(embeddings, axis=1, keepdims=True)
    for row in rows:
        members = numpy.flatnonzero(bundle == bundle[row])
        distances = numpy.linalg.norm(units[members] - units[members].mean(axis=0), axis=1)
        assert row == members[distances.argmin()]


def test_length_of_an_embedding_does_not_count():
    embeddings, _ = blobs([10, 10, 10])
    longer = embeddings * rng().uniform(0.1, 50, size=(30, 1))
    assert representative(longer, 3).tolist() == representative(embeddings, 3).tolist()


def test_duplicates_and_zeros_still_give_distinct_rows():
    for embeddings in (numpy.ones((12, 3)), numpy.zeros((12, 3)), numpy.eye(12)[[0] * 9 + [1] * 3]):
        for n in (1, 5, 12, 20):
            rows = representative(embeddings, n)
            assert len(set(rows.tolist())) == min(n, 12)
    assert {int(row) // 9 for row in representative(numpy.eye(12)[[0] * 9 + [1] * 3], 2)} == {0, 1}


def test_rows_of_a_group_take_part_once():
    embeddings, bundle = blobs([30, 3])
    # the large bundle is one text thirty times: it can be asked only once
    groups = numpy.where(bundle == 0, 0, numpy.arange(33))
    rows = representative(embeddings, 4, groups=groups)
    assert sorted(rows.tolist()) == [0, 30, 31, 32]


def test_large_pools_are_clustered_in_batches():
    embeddings, bundle = blobs([6000, 3000, 3000])
    rows = representative(embeddings, 3)
    assert sorted(bundle[rows].tolist()) == [0, 1, 2]
    assert rows.tolist() == representative(embeddings, 3).tolist()


def test_representative_needs_finite_embeddings():
    with pytest.raises(AlError, match="AL025"):
        al_samplers.get("spacy-al.representative.v1")()(numpy.zeros(3), 2, rng())
    with pytest.raises(AlError, match="AL021"):
        representative(numpy.array([[1.0, numpy.nan]]), 1)
    with pytest.raises(AlError, match="AL024"):
        al_samplers.get("spacy-al.representative.v1")()(
            numpy.zeros(3), 2, rng(), embeddings=numpy.ones((4, 2))
        )

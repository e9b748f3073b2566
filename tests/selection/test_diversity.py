"""Samplers that look at distances, each against a slow and obvious reference."""

from types import SimpleNamespace

import numpy
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from spacy_al.arrays.checks import round_significant
from spacy_al.arrays.factored import Factored, sketch, stack
from spacy_al.arrays.keyed_noise import KeyedGenerator
from spacy_al.errors import AlError, UsageError
from spacy_al.registry import al_samplers
from spacy_al.selection import clusters, prob_cover, typiclust
from spacy_al.selection.rows import scaled, squared_distances, squares

quick = settings(max_examples=30, deadline=None)
NAMES = [
    "cluster_margin",
    "facility_location",
    "k_centre",
    "kmeans_pp",
    "mmr",
    "prob_cover",
    "typiclust",
]
every = pytest.mark.parametrize("name", NAMES)


def rng(seed=0):
    return numpy.random.default_rng(seed)


def pool(seed=0, size=40, width=5):
    return rng(seed).random(size), rng(seed + 100).normal(size=(size, width))


def labels_at(embeddings):
    return SimpleNamespace(embeddings=embeddings, counts=numpy.ones((len(embeddings), 1)))


def take(name, scores, n, embeddings, seed=0, groups=None, labelled=None, **given):
    sampler = al_samplers.get(f"spacy-al.{name}.v1")(**given)
    more = {} if labelled is None else {"labelled": labels_at(labelled)}
    return sampler(scores, n, rng(seed), embeddings=embeddings, groups=groups, **more)


def cosine(a, b):
    return (1 + float(a @ b) / (numpy.linalg.norm(a) * numpy.linalg.norm(b))) / 2


def blobs(sizes, seed=0, spread=0.02):
    """Tight bundles of directions, one for each axis, and the bundle of each row."""
    bundle = numpy.repeat(numpy.arange(len(sizes)), sizes)
    return numpy.eye(len(sizes))[bundle] + spread * rng(seed).normal(
        size=(len(bundle), len(sizes))
    ), bundle


# what all have in common


@every
def test_needs_finite_embeddings_of_the_right_length(name):
    with pytest.raises(UsageError, match=f"AL025.*{name}"):
        take(name, numpy.ones(3), 2, None)
    with pytest.raises(AlError, match="AL021"):
        take(name, numpy.ones(3), 2, numpy.array([[1.0, 0.0], [numpy.nan, 1.0], [0.0, 1.0]]))
    with pytest.raises(AlError, match="AL024"):
        take(name, numpy.ones(3), 2, numpy.ones((4, 2)))


@every
@pytest.mark.parametrize("embeddings", [numpy.ones((12, 3)), numpy.zeros((12, 3))])
def test_copies_and_zeros_still_give_distinct_rows(name, embeddings):
    for n in (1, 5, 12, 20):
        rows, propensities = take(name, numpy.zeros(12), n, embeddings)
        assert len(set(rows.tolist())) == len(propensities) == min(n, 12)


@every
def test_sparse_rows_are_rows(name):
    scores, embeddings = pool()
    embeddings[rng(1).random(embeddings.shape) < 0.5] = 0
    embeddings[:, 0] += 0.1
    dense = take(name, scores, 9, embeddings)
    for convert in (scipy.sparse.csr_matrix, scipy.sparse.coo_array):
        rows, propensities = take(name, scores, 9, convert(embeddings))
        assert rows.tolist() == dense[0].tolist()
        assert_allclose(propensities, dense[1], rtol=1e-4)


@pytest.mark.parametrize("name", ["facility_location", "k_centre", "kmeans_pp", "mmr"])
def test_factored_rows_choose_as_multiplied_out_ones(name):
    factored = Factored(rng(1).normal(size=(40, 3)), rng(2).normal(size=(40, 4)))
    out = numpy.array([numpy.outer(a, b).ravel() for a, b in zip(factored.left, factored.right)])
    scores = rng().random(40)
    rows, propensities = take(name, scores, 12, factored)
    expected = take(name, scores, 12, out)
    assert rows.tolist() == expected[0].tolist()
    assert_allclose(propensities, expected[1], rtol=1e-4)


@pytest.mark.parametrize("name", ["cluster_margin", "prob_cover", "typiclust"])
def test_clusters_of_factored_rows(name):
    # three bundles of gradients: of one label pair with one of three contexts
    embeddings, bundle = blobs([20, 20, 20])
    factored = Factored(rng().uniform(1, 2, size=(60, 1)) * [0.5, -0.5], embeddings)
    given = {"kinds": 3} if name == "prob_cover" else {}
    all_rows = {"prefilter": 0} if name == "cluster_margin" else {}
    rows, _ = take(name, numpy.ones(60), 3, factored, **given, **all_rows)
    assert sorted(bundle[rows].tolist()) == [0, 1, 2]


@pytest.mark.parametrize(
    "name", ["facility_location", "k_centre", "kmeans_pp", "mmr", "prob_cover"]
)
def test_a_shuffled_pool_gives_the_same_texts(name):
    scores, embeddings = pool(3)
    ids = numpy.arange(40, dtype="u8") * 7919 + 13
    sampler = al_samplers.get(f"spacy-al.{name}.v1")()
    rows, propensities = sampler(scores, 9, KeyedGenerator(1, 2, ids), embeddings=embeddings)
    for seed in range(3):
        order = rng(seed).permutation(40)
        chance = KeyedGenerator(1, 2, ids[order])
        again, same = sampler(scores[order], 9, chance, embeddings=embeddings[order])
        if name != "prob_cover":  # whose k-means begins somewhere else
            assert ids[order][again].tolist() == ids[rows].tolist()
            assert_allclose(same, propensities, rtol=1e-4)
        assert len(again) == 9


@pytest.mark.parametrize("name", ["cluster_margin", "facility_location", "k_centre", "mmr"])
def test_only_the_highest_scores_take_part(name):
    scores, embeddings = pool()
    highest = set(numpy.argsort(-scores)[:12].tolist())
    rows, _ = take(name, scores, 4, embeddings, prefilter=3)
    assert set(rows.tolist()) <= highest
    rows, _ = take(name, scores, 12, embeddings, prefilter=1)
    assert set(rows.tolist()) == highest
    with pytest.raises(UsageError, match=r"AL023.*prefilter"):
        take(name, scores, 4, embeddings, prefilter=-1)


@pytest.mark.parametrize("name", sorted({*NAMES} - {"kmeans_pp"}))
def test_of_near_duplicates_the_highest_score_takes_part(name):
    scores, embeddings = pool()
    groups = numpy.arange(40) // 4
    rows, _ = take(name, scores, 10, embeddings, groups=groups)
    best = [4 * group + int(scores[4 * group : 4 * group + 4].argmax()) for group in range(10)]
    assert sorted(rows.tolist()) == best


# distances


@quick
@given(st.integers(0, 1000), st.floats(1e-150, 1e150))
def test_distances_against_subtraction(seed, scale):
    vectors = rng(seed).normal(size=(9, 4)) * scale
    vectors[3] = vectors[5]
    slow = numpy.array([[((a - b) ** 2).sum() for b in vectors / scale] for a in vectors / scale])
    rows = scaled(vectors)
    found = squared_distances(rows, squares(rows), rows) * (numpy.abs(vectors).max() / scale) ** 2
    assert_allclose(found, slow, atol=1e-4)
    assert found[3, 5] == found[5, 3] == 0 and (numpy.diag(found) == 0).all()


# k-centre


def slow_k_centre(scores, embeddings, n, rows, centres):
    chosen, centres = [], [*centres]
    while len(chosen) < n:
        left = [row for row in rows if row not in chosen]
        if centres:
            far = {
                row: min(numpy.linalg.norm(embeddings[row] - centre) for centre in centres)
                for row in left
            }
        else:
            far = {row: scores[row] for row in left}
        chosen.append(max(left, key=far.__getitem__))
        centres.append(embeddings[chosen[-1]])
    return chosen


@pytest.mark.slow
@quick
@given(st.integers(0, 1000), st.integers(0, 25), st.sampled_from([0, 1, 90]), st.booleans())
def test_k_centre_against_all_distances(seed, n, n_labelled, filtered):
    scores, embeddings = pool(seed, 25)
    labelled = rng(seed + 7).normal(size=(n_labelled, 5)) * 0.3
    rows = numpy.argsort(-scores)[: 2 * n] if filtered else numpy.arange(25)
    slow = slow_k_centre(scores, embeddings, n, rows.tolist(), labelled)
    found, propensities = take(
        "k_centre", scores, n, embeddings, labelled=labelled, prefilter=2 * filtered
    )
    assert found.tolist() == slow and (propensities == 1).all()


@pytest.mark.parametrize("seed", range(3))
def test_k_centre_against_other_libraries(seed):
    scores, embeddings = pool(seed, 60)
    found = take(
        "k_centre", scores[:55], 10, embeddings[:55], labelled=embeddings[55:], prefilter=0
    )[0]
    coresets = pytest.importorskip("small_text.query_strategies.coresets")
    rows = numpy.arange(60)
    theirs = coresets.greedy_coreset(
        embeddings, rows[:55], rows[55:], 10, distance_metric="euclidean"
    )
    assert found.tolist() == theirs.tolist()
    y = numpy.where(rows < 55, numpy.nan, 1.0)
    theirs, _ = pytest.importorskip("skactiveml.pool").k_greedy_center(embeddings, y, batch_size=10)
    assert found.tolist() == theirs.tolist()


# k-means++


def slow_weights(embeddings, chosen, free):
    """The weight of each row for the next draw, by the definition."""
    weights = []
    for row in range(len(embeddings)):
        near = [((embeddings[row] - embeddings[other]) ** 2).sum() for other in chosen]
        weights.append(min(near, default=(embeddings[row] ** 2).sum()) * free[row])
    return numpy.array(weights) if sum(weights) > 0 else free.astype("f8")


@quick
@given(st.integers(0, 1000), st.integers(1, 20), st.booleans())
def test_kmeans_pp_propensities_are_conditional(seed, n, grouped):
    scores, embeddings = pool(seed, 20, 3)
    embeddings[4:9] = embeddings[4]
    groups = rng(seed).integers(0, 12, 20) if grouped else None
    rows, propensities = take("kmeans_pp", scores, n, embeddings, seed, groups)
    free = numpy.ones(20, dtype=bool)
    for place, (row, propensity) in enumerate(zip(rows.tolist(), propensities.tolist())):
        weights = slow_weights(embeddings, rows[:place], free)
        assert_allclose(propensity, weights[row] / weights.sum(), rtol=1e-4)
        free[groups == groups[row] if grouped else row] = False
    assert len(rows) == min(n, len(set(groups.tolist())) if grouped else 20)


@pytest.mark.slow
def test_kmeans_pp_draws_as_often_as_it_says():
    embeddings = numpy.array([[3.0, 0.0], [0.0, 2.0], [1.0, 1.0], [0.0, 0.0]])
    expected, found = numpy.zeros((4, 4)), numpy.zeros((4, 4))
    for first in range(3):
        start = slow_weights(embeddings, [], numpy.ones(4))
        free = numpy.arange(4) != first
        then = slow_weights(embeddings, [first], free)
        expected[first] = start[first] / start.sum() * then / then.sum()
    for seed in range(1000):
        first, second = take("kmeans_pp", numpy.ones(4), 2, embeddings, seed)[0]
        found[first, second] += 1 / 1000
    # four standard errors of the greatest of them
    assert_allclose(found, expected, atol=4 * (0.25 / 1000) ** 0.5)
    assert (found[expected == 0] == 0).all()


def test_kmeans_pp_draws_copies_last():
    embeddings = numpy.array([[1.0, 0.0]] * 6 + [[0.0, 1.0], [5.0, 5.0]])
    for seed in range(20):
        rows, propensities = take("kmeans_pp", numpy.ones(8), 8, embeddings, seed)
        assert len({min(row, 5) if row < 6 else row for row in rows[:3].tolist()}) == 3
        assert_allclose(propensities[3:], [1 / 5, 1 / 4, 1 / 3, 1 / 2, 1])


# maximal marginal relevance


@quick
@given(st.integers(0, 1000), st.sampled_from([0.0, 0.3, 0.5, 0.9, 1.0]))
def test_mmr_against_its_formula(seed, weight):
    scores, embeddings = pool(seed, 20)
    chosen = []
    while len(chosen) < 8:
        value = {
            row: weight * scores[row] / scores.max()
            - (1 - weight)
            * max((cosine(embeddings[row], embeddings[c]) for c in chosen), default=0)
            for row in range(20)
            if row not in chosen
        }
        chosen.append(max(value, key=value.__getitem__))
    found, propensities = take("mmr", scores, 8, embeddings, weight=weight, prefilter=0)
    assert found.tolist() == chosen and (propensities == 1).all()
    if weight == 1:
        assert chosen == numpy.argsort(-scores)[:8].tolist()


def test_mmr_refuses_another_weight():
    with pytest.raises(AlError, match="AL021"):
        al_samplers.get("spacy-al.mmr.v1")(weight=1.5)


# facility location


@pytest.mark.slow
@quick
@given(st.integers(0, 1000), st.integers(0, 12), st.booleans())
def test_facility_location_against_the_plain_greedy_way(seed, n, weighted):
    scores, embeddings = pool(seed, 45, 4)
    scores *= weighted
    counts = scores if weighted else numpy.ones(45)
    table = [[cosine(a, b) for b in embeddings] for a in embeddings]

    def coverage(rows):
        return sum(count * max(row[c] for c in rows) for count, row in zip(counts, table))

    chosen = []
    while len(chosen) < n:
        left = [row for row in range(45) if row not in chosen]
        chosen.append(max(left, key=lambda row: coverage([*chosen, row])))
    found, propensities = take("facility_location", scores, n, embeddings, prefilter=0)
    assert (propensities == 1).all() and len(found) == n
    # gains may be equal in single precision
    assert found.tolist() == chosen or coverage(found) > coverage(chosen) * (1 - 1e-5)


# cluster margin


@pytest.mark.slow
@quick
@given(st.integers(0, 1000), st.integers(2, 20))
def test_cluster_margin_takes_clusters_in_turn(seed, n):
    scores, embeddings = pool(seed, 30)
    # to the last digit what is clustered, or k-means may end elsewhere
    units = clusters.directions(embeddings, numpy.arange(30))
    middle = clusters.centres(units, n, int(rng(seed).integers(2**31)))
    members = [[] for _ in middle]
    # what differs in its last digits alone is alike, and earlier rows come first
    alike = round_significant(scores)
    for row in numpy.argsort(-alike, kind="stable").tolist():
        members[((units[row] - middle) ** 2).sum(axis=1).argmin()].append(row)
    # equal sizes: the one with the better row first
    found = take("cluster_margin", scores, n, embeddings, seed, prefilter=0)[0].tolist()
    expected = []
    for turn in range(30):
        now = [m for m in members if turn < len(m)]
        order = sorted(now, key=lambda m: (len(m), -alike[m[turn]], m[turn]))
        expected += [m[turn] for m in order]
    assert found == expected[:n]


def test_cluster_margin_asks_the_small_cluster_first():
    embeddings, bundle = blobs([30, 3, 12])
    rows, _ = take("cluster_margin", rng().random(45), 3, embeddings, prefilter=0)
    assert bundle[rows].tolist() == [1, 2, 0]


# TypiClust


@pytest.mark.slow
@quick
@given(st.integers(0, 1000), st.integers(1, 6), st.sampled_from([0, 2]))
def test_typiclust_against_all_pairs(seed, n, n_labelled):
    _, embeddings = pool(seed, 50, 3)
    labelled = rng(seed + 5).normal(size=(n_labelled, 3))
    both = numpy.concatenate([embeddings, labelled])
    units = both / numpy.linalg.norm(both, axis=1, keepdims=True)
    middle = clusters.centres(units, n + n_labelled, int(rng(seed).integers(2**31)))
    home = [int(((row - middle) ** 2).sum(axis=1).argmin()) for row in units]
    order = []
    for c in range(n + n_labelled):
        own = [row for row in range(50) if home[row] == c]
        k = max(1, min(20, len(own) // 2))
        spread = {}
        for row in own:
            to = sorted(float(numpy.linalg.norm(units[row] - units[o])) for o in own if o != row)
            spread[row] = float(numpy.mean(to[:k])) if to else 0.0
        # of clusters of one size the one with the more typical row is first
        order += [
            (home.count(c) <= 5, turn, home[50:].count(c), -home.count(c), spread[row], row)
            for turn, row in enumerate(sorted(own, key=spread.__getitem__))
        ]
    given = {"labelled": labelled} if n_labelled else {}
    found = take("typiclust", numpy.ones(50), n, embeddings, seed, **given)[0].tolist()
    assert found == [row for *_, row in sorted(order)[:n]]


def test_typiclust_leaves_labelled_clusters_and_noise_for_later():
    embeddings, bundle = blobs([30, 20, 10, 3])
    rows, _ = take("typiclust", numpy.ones(63), 3, embeddings, labelled=numpy.eye(4)[:1])
    assert bundle[rows].tolist() == [1, 2, 0]
    embeddings, bundle = blobs([6, 3, 20])
    rows, _ = take("typiclust", numpy.ones(29), 3, embeddings)
    assert bundle[rows].tolist() == [2, 0, 2]


def test_typiclust_of_large_clusters(monkeypatch):
    embeddings, bundle = blobs([300, 200])
    whole = take("typiclust", numpy.ones(500), 2, embeddings)[0]
    monkeypatch.setattr(typiclust, "CHUNK", 2)
    assert take("typiclust", numpy.ones(500), 2, embeddings)[0].tolist() == whole.tolist()
    monkeypatch.setattr(typiclust, "AMONG", 100)
    assert bundle[take("typiclust", numpy.ones(500), 2, embeddings)[0]].tolist() == [0, 1]


# ProbCover


@quick
@given(st.integers(0, 1000), st.floats(0.1, 0.6))
def test_covering_against_counting(seed, share):
    near = rng(seed).random((15, 15)) < share / 2
    near |= near.T | numpy.eye(15, dtype=bool)
    start = rng(seed).random(15) < 0.8
    chosen, open_ = [], set(numpy.flatnonzero(start).tolist())
    while len(chosen) < 12:
        left = [row for row in range(15) if row not in chosen]
        gain = {row: sum(1 for other in open_ if near[row, other]) for row in left}
        best = max(left, key=gain.__getitem__)
        if not gain[best]:
            open_ = set(left)
            continue
        chosen.append(best)
        open_ -= {other for other in open_ if near[best, other]}
    assert prob_cover._cover(near, start, 12).tolist() == chosen


@pytest.mark.parametrize("purity", [0.5, 0.8, 0.95])
def test_radius_is_the_largest_of_that_purity(purity):
    _, embeddings = pool(2, 60, 3)
    units = embeddings / numpy.linalg.norm(embeddings, axis=1, keepdims=True)
    middle = clusters.centres(units, 4, 9)
    home = [int(((row - middle) ** 2).sum(axis=1).argmin()) for row in units]

    def pure(radius):
        near = [[numpy.linalg.norm(a - b) < radius for b in units] for a in units]
        return numpy.mean(
            [all(home[j] == home[i] for j in range(60) if near[i][j]) for i in range(60)]
        )

    radius = prob_cover._radius(units, 4, purity, 9)
    assert pure(radius - 1e-9) >= purity > pure(radius + 1e-9)


def test_prob_cover_goes_where_nothing_is_labelled():
    embeddings, bundle = blobs([30, 20, 10])
    rows, _ = take("prob_cover", numpy.ones(60), 3, embeddings, kinds=3)
    assert bundle[rows].tolist() == [0, 1, 2]
    rows, _ = take("prob_cover", numpy.ones(60), 2, embeddings, labelled=numpy.eye(3)[:1], kinds=3)
    assert bundle[rows].tolist() == [1, 2]
    # rows drawn to stand for a larger pool
    for name, most in (("FULL", 40), ("TRIAL", 30)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(prob_cover, name, most)
            rows, _ = take("prob_cover", numpy.ones(60), 3, embeddings, kinds=3)
            assert bundle[rows].tolist() == [0, 1, 2]


# factored rows


@quick
@given(st.integers(0, 1000))
def test_factored_rows_are_their_outer_products(seed):
    left, right = rng(seed).normal(size=(7, 3)), rng(seed + 1).normal(size=(7, 4))
    rows = Factored(left, right)
    out = numpy.array([[a * b for a in x for b in y] for x, y in zip(left, right)])
    assert rows.shape == out.shape and len(rows) == 7
    assert_allclose(rows.squares(), (out**2).sum(axis=1))
    assert_allclose(rows.sum(axis=0), out.sum(axis=0))
    assert_allclose(rows @ out[2], out @ out[2])
    for part in (numpy.array([5, 1, 1]), slice(2, 6), out[:, 0] > 0):
        assert_allclose(rows.products(rows[part]), out @ out[part].T)
    again = stack([rows[:3], rows[3:3], rows[3:]])
    assert (again.left == left).all() and (again.right == right).all()
    vectors = scaled(rows)
    size = numpy.abs(left).max() * numpy.abs(right).max()
    slow = [[((a - b) ** 2).sum() for b in out] for a in out]
    assert_allclose(
        squared_distances(vectors, squares(vectors), vectors) * size**2, slow, atol=1e-4
    )


def test_stack_of_other_rows():
    vectors = rng().normal(size=(6, 3))
    assert (stack([vectors[:2], vectors[2:]]) == vectors).all()
    both = stack([scipy.sparse.csr_matrix(vectors[:2]), scipy.sparse.csr_matrix(vectors[2:])])
    assert (both.toarray() == vectors).all()


def test_a_sketch_keeps_products_in_expectation():
    left, right = rng().normal(size=(60, 20)), rng(1).normal(size=(60, 30))
    out = numpy.einsum("nk,nd->nkd", left, right).reshape(60, -1)
    rows, lengths = sketch(left, right), numpy.linalg.norm(out, axis=1)
    assert rows.shape == (60, 256) and rows.dtype == numpy.float32
    error = (rows @ rows.T - out @ out.T) / lengths / lengths[:, None]
    assert abs(error.mean()) < 0.02 and numpy.abs(error).max() < 0.6
    # a quarter of the pairs would be off by more, were the scale wrong by a tenth
    assert numpy.sqrt((error**2).mean()) < 0.1
    total = sketch(left, right).sum(axis=0)
    by_hand = sum(numpy.outer(a, b) for a, b in zip(left, right))
    left_svd, sizes, right_svd = numpy.linalg.svd(by_hand, full_matrices=False)
    assert_allclose(total, sketch(left_svd.T * sizes[:, None], right_svd).sum(axis=0), atol=1e-3)

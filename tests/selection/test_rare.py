"""Rare labels: how probable each is, what is missed, and the neighbours of what was found."""

from types import SimpleNamespace

import numpy
import pytest
import scipy.sparse
import spacy
from numpy.testing import assert_allclose
from spacy.tokens import Doc

from spacy_al import get_posteriors
from spacy_al.acquisition import (
    expected_marks,
    fuse,
    information_density,
    label_probs,
    make_missed_entities,
)
from spacy_al.acquisition.missed import missed_entities
from spacy_al.arrays.factored import Factored
from spacy_al.errors import AlError, UsageError
from spacy_al.selection import density
from spacy_al.selection.density import nearest
from spacy_al.selection.near_positives import make_near_positives, near_positives
from spacy_al.selection.rank import top_k, uniform
from tests.helpers.ner_oracle import WORDS, make_ner


def rng(seed=0):
    return numpy.random.default_rng(seed)


@pytest.fixture(scope="module")
def entities():
    nlp = make_ner(("DRUG", "PER", "DOSE"))
    words = [rng(seed).choice(WORDS, seed % 9).tolist() for seed in range(20)]
    return get_posteriors(nlp, [Doc(nlp.vocab, words=w) for w in words])


def categories(rows, exclusive=False):
    labels = ("A", "B", "C")
    return [SimpleNamespace(labels=labels, probs=numpy.array(r), exclusive=exclusive) for r in rows]


def spans(tables):
    made = []
    for table in tables:
        probs = numpy.array(table, dtype="f8").reshape(-1, 3)
        made.append(SimpleNamespace(labels=("A", "B", "C"), probs=probs, span_probs=probs.ravel()))
    return made


TABLES = [[[0.1, 0.2, 0.9], [0.5, 0.0, 0.3]], [], [[0.0, 0.0, 1.0]]]


# how probable each label is


def test_label_probs_of_entities(entities):
    found = label_probs(entities)
    assert found.shape == (20, 3) and (found[0] == 0).all()
    for row, posterior in zip(found, entities):
        for k, label in enumerate(posterior.labels):
            n = len(posterior)
            every = [posterior.prob(i, j, label) for i in range(n) for j in range(i + 1, n + 1)]
            assert_allclose(row[k], max(every, default=0.0), atol=1e-6)
    assert_allclose(label_probs(entities[5:8][::-1]), found[5:8][::-1])


def test_label_probs_of_other_kinds():
    assert label_probs(spans(TABLES)).tolist() == [[0.5, 0.2, 0.9], [0, 0, 0], [0, 0, 1]]
    rows = [[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]]
    assert label_probs(categories(rows, exclusive=True)).tolist() == rows
    tokens = [numpy.array([[0.2, 0.8], [0.6, 0.4]]), numpy.zeros((0, 2))]
    tags = [SimpleNamespace(labels=("N", "V"), token_probs=probs) for probs in tokens]
    assert label_probs(tags).tolist() == [[0.6, 0.8], [0, 0]]
    assert label_probs([]).shape == (0, 0)


def test_label_probs_of_a_committee_are_the_mean_over_its_members():
    first, second = categories([[0.2, 0.3, 0.5]]), categories([[0.4, 0.3, 0.1]])
    posterior = SimpleNamespace(labels=("A", "B", "C"), members=(first[0], second[0]))
    assert_allclose(label_probs([posterior]), [[0.3, 0.3, 0.3]])


def test_label_probs_refuse():
    with pytest.raises(AlError, match="AL020"):
        label_probs([SimpleNamespace(labels=())])
    with pytest.raises(AlError, match="AL021"):
        label_probs(categories([[0.1, float("nan"), 0.2]]))


# what an answer is expected to hold


def test_expected_marks(entities):
    for score, posterior in zip(expected_marks(entities), entities):
        n = len(posterior)
        every = [(i, j, k) for i in range(n) for j in range(i + 1, n + 1) for k in posterior.labels]
        # what is below 1e-6 is not in the posterior's list
        assert_allclose(score, sum(posterior.prob(*span) for span in every), atol=1e-4)
    assert_allclose(expected_marks(spans(TABLES)), [2.0, 0.0, 1.0])
    rows = [[0.2, 0.3, 0.5], [1.0, 1.0, 0.0]]
    assert_allclose(expected_marks(categories(rows)), [1.0, 2.0])
    assert_allclose(expected_marks(categories(rows[:1], exclusive=True)), [1.0])
    tokens = [numpy.array([[0.2, 0.8], [0.6, 0.4]]), numpy.zeros((0, 2))]
    tags = [SimpleNamespace(labels=("N", "V"), token_probs=probs) for probs in tokens]
    assert_allclose(expected_marks(tags), [0.6, 0.0])
    first, second = categories(rows)
    committee = SimpleNamespace(labels=("A", "B", "C"), members=(first, second))
    assert_allclose(expected_marks([committee]), [1.5])
    with pytest.raises(AlError, match="AL020"):
        expected_marks([SimpleNamespace(labels=())])


# what is missed


@pytest.mark.parametrize("labels", [None, ["PER"], ["DOSE", "DRUG"]])
def test_missed_entities_are_what_the_greedy_analysis_leaves_out(entities, labels):
    scores = make_missed_entities(labels)(entities)
    for score, posterior in zip(scores, entities):
        greedy = {(span.start, span.end, span.label) for span in posterior.greedy}
        n, slow = len(posterior), 0.0
        for label in labels or posterior.labels:
            for i in range(n):
                for j in range(i + 1, n + 1):
                    if (i, j, label) not in greedy:
                        slow += posterior.prob(i, j, label)
        # what is below 1e-6 is not in the posterior's list
        assert_allclose(score, slow, atol=1e-4)
    assert scores.max() > 0.1 and scores[0] == 0


def test_missed_spans_and_categories_are_those_below_the_threshold():
    assert_allclose(missed_entities(spans(TABLES)), [0.1 + 0.2 + 0.5 + 0.3, 0, 0])
    assert_allclose(missed_entities(spans(TABLES), ["A", "C"]), [0.1 + 0.5 + 0.3, 0, 0])
    rows = [[0.2, 0.3, 0.9], [1.0, 0.0, 0.0]]
    assert_allclose(missed_entities(categories(rows)), [0.5, 0])
    assert_allclose(missed_entities(categories(rows), ["B"]), [0.3, 0])


def test_missed_entities_refuse_a_label_that_the_model_lacks(entities):
    with pytest.raises(UsageError, match=r"AL230.*missed_entities.*LOC.*DOSE, DRUG, PER"):
        missed_entities(entities, ["LOC"])
    with pytest.raises(UsageError, match=r"AL230.*A, B, C"):
        missed_entities(categories([[0.2, 0.3, 0.9]]), ["LOC"])


# fusion


PRODUCT = {
    "@al_acquisitions": "spacy-al.product.v1",
    "acquisitions": {
        "entropy": {"@al_acquisitions": "spacy-al.token_entropy.v1", "reduce": "mean"},
        "missed": {"@al_acquisitions": "spacy-al.missed_entities.v1"},
    },
}


def test_product_multiplies_what_its_blocks_name(entities):
    made = spacy.registry.resolve({"x": PRODUCT})["x"]
    parts = [spacy.registry.resolve({"x": b})["x"] for b in PRODUCT["acquisitions"].values()]
    assert_allclose(made(entities), parts[0](entities) * parts[1](entities))
    with pytest.raises(UsageError, match=r"AL231.*\[al\.acquisition\.acquisitions\]"):
        spacy.registry.resolve({"x": {**PRODUCT, "acquisitions": {}}})
    with pytest.raises(UsageError, match=r"AL233.*'mnlp' is 3"):
        spacy.registry.resolve({"x": {**PRODUCT, "acquisitions": {"mnlp": 3}}})


def test_fuse():
    scores, typical = numpy.array([3.0, 1.0, 2.0]), numpy.array([0.2, 0.9, 0.5])
    expected = information_density(scores, typical, 2.0)
    assert_allclose(fuse(scores, typical, "product", 2.0), expected)
    # ranks 1, 0, 1/2 and 0, 1, 1/2
    assert_allclose(fuse(scores, typical, "rank"), [0.5, 0.5, 0.5])
    assert_allclose(fuse(scores, typical, "rank", 3.0), [0.25, 0.75, 0.5])
    assert_allclose(fuse(scores, typical, "rank", 0.0), [1.0, 0.0, 0.5])
    with pytest.raises(UsageError, match=r"AL022.*product, rank"):
        fuse(scores, typical, "sum")
    for how in ("product", "rank"):
        with pytest.raises(UsageError, match="AL023"):
            fuse(scores, typical, how, -1.0)
        with pytest.raises(AlError, match="AL024"):
            fuse(scores, typical[:2], how)


# the neighbours of what was found


def found(counts, embeddings, labels=("INN", "ORG")):
    return SimpleNamespace(counts=numpy.array(counts), embeddings=embeddings, labels=labels)


def bundles(seed=0):
    """A hundred rows in four directions, and one labelled text in each; the third holds the rare label."""
    centres = numpy.eye(4)[numpy.arange(100) % 4]
    rows = centres + 0.05 * rng(seed).normal(size=(100, 4))
    return rows, found([[0, 2], [0, 1], [1, 0], [0, 1]], 3.0 * numpy.eye(4))


@pytest.mark.parametrize(
    "convert", [numpy.asarray, scipy.sparse.csr_matrix, scipy.sparse.coo_array]
)
def test_rows_near_rare_labels_come_first(convert):
    rows, labelled = bundles()
    labelled.embeddings = convert(labelled.embeddings)
    scores = rng(1).random(100)
    picked, propensities = near_positives(
        scores, 12, rng(), embeddings=convert(rows), labelled=labelled, k=8, explore=0.0
    )
    cosines = rows[:, 2] / numpy.linalg.norm(rows, axis=1)
    near = numpy.sort(numpy.argsort(-cosines)[:8])
    assert picked[:8].tolist() == near[numpy.argsort(-scores[near])].tolist()
    # there are no more neighbours, so the rest goes by score
    left = numpy.setdiff1d(numpy.arange(100), near)
    assert picked[8:].tolist() == left[top_k(scores[left], 4, rng())[0]].tolist()
    assert (propensities == 1).all()


def test_named_labels_and_explored_rows():
    rows, labelled = bundles()
    given = {"embeddings": rows, "labelled": labelled, "k": 20}
    scores = rng(1).random(100)
    picked, propensities = near_positives(scores, 10, rng(), labels=["ORG"], explore=0.2, **given)
    first, chances = uniform(scores, 2, rng())
    assert picked[:2].tolist() == first.tolist()
    assert propensities.tolist() == [*chances.tolist(), *[1.0] * 8]
    assert not (picked[2:] % 4 == 2).any()
    with pytest.raises(UsageError, match=r"AL230.*near_positives.*LOC"):
        near_positives(scores, 10, rng(), labels=["LOC"], **given)


def test_one_of_a_group_and_nothing_labelled():
    rows, labelled = bundles()
    scores, groups = rng(1).random(100), numpy.arange(100) // 8
    picked, _ = near_positives(scores, 9, rng(), embeddings=rows, labelled=labelled, groups=groups)
    assert len(set(groups[picked].tolist())) == 9
    for nothing in (None, found(numpy.zeros((0, 2), int), None)):
        picked, _ = near_positives(scores, 9, rng(), embeddings=rows, labelled=nothing, explore=0.0)
        assert picked.tolist() == top_k(scores, 9, rng())[0].tolist()


def test_factored_embeddings_are_compared_by_their_sketches():
    left, right = rng(0).normal(size=(40, 3)), rng(1).normal(size=(40, 5))
    labelled = found([[1, 0], [0, 1], [0, 1]], Factored(left[:3], right[:3]))
    picked, _ = near_positives(
        rng(2).random(40),
        1,
        rng(),
        embeddings=Factored(left, right),
        labelled=labelled,
        k=1,
        explore=0,
    )
    assert picked.tolist() == [0]


def test_settings_out_of_range():
    with pytest.raises(UsageError, match="AL023"):
        make_near_positives(k=0)
    with pytest.raises(AlError, match="AL021"):
        make_near_positives(explore=2.0)
    with pytest.raises(UsageError, match="AL025"):
        near_positives(numpy.ones(3), 1, rng())


@pytest.mark.parametrize("convert", [numpy.asarray, scipy.sparse.csr_matrix])
def test_nearest_against_all_pairs(convert, monkeypatch):
    queries, rows = rng(0).normal(size=(7, 5)), rng(1).normal(size=(50, 5))
    units = [table / numpy.linalg.norm(table, axis=1, keepdims=True) for table in (queries, rows)]
    cosines = units[0] @ units[1].T
    order = numpy.argsort(-cosines, axis=1)[:, :6]
    for hide in (False, True):
        if hide:
            monkeypatch.setitem(__import__("sys").modules, "faiss", None)
        similar, found = nearest(convert(queries), convert(rows), 6)
        assert found.tolist() == order.tolist()
        assert_allclose(similar, numpy.take_along_axis(cosines, order, axis=1), atol=1e-6)
    monkeypatch.setattr(density, "EXACT", 10)
    with pytest.raises(AlError, match="AL026"):
        density.knn_density(rows)


def test_more_of_a_rare_label_are_found_than_by_chance():
    """Three texts in a hundred hold the label, and lie in one direction; one of them is known."""
    hidden = rng(0).random(2000) < 0.03
    rows = rng(1).normal(size=(2000, 16)) + 3.0 * hidden[:, None] * numpy.eye(16)[0]
    labelled = found([[1, 0], [0, 1], [0, 1]], numpy.eye(16)[[0, 3, 5]], ("RARE", "OTHER"))
    scores = rng(2).random(2000)
    picked, _ = near_positives(scores, 20, rng(), embeddings=rows, labelled=labelled, k=50)
    assert hidden[picked].mean() > 5 * hidden.mean()

"""Strategies of other libraries as samplers, against calls of the libraries and slow references."""

from types import SimpleNamespace

import numpy
import pytest
import scipy.sparse
import spacy
from sklearn.linear_model import LogisticRegression

from spacy_al.errors import AlError, UsageError
from spacy_al.registry import al_samplers
from tests.helpers.randomness import global_state

# all that choose for classification and are made without another strategy or a factory; epistemic wants two classes
SKACTIVEML = (
    "Badge BatchBALD Clue ContrastiveAL CoreSet CostEmbeddingAL DiscriminativeAL DropQuery Falcun FourDs GreedyBALD "
    "GreedySamplingX MaxHerding ProbCover ProbabilisticAL QueryByCommittee Quire RandomSampling TypiClust "
    "UncertaintySampling"
)
SMALL_TEXT = (
    "BreakingTies ContrastiveActiveLearning EmbeddingKMeans GreedyCoreset LeastConfidence LightweightCoreset "
    "PredictionEntropy RandomSampling"
)
EVERY = [("skactiveml", name) for name in SKACTIVEML.split()]
EVERY += [("small_text", name) for name in SMALL_TEXT.split()]


def rng(seed=0):
    return numpy.random.default_rng(seed)


def sampler(library, strategy, **settings):
    return al_samplers.get(f"spacy-al.{library}.v1")(strategy, **settings)


def case(size=40, n_labelled=15, seed=0):
    known = rng(seed + 1).normal(size=(n_labelled, 4))
    counts = numpy.eye(3, dtype="i8")[rng(seed + 2).integers(0, 3, n_labelled)]
    labelled = SimpleNamespace(embeddings=known, counts=counts)
    return rng(seed).normal(size=(size, 4)), labelled


@pytest.mark.slow
@pytest.mark.parametrize("library, strategy", EVERY)
def test_every_strategy_chooses_from_the_pool(library, strategy):
    embeddings, labelled = case()
    before = global_state()
    take, groups = sampler(library, strategy), numpy.arange(40) // 2
    given = {"embeddings": embeddings, "labelled": labelled, "groups": groups}
    scores = rng(5).random(40)
    rows, propensities = take(scores, 6, rng(), **given)
    assert len(set((rows // 2).tolist())) == 6 and (propensities == 1).all()
    # of each group, the highest score
    assert all(scores[row] == scores[groups == groups[row]].max() for row in rows)
    assert take(scores, 6, rng(), **given)[0].tolist() == rows.tolist()
    assert global_state() == before


@pytest.mark.parametrize(
    "library, strategy, settings",
    [("skactiveml", "UncertaintySampling", {"method": "margin_sampling"}), ("small_text", "BreakingTies", {})],
)  # fmt: skip
def test_breaking_ties_against_the_classifier_itself(library, strategy, settings):
    for seed in range(5):
        embeddings, labelled = case(seed=seed)
        head = LogisticRegression(max_iter=1000).fit(
            labelled.embeddings, labelled.counts.argmax(axis=1)
        )
        two = numpy.sort(head.predict_proba(embeddings), axis=1)[:, -2:]
        expected = numpy.argsort(two[:, 1] - two[:, 0])[:5]
        take = sampler(library, strategy, settings=settings)
        rows, _ = take(numpy.ones(40), 5, rng(), embeddings=embeddings, labelled=labelled)
        assert sorted(rows.tolist()) == sorted(expected.tolist())


def test_core_set_against_the_farthest_point():
    embeddings, labelled = case()
    seen, expected = list(labelled.embeddings), []
    for _ in range(5):
        nearest = [min(float(((row - s) ** 2).sum()) for s in seen) for row in embeddings]
        expected.append(int(numpy.argmax(nearest)))
        seen.append(embeddings[expected[-1]])
    take = sampler("skactiveml", "CoreSet")
    rows, _ = take(numpy.ones(40), 5, rng(), embeddings=embeddings, labelled=labelled)
    assert rows.tolist() == expected


def test_texts_without_a_label_are_not_learned_from():
    embeddings, labelled = case()
    more = SimpleNamespace(
        embeddings=numpy.vstack([labelled.embeddings, embeddings[:3]]),
        counts=numpy.vstack([labelled.counts, numpy.zeros((3, 3), dtype="i8")]),
    )
    for library, strategy in (
        ("skactiveml", "UncertaintySampling"),
        ("small_text", "BreakingTies"),
    ):
        take = sampler(library, strategy)
        found = [
            take(numpy.ones(40), 5, rng(), embeddings=embeddings, labelled=known)[0].tolist()
            for known in (labelled, more)
        ]
        assert found[0] == found[1]


def test_only_the_highest_scores_take_part_if_asked():
    embeddings, labelled = case()
    take = sampler("skactiveml", "TypiClust", prefilter=3)
    rows, _ = take(numpy.arange(40.0), 4, rng(), embeddings=embeddings, labelled=labelled)
    assert len(set(rows.tolist())) == 4 and rows.min() >= 28


def test_sparse_embeddings_and_a_start_without_labels():
    embeddings, _ = case()
    thin = scipy.sparse.csr_matrix(embeddings)
    for library, strategy in (("skactiveml", "TypiClust"), ("small_text", "EmbeddingKMeans")):
        take = sampler(library, strategy)
        for none in (None, SimpleNamespace(embeddings=None, counts=numpy.zeros((0, 3)))):
            rows, _ = take(numpy.ones(40), 5, rng(), embeddings=embeddings, labelled=none)
            again, _ = take(numpy.ones(40), 5, rng(), embeddings=thin, labelled=none)
            assert rows.tolist() == again.tolist() and len(set(rows.tolist())) == 5


def test_from_a_config():
    block = {
        "@al_samplers": "spacy-al.skactiveml.v1",
        "strategy": "UncertaintySampling",
        "settings": {"method": "entropy"},
    }
    take = spacy.registry.resolve({"sampler": block})["sampler"]
    embeddings, labelled = case()
    rows, _ = take(numpy.ones(40), 5, rng(), embeddings=embeddings, labelled=labelled)
    assert len(rows) == 5


@pytest.mark.parametrize("library", ["skactiveml", "small_text"])
def test_what_cannot_be_used_is_explained(library):
    for name in ("NoSuchThing", "__name__", "numpy"):
        with pytest.raises(UsageError, match=f"AL246.*{name}.*no such strategy"):
            sampler(library, name)
    embeddings, labelled = case()
    strange = sampler(library, "RandomSampling", settings={"no_such_key": 1})
    with pytest.raises(AlError, match=r"AL246.*RandomSampling.*arguments?"):
        strange(numpy.ones(40), 5, rng(), embeddings=embeddings, labelled=labelled)
    several = SimpleNamespace(embeddings=labelled.embeddings, counts=labelled.counts + 1)
    with pytest.raises(AlError, match=r"AL247.*several labels"):
        sampler(library, "RandomSampling")(numpy.ones(40), 5, rng(), embeddings=embeddings, labelled=several)  # fmt: skip
    with pytest.raises(AlError, match="AL025"):
        sampler(library, "RandomSampling")(numpy.ones(40), 5, rng())


def test_small_text_needs_labels_of_two_categories_for_a_classifier():
    embeddings, _ = case()
    with pytest.raises(AlError, match=r"AL246.*two categories"):
        sampler("small_text", "BreakingTies")(numpy.ones(40), 5, rng(), embeddings=embeddings)


@pytest.mark.parametrize("library", ["skactiveml", "small_text"])
def test_a_missing_library_is_explained(library, monkeypatch):
    import importlib

    def hidden(name, *args, **kwargs):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", hidden)
    with pytest.raises(UsageError, match=rf"AL245.*pip install 'spacy-al\[{library}\]'"):
        sampler(library, "RandomSampling")

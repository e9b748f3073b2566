"""Classifiers that decide without probabilities: calibrated where there are texts enough, and a warning where not."""

import numpy
import pytest
import spacy
from numpy.testing import assert_allclose
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression, Perceptron, RidgeClassifier, SGDClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC, LinearSVC

from spacy_al import estimator_posteriors, registry
from spacy_al.embeddings.documents import hashed_words
from spacy_al.errors import AlError, AlWarning, UsageError

LABELS = ["NEG", "POS", "MID"]
WORDS = {"POS": ["good", "fine", "sun"], "NEG": ["bad", "cold", "rain"], "MID": ["so", "meh", "ok"]}
make = registry.al_posteriors.get("spacy-al.estimator.v1")


def pipe_of(nlp, labels, factory="textcat"):
    pipe = nlp.add_pipe(factory)
    for label in labels:
        pipe.add_label(label)
    return pipe


def made(nlp, n, seed=0, kinds=("POS", "NEG", "MID"), noise=0.0):
    """Texts of the words of a kind, some of another's, and their kinds in turn."""
    rng = numpy.random.default_rng(seed)
    docs, right = [], [kinds[i % len(kinds)] for i in range(n)]
    for kind in right:
        own = [kind if rng.random() >= noise else rng.choice(kinds) for _ in range(5)]
        docs.append(nlp.make_doc(" ".join(rng.choice(WORDS[k]) for k in own)))
    return docs, right


def exclusive_cats(right, labels=LABELS):
    return [{label: float(label == kind) for label in labels} for kind in right]


@pytest.mark.parametrize(
    "estimator",
    [LinearSVC(random_state=0), SVC(kernel="linear"), Perceptron(), RidgeClassifier(), SGDClassifier(random_state=0)],
    ids=lambda e: type(e).__name__,
)  # fmt: skip
def test_calibrated_as_scikit_learn_does_it(estimator):
    nlp = spacy.blank("en")
    docs, right = made(nlp, 60, noise=0.4)
    pipe = pipe_of(nlp, LABELS)
    reader = make(estimator, hashed_words)
    posteriors = reader(pipe, docs, 1.0, labelled=list(zip(docs, exclusive_cats(right))))
    # of 20 texts a category five folds are made
    answers = [LABELS.index(kind) for kind in right]
    own = CalibratedClassifierCV(
        clone(estimator), method="sigmoid", cv=StratifiedKFold(5), ensemble=False
    ).fit(hashed_words(docs), answers)
    assert_allclose([p.probs for p in posteriors], own.predict_proba(hashed_words(docs)))
    assert posteriors[0].labels == ("NEG", "POS", "MID") and posteriors[0].exclusive


@pytest.mark.parametrize("scale", [0.01, 100.0])
def test_calibrated_ones_say_how_sure_they_are_whatever_the_unit_of_decisions(scale):
    class Scaled(LinearSVC):
        def decision_function(self, vectors):
            return scale * super().decision_function(vectors)

    nlp = spacy.blank("en")
    docs, right = made(nlp, 90, noise=0.5)
    others, theirs = made(nlp, 600, seed=1, noise=0.5)
    read = make(Scaled(random_state=0), hashed_words)
    labelled = list(zip(docs, exclusive_cats(right)))
    probs = numpy.stack(
        [p.probs for p in read(pipe_of(nlp, LABELS), others, 1.0, labelled=labelled)]
    )
    answers = [LABELS.index(kind) for kind in theirs]
    own = Scaled(random_state=0).fit(hashed_words(docs), [LABELS.index(kind) for kind in right])
    raw = softmax(own.decision_function(hashed_words(others)), axis=1)
    loss, raw_loss = (log_loss(answers, found, labels=[0, 1, 2]) for found in (probs, raw))
    assert loss < 0.5 * raw_loss
    # as often right as they say
    assert abs(probs.max(axis=1).mean() - (probs.argmax(axis=1) == answers).mean()) < 0.1


def test_two_texts_a_category_are_enough():
    nlp = spacy.blank("en")
    docs, right = made(nlp, 6)
    read = make(LinearSVC(random_state=0), hashed_words)
    posteriors = read(
        pipe_of(nlp, LABELS), docs, 1.0, labelled=list(zip(docs, exclusive_cats(right)))
    )
    own = CalibratedClassifierCV(
        LinearSVC(random_state=0), method="sigmoid", cv=StratifiedKFold(2), ensemble=False
    ).fit(hashed_words(docs), [LABELS.index(kind) for kind in right])
    assert_allclose([p.probs for p in posteriors], own.predict_proba(hashed_words(docs)))


def test_too_few_texts_are_said_once():
    nlp = spacy.blank("en")
    docs, right = made(nlp, 4)
    labels = [*LABELS, "NONE"]
    pipe = pipe_of(nlp, labels)
    reader = make(LinearSVC(random_state=0), hashed_words)
    labelled = list(zip(docs, exclusive_cats(right, labels)))
    with pytest.warns(AlWarning, match=r"ALW242.*LinearSVC.*fewer for NEG, MID\.") as caught:
        posteriors = reader(pipe, docs, 1.0, labelled=labelled)
    assert len(caught) == 1
    own = LinearSVC(random_state=0).fit(hashed_words(docs), [LABELS.index(kind) for kind in right])
    expected = softmax(own.decision_function(hashed_words(docs)), axis=1)
    assert_allclose([p.probs[:3] for p in posteriors], expected)
    # nothing for what no text has; and whoever reads on is not told again
    assert [p.probs[3] for p in posteriors] == [0] * 4
    (again,) = reader(pipe, docs[:1], 1.0, labelled=labelled)
    assert_allclose(again.probs, posteriors[0].probs)


def test_two_categories_have_one_decision():
    nlp = spacy.blank("en")
    docs, right = made(nlp, 3, kinds=("POS", "NEG"))
    with pytest.warns(AlWarning, match=r"ALW242.*NEG"):
        posteriors = make(LinearSVC(random_state=0), hashed_words)(
            pipe_of(nlp, LABELS), docs, 1.0, labelled=list(zip(docs, exclusive_cats(right)))
        )
    own = LinearSVC(random_state=0).fit(hashed_words(docs), [LABELS.index(kind) for kind in right])
    second = expit(own.decision_function(hashed_words(docs)))
    assert_allclose([p.probs[:2] for p in posteriors], numpy.stack([1 - second, second], axis=1))
    assert [p.probs.argmax() for p in posteriors] == [LABELS.index(kind) for kind in right]


@pytest.mark.parametrize(
    "estimator", [LinearSVC(random_state=0), OneVsRestClassifier(LinearSVC(random_state=0))]
)
def test_of_several_labels_each_is_calibrated(estimator):
    nlp = spacy.blank("en")
    docs, right = made(nlp, 30, noise=0.3)
    labels = ["POS", "ALL", "NEVER", "NIGHT", "RARE"]
    pipe = pipe_of(nlp, labels, "textcat_multilabel")
    cats = [
        {"POS": kind == "POS", "NIGHT": kind != "MID", "ALL": 1.0, "NEVER": 0.0, "RARE": i == 4}
        for i, kind in enumerate(right)
    ]
    labelled = [(doc, {name: float(v) for name, v in own.items()}) for doc, own in zip(docs, cats)]
    with pytest.warns(AlWarning, match=r"ALW242.*fewer for RARE\."):
        posteriors = make(estimator, hashed_words)(pipe, docs, 1.0, labelled=labelled)
    probs, vectors = numpy.stack([p.probs for p in posteriors]), hashed_words(docs)
    for label in ("POS", "NIGHT"):
        own = CalibratedClassifierCV(
            LinearSVC(random_state=0), method="sigmoid", cv=StratifiedKFold(5), ensemble=False
        ).fit(vectors, [one[label] for one in cats])
        assert_allclose(probs[:, labels.index(label)], own.predict_proba(vectors)[:, 1])
    rare = LinearSVC(random_state=0).fit(vectors, [one["RARE"] for one in cats])
    assert_allclose(probs[:, 4], expit(rare.decision_function(vectors)))
    # what does not vary is what it always was
    assert probs[:, 1].tolist() == [1] * 30 and probs[:, 2].tolist() == [0] * 30
    assert not posteriors[0].exclusive


def test_only_labels_that_never_vary():
    nlp = spacy.blank("en")
    docs, _ = made(nlp, 4)
    pipe = pipe_of(nlp, ["ALL", "NEVER"], "textcat_multilabel")
    for estimator in (LinearSVC(random_state=0), LogisticRegression()):
        found = make(estimator, hashed_words)(
            pipe, docs, 1.0, labelled=[(doc, {"ALL": 1.0, "NEVER": 0.0}) for doc in docs]
        )
        assert [p.probs.tolist() for p in found] == [[1, 0]] * 4


def test_one_that_was_fitted_elsewhere_is_squeezed():
    nlp = spacy.blank("en")
    docs, right = made(nlp, 9)
    vectors = hashed_words(docs)
    fitted = LinearSVC(random_state=0).fit(vectors, right)
    expected = softmax(fitted.decision_function(vectors), axis=1)
    with pytest.warns(AlWarning, match="ALW242.*fitted already") as caught:
        posteriors = estimator_posteriors(fitted, vectors)
    assert posteriors[0].labels == tuple(fitted.classes_) and len(caught) == 1
    assert_allclose([p.probs for p in posteriors], expected)
    reader, pipe = make(fitted, hashed_words), pipe_of(nlp, LABELS)
    with pytest.warns(AlWarning, match="ALW242") as caught:
        for doc, row in zip(docs, expected):
            (found,) = reader(pipe, [doc], 1.0)
            assert_allclose([found.probs[LABELS.index(c)] for c in fitted.classes_], row)
    assert len(caught) == 1


def test_several_labels_that_were_fitted_elsewhere():
    nlp = spacy.blank("en")
    docs, right = made(nlp, 9)
    answers = numpy.array([[kind == "POS", kind != "MID"] for kind in right]).astype(int)
    vectors = hashed_words(docs)
    fitted = OneVsRestClassifier(LinearSVC(random_state=0)).fit(vectors, answers)
    with pytest.warns(AlWarning, match="ALW242"):
        posteriors = estimator_posteriors(fitted, vectors, ["A", "B"], exclusive=False)
    assert_allclose([p.probs for p in posteriors], expit(fitted.decision_function(vectors)))
    # of one label a decision has no columns
    alone = LinearSVC(random_state=0).fit(vectors, answers[:, 0])
    with pytest.warns(AlWarning, match="ALW242"):
        posteriors = make(alone, hashed_words)(pipe_of(nlp, ["A"], "textcat_multilabel"), docs, 1.0)
    assert_allclose([p.probs[0] for p in posteriors], expit(alone.decision_function(vectors)))


class Pairs(LinearSVC):
    def decision_function(self, vectors):
        return numpy.zeros((vectors.shape[0], 7))


class Broken(LinearSVC):
    def decision_function(self, vectors):
        return numpy.full(vectors.shape[0], numpy.nan)


@pytest.mark.parametrize("kind", [Pairs, Broken])
def test_decisions_of_something_else_are_refused(kind):
    nlp = spacy.blank("en")
    docs, right = made(nlp, 9)
    fitted = kind().fit(hashed_words(docs), right)
    with (
        pytest.warns(AlWarning, match="ALW242"),
        pytest.raises(AlError, match=f"AL244.*{kind.__name__} returned"),
    ):
        estimator_posteriors(fitted, hashed_words(docs), LABELS)


def test_neither_probabilities_nor_decisions():
    for estimator in (VotingClassifier([("one", LogisticRegression())]), object()):
        with pytest.raises(UsageError, match=r"AL242.*neither predict_proba nor decision_function"):
            make(estimator, hashed_words)
        with pytest.raises(UsageError, match="AL242"):
            estimator_posteriors(estimator, numpy.eye(2))
